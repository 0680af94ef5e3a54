//! People of the public chat whose sockets are on other nodes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sohbet_entity::ids::UserId;

use super::joining::coming;
use super::people::Left;
use super::{Lobby, LobbyEvent, Person, Place};
use crate::chat::nodes::{Named, Stay};
use crate::chat::{Chat, Event, Session, SessionId};

/// How much longer a typing state of another node lives here: that node ends it, unless it is gone.
const MARGIN: Duration = Duration::from_secs(2);

/// Sockets of other nodes.
#[derive(Default)]
pub(super) struct Elsewhere {
    by_socket: HashMap<String, StandIn>,
    /// Those of each user, the oldest first.
    by_user: HashMap<UserId, BTreeSet<Age>>,
    n_stand_ins: u64,
}

/// When a socket connected, and its id: the same order on every node.
pub(super) type Age = (DateTime<Utc>, String);

/// What stands for a socket of another node here.
struct StandIn {
    session: SessionId,
    named: Named,
}

impl Elsewhere {
    /// Notes what is known of a socket now. Returns what stands for it.
    fn put(&mut self, named: Named) -> SessionId {
        let before = self.take(&named.socket_id);
        let session = before.map_or_else(
            || {
                self.n_stand_ins += 1;
                SessionId::stand_in(self.n_stand_ins)
            },
            |before| before.session,
        );
        if let Some(user) = &named.user {
            let of_user = self.by_user.entry(user.clone()).or_default();
            of_user.insert((named.connected_at, named.socket_id.clone()));
        }
        let socket_id = named.socket_id.clone();
        self.by_socket.insert(socket_id, StandIn { session, named });
        session
    }

    fn take(&mut self, socket_id: &str) -> Option<StandIn> {
        let stand_in = self.by_socket.remove(socket_id)?;
        let named = &stand_in.named;
        if let Some(user) = &named.user
            && let Some(of_user) = self.by_user.get_mut(user)
        {
            of_user.remove(&(named.connected_at, named.socket_id.clone()));
            if of_user.is_empty() {
                self.by_user.remove(user);
            }
        }
        Some(stand_in)
    }
}

impl Lobby {
    /// Notes a socket of another node, puts it somewhere or somewhere else, or calls it otherwise.
    /// Returns what is told of that.
    fn note_elsewhere(&self, named: Named) -> Vec<Event> {
        let mut inner = self.inner();
        let stay = named.stay.clone();
        let socket_id = named.socket_id.clone();
        let session = inner.elsewhere.put(named);
        let Some(stay) = stay else {
            return Vec::new();
        };
        let place = stay.room.map_or(Place::Lobby, Place::Room);
        let person = Arc::new(Person {
            name: stay.name.into(),
            socket_id,
            joined_at: stay.joined_at,
        });
        let mut left = None;
        if !inner.rename(session, &person, &place) {
            left = inner.remove(session);
            inner.insert(session, Arc::clone(&person), place.clone(), stay.came_at);
        }
        coming(&place, Some(person), left, session)
    }

    /// Forgets a socket of another node, if that is the last that is known of it. Returns who it was
    /// and where.
    fn leave_elsewhere(&self, named: &Named) -> Option<Left> {
        let mut inner = self.inner();
        let known = inner.elsewhere.by_socket.get(&named.socket_id)?;
        if known.named != *named {
            return None;
        }
        let stand_in = inner.elsewhere.take(&named.socket_id)?;
        inner.remove(stand_in.session)
    }

    /// What stands for a socket of another node here.
    fn stand_in(&self, socket_id: &str) -> Option<SessionId> {
        let inner = self.inner();
        let stand_in = inner.elsewhere.by_socket.get(socket_id);
        stand_in.map(|stand_in| stand_in.session)
    }

    /// Who is behind a socket of another node.
    pub(super) fn user_elsewhere(&self, socket_id: &str) -> Option<UserId> {
        let inner = self.inner();
        inner.elsewhere.by_socket.get(socket_id)?.named.user.clone()
    }

    /// The oldest socket that a user has on other nodes.
    pub(super) fn oldest_elsewhere(&self, user: &UserId) -> Option<Age> {
        let inner = self.inner();
        inner.elsewhere.by_user.get(user)?.first().cloned()
    }
}

impl Chat {
    /// Lets other nodes know that a socket is in the public chat, and what it is called and where, if
    /// it has said a name.
    pub(super) fn note_named(&self, session: &Session) {
        if !self.is_shared() {
            return;
        }
        let stay = |(person, place, came_at): (Arc<Person>, Place, _)| Stay {
            name: person.name.to_string(),
            room: place.room().cloned(),
            joined_at: person.joined_at,
            came_at,
        };
        let named = Named {
            socket_id: session.socket_id.clone(),
            user: session.user(),
            connected_at: session.connected_at,
            stay: self.lobby.stay(session.id).map(stay),
        };
        self.roster.set_named(&session.socket_id, Some(named));
    }

    /// Lets other nodes know that a socket is in the public chat, as soon as it asks for anything.
    pub(super) fn note_present(&self, session: &Session) {
        if self.is_shared() && !self.roster.has_named(&session.socket_id) {
            self.note_named(session);
        }
    }

    /// Lets other nodes know that a socket is gone.
    pub(super) fn note_gone(&self, session: &Session) {
        if self.is_shared() {
            self.roster.set_named(&session.socket_id, None);
        }
    }

    /// What is told here when somebody came, moved or is called otherwise on another node, or is gone.
    pub(in crate::chat) fn name_elsewhere(&self, named: Named, is_there: bool) -> Vec<Event> {
        if is_there {
            return self.lobby.note_elsewhere(named);
        }
        match self.lobby.leave_elsewhere(&named) {
            Some(left) => {
                let typing = LobbyEvent::typists_of(left.place.clone());
                left.told().into_iter().chain([typing]).collect()
            }
            None => Vec::new(),
        }
    }

    /// Notes that somebody types on another node. Returns what is told here.
    pub(in crate::chat) fn lobby_typing_elsewhere(
        &self,
        socket_id: &str,
        is_typing: bool,
    ) -> Option<Event> {
        let session = self.lobby.stand_in(socket_id)?;
        let place = self.lobby.set_typing(session, is_typing, MARGIN)?;
        Some(LobbyEvent::typists_of(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::tests_support::sessions;
    use crate::store;

    fn named(name: &str, room: Option<&str>, came_at: DateTime<Utc>) -> Named {
        Named {
            socket_id: "far".into(),
            user: Some("u".into()),
            connected_at: DateTime::UNIX_EPOCH,
            stay: Some(Stay {
                name: name.into(),
                room: room.map(Into::into),
                joined_at: came_at,
                came_at,
            }),
        }
    }

    fn names(lobby: &Lobby, place: &Place) -> Vec<String> {
        let people = lobby.people(place).into_iter();
        people.map(|person| person.name.to_string()).collect()
    }

    #[test]
    fn who_is_elsewhere_stands_in_the_list_where_its_time_puts_it() {
        let (lobby, [a, b]) = (Lobby::default(), sessions(["a", "b"]));
        lobby.join(&a, "first", &Place::Lobby);
        let between = lobby.inner().now();
        lobby.join(&b, "last", &Place::Lobby);
        lobby.note_elsewhere(named("far", None, between));
        assert_eq!(names(&lobby, &Place::Lobby), ["first", "far", "last"]);
    }

    #[test]
    fn what_is_heard_of_an_older_name_takes_nobody_away() {
        let lobby = Lobby::default();
        let at = store::now();
        let (old, new) = (named("old", None, at), named("new", None, at));
        lobby.note_elsewhere(old.clone());
        lobby.note_elsewhere(new.clone());
        assert!(lobby.leave_elsewhere(&old).is_none());
        assert_eq!(names(&lobby, &Place::Lobby), ["new"]);
        assert_eq!(lobby.oldest_elsewhere(&"u".into()).unwrap().1, "far");
        let moved = named("new", Some("tech"), at);
        lobby.note_elsewhere(moved.clone());
        assert!(names(&lobby, &Place::Lobby).is_empty());
        assert!(lobby.leave_elsewhere(&moved).is_some());
        assert!(lobby.oldest_elsewhere(&"u".into()).is_none());
        assert!(lobby.user_elsewhere("far").is_none());
    }
}
