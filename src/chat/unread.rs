//! Unread counts, pushed to people of Sohbet's own dialect. What changes them is only noted; some
//! times a second they are counted for all who are concerned.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use sohbet_entity::ids::{ConversationId, PartyId};
use tokio_util::sync::CancellationToken;

use super::messages::admitted_in;
use super::{Caller, Chat, Conversation, DeskEvent, Event, SessionId, Viewer};
use crate::error::{Error, Result};
use crate::store::{self, ReadScope, Standing};
use crate::worker::Ticks;

/// How often counts are pushed.
const TICK: Duration = Duration::from_millis(200);
/// Counts that may wait. One that finds no place is pushed with the next change.
const MAX_WAITING: usize = 100_000;
/// Counts that are read together.
const MAX_TOGETHER: usize = 512;

type Key = (Viewer, ConversationId);

/// Counts that may have changed since they were pushed.
#[derive(Default)]
pub struct Waiting {
    keys: Mutex<HashMap<Key, Arc<Conversation>>>,
}

impl Waiting {
    fn keys(&self) -> MutexGuard<'_, HashMap<Key, Arc<Conversation>>> {
        self.keys
            .lock()
            .expect("no code panics with this lock held")
    }
}

/// How far a caller has read a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The conversation.
    pub conversation: ConversationId,
    /// How far.
    pub last_read_seq: i64,
    /// How many messages are left there.
    pub unread: i64,
    /// How many are left everywhere.
    pub unread_total: i64,
}

/// How much somebody has not read, after that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadCount {
    /// Who.
    pub viewer: Viewer,
    /// The conversation where it changed.
    pub conversation: ConversationId,
    /// How many messages there.
    pub unread: i64,
    /// How many everywhere.
    pub total: i64,
}

impl Chat {
    /// Moves the caller's marker, for sockets and REST alike, and counts what is left.
    pub async fn mark_up_to(
        &self,
        caller: &Caller,
        id: ConversationId,
        scope: ReadScope,
        asker: Option<SessionId>,
    ) -> Result<Receipt> {
        let known = self.enter(caller, &id).await?;
        let (write, about) = self.prepare_read(caller, id.clone(), scope, None).await?;
        self.submit_for(asker, caller, write, about).await?;
        let viewer = caller.viewer();
        let party = viewer.party_in(&known);
        let standings = self.store.find_standings(&[(&id, &party)]).await?;
        let standing = standings.first();
        if standing.is_none() && admitted_in(&known, caller).is_some() {
            // Who has parted meanwhile is told what strangers are.
            return Err(Error::NO_CONVERSATION);
        }
        Ok(Receipt {
            conversation: id,
            last_read_seq: standing.map_or(0, |standing| standing.last_read_seq),
            unread: standing.map_or(0, |standing| standing.unread),
            unread_total: self.total_unread(&viewer).await?,
        })
    }

    /// How many messages somebody has not read.
    pub(super) async fn total_unread(&self, viewer: &Viewer) -> Result<i64> {
        let parties = viewer.parties();
        let parties: Vec<&PartyId> = parties.iter().collect();
        Ok(self.store.sum_unread(&parties).await?.values().sum())
    }

    /// Notes whose counts an event changes. Called by delivery for every event, so it does nothing
    /// that waits.
    pub fn note_unread(&self, event: &Event) {
        match event {
            Event::Message { message, .. } => {
                let sender = &message.row.sender_id;
                let viewers = self.live_viewers(&message.conversation).into_iter();
                let viewers = viewers.filter(|viewer| viewer.user != *sender);
                self.wait_to_count(&message.conversation, viewers);
            }
            Event::Read {
                known: Some(known),
                party,
                outcome,
                ..
            } if outcome.has_moved => {
                let viewers = self.live_viewers(known).into_iter();
                let viewers = viewers.filter(|viewer| viewer.party_in(known) == *party);
                self.wait_to_count(known, viewers);
            }
            Event::Desk(DeskEvent::MessageChanged {
                conversation,
                message,
            }) if message.row.deleted_at.is_some() => {
                self.wait_to_count(conversation, self.live_viewers(conversation));
            }
            _ => {}
        }
    }

    fn wait_to_count(
        &self,
        conversation: &Arc<Conversation>,
        viewers: impl IntoIterator<Item = Viewer>,
    ) {
        let mut viewers = viewers.into_iter().peekable();
        if viewers.peek().is_none() {
            return;
        }
        let mut keys = self.unread.keys();
        for viewer in viewers {
            if keys.len() >= MAX_WAITING {
                return;
            }
            let key = (viewer, conversation.id.clone());
            keys.insert(key, Arc::clone(conversation));
        }
    }

    /// Counts and pushes, again and again until told to stop; the body of a worker.
    pub async fn watch_unread(&self, stop: CancellationToken) {
        let mut ticks = Ticks::new(TICK, &stop);
        while ticks.next().await {
            self.push_unread().await;
        }
    }

    async fn push_unread(&self) {
        let waiting = std::mem::take(&mut *self.unread.keys());
        let waiting: Vec<_> = waiting
            .into_iter()
            .map(|((viewer, _), conversation)| (viewer, conversation))
            .collect();
        let mut rest = waiting.as_slice();
        while !rest.is_empty() {
            let (part, later) = rest.split_at(rest.len().min(MAX_TOGETHER));
            let counts = match self.count_unread_of(part).await {
                Ok(counts) => counts,
                Err(error) => {
                    tracing::warn!(error.code = error.code(), "unread counts were not pushed");
                    return self.wait_again(rest);
                }
            };
            for count in counts {
                self.publish(Event::Desk(DeskEvent::Unread(count))).await;
            }
            rest = later;
        }
    }

    fn wait_again(&self, waiting: &[(Viewer, Arc<Conversation>)]) {
        for (viewer, conversation) in waiting {
            self.wait_to_count(conversation, [viewer.clone()]);
        }
    }

    async fn count_unread_of(
        &self,
        waiting: &[(Viewer, Arc<Conversation>)],
    ) -> Result<Vec<UnreadCount>> {
        let parties: Vec<PartyId> = waiting
            .iter()
            .map(|(viewer, conversation)| viewer.party_in(conversation))
            .collect();
        let asked: Vec<_> = waiting
            .iter()
            .zip(&parties)
            .map(|((_, conversation), party)| (&conversation.id, party))
            .collect();
        let standings = store::in_time(self.store.find_standings(&asked)).await?;
        let standings: HashMap<_, &Standing> = standings
            .iter()
            .map(|standing| ((&standing.conversation_id, &standing.party), standing))
            .collect();
        let totals = self.totals_of(waiting.iter().map(|(viewer, _)| viewer));
        let totals = totals.await?;
        let count = |((viewer, conversation), asked): (&(Viewer, Arc<Conversation>), _)| {
            Some(UnreadCount {
                viewer: viewer.clone(),
                conversation: conversation.id.clone(),
                // Who no longer takes part was told so.
                unread: standings.get(asked)?.unread,
                total: totals.get(viewer).copied().unwrap_or(0),
            })
        };
        Ok(waiting.iter().zip(&asked).filter_map(count).collect())
    }

    async fn totals_of<'a>(
        &self,
        viewers: impl Iterator<Item = &'a Viewer>,
    ) -> Result<HashMap<&'a Viewer, i64>> {
        let viewers: HashSet<&Viewer> = viewers.collect();
        let parties: HashMap<_, _> = viewers
            .iter()
            .map(|viewer| (*viewer, viewer.parties()))
            .collect();
        let asked: HashSet<&PartyId> = parties.values().flat_map(|it| it.iter()).collect();
        let asked: Vec<&PartyId> = asked.into_iter().collect();
        let sums = store::in_time(self.store.sum_unread(&asked)).await?;
        let total = |(viewer, parties): (_, &crate::store::Parties)| {
            let sums = parties.iter().filter_map(|party| sums.get(party));
            (viewer, sums.sum())
        };
        Ok(parties
            .iter()
            .map(|(viewer, it)| total((*viewer, it)))
            .collect())
    }
}
