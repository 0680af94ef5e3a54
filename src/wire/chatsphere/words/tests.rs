use super::*;
use crate::chat::tests_support::session;

fn parsed(session: &Session, event: &str, argument: &str) -> Result<Request> {
    let argument = RawValue::from_string(argument.into()).unwrap();
    parse(event, &[&argument], session).map(|asked| asked.request)
}

fn opened(id: &str, user: Option<&str>) -> Request {
    Request::OpenConversation {
        conversation: id.into(),
        user: user.map(UserId::from),
        n_messages: N_SHOWN,
    }
}

fn sent(request: Result<Request>) -> (Target, Option<String>) {
    match request {
        Ok(Request::Send(draft)) => (draft.target, draft.content),
        other => panic!("no message: {other:?}"),
    }
}

#[test]
fn the_word_that_joins_decides_on_the_spelling() {
    let w = session("w");
    let join = parsed(&w, "join", r#"{"roomId":"r","userId":"u"}"#);
    assert_eq!((join, w.spelling()), (Ok(opened("r", Some("u"))), 0));
    let join = parsed(&w, "join_room", r#"{"roomId":"r"}"#);
    assert_eq!(
        (join, w.spelling()),
        (Ok(opened("r", None)), SECOND_SPELLING)
    );
    for wrong in ["{}", "null", r#"{"roomId":""}"#, r#"{"roomId":{}}"#] {
        assert_eq!(parsed(&w, "join", wrong), Err(NO_ROOM), "{wrong}");
    }
}

#[test]
fn who_joined_nothing_is_not_heard() {
    let w = session("w");
    let message = r#"{"roomId":"r","content":"hi"}"#;
    assert_eq!(parsed(&w, "message", message), Err(NOT_JOINED));
    assert_eq!(parsed(&w, "leave", "{}"), Err(NOT_JOINED));
}

#[test]
fn a_message_goes_to_its_room_or_to_the_joined_one() {
    let w = session("w");
    w.set_room(Some("joined".into()));
    let to = |id: &str| Target::Conversation(id.into());
    let named = sent(parsed(&w, "message", r#"{"roomId":"r","content":"hi"}"#));
    assert_eq!(named, (to("r"), Some("hi".into())));
    let unnamed = sent(parsed(&w, "new_message", r#"{"content":"hi"}"#));
    assert_eq!(unnamed, (to("joined"), Some("hi".into())));
    for wrong in [
        "{}",
        r#"{"content":""}"#,
        r#"{"content":5}"#,
        r#"{"content":"\u0000"}"#,
    ] {
        assert!(parsed(&w, "message", wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_bare_type_is_a_text_in_the_second_spelling_only() {
    let w = session("w");
    w.set_room(Some("r".into()));
    let bare = r#"{"type":"hello there"}"#;
    assert!(parsed(&w, "hello there", bare).is_err());
    w.set_spelling(SECOND_SPELLING);
    let (_, content) = sent(parsed(&w, "hello there", bare));
    assert_eq!(content.as_deref(), Some("hello there"));
    for heartbeat in HEARTBEATS {
        assert!(parsed(&w, heartbeat, bare).is_err(), "{heartbeat}");
    }
    assert!(parsed(&w, "typing", r#"{"type":"typing","on":true}"#).is_err());
}
