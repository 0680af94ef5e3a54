//! Nobody fills the disk alone.

use super::{TOKEN_MODE, as_user, limited};
use crate::support::forms::{picture, upload};
use crate::support::http::Answer;
use crate::support::server::Server;
use crate::support::soon;
use crate::support::stores::{Store, on_both_stores};

on_both_stores!(the_files_of_a_user_have_so_many_bytes_together);

async fn the_files_of_a_user_have_so_many_bytes_together(store: Store) {
    let settings = [TOKEN_MODE, ("MAX_USER_FILE_BYTES", "100000")];
    let mut server = Server::start_with(&store, &settings).await;
    let bring = async |user, n_bytes| self::bring(&server, user, n_bytes).await;
    assert_eq!(bring(1, 90_000).await.status, 200);
    let refused = bring(1, 10_001).await;
    assert_eq!(refused.status, 413);
    let says_why = refused.text().contains("No room for more files of yours");
    assert!(says_why, "{}", refused.text());
    assert_eq!(bring(2, 10_001).await.status, 200, "somebody else");
    // A small file takes as much as a block of a disk.
    assert_eq!(bring(1, 100).await.status, 200);
    assert_eq!(bring(1, 8_000).await.status, 413);
    assert_eq!(bring(1, 5_000).await.status, 200);
    assert_eq!(bring(1, 20_000).await.status, 413);
    server.stop().await;
    let settings = [settings[0], settings[1], ("UPLOAD_ORPHAN_SECONDS", "1")];
    let server = Server::start_with(&store, &settings).await;
    soon("room, when files are gone that nobody shows", async {
        while self::bring(&server, 1, 20_000).await.status != 200 {}
    })
    .await;
}

#[tokio::test]
async fn from_addresses_without_limits_files_have_no_end() {
    let settings = [
        ("MAX_USER_FILE_BYTES", "1"),
        ("UNLIMITED_ADDRESSES", "127.0.0.0/8"),
    ];
    let server = limited(&settings).await;
    for _ in 0..2 {
        assert_eq!(bring(&server, 1, 1_000).await.status, 200);
    }
}

async fn bring(server: &Server, user: u64, n_bytes: usize) -> Answer {
    let call = upload("image/png", &picture(n_bytes));
    as_user(call, user).send(server.port).await
}
