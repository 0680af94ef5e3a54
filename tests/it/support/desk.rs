//! A conversation in a store, and what is written to it batch by batch.

use sohbet::error::Error;
use sohbet::store::{
    Change, MessageRow, NewChange, NewId, NewMessage, NewPair, NewRead, Outcome, Pair, ReadScope,
    Store, Write, Writer, now,
};
use sohbet_entity::ids::ConversationId;
use tokio_util::sync::CancellationToken;

use super::messages::row;
use super::stores;

/// A store with the conversation of users 1 and 2.
pub struct Desk {
    /// The store.
    pub store: Store,
    /// Of users 1 and 2.
    pub conversation: ConversationId,
}

impl Desk {
    pub async fn open(store: &stores::Store) -> Self {
        let mut desk = Self {
            store: store.open().await,
            conversation: "".into(),
        };
        desk.conversation = desk.conversation("1", "2").await;
        desk
    }

    pub async fn conversation(&self, a: &str, b: &str) -> ConversationId {
        let new = NewPair {
            pair: Pair::new(a.into(), b.into()),
            wanted_id: None,
            is_numbered: true,
        };
        let (row, _) = self.store.find_or_create_pair(new).await.unwrap();
        row.id
    }

    /// A message of user 1.
    pub fn message(&self, id: &str) -> Write {
        let row = MessageRow {
            id: id.into(),
            conversation_id: self.conversation.clone(),
            ..row()
        };
        Write::Message(Box::new(NewMessage {
            row,
            id: NewId::Given,
            earlier: None,
            admitted_in: None,
            twin: None,
        }))
    }

    /// User 2 has read everything.
    pub fn read(&self) -> Write {
        Write::Read(NewRead {
            conversation: self.conversation.clone(),
            party: "2".into(),
            reader: "2".into(),
            scope: ReadScope::All,
            message: None,
            at: now(),
        })
    }

    /// Commits writes as one batch.
    pub async fn commit(&self, writes: Vec<Write>) -> Vec<Result<Outcome, Error>> {
        self.commit_in_turn(vec![writes]).await
    }

    /// Commits one batch after the other, by one writer.
    pub async fn commit_in_turn(&self, turns: Vec<Vec<Write>>) -> Vec<Result<Outcome, Error>> {
        let (writer, queue, mut batches) = Writer::new(&self.store);
        let mut writer = Some(writer);
        let mut running = None;
        let mut outcomes = Vec::new();
        for writes in turns {
            let n_writes = outcomes.len() + writes.len();
            for write in writes {
                assert!(queue.submit(write, ()).is_ok());
            }
            if let Some(writer) = writer.take() {
                running = Some(tokio::spawn(writer.run(CancellationToken::new())));
            }
            while outcomes.len() < n_writes {
                let batch = batches.recv().await.unwrap();
                outcomes.extend(batch.into_iter().map(|done| done.outcome));
            }
        }
        drop(queue);
        running.unwrap().await.unwrap();
        outcomes
    }
}

/// A new text for a message of user 1.
pub fn edit(message: &str, content: &str) -> Write {
    let content = content.to_owned();
    change(message, Change::Edit { content })
}

/// What user 1 does to a message.
pub fn change(message: &str, change: Change) -> Write {
    Write::Change(Box::new(NewChange {
        message: message.into(),
        by: "1".into(),
        change,
        at: now(),
        admitted_in: None,
    }))
}
