//! Files on their way in and out: in pieces, bounded memory, nothing left behind.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::support::api_tokens::create;
use crate::support::bucket::{Bucket, files_in};
use crate::support::client::Client;
use crate::support::forms::{
    PNG, content_type, head, path, picture, texts, upload, upload_picture,
};
use crate::support::http::Call;
use crate::support::messages::draft;
use crate::support::server::Server;
use crate::support::soon;
use crate::support::stores::{Store, on_both_stores};
use crate::support::tokens::SECRET;

/// Far more than a server may hold of it.
const BIG: usize = 80 * 1_024 * 1_024;
/// What one upload may add to the memory of a server, in kilobytes.
const MAX_GROWTH_KB: u64 = 16 * 1_024;

on_both_stores!(
    a_file_that_no_message_shows_is_removed,
    a_file_stays_until_the_last_message_that_shows_it_is_deleted,
    a_crash_in_the_middle_of_an_upload_leaves_nothing,
);

async fn a_file_that_no_message_shows_is_removed(store: Store) {
    let server = Server::start_with(&store, &[("UPLOAD_ORPHAN_SECONDS", "2")]).await;
    let mut client = server.user(1).await;
    let used = upload_picture(&server, 100).await;
    let link = format!("http://localhost:{}{used}", server.port);
    let file = json!({"content": null, "type": "image", "fileUrl": link});
    client.ask_ok("send_message", draft(file)).await;
    let unused = upload_picture(&server, 100).await;
    soon("the removal", gone(&server, &unused)).await;
    soon("the end of the blob", at_most_files(&blobs(&store), 1)).await;
    // The sweep that took the younger one looked at both.
    assert_eq!(Call::get(&used).send(server.port).await.status, 200);
}

async fn a_file_stays_until_the_last_message_that_shows_it_is_deleted(store: Store) {
    let server = Server::start_with(&store, &[("UPLOAD_ORPHAN_SECONDS", "1")]).await;
    let natively = |id: &str| json!({"dialect": "native", "userId": id});
    let mut owner = Client::connect(server.port, Some(&natively("a"))).await;
    let mut other = Client::connect(server.port, Some(&natively("b"))).await;
    let conversation = json!({"userId": "b"});
    let conversation = owner.ask_ok("create_conversation", conversation).await;
    let file = upload_picture(&server, 100).await;
    let link = format!("http://localhost:{}{file}", server.port);
    let showing = |client_id: &str| {
        json!({
            "conversationId": conversation["data"]["conversation"]["id"], "kind": "image", "fileUrl": link,
            "clientMessageId": client_id,
        })
    };
    let first = owner.ask_ok("send_message", showing("first")).await;
    // What is sent again is the same message, and does not show the file twice.
    owner.ask_ok("send_message", showing("first")).await;
    let mut all = vec![first["data"]["message"]["id"].clone()];
    // Two of one batch, and one of another.
    let asked = ["second", "third"].map(|id| other.ask("send_message", &showing(id)));
    for number in asked {
        all.push(other.ack(number).await["data"]["message"]["id"].clone());
    }
    let last = other.ask_ok("send_message", showing("fourth")).await;
    all.push(last["data"]["message"]["id"].clone());
    for id in &all[1..] {
        for _ in 0..2 {
            let deletion = json!({"messageId": id});
            other.ask_ok("delete_message", deletion).await;
        }
    }
    let unused = upload_picture(&server, 100).await;
    soon("the removal", gone(&server, &unused)).await;
    // The sweep that took the younger one looked at both.
    assert_eq!(Call::get(&file).send(server.port).await.status, 200);
    let deletion = json!({"messageId": all[0]});
    owner.ask_ok("delete_message", deletion).await;
    soon("the removal", gone(&server, &file)).await;
}

async fn a_crash_in_the_middle_of_an_upload_leaves_nothing(store: Store) {
    let mut server = Server::start(&store).await;
    let _half = half_an_upload(server.port, 1 << 20).await;
    soon("the half file", at_least_files(&blobs(&store), 1)).await;
    server.crash().await;
    assert_eq!(files_in(&blobs(&store)).len(), 1);
    let _server = Server::start_with(&store, &[("UPLOAD_ORPHAN_SECONDS", "1")]).await;
    soon("the removal", at_most_files(&blobs(&store), 0)).await;
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_nothing() {
    let store = Store::sqlite();
    let server = Server::start(&store).await;
    let half = half_an_upload(server.port, 1 << 20).await;
    soon("the half file", at_least_files(&blobs(&store), 1)).await;
    drop(half);
    soon("the removal", at_most_files(&blobs(&store), 0)).await;
    assert_eq!(Call::get("/health").send(server.port).await.status, 200);
}

#[tokio::test]
async fn a_refused_file_leaves_nothing() {
    let store = Store::sqlite();
    let server = Server::start_with(&store, &[("MAX_UPLOAD_BYTES", "1000000")]).await;
    let too_large = upload("image/png", &picture(1_000_001))
        .send(server.port)
        .await;
    assert_eq!(too_large.status, 413, "{}", too_large.text());
    // Nothing but text in the beginning, which is all that is looked at to find the type.
    let mut no_text = vec![b'a'; 500_000];
    no_text.push(0);
    let no_text = upload("text/plain", &no_text).send(server.port).await;
    assert_eq!(no_text.status, 415, "{}", no_text.text());
    assert_eq!(files_in(&blobs(&store)), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn an_upload_without_length_or_end_is_refused_and_leaves_nothing() {
    let store = Store::sqlite();
    let server = Server::start_with(&store, &[("MAX_UPLOAD_BYTES", "1000")]).await;
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).await;
    let (mut answers, mut body) = stream.unwrap().into_split();
    let request = format!(
        "POST /api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: {}\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
        content_type()
    );
    body.write_all(request.as_bytes()).await.unwrap();
    let endless = async {
        let mut piece = [head("image/png").as_bytes(), PNG].concat();
        while body.write_all(&chunk(&piece)).await.is_ok() {
            piece = picture(64 * 1_024);
        }
    };
    let mut answer = Vec::new();
    let answered = async {
        // The connection may end before the answer is read: more was on its way.
        while matches!(answers.read_buf(&mut answer).await, Ok(1..)) {}
    };
    soon("the end of the connection", async {
        tokio::join!(endless, answered)
    })
    .await;
    let answer = String::from_utf8_lossy(&answer);
    let is_refused = answer.is_empty() || answer.starts_with("HTTP/1.1 413 ");
    assert!(is_refused, "{answer}");
    assert_eq!(files_in(&blobs(&store)), [] as [PathBuf; 0]);
}

/// A piece of a body whose length is not known before.
fn chunk(piece: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()
}

#[tokio::test]
async fn forms_of_thousands_of_parts_or_without_a_boundary_are_refused() {
    let store = Store::sqlite();
    let server = Server::start(&store).await;
    let form = |n_texts, path: &str, kind: &str| {
        let mut body = (texts(n_texts) + &head("image/png")).into_bytes();
        body.extend_from_slice(PNG);
        body.extend_from_slice(b"\r\n--a-boundary--\r\n");
        let call = Call::new("POST", path).header("Content-Type", kind);
        call.body(body).send(server.port)
    };
    let kind = content_type();
    for (n_texts, kind) in [(5_000, kind.as_str()), (0, "multipart/form-data")] {
        let refused = form(n_texts, "/api/upload", kind).await;
        assert_eq!(refused.status, 400, "{kind}: {}", refused.text());
    }
    // A form without a file in it has a number of fields, whatever their length.
    for (n_texts, text) in [(64, "Too many fields"), (5_000, "Too many fields")] {
        let refused = form(n_texts, "/api/messages", &kind).await;
        assert_eq!(
            (refused.status, refused.json()["message"].as_str()),
            (400, Some(text))
        );
    }
    let without_boundary = form(0, "/api/messages", "multipart/form-data").await;
    assert_eq!(without_boundary.status, 400, "{}", without_boundary.text());
    assert_eq!(files_in(&blobs(&store)), [] as [PathBuf; 0]);
    let taken = form(100, "/api/upload", &kind).await;
    assert_eq!(taken.status, 200, "{}", taken.text());
}

#[tokio::test]
async fn an_api_token_opens_what_it_permits() {
    let store = Store::sqlite();
    let settings = [("JWT_SECRET", SECRET), ("UPLOADS_ACCESS", "signed")];
    let server = Server::start_with(&store, &settings).await;
    let reader = create(&store, "7", &["--permissions", "read"]).await.secret;
    let writer = create(&store, "7", &["--permissions", "write"])
        .await
        .secret;
    let with = |call: Call, secret: &str| {
        let call = call.header("Authorization", &format!("Bearer {secret}"));
        call.send(server.port)
    };
    let refused = with(upload("image/png", PNG), &reader).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    let stored = with(upload("image/png", PNG), &writer).await;
    assert_eq!(stored.status, 200, "{}", stored.text());
    let signed = path(&stored);
    let bare = signed.split('?').next().unwrap();
    assert_eq!(with(Call::get(bare), &reader).await.status, 200);
    assert_eq!(with(Call::get(bare), &writer).await.status, 403);
    assert_eq!(Call::get(&signed).send(server.port).await.status, 200);
}

#[tokio::test]
async fn a_large_file_is_never_in_memory_as_a_whole() {
    let store = Store::sqlite();
    let server = Server::start_with(&store, &[("MAX_UPLOAD_BYTES", "1_000_000_000")]).await;
    pass_a_large_file_through(&server).await;
}

#[tokio::test]
async fn a_large_file_is_never_in_memory_as_a_whole_with_a_bucket() {
    let bucket = Bucket::start().await;
    let mut settings = bucket.settings().to_vec();
    settings.push(("MAX_UPLOAD_BYTES", "1_000_000_000"));
    let server = Server::start_with(&Store::sqlite(), &settings).await;
    pass_a_large_file_through(&server).await;
}

#[tokio::test]
async fn a_bucket_holds_files_of_any_length() {
    let bucket = Bucket::start().await;
    let mut settings = bucket.settings().to_vec();
    settings.extend([
        ("MAX_UPLOAD_BYTES", "30000000"),
        ("UPLOAD_ORPHAN_SECONDS", "3600"),
    ]);
    let mut server = Server::start_with(&Store::sqlite(), &settings).await;
    // Below, at and above the length of a part.
    for n_bytes in [100, 5 * 1_024 * 1_024, 12_345_678] {
        let path = upload_picture(&server, n_bytes).await;
        let file = picture(n_bytes);
        let whole = Call::get(&path).send(server.port).await;
        assert_eq!((whole.status, whole.body.len()), (200, n_bytes));
        assert!(whole.body == file, "{n_bytes} bytes came back changed");
        let range = format!("bytes=50-{}", n_bytes - 2);
        let part = Call::get(&path)
            .header("Range", &range)
            .send(server.port)
            .await;
        assert_eq!(part.status, 206, "{}", part.text());
        assert!(part.body == file[50..n_bytes - 1], "another part came");
        let last = Call::get(&path)
            .header("Range", "bytes=-1")
            .send(server.port)
            .await;
        assert_eq!(last.body, file[n_bytes - 1..]);
    }
    let files = bucket.files();
    assert_eq!(files.len(), 3, "{files:?}");
    assert!(
        files
            .iter()
            .all(|file| file.to_str().unwrap().contains("/files/chat/test/"))
    );
    let refused = upload("image/png", &picture(30_000_001))
        .send(server.port)
        .await;
    assert_eq!(refused.status, 413);
    assert_eq!(bucket.files().len(), 3, "{:?}", bucket.files());
    server.stop().await;
    assert!(!server.log().contains("canary"), "{}", server.log());
}

#[tokio::test]
async fn a_file_in_a_bucket_that_no_message_shows_is_removed() {
    let bucket = Bucket::start().await;
    let mut settings = bucket.settings().to_vec();
    settings.push(("UPLOAD_ORPHAN_SECONDS", "1"));
    let server = Server::start_with(&Store::sqlite(), &settings).await;
    let path = upload_picture(&server, 100).await;
    soon("the removal", gone(&server, &path)).await;
    soon("the end of the blob", async {
        while !bucket.files().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_bucket_that_refuses_is_no_fault_of_the_client() {
    let bucket = Bucket::start().await;
    let mut settings = bucket.settings();
    settings[3].1 = "canary-another-secret";
    let mut server = Server::start_with(&Store::sqlite(), &settings).await;
    let refused = upload("image/png", PNG).send(server.port).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert_eq!(refused.json()["message"], "Failed to upload file");
    assert_eq!(Call::get("/health").send(server.port).await.status, 200);
    server.stop().await;
    assert!(!server.log().contains("canary"), "{}", server.log());
}

/// Uploads and downloads it, and looks at what that did to the memory of the server.
async fn pass_a_large_file_through(server: &Server) {
    // Everything that is made once is made.
    upload_picture(server, 10_000_000).await;
    let before = server.peak_memory_kb();
    let path = upload_picture(server, BIG).await;
    soon(
        "the whole file",
        download(server.port, &path, &picture(BIG)),
    )
    .await;
    let growth = server.peak_memory_kb().saturating_sub(before);
    assert!(growth < MAX_GROWTH_KB, "the server grew by {growth} kB");
}

/// Fetches a file and compares it as it comes.
async fn download(port: u16, path: &str, expected: &[u8]) {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
    let mut stream = BufReader::with_capacity(1 << 20, stream.unwrap());
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).await.unwrap();
    }
    let mut n_bytes = 0;
    loop {
        let bytes = stream.fill_buf().await.unwrap();
        if bytes.is_empty() {
            break;
        }
        let end = n_bytes + bytes.len();
        assert!(
            expected.get(n_bytes..end) == Some(bytes),
            "the file came back changed"
        );
        n_bytes = end;
        let n_read = bytes.len();
        stream.consume(n_read);
    }
    assert_eq!(n_bytes, expected.len());
}

/// A connection that has sent the beginning of an upload.
async fn half_an_upload(port: u16, n_bytes: usize) -> TcpStream {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    let request = format!(
        "POST /api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: {}\r\n\
         Content-Length: {}\r\n\r\n{}",
        content_type(),
        2 * n_bytes,
        head("image/png")
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.write_all(&picture(n_bytes)).await.unwrap();
    stream
}

fn blobs(store: &Store) -> PathBuf {
    store.folder().join("data/uploads")
}

async fn gone(server: &Server, path: &str) {
    while Call::get(path).send(server.port).await.status != 404 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn at_least_files(folder: &Path, n_files: usize) {
    while files_in(folder).len() < n_files {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn at_most_files(folder: &Path, n_files: usize) {
    while files_in(folder).len() > n_files {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
