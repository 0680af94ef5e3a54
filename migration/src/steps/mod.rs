//! One file per step. The file name is the version in `seaql_migrations`: never rename one.

pub mod m20261121_000001_users;
pub mod m20261121_000002_conversations;
pub mod m20261121_000003_rooms;
pub mod m20261121_000004_participants;
pub mod m20261121_000005_messages;
pub mod m20261121_000006_reactions;
pub mod m20261121_000007_uploads;
pub mod m20261121_000008_api_tokens;
pub mod m20261121_000009_directory;
pub mod m20261121_000010_server_meta;
pub mod m20261121_000011_upload_use;
pub mod m20261121_000012_open_rooms;
pub mod m20261121_000013_listings;
pub mod m20261121_000014_changed_in;
pub mod m20261122_000015_file_counts;
pub mod m20261122_000016_room_senders;
pub mod m20261123_000017_changed_messages;
pub mod m20261123_000018_no_statistics;
