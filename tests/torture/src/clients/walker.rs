//! Somebody who reads histories from end to end while others write.

use std::sync::Arc;
use std::time::Duration;

use super::World;
use super::rest::Caller;
use crate::rng::Rng;

/// Walks until the load ends. The walker is a user who takes part in what it reads.
pub async fn run(world: Arc<World>, user: String, mut rng: Rng) {
    let who = format!("{user}/walker");
    let member = |members: &Vec<String>| members.contains(&user);
    let own = world
        .conversations
        .iter()
        .filter(|(_, members)| member(members));
    let own: Vec<&String> = own.map(|(id, _)| id).collect();
    while world
        .pause(Duration::from_millis(rng.between(300, 1_200)))
        .await
    {
        let Some(id) = rng.pick(&own) else {
            return;
        };
        let caller = Caller {
            world: &world,
            who: &who,
            user: &user,
            node: world.nodes[rng.index(world.nodes.len())],
        };
        // A walk that breaks off is judged by the pages it had.
        let _ = caller.walk(id, rng.chance(50)).await;
    }
}
