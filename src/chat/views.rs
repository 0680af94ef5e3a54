//! Conversations and messages as somebody sees them: with the people in them, the newest message,
//! and how much is unread. Everything is read for many at once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sohbet_entity::enums::ParticipantRole;
use sohbet_entity::ids::{ConversationId, MessageId, PartyId, UserId};

use super::dialects::Feature;
use super::{Caller, Chat, Conversation, Message, Profile, Viewer};
use crate::auth::Permission;
use crate::error::{Error, Result};
use crate::store::{
    ConversationRow, MessageRow, NamedParticipant, Place, PlacePage, ReactionRow, RoomRow, Standing,
};

/// Participants that a view names; further ones are only counted.
const MAX_NAMED: u32 = 50;
/// Users that a reaction names; further ones are only counted.
const MAX_REACTORS: u32 = 10;

/// A message with what was added to it.
#[derive(Debug, Clone)]
pub struct MessageView {
    /// The row.
    pub row: Arc<MessageRow>,
    /// Who sent it.
    pub sender: Arc<Profile>,
    /// Reactions, the oldest first.
    pub reactions: Vec<ReactionView>,
}

impl From<&Message> for MessageView {
    /// A message that was just sent, or is the same as one before.
    fn from(message: &Message) -> Self {
        let reactions = grouped(message.reactions.clone());
        Self {
            row: Arc::clone(&message.row),
            sender: Arc::clone(&message.sender),
            reactions: reactions.into_values().next().unwrap_or_default(),
        }
    }
}

/// Everybody who reacted to a message in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReactionView {
    /// The way.
    pub emoji: String,
    /// How many did.
    pub n_users: i64,
    /// The first of them.
    pub users: Vec<UserId>,
}

/// Somebody who takes part.
#[derive(Debug, Clone)]
pub struct ParticipantView {
    /// A user, or a gallery.
    pub party: PartyId,
    /// Name of the user or the gallery.
    pub name: Option<String>,
    /// What they may do here.
    pub role: ParticipantRole,
    /// Whether they are there now.
    pub is_online: bool,
    /// How far they have read.
    pub last_read_seq: i64,
    /// Since when they take part.
    pub joined_at: DateTime<Utc>,
}

/// What is the same for everybody who sees a conversation.
#[derive(Debug)]
pub struct ConversationFacts {
    /// The log.
    pub row: ConversationRow,
    /// What a room has beyond it.
    pub room: Option<RoomRow>,
    /// The first participants, in order of joining.
    pub participants: Vec<ParticipantView>,
    /// How many take part.
    pub n_participants: i64,
    /// The newest message.
    pub last_message: Option<MessageView>,
}

/// A conversation as one party sees it.
#[derive(Debug, Clone)]
pub struct ConversationView {
    /// What everybody sees.
    pub facts: Arc<ConversationFacts>,
    /// Who looks.
    pub party: PartyId,
    /// What the party may do here; `None` when it does not take part.
    pub role: Option<ParticipantRole>,
    /// How far the party has read.
    pub last_read_seq: i64,
    /// How many messages it has not read.
    pub unread: i64,
}

impl ConversationView {
    /// The view of somebody who does not take part.
    pub(super) fn from_outside(facts: Arc<ConversationFacts>, party: PartyId) -> Self {
        Self {
            facts,
            party,
            role: None,
            last_read_seq: 0,
            unread: 0,
        }
    }

    pub(super) fn of(facts: Arc<ConversationFacts>, standing: &Standing) -> Self {
        Self {
            facts,
            party: standing.party.clone(),
            role: Some(standing.role),
            last_read_seq: standing.last_read_seq,
            unread: standing.unread,
        }
    }

    /// What the party calls it: the name of the room, or else that of the other one of two.
    pub fn name(&self) -> Option<&str> {
        let room = self.facts.room.as_ref();
        if let Some(room) = room.filter(|room| !room.name.is_empty()) {
            return Some(&room.name);
        }
        let people = &self.facts.participants;
        if room.is_some_and(|room| room.gallery_a_id.is_none()) {
            return None;
        }
        let other = people.iter().find(|person| person.party != self.party);
        // In a talk with oneself there is nobody else.
        other.or(people.first())?.name.as_deref()
    }
}

/// Where a list of conversations goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Activity of the last conversation that was listed.
    pub activity: DateTime<Utc>,
    /// Its id.
    pub id: ConversationId,
}

/// A part of the list of conversations.
#[derive(Debug)]
pub struct ViewList {
    /// Newest activity first.
    pub views: Vec<ConversationView>,
    /// Where the rest begins.
    pub next: Option<Cursor>,
}

impl Chat {
    /// A part of the conversations that the caller takes part in, newest activity first.
    pub async fn list_views(
        &self,
        caller: &Caller,
        limit: u32,
        after: Option<&Cursor>,
    ) -> Result<ViewList> {
        caller.check(Permission::Read)?;
        let page = PlacePage {
            after: after.map(|cursor| (cursor.activity, &cursor.id)),
            // One more than wanted tells whether there is more.
            limit: limit + 1,
        };
        let parties = caller.viewer().parties();
        let mut places = self.store.list_places(&parties, page).await?;
        let has_more = places.len() > limit as usize;
        places.truncate(limit as usize);
        let next = places.last().filter(|_| has_more).map(|last| Cursor {
            activity: last.activity,
            id: last.conversation_id.clone(),
        });
        let views = self.views(&places).await?;
        Ok(ViewList { views, next })
    }

    /// Conversations as the parties see them that take part, in the given order.
    pub(super) async fn views(&self, places: &[Place]) -> Result<Vec<ConversationView>> {
        let ids: Vec<&ConversationId> = places.iter().map(|place| &place.conversation_id).collect();
        let asked: Vec<_> = places
            .iter()
            .map(|place| (&place.conversation_id, &place.party))
            .collect();
        let mut facts = self.facts(&ids).await?;
        let standings = self.store.find_standings(&asked).await?;
        let mut standings: HashMap<_, _> = standings
            .into_iter()
            .map(|standing| (standing.conversation_id.clone(), standing))
            .collect();
        // Who left a moment ago no longer sees the conversation.
        let view = |id: &ConversationId| {
            let standing = standings.remove(id)?;
            Some(ConversationView::of(Arc::new(facts.remove(id)?), &standing))
        };
        Ok(ids.into_iter().filter_map(view).collect())
    }

    /// A conversation that the caller may enter, as the caller sees it; without what was said there
    /// for a caller who may not read.
    pub(super) async fn view(
        &self,
        caller: &Caller,
        conversation: &Conversation,
    ) -> Result<ConversationView> {
        let id = &conversation.id;
        let facts = self.facts(&[id]).await?.remove(id);
        let mut facts = facts.ok_or(Error::NO_CONVERSATION)?;
        let may_read = caller.permissions.has(Permission::Read);
        if !may_read {
            facts.last_message = None;
        }
        let facts = Arc::new(facts);
        let party = caller.viewer().party_in(conversation);
        let standings = self.store.find_standings(&[(id, &party)]).await?;
        let mut view = match standings.first() {
            Some(standing) => ConversationView::of(facts, standing),
            None => ConversationView::from_outside(facts, party),
        };
        if !may_read {
            view.unread = 0;
        }
        Ok(view)
    }

    /// What is the same for everybody who sees these conversations.
    pub(super) async fn facts(
        &self,
        ids: &[&ConversationId],
    ) -> Result<HashMap<ConversationId, ConversationFacts>> {
        let rows = self.store.find_conversations(ids).await?;
        let newest: Vec<_> = rows
            .iter()
            .filter(|(row, _)| row.last_seq > 0)
            .map(|(row, _)| (&row.id, row.last_seq))
            .collect();
        let messages = self.store.find_at(&newest).await?;
        let mut messages: HashMap<_, _> = self
            .view_messages(messages)
            .await?
            .into_iter()
            .map(|message| (message.row.conversation_id.clone(), message))
            .collect();
        let mut people: HashMap<ConversationId, Vec<NamedParticipant>> = HashMap::new();
        for participant in self.store.list_participants(ids, MAX_NAMED).await? {
            let id = participant.conversation_id.clone();
            people.entry(id).or_default().push(participant);
        }
        let mut facts = HashMap::with_capacity(rows.len());
        for (row, room) in rows {
            let id = row.id.clone();
            let people = people.remove(&id).unwrap_or_default();
            let found = ConversationFacts {
                n_participants: people.first().map_or(0, |first| first.n_participants),
                participants: people
                    .into_iter()
                    .map(|row| self.show_participant(row))
                    .collect(),
                last_message: messages.remove(&id),
                row,
                room,
            };
            facts.insert(id, found);
        }
        Ok(facts)
    }

    /// A participant, with whether they are there now.
    pub(super) fn show_participant(&self, row: NamedParticipant) -> ParticipantView {
        let is_online = match (row.party.user(), row.party.gallery()) {
            (Some(user), _) => self.is_there(&user),
            (None, Some(gallery)) => self.is_gallery_reachable(&gallery),
            (None, None) => false,
        };
        ParticipantView {
            party: row.party,
            name: row.name,
            role: row.role,
            is_online,
            last_read_seq: row.last_read_seq,
            joined_at: row.created_at,
        }
    }

    /// Messages with their senders and reactions, in the given order.
    pub(super) async fn view_messages(&self, rows: Vec<MessageRow>) -> Result<Vec<MessageView>> {
        let (rows, reactions) = self.store.with_reactions(rows, MAX_REACTORS).await?;
        let mut reactions = grouped(reactions);
        let senders: HashSet<&UserId> = rows.iter().map(|row| &row.sender_id).collect();
        let senders = self.profiles(senders).await?;
        let view = |row: MessageRow| {
            let sender = senders.get(&row.sender_id);
            MessageView {
                sender: sender.map_or_else(|| self.shown_profile(&row.sender_id), Arc::clone),
                reactions: reactions.remove(&row.id).unwrap_or_default(),
                row: self.shown(Arc::new(row)),
            }
        };
        Ok(rows.into_iter().map(view).collect())
    }

    /// In whose names sockets with a live list look that take part in a conversation.
    pub(super) fn live_viewers(&self, conversation: &Conversation) -> HashSet<Viewer> {
        let mut viewers = HashSet::new();
        let listening = self.sessions.listening_with(Feature::LiveLists);
        if listening.is_empty() {
            return viewers;
        }
        let mut note = |session: &Arc<super::Session>| {
            let dialect = session.dialect();
            if dialect.is_some_and(|dialect| listening.contains(&dialect)) {
                viewers.extend(session.viewer());
            }
        };
        for gallery in conversation.galleries().into_iter().flatten() {
            self.sessions.each_of_gallery(gallery, &mut note);
        }
        for user in conversation.users() {
            self.sessions.each_of_user(user, &mut note);
        }
        viewers
    }
}

/// Rows of one message and one emoji follow each other.
pub(super) fn grouped(rows: Vec<ReactionRow>) -> HashMap<MessageId, Vec<ReactionView>> {
    let mut grouped: HashMap<MessageId, Vec<ReactionView>> = HashMap::new();
    for row in rows {
        let reactions = grouped.entry(row.message_id).or_default();
        match reactions.last_mut().filter(|it| it.emoji == row.emoji) {
            Some(reaction) if reaction.users.len() >= MAX_REACTORS as usize => {}
            Some(reaction) => reaction.users.push(row.user_id),
            None => reactions.push(ReactionView {
                emoji: row.emoji,
                n_users: row.n_users,
                users: vec![row.user_id],
            }),
        }
    }
    grouped
}
