//! A finished write: its sender is answered, then the others are told.

use super::Delivery;
use super::answers::give;
use super::nodes::{After, Post};
use crate::chat::{
    About, Change, Dialect, Done, Event, Message, Moved, News, Origin, Outcome, Reply, Tag, Write,
};
use crate::error::Error;
use crate::wire;

impl Delivery {
    /// Answers the sender of a write, then tells the others.
    pub(super) fn finish(&self, done: Done<Tag>) {
        let Tag {
            origin,
            about,
            before,
            dialect,
        } = done.tag;
        if let Some(event) = before {
            self.tell(event);
        }
        let outcome = done.outcome;
        match (outcome, done.write, about) {
            (
                Ok(Outcome::Message(stored)),
                _,
                About::Message {
                    sender,
                    receiver,
                    conversation,
                },
            ) => {
                let message = Message {
                    row: self.chat.shown(stored.row),
                    sender,
                    receiver,
                    // Who was removed in the meantime hears nothing.
                    conversation: self.chat.current(&conversation),
                    duplicate: stored.duplicate,
                    reactions: stored.reactions,
                    facts_in: stored.facts_in,
                };
                self.finish_message(message, origin, dialect);
            }
            (
                Ok(Outcome::Changed(changed)),
                Write::Change(new),
                About::Message {
                    sender,
                    conversation,
                    ..
                },
            ) => {
                let conversation = self.chat.current(&conversation);
                let emoji = match new.change {
                    Change::React { emoji, .. } => Some(emoji),
                    Change::Edit { .. } | Change::Delete => None,
                };
                let at = changed.has_changed.then(|| changed.position());
                if changed.has_changed {
                    self.say(|| Some(News::of_change(&changed, emoji.clone())));
                }
                let chat = &self.chat;
                let (reply, events) = chat.tell_of_change(emoji, changed, sender, conversation);
                self.finish_as(Ok(reply), origin, dialect, at, events);
            }
            (Ok(Outcome::Read(outcome)), Write::Read(read), About::Read { known }) => {
                let reply = Reply::Read {
                    conversation: read.conversation.clone(),
                    message: read.message,
                    outcome,
                };
                let event = Event::Read {
                    conversation: read.conversation,
                    known: known.map(|known| self.chat.current(&known)),
                    party: read.party,
                    reader: read.reader,
                    outcome,
                    origin: origin.asker(),
                    dialect,
                };
                self.say(|| News::of(&event));
                self.finish_as(Ok(reply), origin, dialect, None, vec![event]);
            }
            (Err(error), ..) => self.finish_as(Err(error), origin, dialect, None, Vec::new()),
            (Ok(_), ..) => self.finish_as(Err(Error::Internal), origin, dialect, None, Vec::new()),
        }
    }

    fn finish_message(&self, message: Message, origin: Origin, dialect: Dialect) {
        let has_got_it = !message.duplicate && self.note_delivered(&message, dialect);
        let n_reached = match wire::vocabulary(dialect).counts_receivers() {
            true => self.n_reached(&message).max(usize::from(has_got_it)),
            false => 0,
        };
        let reply = Reply::Sent {
            n_reached,
            message: message.clone(),
        };
        let is_new = !message.duplicate;
        let at = (is_new && self.nodes.is_some()).then(|| message.position());
        let event = is_new.then(|| Event::Message {
            message,
            echo: origin.echo(),
            origin: origin.asker(),
            dialect,
        });
        if let Some(event) = &event {
            self.say(|| News::of(event));
        }
        self.finish_as(Ok(reply), origin, dialect, at, event.into_iter().collect());
    }

    /// Notes where a message needs not wait for its receiver, who is about to be told; looked at once,
    /// so that the answer to its sender says the same. Returns whether there is such a place.
    pub(super) fn note_delivered(&self, message: &Message, cause: Dialect) -> bool {
        let sessions = &self.chat.sessions;
        let lets_wait = |dialect: &Dialect| {
            wire::vocabulary(*dialect).lets_messages_wait()
                && sessions.has_listeners(*dialect, cause)
        };
        let waiting = Dialect::ALL.into_iter().filter(lets_wait);
        let noted = waiting.filter(|dialect| self.chat.note_delivered(message, *dialect, cause));
        noted.count() > 0
    }

    /// Users whom a message reaches now.
    fn n_reached(&self, message: &Message) -> usize {
        let is_connected = |user| usize::from(self.chat.is_reachable(user));
        match (&message.receiver, message.conversation.room()) {
            (Some(receiver), _) => is_connected(&receiver.id),
            (None, Some(room)) => room.members.keys().map(is_connected).sum(),
            (None, None) => 0,
        }
    }

    /// Answers whoever waits for a write, and tells the others: after a socket's answer, and
    /// before a REST answer.
    fn finish_as(
        &self,
        outcome: Result<Reply, Error>,
        origin: Origin,
        dialect: Dialect,
        at: Option<Moved>,
        events: Vec<Event>,
    ) {
        let after = match origin {
            // What the socket asks next comes after this fan-out.
            Origin::Socket {
                session,
                answer: id,
            } => give(&session, id, dialect, &outcome).map_or(After::Nobody, After::Socket),
            Origin::Rest { reply, .. } => After::Call(reply, Box::new(outcome)),
        };
        let post = Post { events, after };
        #[cfg(feature = "planted-bugs")]
        if at.is_some() && crate::planted::has("bus_only_fanout") {
            return post.after.go_on();
        }
        self.post(at, post);
    }
}
