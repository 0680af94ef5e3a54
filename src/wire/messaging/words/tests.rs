use super::*;

fn parsed(event: &str, argument: &str) -> Result<Request, Error> {
    let argument = RawValue::from_string(argument.into()).unwrap();
    match parse(event, &[&argument]) {
        Ok(asked) => Ok(asked.request),
        Err(refused) => Err(refused),
    }
}

fn send(argument: &str) -> Draft {
    match parsed("send_message", argument) {
        Ok(Request::Send(draft)) => *draft,
        other => panic!("{other:?}"),
    }
}

#[test]
fn ids_come_bare_or_in_an_object_as_text_or_number() {
    for argument in ["5", "\"5\"", "{\"userId\":5}", "{\"userId\":\"5\"}"] {
        let user = UserId::from("5");
        assert_eq!(
            parsed("join_user_room", argument),
            Ok(Request::JoinUser {
                user,
                name: None,
                wants_waiting: false
            })
        );
    }
    for argument in ["5", "\"5\"", "{\"conversationId\":5}"] {
        let conversation = ConversationId::from("5");
        let request = Request::JoinConversation { conversation };
        assert_eq!(parsed("join_conversation", argument), Ok(request));
    }
}

#[test]
fn a_missing_user_has_its_own_text() {
    for argument in [
        "0",
        "\"\"",
        "null",
        "false",
        "{}",
        "[]",
        "-1",
        "{\"userId\":{}}",
    ] {
        let error = Error::InvalidPayload("User ID required");
        assert_eq!(parsed("join_user_room", argument), Err(error), "{argument}");
    }
}

#[test]
fn a_message_is_read_with_all_its_fields() {
    let draft = send(
        r#"{"conversationId":42,"senderId":"1","receiverId":2,"content":"hi","type":"image",
            "fileUrl":"/x.png","fileName":"x.png","fileSize":"123","fileType":"image/png",
            "tempId":"t1","something":"else"}"#,
    );
    assert_eq!(draft.sender, Some(UserId::from("1")));
    let target = Target::User {
        receiver: "2".into(),
        conversation: ConversationHint::Wish("42".into()),
    };
    assert_eq!(draft.target, target);
    assert_eq!(draft.kind, "image");
    assert_eq!(draft.file.size, Some(123));
    assert_eq!(draft.client_id, Some(ClientId::Temporary("t1".into())));
}

#[test]
fn empty_text_counts_as_none_and_the_kind_is_text() {
    let draft =
        send(r#"{"conversationId":1,"senderId":1,"receiverId":2,"content":"","fileUrl":"/x"}"#);
    assert_eq!(draft.content, None);
    assert_eq!(draft.kind, "text");
}

#[test]
fn an_explicit_client_id_counts_before_a_temporary_one() {
    let draft = send(
        r#"{"conversationId":1,"senderId":1,"receiverId":2,"content":"x","tempId":7,"clientMessageId":"c"}"#,
    );
    assert_eq!(draft.client_id, Some(ClientId::Explicit("c".into())));
}

#[test]
fn the_temporary_id_is_told_even_with_a_refusal() {
    let argument = RawValue::from_string(r#"{"tempId":6,"senderId":1}"#.into()).unwrap();
    let Err(refused) = parse("send_message", &[&argument]) else {
        panic!("a message without receiver was accepted");
    };
    assert_eq!(refused, MISSING);
    let told = echo("send_message", &[&argument]);
    assert_eq!(told.unwrap().get(), "6");
}

#[test]
fn malformed_messages_are_refused() {
    let rest = r#""conversationId":1,"senderId":1,"receiverId":2"#;
    let cases = [
        "null".to_owned(),
        "5".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        format!("{{{rest}}}"),
        format!("{{{rest},\"content\":\"\"}}"),
        format!("{{{rest},\"content\":5}}"),
        format!("{{{rest},\"content\":\"a\\u0000b\"}}"),
        format!("{{{rest},\"content\":\"\\ud800\"}}"),
        format!("{{{rest},\"content\":\"x\",\"type\":5}}"),
        format!("{{{rest},\"content\":\"x\",\"fileSize\":-1}}"),
        format!("{{{rest},\"content\":\"x\",\"fileSize\":\"big\"}}"),
        format!("{{{rest},\"content\":\"x\",\"tempId\":{{}}}}"),
        format!("{{{rest},\"content\":\"x\",\"clientMessageId\":\"\"}}"),
        r#"{"conversationId":0,"senderId":1,"receiverId":2,"content":"x"}"#.to_owned(),
        r#"{"conversationId":1,"senderId":1.5,"receiverId":2,"content":"x"}"#.to_owned(),
        r#"{"conversationId":1,"senderId":1,"receiverId":[2],"content":"x"}"#.to_owned(),
    ];
    for case in cases {
        assert_eq!(parsed("send_message", &case), Err(MISSING), "{case}");
    }
}

#[test]
fn typical_words_decide_the_dialect() {
    let decides = |event: &str, argument: &str| {
        let argument = RawValue::from_string(argument.into()).unwrap();
        is_typical(event, &[&argument])
    };
    assert!(decides("join_user_room", "1"));
    assert!(decides("send_message", r#"{"receiverId":2}"#));
    assert!(decides("typing", r#"{"conversationId":2}"#));
    assert!(!decides("typing", "true"));
    assert!(!decides("send_message", r#"{"message":"x"}"#));
    assert!(!decides("foo", "{}"));
}
