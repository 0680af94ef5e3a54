//! What clients of Sohbet's own dialect ask for, beyond what all dialects have. Sockets and REST
//! ask the same questions.

mod managing;
mod opening;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sohbet_entity::enums::ParticipantRole;
use sohbet_entity::ids::{ConversationId, MessageId, UserId};

use super::changes::{Changed, Reason};
use super::handling::{InTurn, Step};
use super::{
    Caller, CaughtUp, Chat, Conversation, ConversationView, Cursor, Dialect, HistoryPage,
    HistoryQuery, MessageView, ParticipantView, PresenceView, Profile, Receipt, Reply, Session,
    SessionId, Since, UnreadCount, Version, ViewList, Viewer,
};
use crate::error::{Error, Result};
use crate::store::{Change, ReadScope, RoomChange};

/// Something that a client asks for, over a socket or by REST.
#[derive(Debug, PartialEq)]
pub enum DeskRequest {
    /// Begin: say who one is, and catch up.
    Greet {
        /// What the client has already.
        since: Option<Since>,
    },
    /// List conversations.
    List {
        /// At most so many.
        limit: u32,
        /// Where the list goes on.
        after: Option<Cursor>,
    },
    /// Show one conversation.
    Show {
        /// Which.
        conversation: ConversationId,
    },
    /// Find or make the direct conversation with a user.
    Pair {
        /// The other one.
        user: UserId,
    },
    /// Make a room.
    CreateRoom(RoomDraft),
    /// Change what is known about a room.
    UpdateRoom {
        /// Which.
        conversation: ConversationId,
        /// What changes.
        change: RoomChange,
    },
    /// Let somebody take part.
    AddParticipant {
        /// Where.
        conversation: ConversationId,
        /// Who.
        user: UserId,
        /// As what; a member unless said otherwise.
        role: Option<ParticipantRole>,
    },
    /// End somebody's part.
    RemoveParticipant {
        /// Where.
        conversation: ConversationId,
        /// Whose.
        user: UserId,
    },
    /// Give a participant another role.
    SetRole {
        /// Where.
        conversation: ConversationId,
        /// Who.
        user: UserId,
        /// Which.
        role: ParticipantRole,
    },
    /// Open a conversation on a screen.
    Open {
        /// Which.
        conversation: ConversationId,
    },
    /// Hear nothing more of a conversation on this socket.
    Leave {
        /// Which.
        conversation: ConversationId,
    },
    /// Read messages.
    History {
        /// Of which conversation.
        conversation: ConversationId,
        /// Which ones.
        query: HistoryQuery,
    },
    /// Change a message.
    ChangeMessage {
        /// Which.
        message: MessageId,
        /// What changes.
        change: Change,
    },
    /// Mark a conversation read.
    MarkRead {
        /// Which.
        conversation: ConversationId,
        /// How far.
        scope: ReadScope,
    },
    /// Ask who is there.
    Presence {
        /// About whom.
        users: Vec<UserId>,
    },
    /// Catch up.
    Sync(Since),
    /// Show a new token.
    Refresh(NewToken),
}

/// The text of a token, which must not be shown.
#[derive(PartialEq)]
pub struct NewToken(pub String);

impl std::fmt::Debug for NewToken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("NewToken(***)")
    }
}

/// A room that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomDraft {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Who takes part besides the maker.
    pub users: Vec<UserId>,
    /// The maker's own id for it: asked for again, it is the same room.
    pub key: Option<String>,
    /// Whether anybody may join who knows its id.
    pub is_open: bool,
}

/// The answer.
#[derive(Debug)]
pub enum DeskReply {
    /// Who one is, and what changed.
    Greeting(Box<Greeting>),
    /// Conversations.
    List(ViewList),
    /// A direct conversation, and whether it was made just now.
    Pair(ConversationView, bool),
    /// A conversation.
    Conversation(ConversationView),
    /// Somebody who takes part.
    Participant(ParticipantView),
    /// A conversation with its newest messages, oldest first.
    Opened(ConversationView, Vec<MessageView>),
    /// Messages.
    History(HistoryPage),
    /// A message after a change.
    Message(Box<MessageView>),
    /// How far was read, and what is left.
    Read(Receipt),
    /// Who is there.
    Presence(Vec<PresenceView>),
    /// What changed.
    CaughtUp(CaughtUp),
    /// When the new token ends.
    Refreshed(Option<DateTime<Utc>>),
    /// Done; there is nothing to say about it.
    Nothing,
}

/// The first that a socket hears.
#[derive(Debug)]
pub struct Greeting {
    /// Who it is.
    pub caller: Caller,
    /// What others see of them.
    pub profile: Arc<Profile>,
    /// The generation of the data.
    pub epoch: String,
    /// The time at the server.
    pub now: DateTime<Utc>,
    /// How many messages they have not read.
    pub unread_total: i64,
    /// Longest text of a message, in bytes.
    pub max_text_bytes: usize,
    /// What changed since.
    pub caught_up: Option<CaughtUp>,
}

/// What others hear of it.
pub enum DeskEvent {
    /// A conversation is new, or not as it was.
    Changed(Changed),
    /// A conversation is no longer somebody's.
    Parted {
        /// Which.
        conversation: ConversationId,
        /// Whose.
        user: UserId,
        /// Why.
        reason: Reason,
    },
    /// A message is not as it was.
    MessageChanged {
        /// Who talks where it was said.
        conversation: Arc<Conversation>,
        /// The message as it is now.
        message: MessageView,
    },
    /// Somebody has more or less to read.
    Unread(UnreadCount),
    /// The token of a socket ends soon.
    Expiring {
        /// Its user.
        user: UserId,
        /// The socket.
        session: SessionId,
        /// When.
        expires_at: DateTime<Utc>,
    },
}

impl DeskRequest {
    /// Whether what it does is heard on the socket that asks, which gets its answer first.
    const fn is_heard_by_asker(&self) -> bool {
        match self {
            Self::Pair { .. }
            | Self::CreateRoom(_)
            | Self::UpdateRoom { .. }
            | Self::AddParticipant { .. }
            | Self::RemoveParticipant { .. }
            | Self::SetRole { .. }
            | Self::ChangeMessage { .. }
            | Self::MarkRead { .. }
            | Self::Sync(_) => true,
            Self::Greet { .. }
            | Self::List { .. }
            | Self::Show { .. }
            | Self::Open { .. }
            | Self::Leave { .. }
            | Self::History { .. }
            | Self::Presence { .. }
            | Self::Refresh(_) => false,
        }
    }
}

impl Chat {
    /// Does what a socket asks.
    pub(super) async fn do_desk(
        &self,
        session: &Arc<Session>,
        dialect: Dialect,
        request: DeskRequest,
    ) -> Result<Step> {
        let caller = self.speaker(session, dialect, None).await?;
        match request {
            DeskRequest::Greet { since } => self.greet(session, caller, since).await,
            DeskRequest::Open { conversation } => self.open(session, &caller, conversation).await,
            DeskRequest::Leave { conversation } => {
                self.leave_screen(session, &caller, conversation).await
            }
            DeskRequest::Refresh(token) => {
                let end = self.refresh_token(session, token.0).await?;
                Ok(told(DeskReply::Refreshed(end)))
            }
            request if request.is_heard_by_asker() => {
                session.hold();
                let reply = self.desk_of(Some(session.id), &caller, request).await?;
                let told = match &reply {
                    DeskReply::CaughtUp(caught_up) => caught_up.versions(),
                    _ => Vec::new(),
                };
                Ok(in_turn(reply, told))
            }
            request => Ok(told(self.desk(&caller, request).await?)),
        }
    }

    /// Does what a caller asks, unless it is about the caller's socket.
    pub async fn desk(&self, caller: &Caller, request: DeskRequest) -> Result<DeskReply> {
        self.desk_of(None, caller, request).await
    }

    async fn desk_of(
        &self,
        asker: Option<SessionId>,
        caller: &Caller,
        request: DeskRequest,
    ) -> Result<DeskReply> {
        Ok(match request {
            DeskRequest::List { limit, after } => {
                DeskReply::List(self.list_views(caller, limit, after.as_ref()).await?)
            }
            DeskRequest::Show { conversation } => {
                let found = self.enter(caller, &conversation).await?;
                DeskReply::Conversation(self.view(caller, &found).await?)
            }
            DeskRequest::Pair { user } => {
                let (view, is_new) = self.open_pair(caller, user).await?;
                DeskReply::Pair(view, is_new)
            }
            DeskRequest::CreateRoom(draft) => {
                DeskReply::Conversation(self.make_room(caller, draft).await?)
            }
            DeskRequest::UpdateRoom {
                conversation,
                change,
            } => DeskReply::Conversation(self.change_room(caller, &conversation, change).await?),
            DeskRequest::AddParticipant {
                conversation,
                user,
                role,
            } => DeskReply::Participant(
                self.add_participant(caller, &conversation, &user, role)
                    .await?,
            ),
            DeskRequest::RemoveParticipant { conversation, user } => {
                self.remove_participant(caller, &conversation, &user)
                    .await?;
                DeskReply::Nothing
            }
            DeskRequest::SetRole {
                conversation,
                user,
                role,
            } => DeskReply::Participant(self.set_role(caller, &conversation, &user, role).await?),
            DeskRequest::History {
                conversation,
                query,
            } => DeskReply::History(self.read_history(caller, &conversation, query).await?),
            DeskRequest::ChangeMessage { message, change } => {
                let changed = self.change_message(caller, &message, change);
                DeskReply::Message(Box::new(changed.await?))
            }
            DeskRequest::MarkRead {
                conversation,
                scope,
            } => {
                let marked = self.mark_up_to(caller, conversation, scope, asker);
                DeskReply::Read(marked.await?)
            }
            DeskRequest::Presence { users } => {
                DeskReply::Presence(self.list_presence(caller, &users).await?)
            }
            DeskRequest::Sync(since) => DeskReply::CaughtUp(self.catch_up(caller, &since).await?),
            DeskRequest::Greet { .. }
            | DeskRequest::Open { .. }
            | DeskRequest::Leave { .. }
            | DeskRequest::Refresh(_) => return Err(Error::Internal),
        })
    }
}

/// An answer that is given at once.
fn told(reply: DeskReply) -> Step {
    Step::Told(Reply::Desk(reply), Vec::new())
}

/// An answer that goes before everything that was held back, except the messages in it.
fn in_turn(reply: DeskReply, told: Vec<Version>) -> Step {
    Step::InTurn(Box::new(InTurn {
        reply: Reply::Desk(reply),
        replay: Vec::new(),
        told,
        then: Vec::new(),
    }))
}

impl Greeting {
    /// In whose name the socket looks.
    pub fn viewer(&self) -> Viewer {
        self.caller.viewer()
    }
}
