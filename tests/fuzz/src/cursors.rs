//! Places in lists and positions in conversations, as they stand in queries and in payloads: what is
//! taken is written the same way again.
//!
//! An input is a query without its question mark; as a whole it is also tried as one cursor.

use sohbet::chat::{Cursor, DeskRequest};
use sohbet::wire::native::rest::{self, Query, read_cursor, write_cursor};

use crate::events::{assert_desk, assert_id};
use crate::{MAX_INPUT_BYTES, Target};

/// Cursors and positions.
pub struct Cursors;

impl Target for Cursors {
    fn start() -> Self {
        Self
    }

    fn run(&self, input: &[u8]) {
        let Ok(text) = std::str::from_utf8(&input[..input.len().min(MAX_INPUT_BYTES)]) else {
            return;
        };
        if let Ok(cursor) = read_cursor(text) {
            assert_same_again(&cursor);
        }
        let query = Query::parse(Some(text));
        let requests = [
            rest::list(&query),
            rest::history("c".into(), &query),
            rest::sync(&query),
        ];
        for request in requests.iter().flatten() {
            assert_desk(request);
            if let DeskRequest::List { after, .. } = request {
                after.iter().for_each(assert_same_again);
            }
        }
        if let Ok(Some(id)) = query.cursor() {
            assert_id(&id);
        }
        if let Ok(number) = query.numbered_cursor() {
            // The database counts with a sign.
            assert!(i64::try_from(number).is_ok());
        }
        if let Ok(Some(user)) = query.user() {
            assert_id(&user);
        }
    }
}

fn assert_same_again(cursor: &Cursor) {
    let written = write_cursor(cursor);
    assert_eq!(read_cursor(&written).as_ref(), Ok(cursor), "{written}");
}
