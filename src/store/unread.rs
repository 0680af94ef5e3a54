//! Where parties stand in conversations, and how much they have not read.
//!
//! Unread is what comes after a party's marker, was written by somebody else and is not deleted.
//! Between two users or two galleries, a message that somebody read by itself does not count either.

use std::collections::HashMap;

use sea_orm::{FromQueryResult, Value};
use sohbet_entity::enums::ParticipantRole;
use sohbet_entity::ids::{ConversationId, PartyId};

use super::rows::Bulk;
use super::{Fault, Store};

/// How a party stands in a conversation that it takes part in.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Standing {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The party.
    pub party: PartyId,
    /// What it may do there.
    pub role: ParticipantRole,
    /// How far it has read.
    pub last_read_seq: i64,
    /// How many messages it has not read.
    pub unread: i64,
}

impl Store {
    /// How parties stand in conversations; those who do not take part are missing.
    pub async fn find_standings(
        &self,
        places: &[(&ConversationId, &PartyId)],
    ) -> Result<Vec<Standing>, Fault> {
        let bind = |(id, party): &(&ConversationId, &PartyId), values: &mut Vec<Value>| {
            values.extend([id.as_str().into(), party.as_str().into()]);
        };
        let rows = FIND_STANDINGS.query(&self.read, places, bind).await?;
        let rows = rows.iter().map(|row| Standing::from_query_result(row, ""));
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many messages each party has not read in all its conversations. Who has read everything
    /// may be missing.
    pub async fn sum_unread(&self, parties: &[&PartyId]) -> Result<HashMap<PartyId, i64>, Fault> {
        let bind = |party: &&PartyId, values: &mut Vec<Value>| values.push(party.as_str().into());
        let rows = SUM_UNREAD.query(&self.read, parties, bind).await?;
        let mut sums = HashMap::with_capacity(rows.len());
        for row in rows {
            sums.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        }
        Ok(sums)
    }
}

/// Counts the unread messages of participant `p` in conversation `c`, whose room is `r`.
macro_rules! count_unread {
    () => {
        "(SELECT COUNT(*) FROM message AS m WHERE m.conversation_id = c.id \
         AND m.seq > p.last_read_seq AND m.deleted_at IS NULL \
         AND COALESCE(m.sender_party, m.sender_id) <> p.party \
         AND (m.read_at IS NULL OR (c.kind = 'room' AND r.gallery_a_id IS NULL))) AS unread"
    };
}

static FIND_STANDINGS: Bulk = Bulk::new(
    concat!(
        "SELECT p.conversation_id, p.party, p.role, p.last_read_seq, ",
        count_unread!(),
        " FROM (VALUES"
    ),
    2,
    ") AS v JOIN participant AS p ON p.conversation_id = v.column1 AND p.party = v.column2 \
     AND p.left_at IS NULL JOIN conversation AS c ON c.id = p.conversation_id \
     LEFT JOIN room AS r ON r.conversation_id = c.id",
);

/// Conversations that are read to the end are left out before anything is counted.
static SUM_UNREAD: Bulk = Bulk::new(
    concat!(
        "SELECT s.party, CAST(SUM(s.unread) AS BIGINT) FROM (SELECT p.party, ",
        count_unread!(),
        " FROM (VALUES"
    ),
    1,
    ") AS v JOIN participant AS p ON p.party = v.column1 AND p.left_at IS NULL \
     JOIN conversation AS c ON c.id = p.conversation_id AND c.last_seq > p.last_read_seq \
     LEFT JOIN room AS r ON r.conversation_id = c.id \
     WHERE r.gallery_a_id IS NULL OR SUBSTR(p.party, 1, 8) = 'gallery:') AS s GROUP BY s.party",
);
