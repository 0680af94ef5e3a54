//! What an answer must look like, whatever was asked.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

/// Every code that a client may hear (contract/README.md, 6.1), but for the one that says that the
/// fault is ours.
const CODES: [&str; 9] = [
    "INVALID_PAYLOAD",
    "UNAUTHENTICATED",
    "FORBIDDEN",
    "NOT_FOUND",
    "CONFLICT",
    "TOO_LARGE",
    "RATE_LIMITED",
    "UNKNOWN_EVENT",
    "UNAVAILABLE",
];

/// Checks the one argument of an acknowledgement.
pub fn assert_ack(ack: &Value) {
    match ack["ok"] {
        Value::Bool(true) => {}
        Value::Bool(false) => assert_error(&ack["error"]),
        _ => panic!("neither yes nor no: {ack}"),
    }
}

/// Checks `{code, message, retryAfterMs?}`.
pub fn assert_error(error: &Value) {
    let code = error["code"].as_str().unwrap_or_default();
    assert!(CODES.contains(&code), "code: {error}");
    assert!(error["message"].is_string(), "message: {error}");
    let can_wait = error["retryAfterMs"].is_u64();
    assert!(can_wait || code != "RATE_LIMITED", "when: {error}");
}

/// Follows one Socket.IO connection: every event that asked for an answer gets one.
#[derive(Default)]
pub struct Acks {
    asked: HashSet<u64>,
    /// Ids that were asked for twice: then nobody can say which answer is missing.
    doubled: HashSet<u64>,
    answered: HashMap<u64, usize>,
}

impl Acks {
    /// Notes a packet that is sent, if it is an event that asks for an answer.
    pub fn ask(&mut self, packet: &str) {
        let Some(id) = wanted(packet) else { return };
        if !self.asked.insert(id) {
            self.doubled.insert(id);
        }
    }

    /// Checks a packet that came in. Returns the id that it answers.
    pub fn hear(&mut self, packet: &str) -> Option<u64> {
        if let Some(event) = packet.strip_prefix("42") {
            let event: Vec<Value> = serde_json::from_str(event).unwrap();
            assert!(event.first().is_some_and(Value::is_string), "{packet}");
            return None;
        }
        let rest = packet.strip_prefix("43")?;
        let (id, arguments) = rest.split_at(rest.find('[').unwrap());
        let arguments: Vec<Value> = serde_json::from_str(arguments).unwrap();
        assert_eq!(arguments.len(), 1, "{packet}");
        assert_ack(&arguments[0]);
        let id = id.parse().unwrap();
        *self.answered.entry(id).or_default() += 1;
        Some(id)
    }

    /// Checks that nothing is answered that nobody asked, and nothing twice; and, if the connection
    /// `lasted`, that everything is answered.
    pub fn assert_settled(&self, lasted: bool) {
        for (id, n_answers) in &self.answered {
            assert!(self.asked.contains(id), "{id} was never asked");
            assert!(*n_answers == 1 || self.doubled.contains(id), "{id} twice");
        }
        let is_open = |id: &&u64| !self.answered.contains_key(id);
        let open: Vec<_> = self.asked.iter().filter(is_open).collect();
        assert!(!lasted || open.is_empty(), "not answered: {open:?}");
    }
}

/// The id under which an event of the default namespace wants its answer. What the library below does
/// not read as one (ARCHITECTURE.md, "Absent on purpose") has none.
fn wanted(packet: &str) -> Option<u64> {
    let rest = packet.strip_prefix("42")?;
    let (id, arguments) = rest.split_at(rest.find('[')?);
    let parts: Vec<Value> = serde_json::from_str(arguments).ok()?;
    let name = parts.first()?.as_str()?;
    let is_plain = arguments.starts_with(&format!("[\"{name}\""));
    let id: i64 = id
        .parse()
        .ok()
        .filter(|_| id.bytes().all(|it| it.is_ascii_digit()))?;
    u64::try_from(id).ok().filter(|_| is_plain)
}
