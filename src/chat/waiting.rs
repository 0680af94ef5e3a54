//! Messages that came while nobody was there, for front ends that have no history: they come when
//! the user does.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use sohbet_entity::ids::{ConversationId, UserId};
use tokio::time::timeout;

use super::{Chat, Dialect, Message, Session};
use crate::error::{Error, Result};
use crate::store::{self, ToldSpan};

/// Most messages that come when a user does; older ones are left out.
const MAX_WAITING: u32 = 500;

/// Marks that wait for a store that is away; what is not noted then is told once more.
const MAX_MARKS: usize = 100_000;

/// How long a socket that is gone stays until what was told to it is noted.
const NOTE_TIMEOUT: Duration = Duration::from_secs(2);

type Marks = HashMap<(ConversationId, UserId), ToldSpan>;

/// How far direct conversations were told to users live, as far as the store does not know yet.
/// After a crash the last moments are told once more.
#[derive(Default)]
pub struct Delivered {
    marks: Mutex<Marks>,
    /// Held while marks are on their way to the store: whoever then asks what waits must not be told
    /// what they are about.
    saving: tokio::sync::Mutex<()>,
    /// Held while a socket comes or goes, so that of two that come at once one sees the other.
    pub(super) coming: Mutex<()>,
}

impl Delivered {
    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks
            .lock()
            .expect("no code panics with this lock held")
    }

    fn mark(&self, conversation: &ConversationId, user: &UserId, told: ToldSpan) {
        let key = (conversation.clone(), user.clone());
        let mut marks = self.marks();
        if marks.len() < MAX_MARKS || marks.contains_key(&key) {
            marks.entry(key).or_insert(told).join(told);
        }
    }
}

impl Chat {
    /// Notes that a message of a direct conversation, sent in the dialect `cause`, is told to its receiver in
    /// one in which messages can wait, if a socket is there. Returns whether one is.
    pub fn note_delivered(&self, message: &Message, dialect: Dialect, cause: Dialect) -> bool {
        let Some(receiver) = &message.receiver else {
            return false;
        };
        let (conversation, seq) = (&message.row.conversation_id, message.row.seq);
        let (mut is_told, mut has_come, mut is_aside) = (false, false, false);
        self.sessions.each_of_user(&receiver.id, |session| {
            let is_here = session.hears(dialect, cause) && session.outbox.is_open();
            is_told |= is_here;
            has_come |= is_here && session.dialect().is_some();
            is_aside |= session.put_aside(conversation, seq);
        });
        // What waits is older: it is not told before a socket is answered that is coming, and never to those
        // whose dialect is not decided.
        if is_told && !is_aside {
            let told = match has_come {
                true => ToldSpan::up_to(seq),
                false => ToldSpan::only(seq),
            };
            self.delivered.mark(conversation, &receiver.id, told);
        }
        is_told
    }

    /// Notes that a socket is told what waited, and what was put aside since it came. `false` if it is not
    /// there any more: then what waited waits on.
    pub fn note_replayed(&self, session: &Session, replay: &[Message]) -> bool {
        if !session.outbox.is_open() {
            return false;
        }
        let viewer = session.viewer();
        let Some((viewer, aside)) = viewer.zip(session.take_aside()) else {
            return false;
        };
        for (conversation, seq) in &aside {
            let told = ToldSpan::up_to(*seq);
            self.delivered.mark(conversation, &viewer.user, told);
        }
        for Message { row, .. } in replay {
            let conversation = &row.conversation_id;
            let told = ToldSpan::up_to(row.seq);
            self.delivered.mark(conversation, &viewer.user, told);
        }
        true
    }

    /// Messages for a user that nobody was there for, oldest first.
    pub(super) async fn waiting_messages(&self, user: &UserId) -> Result<Vec<Message>> {
        // What was told a moment ago must not come again.
        self.save_delivered().await?;
        let rows = self.store.list_waiting(user, MAX_WAITING).await?;
        let mut waiting = Vec::with_capacity(rows.len());
        for row in rows {
            let conversation = self.find_conversation(&row.conversation_id).await?;
            waiting.push((conversation.ok_or(Error::Internal)?, row));
        }
        self.dress_all(waiting).await
    }

    /// Writes down how far was told.
    pub async fn save_delivered(&self) -> Result<()> {
        let _saving = self.delivered.saving.lock().await;
        let marks = self.delivered.marks().clone();
        if marks.is_empty() {
            return Ok(());
        }
        let mut rows: Vec<_> = marks.into_iter().collect();
        rows.sort_by(|(key, _), (other, _)| key.cmp(other));
        store::in_time(self.store.save_delivered(&rows)).await?;
        let mut marks = self.delivered.marks();
        for (key, told) in &rows {
            // It may have moved on meanwhile.
            if marks.get(key) == Some(told) {
                marks.remove(key);
            }
        }
        Ok(())
    }

    /// As [`Chat::save_delivered`], for a socket that is gone, if anything was told to its user: they may
    /// come back to another node at once, which must know it. A store that is away is not waited for.
    pub(super) async fn note_what_was_told_to(&self, session: &Session) {
        let Some(user) = session.user() else {
            return;
        };
        let is_about = |(_, receiver): &(ConversationId, UserId)| *receiver == user;
        if self.delivered.marks().keys().any(is_about) {
            let _ = timeout(NOTE_TIMEOUT, self.note_what_was_told()).await;
        }
    }
}
