//! A socket begins to listen for a user, and stops.

use std::sync::Arc;

use sohbet_entity::ids::UserId;

use super::presence::Arrival;
use super::sessions::Came;
use super::{Chat, Dialect, Session};

impl Chat {
    /// Lets a socket listen for a user. What waits for the user is for this socket if it wants that and no
    /// other one here has it; those of other nodes have asked for it themselves.
    pub(super) fn come<'a>(
        &'a self,
        session: &'a Arc<Session>,
        dialect: Dialect,
        user: &'a UserId,
        wants_waiting: bool,
    ) -> Joining<'a> {
        let _coming = self.delivered.coming.lock();
        // Arrive before leaving, so that a second call for the same user is no coming and going.
        let arrival = self.arrive(session, dialect, user);
        let is_here = self.sessions.has_come(user, dialect, session.id);
        if let Some(earlier) = self.sessions.unlisten_user(session) {
            self.presence.leave(dialect, &earlier);
        }
        let hears_it = session.may_hear() && session.outbox.is_open();
        if wants_waiting && hears_it && !is_here {
            session.await_waiting(user);
        }
        self.sessions.listen_user(session, user);
        Joining {
            chat: self,
            session,
            dialect,
            user,
            arrival: Some(arrival),
        }
    }

    /// Closes a socket that was not told in time what it has missed. It hears no more: its client comes
    /// back and gets all of it.
    pub fn turn_away(&self, session: &Arc<Session>) {
        tracing::warn!("a client could not be greeted in time");
        session.outbox.close();
        self.stop_listening(session);
    }

    /// Lets a socket hear no more of its user.
    pub(super) fn stop_listening(&self, session: &Arc<Session>) {
        let came = session.take_came();
        self.break_off(session, came.map(|came| came.arrival));
    }

    /// As [`Chat::stop_listening`], with what the socket has changed and nobody was told.
    fn break_off(&self, session: &Arc<Session>, untold: Option<Arrival>) {
        let _coming = self.delivered.coming.lock();
        if session.awaits_waiting() {
            self.send_back_others(session);
        }
        let listened_for = self.sessions.unlisten_user(session);
        // It waits on, and what was told meanwhile is told again with it.
        let _ = session.take_aside();
        let Some((user, dialect)) = listened_for.zip(session.dialect()) else {
            return;
        };
        match untold {
            Some(arrival) => self.take_back(dialect, &user, &arrival),
            None => self.presence.leave(dialect, &user),
        }
    }

    /// Closes the other sockets of a user: they were not told what waits, because one was there that was
    /// to be. They come back and get it.
    fn send_back_others(&self, session: &Session) {
        let Some((viewer, dialect)) = session.viewer().zip(session.dialect()) else {
            return;
        };
        let mut others = Vec::new();
        self.sessions.each_of_user(&viewer.user, |other| {
            let is_meant = other.id != session.id && other.dialect() == Some(dialect);
            if is_meant && !other.awaits_waiting() {
                others.push(Arc::clone(other));
            }
        });
        for other in others {
            other.outbox.close();
        }
    }
}

/// A socket that begins to listen for a user. If that breaks off, it is closed and hears no more: its client
/// comes back and gets all of it.
pub struct Joining<'a> {
    chat: &'a Chat,
    session: &'a Arc<Session>,
    dialect: Dialect,
    user: &'a UserId,
    /// `None` once it will be answered.
    arrival: Option<Arrival>,
}

impl Joining<'_> {
    /// It is going to be answered; then others hear that its user came.
    pub(super) async fn complete(mut self) {
        let came_online = |arrival: &Arrival| arrival.came_online;
        let event = match self.arrival.as_ref().is_some_and(came_online) {
            true => {
                let (chat, session) = (self.chat, self.session);
                chat.came_event(session, self.dialect, self.user).await
            }
            false => None,
        };
        let Some(arrival) = self.arrival.take().filter(came_online) else {
            return;
        };
        let earlier = self.session.set_came(Came {
            user: self.user.clone(),
            arrival,
            event,
        });
        if let Some(earlier) = earlier {
            self.chat
                .tell_later_who_is_there(self.dialect, &earlier.user);
        }
    }
}

impl Drop for Joining<'_> {
    fn drop(&mut self) {
        if let Some(arrival) = self.arrival.take() {
            tracing::warn!("a socket that could not begin to listen is closed");
            self.session.outbox.close();
            self.chat.break_off(self.session, Some(arrival));
        }
    }
}
