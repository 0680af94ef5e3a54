//! Somebody whose token is taken away while a socket lives on it (P10).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::World;
use super::rest::Caller;
use crate::history::{Ask, Seen, What};
use crate::rng::Rng;
use crate::wire::socket::{Heard, Socket, Transport};

/// The user whose tokens they are; takes part in something, so that there is something to hear.
const USER: &str = "ada";
/// How long is listened for what must not come any more.
const PATIENCE: Duration = Duration::from_secs(9);

/// Makes tokens and takes them away until the load ends. Only a run with tokens has any.
pub async fn run(world: Arc<World>, mut rng: Rng) {
    if world.tokens.is_empty() {
        return;
    }
    let mut number = 0;
    while world
        .pause(Duration::from_millis(rng.between(200, 900)))
        .await
    {
        number += 1;
        let node = world.nodes[rng.index(world.nodes.len())];
        let lifetime = Duration::from_millis(rng.between(300, 1_500));
        // What a fault keeps from being done is begun anew.
        let _ = live_and_leave(&world, number, node, lifetime).await;
    }
}

async fn live_and_leave(
    world: &World,
    number: u32,
    node: SocketAddr,
    lifetime: Duration,
) -> anyhow::Result<()> {
    let device = format!("{USER}/token{number}");
    let caller = Caller {
        world,
        who: &device,
        user: USER,
        node,
    };
    let wanted = json!({"name": device, "type": "USER", "permissions": ["read", "write"]});
    let made = caller.call("POST", "/tokens", Some(&wanted)).await?.json();
    let auth = json!({"dialect": "native", "token": made["token"]});
    let mut socket = Socket::join(node, Transport::WebSocket, &auth).await?;
    listen(world, &device, &mut socket, lifetime).await;
    let ask = Ask::Revoke {
        device: device.clone(),
    };
    let path = format!("/tokens/{}", made["id"].as_str().unwrap_or_default());
    if let What::Ok { .. } = caller.ask("DELETE", &path, None, ask).await {
        listen(world, &device, &mut socket, PATIENCE).await;
    }
    Ok(())
}

/// Writes down what comes, for that long or until the connection ends.
async fn listen(world: &World, device: &str, socket: &mut Socket, time: Duration) {
    let heard = async {
        while let Some(heard) = socket.hear().await {
            match heard {
                Heard::Event(_, body) => note(world, device, &body),
                Heard::Disconnect => break,
                _ => {}
            }
        }
        world.record(device, 1, What::Close);
    };
    // Time is up: the rest is heard later, or by nobody.
    let _ = tokio::time::timeout(time, heard).await;
}

fn note(world: &World, device: &str, body: &Value) {
    if let Some(message) = Seen::from_native(&body["message"]) {
        world.record(device, 1, What::Received { message });
    }
}
