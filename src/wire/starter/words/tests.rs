use super::*;

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.into()).unwrap()
}

fn parsed(event: &str, argument: &str) -> Result<LobbyRequest> {
    let argument = raw(argument);
    let asked = parse(event, &[&argument])?;
    assert!(asked.as_guest, "{event}");
    match asked.request {
        Request::Lobby(request) => Ok(request),
        other => panic!("{other:?}"),
    }
}

fn said(event: &str, argument: &str) -> Said {
    match parsed(event, argument) {
        Ok(LobbyRequest::Say(said)) => *said,
        other => panic!("{event} {argument}: {other:?}"),
    }
}

fn join(name: Option<&str>, room: Option<&str>) -> Result<LobbyRequest> {
    Ok(LobbyRequest::Join {
        name: name.map(str::to_owned),
        room: room.map(ConversationId::from),
    })
}

#[test]
fn who_joins_gives_a_name_and_perhaps_a_room() {
    for (argument, name, room) in [
        (r#""ali""#, Some("ali"), None),
        (r#""  ali\n""#, Some("ali"), None),
        (r#"{"username":"ali"}"#, Some("ali"), None),
        (r#"{"username":"ali","room":null}"#, Some("ali"), None),
        (
            r#"{"username":"ali","room":"tech"}"#,
            Some("ali"),
            Some("tech"),
        ),
        (
            r#"{"username":"ali","room":""}"#,
            Some("ali"),
            Some("general"),
        ),
        (r#"{"username":"ali","room":7}"#, Some("ali"), Some("7")),
        (r#""""#, None, None),
        ("5", None, None),
        ("null", None, None),
        (r#"{"username":5}"#, None, None),
        (r#"{"username":" \n","room":"tech"}"#, None, Some("tech")),
    ] {
        assert_eq!(
            parsed("user_join", argument),
            join(name, room),
            "{argument}"
        );
    }
    for wrong in [
        r#""a\u0000b""#,
        r#"{"username":"a","room":{}}"#,
        r#"{"username":"a","room":" "}"#,
    ] {
        assert_eq!(parsed("user_join", wrong), Err(INVALID), "{wrong}");
    }
    let long = format!("\"{}\"", "ş".repeat(MAX_NAME_CHARS + 1));
    assert!(matches!(
        parsed("user_join", &long),
        Err(Error::TooLarge(_))
    ));
}

#[test]
fn a_message_is_a_text_or_an_object_that_is_passed_on() {
    for argument in [r#""hi""#, r#"{"message":"hi"}"#] {
        let said = said("send_message", argument);
        assert_eq!(
            (said.text.as_deref(), said.passed),
            (Some("hi"), None),
            "{argument}"
        );
        assert_eq!(said.to, Whom::All { room: None });
    }
    let more = r#"{"message":"hi","b":1.50,"a":{"z":[1]},"id":1,"sender":"eve","senderId":"x","timestamp":0}"#;
    let more = said("send_message", more);
    assert_eq!(more.passed.as_deref(), Some(r#"{"b":1.50,"a":{"z":[1]}}"#));
    let bare = said("send_message", r#"{"image":"/a.png","room":"tech"}"#);
    assert_eq!(bare.text, None);
    assert_eq!(
        bare.to,
        Whom::All {
            room: Some("tech".into())
        }
    );
    let odd = said("send_message", r#"{"message":5,"room":{}}"#);
    assert_eq!(odd.passed.as_deref(), Some(r#"{"message":5,"room":{}}"#));
    let known = said("send_message", r#"{"message":"x","clientMessageId":"c"}"#);
    assert!(known.client_id.is_some());
}

#[test]
fn what_says_nothing_or_cannot_be_stored_is_refused() {
    for wrong in ["null", "{}", "[]", "5", "true", r#"{"id":1}"#] {
        assert_eq!(parsed("send_message", wrong), Err(MISSING), "{wrong}");
    }
    for wrong in [
        r#""a\u0000b""#,
        r#"{"message":"a\u0000b"}"#,
        r#"{"message":"x","color":"\u0000"}"#,
        r#"{"message":"x","\u0000":1}"#,
        r#"{"message":"x","a":["\\\u0000"]}"#,
        r#"{"message":"x","clientId":5}"#,
    ] {
        assert_eq!(parsed("send_message", wrong), Err(INVALID), "{wrong}");
    }
    assert!(parsed("send_message", r#"{"message":"a\\u0000b","c":"\\u0000"}"#).is_ok());
    let large = format!(
        r#"{{"message":"x","a":"{}"}}"#,
        "y".repeat(MAX_PASSED_BYTES)
    );
    assert!(matches!(
        parsed("send_message", &large),
        Err(Error::TooLarge(_))
    ));
}

#[test]
fn a_private_message_names_a_socket_and_says_something() {
    let private = said(
        "private_message",
        r#"{"to":"s1","message":"psst","color":"red"}"#,
    );
    assert_eq!(private.to, Whom::Socket("s1".into()));
    assert_eq!(
        (private.text.as_deref(), private.passed),
        (Some("psst"), None)
    );
    for wrong in [
        "null",
        "\"x\"",
        r#"{"to":"s1"}"#,
        r#"{"message":"x"}"#,
        r#"{"to":"s1","message":""}"#,
    ] {
        assert_eq!(parsed("private_message", wrong), Err(MISSING), "{wrong}");
    }
}

#[test]
fn typing_is_a_switch_bare_or_in_an_object() {
    for (argument, is_typing) in [
        ("true", true),
        ("false", false),
        (r#"{"isTyping":true,"room":"tech"}"#, true),
        (r#"{"isTyping":false}"#, false),
    ] {
        let request = LobbyRequest::SetTyping { is_typing };
        assert_eq!(parsed("typing", argument), Ok(request), "{argument}");
    }
    for wrong in ["null", "5", "\"yes\"", "[]", "{}", r#"{"isTyping":"yes"}"#] {
        assert_eq!(parsed("typing", wrong), Err(MISSING), "{wrong}");
    }
}

#[test]
fn messages_are_named_by_numbers_or_texts() {
    for id in ["1234567890123", "\"1234567890123\""] {
        let request = LobbyRequest::MarkRead {
            message: "1234567890123".into(),
            room: None,
        };
        let argument = format!(r#"{{"messageId":{id}}}"#);
        assert_eq!(parsed("mark_read", &argument), Ok(request));
    }
    for (word, is_added) in [("add_reaction", true), ("remove_reaction", false)] {
        let request = LobbyRequest::React(WantedReaction {
            message: "7".into(),
            room: Some("tech".into()),
            emoji: "👍".into(),
            is_added,
        });
        let argument = r#"{"messageId":7,"reaction":"👍","room":"tech"}"#;
        assert_eq!(parsed(word, argument), Ok(request));
        let long = format!(
            r#"{{"messageId":7,"reaction":"{}"}}"#,
            "x".repeat(MAX_REACTION_CHARS + 1)
        );
        assert!(matches!(parsed(word, &long), Err(Error::TooLarge(_))));
        for wrong in [
            r#"{"messageId":7}"#,
            r#"{"reaction":"x"}"#,
            r#"{"messageId":-1,"reaction":"x"}"#,
        ] {
            assert!(
                matches!(parsed(word, wrong), Err(Error::InvalidPayload(_))),
                "{wrong}"
            );
        }
    }
}

#[test]
fn pages_and_searches_have_limits() {
    let load = |page, limit| {
        Ok(LobbyRequest::Load {
            room: None,
            page,
            limit,
        })
    };
    for argument in ["null", "{}", r#"{"page":null,"limit":null}"#] {
        assert_eq!(
            parsed("load_messages", argument),
            load(0, PAGE),
            "{argument}"
        );
    }
    assert_eq!(
        parsed("load_messages", r#"{"page":2,"limit":10}"#),
        load(2, 10)
    );
    assert_eq!(
        parsed("load_messages", r#"{"limit":1000000000}"#),
        load(0, MAX_PAGE)
    );
    for wrong in [
        r#"{"page":-1}"#,
        r#"{"page":1.5}"#,
        r#"{"page":"x"}"#,
        r#"{"limit":0}"#,
    ] {
        assert_eq!(parsed("load_messages", wrong), Err(INVALID), "{wrong}");
    }
    let search = LobbyRequest::Search {
        room: None,
        query: " İzmir".into(),
    };
    assert_eq!(
        parsed("search_messages", r#"{"query":" İzmir"}"#),
        Ok(search)
    );
    for wrong in ["null", "{}", r#"{"query":""}"#, r#"{"query":"  "}"#] {
        assert_eq!(parsed("search_messages", wrong), Err(MISSING), "{wrong}");
    }
    let long = format!(r#"{{"query":"{}"}}"#, "x".repeat(MAX_QUERY_CHARS + 1));
    assert!(matches!(
        parsed("search_messages", &long),
        Err(Error::TooLarge(_))
    ));
}

#[test]
fn a_first_event_tells_the_dialect_by_name_or_shape() {
    let tells = |event: &str, argument: &str| {
        let argument = raw(argument);
        is_typical(event, &[&argument])
    };
    for (event, argument) in [
        ("user_join", "null"),
        ("private_message", "5"),
        ("send_message", "\"x\""),
        ("typing", "true"),
        ("typing", r#"{"isTyping":true}"#),
        ("mark_read", r#"{"messageId":1}"#),
        ("join_room", r#"{"room":"tech"}"#),
    ] {
        assert!(tells(event, argument), "{event} {argument}");
    }
    for (event, argument) in [
        ("typing", "5"),
        ("typing", r#"{"conversationId":1}"#),
        ("mark_read", r#"{"conversationId":1}"#),
        ("join_room", "\"tech\""),
        ("join_room", r#"{"roomId":"x"}"#),
        ("add_reaction", r#"{"messageId":1,"reaction":"x"}"#),
    ] {
        assert!(!tells(event, argument), "{event} {argument}");
    }
}
