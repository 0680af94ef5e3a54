//! Somebody who puts reactions on messages, in the dialect that has them: changes that take a `rev` and no
//! `seq`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use super::World;
use super::owner::OWNER;
use super::rest::{Caller, refusal};
use crate::history::{Ask, Told, What};
use crate::rng::Rng;
use crate::wire::socket::{Heard, Socket, Transport};

/// The user who reacts.
pub const REACTOR: &str = "reactor";
const WHO: &str = "reactor/starter";
/// How long it waits for an answer.
const PATIENCE: Duration = Duration::from_secs(4);
/// What it has to say.
const REACTIONS: [&str; 3] = ["👍", "🎉", "☕"];

/// Reacts to messages of a room until the load ends.
pub async fn run(world: Arc<World>, room: String, mut rng: Rng) {
    let mut conn = 0;
    while world
        .pause(Duration::from_millis(rng.between(100, 400)))
        .await
    {
        conn += 1;
        let node = world.nodes[rng.index(world.nodes.len())];
        // A connection that breaks is made again.
        let _ = react(&world, conn, node, &room, &mut rng).await;
    }
}

async fn react(
    world: &World,
    conn: u32,
    node: SocketAddr,
    room: &str,
    rng: &mut Rng,
) -> anyhow::Result<()> {
    let mut auth = json!({"dialect": "starter"});
    if let Some(token) = world.tokens.get(REACTOR) {
        auth["token"] = json!(token);
    }
    let mut socket = Socket::join(node, Transport::WebSocket, &auth).await?;
    socket.ask(0, "user_join", &json!({"username": REACTOR, "room": room}))?;
    answer(&mut socket, 0).await?;
    while world
        .pause(Duration::from_millis(rng.between(30, 200)))
        .await
    {
        let message = newest(world, node, room, rng).await?;
        let call = world.call();
        let ask = Ask::React {
            conversation: room.to_owned(),
            message: message.clone(),
        };
        world.record(WHO, conn, What::Invoke { call, ask });
        let word = if rng.chance(60) {
            "add_reaction"
        } else {
            "remove_reaction"
        };
        let reaction = REACTIONS[rng.index(REACTIONS.len())];
        let body = json!({"messageId": message, "reaction": reaction, "room": room});
        socket.ask(call, word, &body)?;
        let body = match answer(&mut socket, call).await {
            Ok(body) => body,
            Err(error) => {
                world.record(WHO, conn, What::Unknown { call });
                return Err(error);
            }
        };
        let outcome = match body["ok"] == true {
            true => What::Ok {
                call,
                told: Told::Done,
            },
            false => refusal(call, body["error"]["code"].as_str().unwrap_or_default()),
        };
        world.record(WHO, conn, outcome);
    }
    Ok(())
}

async fn answer(socket: &mut Socket, call: u64) -> anyhow::Result<Value> {
    let answered = async {
        loop {
            match socket.hear().await {
                Some(Heard::Ack(number, body)) if number == call => return Some(body),
                Some(Heard::Disconnect) | None => return None,
                Some(_) => {}
            }
        }
    };
    let answered = tokio::time::timeout(PATIENCE, answered).await?;
    answered.context("the connection ended")
}

/// One of the newest messages of the room.
async fn newest(
    world: &World,
    node: SocketAddr,
    room: &str,
    rng: &mut Rng,
) -> anyhow::Result<String> {
    let caller = Caller {
        world,
        who: "owner/rest",
        user: OWNER,
        node,
    };
    let page = caller
        .get(&format!("/conversations/{room}/messages?limit=10"))
        .await?;
    let messages = page["messages"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let id = rng
        .pick(messages)
        .and_then(|message| message["id"].as_str());
    Ok(id.context("nothing was said yet")?.to_owned())
}
