//! Stored files: in a local folder, or in a bucket of an S3-compatible store, under names that the
//! server makes.

use std::fmt;
use std::io::{ErrorKind, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as BlobPath;
use object_store::{
    ClientOptions, GetOptions, GetResultPayload, MultipartUpload, ObjectStore, ObjectStoreExt,
    PutPayload, RetryConfig,
};
use sohbet_entity::ids::UploadId;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::Disk;

/// How much of an upload is in memory before it goes to disk, in bytes.
const FOLDER_PART_BYTES: usize = 256 * 1_024;
/// How much of an upload is in memory before it goes to a bucket, in bytes: the smallest part that
/// S3 takes. At most 10,000 parts make a blob, so the largest one has 48 GiB.
const BUCKET_PART_BYTES: usize = 5 * 1_024 * 1_024;
/// How much of a file is read at a time, in bytes.
const READ_BYTES: usize = 64 * 1_024;
/// How long a bucket may take to answer a connection attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a bucket may be silent in the middle of a request.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a request to a bucket is repeated when it fails through no fault of its own.
const MAX_RETRIES: usize = 3;
/// How long after its start a request to a bucket is repeated at all.
const RETRY_TIMEOUT: Duration = Duration::from_secs(60);
/// What the library below adds to the name of a file that is still being written.
const UNFINISHED_SUFFIX: &str = "#1";

/// The bytes of a blob, as they are read.
pub type BlobStream = Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>;

/// Where files are stored.
#[derive(Debug, Clone)]
pub enum BlobConfig {
    /// A local folder; it is made when the first file is stored.
    Folder(PathBuf),
    /// A bucket of an S3-compatible store.
    Bucket(Bucket),
}

/// As operators know it.
impl fmt::Display for BlobConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(formatter, "the folder {}", folder.display()),
            Self::Bucket(bucket) => {
                let endpoint = bucket.endpoint.as_deref().unwrap_or("Amazon S3");
                write!(formatter, "the bucket {} at {endpoint}", bucket.name)
            }
        }
    }
}

/// A bucket, and how to reach it.
#[derive(Clone)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// What all names in it begin with; empty for none.
    pub prefix: String,
    /// Address of the store; `None` means Amazon's.
    pub endpoint: Option<String>,
    /// Region, such as `eu-central-1`.
    pub region: String,
    /// Key id and secret; `None` asks the machine for its role (Amazon only).
    pub keys: Option<(String, String)>,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Bucket")
            .field("name", &self.name)
            .field("prefix", &self.prefix)
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("has_keys", &self.keys.is_some())
            .finish()
    }
}

/// The blobs of all uploads.
#[derive(Debug, Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    /// The same store when it is a folder.
    folder: Option<LocalFileSystem>,
    /// The disk of that folder.
    pub disk: Option<Disk>,
    prefix: BlobPath,
    part_bytes: usize,
}

impl Blobs {
    /// Prepares the store; nothing is read or written yet.
    pub fn open(config: &BlobConfig) -> anyhow::Result<Self> {
        match config {
            BlobConfig::Folder(folder) => Self::in_folder(folder),
            BlobConfig::Bucket(bucket) => Self::in_bucket(bucket),
        }
    }

    fn in_folder(folder: &Path) -> anyhow::Result<Self> {
        let folder = std::path::absolute(folder)?;
        let prefix = BlobPath::from_absolute_path(&folder)
            .with_context(|| format!("{} cannot hold files", folder.display()))?;
        let store = LocalFileSystem::new().with_fsync(true);
        Ok(Self {
            store: Arc::new(store.clone()),
            folder: Some(store),
            disk: Some(Disk::of(&folder)?),
            prefix,
            part_bytes: FOLDER_PART_BYTES,
        })
    }

    fn in_bucket(bucket: &Bucket) -> anyhow::Result<Self> {
        // The database driver brings the same one along. Who has installed one already wins.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = ClientOptions::new()
            // A slow reader may take long over a large file.
            .with_timeout_disabled()
            .with_read_timeout(SILENCE_TIMEOUT)
            .with_connect_timeout(CONNECT_TIMEOUT);
        let mut builder = AmazonS3Builder::new()
            .with_client_options(client)
            .with_retry(RetryConfig {
                max_retries: MAX_RETRIES,
                retry_timeout: RETRY_TIMEOUT,
                ..RetryConfig::default()
            })
            // Not every compatible store knows how to delete many at once.
            .with_disable_bulk_delete(true)
            .with_bucket_name(&bucket.name)
            .with_region(&bucket.region);
        if let Some(endpoint) = &bucket.endpoint {
            builder = builder
                .with_allow_http(endpoint.starts_with("http://"))
                .with_endpoint(endpoint);
        }
        if let Some((id, secret)) = &bucket.keys {
            builder = builder
                .with_access_key_id(id)
                .with_secret_access_key(secret);
        }
        Ok(Self {
            store: Arc::new(builder.build().context("the bucket cannot be used")?),
            folder: None,
            disk: None,
            prefix: BlobPath::parse(&bucket.prefix).context("the prefix of the bucket is wrong")?,
            part_bytes: BUCKET_PART_BYTES,
        })
    }

    /// Whether the store answers. A folder does, or will be made.
    pub async fn probe(&self) -> anyhow::Result<()> {
        match self.store.head(&self.prefix.clone().join("probe")).await {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Begins to store a blob.
    pub fn write(&self, id: &UploadId) -> BlobWriter {
        BlobWriter {
            store: Arc::clone(&self.store),
            path: self.path(id),
            part_bytes: self.part_bytes,
            waiting: Vec::new(),
            n_waiting: 0,
            parts: None,
        }
    }

    /// The bytes of a blob from `range`, which must lie within it; `None` when there is no blob.
    pub async fn read(
        &self,
        id: &UploadId,
        range: Range<u64>,
    ) -> anyhow::Result<Option<BlobStream>> {
        let options = GetOptions {
            range: Some(range.clone().into()),
            ..GetOptions::default()
        };
        let found = match self.store.get_opts(&self.path(id), options).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(Some(match found.payload {
            GetResultPayload::File(file, _) => read_file(file, range).await?,
            GetResultPayload::Stream(bytes) => Box::pin(bytes.map_err(std::io::Error::other)),
        }))
    }

    /// Removes a blob, also one that was never finished. No error when there is none.
    pub async fn delete(&self, id: &UploadId) -> anyhow::Result<()> {
        let path = self.path(id);
        match self.store.delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let mut unfinished = folder.path_to_filesystem(&path)?;
        unfinished.as_mut_os_string().push(UNFINISHED_SUFFIX);
        match tokio::fs::remove_file(unfinished).await {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Where the blob of an id is. Ids are made by the server, so the path cannot leave the prefix;
    /// whoever passes a client's id on must have found it in the database first.
    fn path(&self, id: &UploadId) -> BlobPath {
        // The end of an id is random, so folders fill evenly.
        let id = id.as_str();
        let folder = id.get(id.len().saturating_sub(2)..).unwrap_or("00");
        self.prefix.clone().join(folder).join(id)
    }
}

async fn read_file(file: std::fs::File, range: Range<u64>) -> std::io::Result<BlobStream> {
    let mut file = tokio::fs::File::from_std(file);
    file.seek(SeekFrom::Start(range.start)).await?;
    let part = file.take(range.end - range.start);
    Ok(Box::pin(ReaderStream::with_capacity(part, READ_BYTES)))
}

/// A blob on its way into the store. Nobody can read it before it is finished.
pub struct BlobWriter {
    store: Arc<dyn ObjectStore>,
    path: BlobPath,
    part_bytes: usize,
    /// What came in since the last part.
    waiting: Vec<Bytes>,
    n_waiting: usize,
    /// Set once more than one part has come in.
    parts: Option<Box<dyn MultipartUpload>>,
}

impl BlobWriter {
    /// Takes the next bytes; waits while the store is behind.
    pub async fn write(&mut self, mut bytes: Bytes) -> anyhow::Result<()> {
        while self.n_waiting + bytes.len() > self.part_bytes {
            // All parts but the last have the same length: some stores insist on it.
            let head = bytes.split_to(self.part_bytes - self.n_waiting);
            self.keep(head);
            self.put_part().await?;
        }
        self.keep(bytes);
        Ok(())
    }

    fn keep(&mut self, bytes: Bytes) {
        self.n_waiting += bytes.len();
        self.waiting.push(bytes);
    }

    async fn put_part(&mut self) -> anyhow::Result<()> {
        let parts = match &mut self.parts {
            Some(parts) => parts,
            empty => empty.insert(self.store.put_multipart(&self.path).await?),
        };
        self.n_waiting = 0;
        let part: PutPayload = std::mem::take(&mut self.waiting).into_iter().collect();
        parts.put_part(part).await?;
        Ok(())
    }

    /// Makes the blob readable; it survives a power loss once this returns.
    pub async fn finish(&mut self) -> anyhow::Result<()> {
        if self.parts.is_some() && self.n_waiting > 0 {
            self.put_part().await?;
        }
        match &mut self.parts {
            Some(parts) => parts.complete().await?,
            None => {
                let whole: PutPayload = std::mem::take(&mut self.waiting).into_iter().collect();
                self.store.put(&self.path, whole).await?
            }
        };
        Ok(())
    }

    /// Takes back what was stored so far.
    pub async fn abort(&mut self) -> anyhow::Result<()> {
        match &mut self.parts {
            Some(parts) => Ok(parts.abort().await?),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(blobs: &Blobs, id: &UploadId, range: Range<u64>) -> Vec<u8> {
        let stream = blobs.read(id, range).await.unwrap().unwrap();
        let chunks: Vec<Bytes> = stream.try_collect().await.unwrap();
        chunks.concat()
    }

    fn files(folder: &Path) -> usize {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        let count = |path: PathBuf| if path.is_dir() { files(&path) } else { 1 };
        entries.map(|entry| count(entry.unwrap().path())).sum()
    }

    #[tokio::test]
    async fn what_was_written_in_pieces_is_read_as_one() {
        let folder = tempfile::tempdir().unwrap();
        // Characters that a path or an address would have to escape.
        let inside = folder.path().join("a b#1%20ü");
        let blobs = Blobs::open(&BlobConfig::Folder(inside.clone())).unwrap();
        for n_bytes in [1, FOLDER_PART_BYTES, FOLDER_PART_BYTES + 1, 700_000] {
            let id = UploadId::from(format!("blob{n_bytes}"));
            let whole: Vec<u8> = (0..n_bytes).map(|n| (n % 251) as u8).collect();
            let mut writer = blobs.write(&id);
            for piece in whole.chunks(100_000) {
                writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
            }
            writer.finish().await.unwrap();
            let end = n_bytes as u64;
            assert_eq!(read(&blobs, &id, 0..end).await, whole);
            assert_eq!(read(&blobs, &id, end - 1..end).await, whole[n_bytes - 1..]);
            blobs.delete(&id).await.unwrap();
            blobs.delete(&id).await.unwrap();
            assert!(blobs.read(&id, 0..1).await.unwrap().is_none());
        }
        assert_eq!(files(&inside), 0);
    }

    #[tokio::test]
    async fn what_was_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(&BlobConfig::Folder(folder.path().into())).unwrap();
        let id = UploadId::from("half");
        let mut writer = blobs.write(&id);
        let piece = Bytes::from(vec![7; FOLDER_PART_BYTES + 1]);
        writer.write(piece.clone()).await.unwrap();
        writer.abort().await.unwrap();
        assert_eq!(files(folder.path()), 0);
        // As a crash leaves it: nobody is there to give it up.
        let mut writer = blobs.write(&id);
        writer.write(piece).await.unwrap();
        std::mem::forget(writer);
        assert_eq!(files(folder.path()), 1);
        blobs.delete(&id).await.unwrap();
        assert_eq!(files(folder.path()), 0);
    }

    #[test]
    fn secrets_are_not_shown() {
        let bucket = Bucket {
            name: "files".into(),
            prefix: String::new(),
            endpoint: None,
            region: "us-east-1".into(),
            keys: Some(("id".into(), "sesame".into())),
        };
        assert!(!format!("{bucket:?}").contains("sesame"));
    }
}
