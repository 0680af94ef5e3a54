//! Whatever is written by whom and when: positions without gaps, ids that nobody else has, and one
//! message for one client id.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::Utc;
use proptest::prelude::*;
use sohbet::error::Error;
use sohbet::store::{
    Change, Done, MessageRow, NewChange, NewId, NewMessage, NewPair, Outcome, Page, Pair, Store,
    Write, Writer,
};
use sohbet_entity::ids::ConversationId;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::messages::row;
use crate::support::properties::hold;
use crate::support::stores::{self, on_both_stores};

/// Conversations that there are; one more is written to.
const N_CONVERSATIONS: usize = 2;
const N_CASES: u32 = 12;
const N_FAILED: usize = 50;
/// More than any case has.
const MANY: u32 = 1_000;

on_both_stores!(
    positions_have_no_gaps_and_ids_are_given_once,
    ids_that_a_failed_batch_gave_back_go_to_one_message,
);

/// One thing that somebody writes.
#[derive(Debug, Clone)]
enum Wish {
    Send {
        conversation: usize,
        id: u8,
        client_id: Option<u8>,
        /// By a user that there is not: the database refuses it.
        is_refused: bool,
    },
    /// Edits the n-th message that was stored.
    Edit(usize),
    /// Takes the reaction of one user away, or puts it there.
    React(usize, bool),
}

/// What two writers commit at the same time, each in the order of its list.
type Round = [Vec<Wish>; 2];

fn wish() -> impl Strategy<Value = Wish> {
    let send = (
        0..=N_CONVERSATIONS,
        0u8..3,
        prop::option::of(0u8..4),
        prop::bool::weighted(0.1),
    );
    prop_oneof![
        6 => send.prop_map(|(conversation, id, client_id, is_refused)| Wish::Send {
            conversation,
            id,
            client_id,
            is_refused,
        }),
        1 => (0usize..20).prop_map(Wish::Edit),
        2 => (0usize..20, any::<bool>()).prop_map(|(n, is_added)| Wish::React(n, is_added)),
    ]
}

async fn positions_have_no_gaps_and_ids_are_given_once(store: stores::Store) {
    let store = store.open().await;
    let list = || prop::collection::vec(wish(), 0..8);
    let rounds = prop::collection::vec([list(), list()], 1..6);
    hold(N_CASES, rounds, async move |rounds: Vec<Round>| {
        let mut desk = Desk::open(&store).await;
        for round in rounds {
            desk.commit(round).await;
        }
        desk.check().await;
    })
    .await;
}

/// A batch that cannot be stored gives its ids back, and the other writer may be faster to take them.
async fn ids_that_a_failed_batch_gave_back_go_to_one_message(store: stores::Store) {
    let store = store.open().await;
    let mut desk = Desk::open(&store).await;
    let send = |conversation, id, is_refused| Wish::Send {
        conversation,
        id,
        client_id: None,
        is_refused,
    };
    let wishes = vec![send(0, 0, true), send(1, 2, false), send(1, 2, false)];
    for _ in 0..N_FAILED {
        desk.commit([wishes.clone(), wishes.clone()]).await;
    }
    desk.check().await;
}

/// What is known of the writes of one case.
struct Desk<'a> {
    store: &'a Store,
    conversations: Vec<ConversationId>,
    /// Messages that were stored, each once, in the order in which their writers told.
    stored: Vec<MessageRow>,
    /// Every `rev` that was given to something new, by conversation.
    revs: BTreeMap<ConversationId, Vec<i64>>,
    /// The message of each client id.
    named: HashMap<(ConversationId, String), String>,
    /// Ids that a writer gave, each list in order.
    given: [Vec<Vec<i64>>; 2],
}

impl<'a> Desk<'a> {
    async fn open(store: &'a Store) -> Self {
        let mut conversations = Vec::new();
        for _ in 0..N_CONVERSATIONS {
            let new = NewPair {
                pair: Pair::new("1".into(), Uuid::now_v7().to_string().as_str().into()),
                wanted_id: None,
                is_numbered: true,
            };
            conversations.push(store.find_or_create_pair(new).await.unwrap().0.id);
        }
        conversations.push(Uuid::now_v7().to_string().into());
        Self {
            store,
            conversations,
            stored: Vec::new(),
            revs: BTreeMap::new(),
            named: HashMap::new(),
            given: Default::default(),
        }
    }

    /// Both writers at once, as after a restart of their servers.
    async fn commit(&mut self, round: Round) {
        let runs = round.map(|wishes| {
            let (writer, queue, mut batches) = Writer::new(self.store);
            for wish in wishes {
                if let Some(write) = self.write(wish) {
                    assert!(queue.submit(write, ()).is_ok());
                }
            }
            async move {
                drop(queue);
                let running = tokio::spawn(writer.run(CancellationToken::new()));
                let mut done = Vec::new();
                while let Some(batch) = batches.recv().await {
                    done.extend(batch);
                }
                running.await.unwrap();
                done
            }
        });
        let [first, second] = runs;
        let (first, second) = tokio::join!(first, second);
        for done in [first, second] {
            self.note(done);
        }
    }

    fn write(&self, wish: Wish) -> Option<Write> {
        let change = |n: usize, change| {
            let message = &self.stored.get(n % self.stored.len().max(1))?.id;
            Some(Write::Change(Box::new(NewChange {
                message: message.clone(),
                by: "1".into(),
                change,
                at: Utc::now(),
                admitted_in: None,
            })))
        };
        match wish {
            Wish::Send {
                conversation,
                id,
                client_id,
                is_refused,
            } => {
                let row = MessageRow {
                    conversation_id: self.conversations[conversation].clone(),
                    client_id: client_id.map(|number| number.to_string()),
                    sender_id: if is_refused { "nobody" } else { "1" }.into(),
                    ..row()
                };
                let id = [NewId::Given, NewId::Number, NewId::Millis][usize::from(id)];
                Some(Write::Message(Box::new(NewMessage {
                    row,
                    id,
                    earlier: None,
                    admitted_in: None,
                    twin: None,
                })))
            }
            Wish::Edit(n) => change(
                n,
                Change::Edit {
                    content: Uuid::now_v7().to_string(),
                },
            ),
            Wish::React(n, is_added) => change(
                n,
                Change::React {
                    emoji: "x".into(),
                    is_added,
                },
            ),
        }
    }

    fn note(&mut self, done: Vec<Done<()>>) {
        let mut given: [Vec<i64>; 2] = Default::default();
        for Done { write, outcome, .. } in done {
            let new = match (&write, &outcome) {
                (Write::Message(new), Ok(Outcome::Message(stored))) => {
                    let row = &stored.row;
                    if let Some(name) = &row.client_id {
                        let key = (row.conversation_id.clone(), name.clone());
                        let first = self.named.entry(key).or_insert_with(|| row.id.to_string());
                        assert_eq!(first, row.id.as_str(), "a client id has one message");
                    }
                    if stored.duplicate {
                        continue;
                    }
                    let kind = [NewId::Number, NewId::Millis]
                        .iter()
                        .position(|id| *id == new.id);
                    if let Some(kind) = kind {
                        given[kind].push(row.id.as_str().parse().unwrap());
                    }
                    self.stored.push(MessageRow::clone(row));
                    row
                }
                (Write::Change(_), Ok(Outcome::Changed(changed))) if changed.has_changed => {
                    &changed.row
                }
                (Write::Change(_), Ok(_)) => continue,
                (Write::Message(new), Err(error)) => {
                    assert_refused(new, error, self.conversations.last().unwrap());
                    continue;
                }
                other => panic!("{other:?}"),
            };
            let revs = self.revs.entry(new.conversation_id.clone()).or_default();
            revs.push(new.rev);
        }
        for (all, given) in self.given.iter_mut().zip(given) {
            all.push(given);
        }
    }

    async fn check(&self) {
        for given in &self.given {
            assert!(
                given.iter().all(|ids| ids.is_sorted_by(|a, b| a < b)),
                "{given:?}"
            );
            let ids: BTreeSet<_> = given.iter().flatten().collect();
            assert_eq!(ids.len(), given.iter().flatten().count(), "{given:?}");
        }
        for id in &self.conversations[..N_CONVERSATIONS] {
            let row = self.store.find_conversation(id).await.unwrap().unwrap();
            let page = Page {
                after: None,
                before: None,
                limit: MANY,
            };
            let rows = self.store.list_messages(id, page).await.unwrap();
            let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
            assert_eq!(seqs, Vec::from_iter(1..=row.last_seq));
            let mut revs = self.revs.get(id).cloned().unwrap_or_default();
            revs.sort_unstable();
            assert_eq!(revs, Vec::from_iter(1..=row.last_rev));
        }
    }
}

/// Only what cannot be stored is refused.
fn assert_refused(new: &NewMessage, error: &Error, missing: &ConversationId) {
    let is_missing = new.row.conversation_id == *missing;
    let is_of_nobody = new.row.sender_id.as_str() == "nobody";
    match error.code() {
        "NOT_FOUND" => assert!(is_missing),
        "INVALID_PAYLOAD" => assert!(is_of_nobody),
        code => panic!("{code}"),
    }
}
