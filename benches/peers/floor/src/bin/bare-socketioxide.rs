//! Socket.IO on socketioxide, with nothing else: no database, no order, no promise. It says what the
//! benchmark wants to hear, and so shows what the wire costs at least.

use std::convert::Infallible;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::serve::ListenerExt;
use chrono::{SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef};
use socketioxide::handler::ConnectHandler;

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// A user, by id alone.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Person<'a> {
    id: &'a Value,
    full_name: Option<&'a str>,
    profile_picture: Option<&'a str>,
}

/// The sixteen keys of a message.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    id: u64,
    conversation_id: &'a Value,
    sender_id: &'a Value,
    receiver_id: &'a Value,
    content: &'a Value,
    r#type: &'a Value,
    file_url: Option<&'a str>,
    file_name: Option<&'a str>,
    file_size: Option<u64>,
    file_type: Option<&'a str>,
    read: bool,
    read_at: Option<&'a str>,
    created_at: &'a str,
    updated_at: &'a str,
    sender: Person<'a>,
    receiver: Person<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temp_id: Option<&'a Value>,
}

async fn join_user_room(socket: SocketRef, Data(user): Data<Value>) {
    socket.join(format!("user_{user}"));
    // Whoever has gone away hears nothing.
    let _ = socket.emit("connected", &serde_json::json!({ "userId": user }));
}

async fn join_conversation(socket: SocketRef, Data(id): Data<Value>, ack: AckSender) {
    socket.join(format!("conversation_{id}"));
    let _ = ack.send(&serde_json::json!({ "ok": true, "conversationId": id }));
}

async fn send_message(socket: SocketRef, Data(draft): Data<Map<String, Value>>) {
    const NULL: Value = Value::Null;
    let field = |name: &str| draft.get(name).unwrap_or(&NULL);
    let now = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
    let person = |id| Person {
        id,
        full_name: None,
        profile_picture: None,
    };
    let mut message = Message {
        id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
        conversation_id: field("conversationId"),
        sender_id: field("senderId"),
        receiver_id: field("receiverId"),
        content: field("content"),
        r#type: field("type"),
        file_url: None,
        file_name: None,
        file_size: None,
        file_type: None,
        read: false,
        read_at: None,
        created_at: &now,
        updated_at: &now,
        sender: person(field("senderId")),
        receiver: person(field("receiverId")),
        temp_id: draft.get("tempId"),
    };
    let _ = socket.emit("message_sent", &message);
    message.temp_id = None;
    let conversation = format!("conversation_{}", message.conversation_id);
    let user = format!("user_{}", message.receiver_id);
    let others = socket.to([conversation, user]);
    let _ = others.emit("new_message", &message).await;
}

/// Words are registered before CONNECT is answered, or those that follow at once are dropped.
async fn admit(socket: SocketRef) -> Result<(), Infallible> {
    socket.on("join_user_room", join_user_room);
    socket.on("join_conversation", join_conversation);
    socket.on("send_message", send_message);
    Ok(())
}

async fn greet() {}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let port: u16 = std::env::var("PORT").map_or(Ok(0), |port| port.parse())?;
    let (service, io) = SocketIo::builder().max_buffer_size(4_096).build_svc();
    io.ns("/", greet.with(admit));
    let app = axum::Router::new().route_service("/socket.io/", service);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    writeln!(
        std::io::stdout(),
        "listening on {}",
        listener.local_addr()?.port()
    )?;
    let listener = listener.tap_io(|stream| {
        // Without it, every answer waits for the next.
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, app).await?)
}
