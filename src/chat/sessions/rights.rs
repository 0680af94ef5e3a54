//! The end of what a socket may do, while it may still have something queued.

use super::Session;

impl Session {
    /// Its login or token is over: what it asked for and nobody has begun with is not done any more.
    pub fn end_rights(&self) {
        self.state().has_lost_rights = true;
    }

    /// As [`Session::end_rights`], and closes it. Its client may come back with another login.
    pub fn end(&self) {
        self.end_rights();
        self.outbox.close();
    }

    /// Whether its login or token is over.
    pub fn has_lost_rights(&self) -> bool {
        self.state().has_lost_rights
    }
}
