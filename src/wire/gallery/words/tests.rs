use super::*;

fn parsed(event: &str, argument: &str) -> Result<SocketRequest, Error> {
    let argument = RawValue::from_string(argument.into()).unwrap();
    parse(event, &[&argument])
}

#[test]
fn a_room_is_named_alone_or_in_an_object() {
    let cases = [
        ("\"r-1\"", "r-1"),
        ("{\"roomId\":\"r-1\"}", "r-1"),
        ("{\"roomId\":\"r-1\",\"more\":1}", "r-1"),
        ("7", "7"),
        ("{\"roomId\":7}", "7"),
        ("\"007\"", "007"),
    ];
    for (argument, id) in cases {
        let conversation = || ConversationId::from(id);
        let requests = [
            Request::JoinConversation {
                conversation: conversation(),
            },
            Request::LeaveConversation {
                conversation: conversation(),
            },
            Request::SetTyping {
                conversation: conversation(),
                user: None,
                is_typing: true,
            },
            Request::SetTyping {
                conversation: conversation(),
                user: None,
                is_typing: false,
            },
        ];
        for (word, request) in WORDS.into_iter().zip(requests) {
            let asked = parsed(word, argument).unwrap();
            assert_eq!(asked.request, request, "{word} {argument}");
            assert_eq!(asked.word, word);
            assert_eq!(asked.echo.unwrap().get(), format!("\"{id}\""));
        }
    }
}

#[test]
fn without_an_id_there_is_no_room() {
    let long = format!("\"{}\"", "x".repeat(129));
    let arguments = [
        "null",
        "\"\"",
        "{}",
        "{\"roomId\":null}",
        "{\"roomId\":{\"roomId\":\"x\"}}",
        "{\"room\":\"x\"}",
        "[\"x\"]",
        "true",
        "-1",
        "1.5",
        "\"a\\u0000b\"",
        &long,
    ];
    for word in WORDS {
        for argument in arguments {
            let error = parsed(word, argument).unwrap_err();
            assert_eq!(error, Error::InvalidPayload("roomId is required"));
        }
        assert!(parse(word, &[]).is_err());
    }
}

#[test]
fn there_are_no_other_words() {
    for event in ["send_message", "mark_read", "new_message", "", "Join_room"] {
        let error = parsed(event, "\"r\"").unwrap_err();
        assert_eq!(error, Error::unknown_event(event));
    }
}

#[test]
fn typical_words_decide_the_dialect() {
    let decides = |event: &str, argument: &str| {
        let argument = RawValue::from_string(argument.into()).unwrap();
        is_typical(event, &[&argument])
    };
    for argument in ["\"r\"", "7", "{\"roomId\":\"r\"}"] {
        assert!(decides("join_room", argument), "{argument}");
        assert!(decides("leave_room", argument), "{argument}");
    }
    for argument in ["{\"room\":\"r\"}", "null", "[]", "true", "{}"] {
        assert!(!decides("join_room", argument), "{argument}");
        assert!(decides("typing_start", argument), "{argument}");
    }
    assert!(is_typical("typing_stop", &[]));
    assert!(!is_typical("join_room", &[]));
    assert!(!decides("send_message", "{\"roomId\":\"r\"}"));
}
