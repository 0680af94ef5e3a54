//! Bodies of REST calls: whatever JSON comes is a request within its limits, or is refused.
//!
//! An input is JSON, which every path gets that takes any.

use serde_json::value::RawValue;
use sohbet::wire::native::rest as native;
use sohbet::wire::{chatsphere, gallery, messaging, school};

use crate::events::{assert_desk, assert_draft, assert_id};
use crate::{MAX_INPUT_BYTES, Target};

/// Bodies of REST calls in every dialect.
pub struct Bodies;

impl Target for Bodies {
    fn start() -> Self {
        Self
    }

    fn run(&self, input: &[u8]) {
        let input = &input[..input.len().min(MAX_INPUT_BYTES)];
        let Ok(body) = serde_json::from_slice::<&RawValue>(input) else {
            return;
        };
        read_as_native(body);
        read_as_gallery(body);
        read_as_chatsphere(body);
        if let Ok(posted) = messaging::rest::parse_message(body) {
            assert_draft(&posted.draft);
        }
        if let Ok(mark) = messaging::rest::parse_read_mark(body) {
            assert_id(&mark.conversation);
            assert_id(&mark.reader);
        }
        if let Ok(draft) = school::rest::parse_message(body) {
            assert_draft(&draft);
        }
        if let Ok(marked) = school::rest::parse_marked(body) {
            marked.iter().for_each(assert_id);
        }
    }
}

fn read_as_native(body: &RawValue) {
    let (conversation, message) = (|| "c".into(), || "m".into());
    let requests = [
        native::pair(body),
        native::room(body),
        native::change(conversation(), body),
        native::participant(conversation(), body),
        native::role_of(conversation(), "u".into(), body),
        native::edit(message(), body),
        native::read(conversation(), body),
    ];
    requests.iter().flatten().for_each(assert_desk);
    if let Ok(draft) = native::message(conversation(), body) {
        assert_draft(&draft);
    }
    if let Ok(token) = native::token(body) {
        assert!(!token.name.is_empty() && !token.permissions.is_empty());
        token.user.iter().for_each(assert_id);
    }
    let _ = native::account_change(body);
}

fn read_as_gallery(body: &RawValue) {
    let drafts = [
        gallery::rest::parse_message("c".into(), body),
        gallery::rest::parse_file("c".into(), body),
    ];
    drafts.iter().flatten().for_each(assert_draft);
    if let Ok(room) = gallery::rest::parse_room(body) {
        room.other.iter().for_each(assert_id);
        room.offer.iter().for_each(assert_id);
        room.vehicle.iter().for_each(assert_id);
    }
}

fn read_as_chatsphere(body: &RawValue) {
    let _ = chatsphere::rest::parse_token(body);
    let _ = chatsphere::rest::parse_permissions(body);
    if let Ok(name) = chatsphere::rest::parse_username(body) {
        assert!(!name.is_empty() && !name.contains('\0'));
    }
    if let Ok((name, user)) = chatsphere::rest::parse_room(body) {
        assert!(!name.is_empty() && !name.contains('\0'));
        user.iter().for_each(assert_id);
    }
    if let Ok(user) = chatsphere::rest::parse_user(body, "") {
        assert_id(&user);
    }
    if let Ok((user, _)) = chatsphere::rest::parse_client(body) {
        assert_id(&user);
    }
    if let Ok(posted) = chatsphere::rest::parse_message(body) {
        assert_draft(&posted.into_draft("c".into()));
    }
}
