//! Lists of conversations: what is unread and what was said last, whatever was written, read and deleted before.

use proptest::prelude::*;
use sohbet::store::{
    Change, ConversationSummary, MessageRow, NewChange, NewId, NewMessage, NewPair, NewRead, Page,
    Pair, ReadScope, Write, now,
};
use sohbet_entity::ids::{ConversationId, MessageId, PartyId, UserId};
use uuid::Uuid;

use crate::support::desk::Desk;
use crate::support::messages::row;
use crate::support::properties::hold;
use crate::support::stores::{self, on_both_stores};

const N_CASES: u32 = 24;
/// Users of a case; each talks to everybody, also to themselves.
const N_USERS: usize = 3;
/// More than any case has.
const MANY: u32 = 1_000;

on_both_stores!(
    a_list_says_what_the_messages_say,
    a_list_that_is_cut_off_has_the_newest_conversations,
);

/// What somebody does in a conversation.
#[derive(Debug, Clone)]
enum Deed {
    Say(String),
    ReadAll,
    /// Up to that message, if there are so many.
    ReadUpTo(i64),
    /// That message alone.
    ReadOne(i64),
    Delete(i64),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        5 => "[^\0]{0,6}".prop_map(Deed::Say),
        1 => Just(Deed::ReadAll),
        1 => (1i64..9).prop_map(Deed::ReadUpTo),
        2 => (1i64..9).prop_map(Deed::ReadOne),
        2 => (1i64..9).prop_map(Deed::Delete),
    ]
}

async fn a_list_says_what_the_messages_say(store: stores::Store) {
    let desk = Desk::open(&store).await;
    let one = (0..N_USERS, 0..N_USERS, deed());
    let deeds = prop::collection::vec(one, 0..40);
    hold(N_CASES, deeds, async move |deeds| {
        let users: [UserId; N_USERS] = std::array::from_fn(|_| Uuid::new_v4().to_string().into());
        for (who, whom, deed) in deeds {
            let (who, whom) = (&users[who], &users[whom]);
            let conversation = desk.conversation(who.as_str(), whom.as_str()).await;
            do_it(&desk, &conversation, who, deed).await;
        }
        for user in &users {
            check(&desk, user, &users).await;
        }
    })
    .await;
}

async fn do_it(desk: &Desk, conversation: &ConversationId, who: &UserId, deed: Deed) {
    let there = messages(desk, conversation).await;
    let scope = match deed {
        Deed::Say(text) => {
            desk.commit(vec![message(conversation, who, text)]).await;
            return;
        }
        Deed::Delete(seq) => {
            if let Some(row) = there.iter().find(|row| row.seq == seq) {
                desk.commit(vec![deletion(&row.id, who)]).await;
            }
            return;
        }
        Deed::ReadAll => ReadScope::All,
        Deed::ReadUpTo(seq) => ReadScope::UpTo(seq),
        Deed::ReadOne(seq) if there.iter().any(|row| row.seq == seq) => ReadScope::One(seq),
        Deed::ReadOne(_) => return,
    };
    let read = NewRead {
        conversation: conversation.clone(),
        party: PartyId::from(who),
        reader: who.clone(),
        scope,
        message: None,
        at: now(),
    };
    desk.commit(vec![Write::Read(read)]).await;
}

/// Compares the list of somebody with all messages of their conversations.
async fn check(desk: &Desk, user: &UserId, users: &[UserId]) {
    let list = desk.store.list_pairs(user, MANY).await.unwrap();
    let mut n_found = 0;
    for other in users {
        let pair = Pair::new(user.clone(), other.clone());
        let Some(known) = desk.store.find_pair(&pair).await.unwrap() else {
            continue;
        };
        let line = list.iter().find(|line| line.id == known.id.as_str());
        let line = line.expect("a conversation is not in the list");
        assert_eq!(line.other_user_id, other.as_str());
        n_found += 1;
        let messages = messages(desk, &known.id).await;
        assert_eq!(
            line.unread,
            n_unread(desk, &known.id, user, &messages).await
        );
        let last = messages.last().filter(|row| row.deleted_at.is_none());
        assert_eq!(line.last_content, last.and_then(|row| row.content.clone()));
        assert_eq!(line.last_created_at, last.map(|row| row.created_at));
        assert_eq!(line.last_message_at, known.last_message_at);
    }
    assert_eq!(list.len(), n_found);
    assert!(list.is_sorted_by_key(|line| line.last_message_at.map(std::cmp::Reverse)));
}

/// Messages after the reader's marker that somebody else wrote, and nobody has read or deleted.
async fn n_unread(
    desk: &Desk,
    conversation: &ConversationId,
    reader: &UserId,
    messages: &[MessageRow],
) -> i64 {
    let place = (conversation, &PartyId::from(reader));
    let standing = desk.store.find_standings(&[place]).await.unwrap();
    let is_unread = |row: &&MessageRow| {
        row.seq > standing[0].last_read_seq
            && row.sender_id != *reader
            && row.read_at.is_none()
            && row.deleted_at.is_none()
    };
    messages.iter().filter(is_unread).count() as i64
}

async fn messages(desk: &Desk, conversation: &ConversationId) -> Vec<MessageRow> {
    let page = Page {
        after: Some(0),
        before: None,
        limit: MANY,
    };
    desk.store.list_messages(conversation, page).await.unwrap()
}

fn message(conversation: &ConversationId, sender: &UserId, text: String) -> Write {
    Write::Message(Box::new(NewMessage {
        row: MessageRow {
            id: Uuid::now_v7().to_string().into(),
            conversation_id: conversation.clone(),
            sender_id: sender.clone(),
            content: Some(text),
            created_at: now(),
            ..row()
        },
        id: NewId::Given,
        earlier: None,
        admitted_in: None,
        twin: None,
    }))
}

fn deletion(message: &MessageId, by: &UserId) -> Write {
    Write::Change(Box::new(NewChange {
        message: message.clone(),
        by: by.clone(),
        change: Change::Delete,
        at: now(),
        admitted_in: None,
    }))
}

async fn a_list_that_is_cut_off_has_the_newest_conversations(store: stores::Store) {
    let desk = Desk::open(&store).await;
    for other in ["a", "b", "never", "c"] {
        let conversation = desk.conversation("me", other).await;
        if other != "never" {
            let text = message(&conversation, &other.into(), format!("I am \"{other}\"\n"));
            desk.commit(vec![text]).await;
        }
    }
    let list = async |limit| desk.store.list_pairs(&"me".into(), limit).await.unwrap();
    let others = |list: &[ConversationSummary]| {
        let others = list.iter().map(|line| line.other_user_id.clone());
        others.collect::<Vec<_>>()
    };
    let all = list(4).await;
    assert_eq!(others(&all), ["never", "c", "b", "a"]);
    assert_eq!(all[1].last_content.as_deref(), Some("I am \"c\"\n"));
    assert_eq!((all[0].last_kind.as_ref(), all[0].unread), (None, 0));
    for limit in 0..4 {
        let some = list(limit).await;
        assert_eq!(others(&some), others(&all[..limit as usize]));
    }
    let new = NewPair {
        pair: Pair::new("me".into(), "me".into()),
        wanted_id: None,
        is_numbered: true,
    };
    desk.store.find_or_create_pair(new).await.unwrap();
    assert!(others(&list(5).await).contains(&"me".to_owned()));
}
