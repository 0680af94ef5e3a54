//! Sockets by hand, so that they can misbehave: frames of WebSockets, requests of HTTP, packets of
//! Socket.IO.

pub mod http;
pub mod polling;
pub mod socket;
pub mod ws;
