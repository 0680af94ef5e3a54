//! The steps, and the entities that follow from them, on SQLite and PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is a failed test"
)]

mod support;

use sea_orm::prelude::DateTimeUtc;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseConnection, EntityTrait, QueryOrder, Set,
    TransactionTrait,
};
use serde_json::json;
use sohbet_entity::enums::{ConversationKind, UserRole};
use sohbet_entity::ids::{ConversationId, MessageId, PartyId, UserId};
use sohbet_entity::{conversation, message, prelude, upload_use, user};
use sohbet_migration::{Migrator, MigratorTrait, generator, migrate, pending};
use support::{postgres, sqlite, table_names, with_postgres};

#[tokio::test]
async fn committed_entities_are_those_of_the_steps() {
    let committed = generator::read(&generator::directory()).unwrap();
    let generated = generator::from_steps().await.unwrap();
    let diff = generator::diff(&committed, &generated);
    assert!(diff.is_empty(), "run `make entities`:\n{diff}");
}

#[tokio::test]
async fn postgres_gives_the_same_entities_as_sqlite() {
    with_postgres("same_entities", async |url| {
        let db = postgres(&url).await;
        migrate(&db, None).await.unwrap();
        let on_postgres = generator::from_database(&db).await.unwrap();
        let on_sqlite = generator::from_steps().await.unwrap();
        let diff = generator::diff(&on_sqlite, &on_postgres);
        assert!(diff.is_empty(), "{diff}");
        assert_eq!(on_sqlite, on_postgres);
    })
    .await;
}

#[tokio::test]
async fn steps_go_up_down_and_up_again_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    up_down_up(&sqlite(directory.path(), "chat.db").await).await;
}

#[tokio::test]
async fn steps_go_up_down_and_up_again_on_postgres() {
    with_postgres("up_down_up", async |url| {
        up_down_up(&postgres(&url).await).await;
    })
    .await;
}

#[tokio::test]
async fn rows_come_back_as_they_were_written_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    round_trip(&sqlite(directory.path(), "chat.db").await).await;
}

#[tokio::test]
async fn rows_come_back_as_they_were_written_on_postgres() {
    with_postgres("round_trip", async |url| {
        round_trip(&postgres(&url).await).await;
    })
    .await;
}

#[tokio::test]
async fn files_from_before_their_use_was_written_down_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    keep_old_files(&sqlite(directory.path(), "chat.db").await).await;
    with_postgres("old_files", async |url| {
        keep_old_files(&postgres(&url).await).await;
    })
    .await;
}

#[tokio::test]
async fn messages_that_were_changed_before_it_was_noted_are_found() {
    let directory = tempfile::tempdir().unwrap();
    mark_changed_messages(&sqlite(directory.path(), "chat.db").await).await;
    with_postgres("changed", async |url| {
        mark_changed_messages(&postgres(&url).await).await;
    })
    .await;
}

#[tokio::test]
async fn messages_from_before_they_were_counted_show_their_files() {
    let directory = tempfile::tempdir().unwrap();
    count_old_messages(&sqlite(directory.path(), "chat.db").await).await;
    with_postgres("old_messages", async |url| {
        count_old_messages(&postgres(&url).await).await;
    })
    .await;
}

#[tokio::test]
async fn asking_for_pending_steps_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let db = sqlite(directory.path(), "chat.db").await;
    assert_eq!(
        pending(&db).await.unwrap().len(),
        Migrator::migrations().len()
    );
    assert!(table_names(&db).await.is_empty());
}

#[tokio::test]
async fn asking_for_pending_steps_changes_nothing_on_postgres() {
    with_postgres("pending", async |url| {
        let db = postgres(&url).await;
        assert_eq!(
            pending(&db).await.unwrap().len(),
            Migrator::migrations().len()
        );
        assert!(table_names(&db).await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_may_start_at_once_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let mut nodes = Vec::new();
    for _ in 0..4 {
        nodes.push(sqlite(directory.path(), "chat.db").await);
    }
    start_at_once(nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_may_start_at_once_on_postgres() {
    with_postgres("start_at_once", async |url| {
        let mut nodes = Vec::new();
        for _ in 0..4 {
            nodes.push(postgres(&url).await);
        }
        start_at_once(nodes).await;
    })
    .await;
}

#[tokio::test]
async fn the_lock_may_be_held_on_a_connection_of_its_own() {
    with_postgres("own_lock", async |url| {
        let (db, lock) = (postgres(&url).await, postgres(&url).await);
        migrate(&db, Some(&lock)).await.unwrap();
        assert!(pending(&db).await.unwrap().is_empty());
    })
    .await;
}

async fn up_down_up(db: &DatabaseConnection) {
    migrate(db, None).await.unwrap();
    assert!(pending(db).await.unwrap().is_empty());
    migrate(db, None).await.unwrap();
    read_every_entity(db).await;

    Migrator::down(db, None).await.unwrap();
    assert_eq!(table_names(db).await, ["seaql_migrations"]);

    migrate(db, None).await.unwrap();
    read_every_entity(db).await;
}

async fn keep_old_files(db: &DatabaseConnection) {
    Migrator::up(db, Some(10)).await.unwrap();
    let sql = "INSERT INTO upload (id, name, media_type, size_bytes, sha256, created_at) \
               VALUES ('f', 'a.png', 'image/png', 1, '', '2026-01-01 00:00:00+00:00')";
    db.execute_unprepared(sql).await.unwrap();
    migrate(db, None).await.unwrap();
    let file = prelude::Upload::find().one(db).await.unwrap().unwrap();
    assert_eq!(file.stored_at, Some(file.created_at));
    assert_eq!(file.used_at, Some(file.created_at));
}

/// More messages than are counted at a time, of which every third shows the first file and one the second,
/// whose use was forgotten.
async fn count_old_messages(db: &DatabaseConnection) {
    const N_MESSAGES: usize = 1_201;
    Migrator::up(db, Some(14)).await.unwrap();
    let (now, first, second) = (
        "'2026-01-01 00:00:00+00:00'",
        "a".repeat(32),
        "b".repeat(32),
    );
    let link = |number: usize| match number % 3 {
        0 => format!("'https://chat.example/uploads/x/uploads/{first}.png?exp=1'"),
        _ if number == 1 => format!("'/uploads/{second}'"),
        1 => "NULL".to_owned(),
        _ => format!("'/uploads/{}.png'", "c".repeat(32)),
    };
    let message = |number| {
        format!(
            "('m{number}', 'c', {number}, {number}, 'ada', 'image', {}, {now})",
            link(number)
        )
    };
    let messages: Vec<String> = (1..=N_MESSAGES).map(message).collect();
    for sql in [
        format!(
            "INSERT INTO \"user\" (id, role, disabled, created_at, updated_at) VALUES ('ada', 'MEMBER', false, {now}, {now})"
        ),
        format!(
            "INSERT INTO conversation (id, kind, last_seq, last_rev, created_at, updated_at) VALUES ('c', 'room', 0, 0, {now}, {now})"
        ),
        format!(
            "INSERT INTO upload (id, name, media_type, size_bytes, sha256, created_at, stored_at, used_at) \
             VALUES ('{first}', 'a.png', 'image/png', 1, '', {now}, {now}, {now}), \
             ('{second}', 'b.png', 'image/png', 1, '', {now}, {now}, NULL)"
        ),
        format!("INSERT INTO upload_use (upload_id, conversation_id) VALUES ('{first}', 'c')"),
        format!(
            "INSERT INTO message (id, conversation_id, seq, rev, sender_id, kind, file_url, created_at) VALUES {}",
            messages.join(", ")
        ),
    ] {
        db.execute_unprepared(&sql).await.unwrap();
    }
    migrate(db, None).await.unwrap();
    let uses = prelude::UploadUse::find().order_by_asc(upload_use::Column::UploadId);
    let uses = uses.all(db).await.unwrap();
    let counts: Vec<i64> = uses.iter().map(|it| it.n_messages).collect();
    assert_eq!(counts, [N_MESSAGES as i64 / 3, 1]);
    let files = prelude::Upload::find().all(db).await.unwrap();
    assert!(files.iter().all(|file| file.used_at.is_some()), "{files:?}");
}

/// Message 2 was changed after 3 was said, and 4 before 5 was; the last one was changed too.
async fn mark_changed_messages(db: &DatabaseConnection) {
    Migrator::up(db, Some(16)).await.unwrap();
    let now = "'2026-01-01 00:00:00+00:00'";
    let revs = [("c", [1, 4, 3, 6, 7, 9]), ("d", [1, 2, 3, 4, 5, 6])];
    let message = |id: &str, seq: usize, rev: &i32| {
        format!("('{id}{seq}', '{id}', {seq}, {rev}, 'ada', 'text', {now})")
    };
    let messages = revs.iter().flat_map(|(id, revs)| {
        let numbered = revs.iter().enumerate();
        numbered.map(move |(index, rev)| message(id, index + 1, rev))
    });
    let messages: Vec<String> = messages.collect();
    for sql in [
        format!(
            "INSERT INTO \"user\" (id, role, disabled, created_at, updated_at) VALUES ('ada', 'MEMBER', false, {now}, {now})"
        ),
        format!(
            "INSERT INTO conversation (id, kind, last_seq, last_rev, created_at, updated_at) \
             VALUES ('c', 'room', 6, 9, {now}, {now}), ('d', 'room', 6, 6, {now}, {now})"
        ),
        format!(
            "INSERT INTO message (id, conversation_id, seq, rev, sender_id, kind, created_at) VALUES {}",
            messages.join(", ")
        ),
    ] {
        db.execute_unprepared(&sql).await.unwrap();
    }
    migrate(db, None).await.unwrap();
    let messages = prelude::Message::find().all(db).await.unwrap();
    let changed = messages.iter().filter(|message| message.is_changed);
    let changed: Vec<&str> = changed.map(|message| message.id.as_str()).collect();
    assert_eq!(changed, ["c2"], "in all others seq and rev ascend together");
}

/// Selects every column of every entity.
async fn read_every_entity(db: &DatabaseConnection) {
    macro_rules! read {
        ($($entity:ident)*) => {{
            $(assert_eq!(prelude::$entity::find().one(db).await.unwrap(), None);)*
            [$(stringify!($entity)),*].len()
        }};
    }
    let n_read = read!(
        ApiToken Conversation Gallery Message Offer Participant Reaction Room ServerMeta Upload
        UploadUse User Vehicle
    );
    let n_tables = table_names(db).await.len();
    assert_eq!(n_read, n_tables - 1, "all but `seaql_migrations`");
}

async fn start_at_once(nodes: Vec<DatabaseConnection>) {
    let starting: Vec<_> = nodes
        .into_iter()
        .map(|db| {
            tokio::spawn(async move {
                migrate(&db, None).await.unwrap();
                read_every_entity(&db).await;
            })
        })
        .collect();
    for node in starting {
        node.await.unwrap();
    }
}

/// Writes rows with typed ids, enums, JSON and timestamps, and reads them back.
async fn round_trip(db: &DatabaseConnection) {
    migrate(db, None).await.unwrap();
    let written = db.begin().await.unwrap();
    let people = ["ada", "bob"].map(|id| user(id.into()));
    prelude::User::insert_many(people)
        .exec_without_returning(&written)
        .await
        .unwrap();
    let conversation = direct("c1".into(), "ada".into(), "bob".into())
        .insert(&written)
        .await
        .unwrap();
    let message = message("m1".into(), &conversation.id, "ada".into())
        .insert(&written)
        .await
        .unwrap();
    written.commit().await.unwrap();

    assert_eq!(conversation.kind, ConversationKind::Direct);
    assert_eq!(message.created_at, noon());
    assert_eq!(message.metadata, Some(json!({"mood": "\u{1f642}"})));
    let read = prelude::Conversation::find_by_id("c1")
        .one(db)
        .await
        .unwrap();
    assert_eq!(read, Some(conversation));
    let read = prelude::Message::find_by_id("m1").one(db).await.unwrap();
    assert_eq!(read, Some(message));
}

fn user(id: UserId) -> user::ActiveModel {
    user::ActiveModel {
        id: Set(id),
        role: Set(UserRole::Member),
        disabled: Set(false),
        created_at: Set(noon()),
        updated_at: Set(noon()),
        ..Default::default()
    }
}

fn direct(id: ConversationId, user1: UserId, user2: UserId) -> conversation::ActiveModel {
    conversation::ActiveModel {
        id: Set(id),
        kind: Set(ConversationKind::Direct),
        user1_id: Set(Some(user1)),
        user2_id: Set(Some(user2)),
        last_seq: Set(1),
        last_rev: Set(1),
        created_at: Set(noon()),
        updated_at: Set(noon()),
        ..Default::default()
    }
}

fn message(id: MessageId, conversation: &ConversationId, sender: UserId) -> message::ActiveModel {
    message::ActiveModel {
        id: Set(id),
        conversation_id: Set(conversation.clone()),
        seq: Set(1),
        rev: Set(1),
        sender_party: Set(Some(PartyId::from(sender.as_str()))),
        sender_id: Set(sender),
        kind: Set("text".into()),
        content: Set(Some("merhaba".into())),
        metadata: Set(Some(json!({"mood": "\u{1f642}"}))),
        created_at: Set(noon()),
        ..Default::default()
    }
}

fn noon() -> DateTimeUtc {
    DateTimeUtc::from_timestamp_micros(1_790_000_000_123_456).unwrap()
}
