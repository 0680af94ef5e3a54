//! The other nodes, as far as they were heard, and whether what is heard of them is new.
//!
//! Whoever reaches the bus may say again what a node said once. So each node makes up a word, and believes
//! only those who repeated it: they lived after that. Of what they say from then on, each has a higher
//! number than the one before. When one is forgotten the word is made anew, so what it said before
//! introduces nobody. No clock has a part in it.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::texts::{Greeting, Said};

/// After how long a node that says nothing is gone.
const GONE_AFTER: Duration = Duration::from_secs(5);
/// Most nodes whose words are repeated; those of further ones are when others have gone.
const MAX_GREETED: usize = 100;

/// The other nodes, as far as they were heard.
pub struct Peers {
    /// What others repeat to be believed.
    word: String,
    known: HashMap<String, Known>,
    /// Those who did not repeat the word yet, or are long gone.
    strangers: HashMap<String, Stranger>,
    is_due: bool,
}

struct Known {
    heard_at: Instant,
    /// The number of the last text.
    number: u64,
    /// What it wants repeated.
    word: String,
}

struct Stranger {
    heard_at: Instant,
    word: String,
}

/// What was heard of a node before a text.
#[derive(Debug, PartialEq, Eq)]
pub enum HeardBefore {
    /// Nothing that proves that it lives. The text is not believed.
    Unproven,
    /// Nothing, or nothing for a while; now it has proved that it lives.
    Nothing,
    /// Other texts.
    Another,
    /// This one, or a later one.
    This,
}

impl Default for Peers {
    fn default() -> Self {
        Self {
            word: new_word(),
            known: HashMap::new(),
            strangers: HashMap::new(),
            is_due: true,
        }
    }
}

impl Peers {
    /// Notes that a node said something.
    pub fn note(&mut self, said: &Said) -> HeardBefore {
        self.forget_silent();
        let now = Instant::now();
        if let Some(known) = self.known.get_mut(&said.node) {
            if said.number <= known.number {
                return HeardBefore::This;
            }
            (known.heard_at, known.number) = (now, said.number);
            if let Some(greeting) = &said.greeting {
                self.is_due |= known.word != greeting.word;
                known.word.clone_from(&greeting.word);
            }
            return HeardBefore::Another;
        }
        let Some(greeting) = &said.greeting else {
            return HeardBefore::Unproven;
        };
        let word = greeting.word.clone();
        if greeting.repeated.contains(&self.word) {
            self.is_due = true;
            self.strangers.remove(&said.node);
            let known = Known {
                heard_at: now,
                number: said.number,
                word,
            };
            self.known.insert(said.node.clone(), known);
            return HeardBefore::Nothing;
        }
        let before = self.strangers.get(&said.node);
        let is_heard_first = before.is_none_or(|before| before.word != word);
        if before.is_some() || self.known.len() + self.strangers.len() < MAX_GREETED {
            self.is_due |= is_heard_first;
            let heard_at = now;
            let stranger = Stranger { heard_at, word };
            self.strangers.insert(said.node.clone(), stranger);
        }
        HeardBefore::Unproven
    }

    /// How many are known.
    pub fn count(&self) -> usize {
        self.known.len()
    }

    /// Whether somebody waits for a greeting.
    pub fn is_due(&self) -> bool {
        self.is_due
    }

    /// What this node says so that others believe it, and want to be believed.
    pub fn greeting(&mut self) -> Greeting {
        self.forget_silent();
        self.is_due = false;
        let known = self.known.values().map(|known| &known.word);
        let strangers = self.strangers.values().map(|stranger| &stranger.word);
        let repeated = known.chain(strangers).take(MAX_GREETED);
        Greeting {
            word: self.word.clone(),
            repeated: repeated.cloned().collect(),
        }
    }

    /// Forgets those who were not heard for a while.
    fn forget_silent(&mut self) {
        let n_known = self.known.len();
        self.known
            .retain(|_, known| known.heard_at.elapsed() < GONE_AFTER);
        self.strangers
            .retain(|_, stranger| stranger.heard_at.elapsed() < GONE_AFTER);
        if self.known.len() < n_known {
            self.word = new_word();
            self.is_due = true;
        }
    }
}

/// Nobody guesses it.
fn new_word() -> String {
    Uuid::new_v4().simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text of a node.
    fn said(node: &str, number: u64, greeting: Option<Greeting>) -> Said {
        Said {
            node: node.to_owned(),
            number,
            greeting,
            news: Vec::new(),
        }
    }

    /// Two nodes, `a` being known to the returned one; and the text by which that came about.
    fn acquainted() -> (Peers, Said) {
        let (mut a, mut b) = (Peers::default(), Peers::default());
        let hello = said("b", 1, Some(b.greeting()));
        assert_eq!(a.note(&hello), HeardBefore::Unproven);
        assert!(a.is_due());
        let answer = said("a", 7, Some(a.greeting()));
        assert_eq!(b.note(&answer), HeardBefore::Nothing);
        assert!(b.is_due());
        let back = said("b", 2, Some(b.greeting()));
        assert_eq!(a.note(&back), HeardBefore::Nothing);
        a.greeting();
        assert_eq!(
            b.note(&said("a", 8, Some(a.greeting()))),
            HeardBefore::Another
        );
        assert!(!a.is_due() && !b.is_due(), "they have done");
        (b, answer)
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_node_said_before_is_not_heard_again() {
        let (mut peers, _) = acquainted();
        assert_eq!(peers.note(&said("a", 10, None)), HeardBefore::Another);
        assert_eq!(peers.note(&said("a", 10, None)), HeardBefore::This);
        assert_eq!(peers.note(&said("a", 9, None)), HeardBefore::This);
        assert_eq!(peers.count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_node_said_is_not_heard_again_when_it_is_gone() {
        let (mut peers, introduction) = acquainted();
        assert_eq!(peers.note(&introduction), HeardBefore::This);
        tokio::time::advance(GONE_AFTER).await;
        for text in [&introduction, &said("a", 11, None)] {
            assert_eq!(peers.note(text), HeardBefore::Unproven);
        }
        assert_eq!(peers.count(), 0);
        // It is there after all.
        let (word, repeated) = ("w".into(), vec![peers.greeting().word]);
        let back = said("a", 12, Some(Greeting { word, repeated }));
        assert_eq!(peers.note(&back), HeardBefore::Nothing);
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_comes_later_believes_nobody_for_what_was_said_before() {
        let (_, introduction) = acquainted();
        let mut peers = Peers::default();
        assert_eq!(peers.note(&introduction), HeardBefore::Unproven);
        assert_eq!(peers.note(&said("a", 9, None)), HeardBefore::Unproven);
        assert_eq!(peers.count(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_strangers_are_greeted_than_there_is_room_for() {
        let mut peers = Peers::default();
        for n in 0..2 * MAX_GREETED {
            let greeting = Peers::default().greeting();
            peers.note(&said(&n.to_string(), 1, Some(greeting)));
        }
        assert_eq!(peers.greeting().repeated.len(), MAX_GREETED);
    }
}
