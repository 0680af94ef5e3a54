//! What clients of this dialect say.

use serde_json::value::RawValue;
use sohbet_entity::ids::{MessageId, UserId};

use super::Person;
use crate::chat::{Channel, ConversationHint, Draft, Request, SocketRequest, Target};
use crate::error::{Error, Result};
use crate::wire::json::{self, Object};

/// Every word of this dialect.
pub const WORDS: [&str; 3] = ["new_message", "mark_as_read", "authenticate"];

const MISSING: Error = Error::InvalidPayload("Missing required fields");

/// Reads an event.
pub fn parse(event: &str, arguments: &[&RawValue]) -> Result<SocketRequest> {
    let mut words = WORDS.into_iter();
    let word = words
        .find(|word| *word == event)
        .ok_or_else(|| Error::unknown_event(event))?;
    let object = arguments.first().and_then(|value| Object::parse(value));
    let object = object.ok_or(MISSING)?;
    let request = match word {
        "authenticate" => Request::JoinUser {
            user: person(&object, "userId", "role")?,
            name: None,
            wants_waiting: false,
        },
        "mark_as_read" => Request::MarkMessageRead {
            message: MessageId::from(object.id("messageId")?.ok_or(MISSING)?),
        },
        _ => Request::Send(Box::new(draft(&object, Channel::Socket)?)),
    };
    Ok(SocketRequest::new(word, request))
}

/// A message with its five fields.
pub fn draft(object: &Object, channel: Channel) -> Result<Draft> {
    let sender = person(object, "senderId", "senderRole")?;
    let target = Target::User {
        receiver: person(object, "recipientId", "recipientRole")?,
        conversation: ConversationHint::None,
    };
    Ok(Draft {
        sender: Some(sender),
        content: Some(object.text("content")?.ok_or(MISSING)?),
        client_id: json::client_id(object)?,
        ..Draft::new(target, channel)
    })
}

fn person(object: &Object, id: &str, role: &str) -> Result<UserId> {
    let (id, role) = (object.id(id)?, object.text(role)?);
    let (id, role) = id.zip(role).ok_or(MISSING)?;
    Person::user(&role, &id).ok_or(MISSING)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(event: &str, argument: &str) -> Result<Request> {
        let argument = RawValue::from_string(argument.into()).unwrap();
        parse(event, &[&argument]).map(|asked| asked.request)
    }

    #[test]
    fn people_are_named_by_id_and_role() {
        for argument in [
            r#"{"userId":7,"role":"teacher"}"#,
            r#"{"userId":"7","role":"teacher"}"#,
        ] {
            let request = Request::JoinUser {
                user: "teacher:7".into(),
                name: None,
                wants_waiting: false,
            };
            assert_eq!(parsed("authenticate", argument), Ok(request));
        }
        for argument in [
            "null",
            "5",
            "{}",
            r#"{"userId":7}"#,
            r#"{"role":"teacher"}"#,
            r#"{"userId":{},"role":"teacher"}"#,
            r#"{"userId":7,"role":5}"#,
            r#"{"userId":7,"role":"a:b"}"#,
        ] {
            assert!(parsed("authenticate", argument).is_err(), "{argument}");
        }
    }

    #[test]
    fn all_five_fields_are_needed() {
        let whole = r#"{"senderId":1,"senderRole":"teacher","recipientId":"2",
            "recipientRole":"student","content":"hi","clientMessageId":"c"}"#;
        let Ok(Request::Send(draft)) = parsed("new_message", whole) else {
            panic!("refused");
        };
        assert_eq!(draft.sender, Some("teacher:1".into()));
        assert_eq!(draft.content.as_deref(), Some("hi"));
        for field in [
            "senderId",
            "senderRole",
            "recipientId",
            "recipientRole",
            "content",
        ] {
            let without = whole.replace(field, "other");
            assert_eq!(parsed("new_message", &without), Err(MISSING), "{field}");
        }
        for content in ["\"\"", "5", "null", "\"a\\u0000\""] {
            let wrong = whole.replace("\"hi\"", content);
            assert!(parsed("new_message", &wrong).is_err(), "{content}");
        }
    }
}
