//! The newest messages of many rooms: each room is read from its newest message backwards, and only
//! as far as it is needed, because no index orders the messages of all rooms.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use chrono::{DateTime, Utc};
use sohbet_entity::ids::ConversationId;

use crate::chat::Chat;
use crate::error::Result;
use crate::store::{MessageRow, Page};

/// Messages of one room that are read at a time.
const N_READ: u32 = 50;

/// The newest that is known of a room.
struct Head {
    at: DateTime<Utc>,
    what: What,
}

enum What {
    /// A message.
    Message(Box<MessageRow>),
    /// Messages of a room that are not read yet: all, or those before that position.
    Unread(ConversationId, Option<i64>),
}

impl Head {
    /// What is unread goes before a message of the same time: there may be others like it.
    fn key(&self) -> (DateTime<Utc>, bool) {
        (self.at, matches!(self.what, What::Unread(..)))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}

impl Chat {
    /// The newest messages of all rooms of people, newest first. They are in the rooms in which
    /// something was said last, no more rooms than messages.
    pub(super) async fn newest_hall_messages(&self, limit: u32) -> Result<Vec<MessageRow>> {
        let rooms = self.store.list_active_rooms(limit).await?;
        let mut heads: BinaryHeap<Head> = rooms
            .into_iter()
            .map(|room| Head {
                at: room.last_message_at,
                what: What::Unread(room.id, None),
            })
            .collect();
        let mut newest = Vec::new();
        while newest.len() < limit as usize
            && let Some(head) = heads.pop()
        {
            match head.what {
                What::Message(row) => newest.push(*row),
                What::Unread(room, before) => heads.extend(self.read_on(room, before).await?),
            }
        }
        newest.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.seq)));
        Ok(newest)
    }

    async fn read_on(&self, room: ConversationId, before: Option<i64>) -> Result<Vec<Head>> {
        let page = Page {
            after: None,
            before,
            limit: N_READ,
        };
        let rows = self.store.list_messages(&room, page).await?;
        let oldest = rows.first().filter(|row| row.seq > 1);
        let rest = oldest.map(|oldest| Head {
            at: oldest.created_at,
            what: What::Unread(room, Some(oldest.seq)),
        });
        let messages = rows.into_iter().map(|row| Head {
            at: row.created_at,
            what: What::Message(Box::new(row)),
        });
        Ok(messages.chain(rest).collect())
    }
}
