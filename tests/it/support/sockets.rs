//! Live sockets, as an administrator sees them.

use std::time::Duration;

use serde_json::Value;
use sohbet::auth::{NewToken, TokenRules, mint};

use super::http::Call;
use super::server::Server;
use super::tokens::SECRET;

/// Live sockets of everybody.
pub async fn live_sockets(server: &Server) -> usize {
    let total = page(server, "").await["total"].as_u64();
    usize::try_from(total.expect("a total")).unwrap()
}

/// Live sockets of one user, among all of them.
pub async fn live_sockets_of(server: &Server, user: &str) -> usize {
    let page = page(server, "?limit=100").await;
    let sockets = page["sessions"].as_array().expect("a list");
    let is_theirs = |socket: &&Value| socket["userId"] == user;
    sockets.iter().filter(is_theirs).count()
}

async fn page(server: &Server, query: &str) -> Value {
    let admin = NewToken {
        user: "admin".to_owned(),
        name: None,
        role: Some("ADMIN".to_owned()),
        gallery: None,
        ttl: Duration::from_secs(3_600),
    };
    let bearer = format!(
        "Bearer {}",
        mint(SECRET, &TokenRules::default(), admin).unwrap()
    );
    let answer = Call::get(&format!("/api/v1/admin/sessions{query}"))
        .header("Authorization", &bearer)
        .send(server.port)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}
