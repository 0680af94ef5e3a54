//! `sohbet token create`, `list` and `revoke`: API tokens, straight on the database of the
//! settings, whether a server runs on it or not.

use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use sohbet_entity::enums::TokenType;
use sohbet_entity::ids::{ApiTokenId, UserId};

use super::{Database, values};
use crate::app::tokens::{
    ApiToken, CreatedToken, NewApiToken, TokenFilter, TokenForm, Tokens, usual_end,
};
use crate::auth::Permissions;
use crate::cli::{block_on, note, say};

/// Tokens that one list shows.
const MAX_LISTED: usize = 1_000;
/// Tokens that are read at a time.
const PAGE: u32 = 100;
/// The word for everything that a client token can have, but for administration.
const FULL_ACCESS: &str = "fullAccess";
/// Heads of the columns of a list.
const HEADS: [&str; 10] = [
    "ID",
    "PREFIX",
    "TYPE",
    "USER",
    "NAME",
    "PERMISSIONS",
    "CREATED",
    "EXPIRES",
    "LAST USED",
    "STATE",
];

/// What `sohbet token create` takes.
#[derive(Debug, clap::Args)]
pub struct Create {
    /// Id of the user whose token it will be; made if it does not exist
    #[arg(long, value_name = "ID", value_parser = values::id)]
    user: String,
    /// user: speaks for that user. client: speaks for a program, which the user answers for
    #[arg(long = "type", value_name = "TYPE", default_value = "user", value_parser = values::token_type)]
    token_type: TokenType,
    /// What to call it in lists
    #[arg(long, default_value = "")]
    name: String,
    /// With commas: read, write, and for client tokens emit, directory, onBehalfOf, admin, or
    /// fullAccess for all but admin [default: read,write]
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    permissions: Vec<String>,
    /// How long the token is valid: 1h, 30d [default: 30d, for client tokens 365d]
    #[arg(long, value_parser = values::ttl)]
    ttl: Option<Duration>,
    #[command(flatten)]
    database: Database,
}

/// What `sohbet token list` takes.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Tokens of this user only
    #[arg(long, value_name = "ID", value_parser = values::id)]
    user: Option<String>,
    #[command(flatten)]
    database: Database,
}

/// What `sohbet token revoke` takes.
#[derive(Debug, clap::Args)]
pub struct Revoke {
    /// Id of the token, from the list
    #[arg(value_name = "ID", value_parser = values::id)]
    id: String,
    #[command(flatten)]
    database: Database,
}

/// Makes a token. Its text is all that stands on stdout.
pub fn create(args: Create) -> anyhow::Result<ExitCode> {
    let new = new_token(&args)?;
    let created = on_tokens(args.database, async |tokens| {
        if tokens.introduce(&new.user).await? {
            note(&format!("user {} is new", printable(new.user.as_str())));
        }
        tokens.create(new).await
    })?;
    say(created.secret.expose());
    note(&explained(&created));
    Ok(ExitCode::SUCCESS)
}

/// Prints a table.
pub fn list(args: List) -> anyhow::Result<ExitCode> {
    let user = args.user.map(UserId::from);
    let listed = on_tokens(args.database, async |tokens| all(tokens, user).await)?;
    let now = Utc::now();
    let lines = listed.iter().map(|token| line(token, now));
    say(&as_table(lines.collect()));
    if listed.len() >= MAX_LISTED {
        note(&format!(
            "these are the newest {MAX_LISTED}; narrow the list down with --user"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Ends a token.
pub fn revoke(args: Revoke) -> anyhow::Result<ExitCode> {
    let id = ApiTokenId::from(args.id);
    let has_changed = on_tokens(args.database, async |tokens| tokens.revoke(&id).await)?;
    let word = if has_changed { "is" } else { "was already" };
    say(&format!("token {id} {word} revoked"));
    Ok(ExitCode::SUCCESS)
}

fn on_tokens<T>(
    database: Database,
    work: impl AsyncFnOnce(&Tokens) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let settings = database.settings()?;
    block_on(async {
        let tokens = Tokens::open(&settings.store, &settings.auth).await?;
        let outcome = work(&tokens).await;
        tokens.close().await;
        outcome
    })
}

fn new_token(args: &Create) -> anyhow::Result<NewApiToken> {
    let permissions = wanted(&args.permissions);
    // Before the user is made: a wrong word changes nothing.
    Permissions::parse(&permissions, args.token_type)?;
    let end = |ttl| Ok::<_, chrono::OutOfRangeError>(Utc::now() + TimeDelta::from_std(ttl)?);
    Ok(NewApiToken {
        user: UserId::from(args.user.as_str()),
        token_type: args.token_type,
        name: args.name.clone(),
        permissions,
        expires_at: Some(match args.ttl {
            Some(ttl) => end(ttl)?,
            None => usual_end(args.token_type),
        }),
        form: TokenForm::Opaque,
    })
}

fn wanted(words: &[String]) -> Value {
    match words {
        [] => json!({}),
        [word] if word == FULL_ACCESS => json!({ FULL_ACCESS: true }),
        words => json!(words),
    }
}

fn explained(created: &CreatedToken) -> String {
    let token = &created.token;
    format!(
        "API token {} of user {}: {}, permits {}, expires {}\nKeep it now: it is not shown again. To end it: sohbet token revoke {}",
        token.id,
        printable(token.user.as_str()),
        token.token_type.name(),
        permissions(token),
        time(token.expires_at),
        token.id,
    )
}

async fn all(tokens: &Tokens, user: Option<UserId>) -> anyhow::Result<Vec<ApiToken>> {
    let mut filter = TokenFilter { user, after: None };
    let mut listed = Vec::new();
    while listed.len() < MAX_LISTED {
        let page = tokens.list(&filter, PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        listed.extend(page);
        if is_last {
            break;
        }
        filter.after = listed.last().map(|token| token.id.clone());
    }
    Ok(listed)
}

fn line(token: &ApiToken, now: DateTime<Utc>) -> [String; 10] {
    [
        token.id.to_string(),
        token.prefix.clone(),
        token.token_type.name().to_owned(),
        printable(token.user.as_str()),
        printable(&token.name),
        permissions(token),
        time(Some(token.created_at)),
        time(token.expires_at),
        time(token.last_used_at),
        state(token, now).to_owned(),
    ]
}

/// Columns side by side. A dash stands for nothing.
fn as_table(lines: Vec<[String; HEADS.len()]>) -> String {
    let heads = [HEADS.map(str::to_owned)];
    let lines: Vec<_> = heads.into_iter().chain(lines).collect();
    let n_chars = |cell: &String| cell.chars().count().max(1);
    let widths: [usize; HEADS.len()] = std::array::from_fn(|column| {
        let cells = lines.iter().map(|line| n_chars(&line[column]));
        cells.max().unwrap_or(0)
    });
    let row = |line: &[String; HEADS.len()]| {
        let cells = line.iter().zip(widths).map(|(cell, width)| {
            let cell = if cell.is_empty() { "-" } else { cell };
            format!("{cell:<width$}")
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(row).collect::<Vec<_>>().join("\n")
}

fn state(token: &ApiToken, now: DateTime<Utc>) -> &'static str {
    match (token.revoked_at, token.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(end)) if end <= now => "expired",
        _ => "valid",
    }
}

fn permissions(token: &ApiToken) -> String {
    match Permissions::parse(&token.permissions, token.token_type) {
        Ok(permissions) => permissions.names().collect::<Vec<_>>().join(","),
        Err(_) => "unknown".to_owned(),
    }
}

fn time(time: Option<DateTime<Utc>>) -> String {
    time.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
        .unwrap_or_default()
}

/// Names come from clients: a terminal must not take them for commands.
fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(name: &str) -> ApiToken {
        ApiToken {
            id: "t".into(),
            user: "7".into(),
            name: name.to_owned(),
            token_type: TokenType::Client,
            prefix: "sbt_01234567".to_owned(),
            permissions: json!({"fullAccess": true}),
            created_at: DateTime::UNIX_EPOCH,
            expires_at: Some(DateTime::UNIX_EPOCH + TimeDelta::days(1)),
            last_used_at: None,
            revoked_at: None,
        }
    }

    #[test]
    fn a_list_is_a_table_without_control_characters() {
        let table = as_table(vec![line(&token("a\u{1b}[2Jb"), DateTime::UNIX_EPOCH)]);
        let (head, line) = table.split_once('\n').unwrap();
        assert_eq!(head.find("TYPE"), line.find("CLIENT"));
        assert!(line.contains("a\u{fffd}[2Jb"), "{line}");
        assert!(line.contains("read,write,emit,directory,onBehalfOf"));
        assert!(
            line.ends_with("1970-01-02T00:00:00Z  -          valid"),
            "{line}"
        );
    }

    #[test]
    fn a_token_is_valid_until_it_is_over() {
        let mut token = token("");
        assert_eq!(state(&token, DateTime::UNIX_EPOCH), "valid");
        assert_eq!(state(&token, Utc::now()), "expired");
        token.revoked_at = Some(DateTime::UNIX_EPOCH);
        assert_eq!(state(&token, Utc::now()), "revoked");
    }

    #[test]
    fn words_for_permissions_are_those_of_requests() {
        let words =
            |words: &[&str]| wanted(&words.iter().map(|&word| word.into()).collect::<Vec<_>>());
        assert_eq!(words(&[]), json!({}));
        assert_eq!(words(&["fullAccess"]), json!({"fullAccess": true}));
        assert_eq!(words(&["read", "emit"]), json!(["read", "emit"]));
    }
}
