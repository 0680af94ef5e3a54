//! Who takes part in a room, as the store keeps it, on both databases.

use sohbet::error::Error;
use sohbet::store::{Change, NewRoom, Outcome, Parting, Write};
use sohbet_entity::enums::ParticipantRole::{self, Admin, Member, Moderator, Owner};
use sohbet_entity::enums::RoomType;
use sohbet_entity::ids::{PartyId, UserId};

use crate::support::desk::{Desk, change};
use crate::support::stores::{self, on_both_stores};

on_both_stores!(
    who_takes_part_keeps_the_role_whatever_is_asked,
    who_comes_back_has_the_new_role,
    a_room_with_others_in_it_keeps_its_last_owner,
    who_parted_before_it_is_stored_has_said_nothing,
    who_parted_before_it_is_stored_has_changed_nothing,
);

async fn who_takes_part_keeps_the_role_whatever_is_asked(store: stores::Store) {
    let room = Room::open(&store, &[("a", Owner), ("b", Moderator)]).await;
    // A node that has not heard of it yet lets them in again.
    room.let_in(&[("a", Member), ("b", Member), ("c", Member)])
        .await;
    for (user, role) in [("a", Owner), ("b", Moderator), ("c", Member)] {
        assert_eq!(room.role(user).await, Some(role), "{user}");
    }
}

async fn who_comes_back_has_the_new_role(store: stores::Store) {
    let room = Room::open(&store, &[("a", Owner), ("b", Admin)]).await;
    assert_eq!(room.end("b").await, Parting::Done);
    assert_eq!(room.role("b").await, None);
    room.let_in(&[("b", Member)]).await;
    assert_eq!(room.role("b").await, Some(Member));
}

async fn a_room_with_others_in_it_keeps_its_last_owner(store: stores::Store) {
    let room = Room::open(&store, &[("a", Owner), ("b", Admin)]).await;
    assert_eq!(room.end("a").await, Parting::LastOwner);
    assert_eq!(room.end("nobody").await, Parting::Absent);
    assert_eq!(room.end("b").await, Parting::Done);
    assert_eq!(room.end("a").await, Parting::Done);
}

async fn who_parted_before_it_is_stored_has_said_nothing(store: stores::Store) {
    let room = Room::open(&store, &[("1", Owner), ("2", Member)]).await;
    let admitted_in = room.facts_in().await;
    assert_eq!(room.end("2").await, Parting::Done);
    let say = |id: &str, sender: &str| {
        let mut write = room.0.message(id);
        if let Write::Message(new) = &mut write {
            new.row.sender_id = sender.into();
            new.admitted_in = Some(admitted_in);
        }
        write
    };
    let writes = vec![say("m1", "1"), say("m2", "2"), say("m3", "1")];
    let outcomes = room.0.commit(writes).await;
    let seqs: Vec<_> = outcomes.iter().map(seq_or_code).collect();
    assert_eq!(seqs, [Ok(1), Err("NOT_FOUND"), Ok(2)]);
}

async fn who_parted_before_it_is_stored_has_changed_nothing(store: stores::Store) {
    let room = Room::open(&store, &[("1", Owner), ("2", Member)]).await;
    let admitted_in = room.facts_in().await;
    room.0.commit(vec![room.0.message("m1")]).await;
    assert_eq!(room.end("2").await, Parting::Done);
    let react = |user: &str| {
        let mut write = change(
            "m1",
            Change::React {
                emoji: "x".into(),
                is_added: true,
            },
        );
        if let Write::Change(new) = &mut write {
            new.by = user.into();
            new.admitted_in = Some(admitted_in);
        }
        write
    };
    let outcomes = room.0.commit(vec![react("1"), react("2")]).await;
    let n_reactions = |outcome: &Result<Outcome, Error>| match outcome {
        Ok(Outcome::Changed(changed)) => Ok(changed.reactions.len()),
        Ok(_) => panic!("no change"),
        Err(error) => Err(error.code()),
    };
    let counts: Vec<_> = outcomes.iter().map(n_reactions).collect();
    assert_eq!(counts, [Ok(1), Err("NOT_FOUND")]);
}

fn seq_or_code(outcome: &Result<Outcome, Error>) -> Result<i64, &'static str> {
    match outcome {
        Ok(Outcome::Message(stored)) => Ok(stored.row.seq),
        Ok(_) => panic!("no message"),
        Err(error) => Err(error.code()),
    }
}

struct Room(Desk);

impl Room {
    async fn open(store: &stores::Store, members: &[(&str, ParticipantRole)]) -> Self {
        let store = store.open().await;
        let new = NewRoom {
            id: "room".into(),
            name: "Room".into(),
            description: None,
            room_type: RoomType::Group,
            offer_id: None,
            vehicle_id: None,
            galleries: None,
            is_open: false,
            dedup_key: None,
            members: parties(members),
        };
        let (id, is_new) = store.create_room(&new).await.unwrap().unwrap();
        assert!(is_new);
        Self(Desk {
            store,
            conversation: id,
        })
    }

    /// When who takes part was changed last.
    async fn facts_in(&self) -> i64 {
        let found = self.0.store.load_conversation(&self.0.conversation).await;
        found.unwrap().unwrap().row.facts_in
    }

    async fn let_in(&self, members: &[(&str, ParticipantRole)]) {
        let members = parties(members);
        self.0
            .store
            .save_members(&self.0.conversation, &members)
            .await
            .unwrap();
    }

    async fn end(&self, user: &str) -> Parting {
        self.0
            .store
            .end_part(&self.0.conversation, &party(user))
            .await
            .unwrap()
    }

    async fn role(&self, user: &str) -> Option<ParticipantRole> {
        let found = self
            .0
            .store
            .find_participant(&self.0.conversation, &party(user))
            .await;
        found.unwrap().map(|row| row.role)
    }
}

fn parties(members: &[(&str, ParticipantRole)]) -> Vec<(PartyId, ParticipantRole)> {
    members
        .iter()
        .map(|(user, role)| (party(user), *role))
        .collect()
}

fn party(user: &str) -> PartyId {
    PartyId::from(&UserId::from(user))
}
