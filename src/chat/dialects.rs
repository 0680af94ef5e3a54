//! The vocabularies that a socket can speak. What their words mean stands in `wire`; here is what
//! the domain has to know about each.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::cookie;

/// How the rows are named that come into being in a dialect (contract/README.md, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdForm {
    /// Small integers from a sequence.
    Small,
    /// Milliseconds, strictly ascending.
    Millis,
    /// Lower-case UUIDs.
    Uuid,
}

/// Who is a person of its own in a dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum People {
    /// A user id.
    Ids,
    /// A user id together with a role: `teacher:7` and `student:7` are two.
    Roles,
    /// A user id that was registered: nobody comes into being by being mentioned.
    Registered,
}

/// What development mode believes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// In development mode everybody may listen, type and read everywhere, as with the server that
    /// the dialect comes from.
    Open,
    /// Only who takes part, in development mode too.
    Closed,
}

/// What a dialect asks of the domain, beyond what all of them get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// Its people have no accounts and are members of nothing: who names an open room is in it.
    OpenDoors,
    /// Who comes and goes is told to those who share a conversation, and they may ask.
    PeerPresence,
    /// Its sockets hold a list of conversations, which is kept exact: what is unread, what changed.
    LiveLists,
    /// Its sockets are warned before their token ends.
    EndingTokens,
    /// Its clients follow a conversation change by change, by `rev`; others message by message.
    Changes,
}

macro_rules! dialects {
    ($($(#[$doc:meta])* $variant:ident $name:literal $ids:ident $people:ident $access:ident $port:literal $cookie:literal [$($feature:ident)*],)*) => {
        /// One complete vocabulary; a socket speaks exactly one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Dialect {
            $($(#[$doc])* $variant,)*
        }

        impl Dialect {
            /// All dialects.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// What the configuration takes: every name, and `auto`.
            pub const NAMES: &'static str = concat!("auto" $(, "|", $name)*);

            /// The name in the handshake and in the configuration.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// How its new rows are named.
            pub const fn ids(self) -> IdForm {
                match self { $(Self::$variant => IdForm::$ids,)* }
            }

            /// Who is a person of its own.
            pub const fn people(self) -> People {
                match self { $(Self::$variant => People::$people,)* }
            }

            /// What it allows in development mode.
            pub const fn access(self) -> Access {
                match self { $(Self::$variant => Access::$access,)* }
            }

            /// The cookie in which its front ends keep a token; empty when they do not.
            pub const fn token_cookie(self) -> &'static str {
                match self { $(Self::$variant => $cookie,)* }
            }

            /// The port that its front ends expect.
            pub const fn default_port(self) -> u16 {
                match self { $(Self::$variant => $port,)* }
            }

            const fn features(self) -> &'static [Feature] {
                match self { $(Self::$variant => &[$(Feature::$feature),*],)* }
            }
        }
    };
}

// One line registers a dialect here; its words are registered in `wire`, its routes in `http`.
dialects! {
    /// Two users in a conversation, small integer ids (contract/messaging.md).
    Messaging "messaging" Small Ids Open 3001 "" [],
    /// Two dealers about an offer or a vehicle (contract/gallery.md).
    Gallery "gallery" Uuid Ids Closed 3005 "" [],
    /// Teachers and students, one to one (contract/school.md).
    School "school" Uuid Roles Open 4000 "auth-token" [],
    /// Person to person and groups, two words (contract/direct.md).
    Direct "direct" Uuid Ids Open 3001 "" [],
    /// Rooms with members over plain WebSockets (contract/chatsphere.md).
    Chatsphere "chatsphere" Uuid Registered Open 3001 "user_api_token" [],
    /// Names instead of accounts, one global chat (contract/starter.md).
    Starter "starter" Millis Ids Open 5000 "" [OpenDoors],
    /// Sohbet's own (contract/native.md).
    Native "native" Uuid Ids Closed 3001 "" [PeerPresence LiveLists EndingTokens Changes],
}

impl Dialect {
    /// Whether it asks for something.
    pub fn has(self, feature: Feature) -> bool {
        self.features().contains(&feature)
    }

    /// All dialects that ask for something.
    pub fn with(feature: Feature) -> impl Iterator<Item = Self> {
        let all = Self::ALL.into_iter();
        all.filter(move |dialect| dialect.has(feature))
    }

    /// The first dialect with such people, for what is asked by somebody of no dialect.
    pub fn of_people(people: People) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|dialect| dialect.people() == people)
    }
}

/// The tokens in a `Cookie` header: that of the dialect, or of any while the dialect is undecided.
pub fn cookie_tokens(cookies: &str, dialect: Option<Dialect>) -> Vec<&str> {
    let all = Dialect::ALL.into_iter();
    let meant = all.filter(|other| dialect.is_none_or(|dialect| dialect == *other));
    let names = meant.map(Dialect::token_cookie);
    let names = names.filter(|name| !name.is_empty());
    names.filter_map(|name| cookie(cookies, name)).collect()
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
