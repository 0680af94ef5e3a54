//! Fan-out: one event to everybody who listens, encoded once per dialect that has listeners.

use std::cell::RefCell;
use std::sync::Arc;

use super::Delivery;
use super::nodes::Nodes;
use crate::chat::{DeskEvent, Dialect, Event, Session};
use crate::wire::{self, Audience, Frame, Variant};

impl Delivery {
    /// Tells everybody who listens.
    pub(super) fn announce(&self, event: &Event) {
        let is_overtaken = |nodes: &RefCell<Nodes>| nodes.borrow_mut().is_overtaken(event);
        if self.nodes.as_ref().is_some_and(is_overtaken) {
            return;
        }
        self.chat.note_unread(event);
        let shown = match event {
            Event::Message { message, .. } => Some((&*message.row, true)),
            Event::Desk(DeskEvent::MessageChanged { message, .. }) => Some((&*message.row, false)),
            _ => None,
        };
        for dialect in Dialect::ALL {
            let vocabulary = wire::vocabulary(dialect);
            let Some(audience) = vocabulary.audience(event) else {
                continue;
            };
            if !self.chat.sessions.has_listeners(dialect, audience.cause) {
                continue;
            }
            let mut frames = Frames::default();
            self.each_listener(dialect, &audience, |session| {
                if event.is_volatile() && session.outbox.is_behind() {
                    return;
                }
                let variant = vocabulary.variant(event, session);
                let encode = || vocabulary.encode(event, session);
                if let Some(frame) = frames.of(variant, encode) {
                    session.tell(frame.name, &frame.body, shown);
                }
            });
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
    shared: Vec<(u8, Option<Frame>)>,
    own: Option<Frame>,
}

impl Frames {
    fn of(&mut self, variant: Variant, encode: impl FnOnce() -> Option<Frame>) -> Option<&Frame> {
        let Variant::Shared(number) = variant else {
            self.own = encode();
            return self.own.as_ref();
        };
        let known = self.shared.iter().position(|(other, _)| *other == number);
        let index = known.unwrap_or_else(|| {
            self.shared.push((number, encode()));
            self.shared.len() - 1
        });
        self.shared[index].1.as_ref()
    }
}
