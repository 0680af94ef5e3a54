//! Payloads of events: whatever a client says in any dialect is a request within its limits, or a
//! refusal with a code.
//!
//! An input is a line `<dialect> <word>`, each a name or a number, and the JSON list of arguments.

use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;
use sohbet::auth::{Identity, Trust};
use sohbet::chat::{
    Change, ClientId, DeskRequest, Dialect, Draft, GroupRequest, LobbyRequest, MAX_ASKED,
    MAX_KNOWN, Outbox, Request, Session, Sessions, SocketRequest, Target,
};
use sohbet::error::{Error, Result};
use sohbet::wire::{self, Asked, Vocabulary};
use sohbet_entity::ids;

use crate::answers::assert_ack;
use crate::{MAX_INPUT_BYTES, Target as FuzzTarget, first_line};

/// Longest client id of a send, in characters (contract/README.md, 6.5).
const MAX_CLIENT_ID_CHARS: usize = 128;
/// Most messages in a page of any dialect.
const MAX_PAGE: u32 = 100;
/// Longest text for people, in bytes: what it repeats of a client is cut.
const MAX_REFUSAL_BYTES: usize = 1_024;

/// Payloads of events of every dialect.
pub struct Events {
    session: Arc<Session>,
}

impl FuzzTarget for Events {
    fn start() -> Self {
        let somebody = Identity {
            user: Some("1".into()),
            ..Identity::nobody(Trust::Claimed)
        };
        let session = Sessions::new(10).open("s".into(), somebody, None, Box::new(Nowhere));
        Self { session }
    }

    fn run(&self, input: &[u8]) {
        let (line, json) = first_line(&input[..input.len().min(MAX_INPUT_BYTES)]);
        let (Ok(line), Ok(json)) = (std::str::from_utf8(line), std::str::from_utf8(json)) else {
            return;
        };
        let Ok(arguments) = serde_json::from_str::<Vec<&RawValue>>(json) else {
            return;
        };
        let (dialect, word) = line.split_once(' ').unwrap_or((line, "0"));
        let dialect = choose(dialect, &Dialect::ALL, Dialect::name);
        let vocabulary = wire::vocabulary(dialect);
        let words = vocabulary.words();
        let word = match word.parse::<usize>() {
            Ok(number) => words[number % words.len()],
            Err(_) => word,
        };
        let _ = wire::infer(word, &arguments);
        let echo = vocabulary.echo(word, &arguments);
        match vocabulary.parse(word, &arguments, &self.session) {
            Ok(asked) => {
                assert!(words.contains(&asked.word), "{word} became {}", asked.word);
                assert_possible(&asked);
                let refused = Error::Forbidden("Forbidden");
                self.assert_answer(vocabulary, asked.word, echo.as_deref(), refused);
            }
            Err(error) => self.assert_answer(vocabulary, word, echo.as_deref(), error),
        }
    }
}

impl Events {
    /// A refusal is an acknowledgement of bounded length, and events that can be sent.
    fn assert_answer(
        &self,
        vocabulary: &dyn Vocabulary,
        word: &str,
        echo: Option<&RawValue>,
        error: Error,
    ) {
        let asked = Asked {
            word,
            echo,
            session: &self.session,
            wants_ack: true,
        };
        assert_ne!(error.code(), "INTERNAL");
        let refused: Result<_> = Err(error);
        let answer = vocabulary.answer(&asked, &refused);
        let ack = answer.ack.expect("an acknowledgement was asked for");
        let ack: Value = serde_json::from_str(ack.get()).unwrap();
        // Some refusals are no news to their client, and are answered like a success.
        assert_ack(&ack);
        assert!(ack["error"].to_string().len() < MAX_REFUSAL_BYTES);
        for frame in &answer.events {
            assert!(serde_json::from_str::<Value>(frame.body.get()).is_ok());
        }
    }
}

fn choose<T: Copy>(text: &str, all: &[T], name: fn(T) -> &'static str) -> T {
    let number = text.parse::<usize>().unwrap_or(0);
    let named = all.iter().find(|one| name(**one) == text);
    *named.unwrap_or(&all[number % all.len()])
}

/// What is asked for can be looked up and stored.
fn assert_possible(asked: &SocketRequest) {
    if let Some(echo) = &asked.echo {
        assert!(serde_json::from_str::<Value>(echo.get()).is_ok());
    }
    match &asked.request {
        Request::JoinUser { user, .. } => assert_id(user),
        Request::LeaveUser => {}
        Request::JoinConversation { conversation }
        | Request::LeaveConversation { conversation }
        | Request::MarkRead { conversation, .. }
        | Request::SetTyping { conversation, .. } => assert_id(conversation),
        Request::OpenConversation { conversation, .. } => assert_id(conversation),
        Request::RelayMessage { conversation, .. } | Request::RelayRead { conversation, .. } => {
            assert_id(conversation);
        }
        Request::MarkMessageRead { message } => assert_id(message),
        Request::Group(GroupRequest::Join { group } | GroupRequest::Leave { group }) => {
            assert_id(group);
        }
        Request::Send(draft) => assert_draft(draft),
        Request::Lobby(request) => assert_lobby(request),
        Request::Desk(request) => assert_desk(request),
    }
}

/// A message that can be stored as it is, once its conversation is found.
pub fn assert_draft(draft: &Draft) {
    match &draft.target {
        Target::User { receiver, .. } => assert_id(receiver),
        Target::Conversation(conversation) => assert_id(conversation),
    }
    draft.sender.iter().for_each(assert_id);
    draft.reply_to.iter().for_each(assert_id);
    if let Some(ClientId::Explicit(id)) = &draft.client_id {
        assert!((1..=MAX_CLIENT_ID_CHARS).contains(&id.chars().count()));
    }
    let file = &draft.file;
    let texts = [&draft.content, &file.url, &file.name, &file.media_type];
    for text in texts.into_iter().flatten().chain([&draft.kind]) {
        assert!(!text.contains('\0'));
    }
    if let Some(metadata) = &draft.metadata {
        let members = metadata.as_object().expect("metadata is an object");
        assert!(members.keys().all(|key| !key.starts_with('$')));
        assert!(!has_nul(metadata));
    }
}

fn assert_lobby(request: &LobbyRequest) {
    match request {
        LobbyRequest::Join { room, .. } => room.iter().for_each(assert_id),
        LobbyRequest::Enter { room } => assert_id(room),
        LobbyRequest::MarkRead { message, room } => {
            assert_id(message);
            room.iter().for_each(assert_id);
        }
        LobbyRequest::React(wanted) => {
            assert_id(&wanted.message);
            assert!(!wanted.emoji.contains('\0'));
        }
        LobbyRequest::Load { limit, .. } => assert!((1..=MAX_PAGE).contains(limit)),
        LobbyRequest::Say(said) => {
            assert!(!said.text.iter().any(|text| text.contains('\0')));
            let passed = said.passed.as_deref().map(serde_json::from_str::<Value>);
            assert!(!passed.is_some_and(|passed| has_nul(&passed.unwrap())));
        }
        LobbyRequest::SetTyping { .. } | LobbyRequest::Search { .. } => {}
    }
}

/// Checks what clients of `native` ask for.
pub fn assert_desk(request: &DeskRequest) {
    match request {
        DeskRequest::List { limit, after } => {
            assert!((1..=MAX_PAGE).contains(limit));
            after.iter().for_each(|cursor| assert_id(&cursor.id));
        }
        DeskRequest::History { query, .. } => assert!((1..=MAX_PAGE).contains(&query.limit)),
        DeskRequest::Presence { users } => {
            assert!(users.len() <= MAX_ASKED);
            users.iter().for_each(assert_id);
        }
        DeskRequest::Sync(since) => {
            assert!(since.conversations.len() <= MAX_KNOWN);
            for (id, rev) in &since.conversations {
                assert_id(id);
                assert!(*rev >= 0);
            }
        }
        DeskRequest::CreateRoom(draft) => {
            assert!(!draft.name.is_empty());
            draft.users.iter().for_each(assert_id);
        }
        DeskRequest::ChangeMessage { message, change } => {
            assert_id(message);
            if let Change::Edit { content: text } | Change::React { emoji: text, .. } = change {
                assert!(!text.is_empty() && !text.contains('\0'));
            }
        }
        DeskRequest::Pair { user } => assert_id(user),
        DeskRequest::AddParticipant {
            conversation, user, ..
        }
        | DeskRequest::RemoveParticipant { conversation, user }
        | DeskRequest::SetRole {
            conversation, user, ..
        } => {
            assert_id(conversation);
            assert_id(user);
        }
        DeskRequest::Show { conversation }
        | DeskRequest::Open { conversation }
        | DeskRequest::Leave { conversation }
        | DeskRequest::MarkRead { conversation, .. }
        | DeskRequest::UpdateRoom { conversation, .. } => assert_id(conversation),
        DeskRequest::Greet { .. } | DeskRequest::Refresh(_) => {}
    }
}

/// Checks that an id can be stored.
pub fn assert_id(id: &impl AsRef<str>) {
    assert!(ids::is_valid(id.as_ref()), "{:?}", id.as_ref());
}

/// Whether U+0000 is anywhere in it, which one of the databases cannot store.
fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members
            .iter()
            .any(|(key, value)| key.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

struct Nowhere;

impl Outbox for Nowhere {
    fn emit(&self, _: &str, _: &RawValue) {}

    fn close(&self) {}

    fn expel(&self) {}
}
