//! Where it stands who somebody is, in JSON that others make: the claims of a token, the answer of a
//! host application.

use serde_json::Value;
use sohbet_entity::enums::UserRole;
use sohbet_entity::ids::{self, GalleryId, UserId};

use super::{Identity, Trust};

/// Longest display name, and longest name of a role, in characters.
const MAX_NAME_CHARS: usize = 255;

/// The names under which it stands who somebody is; of each list the first that holds something counts.
/// A name that begins with a slash is a JSON pointer (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldNames {
    /// The user id: a text or a whole number.
    pub user: Vec<String>,
    /// The display name.
    pub name: Vec<String>,
    /// The role, or a list of roles.
    pub role: Vec<String>,
    /// The gallery that the user acts for.
    pub gallery: Vec<String>,
}

impl FieldNames {
    /// The names that the systems use in their tokens (contract/README.md, section 3).
    pub fn of_tokens() -> Self {
        Self {
            user: owned(["sub", "userId", "user_id", "id"]),
            name: owned(["name", "username", "fullName"]),
            role: owned(["role"]),
            gallery: owned(["gallery_id", "galleryId"]),
        }
    }

    /// The names in the sessions of Auth.js and of Better Auth, and plain ones.
    pub fn of_sessions() -> Self {
        Self {
            user: owned(["/user/id", "/user/sub", "id", "sub", "userId"]),
            name: owned(["/user/name", "name"]),
            role: owned(["/user/role", "role"]),
            gallery: owned([
                "/user/gallery_id",
                "/user/galleryId",
                "gallery_id",
                "galleryId",
            ]),
        }
    }

    /// The identity that `said` speaks of; without a user id it is nobody's.
    pub fn read(&self, said: &Value, trust: Trust) -> Identity {
        let (role, title) = role(said, &self.role);
        Identity {
            user: first(said, &self.user, ids::MAX_CHARS).map(UserId::from),
            name: first(said, &self.name, MAX_NAME_CHARS),
            role,
            title,
            gallery: first(said, &self.gallery, ids::MAX_CHARS).map(GalleryId::from),
            ..Identity::nobody(trust)
        }
    }
}

fn owned<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).to_vec()
}

/// The value under a name, which may be a pointer.
pub fn find<'a>(said: &'a Value, name: &str) -> Option<&'a Value> {
    match name.starts_with('/') {
        true => said.pointer(name),
        false => said.get(name),
    }
}

/// The first of `names` that holds a non-empty text or a whole number.
fn first(said: &Value, names: &[String], max_chars: usize) -> Option<String> {
    let text = names
        .iter()
        .find_map(|name| text(find(said, name)?).filter(|text| !text.is_empty()))?;
    let fits = text.chars().count() <= max_chars && !text.contains('\0');
    fits.then_some(text)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        _ => None,
    }
}

/// The role that Sohbet knows, and the word for it. Of a list the highest role counts.
fn role(said: &Value, names: &[String]) -> (Option<UserRole>, Option<String>) {
    let found = names.iter().find_map(|name| find(said, name));
    let words: Vec<String> = match found {
        Some(Value::Array(list)) => list.iter().filter_map(text).collect(),
        Some(one) => text(one).into_iter().collect(),
        None => Vec::new(),
    };
    let known = [UserRole::Admin, UserRole::Moderator, UserRole::Member];
    let highest = known.into_iter().find_map(|role| {
        let word = words.iter().find(|word| parse_role(word) == Some(role))?;
        Some((role, word))
    });
    let title = highest.map_or_else(|| words.first(), |(_, word)| Some(word));
    let is_short = |title: &&String| {
        let n_chars = title.chars().count();
        (1..=MAX_NAME_CHARS).contains(&n_chars) && !title.contains('\0')
    };
    let title = title.filter(is_short).cloned();
    (highest.map(|(role, _)| role), title)
}

/// The role that a claim or a header names, in any case.
pub fn parse_role(text: &str) -> Option<UserRole> {
    match text.to_ascii_uppercase().as_str() {
        "ADMIN" => Some(UserRole::Admin),
        "MODERATOR" => Some(UserRole::Moderator),
        "MEMBER" => Some(UserRole::Member),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_may_be_pointers_and_the_first_that_holds_something_counts() {
        let names = FieldNames {
            user: owned(["/a/b", "uid", "https://x.test/id"]),
            ..FieldNames::of_tokens()
        };
        let user = |said| names.read(&said, Trust::Verified).user;
        assert_eq!(user(json!({"a": {"b": 7}, "uid": "8"})), Some("7".into()));
        assert_eq!(user(json!({"a": {"b": ""}, "uid": "8"})), Some("8".into()));
        assert_eq!(user(json!({"https://x.test/id": "9"})), Some("9".into()));
        for said in [
            json!({"sub": "7"}),
            json!({"uid": true}),
            json!({"uid": -1}),
            json!({"uid": "a\u{0}"}),
            json!({"uid": "x".repeat(200)}),
            json!([1]),
            json!(null),
        ] {
            assert_eq!(user(said.clone()), None, "{said}");
        }
    }

    #[test]
    fn of_a_list_of_roles_the_highest_counts() {
        let names = FieldNames {
            role: owned(["/realm_access/roles"]),
            ..FieldNames::of_tokens()
        };
        let read = |roles: Value| {
            let said = json!({"realm_access": {"roles": roles}});
            let identity = names.read(&said, Trust::Verified);
            (identity.role, identity.title)
        };
        let (admin, word) = (Some(UserRole::Admin), Some("admin".to_owned()));
        assert_eq!(read(json!(["member", "admin", 3])), (admin, word));
        assert_eq!(read(json!(["teacher"])), (None, Some("teacher".to_owned())));
        assert_eq!(read(json!([])), (None, None));
    }
}
