//! Pages of a conversation, by position and with what lies around them.

use sohbet_entity::ids::ConversationId;

use super::{Caller, Chat, MessageView};
use crate::error::{Error, Result};
use crate::store::{MessageRow, Page};

/// Which messages are wanted: the newest, unless a position says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Messages with a smaller `seq`.
    pub before: Option<i64>,
    /// The messages just after this `seq`.
    pub after: Option<i64>,
    /// Messages on both sides of this one.
    pub around: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// Some messages that follow each other.
#[derive(Debug)]
pub struct HistoryPage {
    /// Oldest first.
    pub messages: Vec<MessageView>,
    /// Whether there are older ones.
    pub has_before: bool,
    /// Whether there are newer ones.
    pub has_after: bool,
}

impl Chat {
    /// Messages of a conversation that the caller may enter.
    pub async fn read_history(
        &self,
        caller: &Caller,
        id: &ConversationId,
        query: HistoryQuery,
    ) -> Result<HistoryPage> {
        self.enter(caller, id).await?;
        let query = match query.around {
            Some(seq) => around(seq, query.limit, self.newest_seq(id).await?),
            None => query,
        };
        let page = Page {
            after: query.after,
            before: query.before,
            limit: query.limit,
        };
        let rows = self.store.list_messages(id, page).await?;
        let (has_before, has_after) = surroundings(&rows, query, self.newest_seq(id).await?);
        Ok(HistoryPage {
            messages: self.view_messages(rows).await?,
            has_before,
            has_after,
        })
    }

    async fn newest_seq(&self, id: &ConversationId) -> Result<i64> {
        let found = self.store.find_conversation(id).await?;
        let row = found.ok_or(Error::NO_CONVERSATION)?;
        Ok(row.last_seq)
    }
}

/// The page with `seq` in its middle, as far as there are messages on both sides.
fn around(seq: i64, limit: u32, last_seq: i64) -> HistoryQuery {
    let n = i64::from(limit);
    let middle = seq.clamp(1, last_seq.max(1));
    let latest_start = (last_seq - n + 1).max(1);
    let start = (middle - n / 2).clamp(1, latest_start);
    HistoryQuery {
        after: Some(start - 1),
        before: Some(start + n),
        around: None,
        limit,
    }
}

/// Whether there are messages before and after a page. Positions have no gaps.
fn surroundings(rows: &[MessageRow], query: HistoryQuery, last_seq: i64) -> (bool, bool) {
    match (rows.first(), rows.last()) {
        (Some(first), Some(last)) => (first.seq > 1, last.seq < last_seq),
        _ => (
            query.after.is_some_and(|after| after.min(last_seq) > 0),
            query.before.is_some_and(|before| before <= last_seq),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First and last position of the page around `seq` of 120 messages.
    fn page(seq: i64, limit: u32) -> (i64, i64) {
        let query = around(seq, limit, 120);
        (query.after.unwrap() + 1, query.before.unwrap() - 1)
    }

    #[test]
    fn a_position_is_in_the_middle_unless_an_end_is_near() {
        assert_eq!(page(60, 10), (55, 64));
        assert_eq!(page(60, 11), (55, 65));
        assert_eq!(page(60, 1), (60, 60));
        assert_eq!(page(1, 10), (1, 10));
        assert_eq!(page(119, 10), (111, 120));
        assert_eq!(page(1_000, 10), (111, 120));
        assert_eq!(page(60, 100), (10, 109));
    }

    #[test]
    fn an_empty_page_knows_on_which_side_the_messages_are() {
        let query = |before, after| HistoryQuery {
            before,
            after,
            around: None,
            limit: 50,
        };
        let sides = |before, after, last| surroundings(&[], query(before, after), last);
        assert_eq!(sides(Some(1), None, 120), (false, true));
        assert_eq!(sides(None, Some(120), 120), (true, false));
        assert_eq!(sides(None, Some(1_000), 120), (true, false));
        assert_eq!(sides(Some(6), Some(5), 120), (true, true));
        assert_eq!(sides(None, None, 0), (false, false));
        assert_eq!(sides(Some(50), Some(0), 0), (false, false));
    }
}
