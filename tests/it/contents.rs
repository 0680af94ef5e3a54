//! What people write is kept and given back as it is, whatever it looks like; ids are compared byte by
//! byte, so that another spelling of one is another one.

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::server::Server;
use crate::support::stores::{Store, on_both_stores};

on_both_stores!(
    texts_that_look_like_something_else_come_back_as_they_were,
    another_spelling_of_an_id_is_another_id,
    half_a_character_is_answered_and_never_told_as_another,
);

async fn texts_that_look_like_something_else_come_back_as_they_were(store: Store) {
    let (_server, mut client, place) = conversation(&store).await;
    let zalgo = format!("z{}", "\u{301}".repeat(1_000));
    let texts = [
        "\u{202e}gpj.exe\u{202c}\u{2066}x\u{2069}",
        "zero\u{200b}width\u{200d}\u{feff}",
        "\u{feff}begins with a mark",
        "\u{fffe}\u{ffff}\u{10ffff}",
        "e\u{301} is not \u{e9}",
        "<img src=x onerror=alert(1)> [x](javascript:alert(1))",
        "'; DROP TABLE message; --",
        "=cmd|'/c calc'!A1",
        "\u{1b}[31mred\r\nlevel=error",
        &zalgo,
    ];
    // Own keys of an object for whoever parses it, and nothing more.
    let metadata: Value = serde_json::from_str(
        r#"{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":1}},"":{}}"#,
    )
    .unwrap();
    for text in texts {
        let said = json!({"conversationId": place, "content": text, "metadata": metadata});
        let message = client.ask_ok("send_message", said).await["data"]["message"].take();
        assert_eq!(message["content"], text);
        assert_eq!(message["metadata"], metadata);
    }
    let history = client
        .ask_ok("history", json!({"conversationId": place}))
        .await;
    let messages = history["data"]["messages"].as_array().expect("a list");
    assert!(messages.iter().map(|it| &it["content"]).eq(texts.iter()));
    assert!(messages.iter().all(|it| it["metadata"] == metadata));
}

async fn another_spelling_of_an_id_is_another_id(store: Store) {
    let (_server, mut client, place) = conversation(&store).await;
    let said = json!({"conversationId": place, "content": "hi"});
    let message = client.ask_ok("send_message", said).await["data"]["message"]["id"].take();
    let message = message.as_str().expect("an id").to_owned();
    for spelled in spellings(&place) {
        let answer = client.call("join_room", json!(spelled)).await;
        assert_eq!(answer["error"]["code"], "NOT_FOUND", "{spelled}: {answer}");
    }
    for spelled in spellings(&message) {
        let edit = json!({"messageId": spelled, "content": "changed"});
        let answer = client.call("edit_message", edit).await;
        assert_eq!(answer["error"]["code"], "NOT_FOUND", "{spelled}: {answer}");
    }
}

/// Other ways to write a number or a UUID.
fn spellings(id: &str) -> Vec<String> {
    let mut spelled = vec![
        format!("0{id}"),
        format!("+{id}"),
        format!("{id}.0"),
        format!("{{{id}}}"),
        format!("urn:uuid:{id}"),
        format!("room:{id}"),
        format!("user:{id}"),
        format!("{id}'--"),
        id.to_uppercase(),
        id.replace('-', ""),
    ];
    spelled.retain(|spelled| spelled != id);
    spelled
}

async fn half_a_character_is_answered_and_never_told_as_another(store: Store) {
    let (_server, mut client, place) = conversation(&store).await;
    for half in [r"\ud800", r"\udc00 x", r"\ud83d\ud83d", r"\ud800\u0041"] {
        let body = format!(r#"{{"conversationId":"{place}","content":"{half}"}}"#);
        client.say(format!(r#"42900["send_message",{body}]"#));
        let answer = client.ack(900).await;
        assert_eq!(
            answer["error"]["code"], "INVALID_PAYLOAD",
            "{half}: {answer}"
        );
    }
    let history = client
        .ask_ok("history", json!({"conversationId": place}))
        .await;
    assert_eq!(history["data"]["messages"], json!([]));
}

/// A server, one of two people, and the conversation of both.
async fn conversation(store: &Store) -> (Server, Client, String) {
    let server = Server::start(store).await;
    let auth = json!({"userId": "a", "dialect": "native"});
    let mut client = Client::connect(server.port, Some(&auth)).await;
    let made = client
        .ask_ok("create_conversation", json!({"userId": "b"}))
        .await;
    let id = made["data"]["conversation"]["id"].as_str();
    let id = id.expect("an id").to_owned();
    (server, client, id)
}
