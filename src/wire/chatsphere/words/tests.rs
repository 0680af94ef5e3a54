use std::sync::Arc;

use super::*;
use crate::chat::ClientId;
use crate::chat::tests_support::session;

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.into()).unwrap()
}

fn said(session: &Session, word: &str, payload: &str) -> Result<Request> {
    parse(word, &[&raw(payload)], session).map(|asked| asked.request)
}

fn in_room(room: &str, spelling: u8) -> Arc<Session> {
    let session = session("socket");
    session.set_room(Some(room.into()));
    session.set_spelling(spelling);
    session
}

fn sent(request: Result<Request>) -> (Option<String>, Target, Option<String>) {
    let Ok(Request::Send(draft)) = request else {
        panic!("{request:?}");
    };
    let sender = draft.sender.map(|sender| sender.to_string());
    (sender, draft.target, draft.content)
}

#[test]
fn joining_names_a_room_and_decides_on_the_spelling() {
    let session = session("socket");
    for (word, spelling) in [("join", 0), ("join_room", 1), ("join", 0)] {
        for (payload, user) in [
            (r#"{"type":"x","roomId":"r","userId":"u"}"#, Some("u")),
            (r#"{"roomId":"r","userId":7}"#, Some("7")),
            (r#"{"roomId":"r"}"#, None),
        ] {
            let request = Request::OpenConversation {
                conversation: "r".into(),
                user: user.map(UserId::from),
                n_messages: N_SHOWN,
                spelling,
            };
            assert_eq!(
                said(&session, word, payload),
                Ok(request),
                "{word} {payload}"
            );
            assert_eq!(session.spelling(), 0, "reading changes nothing");
        }
    }
}

#[test]
fn joining_needs_a_room() {
    let session = session("socket");
    let long = format!(r#"{{"roomId":"{}"}}"#, "x".repeat(129));
    for payload in [
        "{}",
        "null",
        "[]",
        "5",
        "\"r\"",
        r#"{"roomId":""}"#,
        r#"{"roomId":null}"#,
        r#"{"roomId":{}}"#,
        r#"{"roomId":-1}"#,
        r#"{"roomId":"a\u0000"}"#,
        &long,
    ] {
        for word in ["join", "join_room"] {
            assert_eq!(
                said(&session, word, payload),
                Err(NO_ROOM),
                "{word} {payload}"
            );
        }
    }
    let odd_user = said(&session, "join_room", r#"{"roomId":"r","userId":{}}"#);
    assert_eq!(odd_user, Err(BAD_USER));
}

#[test]
fn a_message_goes_to_the_room_it_names_or_to_the_one_that_is_joined() {
    let session = in_room("here", 0);
    let target = |room: &str| Target::Conversation(room.into());
    for word in ["message", "new_message"] {
        let named = said(
            &session,
            word,
            r#"{"userId":"u","roomId":"there","content":"x"}"#,
        );
        assert_eq!(
            sent(named),
            (Some("u".into()), target("there"), Some("x".into()))
        );
        let bare = said(&session, word, r#"{"content":"x"}"#);
        assert_eq!(sent(bare), (None, target("here"), Some("x".into())));
        for payload in [
            "{}",
            r#"{"content":""}"#,
            r#"{"content":null}"#,
            r#"{"content":5}"#,
            r#"{"content":"a\u0000"}"#,
            r#"{"content":"x","roomId":{}}"#,
            r#"{"content":"x","userId":[]}"#,
            r#"{"content":"x","clientId":""}"#,
        ] {
            let refused = said(&session, word, payload).unwrap_err();
            assert_eq!(refused.code(), "INVALID_PAYLOAD", "{payload}");
        }
    }
}

#[test]
fn a_client_id_is_read_under_its_names() {
    let session = in_room("r", 0);
    for name in ["clientMessageId", "clientId", "client_offset"] {
        let payload = format!(r#"{{"content":"x","{name}":"c"}}"#);
        let Ok(Request::Send(draft)) = said(&session, "message", &payload) else {
            panic!("{name}");
        };
        assert_eq!(draft.client_id, Some(ClientId::Explicit("c".into())));
    }
}

#[test]
fn who_joined_no_room_is_not_heard() {
    let session = session("socket");
    for payload in [r#"{"roomId":"r","content":"x"}"#, "{}", "null"] {
        assert_eq!(said(&session, "message", payload), Err(NOT_JOINED));
    }
    assert_eq!(said(&session, "leave", "{}"), Err(NOT_JOINED));
}

#[test]
fn one_leaves_the_room_that_is_named_or_the_one_that_is_joined() {
    let session = in_room("here", 0);
    for (word, payload, room) in [
        ("leave", "{}", "here"),
        ("leave_room", r#"{"roomId":"there"}"#, "there"),
    ] {
        let request = Request::LeaveConversation {
            conversation: room.into(),
        };
        assert_eq!(said(&session, word, payload), Ok(request));
    }
}

#[test]
fn in_the_second_spelling_a_word_that_is_none_is_a_text() {
    let second = in_room("r", SECOND_SPELLING);
    for text in ["hello there", "__proto__", "error", "çok güzel"] {
        for payload in ["{}", r#"{"type":"x"}"#] {
            let (sender, _, content) = sent(said(&second, text, payload));
            assert_eq!((sender, content.as_deref()), (None, Some(text)));
        }
    }
    let unknown = |session: &Session, word, payload| {
        let refused = said(session, word, payload).unwrap_err();
        assert_eq!(refused.code(), "UNKNOWN_EVENT", "{word} {payload}");
    };
    for word in ["", "ping", "pong", "heartbeat", "keepalive"] {
        unknown(&second, word, "{}");
    }
    unknown(&second, "hello", r#"{"at":1}"#);
    unknown(&second, "hello", "null");
    unknown(&in_room("r", 0), "hello", "{}");
}

#[test]
fn two_words_with_a_room_tell_that_a_socket_speaks_this_dialect() {
    let typical = |word, payload: &str| is_typical(word, &[&raw(payload)]);
    for word in ["join", "message"] {
        assert!(typical(word, r#"{"roomId":"r"}"#));
        assert!(!typical(word, r#"{"room":"r"}"#));
        assert!(!typical(word, "\"r\""));
        assert!(!is_typical(word, &[]));
    }
    assert!(!typical("join_room", r#"{"roomId":"r"}"#));
}
