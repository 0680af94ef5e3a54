//! Telling people of Sohbet's own dialect that a conversation changed, whoever changed it and in
//! whatever dialect. Each of them sees it in their own way, so the views are loaded once for all
//! who are connected.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use sohbet_entity::ids::{ConversationId, UserId};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::{
    Chat, Conversation, ConversationFacts, ConversationView, DeskEvent, Event, News, Viewer,
};
use crate::error::{Error, Result};
use crate::store;

/// Conversations whose changes may be told at a time.
const N_TURNS: usize = 64;
/// Conversations of which is remembered how they were told; those that changed since the last look are what
/// counts.
const MAX_TOLD: usize = 50_000;

/// Makes sure that of two changes of one conversation the later one is told last: whoever tells a
/// change reads the conversation while it holds the turn.
pub struct Turns {
    hasher: RandomState,
    turns: [Mutex<()>; N_TURNS],
    /// `facts_in` of conversations as they were told last.
    told: Cache<ConversationId, i64>,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            turns: std::array::from_fn(|_| Mutex::default()),
            told: Cache::new(MAX_TOLD),
        }
    }
}

impl Turns {
    async fn take(&self, id: &ConversationId) -> MutexGuard<'_, ()> {
        let index = self.hasher.hash_one(id) as usize % N_TURNS;
        self.turns[index].lock().await
    }

    /// Whether a conversation was told as it was then, or later. It is not known of all for ever.
    pub(super) fn is_told(&self, id: &ConversationId, facts_in: i64) -> bool {
        self.told.get(id).is_some_and(|told| told >= facts_in)
    }

    fn note_told(&self, conversation: &Conversation) {
        if conversation.facts_in > 0 {
            let id = conversation.id.clone();
            self.told.insert(id, conversation.facts_in);
        }
    }
}

/// Why somebody no longer takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// They left.
    Left,
    /// Somebody else ended it.
    Removed,
}

/// A changed conversation, as each of those sees it who are connected.
pub struct Changed {
    /// Who takes part now.
    pub conversation: Arc<Conversation>,
    views: HashMap<Viewer, ConversationView>,
}

impl Changed {
    /// The view of one of them.
    pub fn view_of(&self, viewer: &Viewer) -> Option<&ConversationView> {
        self.views.get(viewer)
    }
}

impl Chat {
    /// Tells those who take part that a conversation is new, or not as it was. What cannot be read now is
    /// told with the next look where nodes look; elsewhere whoever asks for the conversation sees it.
    pub async fn tell_changed(&self, id: &ConversationId) {
        self.tell_nodes(News::Facts(id.clone())).await;
        self.tell_changed_here(id).await;
    }

    /// As [`Chat::tell_changed`], on this node only.
    pub(super) async fn tell_changed_here(&self, id: &ConversationId) {
        let deadline = Instant::now() + store::PATIENCE;
        if let Err(error) = self.try_tell_changed(id, i64::MAX, deadline).await {
            warn_of_untold(id, &error);
        }
    }

    /// As [`Chat::tell_changed_here`], unless it was told as it was in that transaction, or later; fails if
    /// the database is not available until then. Whatever else keeps it from being told would do so again.
    pub(super) async fn try_tell_changed(
        &self,
        id: &ConversationId,
        facts_in: i64,
        deadline: Instant,
    ) -> Result<()> {
        match store::until(deadline, self.read_and_tell(id, facts_in)).await {
            Err(error) if !matches!(error, Error::Unavailable { .. }) => {
                warn_of_untold(id, &error);
                Ok(())
            }
            told => told,
        }
    }

    async fn read_and_tell(&self, id: &ConversationId, facts_in: i64) -> Result<()> {
        let _turn = self.turns.take(id).await;
        if self.turns.is_told(id, facts_in) {
            return Ok(());
        }
        let Some(conversation) = self.find_conversation(id).await? else {
            return Ok(());
        };
        let viewers = self.live_viewers(&conversation);
        if viewers.is_empty() {
            self.turns.note_told(&conversation);
            return Ok(());
        }
        let Some(facts) = self.facts(&[id]).await?.remove(id) else {
            return Ok(());
        };
        let views = self.views_of(&conversation, facts, viewers).await?;
        let changed = Changed {
            conversation: Arc::clone(&conversation),
            views,
        };
        self.publish(Event::Desk(DeskEvent::Changed(changed))).await;
        self.turns.note_told(&conversation);
        Ok(())
    }

    async fn views_of(
        &self,
        conversation: &Conversation,
        facts: ConversationFacts,
        viewers: impl IntoIterator<Item = Viewer>,
    ) -> Result<HashMap<Viewer, ConversationView>> {
        let facts = Arc::new(facts);
        let party = |viewer: Viewer| {
            let party = viewer.party_in(conversation);
            (viewer, party)
        };
        let viewers: Vec<_> = viewers.into_iter().map(party).collect();
        let asked: Vec<_> = viewers
            .iter()
            .map(|(_, party)| (&conversation.id, party))
            .collect();
        let standings = self.store.find_standings(&asked).await?;
        let standings: HashMap<_, _> = standings
            .iter()
            .map(|standing| (&standing.party, standing))
            .collect();
        let view = |(viewer, party)| {
            let standing = standings.get(&party)?;
            Some((viewer, ConversationView::of(Arc::clone(&facts), standing)))
        };
        Ok(viewers.into_iter().filter_map(view).collect())
    }

    /// Tells a user that a conversation is no longer theirs, and the others that the user is gone.
    pub(super) async fn tell_parted(&self, id: &ConversationId, user: &UserId, reason: Reason) {
        let news = News::Parted {
            conversation: id.clone(),
            user: user.clone(),
            reason,
        };
        self.tell_nodes(news).await;
        self.tell_parted_here(id, user, reason).await;
        self.tell_changed(id).await;
    }

    /// Tells a user on this node that a conversation is no longer theirs.
    pub(super) async fn tell_parted_here(
        &self,
        id: &ConversationId,
        user: &UserId,
        reason: Reason,
    ) {
        let parted = DeskEvent::Parted {
            conversation: id.clone(),
            user: user.clone(),
            reason,
        };
        self.publish(Event::Desk(parted)).await;
    }
}

fn warn_of_untold(id: &ConversationId, error: &Error) {
    tracing::warn!(
        error.code = error.code(),
        conversation.id = id.as_str(),
        "the change of a conversation was not told"
    );
}
