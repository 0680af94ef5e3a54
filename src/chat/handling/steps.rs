//! What handling a request passes from hand to hand.

use serde_json::value::RawValue;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::chat::{Ack, Awaited, Event, Message, Reply, Version};

/// How something was asked for.
pub struct Asked {
    pub word: &'static str,
    pub echo: Option<Box<RawValue>>,
    pub ack: Option<Ack>,
    pub due: Instant,
    pub is_greeting: bool,
}

impl Asked {
    /// The answer to it, while that is under way.
    pub fn awaited(self, permit: OwnedSemaphorePermit, is_waited_for: bool) -> Awaited {
        Awaited {
            is_waited_for,
            is_greeting: self.is_greeting,
            word: self.word,
            echo: self.echo,
            ack: self.ack,
            due: self.due,
            permit,
        }
    }
}

/// What doing a request at once comes to.
pub enum Step {
    /// The answer, and what others hear then.
    Told(Reply, Vec<Event>),
    /// Delivery gives the answer, in its place among what others do.
    InTurn(Box<InTurn>),
}

/// An answer that delivery is to give; see [`crate::chat::Answering`].
pub struct InTurn {
    pub reply: Reply,
    pub replay: Vec<Message>,
    pub told: Vec<Version>,
    pub then: Vec<Event>,
}
