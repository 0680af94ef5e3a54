//! Changes of who may do what in a room. A room with others in it keeps an owner: that is decided
//! here, in the transaction that holds the room, because two owners may leave at once.

use sea_orm::{ActiveEnum, ConnectionTrait, DatabaseTransaction, Value};
use sohbet_entity::enums::ParticipantRole;
use sohbet_entity::ids::{ConversationId, PartyId};

use super::{Fault, Store, now, rooms, statement};

/// What became of a change of who takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    /// It is done.
    Done,
    /// The party does not take part.
    Absent,
    /// The party is the last owner, and others are there.
    LastOwner,
}

/// What holds unless party `$2` of room `$1` is the last owner among others.
macro_rules! keeps_owner {
    () => {
        "(role <> 'OWNER' OR EXISTS (SELECT 1 FROM participant AS o WHERE o.conversation_id = $1 \
         AND o.party <> $2 AND o.left_at IS NULL AND o.role = 'OWNER'))"
    };
}

impl Store {
    /// Ends taking part, unless that takes the last owner from the others.
    pub async fn end_part(&self, id: &ConversationId, party: &PartyId) -> Result<Parting, Fault> {
        let sql = concat!(
            "UPDATE participant SET left_at = $3 WHERE conversation_id = $1 AND party = $2 \
             AND left_at IS NULL AND (",
            keeps_owner!(),
            " OR NOT EXISTS (SELECT 1 FROM participant AS o WHERE o.conversation_id = $1 \
             AND o.party <> $2 AND o.left_at IS NULL))"
        );
        self.change_part(id, party, sql, now().into()).await
    }

    /// Gives a participant another role, unless that takes the last owner from the room.
    pub async fn change_role(
        &self,
        id: &ConversationId,
        party: &PartyId,
        role: ParticipantRole,
    ) -> Result<Parting, Fault> {
        let sql = concat!(
            "UPDATE participant SET role = $3 WHERE conversation_id = $1 AND party = $2 \
             AND left_at IS NULL AND ($3 = 'OWNER' OR ",
            keeps_owner!(),
            ")"
        );
        self.change_part(id, party, sql, role.to_value().into())
            .await
    }

    async fn change_part(
        &self,
        id: &ConversationId,
        party: &PartyId,
        sql: &str,
        value: Value,
    ) -> Result<Parting, Fault> {
        let txn = self.begin().await?;
        // Takes the lock of the conversation, so that two changes of one room come one by one.
        rooms::touch(&txn, id).await?;
        let values = [id.as_str().into(), party.as_str().into(), value];
        let changed = txn.execute_raw(statement(&txn, sql, values)).await?;
        let parting = match changed.rows_affected() {
            0 if takes_part(&txn, id, party).await? => Parting::LastOwner,
            0 => Parting::Absent,
            _ => Parting::Done,
        };
        match parting {
            Parting::Done => txn.commit().await?,
            // Nothing changed, the time of the last change included.
            Parting::Absent | Parting::LastOwner => txn.rollback().await?,
        }
        Ok(parting)
    }
}

async fn takes_part(
    txn: &DatabaseTransaction,
    id: &ConversationId,
    party: &PartyId,
) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM participant \
               WHERE conversation_id = $1 AND party = $2 AND left_at IS NULL";
    let values = [id.as_str().into(), party.as_str().into()];
    let row = txn.query_one_raw(statement(txn, sql, values)).await?;
    Ok(row.is_some())
}
