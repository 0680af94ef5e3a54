//! The domain: who may do what, and what happens then. No sockets, no HTTP; JSON only where it is
//! passed on unread.

mod access;
mod accounts;
mod administration;
mod api_tokens;
mod callers;
mod catch_up;
mod changes;
mod client_keys;
mod coming;
mod conversations;
mod dealers;
mod desk;
mod dialects;
mod directory;
mod disks;
mod events;
mod expiry;
mod groups;
mod halls;
mod handling;
mod history;
mod incoming;
mod limits;
mod links;
mod lobby;
mod logins;
mod long_reads;
mod media;
mod messages;
mod nodes;
mod pages;
mod peers;
mod people;
mod presence;
mod receipts;
mod repeats;
mod requests;
mod revisions;
mod roles;
mod rooms;
mod scrubbing;
mod sessions;
mod sizes;
mod targets;
mod typing;
mod unread;
mod uploads;
mod users;
mod views;
mod waiting;

#[cfg(test)]
pub mod tests_support;

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::mpsc;

pub use access::cookie;
pub use administration::LiveSocket;
pub use api_tokens::{ApiToken, ApiTokens, CreatedToken, NewApiToken, TokenForm, usual_end};
pub use callers::{Caller, Viewer};
pub use catch_up::{CaughtUp, MAX_CHANGES, MAX_CHANGES_IN_ALL, MAX_KNOWN, Since};
pub use changes::{Changed, Reason};
pub use client_keys::{ClientId, shown_client_id};
pub use conversations::{Conversation, Kind, Room};
pub use dealers::{NewDealerRoom, NumberedPage};
pub use desk::{DeskEvent, DeskReply, DeskRequest, Greeting, NewToken, RoomDraft};
pub use dialects::{Dialect, Feature, IdForm, People, cookie_tokens};
pub use events::{About, Answering, Event, Follows, Origin, Tag};
pub use groups::GroupRequest;
pub use halls::HallMessage;
pub use incoming::{IncomingUpload, NewUpload, UploadRefusal};
pub use limits::{
    AddressPlace, Client, EventBudget, LimitRules, Limits, Rate, SocketPlaces, Traffic, Verdict,
    as_client,
};
pub use links::FileHost;
pub use lobby::{
    DEFAULT_ROOM, Entered, LOBBY, LobbyEvent, LobbyReply, LobbyRequest, Note, Person, Place,
    Reaction, Said, Shown, WantedReaction, Whom,
};
pub use media::is_inline;
pub use messages::{AttachedUpload, ConversationHint, Draft, File, Message, Target};
pub use nodes::{
    HEARING_PATIENCE, Heard, Hole, Looks, Moved, News, Repair, Retold, RosterNews, Seen, Sight,
};
pub use pages::{HistoryPage, HistoryQuery};
pub use peers::{MAX_ASKED, PresenceView};
pub use requests::{Handled, RelayedMessage, Reply, Request, SocketRequest};
pub use rooms::MAX_NAME_CHARS;
pub use sessions::{
    Ack, AnswerId, Awaited, Backlog, Broadcast, Covered, Due, Listening, Outbox, Reach, Session,
    SessionId, Sessions, Stamp, Version,
};
pub use typing::LIFETIME as TYPING_LIFETIME;
pub use unread::{Receipt, UnreadCount};
pub use uploads::{Files, UploadRules};
pub use users::Profile;
pub use views::{
    ConversationFacts, ConversationView, Cursor, MessageView, ParticipantView, ReactionView,
    ViewList,
};

/// What the writer takes and gives back, and pages and lists as the store makes them.
pub use crate::store::{
    AccountChange, BlobStream, Change, ChangedMessage, Channel, ConversationSummary, DealerRoom,
    DirectoryEntry, Done, ListedDealerRoom, ListedRoom, MessageRow, Outcome, Page, Pair,
    ReadOutcome, ReadScope, RoomChange, RoomRow, RoomSummary, TokenFilter, UploadRow, UserRow,
    Write,
};

use crate::auth::Auth;
use crate::store::{Blobs, Store, WriterQueue};

/// Events that may wait for delivery; a producer then waits for room.
const EVENT_QUEUE_LENGTH: usize = 8_192;

/// Rules of the domain that an operator can set.
#[derive(Debug, Clone)]
pub struct Config {
    /// Longest text of a message, in bytes of UTF-8.
    pub max_text_bytes: usize,
    /// Whether a message may go to a user whom nobody has mentioned before.
    pub allow_unknown_users: bool,
    /// Whether everybody may make users, where users are made by a call.
    pub open_sign_up: bool,
    /// Peers that may relay events without an identity (contract/messaging.md, section 5).
    pub trusted_addresses: Vec<IpAddr>,
    /// What may be uploaded, and who may see it.
    pub uploads: UploadRules,
    /// How much anybody may ask for.
    pub limits: LimitRules,
}

/// All services of the domain.
pub struct Chat {
    config: Config,
    /// Decides who a caller is.
    pub auth: Auth,
    store: Arc<Store>,
    writer: WriterQueue<Tag>,
    events: mpsc::Sender<Event>,
    /// Who is connected and what they listen to.
    pub sessions: Sessions,
    /// What anybody may still ask for.
    pub limits: Limits,
    conversations: conversations::Conversations,
    users: users::Users,
    presence: presence::Presence,
    untold: peers::Untold,
    roster: Arc<nodes::Roster>,
    looks: Arc<Looks>,
    typing: typing::Typing,
    turns: changes::Turns,
    long_reads: long_reads::LongReads,
    unread: unread::Waiting,
    lobby: lobby::Lobby,
    delivered: waiting::Delivered,
    tokens: ApiTokens,
    accounts: accounts::Accounts,
    blobs: Blobs,
    disks: disks::Disks,
    links: links::Links,
}

impl Chat {
    /// Puts the services together; also returns the stream of events that delivery works off.
    pub fn new(
        config: Config,
        auth: Auth,
        store: Arc<Store>,
        writer: WriterQueue<Tag>,
        files: Files,
    ) -> (Self, mpsc::Receiver<Event>) {
        let (events, receiver) = mpsc::channel(EVENT_QUEUE_LENGTH);
        let links = links::Links::new(&config.uploads, files.link_key.as_bytes());
        let roster = Arc::<nodes::Roster>::default();
        let mut sessions = Sessions::new(config.limits.max_socket_rooms);
        if store.is_shared() {
            sessions.tell(Arc::clone(&roster));
        }
        let chat = Self {
            limits: Limits::new(config.limits.clone()),
            sessions,
            config,
            auth,
            tokens: ApiTokens::new(Arc::clone(&store)),
            accounts: accounts::Accounts::new(),
            long_reads: long_reads::LongReads::new(store.n_readers),
            disks: disks::Disks::new(files.blobs.disk.clone(), store.disk.clone()),
            store,
            writer,
            events,
            conversations: conversations::Conversations::new(),
            users: users::Users::new(),
            presence: presence::Presence::default(),
            untold: peers::Untold::default(),
            roster,
            looks: Arc::default(),
            typing: typing::Typing::default(),
            turns: changes::Turns::default(),
            unread: unread::Waiting::default(),
            lobby: lobby::Lobby::default(),
            delivered: waiting::Delivered::default(),
            blobs: files.blobs,
            links,
        };
        (chat, receiver)
    }

    /// Whether the store answers.
    pub async fn is_ready(&self) -> bool {
        self.store.ping().await.is_ok()
    }

    /// Hands an event to delivery; waits while delivery is behind.
    pub async fn publish(&self, event: Event) {
        if self.events.send(event).await.is_err() {
            tracing::debug!("event after the end of delivery");
        }
    }
}
