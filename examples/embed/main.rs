//! Sohbet inside another axum application: one process, one port, one log.
//!
//! ```sh
//! cargo run --example embed
//! curl -X POST http://localhost:3001/orders/42/ship      # user 1 gets a message and an event
//! ```

#![allow(clippy::print_stdout, reason = "an example speaks to whoever runs it")]

use std::net::SocketAddr;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use sohbet::app::{Handle, Post, Recipient};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // The settings of the README, from the environment and `.env`.
    let config = sohbet::Config::from_environment()?;
    let port = config.port;
    let chat = sohbet::App::build(config).await?;
    let chat_router = chat.router();
    let chat = chat.into_handle();

    let shop = Router::new()
        .route(
            "/orders",
            get(async || Json(json!([{"id": 42, "customer": "1"}]))),
        )
        .route("/orders/{id}/ship", post(ship))
        .with_state(chat.clone())
        // What the shop does not know is for the chat: sockets, REST, files.
        .fallback_service(chat_router);

    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    // Without JWT_SECRET the chat answers this machine only, so it has to see who calls.
    let shop = shop.into_make_service_with_connect_info::<SocketAddr>();
    println!("the shop listens on {}", listener.local_addr()?);
    tokio::select! {
        served = axum::serve(listener, shop).into_future() => served?,
        stopped = tokio::signal::ctrl_c() => stopped?,
    }
    chat.stop().await;
    Ok(())
}

/// Tells the customer: with a message that stays, and with an event for pages that are open now.
async fn ship(State(chat): State<Handle>, Path(id): Path<String>) -> (StatusCode, Json<Value>) {
    let post = Post {
        from: "shop".into(),
        to: Recipient::User("1".into()),
        text: format!("Your order {id} is on its way."),
        // Called twice, it is still one message.
        client_id: Some(format!("shipped-{id}")),
    };
    match chat.send(post).await {
        Ok(message) => {
            let n_pages = chat
                .emit("1", "order_shipped", &json!({"id": id}))
                .unwrap_or(0);
            let body = json!({"message": message.as_str(), "pages": n_pages});
            (StatusCode::OK, Json(body))
        }
        Err(error) => {
            let body = json!({"error": error.code()});
            (StatusCode::BAD_GATEWAY, Json(body))
        }
    }
}
