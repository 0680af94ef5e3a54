//! People of the public chat whose sockets are on other nodes.

use std::sync::Arc;
use std::time::Duration;

use sohbet_entity::ids::UserId;

use super::joining::coming;
use super::people::Left;
use super::{Lobby, LobbyEvent, Person, Place};
use crate::chat::nodes::Named;
use crate::chat::{Chat, Event, Session, SessionId};

/// How much longer a typing state of another node lives here: that node ends it, unless it is gone.
const MARGIN: Duration = Duration::from_secs(2);

impl Lobby {
    /// Puts a socket of another node somewhere, or somewhere else, or calls it otherwise. Returns as
    /// [`Lobby::join`] does, and what stands for the socket here.
    fn join_elsewhere(
        &self,
        person: Person,
        user: Option<UserId>,
        place: &Place,
    ) -> (SessionId, Arc<Person>, Option<Left>) {
        let mut inner = self.inner();
        let socket_id = person.socket_id.clone();
        let n_elsewhere = inner.n_numbers;
        let stand_in = inner.elsewhere.entry(socket_id);
        let stand_in = stand_in.or_insert_with(|| (SessionId::stand_in(n_elsewhere), None));
        stand_in.1 = user;
        let session = stand_in.0;
        let person = Arc::new(person);
        let left = inner.remove(session);
        inner.insert(session, Arc::clone(&person), place.clone());
        (session, person, left)
    }

    /// Forgets a socket of another node. Returns who it was and where.
    fn leave_elsewhere(&self, socket_id: &str) -> Option<Left> {
        let mut inner = self.inner();
        let (session, _) = inner.elsewhere.remove(socket_id)?;
        inner.remove(session)
    }

    /// What stands for a socket of another node here.
    fn stand_in(&self, socket_id: &str) -> Option<SessionId> {
        let inner = self.inner();
        inner.elsewhere.get(socket_id).map(|(session, _)| *session)
    }

    /// Who is behind a socket of another node.
    pub(super) fn user_elsewhere(&self, socket_id: &str) -> Option<UserId> {
        self.inner().elsewhere.get(socket_id)?.1.clone()
    }
}

impl Chat {
    /// Lets other nodes know what a socket is called and where it is, if it has said a name.
    pub(super) fn note_named(&self, session: &Session) {
        if !self.is_shared() {
            return;
        }
        let Some(person) = self.lobby.person(session.id) else {
            return;
        };
        let named = Named {
            socket_id: session.socket_id.clone(),
            name: person.name.to_string(),
            user: session.user(),
            room: Place::of(session).room().cloned(),
            joined_at: person.joined_at,
        };
        self.roster.set_named(&session.socket_id, Some(named));
    }

    /// Lets other nodes know that a socket is gone.
    pub(super) fn note_unnamed(&self, socket_id: &str) {
        if self.is_shared() {
            self.roster.set_named(socket_id, None);
        }
    }

    /// Shows here that somebody came, moved or is called otherwise on another node, or is gone.
    pub(in crate::chat) async fn name_elsewhere(&self, named: Named, is_there: bool) {
        let told = match is_there {
            true => {
                let place = named.room.map_or(Place::Lobby, Place::Room);
                let person = Person {
                    name: named.name.into(),
                    socket_id: named.socket_id,
                    joined_at: named.joined_at,
                };
                let (session, person, left) = self.lobby.join_elsewhere(person, named.user, &place);
                coming(&place, Some(person), left, session)
            }
            false => {
                let Some(left) = self.lobby.leave_elsewhere(&named.socket_id) else {
                    return;
                };
                let typing = LobbyEvent::typists_of(left.place.clone());
                left.told().into_iter().chain([typing]).collect()
            }
        };
        for event in told {
            self.publish(event).await;
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
