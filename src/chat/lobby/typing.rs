//! Showing who types.

use std::time::Duration;

use super::{LOBBY, LobbyEvent, Person, Place, Typist};
use crate::chat::{Chat, Event, Session, SessionId};
use crate::store::Write;

impl Chat {
    /// Shows that somebody types. Who has not said a name types unseen.
    pub(super) fn lobby_typing(&self, session: &Session, is_typing: bool) -> Vec<Event> {
        let place = self.lobby.set_typing(session.id, is_typing, Duration::ZERO);
        let typist = Typist {
            socket_id: session.socket_id.clone(),
            is_typing,
        };
        let event = place.map(|place| LobbyEvent::typing(place, session.id, typist));
        event.into_iter().collect()
    }

    /// A message ends its author's typing. Returns the event to be heard before the message.
    pub(in crate::chat) fn ended_lobby_typing(
        &self,
        session: SessionId,
        write: &Write,
    ) -> Option<Event> {
        let Write::Message(new) = write else {
            return None;
        };
        let conversation = &new.row.conversation_id;
        let place = match conversation.as_str() {
            LOBBY => Place::Lobby,
            _ => Place::Room(conversation.clone()),
        };
        let has_ended = self.lobby.end_typing(session, &place);
        let person = self.lobby.person(session).filter(|_| has_ended)?;
        Some(LobbyEvent::typing(place, session, Typist::ended(&person)))
    }

    /// Ends typing states when they run out.
    pub(in crate::chat) async fn expire_lobby_typing(&self) {
        for (place, session, person) in self.lobby.expire_typing() {
            let event = LobbyEvent::typing(place, session, Typist::ended(&person));
            self.publish(event).await;
        }
    }
}

impl Typist {
    /// Somebody types no longer.
    fn ended(person: &Person) -> Self {
        Self {
            socket_id: person.socket_id.clone(),
            is_typing: false,
        }
    }
}
