//! What unit tests of other modules need of the store.

use chrono::DateTime;

use super::{Config, MessageRow, Store};

/// An empty database in a folder that is gone when it is dropped.
pub async fn open_sqlite() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chat.db");
    let config = Config {
        url: format!("sqlite://{}?mode=rwc", file.display()),
        readers: 1,
        migrate: true,
        schema: None,
    };
    let store = Store::open(&config).await.unwrap();
    (folder, store)
}

/// The first message of conversation `c`: user `1` said nothing.
pub fn row() -> MessageRow {
    MessageRow {
        id: "m".into(),
        conversation_id: "c".into(),
        seq: 1,
        rev: 1,
        sender_id: "1".into(),
        sender_party: None,
        client_id: None,
        kind: "text".into(),
        content: None,
        file_url: None,
        file_name: None,
        file_size: None,
        file_type: None,
        metadata: None,
        reply_to: None,
        read_at: None,
        read_by: None,
        created_at: DateTime::UNIX_EPOCH,
        edited_at: None,
        deleted_at: None,
        room_sender_id: None,
        is_changed: false,
    }
}
