//! Typed ids. Each is an opaque string: never parsed, never ordered by meaning.
//!
//! What an id may be is decided here, for every place that takes one from outside.

use std::borrow::Borrow;
use std::fmt;

use sea_orm::{DbErr, DeriveValueType, TryFromU64};
use serde::{Deserialize, Serialize};

/// Longest id of any kind, in characters.
pub const MAX_CHARS: usize = 128;

/// The largest integer that a JavaScript number holds exactly.
pub const MAX_SAFE_INTEGER: u64 = 9_007_199_254_740_991;

/// Whether a text can be an id: not empty, of bounded length, without U+0000, which PostgreSQL
/// cannot store.
pub fn is_valid(text: &str) -> bool {
    !text.is_empty() && !text.contains('\0') && text.chars().count() <= MAX_CHARS
}

/// The value of an id like `0` or `42`; `None` for `007`, `-1`, `x` and unsafe integers.
pub fn canonical_decimal(id: &str) -> Option<u64> {
    let is_decimal = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    if !is_decimal || (id.starts_with('0') && id != "0") {
        return None;
    }
    id.parse().ok().filter(|value| *value <= MAX_SAFE_INTEGER)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone,
            Debug,
            PartialEq,
            Eq,
            PartialOrd,
            Ord,
            Hash,
            Serialize,
            Deserialize,
            DeriveValueType,
        )]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The id as it is stored.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id)
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.to_owned())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        // Required of a primary key; the database never numbers these rows.
        impl TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    };
}

id! {
    /// A person.
    UserId
}
id! {
    /// A message log: that of two people, or of a room.
    ConversationId
}
id! {
    /// A message.
    MessageId
}
id! {
    /// An API token, not its secret.
    ApiTokenId
}
id! {
    /// A stored file.
    UploadId
}
id! {
    /// Who takes part in a conversation: a user id, or `gallery:` and a gallery id.
    PartyId
}
id! {
    /// A gallery, the organisation behind a dealer.
    GalleryId
}
id! {
    /// A vehicle that a dealer room is about.
    VehicleId
}
id! {
    /// An offer that a dealer room is about.
    OfferId
}

/// What stands before the id of a gallery in a party.
const GALLERY_PARTY: &str = "gallery:";

impl PartyId {
    /// The user, unless the party is a gallery.
    pub fn user(&self) -> Option<UserId> {
        let is_gallery = self.0.starts_with(GALLERY_PARTY);
        (!is_gallery).then(|| UserId::from(self.as_str()))
    }

    /// The gallery, unless the party is a user.
    pub fn gallery(&self) -> Option<GalleryId> {
        self.0.strip_prefix(GALLERY_PARTY).map(GalleryId::from)
    }
}

impl From<&UserId> for PartyId {
    fn from(user: &UserId) -> Self {
        Self(user.0.clone())
    }
}

impl From<&GalleryId> for PartyId {
    fn from(gallery: &GalleryId) -> Self {
        Self(format!("{GALLERY_PARTY}{gallery}"))
    }
}
