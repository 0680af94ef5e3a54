//! The words of the messaging vocabulary: what clients say, and what of the answers counts.
//!
//! Answers are searched, not parsed: the load must cost less than the server that it measures. What is
//! looked for stands in them at most once.

use memchr::memmem;

use crate::stamps::{self, Stamp};

/// Somebody who takes part in a conversation of two, and the other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// Who speaks.
    pub from: u64,
    /// Who is spoken to.
    pub to: u64,
}

/// What a client heard.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// It must be answered with [`PONG`].
    Ping,
    /// The client's user is known.
    Connected,
    /// The answer to the question with that number.
    Ack(u64),
    /// The own message is stored.
    Sent(Position),
    /// Somebody's message.
    Message(Position),
    /// The own message was refused.
    Refused(Option<Stamp>),
    /// Anything else.
    Other,
}

/// Which message it is, and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub struct Position {
    /// What its sender wrote into it; `None` for a message of somebody else.
    pub stamp: Option<Stamp>,
    /// Its number in the conversation, if the server numbers them.
    pub seq: Option<u64>,
}

/// The answer to a ping.
pub const PONG: &str = "3";

/// Says who the client is.
pub fn join_user_room(user: u64) -> String {
    format!(r#"42["join_user_room",{user}]"#)
}

/// Opens a conversation and asks for an answer with that number.
pub fn join_conversation(question: u64, conversation: u64) -> String {
    format!(r#"42{question}["join_conversation",{conversation}]"#)
}

/// Sends a message. The stamp is in the text, which is filled up to `text_bytes`.
pub fn send_message(conversation: u64, pair: Pair, stamp: &Stamp, text_bytes: usize) -> String {
    let Pair { from, to } = pair;
    let temporary = stamp.temporary_id();
    let filling = text_bytes.saturating_sub(stamps::LENGTH);
    format!(
        r#"42["send_message",{{"conversationId":{conversation},"senderId":{from},"receiverId":{to},"content":"{stamp}{:x<filling$}","type":"text","tempId":"{temporary}"}}]"#,
        ""
    )
}

/// What a packet says.
pub fn read(packet: &str) -> Heard {
    let Some((kind, rest)) = packet.split_at_checked(2) else {
        return if packet == "2" {
            Heard::Ping
        } else {
            Heard::Other
        };
    };
    let digits = rest.find('[').unwrap_or(0);
    let (number, body) = rest.split_at(digits);
    match kind {
        "43" => number.parse().map_or(Heard::Other, Heard::Ack),
        "42" => event(body),
        _ => Heard::Other,
    }
}

fn event(body: &str) -> Heard {
    let name = body.get(2..).and_then(|rest| rest.split('"').next());
    match name.unwrap_or_default() {
        "new_message" => Heard::Message(position(body)),
        "message_sent" => Heard::Sent(position(body)),
        "message_error" => Heard::Refused(Stamp::find(body)),
        "connected" => Heard::Connected,
        _ => Heard::Other,
    }
}

fn position(body: &str) -> Position {
    Position {
        stamp: Stamp::find(body),
        seq: number_after(body, r#""seq":"#),
    }
}

/// The conversation that a message stands in.
pub fn conversation(packet: &str) -> Option<u64> {
    number_after(packet, r#""conversationId":"#)
}

fn number_after(text: &str, key: &str) -> Option<u64> {
    let at = memmem::find(text.as_bytes(), key.as_bytes())? + key.len();
    let rest = text.get(at..)?.trim_start_matches('"');
    let end = rest.find(|c: char| !c.is_ascii_digit());
    rest.get(..end.unwrap_or(rest.len()))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp {
        run: 7,
        conversation: 3,
        voice: 2,
        number: 41,
        at_ns: 1_500,
    };

    #[test]
    fn a_message_is_as_long_as_asked_and_found_again() {
        let pair = Pair { from: 1, to: 2 };
        let packet = send_message(9, pair, &STAMP, 100);
        let body: serde_json::Value = serde_json::from_str(&packet[2..]).unwrap();
        assert_eq!(body[1]["content"].as_str().unwrap().len(), 100);
        let heard = packet.replace("send_message", "new_message");
        let heard = heard.replace(r#""type""#, r#""seq":12,"type""#);
        let position = Position {
            stamp: Some(STAMP),
            seq: Some(12),
        };
        assert_eq!(read(&heard), Heard::Message(position));
        assert_eq!(conversation(&heard), Some(9));
        assert_eq!(
            read(&packet.replace("send_message", "message_error")),
            Heard::Refused(Some(STAMP))
        );
    }

    #[test]
    fn other_packets_are_told_apart() {
        assert_eq!(read("2"), Heard::Ping);
        assert_eq!(read(r#"4317[{"ok":true}]"#), Heard::Ack(17));
        assert_eq!(read(r#"42["connected",{"userId":1}]"#), Heard::Connected);
        assert_eq!(read(r#"42["online_users",{}]"#), Heard::Other);
        assert_eq!(read("40{}"), Heard::Other);
        assert_eq!(read(""), Heard::Other);
    }
}
