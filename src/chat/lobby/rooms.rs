//! Rooms of the public chat: open ones, whose id is their name. Whoever names one that does not
//! exist makes it.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use sohbet_entity::ids::ConversationId;
use tokio::time::Instant;

use super::LOBBY;
use crate::auth::Permission;
use crate::chat::{Caller, Chat, Conversation, Session};
use crate::error::{Error, Result};
use crate::store::NewRoom;

/// The room of those who name none.
pub const DEFAULT_ROOM: &str = "general";
/// Rooms that are there before anybody names them.
const DEFAULT_ROOMS: [&str; 4] = [DEFAULT_ROOM, "random", "tech", "gaming"];
/// Most other rooms: all names go to everybody whenever somebody moves.
const MAX_ROOMS: usize = 500;
/// How the keys of rooms begin that were made here. Groups of other dialects are not listed: their
/// ids are no names for everybody.
const KEY_START: &str = "starter:";
/// How long the list of rooms is believed: another node may have made one.
const FRESH: Duration = Duration::from_secs(30);

/// The rooms that were made here, oldest first.
#[derive(Default)]
pub struct Rooms {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    names: Vec<String>,
    read_at: Option<Instant>,
}

impl Rooms {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known
            .lock()
            .expect("no code panics with this lock held")
    }
}

/// The room that a request is about: the one it names, or that of its socket.
pub(super) fn room_of(session: &Session, named: Option<ConversationId>) -> ConversationId {
    let room = named.or_else(|| session.room());
    room.unwrap_or_else(|| DEFAULT_ROOM.into())
}

impl Chat {
    /// The names of all rooms.
    pub async fn lobby_rooms(&self) -> Result<Vec<String>> {
        let defaults = DEFAULT_ROOMS.map(str::to_owned);
        let made = self.made_rooms().await?;
        let others = made
            .into_iter()
            .filter(|name| !DEFAULT_ROOMS.contains(&name.as_str()));
        Ok(defaults.into_iter().chain(others).collect())
    }

    async fn made_rooms(&self) -> Result<Vec<String>> {
        let is_fresh = |at: Instant| at.elapsed() < FRESH;
        {
            let known = self.lobby.rooms.known();
            if known.read_at.is_some_and(is_fresh) {
                return Ok(known.names.clone());
            }
        }
        let n_most = (MAX_ROOMS + DEFAULT_ROOMS.len()) as u32;
        let names = self.store.list_rooms_by_key(KEY_START, n_most).await?;
        let names: Vec<String> = names.into_iter().map(|id| id.to_string()).collect();
        *self.lobby.rooms.known() = Known {
            names: names.clone(),
            read_at: Some(Instant::now()),
        };
        Ok(names)
    }

    /// A room, made if there is none; says whether this call did. One that exists and is closed is
    /// there for those who take part in it.
    pub(super) async fn lobby_room(
        &self,
        caller: &Caller,
        id: &ConversationId,
    ) -> Result<(Arc<Conversation>, bool)> {
        if let Some(found) = self.find_lobby_room(caller, id).await? {
            return Ok((found, false));
        }
        caller.check(Permission::Write)?;
        let is_default = DEFAULT_ROOMS.contains(&id.as_str());
        if !is_default && self.made_rooms().await?.len() >= MAX_ROOMS {
            return Err(Error::TooLarge("Too many rooms"));
        }
        let key = format!("{KEY_START}{id}");
        let made = self.create_room(open_room(id.clone(), Some(key))).await;
        let (room, is_new) = made.map_err(|error| match error {
            // Two people have just begun to talk under this id.
            Error::Conflict(_) => Error::NO_ROOM,
            error => error,
        })?;
        if is_new {
            // What was read before does not have it.
            self.forget_lobby_rooms();
        }
        Ok((room, is_new && !is_default))
    }

    /// The names of rooms that are in memory no longer hold.
    pub(in crate::chat) fn forget_lobby_rooms(&self) {
        self.lobby.rooms.known().read_at = None;
    }

    /// A room, if there is one that the caller may be in.
    pub(super) async fn find_lobby_room(
        &self,
        caller: &Caller,
        id: &ConversationId,
    ) -> Result<Option<Arc<Conversation>>> {
        if id.as_str() == LOBBY {
            return Err(Error::NO_ROOM);
        }
        match self.find_conversation(id).await? {
            None => Ok(None),
            Some(found) if found.room().is_none() => Err(Error::NO_ROOM),
            Some(_) => self
                .approach(caller, id)
                .await
                .map_err(|error| match error {
                    Error::NotFound(_) => Error::NO_ROOM,
                    error => error,
                }),
        }
    }

    /// The conversation of the lobby.
    pub(super) async fn lobby_conversation(&self) -> Result<Arc<Conversation>> {
        let id = ConversationId::from(LOBBY);
        match self.find_conversation(&id).await? {
            Some(found) => Ok(found),
            None => Ok(self.create_room(open_room(id, None)).await?.0),
        }
    }
}

fn open_room(id: ConversationId, dedup_key: Option<String>) -> NewRoom {
    let name = match id.as_str() {
        LOBBY => String::new(),
        name => name.to_owned(),
    };
    NewRoom {
        is_open: true,
        dedup_key,
        ..NewRoom::of_people(id, name)
    }
}
