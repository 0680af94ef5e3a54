//! What nodes tell each other about who is there.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sohbet_entity::ids::{ConversationId, GalleryId, UserId};

use crate::chat::Dialect;

/// Who is there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Entry {
    /// A user, in a dialect, and since when; also for a while after the last socket is gone.
    Online(Dialect, UserId, DateTime<Utc>),
    /// A user for whom a socket of a dialect listens now, or one that has none yet.
    Connected(Option<Dialect>, UserId),
    /// A gallery for which a socket listens now.
    GalleryConnected(GalleryId),
    /// A socket of the public chat.
    Named(Named),
}

impl Entry {
    /// Whether it ends together with sockets, and not some time after.
    pub fn is_of_sockets(&self) -> bool {
        !matches!(self, Self::Online(..))
    }
}

/// A socket of the public chat.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Named {
    /// The id that others know the socket by.
    pub socket_id: String,
    /// Who is behind it.
    pub user: Option<UserId>,
    /// When it connected.
    pub connected_at: DateTime<Utc>,
    /// The name and where it is, once it has said a name.
    pub stay: Option<Stay>,
}

/// Where somebody is in the public chat, and under which name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stay {
    /// The name.
    pub name: String,
    /// The room; without one the lobby.
    pub room: Option<ConversationId>,
    /// When the name was said first.
    pub joined_at: DateTime<Utc>,
    /// When this place was entered: it orders the list of who is there.
    pub came_at: DateTime<Utc>,
}

/// An entry, and whether it is there.
pub type Change = (Entry, bool);

/// What nodes tell each other about who is there.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RosterNews {
    /// Some came, and some went.
    Changes(Vec<Change>),
    /// All who are there follow.
    Begin,
    /// Those were all.
    End,
    /// So many are there, with this digest.
    State {
        /// How many.
        n_entries: usize,
        /// Of all of them, in no order.
        digest: u64,
    },
    /// Somebody missed something: that node is to name all who are there.
    Want {
        /// Which node.
        node: String,
    },
    /// Somebody has just begun to listen and knows nobody: everybody is to name all who are there.
    Hello,
    /// The node stops: its sockets are gone. Their users are about to come back to other nodes.
    Bye,
}

/// Those of one node.
#[derive(Default)]
pub struct Entries {
    pub entries: HashSet<Entry>,
    pub digest: u64,
}

impl Entries {
    /// Whether that changed anything.
    pub fn set(&mut self, entry: &Entry, is_there: bool) -> bool {
        let has_changed = match is_there {
            true => self.entries.insert(entry.clone()),
            false => self.entries.remove(entry),
        };
        if has_changed {
            self.digest ^= digest(entry);
        }
        has_changed
    }
}

/// FNV-1a (<http://www.isthe.com/chongo/tech/comp/fnv/>): the same on every node, whatever it was
/// built with.
fn digest(entry: &Entry) -> u64 {
    let bytes = serde_json::to_vec(entry).expect("our own types have string keys");
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
