//! Objects that clients of this dialect see.

use serde::Serialize;
use sohbet_entity::ids::UserId;

use crate::chat::{Message, Profile};
use crate::wire::ids::{NumericId, Time};

/// Longest role, in characters.
pub const MAX_ROLE_CHARS: usize = 32;

/// A person as this dialect sees one: an id together with a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person<'a> {
    /// `teacher`, `student` or another word.
    pub role: &'a str,
    /// The id, which another role may have too.
    pub id: &'a str,
}

impl<'a> Person<'a> {
    /// The person behind a user, if the user is one of a school.
    pub fn of(user: &'a UserId) -> Option<Self> {
        let (role, id) = user.as_str().split_once(':')?;
        (!role.is_empty() && !id.is_empty()).then_some(Self { role, id })
    }

    /// As [`Person::of`]; somebody of another dialect has no role.
    pub fn parse(user: &'a str) -> Self {
        let (role, id) = user.split_once(':').unwrap_or(("", user));
        Self { role, id }
    }

    /// The user that a pair of id and role is, unless the role cannot be one.
    pub fn user(role: &str, id: &str) -> Option<UserId> {
        let user = format!("{role}:{id}");
        let is_role = !role.is_empty()
            && role.chars().count() <= MAX_ROLE_CHARS
            && !role.contains([':', '\0']);
        (is_role && sohbet_entity::ids::is_valid(&user)).then(|| user.into())
    }

    /// The id as it is written.
    pub fn shown_id(self) -> NumericId<'a> {
        NumericId(self.id)
    }

    /// The name, or `Teacher 7` for somebody who has none.
    pub fn name(self, profile: &Profile) -> String {
        if let Some(name) = &profile.name {
            return name.clone();
        }
        let mut letters = self.role.chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        let role: String = first.chain(letters).collect();
        format!("{role} {}", self.id)
    }
}

/// A message: six keys, `seq` and `rev`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageBody<'a> {
    id: &'a str,
    sender_id: NumericId<'a>,
    recipient_id: NumericId<'a>,
    content: Option<&'a str>,
    timestamp: Time,
    sender_role: &'a str,
    seq: i64,
    rev: i64,
}

impl<'a> MessageBody<'a> {
    /// A message of a direct conversation.
    pub fn new(message: &'a Message) -> Self {
        let row = &*message.row;
        let sender = Person::parse(row.sender_id.as_str());
        let receiver = message.receiver.as_deref().map_or("", |to| to.id.as_str());
        Self {
            id: row.id.as_str(),
            sender_id: sender.shown_id(),
            recipient_id: Person::parse(receiver).shown_id(),
            content: row.content.as_deref(),
            timestamp: Time(row.created_at),
            sender_role: sender.role,
            seq: row.seq,
            rev: row.rev,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_an_id_with_a_role() {
        let user = Person::user("teacher", "7").unwrap();
        assert_eq!(user.as_str(), "teacher:7");
        let person = Person {
            role: "teacher",
            id: "7",
        };
        assert_eq!(Person::of(&user), Some(person));
        assert_eq!(Person::of(&"7".into()), None);
        for role in ["", "a:b", &"x".repeat(33)] {
            assert_eq!(Person::user(role, "7"), None, "{role}");
        }
    }
}
