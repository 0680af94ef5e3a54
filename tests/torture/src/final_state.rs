//! What there is in the end: in the database itself, and as REST shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use sea_orm::{ConnectionTrait, DatabaseConnection, QueryResult, Statement};
use serde_json::Value;

use crate::clients::World;
use crate::clients::rest::Caller;
use crate::history::{Seen, What, digest, sha256};
use crate::stage::Stage;

/// Longest preview, in characters.
const PREVIEW_CHARS: usize = 100;
/// Members of a conversation whose view of it is read.
const MAX_VIEWERS: usize = 3;
/// How often a server is asked again that is not available.
const MAX_TRIES: u32 = 20;
/// Pause before it is asked again.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// The last `rev` of each conversation.
pub async fn heads(stage: &Stage<'_>) -> anyhow::Result<BTreeMap<String, i64>> {
    let db = stage.database().await?;
    let rows = query(&db, "SELECT id, last_rev FROM conversation").await?;
    let head = |row: &QueryResult| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
    let heads = rows.iter().map(head).collect();
    db.close().await?;
    heads
}

/// Writes down everything: first as it is shown, then as it is stored, so that nothing shown can be newer.
pub async fn read(stage: &Stage<'_>, world: &World) -> anyhow::Result<()> {
    let db = stage.database().await?;
    for (id, users) in participants(&db, world).await? {
        for user in users.iter().take(MAX_VIEWERS) {
            show(world, &id, user).await?;
        }
    }
    let newest = messages(&db, world).await?;
    files(&db, &stage.files, world).await?;
    conversations(&db, world, &newest).await?;
    Ok(db.close().await?)
}

/// Who takes part in each conversation, those of two people included.
async fn participants(
    db: &DatabaseConnection,
    world: &World,
) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let mut users = world.conversations.clone();
    let sql = "SELECT id, user1_id, user2_id FROM conversation WHERE user1_id IS NOT NULL";
    for row in query(db, sql).await? {
        let pair: Vec<String> = vec![row.try_get_by_index(1)?, row.try_get_by_index(2)?];
        users.insert(row.try_get_by_index(0)?, pair);
    }
    Ok(users)
}

/// Writes down all rows. Returns the text of the newest of each conversation that was not deleted.
async fn messages(
    db: &DatabaseConnection,
    world: &World,
) -> anyhow::Result<BTreeMap<String, String>> {
    let sql = "SELECT conversation_id, id, seq, rev, sender_id, client_id, content FROM message ORDER BY conversation_id, seq";
    let mut newest = BTreeMap::new();
    for row in query(db, sql).await? {
        let content: Option<String> = row.try_get_by_index(6)?;
        let text = content.unwrap_or_default();
        let message = Seen {
            conversation: row.try_get_by_index(0)?,
            id: row.try_get_by_index(1)?,
            seq: row.try_get_by_index(2)?,
            rev: row.try_get_by_index(3)?,
            sender: row.try_get_by_index(4)?,
            cmid: row.try_get_by_index(5)?,
            text: digest(&text),
            state: None,
        };
        match message.is_deleted() {
            true => newest.remove(&message.conversation),
            false => newest.insert(message.conversation.clone(), text),
        };
        world.record("harness", 0, What::Row { message });
    }
    Ok(newest)
}

/// Writes down all files: what the database says of them, and what is there.
async fn files(db: &DatabaseConnection, folder: &Path, world: &World) -> anyhow::Result<()> {
    let mut blobs = BTreeMap::new();
    read_blobs(folder, &mut blobs)?;
    let mut rows = BTreeMap::new();
    for row in query(db, "SELECT id, sha256 FROM upload").await? {
        let (id, sha256): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        rows.insert(id, sha256);
    }
    let ids: BTreeSet<&String> = rows.keys().chain(blobs.keys()).collect();
    for id in ids {
        let what = What::File {
            id: id.clone(),
            row: rows.get(id).cloned(),
            blob: blobs.get(id).cloned(),
        };
        world.record("harness", 0, what);
    }
    Ok(())
}

/// The SHA-256 of each complete file below a folder, by its name. There is no folder before the first.
fn read_blobs(folder: &Path, blobs: &mut BTreeMap<String, String>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            read_blobs(&path, blobs)?;
        } else if !name.contains('#') {
            blobs.insert(name.into_owned(), sha256(&std::fs::read(&path)?));
        }
    }
    Ok(())
}

/// Writes down all conversations.
async fn conversations(
    db: &DatabaseConnection,
    world: &World,
    newest: &BTreeMap<String, String>,
) -> anyhow::Result<()> {
    let sql = "SELECT id, last_seq, last_rev, user1_id, user2_id, last_message_preview FROM conversation ORDER BY id";
    for row in query(db, sql).await? {
        let conversation: String = row.try_get_by_index(0)?;
        let (one, other): (Option<String>, Option<String>) =
            (row.try_get_by_index(3)?, row.try_get_by_index(4)?);
        let preview: Option<String> = row.try_get_by_index(5)?;
        let pair = one.zip(other).map(|(one, other)| [one, other]);
        let right = newest
            .get(&conversation)
            .map(|text| text.chars().take(PREVIEW_CHARS).collect::<String>());
        let what = What::Head {
            last_seq: row.try_get_by_index(1)?,
            last_rev: row.try_get_by_index(2)?,
            pair,
            preview: right
                .map(|right| [preview.unwrap_or_default(), right].map(|text| digest(&text))),
            conversation,
        };
        world.record("harness", 0, what);
    }
    Ok(())
}

async fn query(db: &DatabaseConnection, sql: &str) -> anyhow::Result<Vec<QueryResult>> {
    Ok(db
        .query_all_raw(Statement::from_string(db.get_database_backend(), sql))
        .await?)
}

/// Writes down a conversation as REST shows it to one of its users.
async fn show(world: &World, id: &str, user: &str) -> anyhow::Result<()> {
    let who = format!("{user}/final");
    for node in &world.nodes {
        let caller = Caller {
            world,
            who: &who,
            user,
            node: *node,
        };
        let Some(shown) = get(&caller, &format!("/conversations/{id}")).await? else {
            let conversation = id.to_owned();
            world.record(&who, 0, What::Gone { conversation });
            continue;
        };
        let number = |name: &str| shown["conversation"][name].as_i64().unwrap_or(-1);
        let shown_seq = match &shown["conversation"]["lastMessage"] {
            Value::Null => None,
            message => message["seq"].as_i64(),
        };
        let what = What::Shown {
            conversation: id.to_owned(),
            user: user.to_owned(),
            last_seq: number("lastSeq"),
            last_rev: number("lastRev"),
            last_read_seq: number("lastReadSeq"),
            unread: number("unread"),
            shown_seq,
        };
        world.record("harness", 0, what);
        caller.walk(id, true).await?;
    }
    Ok(())
}

/// What REST shows, `None` where there is nothing. A server that has just recovered may ask for patience.
async fn get(caller: &Caller<'_>, path: &str) -> anyhow::Result<Option<Value>> {
    let mut answer = caller.call("GET", path, None).await?;
    for _ in 0..MAX_TRIES {
        if answer.status != 503 {
            break;
        }
        tokio::time::sleep(RETRY_PAUSE).await;
        answer = caller.call("GET", path, None).await?;
    }
    match answer.status {
        200 => Ok(Some(answer.json())),
        404 => Ok(None),
        status => bail!("{path}: status {status}: {}", answer.text()),
    }
}
