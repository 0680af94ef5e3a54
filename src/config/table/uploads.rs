//! Settings about files that people send.

use super::{Flag, Setting, switch, value};

/// Where files are kept, what they may be, and who may see them.
pub static UPLOADS: [&Setting; 16] = [
    &UPLOADS_URL,
    &S3_ENDPOINT,
    &S3_REGION,
    &S3_ACCESS_KEY_ID,
    &S3_SECRET_ACCESS_KEY,
    &UPLOAD_TYPES,
    &MAX_UPLOAD_IMAGE_BYTES,
    &MAX_UPLOAD_VIDEO_BYTES,
    &MAX_UPLOAD_AUDIO_BYTES,
    &MAX_UPLOAD_FILE_BYTES,
    &MIN_FREE_DISK_BYTES,
    &UPLOAD_KEEP_METADATA,
    &UPLOADS_ACCESS,
    &UPLOAD_LINK_SECONDS,
    &UPLOAD_ORPHAN_SECONDS,
    &FILE_URL_HOSTS,
];

/// Without it a folder.
pub static UPLOADS_URL: Setting = value(
    "uploads-url",
    "URL",
    &["UPLOADS_URL"],
    "",
    "Where files are stored: s3://bucket or s3://bucket/prefix. By default the folder uploads in the data folder",
);
/// Amazon's are known.
pub static S3_ENDPOINT: Setting = value(
    "s3-endpoint",
    "URL",
    &["S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"],
    "",
    "Address of an S3-compatible store other than Amazon's",
);
/// Compatible stores mostly take any.
pub static S3_REGION: Setting = value(
    "s3-region",
    "NAME",
    &["S3_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"],
    "us-east-1",
    "Region of the bucket",
);
/// Comes with the secret.
pub static S3_ACCESS_KEY_ID: Setting = key(
    "s3-access-key-id",
    &["S3_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"],
    "Key id for the bucket; without it the role of the machine counts (Amazon only)",
);
/// Comes with the key id.
pub static S3_SECRET_ACCESS_KEY: Setting = key(
    "s3-secret-access-key",
    &["S3_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"],
    "Secret of that key",
);
/// Whatever is listed, the bytes must agree.
pub static UPLOAD_TYPES: Setting = value(
    "upload-types",
    "TYPES",
    &["UPLOAD_TYPES"],
    "image/jpeg,image/png,image/gif,image/webp,video/mp4,video/webm,video/quicktime,audio/*,application/pdf,text/plain",
    "Media types that are taken, with commas; audio/* for a family, */* for everything",
);
/// See `limit`.
pub static MAX_UPLOAD_IMAGE_BYTES: Setting = limit(
    "max-upload-image-bytes",
    &["MAX_UPLOAD_IMAGE_BYTES"],
    "Largest picture; by default as MAX_UPLOAD_BYTES",
);
/// See `limit`.
pub static MAX_UPLOAD_VIDEO_BYTES: Setting = limit(
    "max-upload-video-bytes",
    &["MAX_UPLOAD_VIDEO_BYTES"],
    "Largest video; by default as MAX_UPLOAD_BYTES",
);
/// See `limit`.
pub static MAX_UPLOAD_AUDIO_BYTES: Setting = limit(
    "max-upload-audio-bytes",
    &["MAX_UPLOAD_AUDIO_BYTES"],
    "Largest sound; by default as MAX_UPLOAD_BYTES",
);
/// See `limit`.
pub static MAX_UPLOAD_FILE_BYTES: Setting = limit(
    "max-upload-file-bytes",
    &["MAX_UPLOAD_FILE_BYTES"],
    "Largest file of another kind, such as PDF; by default as MAX_UPLOAD_BYTES",
);
/// Messages need the rest more.
pub static MIN_FREE_DISK_BYTES: Setting = value(
    "min-free-disk-bytes",
    "BYTES",
    &["MIN_FREE_DISK_BYTES"],
    "268435456",
    "With fewer bytes free on its disk the server warns, and takes no more files; 0 for never",
);
/// Most people do not know what is in their photos.
pub static UPLOAD_KEEP_METADATA: Setting = switch(
    "upload-keep-metadata",
    &["UPLOAD_KEEP_METADATA"],
    "Keep what cameras write into pictures and videos, such as where they were taken",
);
/// Unmodified front ends put links straight into pages, where only a signature can go along.
pub static UPLOADS_ACCESS: Setting = value(
    "uploads-access",
    "public|signed",
    &["UPLOADS_ACCESS"],
    "public",
    "Who sees a file: public, whoever knows its link; signed, who has a link that still holds, or takes part in a conversation that shows it",
);
/// At least so long, at most twice.
pub static UPLOAD_LINK_SECONDS: Setting = value(
    "upload-link-seconds",
    "SECONDS",
    &["UPLOAD_LINK_SECONDS"],
    "3600",
    "How long a signed link holds at least",
);
/// An upload comes before the message that shows it.
pub static UPLOAD_ORPHAN_SECONDS: Setting = value(
    "upload-orphan-seconds",
    "SECONDS",
    &["UPLOAD_ORPHAN_SECONDS"],
    "86400",
    "How long a file may wait for a message that shows it before it is removed",
);
/// In development every web address is taken.
pub static FILE_URL_HOSTS: Setting = value(
    "file-url-hosts",
    "HOSTS",
    &["FILE_URL_HOSTS"],
    "",
    "Hosts whose files messages may show besides those stored here, with commas: minio.example.com or minio.example.com:9000; * for all",
);

/// A size limit of one kind of file.
const fn limit(name: &'static str, names: &'static [&'static str], doc: &'static str) -> Setting {
    value(name, "BYTES", names, "", doc)
}

/// Half of a credential; it does not belong on a command line.
const fn key(name: &'static str, names: &'static [&'static str], doc: &'static str) -> Setting {
    Setting {
        flag: Flag::None,
        is_secret: true,
        ..value(name, "", names, "", doc)
    }
}
