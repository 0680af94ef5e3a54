//! What lists of conversations are made of. Every statement is about many conversations at once.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use sohbet_entity::enums::ParticipantRole;
use sohbet_entity::ids::{ConversationId, PartyId};

use super::rows::Bulk;
use super::{ConversationRow, Fault, MessageRow, RoomRow, Store, messages, statement};

/// Parties in whose name somebody looks: a user, and the gallery that the user acts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parties {
    /// The user, who takes part in conversations of people.
    pub user: PartyId,
    /// The gallery, which takes part in the rooms of dealers.
    pub gallery: Option<PartyId>,
}

impl Parties {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &PartyId> {
        [Some(&self.user), self.gallery.as_ref()]
            .into_iter()
            .flatten()
    }

    /// As two values; no party is called like the absent one.
    fn values(&self) -> [Value; 2] {
        let gallery = self.gallery.as_ref().map_or("", PartyId::as_str);
        [self.user.as_str().into(), gallery.into()]
    }
}

/// A conversation in the list of somebody, and in whose name it is there.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Place {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The party that takes part.
    pub party: PartyId,
    /// Changes so far.
    pub last_rev: i64,
    /// Messages so far.
    pub last_seq: i64,
    /// When something was said last, or else when it was made.
    pub activity: DateTime<Utc>,
}

/// A part of a list of conversations, newest activity first.
#[derive(Debug, Clone, Copy)]
pub struct PlacePage<'a> {
    /// After the conversation with this activity and id.
    pub after: Option<(DateTime<Utc>, &'a ConversationId)>,
    /// At most so many.
    pub limit: u32,
}

/// One participant, as lists name them.
#[derive(Debug, Clone, FromQueryResult)]
pub struct NamedParticipant {
    /// Where.
    pub conversation_id: ConversationId,
    /// A user, or a gallery.
    pub party: PartyId,
    /// What the party may do there.
    pub role: ParticipantRole,
    /// How far the party has read.
    pub last_read_seq: i64,
    /// Since when it takes part.
    pub created_at: DateTime<Utc>,
    /// Name of the user or the gallery.
    pub name: Option<String>,
    /// How many take part in the conversation, where all of them were asked for.
    pub n_participants: i64,
}

/// The name of the party of `p`, from the tables that `named!` joins.
macro_rules! name {
    () => {
        "COALESCE(u.display_name, u.username, g.name) AS name"
    };
}

/// Joins whoever is behind the party of `p`. `gallery:` has eight characters.
macro_rules! named {
    () => {
        r#"LEFT JOIN "user" AS u ON u.id = p.party
        LEFT JOIN gallery AS g ON SUBSTR(p.party, 1, 8) = 'gallery:' AND g.id = SUBSTR(p.party, 9)"#
    };
}

impl Store {
    /// A part of the conversations of somebody. In the rooms of dealers the gallery takes part,
    /// everywhere else the user.
    pub async fn list_places(
        &self,
        parties: &Parties,
        page: PlacePage<'_>,
    ) -> Result<Vec<Place>, Fault> {
        let mut values = Vec::from(parties.values());
        values.push(i64::from(page.limit).into());
        let mut after = "";
        if let Some((activity, id)) = page.after {
            values.extend([activity.into(), id.as_str().into()]);
            after = "AND (COALESCE(c.last_message_at, c.created_at) < $4 \
                     OR (COALESCE(c.last_message_at, c.created_at) = $4 AND c.id < $5))";
        }
        let sql = format!(
            "SELECT p.conversation_id, p.party, c.last_rev, c.last_seq, \
             COALESCE(c.last_message_at, c.created_at) AS activity \
             FROM participant AS p JOIN conversation AS c ON c.id = p.conversation_id \
             LEFT JOIN room AS r ON r.conversation_id = c.id \
             WHERE p.party IN ($1, $2) AND p.left_at IS NULL \
             AND (r.gallery_a_id IS NULL OR p.party = $2) {after} \
             ORDER BY activity DESC, p.conversation_id DESC LIMIT $3"
        );
        let rows = self
            .read
            .query_all_raw(statement(&self.read, sql, values))
            .await?;
        let places = rows.iter().map(|row| Place::from_query_result(row, ""));
        Ok(places.collect::<Result<_, _>>()?)
    }

    /// In which of these conversations somebody takes part.
    pub async fn find_places(
        &self,
        parties: &Parties,
        ids: &[&ConversationId],
    ) -> Result<Vec<Place>, Fault> {
        let asked: Vec<_> = parties
            .iter()
            .flat_map(|party| ids.iter().map(move |id| (*id, party)))
            .collect();
        let rows = FIND_PLACES.query(&self.read, &asked, bind_place).await?;
        let places = rows.iter().map(|row| Place::from_query_result(row, ""));
        Ok(places.collect::<Result<_, _>>()?)
    }

    /// The rows of conversations, with those of their rooms; in any order.
    pub async fn find_conversations(
        &self,
        ids: &[&ConversationId],
    ) -> Result<Vec<(ConversationRow, Option<RoomRow>)>, Fault> {
        let bind = |id: &&ConversationId, values: &mut Vec<Value>| values.push(id.as_str().into());
        let rooms = FIND_ROOMS.query(&self.read, ids, bind).await?;
        let rooms = rooms.iter().map(|row| RoomRow::from_query_result(row, ""));
        let mut rooms: Vec<RoomRow> = rooms.collect::<Result<_, _>>()?;
        let rows = FIND_CONVERSATIONS.query(&self.read, ids, bind).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let row = ConversationRow::from_query_result(row, "")?;
            let room = rooms.iter().position(|room| room.conversation_id == row.id);
            found.push((row, room.map(|index| rooms.swap_remove(index))));
        }
        Ok(found)
    }

    /// The first `limit` participants of each conversation, in order of joining.
    pub async fn list_participants(
        &self,
        ids: &[&ConversationId],
        limit: u32,
    ) -> Result<Vec<NamedParticipant>, Fault> {
        let asked: Vec<_> = ids.iter().map(|id| (*id, limit)).collect();
        let rows = LIST_PARTICIPANTS
            .query(&self.read, &asked, |(id, limit), values| {
                values.extend([id.as_str().into(), i64::from(*limit).into()]);
            })
            .await?;
        let rows = rows
            .iter()
            .map(|row| NamedParticipant::from_query_result(row, ""));
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One participant, as lists name them.
    pub async fn find_participant(
        &self,
        id: &ConversationId,
        party: &PartyId,
    ) -> Result<Option<NamedParticipant>, Fault> {
        let sql = concat!(
            "SELECT p.*, CAST(1 AS BIGINT) AS n_participants, ",
            name!(),
            " FROM participant AS p ",
            named!(),
            " WHERE p.conversation_id = $1 AND p.party = $2 AND p.left_at IS NULL"
        );
        let values = [id.as_str().into(), party.as_str().into()];
        let row = self
            .read
            .query_one_raw(statement(&self.read, sql, values))
            .await?;
        Ok(row
            .map(|row| NamedParticipant::from_query_result(&row, ""))
            .transpose()?)
    }

    /// The messages with those positions; in any order.
    pub async fn find_at(
        &self,
        positions: &[(&ConversationId, i64)],
    ) -> Result<Vec<MessageRow>, Fault> {
        let rows = FIND_AT
            .query(&self.read, positions, |(id, seq), values| {
                values.extend([id.as_str().into(), (*seq).into()]);
            })
            .await?;
        rows.iter().map(messages::from_row).collect()
    }
}

fn bind_place((id, party): &(&ConversationId, &PartyId), values: &mut Vec<Value>) {
    values.extend([id.as_str().into(), party.as_str().into()]);
}

static FIND_PLACES: Bulk = Bulk::new(
    "SELECT p.conversation_id, p.party, c.last_rev, c.last_seq, \
     COALESCE(c.last_message_at, c.created_at) AS activity FROM (VALUES",
    2,
    ") AS v JOIN participant AS p ON p.conversation_id = v.column1 AND p.party = v.column2 \
     AND p.left_at IS NULL JOIN conversation AS c ON c.id = p.conversation_id \
     LEFT JOIN room AS r ON r.conversation_id = c.id \
     WHERE r.gallery_a_id IS NULL OR SUBSTR(p.party, 1, 8) = 'gallery:'",
);

static FIND_CONVERSATIONS: Bulk = Bulk::new(
    "SELECT * FROM conversation WHERE id IN (SELECT column1 FROM (VALUES",
    1,
    ") AS v)",
);

static FIND_ROOMS: Bulk = Bulk::new(
    "SELECT * FROM room WHERE conversation_id IN (SELECT column1 FROM (VALUES",
    1,
    ") AS v)",
);

static FIND_AT: Bulk = Bulk::new(
    "SELECT message.* FROM (VALUES",
    2,
    ") AS v JOIN message ON message.conversation_id = v.column1 AND message.seq = v.column2",
);

static LIST_PARTICIPANTS: Bulk = Bulk::new(
    concat!(
        "SELECT p.conversation_id, p.party, p.role, p.last_read_seq, p.created_at, \
         p.n_participants, ",
        name!(),
        " FROM (SELECT q.*, v.column2 AS n_wanted, COUNT(*) OVER (PARTITION BY q.conversation_id) \
         AS n_participants, ROW_NUMBER() OVER (PARTITION BY q.conversation_id \
         ORDER BY q.created_at, q.party) AS place FROM (VALUES"
    ),
    2,
    concat!(
        ") AS v JOIN participant AS q ON q.conversation_id = v.column1 AND q.left_at IS NULL) AS p ",
        named!(),
        " WHERE p.place <= p.n_wanted ORDER BY p.conversation_id, p.place"
    ),
);
