//! Snapshots that hold no longer although nobody here made the change: another node did, or a change
//! that seemed to fail. What differs when the conversation is read anew is told then.

use std::sync::{Arc, Mutex, MutexGuard};

use quick_cache::sync::Cache;
use quick_cache::{Weighter, unsync};
use sohbet_entity::enums::ParticipantRole;
use sohbet_entity::ids::{ConversationId, UserId};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{BySize, Conversation, Conversations, Kind};
use crate::chat::Chat;
use crate::chat::changes::Reason;
use crate::store;

/// Outdated snapshots that are remembered, and their weight.
const MAX_SNAPSHOTS: usize = 10_000;
const MAX_WEIGHT: u64 = 200_000;
/// Differences that may wait to be told.
const MAX_DIFFERENCES: usize = 10_000;
/// Users of whom it is remembered that they were told that a conversation is no longer theirs.
const MAX_PARTED: usize = 10_000;

/// A conversation before and after a change.
pub struct Difference {
    pub before: Arc<Conversation>,
    pub now: Arc<Conversation>,
    /// Those who take part are told how it is now by somebody else.
    pub is_told: bool,
    /// What was before is known from who listens. They may have come later than `now` was read.
    pub is_guessed: bool,
}

/// A snapshot, and [`Difference::is_told`].
type Snapshot = (Arc<Conversation>, bool);

impl Weighter<ConversationId, Snapshot> for BySize {
    fn weight(&self, _: &ConversationId, (conversation, _): &Snapshot) -> u64 {
        conversation.weight()
    }
}

/// Snapshots that wait to be compared with what is read next.
pub struct Outdated {
    snapshots: Cache<ConversationId, Snapshot, BySize>,
    differences: Mutex<Vec<Difference>>,
    has_more: Notify,
    /// Who was told that a conversation is no longer theirs, and its `facts_in` of then.
    parted: Mutex<unsync::Cache<(ConversationId, UserId), i64>>,
}

impl Default for Outdated {
    fn default() -> Self {
        Self {
            snapshots: Cache::with_weighter(MAX_SNAPSHOTS, MAX_WEIGHT, BySize),
            differences: Mutex::default(),
            has_more: Notify::default(),
            parted: Mutex::new(unsync::Cache::new(MAX_PARTED)),
        }
    }
}

impl Outdated {
    /// Remembers the last snapshot that everybody was told of.
    pub fn put(&self, snapshot: Arc<Conversation>, is_told: bool) {
        let id = snapshot.id.clone();
        let earlier = self.snapshots.peek(&id);
        let (snapshot, is_told) = match earlier {
            Some((earlier, was_told)) => (earlier, is_told || was_told),
            None => (snapshot, is_told),
        };
        self.snapshots.insert(id, (snapshot, is_told));
    }

    /// Compares what was read with what is remembered. A difference waits to be told; what does not
    /// fit is seen by whoever asks.
    pub fn compare(&self, now: &Arc<Conversation>) {
        let Some((_, (before, is_told))) = self.snapshots.remove(&now.id) else {
            return;
        };
        if !before.is_like(now) {
            self.tell_soon(Difference {
                before,
                now: Arc::clone(now),
                is_told,
                is_guessed: false,
            });
        }
    }

    /// As [`Outdated::compare`] for a room of which nothing is remembered: those who `listen` took part when
    /// it was read last.
    pub fn compare_with(&self, listen: Vec<UserId>, now: &Arc<Conversation>) {
        let gone = listen.into_iter().filter(|user| !now.has_member(user));
        let gone: Vec<_> = gone.map(|user| (user, ParticipantRole::Member)).collect();
        if gone.is_empty() {
            return;
        }
        let mut before = Conversation::clone(now);
        if let Kind::Room(room) = &mut before.kind {
            room.members.extend(gone);
            before.facts_in -= 1;
            self.tell_soon(Difference {
                before: Arc::new(before),
                now: Arc::clone(now),
                is_told: true,
                is_guessed: true,
            });
        }
    }

    fn tell_soon(&self, difference: Difference) {
        let mut differences = self.differences();
        if differences.len() < MAX_DIFFERENCES {
            differences.push(difference);
            self.has_more.notify_one();
        }
    }

    /// The differences that wait, as soon as there are any.
    pub async fn next(&self) -> Vec<Difference> {
        loop {
            let differences = std::mem::take(&mut *self.differences());
            if !differences.is_empty() {
                return differences;
            }
            self.has_more.notified().await;
        }
    }

    /// Notes that a user is told that a conversation is no longer theirs, as it is `now`. Says whether
    /// nobody else told them so after it was as it was in transaction `since`: another node says it, and
    /// whoever reads the conversation anew sees it too.
    pub fn is_first_to_part(&self, now: &Conversation, user: &UserId, since: i64) -> bool {
        let key = (now.id.clone(), user.clone());
        let mut parted = self.parted.lock().expect("no code panics with it held");
        let is_first = parted.get(&key).is_none_or(|told| *told <= since);
        if is_first {
            parted.insert(key, now.facts_in);
        }
        is_first
    }

    fn differences(&self) -> MutexGuard<'_, Vec<Difference>> {
        self.differences
            .lock()
            .expect("no code panics with this lock held")
    }
}

/// A change of a room that is being made here, until those who take part are told. If it does not come to
/// that, because the store failed or the caller hung up, nobody knows what became of it: then it is found
/// out and told when the room is read next.
#[must_use]
pub struct Change<'a> {
    conversations: &'a Conversations,
    id: &'a ConversationId,
    before: Option<Arc<Conversation>>,
    is_told: bool,
}

impl Conversations {
    /// Begins a change of a room.
    pub fn change<'a>(&'a self, id: &'a ConversationId) -> Change<'a> {
        let known = self.by_id.get(id);
        Change {
            conversations: self,
            id,
            before: known.map(|known| Arc::clone(&known.conversation)),
            is_told: false,
        }
    }
}

impl<'a> Change<'a> {
    /// The room.
    pub fn id(&self) -> &'a ConversationId {
        self.id
    }

    /// The change is stored. A user who no longer takes part is told so by the caller. Others may have
    /// parted as well: what other nodes did and this one has not heard of is read along with it.
    pub fn note_stored(&mut self, parted: Option<&UserId>) {
        if let Some(before) = self.before.as_ref().filter(|before| before.facts_in > 0) {
            let before = before.without(parted);
            self.conversations.outdated.put(before, true);
        }
        self.conversations.forget(self.id);
    }

    /// Those who take part know, or nothing has changed.
    pub fn end(mut self) {
        self.is_told = true;
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        if self.is_told {
            return;
        }
        if let Some(before) = self.before.take() {
            self.conversations.outdated.put(before, false);
        }
        self.conversations.forget(self.id);
    }
}

impl Conversation {
    /// The same, without one of the members of a room if there is one to leave out.
    pub(super) fn without(self: &Arc<Self>, user: Option<&UserId>) -> Arc<Self> {
        let mut left = Arc::clone(self);
        if let Some(user) = user
            && let Kind::Room(room) = &mut Arc::make_mut(&mut left).kind
        {
            room.members.remove(user);
        }
        left
    }

    /// Whether two snapshots say the same about who takes part in what.
    fn is_like(&self, other: &Self) -> bool {
        self.facts_in == other.facts_in && self.kind == other.kind
    }
}

impl Chat {
    /// Whether a user is still to be told that a conversation is no longer theirs, of which another node
    /// says so and which was read since.
    pub(in crate::chat) fn is_still_to_part(&self, now: &Conversation, user: &UserId) -> bool {
        let outdated = &self.conversations.outdated;
        outdated.is_first_to_part(now, user, now.facts_in - 1)
    }

    /// Tells what changed behind this node's back, until told to stop.
    pub async fn watch_conversations(&self, stop: CancellationToken) {
        while let Some(differences) = stop
            .run_until_cancelled(self.conversations.outdated.next())
            .await
        {
            for difference in differences {
                self.tell_difference(difference).await;
            }
        }
    }

    /// Who is no longer among those who take part is told so, and everybody else how it is now.
    async fn tell_difference(&self, difference: Difference) {
        let Difference {
            before,
            mut now,
            is_told,
            is_guessed,
        } = difference;
        if is_guessed {
            match store::in_time(self.renewed(&now)).await {
                Ok(newer) => now = newer.unwrap_or(now),
                Err(_) => {
                    // It is compared when it is read next.
                    self.conversations.outdated.put(before, is_told);
                    return self.conversations.forget(&now.id);
                }
            }
        }
        for user in before.users().filter(|user| !now.has_member(user)) {
            self.silence_in(&now.id, user).await;
            let outdated = &self.conversations.outdated;
            if outdated.is_first_to_part(&now, user, before.facts_in) {
                self.tell_parted_here(&now.id, user, Reason::Removed).await;
            }
        }
        if !is_told {
            self.tell_changed_here(&now.id).await;
        }
    }
}
