//! Catching up: what changed in somebody's conversations while they were away. What cannot be told
//! completely is named, so that it is loaded anew; there is never a silent gap.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use sohbet_entity::ids::ConversationId;

use super::{Caller, Chat, ConversationView, MessageView, Moved, Version};
use crate::auth::Permission;
use crate::error::Result;
use crate::store::{self, Place, PlacePage, Stretch};

/// Changes of one conversation in one answer.
pub const MAX_CHANGES: i64 = 300;
/// Changes in one answer.
pub const MAX_CHANGES_IN_ALL: i64 = 3_000;
/// Conversations that somebody may ask about at a time.
pub const MAX_KNOWN: usize = 1_000;
/// Conversations that an answer shows; further ones are to be loaded.
const MAX_SHOWN: usize = 300;
/// What messages may take in one answer, in bytes; where that is reached the answer ends.
const MAX_BYTES: usize = 4 * 1_024 * 1_024;
/// Changes that are read together; what an answer takes is counted after each such step.
const MAX_CHANGES_IN_A_STEP: i64 = 50;
/// How long a change may take from its time stamp until it is seen, and how far the clocks of nodes may
/// be apart.
const SLACK: TimeDelta = TimeDelta::seconds(60);
/// Conversations among which new ones are looked for, newest activity first.
const MAX_PLACES: u32 = 1_000;

/// What somebody has already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    /// The generation of the data that it is of.
    pub epoch: String,
    /// The last `rev` of each conversation.
    pub conversations: BTreeMap<ConversationId, i64>,
    /// Further conversations in order of their ids, too many to be told about.
    pub beyond: Vec<ConversationId>,
    /// Since when nothing was heard: what takes no `rev` (names, participants, markers) may have
    /// changed since. Without it only conversations with new or changed messages are shown.
    pub time: Option<DateTime<Utc>>,
}

/// What changed since.
#[derive(Debug)]
pub struct CaughtUp {
    /// The generation of the data.
    pub epoch: String,
    /// When this was read.
    pub time: DateTime<Utc>,
    /// New and changed messages in order of `rev`, by conversation.
    pub changed: Changes,
    /// How far the conversations have come of which everything that changed is in it.
    pub reached: Vec<Moved>,
    /// Conversations to be loaded anew.
    pub reset: Vec<ConversationId>,
    /// Conversations that are not the caller's.
    pub gone: Vec<ConversationId>,
    /// Conversations that are new or have moved on, newest activity first.
    pub conversations: Vec<ConversationView>,
    /// Whether the caller has more conversations than were looked at: those of `since` and the ones
    /// with the newest activity.
    pub has_more: bool,
}

impl CaughtUp {
    /// The messages in it.
    pub fn versions(&self) -> Vec<Version> {
        let messages = self.changed.iter().flat_map(|(_, messages)| messages);
        messages
            .map(|message| Version::from(&*message.row))
            .collect()
    }
}

impl Chat {
    /// What changed in the caller's conversations since.
    pub async fn catch_up(&self, caller: &Caller, since: &Since) -> Result<CaughtUp> {
        caller.check(Permission::Read)?;
        let reading = self.read_since(caller, since);
        self.long_reads.in_turn(&caller.user, reading).await
    }

    async fn read_since(&self, caller: &Caller, since: &Since) -> Result<CaughtUp> {
        let time = store::now();
        let parties = caller.viewer().parties();
        let ids: Vec<&ConversationId> = since.conversations.keys().collect();
        let known = self.store.find_places(&parties, &ids).await?;
        let newest = PlacePage {
            after: None,
            limit: MAX_PLACES + 1,
        };
        let newest = self.store.list_places(&parties, newest).await?;
        let (newest, has_more) = cut(newest);
        let is_same_epoch = since.epoch == self.store.epoch;
        let touched = match since.time {
            Some(time) if is_same_epoch => self.store.find_touched(&ids, time - SLACK).await?,
            _ => Vec::new(),
        };
        let mut plan = Plan::new(since, known, newest, is_same_epoch, &touched);
        let conversations = self.views(&plan.shown).await?;
        plan.reach(&conversations);
        let (changed, too_long) = self.changes(&plan.stretches).await?;
        plan.stretches
            .retain(|stretch| !too_long.contains(&stretch.conversation));
        plan.reset.extend(too_long);
        plan.reset.extend(since.beyond.iter().cloned());
        let told = plan.stretches.iter().map(|stretch| &stretch.conversation);
        let told: HashSet<&ConversationId> = told.collect();
        let heads = conversations.iter().map(Moved::from);
        let told = heads.filter(|head| told.contains(&head.conversation));
        let reached = told.chain(plan.even).collect();
        plan.reset.sort();
        Ok(CaughtUp {
            epoch: self.store.epoch.clone(),
            time,
            changed,
            reached,
            reset: plan.reset,
            gone: plan.gone,
            conversations,
            has_more,
        })
    }

    /// The messages of those stretches by conversation, and the conversations that were left out
    /// because their messages are too large to be told together.
    async fn changes(&self, stretches: &[Stretch]) -> Result<(Changes, Vec<ConversationId>)> {
        let (mut changed, mut n_bytes): (Changes, usize) = (Vec::new(), 0);
        let mut positions = HashMap::new();
        let end = |stretch: &'_ Stretch| (stretch.conversation.clone(), stretch.up_to);
        let ends: HashMap<_, _> = stretches.iter().map(end).collect();
        let steps = in_steps(stretches);
        let mut rest = steps.as_slice();
        while !rest.is_empty() && n_bytes < MAX_BYTES {
            let (part, later) = rest.split_at(n_together(rest));
            let rows = self.store.list_changes(part).await?;
            for message in self.view_messages(rows).await? {
                let id = message.row.conversation_id.clone();
                // What changed while it was read comes live, after what was said before it.
                if ends.get(&id).is_some_and(|up_to| message.row.rev > *up_to) {
                    continue;
                }
                n_bytes += message.n_bytes();
                let position = *positions.entry(id.clone()).or_insert_with(|| {
                    changed.push((id, Vec::new()));
                    changed.len() - 1
                });
                changed[position].1.push(message);
            }
            rest = later;
        }
        let mut too_large: Vec<_> = rest.iter().map(|it| it.conversation.clone()).collect();
        too_large.dedup();
        changed.retain(|(id, _)| !too_large.contains(id));
        Ok((changed, too_large))
    }
}

/// Messages in order of `rev`, by conversation.
type Changes = Vec<(ConversationId, Vec<MessageView>)>;

/// Those that are looked at, and whether there are more.
fn cut(mut newest: Vec<Place>) -> (Vec<Place>, bool) {
    let has_more = newest.len() > MAX_PLACES as usize;
    newest.truncate(MAX_PLACES as usize);
    (newest, has_more)
}

/// The stretches in their order, long ones in pieces.
fn in_steps(stretches: &[Stretch]) -> Vec<Stretch> {
    let mut steps = Vec::with_capacity(stretches.len());
    for stretch in stretches {
        let mut rest = stretch.clone();
        while rest.up_to - rest.after > MAX_CHANGES_IN_A_STEP {
            let up_to = rest.after + MAX_CHANGES_IN_A_STEP;
            steps.push(Stretch {
                up_to,
                ..rest.clone()
            });
            rest.after = up_to;
        }
        steps.push(rest);
    }
    steps
}

/// How many of the stretches are read together: one, or more if they are short.
fn n_together(stretches: &[Stretch]) -> usize {
    let mut n_changes = 0;
    let fits = |stretch: &&Stretch| {
        n_changes += stretch.up_to - stretch.after;
        n_changes <= MAX_CHANGES_IN_A_STEP
    };
    stretches.iter().take_while(fits).count().max(1)
}

/// What is to be read for an answer.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plan {
    stretches: Vec<Stretch>,
    /// Conversations in which nothing changed.
    even: Vec<Moved>,
    shown: Vec<Place>,
    reset: Vec<ConversationId>,
    gone: Vec<ConversationId>,
}

impl Plan {
    /// `known` are those conversations of `since` that are the caller's, `newest` the caller's
    /// with the newest activity, `touched` those of `since` in which something may have changed that
    /// takes no `rev`.
    fn new(
        since: &Since,
        known: Vec<Place>,
        newest: Vec<Place>,
        is_same_epoch: bool,
        touched: &[ConversationId],
    ) -> Self {
        let touched: HashSet<&ConversationId> = touched.iter().collect();
        let mut plan = Self::default();
        let theirs: HashMap<_, _> = known
            .into_iter()
            .map(|place| (place.conversation_id.clone(), place))
            .collect();
        let mut n_changes = 0;
        let mut shown = Vec::new();
        for (id, rev) in &since.conversations {
            let Some(place) = theirs.get(id) else {
                plan.gone.push(id.clone());
                continue;
            };
            let gap = place.last_rev - rev;
            let fits = (0..=MAX_CHANGES).contains(&gap) && n_changes + gap <= MAX_CHANGES_IN_ALL;
            match is_same_epoch && fits {
                true if gap == 0 && !touched.contains(id) => {
                    plan.even.push(Moved::from(place));
                    continue;
                }
                true => {
                    n_changes += gap;
                    plan.stretches.push(Stretch {
                        conversation: id.clone(),
                        after: *rev,
                        up_to: place.last_rev,
                        n_changes: place.last_rev - place.last_seq,
                    });
                }
                false => plan.reset.push(id.clone()),
            }
            shown.push(place.clone());
        }
        let is_new = |place: &Place| {
            let id = &place.conversation_id;
            !since.conversations.contains_key(id) && since.beyond.binary_search(id).is_err()
        };
        shown.extend(newest.into_iter().filter(is_new));
        plan.show(shown);
        plan
    }

    /// Lets the changes reach as far as the conversations that are shown say: whoever keeps their
    /// `last_rev` has all of it. One that is not shown is gone: the caller was removed just now.
    fn reach(&mut self, views: &[ConversationView]) {
        let rows = views.iter().map(|view| &view.facts.row);
        let rows: HashMap<&ConversationId, _> = rows.map(|row| (&row.id, row)).collect();
        for mut stretch in std::mem::take(&mut self.stretches) {
            if let Some(row) = rows.get(&stretch.conversation) {
                stretch.up_to = row.last_rev;
                stretch.n_changes = row.last_rev - row.last_seq;
                self.stretches.push(stretch);
            } else {
                self.gone.push(stretch.conversation);
            }
        }
    }

    /// Shows the conversations with the newest activity; the others are to be loaded.
    fn show(&mut self, mut shown: Vec<Place>) {
        shown.sort_by(|a, b| {
            let activity = b.activity.cmp(&a.activity);
            activity.then_with(|| b.conversation_id.cmp(&a.conversation_id))
        });
        let too_many = shown.split_off(shown.len().min(MAX_SHOWN));
        let known: HashSet<_> = self.reset.iter().cloned().collect();
        let unseen = too_many.into_iter().map(|place| place.conversation_id);
        let unseen: Vec<_> = unseen.filter(|id| !known.contains(id)).collect();
        self.stretches
            .retain(|stretch| !unseen.contains(&stretch.conversation));
        self.reset.extend(unseen);
        self.shown = shown;
    }
}

#[cfg(test)]
mod tests;
