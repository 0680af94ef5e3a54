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
/// Text in one answer, in bytes; with the conversation that reaches it the answer ends.
const MAX_TEXT_BYTES: usize = 4 * 1_024 * 1_024;
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
            limit: MAX_PLACES,
        };
        let newest = self.store.list_places(&parties, newest).await?;
        let is_same_epoch = since.epoch == self.store.epoch;
        let touched = match since.time {
            Some(time) if is_same_epoch => self.store.find_touched(&ids, time - SLACK).await?,
            _ => Vec::new(),
        };
        let mut plan = Plan::new(since, known, newest, is_same_epoch, &touched);
        let conversations = self.views(&plan.shown).await?;
        plan.reach(&conversations);
        let (changed, too_long) = self.changes(&plan.stretches).await?;
        plan.stretches.retain(|(id, ..)| !too_long.contains(id));
        plan.reset.extend(too_long);
        let told: HashSet<&ConversationId> = plan.stretches.iter().map(|(id, ..)| id).collect();
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
        })
    }

    /// The messages of those stretches by conversation, and the conversations that were left out
    /// because their messages are too long to be told together.
    async fn changes(&self, stretches: &[Known]) -> Result<(Changes, Vec<ConversationId>)> {
        let (mut changed, mut n_bytes): (Changes, usize) = (Vec::new(), 0);
        let mut rest = stretches;
        while !rest.is_empty() && n_bytes < MAX_TEXT_BYTES {
            let (part, later) = rest.split_at(n_together(rest));
            let asked: Vec<Stretch> = part.iter().map(Stretch::from).collect();
            let up_to: HashMap<_, _> = part.iter().map(|(id, _, up_to)| (id, up_to)).collect();
            let rows = self.store.list_changes(&asked).await?;
            for message in self.view_messages(rows).await? {
                // What changed while it was read comes live, after what was said before it.
                if up_to
                    .get(&message.row.conversation_id)
                    .is_some_and(|up_to| message.row.rev > **up_to)
                {
                    continue;
                }
                n_bytes += message.row.content.as_deref().map_or(0, str::len);
                let id = &message.row.conversation_id;
                match changed.last_mut().filter(|(last, _)| last == id) {
                    Some((_, messages)) => messages.push(message),
                    None => changed.push((id.clone(), vec![message])),
                }
            }
            rest = later;
        }
        Ok((changed, rest.iter().map(|(id, ..)| id.clone()).collect()))
    }
}

/// Messages in order of `rev`, by conversation.
type Changes = Vec<(ConversationId, Vec<MessageView>)>;
/// A conversation, the last `rev` that is known of it, and the last that there is.
type Known = (ConversationId, i64, i64);

impl<'a> From<&'a Known> for Stretch<'a> {
    fn from((conversation, after, up_to): &'a Known) -> Self {
        Self {
            conversation,
            after: *after,
            up_to: *up_to,
        }
    }
}

/// How many of the stretches are read together: one, or more if they are short.
fn n_together(stretches: &[Known]) -> usize {
    let mut n_changes = 0;
    let fits = |(_, after, up_to): &&Known| {
        n_changes += up_to - after;
        n_changes <= MAX_CHANGES
    };
    stretches.iter().take_while(fits).count().max(1)
}

/// What is to be read for an answer.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plan {
    stretches: Vec<Known>,
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
                    plan.stretches.push((id.clone(), *rev, place.last_rev));
                }
                false => plan.reset.push(id.clone()),
            }
            shown.push(place.clone());
        }
        let is_new = |place: &Place| !since.conversations.contains_key(&place.conversation_id);
        shown.extend(newest.into_iter().filter(is_new));
        plan.show(shown);
        plan
    }

    /// Lets the changes reach as far as the conversations that are shown say: whoever keeps their
    /// `last_rev` has all of it. One that is not shown is gone: the caller was removed just now.
    fn reach(&mut self, views: &[ConversationView]) {
        let last_revs: HashMap<&ConversationId, i64> = views
            .iter()
            .map(|view| (&view.facts.row.id, view.facts.row.last_rev))
            .collect();
        let (shown, gone) = std::mem::take(&mut self.stretches)
            .into_iter()
            .partition(|(id, ..)| last_revs.contains_key(id));
        self.stretches = shown;
        self.gone.extend(gone.into_iter().map(|(id, ..): Known| id));
        for (id, _, up_to) in &mut self.stretches {
            *up_to = last_revs[&*id];
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
        self.stretches.retain(|(id, ..)| !unseen.contains(id));
        self.reset.extend(unseen);
        self.shown = shown;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(id: &str, last_rev: i64) -> Place {
        Place {
            conversation_id: id.into(),
            party: sohbet_entity::ids::PartyId::from(&sohbet_entity::ids::UserId::from("a")),
            last_rev,
            last_seq: last_rev,
            activity: store::now(),
        }
    }

    fn since(known: &[(&str, i64)]) -> Since {
        let known = known.iter().map(|(id, rev)| ((*id).into(), *rev));
        Since {
            epoch: "e".into(),
            conversations: known.collect(),
            time: None,
        }
    }

    fn ids(ids: &[ConversationId]) -> Vec<&str> {
        ids.iter().map(ConversationId::as_str).collect()
    }

    #[test]
    fn small_gaps_are_told_and_large_ones_reset() {
        let since = since(&[
            ("even", 5),
            ("small", 0),
            ("large", 0),
            ("ahead", 9),
            ("x", 1),
        ]);
        let known = vec![
            place("even", 5),
            place("small", MAX_CHANGES),
            place("large", MAX_CHANGES + 1),
            place("ahead", 8),
        ];
        let plan = Plan::new(&since, known, vec![place("new", 3)], true, &[]);
        assert_eq!(plan.even, [Moved::from(&place("even", 5))]);
        assert_eq!(plan.stretches, [("small".into(), 0, MAX_CHANGES)]);
        assert_eq!(ids(&plan.reset), ["ahead", "large"]);
        assert_eq!(ids(&plan.gone), ["x"]);
        assert_eq!(plan.shown.len(), 4, "all but the one that is even");
    }

    #[test]
    fn what_takes_no_rev_is_shown_when_it_may_have_changed() {
        let since = since(&[("same", 5), ("renamed", 5)]);
        let known = vec![place("same", 5), place("renamed", 5)];
        let plan = Plan::new(&since, known, Vec::new(), true, &["renamed".into()]);
        // Something may be said before it is shown.
        assert_eq!(plan.stretches, [("renamed".into(), 5, 5)]);
        assert!(plan.reset.is_empty());
        assert_eq!(plan.shown[0].conversation_id.as_str(), "renamed");
        assert_eq!(plan.shown.len(), 1);
    }

    #[test]
    fn another_epoch_resets_everything() {
        let plan = Plan::new(
            &since(&[("c", 5)]),
            vec![place("c", 5)],
            Vec::new(),
            false,
            &[],
        );
        assert_eq!((plan.stretches.len(), ids(&plan.reset)), (0, vec!["c"]));
    }

    #[test]
    fn what_does_not_fit_is_reset_as_a_whole() {
        let names: Vec<String> = (10..22).map(|number| number.to_string()).collect();
        let known: Vec<_> = names.iter().map(|name| (name.as_str(), 0)).collect();
        let places = names.iter().map(|name| place(name, 290)).collect();
        let plan = Plan::new(&since(&known), places, Vec::new(), true, &[]);
        assert_eq!((plan.stretches.len(), plan.reset.len()), (10, 2));
    }

    #[test]
    fn conversations_that_are_not_shown_are_reset() {
        let names: Vec<String> = (0..MAX_SHOWN + 5)
            .map(|number| number.to_string())
            .collect();
        let known: Vec<_> = names.iter().map(|name| (name.as_str(), 0)).collect();
        let places = names.iter().map(|name| place(name, 1)).collect();
        let plan = Plan::new(&since(&known), places, Vec::new(), true, &[]);
        assert_eq!((plan.shown.len(), plan.reset.len()), (MAX_SHOWN, 5));
        assert_eq!(plan.stretches.len(), MAX_SHOWN);
    }
}
