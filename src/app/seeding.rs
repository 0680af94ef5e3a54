//! A database to measure on: people and conversations first, then what is said, through the writer.

mod shape;

pub use shape::{Reader, Shape};

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use sohbet_entity::ids::{ConversationId, MessageId, PartyId, UserId};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::store::{
    self, ConversationRow, Done, MessageRow, NewId, NewMessage, NewRead, Pair, ReadScope, Store,
    Write, Writer, WriterQueue,
};
use shape::{Dice, TURN};

/// Rows of people and conversations in one transaction.
const CHUNK: usize = 4_096;
/// Writes that are under way at a time: some batches of the writer.
const MAX_UNDER_WAY: usize = 4_096;
/// Writes between two notes on progress.
const NOTE_EVERY: u64 = 20_000;
/// All of it is said within a year that began at this second.
const BEGIN_S: i64 = 1_735_689_600;
const YEAR_US: u64 = 365 * 86_400_000_000;
/// Bytes of the shortest text, and how many lengths there are.
const TEXT_BYTES: (usize, usize) = (60, 81);
const WORDS: [&str; 16] = [
    "the", "car", "price", "is", "fine", "tomorrow", "at", "ten", "please", "send", "a", "photo",
    "of", "it", "thank", "you",
];

/// Is told from time to time how far it is, in a short sentence.
pub type Progress<'a> = &'a (dyn Fn(&str) + Sync);

/// What was put where.
pub struct Filled {
    /// The conversation that has most.
    pub first_conversation: ConversationId,
    /// The user who has not read everything.
    pub first_user: UserId,
    /// Messages that this user has not read of what was written here.
    pub n_unread: u64,
}

/// Puts people, conversations and messages into a database, which no server may use if it is a file.
///
/// # Errors
///
/// When the shape cannot be (see [`Shape::check`]), or the database cannot be opened or refuses something.
pub async fn seed(
    config: &store::Config,
    shape: &Shape,
    progress: Progress<'_>,
) -> anyhow::Result<Filled> {
    shape.check()?;
    let store = Store::open(config).await?;
    let filled = fill(&store, shape, progress).await;
    store.close().await;
    filled
}

async fn fill(store: &Store, shape: &Shape, progress: Progress<'_>) -> anyhow::Result<Filled> {
    create_people(store, shape, progress).await?;
    let talks = create_talks(store, shape, progress).await?;
    let filled = Filled {
        first_conversation: talks[0].id.clone(),
        first_user: shape.user(0),
        n_unread: (0..shape.n_own()).map(|nth| shape.n_unread_of(nth)).sum(),
    };
    let (writer, queue, done) = Writer::new(store);
    // A task of its own: it stores what there is while more is made up.
    let writing = tokio::spawn(writer.run(CancellationToken::new()));
    let filling = Filling {
        shape,
        talks,
        progress,
        queue,
        done,
        n_under_way: 0,
        n_said: 0,
    };
    filling.say_all().await?;
    writing.await?;
    Ok(filled)
}

async fn create_people(store: &Store, shape: &Shape, progress: Progress<'_>) -> anyhow::Result<()> {
    for first in (0..shape.n_users).step_by(CHUNK) {
        progress(&format!("{first} of {} users", shape.n_users));
        let numbers = first..shape.n_users.min(first + CHUNK);
        let people = numbers.map(|number| (shape.user(number), format!("User {number}")));
        store.create_people(&people.collect::<Vec<_>>()).await?;
    }
    Ok(())
}

async fn create_talks(
    store: &Store,
    shape: &Shape,
    progress: Progress<'_>,
) -> anyhow::Result<Vec<Talk>> {
    let mut talks = Vec::with_capacity(shape.n_conversations);
    for first in (0..shape.n_conversations).step_by(CHUNK) {
        let n_all = shape.n_conversations;
        progress(&format!("{first} of {n_all} conversations"));
        let pairs = (first..n_all.min(first + CHUNK)).map(|nth| shape.pair(nth));
        let users: Vec<_> = pairs.map(|(a, b)| [shape.user(a), shape.user(b)]).collect();
        let pairs = users.iter().map(|[a, b]| Pair::new(a.clone(), b.clone()));
        let rows = store.create_pairs(&pairs.collect::<Vec<_>>()).await?;
        let talk = |(row, users): (ConversationRow, _)| Talk {
            id: row.id,
            users,
            n_before: row.last_seq,
            n_said: 0,
        };
        talks.extend(rows.into_iter().zip(users).map(talk));
    }
    Ok(talks)
}

/// A conversation that is being filled.
struct Talk {
    id: ConversationId,
    users: [UserId; 2],
    /// Messages that somebody else had written.
    n_before: i64,
    /// Messages since.
    n_said: u64,
}

impl Talk {
    /// What `voice`, the one or the other of the two, says next; if it is `None`, one of them.
    fn message(&self, nth: usize, voice: Option<usize>, at: DateTime<Utc>) -> NewMessage {
        // No message of the conversation has the same number, whenever it was filled before.
        let number = self.n_before as u64 + self.n_said;
        let mut dice = Dice((nth as u64) << 32 ^ number);
        let id = (dice.roll(), dice.roll());
        let speaker = voice.unwrap_or_else(|| dice.below(2));
        NewMessage {
            row: MessageRow {
                // The writer numbers it.
                id: MessageId::from(""),
                conversation_id: self.id.clone(),
                seq: 0,
                rev: 0,
                sender_id: self.users[speaker].clone(),
                sender_party: None,
                client_id: Some(Uuid::from_u64_pair(id.0, id.1).to_string()),
                kind: "text".to_owned(),
                content: Some(text(&mut dice)),
                file_url: None,
                file_name: None,
                file_size: None,
                file_type: None,
                metadata: None,
                reply_to: None,
                read_at: None,
                read_by: None,
                created_at: at,
                edited_at: None,
                deleted_at: None,
                room_sender_id: None,
                is_changed: false,
            },
            id: NewId::Number,
            earlier: None,
            twin: None,
            admitted_in: None,
        }
    }

    /// That one of the two has read everything.
    fn read(&self, reader: &UserId, at: DateTime<Utc>) -> NewRead {
        NewRead {
            conversation: self.id.clone(),
            party: PartyId::from(reader),
            reader: reader.clone(),
            scope: ReadScope::All,
            message: None,
            at,
        }
    }
}

fn text(dice: &mut Dice) -> String {
    let (shortest, n_lengths) = TEXT_BYTES;
    let n_bytes = shortest + dice.below(n_lengths);
    let mut text = String::with_capacity(n_bytes + 16);
    while text.len() < n_bytes {
        text.push_str(WORDS[dice.below(WORDS.len())]);
        text.push(' ');
    }
    text.truncate(n_bytes);
    text
}

/// A database that is being filled.
struct Filling<'a> {
    shape: &'a Shape,
    talks: Vec<Talk>,
    progress: Progress<'a>,
    queue: WriterQueue<()>,
    done: mpsc::Receiver<Vec<Done<()>>>,
    n_under_way: usize,
    n_said: u64,
}

impl Filling<'_> {
    async fn say_all(mut self) -> anyhow::Result<()> {
        for nth in self.shape.turns() {
            self.take_turn(nth).await?;
        }
        // A marker does not count for what is in its own batch.
        self.settle_all().await?;
        for nth in 0..self.talks.len() {
            self.read(nth).await?;
        }
        self.settle_all().await?;
        for nth in 0..self.shape.n_own() {
            for _ in 0..self.shape.n_unread_of(nth) {
                self.say(nth, Some(1)).await?;
            }
        }
        self.settle_all().await
    }

    /// Both have read what was said in their conversation; then they say more.
    async fn take_turn(&mut self, nth: usize) -> anyhow::Result<()> {
        let n_said = self.talks[nth].n_said;
        if n_said > 0 {
            self.read(nth).await?;
        }
        let n_left = self.shape.n_messages_of(nth) - self.shape.n_unread_of(nth) - n_said;
        for _ in 0..n_left.min(TURN) {
            self.say(nth, None).await?;
        }
        Ok(())
    }

    async fn say(&mut self, nth: usize, voice: Option<usize>) -> anyhow::Result<()> {
        let message = self.talks[nth].message(nth, voice, self.time());
        self.talks[nth].n_said += 1;
        self.n_said += 1;
        if self.n_said.is_multiple_of(NOTE_EVERY) {
            let text = format!("{} of {} messages", self.n_said, self.shape.n_messages);
            (self.progress)(&text);
        }
        self.submit(Write::Message(Box::new(message))).await
    }

    async fn read(&mut self, nth: usize) -> anyhow::Result<()> {
        let (talk, at) = (&self.talks[nth], self.time());
        let reads = talk.users.each_ref().map(|user| talk.read(user, at));
        for read in reads {
            self.submit(Write::Read(read)).await?;
        }
        Ok(())
    }

    /// When the next message is said: all of them are said at even distances.
    fn time(&self) -> DateTime<Utc> {
        let passed_us = u128::from(YEAR_US) * u128::from(self.n_said);
        let passed_us = passed_us / u128::from(self.shape.n_messages);
        DateTime::UNIX_EPOCH
            + TimeDelta::seconds(BEGIN_S)
            + TimeDelta::microseconds(passed_us as i64)
    }

    async fn submit(&mut self, write: Write) -> anyhow::Result<()> {
        while self.n_under_way >= MAX_UNDER_WAY {
            self.settle().await?;
        }
        let submitted = self.queue.submit(write, ());
        submitted.map_err(|((), error)| error)?;
        self.n_under_way += 1;
        Ok(())
    }

    /// Waits for the next batch.
    async fn settle(&mut self) -> anyhow::Result<()> {
        let batch = self.done.recv().await.context("the writer is gone")?;
        for done in batch {
            self.n_under_way -= 1;
            done.outcome.context("a write was refused")?;
        }
        Ok(())
    }

    async fn settle_all(&mut self) -> anyhow::Result<()> {
        while self.n_under_way > 0 {
            self.settle().await?;
        }
        Ok(())
    }
}
