//! Fan-out: one event to everybody who listens, encoded once per dialect that has listeners.

use std::cell::RefCell;
use std::sync::Arc;

use super::Delivery;
use super::nodes::Nodes;
use crate::chat::{Broadcast, DeskEvent, Dialect, Event, Feature, Follows, Session};
use crate::wire::{self, Audience, Frame, Variant};

impl Delivery {
    /// Tells everybody who listens.
    pub(super) fn announce(&self, event: &Event) {
        match event {
            Event::Partly { to, event } => {
                let follows_changes = *to == Follows::Changes;
                let hears = |dialect: Dialect| dialect.has(Feature::Changes) == follows_changes;
                self.announce_to(event, hears);
            }
            event => self.announce_to(event, |_| true),
        }
    }

    fn announce_to(&self, event: &Event, hears: impl Fn(Dialect) -> bool) {
        let is_overtaken = |nodes: &RefCell<Nodes>| {
            let current = |known: &_| self.chat.current(known);
            nodes.borrow_mut().is_overtaken(event, current)
        };
        if self.nodes.as_ref().is_some_and(is_overtaken) {
            return;
        }
        self.chat.note_unread(event);
        let shown = match event {
            Event::Message { message, .. } => Some((&*message.row, true)),
            Event::Desk(DeskEvent::MessageChanged { message, .. }) => Some((&*message.row, false)),
            _ => None,
        };
        for dialect in Dialect::ALL.into_iter().filter(|dialect| hears(*dialect)) {
            let vocabulary = wire::vocabulary(dialect);
            let Some(audience) = vocabulary.audience(event) else {
                continue;
            };
            if !self.chat.sessions.has_listeners(dialect, audience.cause) {
                continue;
            }
            let waited = match event {
                Event::Message { message, .. } if vocabulary.lets_messages_wait() => Some(message),
                _ => None,
            };
            let mut frames = Frames::default();
            self.each_listener(dialect, &audience, |session| {
                if event.is_volatile() && session.outbox.is_behind() {
                    return;
                }
                if let Some(message) = waited.filter(|_| session.dialect().is_none()) {
                    session.note_early(&message.row);
                }
                let variant = vocabulary.variant(event, session);
                let encode = || vocabulary.encode(event, session);
                if let Some((frame, broadcast)) = frames.of(variant, encode) {
                    session.tell(frame.name, &frame.body, shown, broadcast);
                }
            });
            frames.emit();
        }
    }

    fn each_listener(
        &self,
        dialect: Dialect,
        audience: &Audience<'_>,
        mut tell: impl FnMut(&Session),
    ) {
        let sessions = &self.chat.sessions;
        let stamp = sessions.stamp();
        let mut visit = |session: &Arc<Session>| {
            let is_excepted = Some(session.id) == audience.except
                || audience.except_user.is_some_and(|user| session.is_of(user))
                || audience
                    .unless_muted
                    .is_some_and(|id| session.has_muted(id));
            let is_stranger =
                audience.strangers && session.dialect().is_none() && session.may_hear();
            let hears = session.hears(dialect, audience.cause)
                || (is_stranger && dialect == audience.cause);
            if hears && !is_excepted && session.claim(stamp) {
                tell(session);
            }
        };
        if let Some(conversation) = audience.conversation {
            sessions.each_of_conversation(conversation, &mut visit);
        }
        let members = audience
            .members
            .into_iter()
            .flat_map(|members| members.keys());
        let users = audience.users.into_iter().flatten().chain(audience.peers);
        for user in users.chain(members) {
            sessions.each_of_user(user, &mut visit);
        }
        for gallery in audience.galleries.into_iter().flatten() {
            sessions.each_of_gallery(gallery, &mut visit);
        }
        if audience.everybody {
            sessions.each(&mut visit);
        }
    }
}

/// The frames of one event in one dialect, each encoded once.
#[derive(Default)]
struct Frames {
    shared: Vec<(u8, Option<Telling>)>,
    own: Option<Telling>,
}

/// A frame, and who is told it.
type Telling = (Frame, Broadcast);

impl Frames {
    fn of(
        &mut self,
        variant: Variant,
        encode: impl FnOnce() -> Option<Frame>,
    ) -> Option<&mut Telling> {
        let encode = || encode().map(|frame| (frame, Broadcast::default()));
        let Variant::Shared(number) = variant else {
            emit(std::mem::replace(&mut self.own, encode()));
            return self.own.as_mut();
        };
        let known = self.shared.iter().position(|(other, _)| *other == number);
        let index = known.unwrap_or_else(|| {
            self.shared.push((number, encode()));
            self.shared.len() - 1
        });
        self.shared[index].1.as_mut()
    }

    fn emit(self) {
        let shared = self.shared.into_iter().map(|(_, telling)| telling);
        shared.chain([self.own]).for_each(emit);
    }
}

fn emit(telling: Option<Telling>) {
    if let Some((frame, broadcast)) = telling {
        broadcast.emit(frame.name, &frame.body);
    }
}
