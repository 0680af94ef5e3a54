//! Settings about files: where they are kept, what they may be, and who may see them.

use std::path::Path;

use url::Url;

use super::reader::{Reader, count, list, number, switch};
use super::table::{self, Setting};
use crate::{chat, http, store};

/// Largest limit of a file, in bytes: what fits into the parts of a bucket.
const MAX_BYTES: u64 = 32 << 30;
/// More than a disk has.
const MAX_FREE_BYTES: u64 = 1 << 50;
/// Longest time of a link, and of a file that waits for its message: ten years.
const MAX_SECONDS: u32 = 315_360_000;

/// Where files are kept.
pub(super) fn read_blobs(reader: &mut Reader<'_>, data_dir: &Path) -> store::BlobConfig {
    let endpoint = reader.optional(&table::S3_ENDPOINT, endpoint);
    let region = reader.value(&table::S3_REGION, |text| Ok(text.trim().to_owned()));
    let text = |text: &str| Ok(text.trim().to_owned());
    let id = reader.optional(&table::S3_ACCESS_KEY_ID, text);
    let secret = reader.optional(&table::S3_SECRET_ACCESS_KEY, text);
    let Some((name, prefix)) = reader.optional(&table::UPLOADS_URL, bucket) else {
        return store::BlobConfig::Folder(data_dir.join("uploads"));
    };
    let both = "the key id and its secret go together; set both or none";
    match (&id, &secret) {
        (Some(_), None) => reader.refuse(&table::S3_ACCESS_KEY_ID, both),
        (None, Some(_)) => reader.refuse(&table::S3_SECRET_ACCESS_KEY, both),
        (None, None) if endpoint.is_some() => reader.refuse(
            &table::S3_ENDPOINT,
            "this store wants a key; set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY",
        ),
        _ => {}
    }
    store::BlobConfig::Bucket(store::Bucket {
        name,
        prefix,
        endpoint,
        region,
        keys: id.zip(secret),
    })
}

/// What may be uploaded, and who may see it.
pub(super) fn read_rules(reader: &mut Reader<'_>, http: &http::Config) -> chat::UploadRules {
    let max_bytes = reader.value(&table::MAX_UPLOAD_BYTES, number(1, MAX_BYTES));
    let mut max_bytes_of = |setting: &'static Setting| {
        let limit = reader.optional(setting, number(1, MAX_BYTES));
        let limit = limit.unwrap_or(max_bytes);
        reader.show(setting, &limit.to_string());
        limit
    };
    chat::UploadRules {
        max_image_bytes: max_bytes_of(&table::MAX_UPLOAD_IMAGE_BYTES),
        max_video_bytes: max_bytes_of(&table::MAX_UPLOAD_VIDEO_BYTES),
        max_audio_bytes: max_bytes_of(&table::MAX_UPLOAD_AUDIO_BYTES),
        max_file_bytes: max_bytes_of(&table::MAX_UPLOAD_FILE_BYTES),
        types: reader.value(&table::UPLOAD_TYPES, |text| {
            list(text).map(media_type).collect()
        }),
        min_free_bytes: reader.value(&table::MIN_FREE_DISK_BYTES, number(0, MAX_FREE_BYTES)),
        keeps_metadata: reader.value(&table::UPLOAD_KEEP_METADATA, switch),
        is_signed: reader.value(&table::UPLOADS_ACCESS, |text| match text.trim() {
            "public" => Ok(false),
            "signed" => Ok(true),
            _ => Err("write public or signed".to_owned()),
        }),
        link_seconds: reader.value(&table::UPLOAD_LINK_SECONDS, count(1, MAX_SECONDS)),
        orphan_seconds: reader.value(&table::UPLOAD_ORPHAN_SECONDS, count(1, MAX_SECONDS)),
        public_url: http.public_url.clone(),
        own_hosts: http
            .origins
            .iter()
            .filter_map(|origin| host_of(origin))
            .collect(),
        file_hosts: reader.value(&table::FILE_URL_HOSTS, |text| {
            list(text).map(file_host).collect()
        }),
    }
}

/// Name and prefix of a bucket.
fn bucket(text: &str) -> Result<(String, String), String> {
    let remedy = || "write s3://bucket or s3://bucket/prefix".to_owned();
    let path = text.trim().strip_prefix("s3://").ok_or_else(remedy)?;
    let (name, prefix) = path.split_once('/').unwrap_or((path, ""));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let is_plain_prefix = |c: char| is_plain(c) || c == '/';
    let prefix = prefix.trim_matches('/');
    let is_right = !name.is_empty()
        && name.chars().all(is_plain)
        && prefix.chars().all(is_plain_prefix)
        && !prefix.split('/').any(|part| matches!(part, "." | ".."));
    is_right
        .then(|| (name.to_owned(), prefix.to_owned()))
        .ok_or_else(remedy)
}

fn endpoint(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches('/');
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(text.to_owned()),
        _ => Err("write an address such as https://minio.example.com:9000".to_owned()),
    }
}

/// A media type, or all of a family.
fn media_type(text: &str) -> Result<String, String> {
    let text = text.to_ascii_lowercase();
    let is_plain = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-.+_".contains(c))
    };
    let is_right = match text.split_once('/') {
        Some(("*", "*")) => true,
        Some((family, "*")) => is_plain(family),
        Some((family, subtype)) => is_plain(family) && is_plain(subtype),
        None => false,
    };
    is_right
        .then_some(text)
        .ok_or_else(|| "write media types such as image/png, audio/* or */*".to_owned())
}

/// A host, with or without a port.
fn file_host(text: &str) -> Result<chat::FileHost, String> {
    if text == "*" {
        let name = text.to_owned();
        return Ok(chat::FileHost { name, port: None });
    }
    let remedy = || "write hosts such as minio.example.com or minio.example.com:9000".to_owned();
    // With a scheme that has no port of its own, a port is there only if somebody wrote one.
    let url = Url::parse(&format!("ws-host://{text}")).map_err(|_| remedy())?;
    let is_bare = matches!(url.path(), "" | "/") && url.username().is_empty();
    let name = Url::parse(&format!("http://{text}")).ok();
    let name = name.as_ref().and_then(Url::host_str).filter(|_| is_bare);
    let name = name.ok_or_else(remedy)?.to_owned();
    let port = url.port();
    Ok(chat::FileHost { name, port })
}

/// The host of an origin.
fn host_of(origin: &str) -> Option<String> {
    Some(Url::parse(origin).ok()?.host_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_have_a_name_and_perhaps_a_prefix() {
        let parts = |text| bucket(text).map(|(name, prefix)| format!("{name} {prefix}"));
        assert_eq!(parts("s3://files"), Ok("files ".into()));
        assert_eq!(parts("s3://files/chat/prod/"), Ok("files chat/prod".into()));
        for wrong in [
            "files",
            "s3://",
            "s3:///chat",
            "https://files",
            "s3://a b",
            "s3://a/../b",
        ] {
            assert!(parts(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hosts_may_have_a_port() {
        let host = |text| file_host(text).map(|host| (host.name, host.port));
        assert_eq!(
            host("MinIO.Example.com"),
            Ok(("minio.example.com".into(), None))
        );
        assert_eq!(host("minio:80"), Ok(("minio".into(), Some(80))));
        assert_eq!(host("[::1]:9000"), Ok(("[::1]".into(), Some(9000))));
        assert_eq!(host("*"), Ok(("*".into(), None)));
        for wrong in ["https://minio", "minio/files", "me@minio", "mi nio", ""] {
            assert!(host(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn media_types_may_be_whole_families() {
        for right in ["image/png", "Audio/*", "*/*", "application/vnd.ms-excel"] {
            assert_eq!(media_type(right), Ok(right.to_ascii_lowercase()));
        }
        for wrong in ["png", "*/png", "image/", "image/p ng", "a/b/c"] {
            assert!(media_type(wrong).is_err(), "{wrong}");
        }
    }
}
