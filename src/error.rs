//! The one error type, sorted by what a client can do about it.

use std::borrow::Cow;
use std::time::Duration;

/// Longest text of an error that repeats something a client sent, in characters.
const MAX_ECHO_CHARS: usize = 128;

/// Why a request was not done. Each case has a stable code; the text is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Wrong shape, missing field, bad id, U+0000 in a text.
    #[error("{0}")]
    InvalidPayload(&'static str),
    /// Needs an identity and there is none.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The identity is known and may not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Does not exist, or must not be admitted to exist.
    #[error("{0}")]
    NotFound(&'static str),
    /// Exists already in another form.
    #[error("{0}")]
    Conflict(&'static str),
    /// Text or payload above the limit.
    #[error("{0}")]
    TooLarge(&'static str),
    /// Too many; try again after that many milliseconds.
    #[error("Too many messages")]
    RateLimited {
        /// Milliseconds from now.
        retry_after_ms: u32,
    },
    /// Not a word of the dialect.
    #[error("Unknown event: {0}")]
    UnknownEvent(Cow<'static, str>),
    /// The store is unreachable, full or shutting down; the same request may work later.
    #[error("{text}")]
    Unavailable {
        /// For people.
        text: &'static str,
        /// Milliseconds from now, if a time can be given.
        retry_after_ms: Option<u32>,
    },
    /// Our fault. The cause is in the log.
    #[error("Internal error")]
    Internal,
}

/// A result with the one error type.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// What somebody shows proves nothing, or nothing any more.
    pub const NO_LOGIN: Self = Self::Unauthenticated("Authentication error");
    /// No such conversation, or not the caller's.
    pub const NO_CONVERSATION: Self = Self::NotFound("Conversation not found");
    /// No such room, or not the caller's.
    pub const NO_ROOM: Self = Self::NotFound("Room not found");
    /// Nobody has that id.
    pub const NO_USER: Self = Self::NotFound("User not found");
    /// No such message, or not the caller's.
    pub const NO_MESSAGE: Self = Self::NotFound("Message not found");
    /// A message may not show that file.
    pub const FILE_URL: Self = Self::InvalidPayload("File URL not allowed");

    /// `Unavailable` for a server that is stopping or a queue that is full.
    pub const fn busy() -> Self {
        Self::Unavailable {
            text: "Try again",
            retry_after_ms: Some(1_000),
        }
    }

    /// `RateLimited` for who may go on after that time.
    pub fn rate_limited(wait: Duration) -> Self {
        // Rounded up: a client that comes back to the millisecond is not refused again.
        let wait_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
        Self::RateLimited {
            retry_after_ms: wait_ms.saturating_add(1),
        }
    }

    /// `UnknownEvent` for a name a client sent, cut to a bounded length.
    pub fn unknown_event(name: &str) -> Self {
        Self::UnknownEvent(Cow::Owned(name.chars().take(MAX_ECHO_CHARS).collect()))
    }

    /// The code that clients branch on (contract/README.md, 6.1).
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidPayload(_) => "INVALID_PAYLOAD",
            Self::Unauthenticated(_) => "UNAUTHENTICATED",
            Self::Forbidden(_) => "FORBIDDEN",
            Self::NotFound(_) => "NOT_FOUND",
            Self::Conflict(_) => "CONFLICT",
            Self::TooLarge(_) => "TOO_LARGE",
            Self::RateLimited { .. } => "RATE_LIMITED",
            Self::UnknownEvent(_) => "UNKNOWN_EVENT",
            Self::Unavailable { .. } => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
        }
    }

    /// When a retry makes sense, in milliseconds from now.
    pub const fn retry_after_ms(&self) -> Option<u32> {
        match self {
            Self::RateLimited { retry_after_ms } => Some(*retry_after_ms),
            Self::Unavailable { retry_after_ms, .. } => *retry_after_ms,
            _ => None,
        }
    }
}
