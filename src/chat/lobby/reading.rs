//! Reading what was said in the public chat, and looking for it.

use std::sync::Arc;

use sohbet_entity::ids::ConversationId;

use super::rooms::room_of;
use super::{LOBBY, LobbyReply, Note, Person, Shown};
use crate::chat::{Caller, Chat, Conversation, Message, Page, Session};
use crate::error::{Error, Result};
use crate::store::{MAX_REACTIONS, MessageRow, by_message};

/// Messages in an answer that nobody limits.
const N_NEWEST: u32 = 100;
/// Most messages that a search finds.
const MAX_FOUND: usize = 50;
/// Messages that a search looks at, the newest first; older ones are not found.
const SEARCH_WINDOW: i64 = 5_000;
/// Messages that a search reads at a time.
const SEARCH_STEP: i64 = 200;
/// Text that a search looks at, in bytes: long messages make its window shorter.
const MAX_SEARCHED_BYTES: usize = 8_000_000;

impl Chat {
    /// The newest messages of the lobby, oldest first.
    pub async fn lobby_messages(&self) -> Result<Vec<Message>> {
        match self.find_conversation(&LOBBY.into()).await? {
            Some(lobby) => {
                let newest = self.newest(&lobby).await?;
                self.dress_page(&lobby, newest).await
            }
            None => Ok(Vec::new()),
        }
    }

    /// The newest messages of a room, oldest first. A room that the caller may not be in is empty,
    /// like one that does not exist.
    pub async fn lobby_room_messages(
        &self,
        caller: &Caller,
        room: &ConversationId,
    ) -> Result<Vec<Shown>> {
        match self.find_lobby_room(caller, room).await {
            Ok(Some(room)) => self.newest_shown(&room).await,
            Ok(None) | Err(Error::NotFound(_)) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Everybody who has said a name, wherever they are, in order of saying it.
    pub fn lobby_people(&self) -> Vec<Arc<Person>> {
        self.lobby.everybody()
    }

    pub(super) async fn newest_shown(&self, room: &Arc<Conversation>) -> Result<Vec<Shown>> {
        let newest = self.newest(room).await?;
        self.show(room, newest).await
    }

    async fn newest(&self, conversation: &Conversation) -> Result<Vec<MessageRow>> {
        self.read_before(conversation, i64::MAX, N_NEWEST).await
    }

    /// The newest messages before a `seq` that are not deleted.
    async fn read_before(
        &self,
        conversation: &Conversation,
        before: i64,
        limit: u32,
    ) -> Result<Vec<MessageRow>> {
        let page = Page {
            after: None,
            before: Some(before),
            limit,
        };
        let mut rows = self.store.list_messages(&conversation.id, page).await?;
        rows.retain(|row| row.deleted_at.is_none());
        Ok(rows)
    }

    pub(super) async fn load_lobby_page(
        &self,
        session: &Session,
        caller: &Caller,
        room: Option<ConversationId>,
        page: u64,
        limit: u32,
    ) -> Result<LobbyReply> {
        let room = room_of(session, room);
        let Some(room) = self.find_lobby_room(caller, &room).await? else {
            return Ok(LobbyReply::Page {
                messages: Vec::new(),
                page,
                has_more: false,
            });
        };
        let n_skipped = i64::try_from(page).unwrap_or(i64::MAX);
        let n_skipped = n_skipped.saturating_mul(limit.into());
        let last = self.last_seq(&room).await?;
        // Messages are numbered without gaps.
        let before = (last + 1).saturating_sub(n_skipped).max(1);
        let rows = self.read_before(&room, before, limit).await?;
        Ok(LobbyReply::Page {
            messages: self.show(&room, rows).await?,
            page,
            has_more: before - 1 > i64::from(limit),
        })
    }

    /// The newest messages with that text somewhere, whatever the case.
    pub(super) async fn search_lobby(
        &self,
        session: &Session,
        caller: &Caller,
        room: Option<ConversationId>,
        query: String,
    ) -> Result<LobbyReply> {
        let room = room_of(session, room);
        let wanted = fold(&query);
        let mut messages = Vec::new();
        // Every text has nothing in it somewhere.
        if let Some(room) = self.find_lobby_room(caller, &room).await?
            && !wanted.is_empty()
        {
            let searching = self.search(&room, &wanted);
            let found = self.long_reads.in_turn(&caller.user, searching).await?;
            messages = self.show(&room, found).await?;
        }
        Ok(LobbyReply::Found { messages, query })
    }

    async fn last_seq(&self, room: &Conversation) -> Result<i64> {
        let row = self.store.find_conversation(&room.id).await?;
        Ok(row.map_or(0, |row| row.last_seq))
    }

    async fn search(&self, room: &Conversation, wanted: &str) -> Result<Vec<MessageRow>> {
        let (mut rows, mut n_bytes) = (Vec::new(), 0);
        let mut before = self.last_seq(room).await? + 1;
        let end = (before - SEARCH_WINDOW).max(1);
        while before > end && rows.len() < MAX_FOUND && n_bytes < MAX_SEARCHED_BYTES {
            let from = (before - SEARCH_STEP).max(end);
            let page = Page {
                after: None,
                before: Some(before),
                limit: (before - from) as u32,
            };
            let read = self.store.list_messages(&room.id, page).await?;
            let texts = read.iter().filter_map(|row| row.content.as_deref());
            n_bytes += texts.map(str::len).sum::<usize>();
            let is_found = |content: &str| fold(content).contains(wanted);
            let matching = read.into_iter().rev().filter(|row| {
                row.deleted_at.is_none() && row.content.as_deref().is_some_and(is_found)
            });
            rows.extend(matching.take(MAX_FOUND - rows.len()));
            before = from;
            // A long text takes a while to fold; others get their turn in between.
            tokio::task::yield_now().await;
        }
        rows.reverse();
        Ok(rows)
    }

    /// Messages with what others did to them.
    async fn show(&self, room: &Arc<Conversation>, rows: Vec<MessageRow>) -> Result<Vec<Shown>> {
        let (rows, reactions) = self
            .store
            .with_reactions(rows, MAX_REACTIONS as u32)
            .await?;
        let mut reactions = by_message(reactions);
        let mut shown = Vec::with_capacity(rows.len());
        for message in self.dress_page(room, rows).await? {
            let readers = Note::of(&message.row).read_by.into_iter();
            let readers = readers.map(|(user, at)| (self.lobby_id(&user), at));
            shown.push(Shown {
                readers: readers.collect(),
                reactions: match reactions.remove(&message.row.id) {
                    Some(reactions) => self.lobby_reactions(&reactions),
                    None => Vec::new(),
                },
                message,
            });
        }
        Ok(shown)
    }
}

/// A text with which all spellings of it agree that differ in case only. The four letters I of
/// Turkish are one: who writes `istanbul` means `İSTANBUL`, and `ISTANBUL` is written for both.
fn fold(text: &str) -> String {
    let lower = text.chars().flat_map(char::to_lowercase);
    // The lower case of `İ` is `i` and a dot above it.
    let lower = lower.filter(|letter| *letter != '\u{307}');
    let one_i = |letter| if letter == 'ı' { 'i' } else { letter };
    lower.map(one_i).collect()
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn the_case_of_letters_does_not_count_turkish_ones_included() {
        for text in ["İSTANBUL", "istanbul", "ISTANBUL", "ıstanbul", "İstanbul"] {
            assert_eq!(fold(text), "istanbul", "{text}");
        }
        assert_eq!(fold("ÇOK ŞIK BİR ÖĞÜN"), fold("çok şık bir öğün"));
        assert_ne!(fold("çok"), fold("cok"));
    }
}
