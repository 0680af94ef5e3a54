//! Coming under a name, and going from one room to another.

use std::sync::Arc;

use sohbet_entity::ids::ConversationId;

use super::people::Left;
use super::saying::says_own_name;
use super::{Entered, LobbyEvent, LobbyReply, Person, Place, Shown};
use crate::auth::Permission;
use crate::chat::handling::{InTurn, Step};
use crate::chat::{Caller, Chat, Dialect, Event, Reply, Session, SessionId, Version};
use crate::error::{Error, Result};

/// What somebody hears who says no name (contract/starter.md, section 2).
const NO_NAME: Error = Error::InvalidPayload("Username is required");

impl Chat {
    pub(super) async fn join_lobby(
        &self,
        session: &Arc<Session>,
        dialect: Dialect,
        name: Option<String>,
        room: Option<ConversationId>,
    ) -> Result<Step> {
        let identity = session.identity();
        let name = match says_own_name(identity) {
            true => Some(Arc::from(name.ok_or(NO_NAME)?)),
            false => None,
        };
        let caller = self.speaker(session, dialect, None).await?;
        caller.check(Permission::Read)?;
        let name: Arc<str> = match name {
            Some(name) => {
                self.introduce(&caller.user, Some(&name)).await?;
                name
            }
            None => self.proven_name(identity, &caller.user).await?,
        };
        let Some(room) = room else {
            let place = Place::of(session);
            let (person, left) = self.lobby.join(session, &name, &place);
            self.note_named(session);
            let then = coming(&place, Some(person), left, session.id);
            let reply = LobbyReply::Joined {
                name,
                entered: None,
            };
            return Ok(Step::Told(Reply::Lobby(reply), then));
        };
        let (entered, is_new) = self.come_in(session, &caller, room).await?;
        let place = Place::Room(entered.room.clone());
        let (person, left) = self.lobby.join(session, &name, &place);
        self.note_named(session);
        let mut then = coming(&place, Some(person), left, session.id);
        if is_new {
            then.push(Event::Lobby(LobbyEvent::Rooms {
                names: entered.rooms.clone(),
                except: Some(session.id),
            }));
        }
        let told = versions(&entered.messages);
        let entered = Some(entered);
        Ok(in_turn(LobbyReply::Joined { name, entered }, told, then))
    }

    pub(super) async fn go_to_room(
        &self,
        session: &Arc<Session>,
        dialect: Dialect,
        room: ConversationId,
    ) -> Result<Step> {
        let caller = self.speaker(session, dialect, None).await?;
        let (entered, _) = self.come_in(session, &caller, room).await?;
        let place = Place::Room(entered.room.clone());
        let (person, left) = match self.lobby.move_to(session.id, &place) {
            Some((person, left)) => (left.is_some().then_some(person), left),
            None => (None, None),
        };
        self.note_named(session);
        let mut then = coming(&place, person, left, session.id);
        then.push(Event::Lobby(LobbyEvent::Rooms {
            names: entered.rooms.clone(),
            except: None,
        }));
        let told = versions(&entered.messages);
        Ok(in_turn(LobbyReply::Entered(entered), told, then))
    }

    /// Listens to a room instead of the one before, and reads its newest messages. What is said
    /// meanwhile waits for the answer. Says whether the room is new.
    async fn come_in(
        &self,
        session: &Arc<Session>,
        caller: &Caller,
        id: ConversationId,
    ) -> Result<(Entered, bool)> {
        let (room, is_new) = self.lobby_room(caller, &id).await?;
        session.hold();
        self.listen_as(session, caller, &room)?;
        let _entering = Entering {
            chat: self,
            session,
            room: &room.id,
        };
        let messages = self.newest_shown(&room).await?;
        let rooms = self.lobby_rooms().await?;
        let before = session.set_room(Some(id.clone()));
        if let Some(before) = before.filter(|before| *before != id) {
            self.sessions.unlisten(session, &before);
        }
        let entered = Entered {
            room: id,
            messages,
            rooms,
        };
        Ok((entered, is_new))
    }
}

/// A socket that listens to a room and is about to be in it. If it does not come to that, it listens no more.
struct Entering<'a> {
    chat: &'a Chat,
    session: &'a Arc<Session>,
    room: &'a ConversationId,
}

impl Drop for Entering<'_> {
    fn drop(&mut self) {
        if !self.session.is_in(self.room) {
            self.chat.sessions.unlisten(self.session, self.room);
        }
    }
}

/// What is told when somebody comes to a place, or is called differently there; and at the place
/// from where they came.
pub(super) fn coming(
    place: &Place,
    person: Option<Arc<Person>>,
    left: Option<Left>,
    session: SessionId,
) -> Vec<Event> {
    let mut told = Vec::new();
    if let Some(left) = left {
        let typing = left.was_typing.then(|| left.place.clone());
        told.extend(left.told());
        told.extend(typing.map(LobbyEvent::typists_of));
    }
    let people = LobbyEvent::people_of(place.clone());
    let joined = person.map(|person| {
        Event::Lobby(LobbyEvent::Joined {
            place: place.clone(),
            person,
            except: place.room().map(|_| session),
        })
    });
    // In the lobby the list comes first, in rooms the newcomer.
    let both = match place {
        Place::Lobby => [Some(people), joined],
        Place::Room(_) => [joined, Some(people)],
    };
    told.extend(both.into_iter().flatten());
    told
}

fn in_turn(reply: LobbyReply, told: Vec<Version>, then: Vec<Event>) -> Step {
    Step::InTurn(Box::new(InTurn {
        reply: Reply::Lobby(reply),
        replay: Vec::new(),
        told,
        then,
    }))
}

fn versions(messages: &[Shown]) -> Vec<Version> {
    let rows = messages.iter().map(|shown| &*shown.message.row);
    rows.map(Version::from).collect()
}
