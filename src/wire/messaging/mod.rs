//! Dialect `messaging` (contract/messaging.md): two users, one conversation, small integer ids.

mod answers;
mod bodies;
mod events;
mod words;

pub mod rest;

pub use answers::{answer, answer_written};
pub use bodies::MessageBody;
pub use events::{audience, encode};
pub use words::{is_typical, parse};
