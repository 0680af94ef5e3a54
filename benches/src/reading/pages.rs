//! Pages of a history, as REST hands them out.

use std::borrow::Cow;

use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::stamps::Stamp;
use crate::wire::words::Position;

/// A page: messages, the oldest first.
#[derive(Debug, Deserialize)]
pub struct Page<'a> {
    /// The messages.
    #[serde(borrow)]
    pub messages: Vec<Message<'a>>,
}

/// What counts of a message.
#[derive(Debug, Deserialize)]
pub struct Message<'a> {
    /// Its id; later ones have higher ids.
    pub id: u64,
    /// Its number in the conversation, if the server numbers them.
    pub seq: Option<u64>,
    #[serde(borrow)]
    content: Option<Cow<'a, str>>,
}

impl<'a> Page<'a> {
    /// Reads the answer of `GET /api/messages`.
    pub fn parse(body: &'a [u8]) -> anyhow::Result<Self> {
        serde_json::from_slice(body).context("an unreadable page")
    }

    /// Fails unless it has so many messages, in their order, without a gap, from that number on.
    pub fn check(&self, n_messages: usize, first_seq: Option<u64>) -> anyhow::Result<()> {
        let found = self.messages.len();
        ensure!(
            found == n_messages,
            "a page has {found} messages, not {n_messages}"
        );
        let ascends = self.messages.is_sorted_by(|one, next| one.id < next.id);
        ensure!(ascends, "a page is out of order");
        let Some(first_seq) = first_seq else {
            return Ok(());
        };
        for (expected, message) in (first_seq..).zip(&self.messages) {
            ensure!(
                message.seq == Some(expected),
                "a page has message {:?} where {expected} belongs",
                message.seq
            );
        }
        Ok(())
    }
}

impl Message<'_> {
    /// Which message it is.
    pub fn position(&self) -> Position {
        Position {
            stamp: self.content.as_deref().and_then(Stamp::find),
            seq: self.seq,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(messages: &str, n_messages: usize, first_seq: Option<u64>) -> String {
        let body = format!(r#"{{"success":true,"messages":[{messages}]}}"#);
        let page = Page::parse(body.as_bytes()).unwrap();
        let checked = page.check(n_messages, first_seq);
        checked.map_or_else(|error| error.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn a_page_is_whole_in_order_without_gaps_and_where_it_was_asked_for() {
        let page = r#"{"id":7,"seq":3},{"id":9,"seq":4,"content":"a\"b"}"#;
        assert_eq!(check(page, 2, Some(3)), "fine");
        assert!(check(page, 3, Some(3)).contains("2 messages, not 3"));
        assert!(check(page, 2, Some(2)).contains("Some(3) where 2 belongs"));
        let gap = r#"{"id":7,"seq":3},{"id":9,"seq":5}"#;
        assert!(check(gap, 2, Some(3)).contains("where 4 belongs"));
        let turned = r#"{"id":9,"seq":3},{"id":7,"seq":4}"#;
        assert!(check(turned, 2, Some(3)).contains("out of order"));
    }

    #[test]
    fn a_server_that_numbers_nothing_is_checked_by_ids() {
        assert_eq!(check(r#"{"id":7},{"id":9}"#, 2, None), "fine");
        assert!(check(r#"{"id":7},{"id":7}"#, 2, None).contains("order"));
    }

    #[test]
    fn a_message_is_known_by_its_stamp() {
        let stamp = Stamp::uncounted(1, 2, 3, 4);
        let body = format!(r#"{{"messages":[{{"id":1,"seq":8,"content":"{stamp}x"}}]}}"#);
        let page = Page::parse(body.as_bytes()).unwrap();
        let position = page.messages[0].position();
        assert_eq!((position.stamp, position.seq), (Some(stamp), Some(8)));
    }
}
