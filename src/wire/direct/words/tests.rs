use super::*;
use crate::chat::tests_support::session;

fn parsed(event: &str, arguments: &[&str]) -> Result<SocketRequest> {
    let raw = |text: &&str| RawValue::from_string((*text).into()).unwrap();
    let arguments: Vec<_> = arguments.iter().map(raw).collect();
    let arguments: Vec<&RawValue> = arguments.iter().map(|argument| &**argument).collect();
    parse(event, &arguments, &session("own-socket"))
}

fn sent(event: &str, arguments: &[&str]) -> (Draft, Option<String>) {
    let asked = parsed(event, arguments).unwrap();
    let Request::Send(draft) = asked.request else {
        panic!("{event} is no message");
    };
    (*draft, asked.echo.map(|echo| echo.get().to_owned()))
}

#[test]
fn every_way_to_register_says_the_same() {
    for word in REGISTER {
        for argument in ["1", "\"1\"", "{\"userId\":1}", "{\"id\":\"1\"}"] {
            let request = Request::JoinUser {
                user: "1".into(),
                name: None,
                wants_waiting: true,
            };
            assert_eq!(parsed(word, &[argument]).unwrap().request, request);
        }
        for argument in ["null", "false", "\"\"", "{}", "[]", "-1"] {
            assert!(parsed(word, &[argument]).is_err(), "{word} {argument}");
        }
    }
}

#[test]
fn the_first_of_several_names_counts() {
    let (draft, _) = sent(
        "chat",
        &[r#"{"to":3,"recipientId":2,"text":"b","message":"a"}"#],
    );
    let target = Target::User {
        receiver: "2".into(),
        conversation: ConversationHint::None,
    };
    assert_eq!(
        (draft.target, draft.content.as_deref()),
        (target, Some("a"))
    );
}

#[test]
fn groups_are_echoed_as_they_were_written() {
    for (arguments, echo) in [
        (vec![r#"{"groupId":5,"messageContent":"x"}"#], "5"),
        (vec![r#"{"groupId":"5","messageContent":"x"}"#], "\"5\""),
        (vec!["\"x\"", "5"], "5"),
        (vec![r#"{"messageContent":"x"}"#, "\"5\""], "\"5\""),
    ] {
        let (draft, echoed) = sent("groupChat", &arguments);
        assert_eq!(draft.target, Target::Conversation("5".into()));
        assert_eq!(echoed.as_deref(), Some(echo));
    }
}

#[test]
fn content_may_be_any_json() {
    for (content, kind) in [("{\"a\":[1]}", "json"), ("5", "json"), ("\"ü\"", "text")] {
        let argument = format!("{{\"to\":2,\"message\":{content}}}");
        let (draft, _) = sent("chat", &[&argument]);
        let expected = content.trim_matches('"');
        assert_eq!(draft.content.as_deref(), Some(expected));
        assert_eq!(draft.kind, kind);
    }
    for content in ["null", "\"\"", "\"a\\u0000\"", "{\"a\":[\"\\u0000\"]}"] {
        let argument = format!("{{\"to\":2,\"message\":{content}}}");
        assert!(parsed("chat", &[&argument]).is_err(), "{content}");
    }
}
