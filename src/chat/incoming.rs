//! A file on its way in: looked at, measured and stored as it arrives, never as a whole in memory.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use sohbet_entity::ids::UserId;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Chat;
use super::media::{self, HEAD_BYTES, TextCheck};
use super::scrubbing::Scrubber;
use crate::error::Error;
use crate::random::random_hex;
use crate::store::{self, BlobWriter, UploadRow};

/// Parts that may wait for the store; the client feels it when there are more.
const QUEUE_LENGTH: usize = 2;
/// Longest file name that is kept, in characters.
const MAX_NAME_CHARS: usize = 255;
/// Random bytes in the name of a file: a link is what opens it.
const ID_BYTES: usize = 16;

/// The disk of the files is almost full; it may be for a while.
const NO_ROOM_ON_DISK: Error = Error::Unavailable {
    text: "No room for files",
    retry_after_ms: Some(60_000),
};

/// A file that somebody wants to store.
pub struct NewUpload {
    /// Who brings it, if anybody knows.
    pub owner: Option<UserId>,
    /// Its name on the client's disk.
    pub name: Option<String>,
    /// The media type that the client claims.
    pub claimed_type: Option<String>,
}

/// Why a file was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UploadRefusal {
    /// There is none, or it is empty.
    #[error("No file provided")]
    NoFile,
    /// Its type is not on the list, or not what the client says.
    #[error("File type not allowed")]
    NotAllowed,
    /// More bytes than a file of its kind may have.
    #[error("File too large")]
    TooLarge,
    /// With it, the files of its owner have more bytes than they may.
    #[error("No room for more files of yours")]
    NoRoom,
    /// It did not arrive in time.
    #[error("Too slow")]
    TooSlow,
    /// It broke off.
    #[error("Invalid form")]
    BrokenOff,
    /// Our fault.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// A file that is being received. Dropped before its end it leaves nothing behind.
pub struct IncomingUpload {
    parts: mpsc::Sender<Part>,
    outcome: JoinHandle<Result<UploadRow, UploadRefusal>>,
}

enum Part {
    Bytes(Bytes),
    End,
}

impl IncomingUpload {
    /// Takes the next bytes; waits while the store is behind. False once the file is refused:
    /// [`Self::finish`] then says why.
    pub async fn write(&mut self, bytes: Bytes) -> bool {
        self.parts.send(Part::Bytes(bytes)).await.is_ok()
    }

    /// The file is complete. It survives a power loss once this returns.
    pub async fn finish(self) -> Result<UploadRow, UploadRefusal> {
        // Nobody listens when the file was refused before; the outcome says so.
        let _ = self.parts.send(Part::End).await;
        self.outcome.await.unwrap_or(Err(Error::Internal.into()))
    }
}

impl Chat {
    /// Begins to receive a file. Its type is what its bytes say, and must be what the client claims.
    pub fn begin_upload(self: &Arc<Self>, new: NewUpload) -> IncomingUpload {
        let (parts, receiver) = mpsc::channel(QUEUE_LENGTH);
        let chat = Arc::clone(self);
        let max_stored = self.limits.max_file_bytes();
        // A task of its own: a client that hangs up takes the handler of its request with it, and
        // what was stored by then must still be taken back. It ends with the queue.
        let outcome = tokio::spawn(async move { receive(&chat, new, max_stored, receiver).await });
        IncomingUpload { parts, outcome }
    }
}

async fn receive(
    chat: &Chat,
    new: NewUpload,
    max_stored: Option<u64>,
    mut parts: mpsc::Receiver<Part>,
) -> Result<UploadRow, UploadRefusal> {
    let head = Head::read(&mut parts).await?;
    let mut file = Receiving::begin(chat, new, max_stored, &head).await?;
    match file.store(head, &mut parts).await {
        Ok(()) => file.finish().await,
        Err(refusal) => {
            file.take_back().await;
            Err(refusal)
        }
    }
}

/// The first parts of a file: enough to know what it is.
#[derive(Default)]
struct Head {
    parts: Vec<Bytes>,
    n_bytes: usize,
    is_whole_file: bool,
}

impl Head {
    async fn read(parts: &mut mpsc::Receiver<Part>) -> Result<Self, UploadRefusal> {
        let mut head = Self::default();
        while head.n_bytes < HEAD_BYTES && !head.is_whole_file {
            match parts.recv().await.ok_or(UploadRefusal::BrokenOff)? {
                Part::Bytes(bytes) => {
                    head.n_bytes += bytes.len();
                    head.parts.push(bytes);
                }
                Part::End => head.is_whole_file = true,
            }
        }
        match head.n_bytes {
            0 => Err(UploadRefusal::NoFile),
            _ => Ok(head),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let bytes = self.parts.iter().flatten().copied();
        bytes.take(HEAD_BYTES).collect()
    }
}

/// A file whose type is known.
struct Receiving<'a> {
    chat: &'a Chat,
    row: UploadRow,
    max_bytes: u64,
    /// What its owner has room for; what else comes in meanwhile is not counted.
    n_free: u64,
    n_received: u64,
    /// Set unless the file is stored as it came.
    scrubber: Option<Scrubber>,
    blob: BlobWriter,
    hash: Sha256,
    /// Set while the file has to be text all through.
    text: Option<TextCheck>,
}

impl<'a> Receiving<'a> {
    async fn begin(
        chat: &'a Chat,
        new: NewUpload,
        max_stored: Option<u64>,
        head: &Head,
    ) -> Result<Self, UploadRefusal> {
        if chat.disks.are_low_for_files() {
            return Err(NO_ROOM_ON_DISK.into());
        }
        let rules = &chat.config.uploads;
        let media_type = media::decide(&head.bytes(), new.claimed_type.as_deref(), rules);
        let media_type = media_type.ok_or(UploadRefusal::NotAllowed)?;
        let max_bytes = rules.max_bytes(&media_type);
        let scrubber = match rules.keeps_metadata {
            true => None,
            false => Scrubber::of(&media_type),
        };
        let text = media::needs_text(&media_type).then(TextCheck::default);
        let row = new_row(new, media_type)?;
        let n_free = match max_stored.zip(row.owner_id.as_ref()) {
            Some((max_stored, owner)) => {
                let stored = chat.store.stored_bytes(owner).await;
                max_stored.saturating_sub(stored.map_err(Error::from)?)
            }
            None => u64::MAX,
        };
        if n_free < head.n_bytes as u64 {
            return Err(UploadRefusal::NoRoom);
        }
        // The row first: a blob that nobody knows of would never be removed.
        chat.store.begin_upload(&row).await.map_err(Error::from)?;
        Ok(Self {
            chat,
            max_bytes,
            n_free,
            n_received: 0,
            scrubber,
            blob: chat.blobs.write(&row.id),
            hash: Sha256::new(),
            text,
            row,
        })
    }

    async fn store(
        &mut self,
        head: Head,
        parts: &mut mpsc::Receiver<Part>,
    ) -> Result<(), UploadRefusal> {
        for bytes in head.parts {
            self.take(bytes).await?;
        }
        let mut is_ended = head.is_whole_file;
        while !is_ended {
            match parts.recv().await.ok_or(UploadRefusal::BrokenOff)? {
                Part::Bytes(bytes) => self.take(bytes).await?,
                Part::End => is_ended = true,
            }
        }
        if self.text.as_ref().is_some_and(|text| !text.is_whole()) {
            return Err(UploadRefusal::NotAllowed);
        }
        if let Some(scrubber) = self.scrubber.take() {
            self.keep(scrubber.finish().into()).await?;
        }
        self.blob.finish().await.map_err(not_stored)
    }

    async fn take(&mut self, bytes: Bytes) -> Result<(), UploadRefusal> {
        self.n_received += bytes.len() as u64;
        if self.n_received > self.max_bytes {
            return Err(UploadRefusal::TooLarge);
        }
        if self.n_received > self.n_free {
            return Err(UploadRefusal::NoRoom);
        }
        if self.text.as_mut().is_some_and(|text| !text.accept(&bytes)) {
            return Err(UploadRefusal::NotAllowed);
        }
        let kept = match &mut self.scrubber {
            Some(scrubber) => scrubber.scrub(&bytes).into(),
            None => bytes,
        };
        self.keep(kept).await
    }

    async fn keep(&mut self, bytes: Bytes) -> Result<(), UploadRefusal> {
        self.row.size_bytes += i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        self.hash.update(&bytes);
        self.blob.write(bytes).await.map_err(not_stored)
    }

    /// Makes the stored file known.
    async fn finish(mut self) -> Result<UploadRow, UploadRefusal> {
        let digest = self.hash.finalize();
        self.row.sha256 = hex::encode(digest);
        self.row.stored_at = Some(store::now());
        // Without an answer of the database nobody knows whether the file is known; if nothing
        // shows it, it is removed as an orphan.
        let finished = self.chat.store.finish_upload(&self.row).await;
        match finished.map_err(Error::from)? {
            true => Ok(self.row),
            false => Err(Error::busy().into()),
        }
    }

    async fn take_back(mut self) {
        let id = &self.row.id;
        let taken_back = async {
            self.blob.abort().await?;
            self.chat.remove_upload(id).await
        };
        if let Err(error) = taken_back.await {
            let cause = error.root_cause();
            tracing::warn!(error = %cause, "half a file is left to be removed as an orphan");
        }
    }
}

fn not_stored(error: anyhow::Error) -> UploadRefusal {
    tracing::error!(error = %error.root_cause(), "a file could not be stored");
    Error::busy().into()
}

fn new_row(new: NewUpload, media_type: String) -> Result<UploadRow, Error> {
    let name = new.name.as_deref().map(clean_name);
    Ok(UploadRow {
        id: random_hex::<ID_BYTES>()?.into(),
        owner_id: new.owner,
        name: name
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "file".into()),
        media_type,
        size_bytes: 0,
        sha256: String::new(),
        width: None,
        height: None,
        duration_ms: None,
        created_at: store::now(),
        stored_at: None,
        used_at: None,
    })
}

/// The last part of a path, of bounded length and without characters that are not drawn or that
/// turn the reading direction around, so that `gpj.exe` would look like `exe.jpg`.
fn clean_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_kept = |c: &char| {
        let turns = matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        !c.is_control() && !turns
    };
    name.chars().filter(is_kept).take(MAX_NAME_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::upload_id_in;

    #[test]
    fn names_lose_their_folders_and_what_is_not_drawn() {
        assert_eq!(clean_name("../../etc/passwd"), "passwd");
        assert_eq!(clean_name("C:\\photos\\a\nb.png"), "ab.png");
        assert_eq!(clean_name("photo_\u{202e}gpj.exe"), "photo_gpj.exe");
    }

    #[test]
    fn ids_are_random_and_found_again_in_links() {
        let [a, b] = [0, 1].map(|_| random_hex::<ID_BYTES>().unwrap());
        assert_ne!(a, b);
        assert_eq!(upload_id_in(&format!("/uploads/{a}.png")), Some(a.as_str()));
    }
}
