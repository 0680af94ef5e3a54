//! REST bodies of this dialect.

use serde::Serialize;

use super::bodies::{MessageBody, PersonBody};
use crate::chat::{Message, Person, Shown};

/// Public messages in the given order.
pub fn public_messages(messages: &[Message]) -> impl Serialize {
    messages.iter().map(MessageBody::public).collect::<Vec<_>>()
}

/// Messages of a room in the given order.
pub fn room_messages(messages: &[Shown]) -> impl Serialize {
    messages.iter().map(MessageBody::from).collect::<Vec<_>>()
}

/// Who is there, in the given order.
pub fn people<'a>(people: impl IntoIterator<Item = &'a Person>) -> impl Serialize {
    let people = people.into_iter();
    people
        .map(|person| PersonBody::new(person, None))
        .collect::<Vec<_>>()
}

/// `{"success":false,"error":"…"}`, for unknown routes with the path.
#[derive(Serialize)]
pub struct ErrorBody<'a> {
    success: bool,
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
}

impl<'a> ErrorBody<'a> {
    /// A refusal.
    pub fn new(error: &'a str) -> Self {
        Self {
            success: false,
            error,
            path: None,
        }
    }

    /// No such route.
    pub fn no_route(path: &'a str) -> Self {
        Self {
            path: Some(path),
            ..Self::new("Route not found")
        }
    }
}
