//! What other nodes tell, and what waits for it.

use std::cell::RefCell;

use tokio::time::Instant;

use super::nodes::{Inbound, Nodes, Post};
use super::{Delivery, HOLE_TICK};
use crate::chat::{Event, Heard, Moved};

/// What comes from other nodes next; never where there are none.
pub async fn next_inbound(nodes: &mut Option<RefCell<Nodes>>) -> Inbound {
    match nodes {
        Some(nodes) => nodes.get_mut().next().await,
        None => std::future::pending().await,
    }
}

impl Delivery {
    pub(super) fn hear(&mut self, inbound: Inbound) {
        match inbound {
            Inbound::Heard(heard) => self.guard(|delivery| delivery.hear_news(heard)),
            Inbound::Seen {
                seen,
                n_begun,
                place,
            } => self.seen.push_back((n_begun, seen, place)),
            Inbound::Repaired(Some(repair)) => self.guard(|delivery| {
                if let Some(nodes) = &delivery.nodes {
                    let ready = nodes.borrow_mut().fill(repair);
                    for post in &ready {
                        delivery.note_heard(&post.events);
                    }
                    delivery.send_late(ready);
                }
            }),
            // It is asked for again.
            Inbound::Repaired(None) => {}
        }
    }

    fn hear_news(&self, heard: Heard) {
        let Heard { at, events } = heard;
        match at {
            Some(at) if events.is_empty() => self.discover(&at),
            Some(at) => {
                self.note_heard(&events);
                self.post(Some(at), Post::of(events));
            }
            None => events.into_iter().for_each(|event| self.show(event)),
        }
    }

    /// What is missing is asked for in time.
    fn discover(&self, at: &Moved) {
        if let Some(nodes) = &self.nodes {
            nodes.borrow_mut().discover(at);
        }
    }

    /// Messages of other nodes need not wait for receivers who are here.
    fn note_heard(&self, events: &[Event]) {
        for event in events {
            match event {
                Event::Message {
                    message, dialect, ..
                } => {
                    self.note_delivered(message, *dialect);
                }
                Event::Partly { event, .. } => self.note_heard(std::slice::from_ref(event)),
                _ => {}
            }
        }
    }

    /// Whether anything waits: an answer for what it shows to be told, or something of other nodes.
    pub(super) fn has_loose_ends(&self) -> bool {
        let has_holes = |nodes: &RefCell<Nodes>| nodes.borrow().has_holes();
        // Also alone: the batch that an answer waits for may take long.
        !self.early.is_empty()
            || !self.seen.is_empty()
            || self.nodes.as_ref().is_some_and(has_holes)
    }

    /// Looks at what waits.
    pub(super) fn tie_loose_ends(&mut self) {
        if !self.has_loose_ends() || self.asked_at.elapsed() < HOLE_TICK {
            return;
        }
        self.asked_at = Instant::now();
        let n_delivered = self.n_delivered;
        while let Some((_, seen, _)) = self
            .seen
            .pop_front_if(|(n_begun, _, _)| *n_begun <= n_delivered)
        {
            for at in &seen.moved {
                if let Some(nodes) = &mut self.nodes {
                    nodes.get_mut().discover_since(at, seen.said_since);
                }
            }
        }
        self.answer_early();
        if let Some(nodes) = &mut self.nodes {
            nodes.get_mut().ask_for_holes();
        }
    }

    /// Whoever still waits for others to be told is not kept waiting.
    pub(super) fn let_all_go_on(&mut self) {
        if let Some(nodes) = &mut self.nodes {
            for post in nodes.get_mut().give_up() {
                post.after.go_on();
            }
        }
    }
}
