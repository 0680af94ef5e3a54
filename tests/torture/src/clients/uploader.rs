//! Somebody who stores files, sometimes hangs up in the middle, and looks whether they are what they were.

use std::sync::Arc;
use std::time::Duration;

use super::World;
use super::rest::{Caller, PATIENCE};
use crate::history::{Ask, Told, What, sha256};
use crate::rng::Rng;
use crate::wire::http::Call;

/// The user who has files.
pub const UPLOADER: &str = "uploader";
const WHO: &str = "uploader/rest";
const BOUNDARY: &str = "a-boundary";
/// How a PNG begins, and how it ends.
const START: &[u8] = b"\x89PNG\r\n\x1a\n";
const END: &[u8] = b"\0\0\0\0IEND\xae\x42\x60\x82";
/// Most bytes of a small file, which the server writes in one piece, and of a large one.
const SMALL: u64 = 60_000;
const LARGE: u64 = 600_000;
/// The longest that somebody waits who hangs up in the middle, in milliseconds.
const MAX_HASTE_MS: u64 = 15;

/// Stores files until the load ends, and looks at them.
pub async fn run(world: Arc<World>, mut rng: Rng) {
    let mut stored = Vec::new();
    while world
        .pause(Duration::from_millis(rng.between(100, 900)))
        .await
    {
        if let Some(id) = store(&world, &mut rng).await {
            stored.push(id);
        }
        if let Some(id) = rng.pick(&stored) {
            fetch(&world, id, &mut rng).await;
        }
    }
}

/// Stores a file. Returns its id if the server says that it is stored.
async fn store(world: &World, rng: &mut Rng) -> Option<String> {
    let caller = Caller {
        world,
        who: WHO,
        user: UPLOADER,
        node: world.nodes[rng.index(world.nodes.len())],
    };
    let most = if rng.chance(80) { SMALL } else { LARGE };
    let file = picture(rng.between(1, most), rng);
    let patience = match rng.chance(20) {
        true => Duration::from_millis(rng.between(1, MAX_HASTE_MS)),
        false => PATIENCE,
    };
    let media_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let form = form(&file);
    let body = Some((media_type.as_str(), form.as_slice()));
    let called = caller.call_with("POST", "/uploads", body, patience);
    let file = sha256(&file);
    match caller.note(Ask::Upload { file }, called).await {
        What::Ok {
            told: Told::File { id },
            ..
        } => Some(id),
        _ => None,
    }
}

/// Gets a file that is stored. Without an answer there is nothing to judge.
async fn fetch(world: &World, id: &str, rng: &mut Rng) {
    let call = Call {
        method: "GET",
        path: &format!("/uploads/{id}.png"),
        headers: &[],
        body: None,
        patience: PATIENCE,
    };
    let node = world.nodes[rng.index(world.nodes.len())];
    let file = match call.send(node).await {
        Ok(answer) if answer.status == 200 => Some(sha256(&answer.body)),
        Ok(answer) if answer.status == 404 => None,
        _ => return,
    };
    let id = id.to_owned();
    world.record(WHO, 0, What::Fetched { id, file });
}

/// What is laid out like a picture, with data that no other one has.
fn picture(n_bytes: u64, rng: &mut Rng) -> Vec<u8> {
    let mut picture = START.to_vec();
    for (kind, n_numbers) in [(b"IHDR", 2), (b"IDAT", n_bytes.div_ceil(8))] {
        let length = u32::try_from(8 * n_numbers).expect("a file is shorter than that");
        picture.extend(length.to_be_bytes());
        picture.extend(kind);
        for _ in 0..n_numbers {
            picture.extend(rng.number().to_le_bytes());
        }
        // In the place of its checksum, which nobody looks at.
        picture.extend([0; 4]);
    }
    picture.extend(END);
    picture
}

fn form(file: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\
         Content-Type: image/png\r\n\r\n"
    );
    let end = format!("\r\n--{BOUNDARY}--\r\n");
    [head.as_bytes(), file, end.as_bytes()].concat()
}
