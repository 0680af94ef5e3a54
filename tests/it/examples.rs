//! The Rust programs in `examples/`, run as their first lines say.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::support::client::Client;
use crate::support::http::Call;
use crate::support::server::Server;
use crate::support::stores::{self, Store};
use crate::support::{processes, soon};

#[tokio::test]
async fn the_bot_answers_what_it_is_asked_once() {
    stores::on_sqlite(async |store: Store| {
        let server = Server::start(&store).await;
        let mut command = example("bot", &store);
        command.arg(format!("ws://127.0.0.1:{}", server.port));
        let (_bot, said) = start(&mut command).await;
        assert_eq!(said, "the bot is bot");

        let talk = post(&server, "/api/v1/conversations", json!({"userId": "bot"})).await;
        let conversation = talk["conversation"]["id"].as_str().unwrap().to_owned();
        let messages = format!("/api/v1/conversations/{conversation}/messages");
        post(&server, &messages, json!({"content": "!echo merhaba"})).await;
        let answered = async {
            loop {
                let list = as_ayse(Call::get(&messages)).send(server.port).await.json();
                if list["messages"].as_array().unwrap().len() == 2 {
                    return list["messages"][1].clone();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let answer = soon("the answer of the bot", answered).await;
        assert_eq!(answer["content"], "merhaba");
        assert_eq!(answer["senderId"], "bot");
    })
    .await;
}

#[tokio::test]
async fn the_shop_tells_its_customers_once_and_stops_in_order() {
    stores::on_sqlite(async |store: Store| {
        let (mut shop, said) = start(example("embed", &store).env("PORT", "0")).await;
        let port: u16 = said.rsplit(':').next().unwrap().parse().unwrap();
        let orders = Call::get("/orders").send(port).await;
        assert_eq!(orders.json()[0]["id"], 42, "the shop's own route");

        let mut customer = Client::connect(port, None).await;
        customer.join_user(1).await;
        let mut ids = Vec::new();
        for _ in 0..2 {
            let shipped = Call::post("/orders/42/ship", &json!({})).send(port).await;
            assert_eq!(shipped.status, 200, "{}", shipped.text());
            ids.push(shipped.json()["message"].clone());
        }
        assert_eq!(ids[0], ids[1], "called twice, it is still one message");
        let message = customer.event("new_message").await;
        assert_eq!(message["content"], "Your order 42 is on its way.");
        assert_eq!(customer.event("order_shipped").await, json!({"id": "42"}));

        processes::signal(&shop, Signal::INT);
        let status = soon("the end of the shop", shop.wait()).await.unwrap();
        assert_eq!(status.code(), Some(0));
    })
    .await;
}

async fn post(server: &Server, path: &str, body: serde_json::Value) -> serde_json::Value {
    let answer = as_ayse(Call::post(path, &body)).send(server.port).await;
    assert!(answer.status < 300, "{path}: {}", answer.text());
    answer.json()
}

/// In development mode a header says who calls.
fn as_ayse(call: Call) -> Call {
    call.header("x-user-id", "ayse")
}

/// A program in `examples/`, which `cargo test` builds beside this one.
fn example(name: &str, store: &Store) -> Command {
    let tests = std::env::current_exe().unwrap();
    let target: PathBuf = tests.ancestors().nth(2).unwrap().into();
    let program = target.join("examples").join(name);
    assert!(
        program.exists(),
        "build it first: cargo build --example {name}"
    );
    let mut command = Command::new(program);
    command
        .current_dir(store.folder())
        .env_clear()
        .env("DATABASE_URL", store.database_url())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Starts a program and waits for the first line that it writes.
async fn start(command: &mut Command) -> (Child, String) {
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = soon("the first line", lines.next_line()).await.unwrap();
    // The rest is read, or the program would stand still when the pipe is full.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, line.expect("it ended without a word"))
}
