//! Clients that behave as no client should. They write nothing down: what counts is that the others do
//! not notice.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::{sleep, timeout};

use super::World;
use crate::rng::Rng;
use crate::wire::{polling, ws};

/// The user that they are of; takes part in a room, so that there is something to tell them.
pub const RUDE: &str = "rude";
/// Events of one flood.
const N_FLOOD: usize = 2_000;
/// How long a client goes without reading.
const DEAF_TIME: Duration = Duration::from_secs(6);

/// Packets that mean nothing.
const GARBAGE: [&str; 14] = [
    "",
    "4",
    "42",
    "420",
    "42[]",
    "42{}",
    "9",
    "4éé",
    "4/",
    "42/",
    "42/admin,[\"x\"]",
    "51-",
    "45-[]",
    "4451",
];

/// Misbehaves in one way after the other until the load ends.
pub async fn run(world: Arc<World>, mut rng: Rng) {
    while world
        .pause(Duration::from_millis(rng.between(100, 500)))
        .await
    {
        let node = world.nodes[rng.index(world.nodes.len())];
        let misbehave = async {
            match rng.between(0, 4) {
                0 => go_deaf(&world, node).await,
                1 => never_poll(&world, node).await,
                2 => flood(&world, node).await,
                3 => break_off(&world, node).await,
                _ => talk_nonsense(&world, node, &mut rng).await,
            }
        };
        // Whatever the server does to such a client is right.
        let _ = timeout(2 * DEAF_TIME, misbehave).await;
    }
}

fn connect_packet(world: &World) -> String {
    let auth = match world.tokens.get(RUDE) {
        Some(token) => json!({"dialect": "native", "token": token}),
        None => json!({"dialect": "native", "userId": RUDE}),
    };
    format!("40{auth}")
}

/// Stops reading with a tiny window, but keeps saying that it is there.
async fn go_deaf(world: &World, node: SocketAddr) -> anyhow::Result<()> {
    let (_reader, mut writer) = ws::open(node, true).await?;
    writer.say(&connect_packet(world)).await?;
    for _ in 0..DEAF_TIME.as_secs() {
        sleep(Duration::from_secs(1)).await;
        writer.say("3").await?;
    }
    Ok(())
}

/// Joins by polling, and never asks what there is.
async fn never_poll(world: &World, node: SocketAddr) -> anyhow::Result<()> {
    let sid = polling::open(node).await?;
    polling::post(node, &sid, &[connect_packet(world)]).await?;
    sleep(DEAF_TIME / 2).await;
    Ok(())
}

/// Asks more than anybody could want to know, and reads no answer.
async fn flood(world: &World, node: SocketAddr) -> anyhow::Result<()> {
    let (_reader, mut writer) = ws::open(node, false).await?;
    writer.say(&connect_packet(world)).await?;
    let room = world
        .conversations
        .iter()
        .find(|(_, members)| members.iter().any(|member| member == RUDE));
    let id = room.map(|(id, _)| id.as_str()).unwrap_or_default();
    for n in 0..N_FLOOD {
        writer
            .say(&format!(
                "42{n}{}",
                json!(["typing_start", {"conversationId": id}])
            ))
            .await?;
    }
    Ok(())
}

/// Ends in the middle of a message: nobody may ever see that one.
async fn break_off(world: &World, node: SocketAddr) -> anyhow::Result<()> {
    let (_reader, mut writer) = ws::open(node, false).await?;
    writer.say(&connect_packet(world)).await?;
    sleep(Duration::from_millis(50)).await;
    let id = world.conversations.keys().next();
    let body =
        json!({"conversationId": id, "content": "half of a frame", "clientMessageId": "half"});
    let packet = format!("421{}", json!(["send_message", body]));
    writer.say_half(&packet).await
}

async fn talk_nonsense(world: &World, node: SocketAddr, rng: &mut Rng) -> anyhow::Result<()> {
    let (_reader, mut writer) = ws::open(node, false).await?;
    writer.say(&connect_packet(world)).await?;
    for _ in 0..5 {
        writer.say(rng.pick(&GARBAGE).unwrap_or(&"")).await?;
        sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}
