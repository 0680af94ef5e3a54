//! A real S3-speaking server over a folder, with its own check of every signature.

use std::path::{Path, PathBuf};

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;

const KEY_ID: &str = "test-key";
const SECRET: &str = "canary-secret-of-the-bucket";

/// A bucket named `files`.
pub struct Bucket {
    folder: TempDir,
    endpoint: String,
}

impl Bucket {
    /// An empty one. It goes with the runtime of the test.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("files")).unwrap();
        let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
        let service = service.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
                tokio::spawn(connection);
            }
        });
        Self { folder, endpoint }
    }

    /// Settings of a server that stores files under `chat/test` here.
    pub fn settings(&self) -> [(&str, &str); 4] {
        [
            ("UPLOADS_URL", "s3://files/chat/test/"),
            ("S3_ENDPOINT", &self.endpoint),
            ("AWS_ACCESS_KEY_ID", KEY_ID),
            ("S3_SECRET_ACCESS_KEY", SECRET),
        ]
    }

    /// Every file that is stored here, parts of unfinished ones included.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = files_in(self.folder.path());
        // What the store itself writes down about each.
        files.retain(|file| file.extension().is_none_or(|extension| extension != "json"));
        files
    }
}

/// Every file in a folder and the folders below it.
pub fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| match path.is_dir() {
        true => files_in(&path),
        false => vec![path],
    };
    paths.flat_map(below).collect()
}
