//! Who decides about a room: takes a guest out and lets them in again, over and over.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::World;
use super::rest::Caller;
use crate::history::{Ask, What};
use crate::rng::Rng;

/// The owner of all rooms.
pub const OWNER: &str = "owner";
/// The user who comes and goes.
pub const GUEST: &str = "guest";

/// Works until the load ends; then the guest takes part, whatever came before.
pub async fn run(world: Arc<World>, room: String, mut rng: Rng) {
    let mut is_in = true;
    while world
        .pause(Duration::from_millis(rng.between(700, 2_500)))
        .await
    {
        is_in = !is_in;
        // What nobody answered is asked again, until it is known who takes part.
        while !change(&world, &room, is_in, &mut rng).await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    while !change(&world, &room, true, &mut rng).await {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Lets the guest in, or takes them out. Returns whether that is so now.
async fn change(world: &World, room: &str, is_in: bool, rng: &mut Rng) -> bool {
    let caller = Caller {
        world,
        who: "owner/rest",
        user: OWNER,
        node: world.nodes[rng.index(world.nodes.len())],
    };
    let ask = Ask::Member {
        conversation: room.to_owned(),
        user: GUEST.to_owned(),
        is_in,
    };
    let outcome = match is_in {
        true => {
            let path = format!("/conversations/{room}/participants");
            caller
                .ask("POST", &path, Some(&json!({"userId": GUEST})), ask)
                .await
        }
        false => {
            let path = format!("/conversations/{room}/participants/{GUEST}");
            caller.ask("DELETE", &path, None, ask).await
        }
    };
    // A refusal says that it is so already.
    !matches!(outcome, What::Unknown { .. })
}
