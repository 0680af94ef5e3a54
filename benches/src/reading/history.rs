//! `history`: pages of one long conversation.

use anyhow::{Context, ensure};

use super::pages::Page;
use super::{Question, Shelf};
use crate::posting::{Letter, Post, post_all};
use crate::runs::{Progress, Run};

/// Messages of a page.
const PAGE: u64 = 50;
/// Messages that servers hand out at most in one answer.
const MAX_PAGE: usize = 1_000;

/// One long conversation.
pub struct History {
    reader: u64,
    conversation: u64,
    /// Number of the newest message; `None` for a server that does not number them, of which only the
    /// newest page can be asked for.
    newest: Option<u64>,
}

impl Shelf for History {
    const PLACES: &'static [&'static str] = &["newest", "oldest", "anywhere"];

    async fn fill(run: &Run, progress: Progress<'_>) -> anyhow::Result<Self> {
        let conversation = post(run, 1, progress).await?;
        let mut history = Self {
            reader: run.user(0),
            conversation,
            newest: None,
        };
        let n_wanted = run.plan.messages;
        let n_missing = n_wanted.saturating_sub(history.look(run).await?);
        if n_missing > 0 {
            progress(&format!("set-up: {n_missing} messages"));
            post(run, n_missing, progress).await?;
        }
        let n_found = history.look(run).await?;
        let enough = n_found >= n_wanted.min(MAX_PAGE);
        ensure!(
            enough,
            "the history has {n_found} messages after {n_wanted} were acknowledged"
        );
        Ok(history)
    }

    fn question(&self, nth: usize, random: u64) -> Question {
        let Some(newest) = self.newest else {
            return self.page(0, None, None);
        };
        match nth % Self::PLACES.len() {
            0 => self.page(0, None, Some(newest + 1 - PAGE)),
            1 => self.page(1, Some(PAGE + 1), Some(1)),
            place => {
                let first = 1 + random % (newest + 1 - PAGE);
                self.page(place, Some(first + PAGE), Some(first))
            }
        }
    }

    fn check(&self, question: &Question, body: &[u8]) -> anyhow::Result<()> {
        let checked = Page::parse(body)?.check(PAGE as usize, question.first_seq);
        checked.with_context(|| question.path.clone())
    }

    fn user(&self) -> u64 {
        self.reader
    }
}

impl History {
    fn page(&self, place: usize, before_seq: Option<u64>, first_seq: Option<u64>) -> Question {
        let before = before_seq.map(|seq| format!("&beforeSeq={seq}"));
        Question {
            path: path(self.conversation, PAGE as usize) + &before.unwrap_or_default(),
            place,
            first_seq,
        }
    }

    /// How many messages there are; if the server does not number them, how many it shows.
    async fn look(&mut self, run: &Run) -> anyhow::Result<usize> {
        let token = run.token(self.reader)?;
        let read = async |limit| {
            let path = path(self.conversation, limit);
            run.target.read(&path, token.as_deref()).await
        };
        let body = read(1).await?;
        let newest = Page::parse(&body)?.messages.first().and_then(|m| m.seq);
        if let Some(newest) = newest {
            self.newest = Some(newest);
            return Ok(usize::try_from(newest)?);
        }
        let body = read(MAX_PAGE).await?;
        Ok(Page::parse(&body)?.messages.len())
    }
}

fn path(conversation: u64, limit: usize) -> String {
    format!("/api/messages?conversationId={conversation}&limit={limit}")
}

/// Sends so many messages and returns the conversation's id.
async fn post(run: &Run, n_messages: usize, progress: Progress<'_>) -> anyhow::Result<u64> {
    let letter = Letter {
        to: run.user(1),
        conversation: 0,
    };
    let post = Post {
        from: run.user(0),
        letters: vec![letter; n_messages],
    };
    let ids = post_all(run, vec![post], progress).await?;
    let id = ids.iter().flatten().next();
    id.copied().context("no message, no conversation")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(newest: Option<u64>) -> History {
        History {
            reader: 1,
            conversation: 7,
            newest,
        }
    }

    #[test]
    fn a_third_each_is_new_old_and_anywhere() {
        let history = history(Some(1_000));
        let newest = history.question(0, 5);
        assert!(!newest.path.contains("beforeSeq"));
        assert_eq!(newest.first_seq, Some(951));
        let oldest = history.question(1, 5);
        assert!(oldest.path.ends_with("limit=50&beforeSeq=51"));
        assert_eq!(oldest.first_seq, Some(1));
        for random in [0, 949, 950, 951, u64::MAX] {
            let first = history.question(2, random).first_seq.unwrap();
            assert!((1..=951).contains(&first), "{first}");
        }
    }

    #[test]
    fn the_smallest_history_is_one_page() {
        let history = history(Some(50));
        for nth in 0..3 {
            assert_eq!(history.question(nth, 77).first_seq, Some(1));
        }
    }

    #[test]
    fn without_numbers_only_the_newest_page_is_read() {
        let question = history(None).question(2, 77);
        assert_eq!((question.place, question.first_seq), (0, None));
    }
}
