//! What becomes of photos besides being stored.

use std::time::Duration;

use serde_json::json;

use crate::support::forms::{path, upload};
use crate::support::http::{Answer, Call};
use crate::support::messages::draft;
use crate::support::server::Server;
use crate::support::soon;
use crate::support::stores::Store;

/// Where it was taken.
const PLACE: &[u8] = b"41.0082N 28.9784E";
/// The block that is kept of one that says that the photo lies on its side.
const ON_ITS_SIDE: &[u8] =
    b"\xff\xe1\0\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";

/// What is before and after the metadata.
const START: &[u8] = b"\xff\xd8\xff\xe0\0\x0aJFIF\0\x01\x02\0";
const PICTURE: &[u8] = b"\xff\xc0\0\x05\x08\0\0\xff\xda\0\x04\0\0data\xff\0data\xff\xd9";

fn photo(n_comment: u16) -> Vec<u8> {
    let exif =
        b"\xff\xe1\0\x38Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let xmp = b"\xff\xe1\0\x13";
    let comment = [&b"\xff\xfe"[..], &(n_comment + 2).to_be_bytes()].concat();
    let comment = [comment, vec![b'c'; n_comment.into()]].concat();
    [
        START,
        &exif[..],
        b"--",
        PLACE,
        b"---",
        xmp,
        PLACE,
        &comment,
        PICTURE,
    ]
    .concat()
}

async fn fetch(server: &Server, stored: &Answer) -> Vec<u8> {
    assert_eq!(stored.status, 200, "{}", stored.text());
    let file = Call::get(&path(stored)).send(server.port).await;
    assert_eq!(stored.json()["fileSize"], file.body.len());
    file.body
}

#[tokio::test]
async fn a_photo_does_not_tell_where_it_was_taken() {
    let server = Server::start(&Store::sqlite()).await;
    let stored = upload("image/jpeg", &photo(10)).send(server.port).await;
    let file = fetch(&server, &stored).await;
    assert_eq!(file, [START, ON_ITS_SIDE, PICTURE].concat());
}

#[tokio::test]
async fn what_is_taken_out_of_a_photo_counts_for_its_size() {
    let settings = [("MAX_UPLOAD_IMAGE_BYTES", "1000")];
    let server = Server::start_with(&Store::sqlite(), &settings).await;
    let refused = upload("image/jpeg", &photo(1_000)).send(server.port).await;
    assert_eq!(refused.status, 413, "{}", refused.text());
}

#[tokio::test]
async fn a_photo_stays_as_it_came_where_that_is_wanted() {
    let settings = [("UPLOAD_KEEP_METADATA", "true")];
    let server = Server::start_with(&Store::sqlite(), &settings).await;
    let stored = upload("image/jpeg", &photo(10)).send(server.port).await;
    assert_eq!(fetch(&server, &stored).await, photo(10));
}

#[tokio::test]
async fn no_file_is_taken_when_the_disk_is_almost_full_and_messages_are() {
    let settings = [("MIN_FREE_DISK_BYTES", "1125899906842624")];
    let server = Server::start_with(&Store::sqlite(), &settings).await;
    let refused = soon("the first look at the disk", async {
        loop {
            let answer = upload("image/jpeg", &photo(10)).send(server.port).await;
            if answer.status != 200 {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let refused = refused.await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.header("retry-after").is_some());
    let mut client = server.user(1).await;
    client.ask_ok("send_message", draft(json!({}))).await;
    for of in ["files", "messages"] {
        let line = format!("\"disk.of\":\"{of}\"");
        assert!(server.log().contains(&line), "{}", server.log());
    }
}
