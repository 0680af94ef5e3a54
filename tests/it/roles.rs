//! Whoever does what in a room, in whatever order: nobody gets a right that nobody with that right
//! gave, and a room keeps an owner.

use std::collections::BTreeMap;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::{Router, http};
use proptest::prelude::*;
use serde_json::{Value, json};
use sohbet::{App, Config};
use tower::ServiceExt;

use crate::support::properties::hold;
use crate::support::stores::{Store, on_both_stores};

const N_CASES: u32 = 24;
const USERS: [&str; 4] = ["a", "b", "c", "d"];
const ROLES: [&str; 4] = ["MEMBER", "MODERATOR", "ADMIN", "OWNER"];
/// Looks at the room, as an administrator of the server, and does nothing.
const WATCHER: &str = "w";

on_both_stores!(nobody_gets_a_right_that_nobody_with_it_gave);

/// What somebody tries, by their places in [`USERS`] and [`ROLES`].
#[derive(Debug, Clone)]
struct Try {
    by: usize,
    to: usize,
    act: Act,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Act {
    Add(usize),
    SetRole(usize),
    Remove,
}

/// Who takes part, as which of [`ROLES`].
type Members = BTreeMap<String, usize>;

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let act = prop_oneof![
        (0..ROLES.len()).prop_map(Act::Add),
        (0..ROLES.len()).prop_map(Act::SetRole),
        Just(Act::Remove),
    ];
    let one = (0..USERS.len(), 0..USERS.len(), act).prop_map(|(by, to, act)| Try { by, to, act });
    prop::collection::vec(one, 1..40)
}

async fn nobody_gets_a_right_that_nobody_with_it_gave(store: Store) {
    let folder = store.folder().to_str().unwrap();
    let settings = [("DATABASE_URL", store.database_url()), ("DATA_DIR", folder)];
    let app = App::build(Config::from_settings(settings).unwrap())
        .await
        .unwrap();
    let router = app.router();
    hold(N_CASES, tries(), async move |tries: Vec<Try>| {
        let room = Room::make(&router).await;
        let mut before = room.members().await;
        for attempt in tries {
            let status = room.attempt(&attempt).await;
            let after = room.members().await;
            assert_allowed(&attempt, status, &before, &after);
            before = after;
        }
    })
    .await;
    app.into_handle().stop().await;
}

fn assert_allowed(attempt: &Try, status: u16, before: &Members, after: &Members) {
    let (by, to) = (USERS[attempt.by], USERS[attempt.to]);
    let seen = format!("{attempt:?} {status} {before:?} {after:?}");
    assert!(status < 500, "{seen}");
    let (own, old, new) = (before.get(by), before.get(to), after.get(to));
    for user in USERS.into_iter().filter(|user| *user != to) {
        assert_eq!(before.get(user), after.get(user), "{seen}");
    }
    if old != new {
        assert!(status < 300, "refused, and done: {seen}");
        let own = own.unwrap_or_else(|| panic!("done from outside: {seen}"));
        assert!(new <= Some(own), "more than one's own: {seen}");
        let is_lower = old < Some(own) && *own > 0;
        assert!(by == to || is_lower, "done to somebody higher: {seen}");
        let n_owners = after.values().filter(|role| **role == 3).count();
        assert!(
            n_owners > 0 || after.is_empty(),
            "nobody is left to manage it: {seen}"
        );
    }
    let is_idle = matches!(
        (attempt.act, old),
        (Act::Add(_), Some(_)) | (Act::SetRole(_) | Act::Remove, None)
    );
    if own == Some(&3) && old < Some(&3) && !is_idle {
        assert!(status < 300, "an owner may: {seen}");
    }
}

/// A room of user `a`.
struct Room<'a> {
    router: &'a Router,
    id: String,
}

impl<'a> Room<'a> {
    async fn make(router: &'a Router) -> Self {
        let mut room = Self {
            router,
            id: String::new(),
        };
        let (status, made) = room
            .call(USERS[0], "POST", "rooms", json!({"name": "R"}))
            .await;
        assert!(status < 300, "{made}");
        room.id = made["conversation"]["id"].as_str().unwrap().to_owned();
        room
    }

    async fn attempt(&self, attempt: &Try) -> u16 {
        let (by, to) = (USERS[attempt.by], USERS[attempt.to]);
        let people = format!("conversations/{}/participants", self.id);
        let person = format!("{people}/{to}");
        let (status, _) = match attempt.act {
            Act::Add(role) => {
                let body = json!({"userId": to, "role": ROLES[role]});
                self.call(by, "POST", &people, body).await
            }
            Act::SetRole(role) => {
                self.call(by, "PATCH", &person, json!({"role": ROLES[role]}))
                    .await
            }
            Act::Remove => self.call(by, "DELETE", &person, json!({})).await,
        };
        status
    }

    async fn members(&self) -> Members {
        let path = format!("conversations/{}", self.id);
        let (status, shown) = self.call(WATCHER, "GET", &path, json!({})).await;
        assert_eq!(status, 200, "{shown}");
        let people = shown["conversation"]["participants"].as_array().unwrap();
        let member = |person: &Value| {
            let role = ROLES.iter().position(|role| person["role"] == **role);
            let user = person["userId"].as_str().unwrap().to_owned();
            (user, role.unwrap())
        };
        people.iter().map(member).collect()
    }

    async fn call(&self, user: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
        let role = if user == WATCHER { "ADMIN" } else { "MEMBER" };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/{path}"))
            .header("host", "localhost")
            .header("x-user-id", user)
            .header("x-user-role", role)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let peer = ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 5_000)));
        request.extensions_mut().insert(peer);
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), 1_000_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }
}
