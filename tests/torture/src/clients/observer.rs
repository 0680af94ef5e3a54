//! Somebody who only listens, in another dialect: what is said in `native` is heard there too, once and in
//! order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::World;
use crate::history::{Seen, What, digest};
use crate::rng::Rng;
use crate::wire::socket::{Heard, Socket, Transport};

/// The user who listens.
pub const WATCHER: &str = "watcher";
const WHO: &str = "watcher/messaging";
/// A server that says nothing for so long is gone: it pings every two seconds.
const SILENCE: Duration = Duration::from_secs(8);

/// Listens until the load ends.
pub async fn run(world: Arc<World>, mut rng: Rng) {
    let mut conn = 0;
    let mut phase = world.phase.clone();
    while world
        .pause(Duration::from_millis(rng.between(50, 300)))
        .await
    {
        conn += 1;
        let node = world.nodes[rng.index(world.nodes.len())];
        tokio::select! {
            // A connection that breaks is made again.
            _ = listen(&world, conn, node) => {}
            _ = phase.wait_for(|phase| !matches!(phase, super::Phase::Load)) => {}
        }
    }
}

async fn listen(world: &World, conn: u32, node: SocketAddr) -> anyhow::Result<()> {
    let auth = match world.tokens.get(WATCHER) {
        Some(token) => json!({"dialect": "messaging", "token": token}),
        None => json!({"dialect": "messaging", "userId": WATCHER}),
    };
    let mut socket = Socket::join(node, Transport::WebSocket, &auth).await?;
    socket.ask(0, "join_user_room", &json!(WATCHER))?;
    let member = |members: &Vec<String>| members.iter().any(|member| member == WATCHER);
    for (id, _) in world
        .conversations
        .iter()
        .filter(|(_, members)| member(members))
    {
        socket.ask(1, "join_conversation", &json!(id))?;
    }
    while let Some(heard) = tokio::time::timeout(SILENCE, socket.hear()).await? {
        match heard {
            Heard::Event(name, body) if name == "new_message" => {
                if let Some(message) = seen(&body) {
                    world.record(WHO, conn, What::Heard { message });
                }
            }
            Heard::Disconnect => break,
            _ => {}
        }
    }
    Ok(())
}

/// A message in the words of that dialect, which writes ids as numbers where they are some.
fn seen(body: &Value) -> Option<Seen> {
    let id = |name: &str| match &body[name] {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    };
    Some(Seen {
        conversation: id("conversationId")?,
        id: id("id")?,
        seq: body["seq"].as_i64()?,
        rev: body["rev"].as_i64()?,
        sender: id("senderId")?,
        cmid: None,
        text: digest(body["content"].as_str().unwrap_or_default()),
        state: None,
    })
}
