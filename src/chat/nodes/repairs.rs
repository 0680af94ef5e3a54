//! Holes in what this node has told: they are filled with what the database has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use sohbet_entity::ids::canonical_decimal;

use super::Moved;
use crate::chat::{Chat, Conversation, Dialect, Event, Follows, IdForm, Message};
use crate::error::Result;
use crate::store::{self, ChangedMessage, MessageRow, ReactionRow};

/// Messages that a repair reads at a time.
const MAX_REPAIRED: u32 = 300;
/// Ids that are milliseconds since 1970 are larger than any from a sequence.
const FIRST_MILLIS: u64 = 1_000_000_000_000;

/// A hole in what was told of a conversation.
#[derive(Debug, Clone)]
pub struct Hole {
    /// What was told before it; `rev` is negative if nobody knows.
    pub after: Moved,
    /// Then what was said earlier is not new.
    pub said_since: DateTime<Utc>,
}

/// What a hole in a conversation is filled with.
pub struct Repair {
    /// What was told before the hole, when this was asked for.
    pub after: Moved,
    /// What is told first: messages that changed later than all that follows.
    pub ahead: Vec<Event>,
    /// Messages that are new or changed, in order of `rev`.
    pub changes: Vec<Retold>,
    /// How far that reaches.
    pub head: Moved,
}

/// A message as it is now.
pub struct Retold {
    /// Its last change.
    pub rev: i64,
    /// Messages that were sent before it and changed after it, for those who follow by `seq`.
    pub before: Vec<Event>,
    /// What is told of it.
    pub events: Vec<Event>,
    /// Whether it was not told yet at all.
    pub is_new: bool,
}

/// How far a change may lie behind the time that its message says: it was written down before, may have had to
/// wait for a database that was away as long as writers try, and clocks differ.
const SLACK: TimeDelta = TimeDelta::seconds(40);

/// When looks at the database began.
pub struct Looks {
    last_two: Mutex<[DateTime<Utc>; 2]>,
}

impl Default for Looks {
    fn default() -> Self {
        Self {
            last_two: Mutex::new([store::now(); 2]),
        }
    }
}

impl Looks {
    /// A look begins now: what is committed later is seen with the next one.
    pub fn note(&self) {
        let mut last_two = self.last_two.lock().expect("no code panics with it held");
        *last_two = [last_two[1], store::now()];
    }

    /// What was said earlier than this was seen with the look before the last.
    pub fn said_since(&self) -> DateTime<Utc> {
        let last_two = self.last_two.lock().expect("no code panics with it held");
        last_two[0] - SLACK
    }
}

impl Chat {
    /// When looks at the database begin.
    pub fn looks(&self) -> Arc<Looks> {
        Arc::clone(&self.looks)
    }

    /// Reads what fills a hole.
    pub async fn read_repair(&self, hole: &Hole) -> Result<Option<Repair>> {
        store::in_time(self.read_repair_now(hole)).await
    }

    async fn read_repair_now(&self, hole: &Hole) -> Result<Option<Repair>> {
        let (after, since) = (&hole.after, hole.said_since);
        let id = &after.conversation;
        let found = match after.rev < 0 {
            true => self.store.list_changes_since(id, since, MAX_REPAIRED).await,
            false => {
                let told = (after.rev, after.seq);
                self.store.list_changes_after(id, told, MAX_REPAIRED).await
            }
        };
        let Some(found) = found? else {
            return Ok(None);
        };
        let (rev, seq) = found.head;
        let mut head = Moved {
            conversation: id.clone(),
            rev,
            seq: seq.max(after.seq),
            facts_in: found.facts_in,
        };
        self.forget_if_older(&head);
        let Some(conversation) = self.find_conversation(id).await? else {
            return Ok(None);
        };
        let reactions = store::by_message(found.reactions);
        let retold = async |row: &MessageRow, is_new| {
            let reactions = reactions.get(&row.id).cloned().unwrap_or_default();
            self.retell(&conversation, row.clone(), reactions, is_new)
                .await
        };
        let first_seq = match after.rev < 0 {
            true => first_said_since(&found.rows, seq, since),
            false => after.seq + 1,
        };
        let is_new = |row: &MessageRow| row.seq >= first_seq;
        let (mut ahead, mut changes) = (Vec::new(), Vec::new());
        if found.ahead.len() >= MAX_REPAIRED as usize {
            // These alone are told now, and then the hole is read again.
            let first = first_of(&found.rows, &found.ahead, is_new);
            head.rev = after.rev;
            head.seq = first.last().map_or(after.seq, |row| row.seq);
            for row in first {
                let events = retold(row, true).await?;
                ahead.extend(events.into_iter().map(partly(Follows::Messages)));
            }
        } else {
            for place in places(&found.rows, &found.ahead, is_new) {
                let mut before = Vec::new();
                for row in place.before {
                    let events = retold(row, true).await?;
                    before.extend(events.into_iter().map(partly(Follows::Messages)));
                }
                let mut events = retold(place.row, place.is_new).await?;
                if place.is_known {
                    events = events.into_iter().map(partly(Follows::Changes)).collect();
                }
                changes.push(Retold {
                    rev: place.row.rev,
                    before,
                    events,
                    is_new: place.is_new,
                });
            }
        }
        Ok(Some(Repair {
            after: after.clone(),
            ahead,
            changes,
            head,
        }))
    }

    /// What is told of a message as it is now: that it is there, if it is new, or else that it has
    /// changed.
    async fn retell(
        &self,
        conversation: &Arc<Conversation>,
        row: MessageRow,
        reactions: Vec<ReactionRow>,
        is_new: bool,
    ) -> Result<Vec<Event>> {
        if is_new {
            let dialect = spoken_in(&row);
            let message = self.dress(conversation, row).await?;
            return Ok(vec![Event::Message {
                message: Message {
                    reactions,
                    ..message
                },
                echo: None,
                origin: None,
                dialect,
            }]);
        }
        let emoji = reactions.last().map(|reaction| reaction.emoji.clone());
        let sender = self.profile(&row.sender_id).await?;
        let changed = ChangedMessage {
            last_seq: row.seq,
            facts_in: 0,
            row: Arc::new(row),
            reactions,
            has_changed: true,
        };
        let (_, events) = self.tell_of_change(emoji, changed, sender, Arc::clone(conversation));
        Ok(events)
    }
}

/// The `seq` of the first message that was said after a time, of those that are there up to the last one without a
/// hole: further back there are only those that changed since. Those behind it are later, whatever the clock of the
/// node said that took them.
fn first_said_since(rows: &[MessageRow], last_seq: i64, since: DateTime<Utc>) -> i64 {
    let there: BTreeSet<i64> = rows.iter().map(|row| row.seq).collect();
    let mut first = last_seq + 1;
    while there.contains(&(first - 1)) {
        first -= 1;
    }
    let said = rows.iter().filter(|row| row.created_at >= since);
    let said = said.map(|row| row.seq).filter(|seq| *seq >= first);
    said.min().unwrap_or(i64::MAX)
}

fn partly(to: Follows) -> impl Fn(Event) -> Event {
    move |event| Event::Partly {
        to,
        event: Box::new(event),
    }
}

/// Where a message has its place among others that are told.
#[derive(Debug)]
struct Place<'a> {
    row: &'a MessageRow,
    /// New ones that were sent before it and have their own place by `rev` later.
    before: Vec<&'a MessageRow>,
    /// Whether it is told as a new message.
    is_new: bool,
    /// Whether those who follow by `seq` were told already.
    is_known: bool,
}

/// The order in which messages are told that are read in order of `rev`, so that those who follow by
/// `seq` hear of each new one in that order. `ahead` are new ones whose place by `rev` comes later still.
fn places<'a>(
    rows: &'a [MessageRow],
    ahead: &'a [MessageRow],
    is_new: impl Fn(&MessageRow) -> bool,
) -> Vec<Place<'a>> {
    // One that was deleted before anybody heard of it is no new message.
    let is_new = |row: &MessageRow| is_new(row) && row.deleted_at.is_none();
    let new = rows.iter().chain(ahead).filter(|row| is_new(row));
    let mut untold: BTreeMap<i64, &MessageRow> = new.map(|row| (row.seq, row)).collect();
    let place = |row: &'a MessageRow| {
        let is_new = is_new(row);
        let mut before = Vec::new();
        if is_new {
            let later = untold.split_off(&row.seq);
            before.extend(std::mem::replace(&mut untold, later).into_values());
        }
        Place {
            row,
            before,
            is_new,
            is_known: is_new && untold.remove(&row.seq).is_none(),
        }
    };
    rows.iter().map(place).collect()
}

/// New messages in order of `seq`, up to the last of `ahead`, when those are as many as are read at a time.
fn first_of<'a>(
    rows: &'a [MessageRow],
    ahead: &'a [MessageRow],
    is_new: impl Fn(&MessageRow) -> bool,
) -> Vec<&'a MessageRow> {
    let last = ahead.last().map_or(0, |row| row.seq);
    let is_first = |row: &&MessageRow| is_new(row) && row.deleted_at.is_none() && row.seq <= last;
    let mut first: Vec<_> = rows.iter().chain(ahead).filter(is_first).collect();
    first.sort_by_key(|row| row.seq);
    first
}

/// The dialect in which a message was most likely sent, judging by its id.
fn spoken_in(row: &MessageRow) -> Dialect {
    let form = match canonical_decimal(row.id.as_str()) {
        Some(number) if number >= FIRST_MILLIS => IdForm::Millis,
        Some(_) => IdForm::Small,
        None => IdForm::Uuid,
    };
    let mut dialects = Dialect::ALL.into_iter();
    dialects
        .find(|dialect| dialect.ids() == form)
        .unwrap_or(Dialect::ALL[0])
}

#[cfg(test)]
mod tests;
