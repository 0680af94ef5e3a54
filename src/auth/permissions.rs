//! What a caller may do on the whole server. What it may do in one conversation is the domain's.

use std::str::FromStr;

use serde_json::Value;
use sohbet_entity::enums::{TokenType, UserRole};

use crate::error::{Error, Result};

/// The key that stands for everything a type of token can have.
const FULL_ACCESS: &str = "fullAccess";

/// One thing that a token can permit. The set is closed: a word that is none of these is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// See conversations and messages.
    Read,
    /// Send, mark and manage what is one's own.
    Write,
    /// Let events be heard that are stored elsewhere.
    Emit,
    /// Write the directory of galleries, vehicles and offers.
    Directory,
    /// Act for a user.
    OnBehalfOf,
    /// Do everything that an administrator does.
    Admin,
}

impl Permission {
    /// All permissions, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::Read,
        Self::Write,
        Self::Emit,
        Self::Directory,
        Self::OnBehalfOf,
        Self::Admin,
    ];

    /// The word in requests and in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Emit => "emit",
            Self::Directory => "directory",
            Self::OnBehalfOf => "onBehalfOf",
            Self::Admin => "admin",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl FromStr for Permission {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|permission| permission.name() == word)
            .ok_or(Error::InvalidPayload(
                "Unknown permission: there are read, write, emit, directory, onBehalfOf and admin",
            ))
    }
}

/// A set of permissions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Permissions(u8);

impl Permissions {
    /// Everything.
    pub const ALL: Self = Self::of(&Permission::ALL);
    /// All that a token of a user can name: it stands for its user, whatever the user's role.
    const USER: Self = Self::of(&[Permission::Read, Permission::Write]);
    /// What an administrator has beside [`Self::USER`]. Acting for others is for programs.
    const ADMINISTRATOR: Self =
        Self::of(&[Permission::Emit, Permission::Directory, Permission::Admin]);

    /// The set of these.
    pub const fn of(permissions: &[Permission]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < permissions.len() {
            bits |= permissions[at].bit();
            at += 1;
        }
        Self(bits)
    }

    /// Reads what a client wants of a token: a list of words, an object whose keys with the value
    /// `true` are meant, or `{"fullAccess":true}`. Nothing, `{}` and `[]` mean to read and to write.
    pub fn parse(wanted: &Value, token_type: TokenType) -> Result<Self> {
        let permissions = match wanted {
            Value::Null => return Ok(Self::USER),
            Value::Array(words) if words.is_empty() => return Ok(Self::USER),
            Value::Object(keys) if keys.is_empty() => return Ok(Self::USER),
            Value::Array(words) => Self::from_words(words)?,
            Value::Object(keys) => Self::from_keys(keys, token_type)?,
            _ => return Err(Error::InvalidPayload("Invalid permissions")),
        };
        match token_type {
            _ if permissions == Self::default() => {
                Err(Error::InvalidPayload("A token must permit something"))
            }
            TokenType::User if !permissions.is_within(Self::USER) => Err(Error::InvalidPayload(
                "Only client tokens can have this permission",
            )),
            _ => Ok(permissions),
        }
    }

    /// What a token gives to whoever holds it, when its owner has that role. A whole token of a
    /// user gives what the user has; a client token gives what it names, whoever owns it.
    pub fn granted(self, token_type: TokenType, owner: Option<UserRole>) -> Self {
        match token_type {
            TokenType::User if self == Self::USER => Self::of_user(owner),
            _ => self,
        }
    }

    /// What a user of that role has.
    pub fn of_user(role: Option<UserRole>) -> Self {
        match role {
            Some(UserRole::Admin) => Self(Self::USER.0 | Self::ADMINISTRATOR.0),
            _ => Self::USER,
        }
    }

    /// Whether one of them is in the set.
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Whether `others` has all of these.
    pub const fn is_within(self, others: Self) -> bool {
        self.0 & !others.0 == 0
    }

    /// The words of the set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let all = Permission::ALL.into_iter();
        all.filter(move |permission| self.has(*permission))
            .map(Permission::name)
    }

    fn with(self, permission: Permission) -> Self {
        Self(self.0 | permission.bit())
    }

    /// A list is stored as it came, hence its length is bounded.
    fn from_words(words: &[Value]) -> Result<Self> {
        if words.len() > Permission::ALL.len() {
            return Err(Error::InvalidPayload("Invalid permissions"));
        }
        words.iter().try_fold(Self::default(), |set, word| {
            let word = word
                .as_str()
                .ok_or(Error::InvalidPayload("Invalid permissions"))?;
            Ok(set.with(word.parse()?))
        })
    }

    fn from_keys(keys: &serde_json::Map<String, Value>, token_type: TokenType) -> Result<Self> {
        let mut set = Self::default();
        for (key, value) in keys {
            let is_wanted = value
                .as_bool()
                .ok_or(Error::InvalidPayload("Invalid permissions"))?;
            let meant = match key.as_str() {
                FULL_ACCESS => Self::full(token_type),
                word => Self::of(&[word.parse()?]),
            };
            if is_wanted {
                set = Self(set.0 | meant.0);
            }
        }
        Ok(set)
    }

    /// A program with full access reaches everything, but is no administrator of people.
    const fn full(token_type: TokenType) -> Self {
        match token_type {
            TokenType::User => Self::USER,
            TokenType::Client => Self(Self::ALL.0 & !Permission::Admin.bit()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(wanted: Value, token_type: TokenType) -> Result<String> {
        let set = Permissions::parse(&wanted, token_type)?;
        Ok(set.names().collect::<Vec<_>>().join(","))
    }

    #[test]
    fn nothing_said_means_read_and_write() {
        for wanted in [json!({}), json!([]), Value::Null] {
            for token_type in [TokenType::User, TokenType::Client] {
                assert_eq!(names(wanted.clone(), token_type), Ok("read,write".into()));
            }
        }
    }

    #[test]
    fn words_are_read_from_lists_and_objects() {
        let client = |wanted| names(wanted, TokenType::Client);
        assert_eq!(
            client(json!(["directory", "read"])),
            Ok("read,directory".into())
        );
        assert_eq!(
            client(json!({"onBehalfOf": true, "write": true, "admin": false})),
            Ok("write,onBehalfOf".into())
        );
        assert_eq!(client(json!(["read", "read"])), Ok("read".into()));
    }

    #[test]
    fn full_access_of_a_program_is_everything_but_administration() {
        let full = json!({"fullAccess": true});
        assert_eq!(
            names(full.clone(), TokenType::Client),
            Ok("read,write,emit,directory,onBehalfOf".into())
        );
        assert_eq!(names(full, TokenType::User), Ok("read,write".into()));
    }

    #[test]
    fn what_is_not_in_the_set_is_refused() {
        for wanted in [
            json!(["*"]),
            json!(["Read"]),
            json!({"root": true}),
            json!({"root": false}),
            json!({"read": "yes"}),
            json!({"read": {"read": true}}),
            json!({"read": false}),
            json!([["read"]]),
            json!(["read", "read", "read", "read", "read", "read", "read"]),
            json!("read"),
            json!(7),
        ] {
            let refused = Permissions::parse(&wanted, TokenType::Client);
            let code = refused.map_err(|error| error.code());
            assert_eq!(code, Err("INVALID_PAYLOAD"), "{wanted}");
        }
    }

    #[test]
    fn a_token_of_a_user_reads_and_writes_and_nothing_else() {
        for word in ["emit", "directory", "onBehalfOf", "admin"] {
            assert!(
                names(json!(["read", word]), TokenType::User).is_err(),
                "{word}"
            );
            assert!(
                names(json!({ word: true }), TokenType::User).is_err(),
                "{word}"
            );
        }
    }

    #[test]
    fn a_whole_token_of_an_administrator_administers_and_a_narrow_one_does_not() {
        let admin = Some(UserRole::Admin);
        let whole = Permissions::USER.granted(TokenType::User, admin);
        assert!(whole.has(Permission::Admin) && whole.has(Permission::Directory));
        assert!(!whole.has(Permission::OnBehalfOf));
        let narrow = Permissions::of(&[Permission::Read]).granted(TokenType::User, admin);
        assert!(!narrow.has(Permission::Admin));
        let client = Permissions::USER.granted(TokenType::Client, admin);
        assert!(!client.has(Permission::Admin));
    }
}
