//! Who is where, and who types there. In memory: one entry per socket that has said its name, on
//! whatever node.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sohbet_entity::ids::ConversationId;
use tokio::time::Instant;

use super::elsewhere::Elsewhere;
use super::{LobbyEvent, Typist};
use crate::chat::{Chat, Event, Session, SessionId};
use crate::store;

/// How long a typing state lives after its last refresh.
const LIFETIME: Duration = Duration::from_secs(6);
/// Most people in one list: everybody gets it whenever somebody comes or goes.
const MAX_LISTED: usize = 1_000;

/// Where a socket is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// With everybody who is in no room.
    Lobby,
    /// In a room.
    Room(ConversationId),
}

impl Place {
    /// Where a socket is now.
    pub fn of(session: &Session) -> Self {
        session.room().map_or(Self::Lobby, Self::Room)
    }

    /// The room, unless it is the lobby.
    pub fn room(&self) -> Option<&ConversationId> {
        match self {
            Self::Lobby => None,
            Self::Room(room) => Some(room),
        }
    }
}

/// Somebody who has said a name.
#[derive(Debug, PartialEq, Eq)]
pub struct Person {
    /// The name; others may have the same.
    pub name: Arc<str>,
    /// The id that others know the socket by.
    pub socket_id: String,
    /// When the name was said first.
    pub joined_at: DateTime<Utc>,
}

/// Everybody who is there.
#[derive(Default)]
pub struct Lobby {
    inner: Mutex<Inner>,
    /// Rooms by name, once they were read.
    pub(super) rooms: super::rooms::Rooms,
}

/// Where somebody stands in the list of a place: later ones came later, and it is the same on every
/// node.
type Rank = (DateTime<Utc>, String);

#[derive(Default)]
pub(super) struct Inner {
    people: HashMap<SessionId, Entry>,
    /// Sockets of each place, in order of coming.
    by_place: BTreeMap<Place, BTreeMap<Rank, SessionId>>,
    /// Those who type, the longest without a refresh first.
    typists: BTreeSet<(Instant, SessionId)>,
    /// When somebody of this node came somewhere last.
    last_came_at: DateTime<Utc>,
    pub(super) elsewhere: Elsewhere,
}

struct Entry {
    person: Arc<Person>,
    place: Place,
    came_at: DateTime<Utc>,
    typing_since: Option<Instant>,
}

/// Somebody who left a place.
pub struct Left {
    pub place: Place,
    pub person: Arc<Person>,
    pub was_typing: bool,
}

impl Lobby {
    /// Puts a socket somewhere under a name. Who stays in place keeps the place in the list. Returns
    /// who it is now, and from where it came, if it was somewhere else.
    pub fn join(
        &self,
        session: &Session,
        name: &str,
        place: &Place,
    ) -> (Arc<Person>, Option<Left>) {
        let mut inner = self.inner();
        let now = inner.now();
        let earlier = inner.people.get(&session.id).map(|entry| &entry.person);
        let person = Arc::new(Person {
            name: name.into(),
            socket_id: session.socket_id.clone(),
            joined_at: earlier.map_or(now, |earlier| earlier.joined_at),
        });
        if inner.rename(session.id, &person, place) {
            return (person, None);
        }
        let left = inner.remove(session.id);
        inner.insert(session.id, Arc::clone(&person), place.clone(), now);
        (person, left)
    }

    /// Puts a socket somewhere else, if it has said a name. Returns who it is, and from where it
    /// came.
    pub fn move_to(
        &self,
        session: SessionId,
        place: &Place,
    ) -> Option<(Arc<Person>, Option<Left>)> {
        let mut inner = self.inner();
        let entry = inner.people.get(&session)?;
        let person = Arc::clone(&entry.person);
        if entry.place == *place {
            return Some((person, None));
        }
        let left = inner.remove(session);
        let now = inner.now();
        inner.insert(session, Arc::clone(&person), place.clone(), now);
        Some((person, left))
    }

    /// Forgets a socket. Returns who it was and where, if it had said a name.
    pub(super) fn leave(&self, session: SessionId) -> Option<Left> {
        self.inner().remove(session)
    }

    /// Who a socket is, if it has said a name.
    pub fn person(&self, session: SessionId) -> Option<Arc<Person>> {
        let inner = self.inner();
        let entry = inner.people.get(&session);
        entry.map(|entry| Arc::clone(&entry.person))
    }

    /// Who a socket is, where, and when it came there, if it has said a name.
    pub(super) fn stay(&self, session: SessionId) -> Option<(Arc<Person>, Place, DateTime<Utc>)> {
        let inner = self.inner();
        let entry = inner.people.get(&session)?;
        let person = Arc::clone(&entry.person);
        Some((person, entry.place.clone(), entry.came_at))
    }

    /// Who is at a place, in order of coming.
    pub fn people(&self, place: &Place) -> Vec<Arc<Person>> {
        let inner = self.inner();
        let of_place = inner.by_place.get(place);
        let sockets = of_place.into_iter().flat_map(BTreeMap::values);
        let people = sockets.filter_map(|session| inner.people.get(session));
        people
            .map(|entry| Arc::clone(&entry.person))
            .take(MAX_LISTED)
            .collect()
    }

    /// Everybody, wherever they are, in order of saying a name.
    pub fn everybody(&self) -> Vec<Arc<Person>> {
        let inner = self.inner();
        let mut all: Vec<&Arc<Person>> = inner.people.values().map(|it| &it.person).collect();
        all.sort_by_key(|person| (person.joined_at, &person.socket_id));
        all.into_iter().take(MAX_LISTED).cloned().collect()
    }

    /// The names of those who type at a place, in order of coming.
    pub fn typists(&self, place: &Place) -> Vec<Arc<str>> {
        let inner = self.inner();
        if inner.typists.is_empty() {
            return Vec::new();
        }
        let of_place = inner.by_place.get(place);
        let sockets = of_place.into_iter().flat_map(BTreeMap::values);
        let people = sockets.filter_map(|session| inner.people.get(session));
        people
            .filter(|entry| entry.typing_since.is_some())
            .map(|entry| Arc::clone(&entry.person.name))
            .take(MAX_LISTED)
            .collect()
    }

    /// Notes that a socket types, still types, or stopped; the state lives that much longer than
    /// usual. Returns where, if it has said a name.
    pub(super) fn set_typing(
        &self,
        session: SessionId,
        is_typing: bool,
        margin: Duration,
    ) -> Option<Place> {
        let mut inner = self.inner();
        inner.stop_typing(session);
        let entry = inner.people.get_mut(&session)?;
        let place = entry.place.clone();
        if is_typing {
            let since = Instant::now() + margin;
            entry.typing_since = Some(since);
            inner.typists.insert((since, session));
        }
        Some(place)
    }

    /// A message to everybody at a place ends its author's typing there. Whether there was any.
    pub(super) fn end_typing(&self, session: SessionId, place: &Place) -> bool {
        let mut inner = self.inner();
        let entry = inner.people.get(&session);
        entry.is_some_and(|entry| entry.place == *place) && inner.stop_typing(session)
    }

    /// Ends the typing states that nobody refreshed. Returns where and whose they were.
    pub(super) fn expire_typing(&self) -> Vec<(Place, SessionId, Arc<Person>)> {
        let mut inner = self.inner();
        let mut ended = Vec::new();
        while let Some((since, session)) = inner.typists.first().copied()
            && since.elapsed() >= LIFETIME
        {
            inner.stop_typing(session);
            let entry = inner.people.get(&session);
            ended.extend(entry.map(|it| (it.place.clone(), session, Arc::clone(&it.person))));
        }
        ended
    }

    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .expect("no code panics with this lock held")
    }
}

impl Inner {
    /// A moment after all others at which somebody of this node came somewhere.
    pub(super) fn now(&mut self) -> DateTime<Utc> {
        let next = self.last_came_at + TimeDelta::microseconds(1);
        self.last_came_at = store::now().max(next);
        self.last_came_at
    }

    /// Gives somebody who stays another name. `false` for who is not there.
    pub(super) fn rename(
        &mut self,
        session: SessionId,
        person: &Arc<Person>,
        place: &Place,
    ) -> bool {
        let entry = self.people.get_mut(&session);
        let Some(entry) = entry.filter(|entry| entry.place == *place) else {
            return false;
        };
        entry.person = Arc::clone(person);
        true
    }

    pub(super) fn insert(
        &mut self,
        session: SessionId,
        person: Arc<Person>,
        place: Place,
        came_at: DateTime<Utc>,
    ) {
        let of_place = self.by_place.entry(place.clone()).or_default();
        of_place.insert((came_at, person.socket_id.clone()), session);
        let entry = Entry {
            person,
            place,
            came_at,
            typing_since: None,
        };
        self.people.insert(session, entry);
    }

    pub(super) fn remove(&mut self, session: SessionId) -> Option<Left> {
        let was_typing = self.stop_typing(session);
        let entry = self.people.remove(&session)?;
        if let Some(of_place) = self.by_place.get_mut(&entry.place) {
            of_place.remove(&(entry.came_at, entry.person.socket_id.clone()));
            if of_place.is_empty() {
                self.by_place.remove(&entry.place);
            }
        }
        Some(Left {
            place: entry.place,
            person: entry.person,
            was_typing,
        })
    }

    /// Whether the socket was typing.
    fn stop_typing(&mut self, session: SessionId) -> bool {
        let entry = self.people.get_mut(&session);
        let Some(since) = entry.and_then(|entry| entry.typing_since.take()) else {
            return false;
        };
        self.typists.remove(&(since, session))
    }
}

impl Chat {
    /// A socket is gone: the others are told, if it had said a name.
    pub(in crate::chat) async fn leave_lobby(&self, session: &Session) {
        self.note_gone(session);
        let Some(left) = self.lobby.leave(session.id) else {
            return;
        };
        // Who types is told here in any case (contract/starter.md, section 3).
        let typing = LobbyEvent::typists_of(left.place.clone());
        for event in left.told().into_iter().chain([typing]) {
            self.publish(event).await;
        }
    }
}

impl LobbyEvent {
    /// Who types has changed. In a room the typist is not told.
    pub(super) fn typing(place: Place, session: SessionId, typist: Typist) -> Event {
        Event::Lobby(Self::Typing {
            except: place.room().map(|_| session),
            names: Vec::new(),
            typist: Some(typist),
            place,
        })
    }

    /// Who types at a place, for everybody there.
    pub(super) fn typists_of(place: Place) -> Event {
        Event::Lobby(Self::Typing {
            place,
            names: Vec::new(),
            typist: None,
            except: None,
        })
    }

    /// Who is at a place, for everybody there.
    pub(super) fn people_of(place: Place) -> Event {
        Event::Lobby(Self::People {
            place,
            people: Vec::new(),
        })
    }
}

impl Left {
    /// What is told at the place.
    pub fn told(self) -> [Event; 2] {
        let left = LobbyEvent::Left {
            place: self.place.clone(),
            person: self.person,
        };
        [Event::Lobby(left), LobbyEvent::people_of(self.place)]
    }
}

#[cfg(test)]
mod tests;
