//! Which part of a file a request wants (RFC 9110, sections 13 and 14).

use std::ops::Range;

use axum::http::header::{IF_NONE_MATCH, IF_RANGE, RANGE};
use axum::http::{HeaderMap, Method};

/// What to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing: the client has the file already.
    Unchanged,
    /// All of it.
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes that the file does not have.
    Unsatisfiable,
}

impl Wanted {
    /// What a request wants of a file with that entity tag. A file never changes, so its tag is all
    /// there is to compare.
    pub fn of(method: &Method, headers: &HeaderMap, etag: &str, n_bytes: u64) -> Self {
        let text = |name| headers.get(name)?.to_str().ok();
        if text(IF_NONE_MATCH).is_some_and(|tags| lists(tags, etag)) {
            return Self::Unchanged;
        }
        let is_same = text(IF_RANGE).is_none_or(|condition| condition == etag);
        match text(RANGE).filter(|_| is_same && method == Method::GET) {
            Some(range) => Self::of_range(range, n_bytes),
            None => Self::Whole,
        }
    }

    /// Several ranges at once are answered with the whole, which is allowed, and so is a unit that
    /// nobody knows.
    fn of_range(range: &str, n_bytes: u64) -> Self {
        let Some((first, last)) = range
            .strip_prefix("bytes=")
            .and_then(|range| range.trim().split_once('-'))
        else {
            return Self::Whole;
        };
        let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
            // More digits than fit mean the end of every file.
            true => Some(text.parse().unwrap_or(u64::MAX)),
            false => None,
        };
        let part = match (first, last) {
            ("", "") => return Self::Whole,
            ("", suffix) => number(suffix).map(|n_last| n_bytes.saturating_sub(n_last)..n_bytes),
            (first, "") => number(first).map(|first| first..n_bytes),
            (first, last) => match (number(first), number(last)) {
                (Some(first), Some(last)) if first > last => return Self::Whole,
                (Some(first), Some(last)) => Some(first..last.saturating_add(1).min(n_bytes)),
                _ => None,
            },
        };
        match part {
            None => Self::Whole,
            Some(part) if part.is_empty() => Self::Unsatisfiable,
            Some(part) => Self::Part(part),
        }
    }
}

/// Whether a list of tags has this one. Here weak tags are as good as strong ones.
fn lists(tags: &str, etag: &str) -> bool {
    let mut tags = tags.split(',').map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    const ETAG: &str = "\"abc\"";

    fn wanted(headers: &[(HeaderName, &str)]) -> Wanted {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()));
        Wanted::of(&Method::GET, &headers.collect(), ETAG, 100)
    }

    #[test]
    fn ranges_are_cut_to_the_file() {
        for (range, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=10-19", 10..20),
            ("bytes=90-1000", 90..100),
            ("bytes=99-99999999999999999999999", 99..100),
            ("bytes=50-", 50..100),
            ("bytes=-5", 95..100),
            ("bytes=-500", 0..100),
        ] {
            assert_eq!(wanted(&[(RANGE, range)]), Wanted::Part(part), "{range}");
        }
        for range in ["bytes=100-", "bytes=100-200", "bytes=-0"] {
            assert_eq!(wanted(&[(RANGE, range)]), Wanted::Unsatisfiable, "{range}");
        }
    }

    #[test]
    fn what_is_no_single_range_gives_the_whole() {
        for range in [
            "bytes=0-1,5-6",
            "bytes=5-4",
            "bytes=-",
            "bytes=a-b",
            "bytes=+1-2",
            "lines=1-2",
            "",
        ] {
            assert_eq!(wanted(&[(RANGE, range)]), Wanted::Whole, "{range}");
        }
        let head = HeaderMap::from_iter([(RANGE, "bytes=0-0".parse().unwrap())]);
        assert_eq!(Wanted::of(&Method::HEAD, &head, ETAG, 100), Wanted::Whole);
    }

    #[test]
    fn who_has_the_file_is_sent_nothing() {
        for tags in [ETAG, "*", "\"x\", W/\"abc\""] {
            assert_eq!(
                wanted(&[(IF_NONE_MATCH, tags)]),
                Wanted::Unchanged,
                "{tags}"
            );
        }
        assert_eq!(wanted(&[(IF_NONE_MATCH, "\"x\"")]), Wanted::Whole);
    }

    #[test]
    fn the_rest_of_another_file_is_not_wanted() {
        let range = (RANGE, "bytes=1-");
        assert_eq!(
            wanted(&[range.clone(), (IF_RANGE, ETAG)]),
            Wanted::Part(1..100)
        );
        assert_eq!(wanted(&[range, (IF_RANGE, "\"x\"")]), Wanted::Whole);
    }
}
