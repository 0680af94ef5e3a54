//! A Socket.IO client over long-polling, request by request.

use serde_json::Value;

use super::http::{Answer, Call};

/// Path and query of a first polling request.
pub const PATH: &str = "/socket.io/?EIO=4&transport=polling";
/// Stands between packets of one body.
const SEPARATOR: char = '\u{1e}';

/// A polling session that has joined the namespace.
pub struct Polling {
    /// What its URLs carry.
    pub secret: String,
    /// The `socket.id`.
    pub id: String,
    port: u16,
}

impl Polling {
    /// Opens a session and joins.
    pub async fn open(port: u16) -> Self {
        Self::open_with(port, "40").await
    }

    /// As [`Self::open`], with this `auth` object.
    pub async fn open_as(port: u16, auth: &Value) -> Self {
        Self::open_with(port, &format!("40{auth}")).await
    }

    async fn open_with(port: u16, connect: &str) -> Self {
        let answer = Call::get(PATH).send(port).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let mut polling = Self {
            secret: sid(answer.text(), "0"),
            id: String::new(),
            port,
        };
        polling.say(connect).await;
        polling.id = sid(&polling.hear().await.concat(), "40");
        polling
    }

    /// Sends packets.
    pub async fn say(&self, packets: &str) {
        let answer = post(self.port, &self.secret, packets).await;
        assert_eq!((answer.status, answer.text()), (200, "ok"));
    }

    /// Waits for what the server has to say, and answers its pings.
    pub async fn hear(&self) -> Vec<String> {
        loop {
            let answer = get(self.port, &self.secret).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let packets = answer.text().split(SEPARATOR).map(str::to_owned);
            let (pings, packets): (Vec<_>, Vec<_>) = packets.partition(|packet| packet == "2");
            for _ in pings {
                self.say("3").await;
            }
            if !packets.is_empty() {
                return packets;
            }
        }
    }
}

/// Polls a session.
pub async fn get(port: u16, sid: &str) -> Answer {
    Call::get(&format!("{PATH}&sid={sid}")).send(port).await
}

/// Sends packets into a session.
pub async fn post(port: u16, sid: &str, packets: &str) -> Answer {
    Call::new("POST", &format!("{PATH}&sid={sid}"))
        .header("Content-Type", "text/plain;charset=UTF-8")
        .body(packets)
        .send(port)
        .await
}

/// The request for a WebSocket, for a session or for a new one.
pub fn upgrade(sid: Option<&str>) -> Call {
    let sid = sid.map(|sid| format!("&sid={sid}")).unwrap_or_default();
    upgrade_of(&format!("/socket.io/?EIO=4&transport=websocket{sid}"))
}

/// The request for a WebSocket on any path.
pub fn upgrade_of(path: &str) -> Call {
    Call::get(path)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
}

/// The id in a packet of that type.
fn sid(packet: &str, kind: &str) -> String {
    let body = packet.strip_prefix(kind);
    let body = body.unwrap_or_else(|| panic!("not a packet {kind}: {packet}"));
    let body: Value = serde_json::from_str(body).unwrap();
    body["sid"].as_str().unwrap().to_owned()
}
