//! Looks at the database for what other nodes committed and this one did not hear of.

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::Moved;
use crate::chat::Chat;
use crate::error::Result;
use crate::store::{self, Head, HeadPlace, Horizon};

/// Conversations that one statement reads.
const MAX_HEADS: u32 = 1_000;

/// What was seen of the database so far.
#[derive(Default)]
pub struct Sight {
    /// What had ended when the last look began that came to its end; all of that was seen.
    seen: Option<Horizon>,
    /// The look that is being made.
    look: Option<Look>,
}

/// A look is made in parts, so that it may take as long as it takes: what changes meanwhile is a matter of
/// the next one.
struct Look {
    /// What had ended when it began.
    begun: Horizon,
    /// What was said earlier than this was seen before.
    said_since: DateTime<Utc>,
    /// How far it has come.
    at: HeadPlace,
}

/// A part of a look.
pub struct Seen {
    /// How far conversations have come.
    pub moved: Vec<Moved>,
    /// What was said in them earlier than this was seen before.
    pub said_since: DateTime<Utc>,
    /// Whether the look has come to its end.
    pub is_all: bool,
}

impl Chat {
    /// What was changed in the database, as far as it was not seen before: names and participants are
    /// read anew, and where conversations stand is returned. What fails is seen with the next call.
    pub async fn look_on(&self, sight: &mut Sight) -> Result<Seen> {
        let deadline = Instant::now() + store::PATIENCE;
        if sight.look.is_none() {
            // The horizon first: what commits while the rest is read is seen next time.
            let begun = store::until(deadline, self.store.horizon()).await?;
            self.looks.note();
            sight.look = Some(Look {
                begun,
                said_since: self.looks.said_since(),
                at: HeadPlace::start(),
            });
        }
        let (Some(since), Some(look)) = (&sight.seen, &mut sight.look) else {
            // Before the first look nothing was told.
            sight.seen = sight.look.take().map(|look| look.begun);
            return Ok(Seen {
                moved: Vec::new(),
                said_since: self.looks.said_since(),
                is_all: true,
            });
        };
        let heads = self.store.list_heads(since, &look.at, MAX_HEADS);
        let heads = store::until(deadline, heads).await?;
        let said_since = look.said_since;
        let mut is_all = heads.len() < MAX_HEADS as usize;
        let mut moved = Vec::with_capacity(heads.len());
        for head in heads {
            if let Err(error) = self.follow_facts(since, &head, deadline).await {
                if moved.is_empty() {
                    return Err(error);
                }
                return Ok(Seen {
                    moved,
                    said_since,
                    is_all: false,
                });
            }
            look.at = head.place();
            is_all |= look.begun.is_reached(&look.at);
            moved.push(Moved::from(head));
        }
        if is_all {
            sight.seen = sight.look.take().map(|look| look.begun);
        }
        Ok(Seen {
            moved,
            said_since,
            is_all,
        })
    }

    /// Tells what was changed of a conversation but what was said in it, unless it was told.
    async fn follow_facts(&self, since: &Horizon, head: &Head, deadline: Instant) -> Result<()> {
        let (id, facts_in) = (&head.conversation, head.facts_in);
        if !since.is_before(facts_in) || self.turns.is_told(id, facts_in) {
            return Ok(());
        }
        self.refresh_conversation(id, facts_in, deadline).await
    }
}

impl From<Head> for Moved {
    fn from(head: Head) -> Self {
        Self {
            conversation: head.conversation,
            rev: head.last_rev,
            seq: head.last_seq,
            facts_in: 0,
        }
    }
}
