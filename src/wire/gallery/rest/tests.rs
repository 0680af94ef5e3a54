use super::*;

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.into()).unwrap()
}

fn room(json: &str) -> Result<NewDealerRoom, Wrong> {
    parse_room(&raw(json))
}

fn message(json: &str) -> Result<Draft, Wrong> {
    parse_message("r".into(), &raw(json))
}

fn file(json: &str) -> Result<Draft, Wrong> {
    parse_file("r".into(), &raw(json))
}

fn assert_wrong<T: std::fmt::Debug>(parsed: Result<T, Wrong>, field: &str, what: &str) {
    match parsed {
        Err(Wrong::Field { name, .. }) => assert_eq!(name, field, "{what}"),
        other => panic!("{what}: {other:?}"),
    }
}

#[test]
fn a_room_has_a_type_and_its_subject() {
    let parsed = room(r#"{"roomType":"offer","offerId":17,"otherGalleryId":"gb"}"#).unwrap();
    assert_eq!(parsed.room_type, RoomType::Offer);
    assert_eq!(parsed.offer, Some(OfferId::from("17")));
    assert_eq!(parsed.vehicle, None);
    assert_eq!(parsed.other, Some(GalleryId::from("gb")));
    for (json, field) in [
        ("{}", "roomType"),
        (r#"{"roomType":"Offer"}"#, "roomType"),
        (r#"{"roomType":"group"}"#, "roomType"),
        (r#"{"roomType":"offer"}"#, "offerId"),
        (r#"{"roomType":"offer","offerId":""}"#, "offerId"),
        (r#"{"roomType":"support","offerId":[]}"#, "offerId"),
        (r#"{"roomType":"vehicle"}"#, "vehicleId"),
        (
            r#"{"roomType":"support","otherGalleryId":true}"#,
            "otherGalleryId",
        ),
    ] {
        assert_wrong(room(json), field, json);
    }
    assert_eq!(room("[]"), Err(Wrong::Body));
}

#[test]
fn a_text_needs_content_and_other_kinds_do_not() {
    let draft = message(r#"{"content":"hi"}"#).unwrap();
    assert_eq!(
        (draft.kind.as_str(), draft.content.as_deref()),
        ("text", Some("hi"))
    );
    assert_eq!(draft.target, Target::Conversation("r".into()));
    for json in [
        "{}",
        r#"{"content":""}"#,
        r#"{"content":5}"#,
        r#"{"content":null}"#,
    ] {
        let required = Wrong::field("content", "Message content is required");
        assert_eq!(message(json), Err(required), "{json}");
    }
    let draft = message(r#"{"messageType":"offer_update","metadata":{"x":1}}"#).unwrap();
    assert_eq!(draft.content, None);
    assert_eq!(draft.metadata, Some(serde_json::json!({"x": 1})));
}

#[test]
fn wrong_fields_of_a_message_are_named() {
    let rest = r#""content":"x""#;
    for (field, value) in [
        ("messageType", "\"bogus\""),
        ("messageType", "\"\""),
        ("messageType", "5"),
        ("metadata", "[]"),
        ("metadata", "\"x\""),
        ("metadata", r#"{"a":["\u0000"]}"#),
        ("metadata", r#"{"a\u0000":1}"#),
        ("clientMessageId", "\"\""),
        ("clientId", "5"),
    ] {
        let json = format!("{{{rest},\"{field}\":{value}}}");
        assert_wrong(message(&json), field, &json);
    }
    let large = format!(
        "{{{rest},\"metadata\":{{\"a\":\"{}\"}}}}",
        "x".repeat(70_000)
    );
    assert!(matches!(message(&large), Err(Wrong::TooLarge(_))));
}

#[test]
fn a_file_has_an_address_and_a_name() {
    let json = r#"{"fileUrl":"HTTPS://x/a.jpg","fileName":"a.jpg","fileSize":"12","fileType":""}"#;
    let draft = file(json).unwrap();
    assert_eq!((draft.kind.as_str(), draft.content), ("file", None));
    assert_eq!((draft.file.size, draft.file.media_type), (Some(12), None));
    let rest = r#""fileUrl":"/uploads/a.jpg","fileName":"a.jpg""#;
    assert!(file(&format!("{{{rest}}}")).is_ok());
    for (field, value) in [
        ("fileUrl", "\"\""),
        ("fileUrl", "5"),
        ("fileUrl", "\"javascript:alert(1)\""),
        ("fileUrl", "\" javascript:alert(1)\""),
        ("fileUrl", "\"data:text/html,x\""),
        ("fileUrl", "\"ftp://x/a.jpg\""),
        ("fileName", "null"),
        ("fileSize", "-1"),
        ("fileSize", "1.5"),
        ("fileSize", "\"many\""),
        ("fileType", "{}"),
    ] {
        let json = format!("{{{rest},\"{field}\":{value}}}");
        assert_wrong(file(&json), field, &json);
    }
}
