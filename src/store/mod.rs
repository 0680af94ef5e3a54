//! The database and the stored files: the only module that names `sea_orm` and `object_store`.
//!
//! SQLite has one writer connection and readers beside it; PostgreSQL has one pool that does both.
//! Every statement has the same text on both but for its place holders (`rows.rs`) and for lists that go or
//! come as one value (`json_list`, `summaries.rs`).

mod accounts;
mod api_tokens;
mod batches;
mod blobs;
mod catch_up;
mod changes;
mod checkpoints;
mod connections;
mod conversations;
mod dealers;
mod directory;
mod disks;
mod faults;
mod halls;
mod heads;
mod logins;
mod markers;
mod messages;
mod meta;
mod notices;
mod overviews;
mod patience;
mod peers;
mod people;
mod proofs;
mod reactions;
mod repeats;
mod roles;
mod rooms;
mod rows;
mod seeds;
mod sequences;
mod sizes;
mod summaries;
#[cfg(test)]
pub mod tests_support;
mod transactions;
mod unread;
mod uploads;
mod user_changes;
mod users;
mod views;
mod writer;

pub use accounts::{Account, AccountChange};
pub use api_tokens::{KnownToken, OwnedToken, TokenEnd, TokenFilter, TokenOwner};
pub use blobs::{BlobConfig, BlobStream, BlobWriter, Blobs, Bucket};
pub use catch_up::Stretch;
pub use conversations::{NewPair, Pair};
pub use dealers::{DealerRoom, ListedDealerRoom};
pub use directory::DirectoryEntry;
pub use disks::Disk;
pub use faults::Fault;
pub use halls::{ActiveRoom, RoomSummary};
pub use heads::{ChangedStretch, Head, HeadPlace, Horizon};
pub use logins::LoginRow;
pub use markers::ToldSpan;
pub use messages::Page;
pub use meta::{API_TOKEN_KEY, BUS_KEY, LINK_KEY};
pub use notices::MAX_NOTICE_BYTES;
pub use overviews::ListedRoom;
pub use patience::{PATIENCE, in_time, until};
pub use peers::Acquaintance;
pub use proofs::Proof;
pub use reactions::{ReactionRow, by_message};
pub use roles::Parting;
pub use rooms::{NewRoom, RoomChange, StoredConversation};
pub use sizes::n_bytes;
pub use sohbet_entity::api_token::Model as ApiTokenRow;
pub use sohbet_entity::conversation::Model as ConversationRow;
pub use sohbet_entity::message::Model as MessageRow;
pub use sohbet_entity::offer::Model as OfferRow;
pub use sohbet_entity::participant::Model as ParticipantRow;
pub use sohbet_entity::room::Model as RoomRow;
pub use sohbet_entity::upload::Model as UploadRow;
pub use sohbet_entity::user::Model as UserRow;
pub use sohbet_entity::vehicle::Model as VehicleRow;
pub use summaries::ConversationSummary;
pub use unread::Standing;
pub use uploads::upload_id_in;
pub use user_changes::{NumberedChange, UserChange};
pub use views::{NamedParticipant, Parties, Place, PlacePage};
pub use writer::{
    Change, ChangedMessage, Channel, Done, EarlierKey, MAX_REACTIONS, MAX_WAYS, NewChange, NewId,
    NewMessage, NewRead, Outcome, ReadOutcome, ReadScope, StoredMessage, Twin, Write, Writer,
    WriterQueue,
};

use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use sea_orm::{DatabaseConnection, DatabaseTransaction, Statement, Value};
use sequences::Sequence;

/// Where the database is and how to use it.
#[derive(Debug, Clone)]
pub struct Config {
    /// `sqlite://…?mode=rwc` or `postgres://…`, without parameters that the driver does not know.
    pub url: String,
    /// PostgreSQL schema, when it is not the default one.
    pub schema: Option<String>,
    /// Reader connections of SQLite; the pool size on PostgreSQL.
    pub readers: u32,
    /// Whether to bring the schema up to date at start.
    pub migrate: bool,
}

/// An open database.
pub struct Store {
    read: DatabaseConnection,
    write: DatabaseConnection,
    /// Small integer ids for messages; the writer gives them out.
    message_ids: Arc<Sequence>,
    /// Small integer ids for conversations.
    conversation_ids: Sequence,
    /// Random id of this generation of the data: a restored backup gets another one.
    pub epoch: String,
    /// Connections for reading; on PostgreSQL they write as well.
    pub n_readers: u32,
    /// The disk of SQLite's file.
    pub disk: Option<Disk>,
    /// Whether the host application's `"Session"` table is there.
    has_logins: bool,
    /// Held while the server runs, so that no second one opens the same file.
    _file_lock: Option<std::fs::File>,
}

impl Store {
    /// A write transaction that is never upgraded from a read one: on SQLite it takes the write
    /// lock at once and waits for it.
    async fn begin(&self) -> Result<DatabaseTransaction, Fault> {
        transactions::begin(&self.write).await
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Fault> {
        Ok(self.read.ping().await?)
    }

    /// Closes all connections; SQLite tidies up its journal.
    pub async fn close(&self) {
        for pool in [&self.read, &self.write] {
            if let Err(error) = pool.clone().close().await {
                tracing::warn!(error = %Fault::from(error), "closing the database failed");
            }
        }
    }
}

/// The time now, with the precision that both databases keep: microseconds.
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// Whether several nodes may work on a database at once.
fn is_shared(db: &impl sea_orm::ConnectionTrait) -> bool {
    db.get_database_backend() == sea_orm::DbBackend::Postgres
}

/// A statement with the same text on both databases.
fn statement(
    db: &impl sea_orm::ConnectionTrait,
    sql: impl Into<String>,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}

/// A row `v.value` for each text of the JSON list `$1`.
fn json_list(db: &impl sea_orm::ConnectionTrait) -> &'static str {
    match db.get_database_backend() {
        sea_orm::DbBackend::Sqlite => "json_each($1) AS v",
        _ => "json_array_elements_text(CAST($1 AS json)) AS v (value)",
    }
}

pub use connections::{migrate, pending_migrations};
