//! The door: bytes and packets of clients that do what they like, to a whole server behind a port.
//! Whatever one sends, its events are answered as long as its connection lasts, and the next one is
//! served.
//!
//! The first letter of an input says what it is: `h` bytes of an HTTP connection, `f` frames of a plain
//! WebSocket, `p` a body of a polling session, `w` packets over a WebSocket. A digit follows that
//! chooses the dialect, then come the packets, with U+001E between them.

mod packets;
mod requests;

use sohbet::chat::Dialect;

use crate::server::Listening;
use crate::{MAX_INPUT_BYTES, Target};

/// Stands between packets.
const SEPARATOR: u8 = 0x1e;

/// Connections of all kinds.
pub struct Door {
    server: Listening,
}

impl Target for Door {
    fn start() -> Self {
        Self {
            server: Listening::start(),
        }
    }

    fn run(&self, input: &[u8]) {
        let [kind, dialect, script @ ..] = &input[..input.len().min(MAX_INPUT_BYTES)] else {
            return;
        };
        // One more than there are: a socket that has not decided.
        let dialect = usize::from(dialect - dialect.min(&b'0')) % (Dialect::ALL.len() + 1);
        let dialect = Dialect::ALL
            .get(dialect)
            .map_or("auto", |dialect| dialect.name());
        self.server.run(async |port| {
            match kind {
                b'h' => {
                    requests::send(port, script).await;
                    requests::assert_served(port).await;
                }
                // These begin with a handshake, which shows that the ones before did no harm.
                b'p' => requests::poll(port, dialect, script).await,
                b'f' => packets::send_frames(port, script).await,
                _ => packets::send(port, dialect, script).await,
            }
        });
    }
}

/// An event that asks for an answer and that no dialect has; what came before it is answered first.
fn probe() -> (u64, String) {
    let id = 777_777_777;
    (id, format!("42{id}[\"is anybody there\"]"))
}

/// Whether a script leaves the namespace: what it says after that is nobody's.
fn has_left(script: &[u8]) -> bool {
    let mut packets = script.split(|byte| *byte == SEPARATOR);
    packets.any(|packet| packet.starts_with(b"41"))
}
