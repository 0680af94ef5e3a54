//! Who is there on which node, as the domain asks for it.

use sohbet_entity::ids::{GalleryId, UserId};
use tokio::time::Instant;

use super::roster::Change;
use super::{Entry, HEARING_PATIENCE, News};
use crate::chat::peers::PresenceChange;
use crate::chat::{Chat, Event};

impl Chat {
    /// What is told here of those who came or went on other nodes. Of whom the database does not say until
    /// then who is to hear it, it is told later.
    pub(super) async fn changed_elsewhere(
        &self,
        changes: Vec<Change>,
        deadline: Instant,
    ) -> Vec<Event> {
        let mut told = Vec::new();
        for (entry, is_there) in changes {
            match entry {
                Entry::Online(dialect, user, _) if !self.presence.is_online(dialect, &user) => {
                    let change = PresenceChange::new(dialect, user, is_there);
                    told.extend(self.event_or_later(change, None, deadline).await);
                }
                Entry::Named(named) => told.extend(self.name_elsewhere(named, is_there)),
                Entry::Online(..) | Entry::Connected(..) | Entry::GalleryConnected(_) => {}
            }
        }
        told
    }

    /// What the others, if there are any who listen, are to be told about who is here; with a sign of
    /// life when it is time for one.
    pub fn roster_news(&self, has_listeners: bool, is_time: bool) -> Vec<News> {
        let is_there = |entry: &Entry| match entry {
            Entry::Connected(dialect, user) => self.sessions.has_socket_in(user, *dialect),
            Entry::GalleryConnected(gallery) => self.sessions.is_gallery_connected(gallery),
            Entry::Online(dialect, user, _) => self.presence.is_online(*dialect, user),
            Entry::Named(named) => self.roster.has_named(&named.socket_id),
        };
        let mut news = self.roster.take_news(has_listeners, is_there);
        if is_time {
            news.push(self.roster.state());
        }
        news.into_iter().map(News::Roster).collect()
    }

    /// Waits until there is something to tell the others about who is here.
    pub async fn wait_for_roster_news(&self) {
        self.roster.wait_for_news().await;
    }

    /// Other nodes can be heard from now on: they are asked who is there.
    pub fn greet_nodes(&self) {
        self.roster.greet();
    }

    /// Other nodes cannot be heard for a while: who is there on them is believed to stay.
    pub fn stop_hearing_nodes(&self) {
        self.roster.stop_hearing();
    }

    /// Another node has come that knows nobody here.
    pub fn name_all_to_nodes(&self) {
        self.roster.name_all();
    }

    /// Whether a socket listens for a user, on whatever node.
    pub fn is_reachable(&self, user: &UserId) -> bool {
        let is_here = self.sessions.is_connected(user);
        is_here || (self.is_shared() && self.roster.is_connected_elsewhere(user))
    }

    /// Whether a socket listens for a gallery, on whatever node.
    pub(in crate::chat) fn is_gallery_reachable(&self, gallery: &GalleryId) -> bool {
        let is_here = self.sessions.is_gallery_connected(gallery);
        is_here || self.is_known_elsewhere(|| Entry::GalleryConnected(gallery.clone()))
    }

    /// Whether somebody is there on another node.
    pub(in crate::chat) fn is_known_elsewhere(&self, entry: impl FnOnce() -> Entry) -> bool {
        self.is_shared() && self.roster.is_elsewhere(&entry())
    }

    /// Forgets who was on nodes that are gone.
    pub async fn forget_silent_nodes(&self) {
        let deadline = Instant::now() + HEARING_PATIENCE;
        let gone = self.roster.forget_silent();
        for event in self.changed_elsewhere(gone, deadline).await {
            self.publish(event).await;
        }
    }
}
