//! Sohbet: a Socket.IO chat server. Unmodified `socket.io-client` front ends connect to it;
//! messages are durable before anyone sees them, ordered, and delivered exactly once.
//!
//! The modules are floors; imports point down. `ARCHITECTURE.md` walks one message through them.

pub mod addresses;
pub mod app;
pub mod auth;
pub mod chat;
pub mod cli;
pub mod config;
pub mod delivery;
pub mod error;
pub mod headers;
pub mod http;
pub mod link;
pub mod plain;
#[cfg(feature = "planted-bugs")]
mod planted;
pub mod random;
pub mod socket;
pub mod store;
pub mod telemetry;
pub mod wire;
pub mod worker;

pub use app::{App, Config, Handle};
