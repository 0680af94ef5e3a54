//! The server inside another program, without a listener of its own.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use sohbet::{App, Config};
use tower::ServiceExt;

use crate::support::stores::Store;
use crate::support::tokens::SECRET;

/// The status of a call from that address; `None` for a program that does not say who calls.
async fn status(router: &Router, peer: Option<&str>) -> u16 {
    let mut request = Request::get("/health").body(Body::empty()).unwrap();
    if let Some(peer) = peer {
        let peer: SocketAddr = peer.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
    }
    let answer = router.clone().oneshot(request).await.unwrap();
    answer.status().as_u16()
}

async fn build(store: &Store, more: &[(&str, &str)]) -> App {
    let folder = store.folder().to_str().unwrap();
    let own = [("DATABASE_URL", store.database_url()), ("DATA_DIR", folder)];
    let settings = own.iter().chain(more).copied();
    App::build(Config::from_settings(settings).unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn development_mode_answers_this_machine_only_whatever_the_program_listens_on() {
    let store = Store::sqlite();
    let app = build(&store, &[]).await;
    let router = app.router();
    for peer in ["127.0.0.1:5000", "[::1]:5000", "[::ffff:127.0.0.1]:5000"] {
        assert_eq!(status(&router, Some(peer)).await, 200, "{peer}");
    }
    for peer in [Some("10.0.0.7:5000"), Some("[2001:db8::7]:5000"), None] {
        assert_eq!(status(&router, peer).await, 403, "{peer:?}");
    }
    app.into_handle().stop().await;
}

#[tokio::test]
async fn with_a_key_or_on_demand_everybody_is_answered() {
    for more in [("JWT_SECRET", SECRET), ("INSECURE_TRUST_CLIENTS", "true")] {
        let store = Store::sqlite();
        let app = build(&store, &[more]).await;
        let router = app.router();
        for peer in [Some("127.0.0.1:5000"), Some("10.0.0.7:5000"), None] {
            assert_eq!(status(&router, peer).await, 200, "{peer:?}");
        }
        app.into_handle().stop().await;
    }
}
