//! Answers that a socket waits for while what it asked is under way: each is given once, either when
//! the outcome is known or, without it, when the time for it is over.

use std::collections::VecDeque;

use serde_json::value::RawValue;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::{Ack, Session};

/// Which answer of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerId(u64);

/// An answer that is to be given.
pub struct Awaited {
    /// The word that was asked with.
    pub word: &'static str,
    /// What the client wants to see again.
    pub echo: Option<Box<RawValue>>,
    /// The acknowledgement, if one was asked for.
    pub ack: Option<Ack>,
    /// When it must be given, whatever it is then.
    pub due: Instant,
    /// Whether what others do is held back until it is given.
    pub is_waited_for: bool,
    /// Whether it is what a socket hears first, which it did not ask for and cannot ask for again.
    pub is_greeting: bool,
    /// The place of the request among those of the socket that are under way: what it asks next waits
    /// until this is dropped.
    pub permit: OwnedSemaphorePermit,
}

/// What became of an answer by the time its outcome is known.
pub enum Due {
    /// It is to be given now.
    Now(Awaited),
    /// The time was over, and the client was told to try again. Others still hear of what was done.
    Past {
        /// What the client wanted to see again.
        echo: Option<Box<RawValue>>,
    },
}

/// The answers of one socket, oldest first. Bounded by its place among the requests that are under
/// way, and those that are past by what the writer takes.
#[derive(Default)]
pub(super) struct Answers {
    n_known: u64,
    waiting: VecDeque<Option<Due>>,
}

impl Answers {
    /// Where an answer stands; `None` once it and all before it are settled.
    fn index(&self, id: AnswerId) -> Option<usize> {
        let n_settled = self.n_known - self.waiting.len() as u64;
        usize::try_from(id.0.checked_sub(n_settled)?).ok()
    }
}

impl Session {
    /// Keeps an answer until [`Session::settle`] or [`Session::take_overdue`].
    pub fn await_answer(&self, awaited: Awaited) -> AnswerId {
        let mut state = self.state();
        let answers = &mut state.answers;
        answers.waiting.push_back(Some(Due::Now(awaited)));
        answers.n_known += 1;
        AnswerId(answers.n_known - 1)
    }

    /// How many answers were waited for so far.
    pub fn n_awaited(&self) -> u64 {
        self.state().answers.n_known
    }

    /// The outcome is known; `None` if it was before.
    pub fn settle(&self, id: AnswerId) -> Option<Due> {
        let mut state = self.state();
        let answers = &mut state.answers;
        let index = answers.index(id)?;
        let due = answers.waiting.get_mut(index)?.take();
        while let Some(None) = answers.waiting.front() {
            answers.waiting.pop_front();
        }
        due
    }

    /// What the client wants to see again, of an answer that is not settled.
    pub fn echo_of(&self, id: AnswerId) -> Option<Box<RawValue>> {
        let state = self.state();
        let answers = &state.answers;
        match answers.waiting.get(answers.index(id)?)?.as_ref()? {
            Due::Now(Awaited { echo, .. }) | Due::Past { echo } => echo.clone(),
        }
    }

    /// Works, and meanwhile has answered what is overdue.
    pub async fn answering_overdue<T>(
        &self,
        work: impl Future<Output = T>,
        answer_overdue: impl Fn(),
    ) -> T {
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.overdue() => answer_overdue(),
            }
        }
    }

    /// Waits until an answer is overdue. One that is awaited later than this call is not waited for.
    pub async fn overdue(&self) {
        match self.next_due() {
            Some(due) => tokio::time::sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    /// When the next answer is overdue.
    pub fn next_due(&self) -> Option<Instant> {
        let state = self.state();
        let mut waiting = state.answers.waiting.iter().flatten();
        waiting.find_map(|due| match due {
            Due::Now(awaited) => Some(awaited.due),
            Due::Past { .. } => None,
        })
    }

    /// The answers for which the time is over, oldest first.
    pub fn take_overdue(&self) -> Vec<Awaited> {
        let now = Instant::now();
        let mut state = self.state();
        let mut overdue = Vec::new();
        for due in state.answers.waiting.iter_mut().flatten() {
            let Due::Now(awaited) = due else { continue };
            if awaited.due > now {
                break;
            }
            let echo = awaited.echo.clone();
            if let Due::Now(awaited) = std::mem::replace(due, Due::Past { echo }) {
                overdue.push(awaited);
            }
        }
        overdue
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::chat::tests_support::session;

    async fn ask(session: &Session, seconds: u64) -> AnswerId {
        let permit = Arc::clone(&session.in_flight).acquire_owned().await;
        session.await_answer(Awaited {
            word: "say",
            echo: None,
            ack: None,
            is_waited_for: false,
            is_greeting: false,
            due: Instant::now() + Duration::from_secs(seconds),
            permit: permit.unwrap(),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_given_once() {
        let session = session("s");
        let (first, second) = (ask(&session, 10).await, ask(&session, 10).await);
        assert!(matches!(session.settle(second), Some(Due::Now(_))));
        assert!(session.settle(second).is_none());
        assert!(matches!(session.settle(first), Some(Due::Now(_))));
        assert!(session.settle(first).is_none() && session.next_due().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_overdue_is_taken_in_order_and_settled_later() {
        let session = session("s");
        let n_free = session.in_flight.available_permits();
        let ids = [
            ask(&session, 10).await,
            ask(&session, 11).await,
            ask(&session, 20).await,
        ];
        assert!(session.take_overdue().is_empty());
        tokio::time::advance(Duration::from_secs(12)).await;
        assert_eq!(session.take_overdue().len(), 2);
        assert_eq!(session.in_flight.available_permits(), n_free - 1);
        assert!(session.take_overdue().is_empty());
        for id in &ids[..2] {
            assert!(matches!(session.settle(*id), Some(Due::Past { .. })));
        }
        assert!(matches!(session.settle(ids[2]), Some(Due::Now(_))));
    }
}
