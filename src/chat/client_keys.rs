//! The keys under which repeats of a send are recognised.

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::Draft;
use crate::store::EarlierKey;

/// Some front ends count their temporary ids up from 1 after every page load; such short ones
/// name a send only for that long (contract/messaging.md, section 4, repeats a).
const SHORT_TEMP_ID_WINDOW: TimeDelta = TimeDelta::minutes(10);
/// A temporary id of so many characters names a send for ever.
const LONG_TEMP_ID_CHARS: usize = 8;

/// So many characters of a long temporary id stand before the hash. Clients that make them of the time make
/// ever larger ones: their keys then stand side by side in the index, and not all over it.
const LEAD_CHARS: usize = 24;
/// How much of a hash names a send.
const DIGEST_BYTES: usize = 16;

/// The id that a client gave a send, so that a repeat is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientId {
    /// Names the send for ever, whatever it says.
    Explicit(String),
    /// Names the send only together with what it says.
    Temporary(String),
}

/// The unique key of a send, and the one it had in the time window before.
pub fn client_key(draft: &Draft, now: DateTime<Utc>) -> (Option<String>, Option<EarlierKey>) {
    #[cfg(feature = "planted-bugs")]
    if crate::planted::has("no_dedupe") {
        return (None, None);
    }
    let temporary = match &draft.client_id {
        None => return (None, None),
        Some(ClientId::Explicit(id)) => return (Some(id.clone()), None),
        Some(ClientId::Temporary(id)) => id,
    };
    let digest = digest(temporary, draft);
    if temporary.chars().count() >= LONG_TEMP_ID_CHARS {
        let lead: String = temporary.chars().take(LEAD_CHARS).collect();
        return (Some(format!("temp:{lead}:{digest}")), None);
    }
    let window = now.timestamp() / SHORT_TEMP_ID_WINDOW.num_seconds();
    let earlier = EarlierKey {
        client_id: format!("temp:{}:{digest}", window - 1),
        not_before: now - SHORT_TEMP_ID_WINDOW,
    };
    (Some(format!("temp:{window}:{digest}")), Some(earlier))
}

/// A stored key as its sender may see it: the client's own id, unless we made the key.
pub fn shown_client_id(key: &str) -> Option<&str> {
    let is_ours = key.strip_prefix("temp:").is_some_and(|rest| {
        let digest = rest.rsplit(':').next().unwrap_or_default();
        digest.len() == 2 * DIGEST_BYTES && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    (!is_ours).then_some(key)
}

/// A temporary id together with what the message says, as 32 hexadecimal digits.
fn digest(temporary: &str, draft: &Draft) -> String {
    let mut hash = Sha256::new();
    let parts = [
        Some(temporary),
        Some(draft.kind.as_str()),
        draft.content.as_deref(),
        draft.file.url.as_deref(),
    ];
    for part in parts {
        // The length in front keeps "ab" + "c" apart from "a" + "bc".
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        hash.update(length.to_le_bytes());
        hash.update(part.unwrap_or_default());
    }
    let digest = hash.finalize();
    hex::encode(&digest[..DIGEST_BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{ConversationHint, Target};
    use crate::store::{self, Channel};

    fn draft(temporary: &str, content: &str) -> Draft {
        let target = Target::User {
            receiver: "2".into(),
            conversation: ConversationHint::None,
        };
        Draft {
            content: Some(content.into()),
            client_id: Some(ClientId::Temporary(temporary.into())),
            ..Draft::new(target, Channel::Socket)
        }
    }

    #[test]
    fn a_temporary_id_names_a_send_together_with_its_text() {
        let now = store::now();
        let key = |temporary, content| client_key(&draft(temporary, content), now).0;
        assert_eq!(key("temp_12345", "hi"), key("temp_12345", "hi"));
        assert_ne!(key("temp_12345", "hi"), key("temp_12345", "ho"));
        assert_ne!(key("temp_12345", "hi"), key("temp_12346", "hi"));
    }

    #[test]
    fn keys_of_long_temporary_ids_ascend_as_these_do() {
        let key = |temporary| client_key(&draft(temporary, "hi"), store::now()).0.unwrap();
        let ids = [
            "temp_1763866800000_x7",
            "temp_1763866800001_a1",
            "temp_1763866812345_k",
        ];
        assert!(ids.map(key).is_sorted());
        let (long, longer) = ("m".repeat(LEAD_CHARS), "m".repeat(1_000));
        assert_ne!(key(&long), key(&longer));
        assert!(key(&longer).len() < 70);
    }

    #[test]
    fn only_ids_that_clients_chose_are_shown() {
        let now = store::now();
        for temporary in ["7", "temp_12345", "temp:1:2:345"] {
            let key = client_key(&draft(temporary, "hi"), now).0.unwrap();
            assert_eq!(shown_client_id(&key), None, "{key}");
        }
        for own in ["m-1", "temp:x", "temp:"] {
            assert_eq!(shown_client_id(own), Some(own));
        }
    }

    #[test]
    fn a_short_temporary_id_names_a_send_for_ten_minutes() {
        let now = store::now();
        let (first, _) = client_key(&draft("7", "hi"), now);
        let (later, earlier) = client_key(&draft("7", "hi"), now + TimeDelta::minutes(10));
        assert_ne!(first, later);
        assert_eq!(Some(earlier.unwrap().client_id), first);
    }
}
