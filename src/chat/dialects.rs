//! The vocabularies that a socket can speak. What their words mean stands in `wire`.

use std::str::FromStr;

/// One complete vocabulary; a socket speaks exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Two users in a conversation, small integer ids (contract/messaging.md).
    Messaging,
}

impl Dialect {
    /// All dialects.
    pub const ALL: [Self; 1] = [Self::Messaging];

    /// The name in the handshake and in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Messaging => "messaging",
        }
    }
}

/// The name is no dialect's.
#[derive(Debug, thiserror::Error)]
#[error("unknown dialect")]
pub struct UnknownDialect;

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|dialect| dialect.name() == name)
            .ok_or(UnknownDialect)
    }
}
