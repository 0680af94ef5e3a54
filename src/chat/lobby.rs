//! The public chat of people who have names instead of accounts: one lobby for all, and rooms that
//! come into being when somebody names them. Who is there and who types is kept in memory; what is
//! said is stored like everywhere else.

mod elsewhere;
mod joining;
mod marks;
mod notes;
mod people;
mod reading;
mod rooms;
mod saying;
mod typing;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sohbet_entity::ids::{ConversationId, MessageId, UserId};

use super::handling::Step;
use super::{Chat, ClientId, Dialect, Message, Reply, Session, SessionId};
use crate::auth::Permission;
use crate::error::{Error, Result};

pub use notes::Note;
pub use people::{Lobby, Person, Place};
pub use rooms::DEFAULT_ROOM;

/// The conversation of the lobby. Rooms cannot be named like that.
pub const LOBBY: &str = "$lobby";

/// What a socket asks of the public chat.
#[derive(Debug, PartialEq)]
pub enum LobbyRequest {
    /// Be there under a name, or under another name.
    Join {
        /// The name, unless a token says it.
        name: Option<String>,
        /// The room to be in; without one the socket stays where it is.
        room: Option<ConversationId>,
    },
    /// Be in another room.
    Enter {
        /// Which.
        room: ConversationId,
    },
    /// Say something to everybody there, or to one.
    Say(Box<Said>),
    /// Show that one types, or stopped.
    SetTyping {
        /// Whether one does.
        is_typing: bool,
    },
    /// Let the author of a message know that one has read it.
    MarkRead {
        /// Which.
        message: MessageId,
        /// The room it is in; without one the socket's own.
        room: Option<ConversationId>,
    },
    /// Put a reaction on a message, or take it away.
    React(WantedReaction),
    /// Read a page of a room's messages.
    Load {
        /// The room; without one the socket's own.
        room: Option<ConversationId>,
        /// Pages to skip, from the newest.
        page: u64,
        /// Messages in a page.
        limit: u32,
    },
    /// Find messages of a room by a part of their text.
    Search {
        /// The room; without one the socket's own.
        room: Option<ConversationId>,
        /// The part.
        query: String,
    },
}

/// A reaction that somebody wants to put on a message, or to take away.
#[derive(Debug, PartialEq, Eq)]
pub struct WantedReaction {
    /// Which message.
    pub message: MessageId,
    /// The room it is in; without one the socket's own.
    pub room: Option<ConversationId>,
    /// The reaction.
    pub emoji: String,
    /// Whether it is put there.
    pub is_added: bool,
}

/// Something that somebody says.
#[derive(Debug, PartialEq)]
pub struct Said {
    /// To whom.
    pub to: Whom,
    /// The text, unless the message has none.
    pub text: Option<String>,
    /// What else the client wants its listeners to see: the text of a JSON object.
    pub passed: Option<String>,
    /// The client's id of this send.
    pub client_id: Option<ClientId>,
}

/// To whom something is said.
#[derive(Debug, PartialEq, Eq)]
pub enum Whom {
    /// Everybody in a room; without one everybody where the socket is.
    All {
        /// The room, which counts only for sockets that are in one.
        room: Option<ConversationId>,
    },
    /// The socket with that id.
    Socket(String),
}

/// A reaction of somebody to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// The reaction.
    pub emoji: String,
    /// The id that is shown of who reacted: that of a socket, or, of who is gone, that of the user.
    pub by: String,
}

/// A message with what others did to it.
#[derive(Debug)]
pub struct Shown {
    /// The message.
    pub message: Message,
    /// Who put which reaction on it, equal ones together.
    pub reactions: Vec<Reaction>,
    /// Who has read it: the id that is shown of them, and when.
    pub readers: Vec<(String, DateTime<Utc>)>,
}

/// What a socket is told.
#[derive(Debug)]
pub enum LobbyReply {
    /// It is there, under a name.
    Joined {
        /// The name.
        name: Arc<str>,
        /// The room that it named.
        entered: Option<Entered>,
    },
    /// It is in another room.
    Entered(Entered),
    /// A page of messages, oldest first.
    Page {
        /// The messages.
        messages: Vec<Shown>,
        /// Pages that were skipped.
        page: u64,
        /// Whether there are older ones.
        has_more: bool,
    },
    /// The newest messages that were found, oldest first.
    Found {
        /// What was looked for.
        query: String,
        /// The messages.
        messages: Vec<Shown>,
    },
}

/// What somebody sees who comes into a room.
#[derive(Debug)]
pub struct Entered {
    /// The room.
    pub room: ConversationId,
    /// Its newest messages, oldest first.
    pub messages: Vec<Shown>,
    /// All rooms that there are.
    pub rooms: Vec<String>,
}

/// What happens there. What is empty at first is filled in just before it is told.
pub enum LobbyEvent {
    /// Who is at a place has changed.
    People {
        /// Where.
        place: Place,
        /// Who is there now, in order of coming.
        people: Vec<Arc<Person>>,
    },
    /// Somebody came, or has another name.
    Joined {
        /// Where.
        place: Place,
        /// Who.
        person: Arc<Person>,
        /// The socket that is not told.
        except: Option<SessionId>,
    },
    /// Somebody is gone.
    Left {
        /// From where.
        place: Place,
        /// Who.
        person: Arc<Person>,
    },
    /// Who types at a place may have changed.
    Typing {
        /// Where.
        place: Place,
        /// The names of those who type.
        names: Vec<Arc<str>>,
        /// Whose typing began or ended on this node, for the others.
        typist: Option<Typist>,
        /// The socket that is not told.
        except: Option<SessionId>,
    },
    /// The rooms that there are, for everybody.
    Rooms {
        /// Their names.
        names: Vec<String>,
        /// The socket that is not told.
        except: Option<SessionId>,
    },
    /// Somebody read a message, for its author.
    Read {
        /// Who wrote it.
        author: UserId,
        /// The message.
        message: MessageId,
        /// The name of who read it.
        reader: Arc<str>,
    },
    /// Somebody put a reaction on a message, or took it away.
    Reacted {
        /// The room.
        room: ConversationId,
        /// The message.
        message: MessageId,
        /// The reaction.
        emoji: String,
        /// All reactions to the message now, equal ones together.
        reactions: Vec<Reaction>,
    },
}

/// A socket that types, or stopped.
#[derive(Debug, Clone)]
pub struct Typist {
    /// Which.
    pub socket_id: String,
    /// Whether it still does.
    pub is_typing: bool,
}

impl Chat {
    pub(super) async fn do_lobby(
        &self,
        session: &Arc<Session>,
        dialect: Dialect,
        request: LobbyRequest,
    ) -> Result<Step> {
        self.note_present(session);
        match request {
            LobbyRequest::Join { name, room } => {
                self.join_lobby(session, dialect, name, room).await
            }
            LobbyRequest::Enter { room } => self.go_to_room(session, dialect, room).await,
            LobbyRequest::SetTyping { is_typing } => {
                if !session.identity().may(Permission::Write) {
                    return Err(Error::Forbidden("Forbidden"));
                }
                let then = self.lobby_typing(session, is_typing);
                Ok(Step::Told(Reply::Done, then))
            }
            LobbyRequest::MarkRead { message, room } => {
                let caller = self.speaker(session, dialect, None).await?;
                self.mark_lobby_message(session, &caller, room, &message)
                    .await
            }
            LobbyRequest::Load { room, page, limit } => {
                let caller = self.speaker(session, dialect, None).await?;
                let read = self.load_lobby_page(session, &caller, room, page, limit);
                Ok(Step::Told(Reply::Lobby(read.await?), Vec::new()))
            }
            LobbyRequest::Search { room, query } => {
                let caller = self.speaker(session, dialect, None).await?;
                let found = self.search_lobby(session, &caller, room, query);
                Ok(Step::Told(Reply::Lobby(found.await?), Vec::new()))
            }
            LobbyRequest::Say(_) | LobbyRequest::React(_) => Err(Error::Internal),
        }
    }

    /// Fills in who is there and who types, as it is now.
    pub fn complete(&self, mut event: LobbyEvent) -> LobbyEvent {
        match &mut event {
            LobbyEvent::People { place, people } => *people = self.lobby.people(place),
            LobbyEvent::Typing { place, names, .. } => *names = self.lobby.typists(place),
            _ => {}
        }
        event
    }
}
