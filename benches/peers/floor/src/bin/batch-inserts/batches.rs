//! What is stored, whatever stores it.

/// Rows of one statement.
pub const RUN: usize = 64;
/// The text of every message: of a hundred characters, so that the preview of a conversation shows it whole.
pub const TEXT: &str = "a text of a hundred characters, as people write them in a chat when they have a little more to tell.";
/// When everything happened.
pub const AT: &str = "2026-01-01T00:00:00.000000+00:00";

/// Something that takes batches.
pub trait Store {
    /// Stores a batch in one transaction.
    async fn store(&mut self, batch: &Batch) -> anyhow::Result<()>;
}

/// What one transaction does.
pub struct Batch {
    /// Conversations whose counters move.
    pub advances: Vec<Advance>,
    /// Messages.
    pub rows: Vec<Row>,
}

/// A conversation and by how much it moves on.
pub struct Advance {
    /// Which one.
    pub conversation: String,
    /// Messages that it gets.
    pub n_messages: i64,
}

/// A message.
pub struct Row {
    /// Its id.
    pub id: String,
    /// Id of its conversation, and of the user who wrote it.
    pub conversation: String,
    /// Its number there.
    pub seq: i64,
    /// What its sender calls it.
    pub client_id: String,
}

/// Makes batches, each unlike the others.
pub struct Batches {
    n_rows: usize,
    n_conversations: usize,
    next: usize,
}

impl Batches {
    /// Batches of so many rows, spread over so many conversations.
    pub fn new(n_rows: usize, n_conversations: usize) -> Self {
        Self {
            n_rows,
            n_conversations,
            next: 0,
        }
    }

    /// How many conversations there are.
    pub fn n_conversations(&self) -> usize {
        self.n_conversations
    }

    /// The next one.
    pub fn next_batch(&mut self) -> Batch {
        let numbers = self.next..self.next + self.n_rows;
        self.next = numbers.end;
        let n_touched = self.n_rows.min(self.n_conversations);
        let touched = (numbers.start..).take(n_touched);
        Batch {
            advances: touched.map(|nth| self.advance(nth)).collect(),
            rows: numbers.map(|nth| self.row(nth)).collect(),
        }
    }

    fn advance(&self, nth: usize) -> Advance {
        Advance {
            conversation: conversation_id(nth % self.n_conversations).to_string(),
            n_messages: self.n_rows.div_ceil(self.n_conversations) as i64,
        }
    }

    fn row(&self, nth: usize) -> Row {
        let n = nth as u64;
        let (one, two) = (
            (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            (n + 7).wrapping_mul(0xc2b2_ae3d_27d4_eb4f),
        );
        Row {
            id: (nth + 1).to_string(),
            conversation: conversation_id(nth % self.n_conversations).to_string(),
            seq: (nth / self.n_conversations + 1) as i64,
            // Unique and in no order, as clients have them.
            client_id: format!("temp:{one:016x}{two:016x}"),
        }
    }
}

/// The id of a conversation, and of the first of its two users; the second has the next.
pub fn conversation_id(nth: usize) -> usize {
    1_000_000 + 2 * nth
}

/// Places for so many rows of values: `(one),(two)`, each made by the number of its first value, from 0.
pub fn places(n_rows: usize, n_columns: usize, place: impl Fn(usize) -> String) -> String {
    let rows = (0..n_rows).map(|row| {
        let first = row * n_columns;
        let row: Vec<_> = (first..first + n_columns).map(&place).collect();
        format!("({})", row.join(","))
    });
    rows.collect::<Vec<_>>().join(",")
}
