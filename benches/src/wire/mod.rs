//! Connections to the server under load: Engine.IO 4 over WebSocket and over long-polling, and what is said
//! on them. The protocol: <https://socket.io/docs/v4/engine-io-protocol/>.

mod link;
mod listening;
mod polling;
mod rest;
mod target;
pub mod words;

pub use link::{Link, Transport};
pub use target::Target;
