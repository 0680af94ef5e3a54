//! API tokens as operators make them: with `sohbet token`, beside a running server.

use super::command::{Ended, sohbet};
use super::stores::Store;

/// A token that was made.
#[derive(Debug)]
pub struct ApiToken {
    /// What its owner gets.
    pub secret: String,
    /// What it is called by.
    pub id: String,
}

/// Makes a token for that user, with further arguments.
pub async fn create(store: &Store, user: &str, args: &[&str]) -> ApiToken {
    let args = [&["token", "create", "--user", user], args].concat();
    let ended = done(store, &args).await;
    let id = ended.stderr.split("API token ").nth(1);
    let id = id.and_then(|rest| rest.split(' ').next());
    ApiToken {
        secret: ended.stdout.trim_end().to_owned(),
        id: id
            .unwrap_or_else(|| panic!("no id: {}", ended.stderr))
            .to_owned(),
    }
}

/// Revokes a token.
pub async fn revoke(store: &Store, token: &ApiToken) {
    done(store, &["token", "revoke", &token.id]).await;
}

/// The line of the list about that token, cell by cell.
pub async fn listed(store: &Store, token: &ApiToken) -> Vec<String> {
    let list = done(store, &["token", "list"]).await.stdout;
    let line = list.lines().find(|line| line.starts_with(&token.id));
    let line = line.unwrap_or_else(|| panic!("not in the list:\n{list}"));
    let cells = line.split("  ").map(str::trim);
    cells
        .filter(|cell| !cell.is_empty())
        .map(str::to_owned)
        .collect()
}

async fn done(store: &Store, args: &[&str]) -> Ended {
    let ended = sohbet(store, args, &[]).await;
    assert_eq!(ended.code, 0, "{args:?}: {}", ended.stderr);
    ended
}
