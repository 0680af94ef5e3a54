use sohbet_entity::enums::ParticipantRole;

use super::*;
use crate::chat::tests_support::session;
use crate::chat::{ClientId, MAX_KNOWN, Since};

fn parsed(event: &str, argument: &str) -> Result<SocketRequest> {
    let argument = RawValue::from_string(argument.into()).unwrap();
    parse(event, &[&argument], &session("own-socket"))
}

fn desk(event: &str, argument: &str) -> Result<DeskRequest> {
    match parsed(event, argument)?.request {
        Request::Desk(request) => Ok(request),
        other => panic!("{event} is {other:?}"),
    }
}

fn sent(fields: &str) -> Result<Draft> {
    match parsed(
        "send_message",
        &format!(r#"{{"conversationId":"c",{fields}}}"#),
    )?
    .request
    {
        Request::Send(draft) => Ok(*draft),
        other => panic!("a message is {other:?}"),
    }
}

fn code<T>(result: Result<T>) -> Option<&'static str> {
    result.err().map(|error| error.code())
}

#[test]
fn lists_have_a_usual_and_a_largest_length() {
    let listed = |argument: &str| desk("list_conversations", argument);
    for (argument, limit) in [("{}", 50), ("null", 50), (r#"{"limit":100}"#, 100)] {
        let expected = DeskRequest::List { limit, after: None };
        assert_eq!(listed(argument), Ok(expected), "{argument}");
    }
    for limit in ["0", "101", "-1", "1.5", "1e1", "\"5\"", "true", "{}"] {
        let argument = format!(r#"{{"limit":{limit}}}"#);
        assert_eq!(listed(&argument), Err(LIMIT.wrong), "{limit}");
    }
}

#[test]
fn a_cursor_is_read_as_it_was_written() {
    let activity = chrono::DateTime::from_timestamp_micros(1_795_251_903_120_999).unwrap();
    let cursor = crate::chat::Cursor {
        activity,
        id: "a_b".into(),
    };
    assert_eq!(read_cursor(&write_cursor(&cursor)), Ok(cursor));
    for wrong in ["", "x", "5", "_c", "-5_c", "5_", "99999999999999999_c"] {
        assert_eq!(read_cursor(wrong), Err(CURSOR.wrong), "{wrong}");
    }
}

#[test]
fn a_bare_id_opens_and_leaves() {
    for argument in ["7", "\"7\"", r#"{"conversationId":7}"#] {
        let conversation = ConversationId::from("7");
        let open = DeskRequest::Open {
            conversation: conversation.clone(),
        };
        assert_eq!(desk("join_room", argument), Ok(open));
        let leave = DeskRequest::Leave { conversation };
        assert_eq!(desk("leave_room", argument), Ok(leave));
    }
    for argument in ["\"\"", "null", "false", "[]", "{}", "1.5"] {
        assert_eq!(
            desk("join_room", argument),
            Err(CONVERSATION.wrong),
            "{argument}"
        );
    }
}

#[test]
fn a_room_needs_a_name_and_takes_what_else_is_said() {
    let made = desk(
        "create_room",
        r#"{"name":"n","description":"d","userIds":[1,"b"],"key":"k","isOpen":true}"#,
    );
    let expected = RoomDraft {
        name: "n".into(),
        description: Some("d".into()),
        users: vec!["1".into(), "b".into()],
        key: Some("k".into()),
        is_open: true,
    };
    assert_eq!(made, Ok(DeskRequest::CreateRoom(expected)));
    let refused = |argument: &str| code(desk("create_room", argument));
    let invalid = Some("INVALID_PAYLOAD");
    for argument in [
        "{}",
        r#"{"name":""}"#,
        r#"{"name":"n","userIds":"b"}"#,
        r#"{"name":"n","userIds":[null]}"#,
        r#"{"name":"n","userIds":[-1]}"#,
        r#"{"name":"n","key":""}"#,
        r#"{"name":"n","isOpen":1}"#,
    ] {
        assert_eq!(refused(argument), invalid, "{argument}");
    }
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(MAX_NAME_CHARS + 1));
    assert_eq!(refused(&long), Some("TOO_LARGE"));
}

#[test]
fn a_description_that_is_null_is_taken_away() {
    let changed = |fields: &str| {
        let argument = format!(r#"{{"conversationId":"c"{fields}}}"#);
        match desk("update_room", &argument) {
            Ok(DeskRequest::UpdateRoom { change, .. }) => change.description,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(changed(""), None);
    assert_eq!(changed(r#","description":null"#), Some(None));
    assert_eq!(changed(r#","description":"d""#), Some(Some("d".into())));
}

#[test]
fn roles_are_words_of_a_closed_set() {
    let role = |word: &str| {
        let argument = format!(r#"{{"conversationId":"c","userId":"u","role":{word}}}"#);
        match desk("set_role", &argument) {
            Ok(DeskRequest::SetRole { role, .. }) => Some(role),
            _ => None,
        }
    };
    assert_eq!(role("\"MODERATOR\""), Some(ParticipantRole::Moderator));
    for word in ["\"owner\"", "\"\"", "5", "null", "{}"] {
        assert_eq!(role(word), None, "{word}");
    }
}

#[test]
fn a_message_is_a_text_a_file_or_both() {
    let draft = sent(r#""content":"hi","clientMessageId":"m","replyTo":"x","metadata":{"a":1}"#);
    let draft = draft.unwrap();
    assert_eq!(draft.target, Target::Conversation("c".into()));
    assert_eq!(
        (draft.content.as_deref(), draft.kind.as_str()),
        (Some("hi"), "text")
    );
    assert_eq!(draft.client_id, Some(ClientId::Explicit("m".into())));
    assert_eq!(draft.metadata, Some(serde_json::json!({"a": 1})));
    let file = sent(r#""kind":"file","fileUrl":"/f","fileSize":5"#)
        .unwrap()
        .file;
    assert_eq!((file.url.as_deref(), file.size), (Some("/f"), Some(5)));
    let upload = sent(r#""uploadId":"u","fileUrl":"/ignored""#).unwrap();
    assert_eq!(upload.upload.map(|upload| upload.sets_kind), Some(true));
    assert_eq!(upload.file, File::default());
    for wrong in [
        r#""content":"""#,
        r#""content":5"#,
        r#""fileName":"a.png""#,
        r#""content":"x","kind":5"#,
        r#""content":"x","clientMessageId":"""#,
        r#""content":"x","replyTo":true"#,
        r#""content":"x","fileSize":-1"#,
        r#""content":"a\u0000""#,
    ] {
        assert_eq!(code(sent(wrong)), Some("INVALID_PAYLOAD"), "{wrong}");
    }
}

#[test]
fn metadata_is_an_object_without_keys_of_ours() {
    let kept = |value: &str| {
        let draft = sent(&format!(r#""content":"x","metadata":{value}"#))?;
        Ok(draft.metadata.unwrap().to_string())
    };
    assert_eq!(
        kept(r#"{"$mine":1,"b":[{"$c":null}]}"#),
        Ok(r#"{"b":[{"$c":null}]}"#.into())
    );
    for wrong in ["5", "[]", "\"x\"", r#"{"a":"\u0000"}"#, r#"{"\u0000":1}"#] {
        assert_eq!(kept(wrong), Err(METADATA.wrong), "{wrong}");
    }
    let deep = format!("{}1{}", r#"{"a":"#.repeat(500), "}".repeat(500));
    assert_eq!(kept(&deep), Err(METADATA.wrong));
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(70_000));
    assert_eq!(code(kept(&long)), Some("TOO_LARGE"));
}

#[test]
fn a_handshake_may_name_more_conversations_than_are_told_about() {
    let names: Vec<String> = (10_000..=10_000 + MAX_KNOWN)
        .map(|number| format!(r#""{number}":7"#))
        .collect();
    let since = format!(r#"{{"epoch":"e","conversations":{{{}}}}}"#, names.join(","));
    let too_many = Err(Error::TooLarge("Too many conversations"));
    assert_eq!(desk("sync", &since).map(|_| ()), too_many);
    let since = RawValue::from_string(since).unwrap();
    let since = crate::wire::native::fields::since_of(&since).unwrap();
    assert_eq!(since.conversations.len(), MAX_KNOWN);
    assert_eq!(since.beyond, [(10_000 + MAX_KNOWN).to_string().into()]);
}

#[test]
fn what_a_client_has_is_an_epoch_and_positions() {
    let synced = |argument: &str| match desk("sync", argument)? {
        DeskRequest::Sync(since) => Ok(since),
        other => panic!("{other:?}"),
    };
    let expected = Since {
        epoch: "e".into(),
        conversations: [("c".into(), 7)].into(),
        beyond: Vec::new(),
        time: None,
    };
    assert_eq!(
        synced(r#"{"epoch":"e","conversations":{"c":7}}"#),
        Ok(expected.clone())
    );
    let time = "2026-11-21T10:00:00.000Z";
    assert_eq!(
        synced(&format!(
            r#"{{"epoch":"e","conversations":{{"c":7}},"serverTime":"{time}"}}"#
        )),
        Ok(Since {
            time: Some(time.parse().unwrap()),
            ..expected
        })
    );
    for wrong in [
        "{}",
        r#"{"epoch":"e"}"#,
        r#"{"epoch":5,"conversations":{}}"#,
        r#"{"epoch":"e","conversations":[]}"#,
        r#"{"epoch":"e","conversations":{"c":-1}}"#,
        r#"{"epoch":"e","conversations":{"c":"7"}}"#,
        r#"{"epoch":"e","conversations":{"":7}}"#,
        r#"{"epoch":"e","conversations":{},"serverTime":"yesterday"}"#,
        r#"{"epoch":"e","conversations":{},"serverTime":5}"#,
    ] {
        assert_eq!(code(synced(wrong)), Some("INVALID_PAYLOAD"), "{wrong}");
    }
}

#[test]
fn fields_that_nobody_looks_at_are_named() {
    let ignored = |argument| {
        let echo = parsed("mark_read", argument).unwrap().echo;
        echo.map(|echo| echo.get().to_owned())
    };
    assert_eq!(ignored(r#"{"conversationId":1,"upTo":2}"#), None);
    assert_eq!(
        ignored(r#"{"conversationId":1,"upto":2,"x":1,"x":2}"#).as_deref(),
        Some(r#"["upto","x"]"#)
    );
}

#[test]
fn every_word_wants_an_object_and_others_are_unknown() {
    for (word, _) in WORDS {
        assert_eq!(
            code(parsed(word, "\u{20}[]")),
            Some("INVALID_PAYLOAD"),
            "{word}"
        );
    }
    for word in ["", "session", "new_message", "chat"] {
        assert_eq!(code(parsed(word, "{}")), Some("UNKNOWN_EVENT"), "{word}");
    }
}
