//! The one answer to what a socket asked.

use tokio::sync::OwnedSemaphorePermit;

use crate::chat::{AnswerId, Dialect, Due, Reply, Session};
use crate::error::Result;
use crate::wire::{self, Asked};

/// As [`give`], and tells what comes right behind the answer. A socket that was told to try again is told
/// nothing: it was let go then, and what is held back now waits for another answer.
pub fn give_and_then(
    session: &Session,
    id: AnswerId,
    dialect: Dialect,
    outcome: &Result<Reply>,
    then_tell: impl FnOnce(),
) -> Option<OwnedSemaphorePermit> {
    let permit = give(session, id, dialect, outcome)?;
    then_tell();
    Some(permit)
}

/// Answers a socket, unless the time was over and it was told to try again. What it asks next waits
/// until the permit is dropped.
pub fn give(
    session: &Session,
    id: AnswerId,
    dialect: Dialect,
    outcome: &Result<Reply>,
) -> Option<OwnedSemaphorePermit> {
    let Some(Due::Now(awaited)) = session.settle(id) else {
        return None;
    };
    let asked = Asked {
        word: awaited.word,
        echo: awaited.echo.as_deref(),
        session,
        wants_ack: awaited.ack.is_some(),
    };
    let answer = wire::vocabulary(dialect).answer(&asked, outcome);
    for frame in &answer.events {
        session.outbox.emit(frame.name, &frame.body);
    }
    let ack = awaited.ack;
    #[cfg(feature = "planted-bugs")]
    let ack = ack.map(crate::planted::late_ack);
    if let (Some(ack), Some(body)) = (ack, &answer.ack) {
        ack(body);
    }
    Some(awaited.permit)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use serde_json::value::RawValue;
    use tokio::time::{Instant, advance};

    use super::*;
    use crate::chat::tests_support::session_to;
    use crate::chat::{Awaited, Broadcast, Covered, Outbox};

    const TIME: Duration = Duration::from_secs(10);

    /// What a socket has heard.
    #[derive(Clone, Default)]
    struct Heard(Arc<Mutex<Vec<String>>>);

    impl Outbox for Heard {
        fn emit(&self, event: &str, _: &RawValue) {
            self.0.lock().unwrap().push(event.to_owned());
        }

        fn close(&self) {}

        fn expel(&self) {}
    }

    /// Asks for what holds back what others do until it is answered.
    async fn ask(session: &Session) -> AnswerId {
        session.hold();
        let permit = Arc::clone(&session.in_flight).acquire_owned().await;
        session.await_answer(Awaited {
            word: "sync",
            echo: None,
            ack: None,
            due: Instant::now() + TIME,
            is_waited_for: true,
            is_greeting: false,
            permit: permit.unwrap(),
        })
    }

    fn answer(session: &Session, id: AnswerId) -> bool {
        let release = || session.release(Covered::default(), false);
        give_and_then(session, id, Dialect::ALL[0], &Ok(Reply::Done), release).is_some()
    }

    fn tell(session: &Session, event: &'static str) {
        session.tell(event, RawValue::NULL, None, &mut Broadcast::default());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_comes_too_late_ends_no_later_hold() {
        let heard = Heard::default();
        let session = session_to("s", Box::new(heard.clone()));
        let heard = || std::mem::take(&mut *heard.0.lock().unwrap());
        let late = ask(&session).await;
        tell(&session, "before");
        advance(TIME).await;
        assert_eq!(session.take_overdue().len(), 1);
        session.let_go();
        assert_eq!(heard(), ["before"]);

        let again = ask(&session).await;
        tell(&session, "after");
        assert!(!answer(&session, late));
        assert!(heard().is_empty(), "the second answer comes first");
        assert!(answer(&session, again));
        assert_eq!(heard(), ["after"]);
    }
}
