//! One event to many sockets: what carries them may take it for all of them at once.

use serde_json::value::RawValue;

/// Reaches many sockets at once.
pub trait Reach {
    /// Puts an event into the queues of those sockets. Each has been asked before whether it has room.
    fn emit(&self, event: &str, body: &RawValue, rooms: Vec<String>);
}

/// The sockets that are told the same.
#[derive(Default)]
pub struct Broadcast {
    rooms: Vec<String>,
    reach: Option<Box<dyn Reach>>,
}

impl Broadcast {
    /// Adds a socket by the name of its own that `reach` knows it by.
    pub fn add<R: Reach + 'static>(&mut self, room: &str, reach: impl FnOnce() -> R) {
        self.rooms.push(room.to_owned());
        self.reach.get_or_insert_with(|| Box::new(reach()));
    }

    /// Tells them.
    pub fn emit(self, event: &str, body: &RawValue) {
        if let Some(reach) = self.reach {
            reach.emit(event, body, self.rooms);
        }
    }
}
