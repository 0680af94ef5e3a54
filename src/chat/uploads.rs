//! Files that people sent: who may see them, and when they go.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use sohbet_entity::ids::UploadId;
use tokio_util::sync::CancellationToken;

use super::links::{FileHost, Proof};
use super::media::{self, Kind};
use super::{Caller, Chat, Dialect, People};
use crate::auth::{Identity, Permission, Trust};
use crate::error::{Error, Result};
use crate::store::{self, BlobStream, Blobs, MessageRow, UploadRow};
use crate::worker::Ticks;

/// Longest time between two looks for files that nobody uses.
const SWEEP_INTERVAL: Duration = Duration::from_secs(3_600);
/// Files that are removed at a time.
const SWEEP_BATCH: u32 = 100;

/// What may be uploaded, and who may see it.
#[derive(Debug, Clone)]
pub struct UploadRules {
    /// Media types that are taken: `image/png`, `audio/*` or `*/*`, in lower case.
    pub types: Vec<String>,
    /// Largest picture, in bytes.
    pub max_image_bytes: u64,
    /// Largest video, in bytes.
    pub max_video_bytes: u64,
    /// Largest sound, in bytes.
    pub max_audio_bytes: u64,
    /// Largest file of any other kind, in bytes.
    pub max_file_bytes: u64,
    /// With fewer bytes left on their disk, no more files are taken.
    pub min_free_bytes: u64,
    /// Whether pictures and videos keep what cameras wrote into them.
    pub keeps_metadata: bool,
    /// Whether a link needs a signature that soon expires; without, who knows it may follow it.
    pub is_signed: bool,
    /// How long a signed link holds at least; at most twice as long.
    pub link_seconds: u32,
    /// How long a file may wait for a message that shows it.
    pub orphan_seconds: u32,
    /// What links to our files begin with; `None` when only clients know.
    pub public_url: Option<String>,
    /// Without it, hosts that links to our files may name.
    pub own_hosts: Vec<String>,
    /// Hosts whose files messages may show besides our own.
    pub file_hosts: Vec<FileHost>,
}

impl UploadRules {
    /// Whether files of that type are taken.
    pub(super) fn allow(&self, media_type: &str) -> bool {
        let family = media_type.split('/').next().unwrap_or_default();
        self.types.iter().any(|allowed| {
            let of_family = allowed.strip_suffix("/*");
            allowed == media_type || of_family.is_some_and(|of| of == "*" || of == family)
        })
    }

    /// Largest file of that type, in bytes.
    pub(super) fn max_bytes(&self, media_type: &str) -> u64 {
        match Kind::of(media_type) {
            Kind::Image => self.max_image_bytes,
            Kind::Video => self.max_video_bytes,
            Kind::Audio => self.max_audio_bytes,
            Kind::File => self.max_file_bytes,
        }
    }

    fn max_bytes_of_any(&self) -> u64 {
        let limits = [
            self.max_image_bytes,
            self.max_video_bytes,
            self.max_audio_bytes,
            self.max_file_bytes,
        ];
        limits.into_iter().max().unwrap_or_default()
    }
}

/// Where files are, and what opens them.
pub struct Files {
    /// The files.
    pub blobs: Blobs,
    /// The secret that signs links to them.
    pub link_key: String,
}

impl Chat {
    /// Largest file of any type, in bytes.
    pub fn max_upload_bytes(&self) -> u64 {
        self.config.uploads.max_bytes_of_any()
    }

    /// A stored file.
    pub async fn find_upload(&self, id: &UploadId) -> Result<UploadRow> {
        let found = self.store.find_upload(id).await?;
        found.ok_or(Error::NotFound("Not Found"))
    }

    /// The bytes of a stored file from `range`, which must lie within it.
    pub async fn read_upload(&self, row: &UploadRow, range: Range<u64>) -> Result<BlobStream> {
        match self.blobs.read(&row.id, range).await {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(Error::NotFound("Not Found")),
            Err(error) => {
                let cause = error.root_cause();
                tracing::error!(error = %cause, "a stored file could not be read");
                Err(Error::busy())
            }
        }
    }

    /// Where a file is to be had, without the host: `/uploads/…`, signed if links are.
    pub fn upload_path(&self, row: &UploadRow) -> String {
        let extension = media::extension(&row.media_type);
        let path = format!("/uploads/{}.{extension}", row.id);
        let signed = self.links.signed(&path, Utc::now());
        signed.unwrap_or(path)
    }

    /// Whether links to files are signed, so that a bare one shows a file only to those who may
    /// see it.
    pub fn signs_links(&self) -> bool {
        self.links.are_signed()
    }

    /// For how many more seconds the signature in a link's query holds; `None` without a good one.
    pub fn verify_link(&self, id: &UploadId, query: &str) -> Option<u64> {
        let proof = Proof::find(query)?;
        let left = self.links.verify(id.as_str(), &proof, Utc::now())?;
        u64::try_from(left).ok()
    }

    /// Lets somebody see a file who asks for it by a bare link. A request for a file is of no
    /// dialect, so whoever the identity is in any of them may see it.
    pub async fn check_upload_access(&self, identity: &Identity, row: &UploadRow) -> Result<()> {
        let with_role = identity.with_role();
        let is_other = with_role.user.is_some() && with_role.user != identity.user;
        let asked = [(identity, People::Ids), (&with_role, People::Roles)];
        for (identity, people) in asked.into_iter().take(1 + usize::from(is_other)) {
            let Some(dialect) = Dialect::of_people(people) else {
                continue;
            };
            let is_visitor = identity.user.is_none() && identity.trust == Trust::Claimed;
            let caller = match is_visitor {
                true => Caller::visitor(identity, dialect),
                false => self.caller(identity, dialect, None, None).await?,
            };
            if self.may_see_upload(&caller, row).await? {
                return Ok(());
            }
        }
        Err(Error::NotFound("Not Found"))
    }

    /// Whether a caller may see a file: who brought it, and who may see a conversation that shows
    /// it. For everybody else it does not exist.
    async fn may_see_upload(&self, caller: &Caller, row: &UploadRow) -> Result<bool> {
        caller.check(Permission::Read)?;
        if row.owner_id.as_ref() == Some(&caller.user) {
            return Ok(true);
        }
        for conversation in self.store.conversations_showing(&row.id).await? {
            match self.approach(caller, &conversation).await {
                Ok(_) => return Ok(true),
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// The link to a file as a message keeps it. Refuses links that a message must not show: those
    /// to places of the sender's choice and, when links are signed, those to files that the sender
    /// may not see.
    pub(super) async fn check_link(&self, caller: &Caller, link: String) -> Result<String> {
        let links = &self.links;
        if !links.may_show(&link, self.auth.is_development()) {
            tracing::debug!("a message with a file on a host that is not in FILE_URL_HOSTS");
            return Err(Error::FILE_URL);
        }
        if let Some(id) = links.own_id(&link)
            && links.are_signed()
            && !links.is_signed(&link, Utc::now())
        {
            let found = self.store.find_upload(&id.into()).await?;
            let row = found.ok_or(Error::FILE_URL)?;
            if !self.may_see_upload(caller, &row).await? {
                return Err(Error::FILE_URL);
            }
        }
        Ok(links.without_signature(link))
    }

    /// A message as its readers get it: with a link to the file that they can follow. Nothing
    /// changes unless links are signed.
    pub fn shown(&self, row: Arc<MessageRow>) -> Arc<MessageRow> {
        let link = row.file_url.as_deref();
        match link.and_then(|link| self.links.signed(link, Utc::now())) {
            None => row,
            Some(signed) => Arc::new(MessageRow {
                file_url: Some(signed),
                ..MessageRow::clone(&row)
            }),
        }
    }

    /// Removes files that no message shows, again and again until told to stop.
    pub async fn sweep_uploads(&self, stop: CancellationToken) {
        let lifetime = Duration::from_secs(self.config.uploads.orphan_seconds.into());
        let mut ticks = Ticks::new(lifetime.min(SWEEP_INTERVAL), &stop);
        while ticks.next().await {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.remove_orphans() => {}
            }
        }
    }

    async fn remove_orphans(&self) {
        let lifetime = TimeDelta::seconds(self.config.uploads.orphan_seconds.into());
        loop {
            let orphans = self
                .store
                .hide_orphans(store::now() - lifetime, SWEEP_BATCH);
            let orphans = match orphans.await {
                Ok(orphans) => orphans,
                Err(fault) => {
                    tracing::warn!(%fault, "unused files could not be looked for");
                    return;
                }
            };
            let mut n_removed = 0;
            for id in &orphans {
                match self.remove_upload(id).await {
                    Ok(()) => n_removed += 1,
                    Err(error) => {
                        // It stays hidden, and the next round finds it again.
                        let cause = error.root_cause();
                        tracing::warn!(error = %cause, "an unused file could not be removed");
                    }
                }
            }
            if n_removed > 0 {
                tracing::info!(n_removed, "removed files that no message shows");
            }
            if n_removed < SWEEP_BATCH as usize {
                return;
            }
        }
    }

    /// The blob first: a blob whose row is gone would never be found again.
    pub(super) async fn remove_upload(&self, id: &UploadId) -> anyhow::Result<()> {
        self.blobs.delete(id).await?;
        Ok(self.store.forget_upload(id).await?)
    }
}

#[cfg(test)]
impl UploadRules {
    /// The default rules, for tests.
    pub(super) fn example() -> Self {
        let types = "image/jpeg,image/png,image/gif,image/webp,video/mp4,audio/*,application/pdf,text/plain";
        Self {
            types: types.split(',').map(str::to_owned).collect(),
            max_image_bytes: 1,
            max_video_bytes: 2,
            max_audio_bytes: 3,
            max_file_bytes: 4,
            min_free_bytes: 0,
            keeps_metadata: false,
            is_signed: false,
            link_seconds: 3_600,
            orphan_seconds: 86_400,
            public_url: None,
            own_hosts: Vec::new(),
            file_hosts: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::UploadRules;

    #[test]
    fn each_kind_has_a_limit_of_its_own() {
        let rules = UploadRules::example();
        let types = ["image/png", "video/mp4", "audio/ogg", "application/pdf"];
        assert_eq!(
            types.map(|media_type| rules.max_bytes(media_type)),
            [1, 2, 3, 4]
        );
        assert_eq!(rules.max_bytes_of_any(), 4);
    }

    #[test]
    fn the_list_of_types_knows_whole_families() {
        let allows = |types: &str, media_type: &str| {
            let types = types.split(',').map(str::to_owned).collect();
            let rules = UploadRules {
                types,
                ..UploadRules::example()
            };
            rules.allow(media_type)
        };
        assert!(allows("image/png,audio/*", "audio/ogg"));
        assert!(allows("*/*", "application/zip"));
        assert!(!allows("image/png,audio/*", "image/gif"));
        assert!(!allows("image/*", "imagery/png"));
    }
}
