//! Somebody who takes part in nothing, and tries everything.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::World;
use super::rest::{refusal, told};
use crate::history::{Ask, Seen, What, digest};
use crate::rng::Rng;
use crate::wire::socket::{Heard, Socket, Transport};

/// The user that nobody lets in.
pub const STRANGER: &str = "stranger";
/// Its only device.
const WHO: &str = "stranger/d0";
/// How long it waits for an answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// Tries to get into conversations until the load ends.
pub async fn run(world: Arc<World>, mut rng: Rng) {
    let mut conn = 0;
    while world
        .pause(Duration::from_millis(rng.between(50, 300)))
        .await
    {
        conn += 1;
        let node = world.nodes[rng.index(world.nodes.len())];
        // A connection that breaks is tried again, and so is one that there never was.
        let _ = intrude(&world, conn, node, &mut rng).await;
    }
}

async fn intrude(world: &World, conn: u32, node: SocketAddr, rng: &mut Rng) -> anyhow::Result<()> {
    let auth = match world.tokens.get(STRANGER) {
        Some(token) => json!({"dialect": "native", "token": token}),
        None => json!({"dialect": "native", "userId": STRANGER}),
    };
    let mut socket = Socket::join(node, Transport::WebSocket, &auth).await?;
    let closed = world
        .conversations
        .keys()
        .filter(|id| **id != world.open_room);
    let conversations: Vec<&String> = closed.collect();
    while world.is_loaded() {
        let Some(id) = rng.pick(&conversations) else {
            return Ok(());
        };
        let (event, body, ask) = attempt(id, world, rng);
        let call = world.call();
        world.record(
            WHO,
            conn,
            What::Invoke {
                call,
                ask: ask.clone(),
            },
        );
        socket.ask(call, event, &body)?;
        let answer = tokio::time::timeout(PATIENCE, answer(world, conn, &mut socket, call)).await;
        let Ok(Some(body)) = answer else {
            world.record(WHO, conn, What::Unknown { call });
            return Ok(());
        };
        let outcome = match body["ok"] == true {
            true => told(&ask, &body["data"])
                .map_or(What::Unknown { call }, |told| What::Ok { call, told }),
            false => refusal(call, body["error"]["code"].as_str().unwrap_or_default()),
        };
        world.record(WHO, conn, outcome);
        tokio::time::sleep(Duration::from_millis(rng.between(20, 150))).await;
    }
    Ok(())
}

fn attempt(id: &str, world: &World, rng: &mut Rng) -> (&'static str, Value, Ask) {
    let conversation = id.to_owned();
    let look = Ask::Look {
        conversation: conversation.clone(),
    };
    let place = json!({"conversationId": id});
    match rng.between(0, 5) {
        0 => {
            let cmid = format!("stranger-{}", rng.number());
            let body = json!({"conversationId": id, "content": &cmid, "clientMessageId": &cmid});
            let text = digest(&cmid);
            (
                "send_message",
                body,
                Ask::Send {
                    conversation,
                    cmid,
                    text,
                    rest: false,
                },
            )
        }
        1 => ("history", place, look),
        2 => ("join_room", place, look),
        3 => ("mark_read", place, Ask::Read { conversation }),
        4 => ("typing_start", place, look),
        // It is answered, and must tell that the conversation is gone.
        _ => (
            "sync",
            json!({"epoch": world.epoch, "conversations": {id: 0}}),
            Ask::Sync,
        ),
    }
}

/// The answer; what else comes is written down.
async fn answer(world: &World, conn: u32, socket: &mut Socket, call: u64) -> Option<Value> {
    loop {
        match socket.hear().await? {
            Heard::Ack(number, body) => {
                for (id, changed) in body["data"]["changed"].as_object().into_iter().flatten() {
                    let messages = changed.as_array().into_iter().flatten();
                    let messages = messages.filter_map(Seen::from_native).collect();
                    let conversation = id.clone();
                    world.record(
                        WHO,
                        conn,
                        What::Caught {
                            conversation,
                            messages,
                        },
                    );
                }
                if number == call {
                    return Some(body);
                }
            }
            Heard::Event(_, body) => {
                if let Some(message) = Seen::from_native(&body["message"]) {
                    world.record(WHO, conn, What::Received { message });
                }
            }
            Heard::Sign => {}
            Heard::Disconnect => return None,
        }
    }
}
