//! What the roles of a room mean, and those of the server. One table decides in every dialect, for
//! sockets and REST.
//!
//! Who is at least a moderator manages people of a lower role, and gives roles up to the own one.
//! An ADMIN of the server does in every room of people what its owner may do, and a MODERATOR of the
//! server does in the rooms that they take part in what a moderator of the room may do. Everybody may
//! leave, but the last owner of a room with others in it. Programs
//! with a client token let people in and send them away. Where nobody is OWNER, members are among
//! equals and let others in: that is so in the rooms that `chatsphere` and `direct` make.

use sohbet_entity::enums::{ParticipantRole, UserRole};

use super::{Caller, Conversation, Kind, Room};
use crate::error::{Error, Result};

/// Something that a role is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Change the name, the description, or whether the room is in use.
    Update,
    /// Let somebody take part in this role.
    Add(ParticipantRole),
    /// End the part of somebody else who is this here.
    Remove(ParticipantRole),
    /// Give somebody else another role.
    Promote {
        /// The role now.
        from: ParticipantRole,
        /// The role to be.
        to: ParticipantRole,
    },
    /// Take another role oneself.
    Become(ParticipantRole),
}

/// Whether that role is enough.
pub fn may(role: ParticipantRole, act: Act) -> bool {
    use ParticipantRole::{Admin, Moderator};
    let own = rank(role);
    match act {
        Act::Update => own >= rank(Admin),
        Act::Add(wanted) => own >= rank(Moderator) && rank(wanted) <= own,
        Act::Remove(other) => own >= rank(Moderator) && rank(other) < own,
        Act::Promote { from, to } => own >= rank(Moderator) && rank(from) < own && rank(to) <= own,
        Act::Become(wanted) => rank(wanted) <= own,
    }
}

const fn rank(role: ParticipantRole) -> u8 {
    match role {
        ParticipantRole::Member => 0,
        ParticipantRole::Moderator => 1,
        ParticipantRole::Admin => 2,
        ParticipantRole::Owner => 3,
    }
}

impl Conversation {
    /// The room of people that this is. Who takes part in other conversations is fixed.
    pub(super) fn managed(&self) -> Result<&Room> {
        match &self.kind {
            Kind::Room(room) if room.galleries.is_none() => Ok(room),
            Kind::Room(_) => Err(Error::Forbidden("The room of dealers cannot be changed")),
            Kind::Pair(_) => Err(Error::Forbidden("A direct conversation cannot be changed")),
        }
    }

    /// Refuses what the caller's role here is too low for.
    pub(super) fn check_act(&self, caller: &Caller, act: Act) -> Result<()> {
        match self.managed()?.permits(caller, act) {
            true => Ok(()),
            false => Err(Error::Forbidden("Your role does not permit this")),
        }
    }
}

impl Conversation {
    /// Refuses to delete a message to anybody but its sender and those who keep order in the room.
    pub(super) fn check_delete(&self, caller: &Caller, is_own: bool) -> Result<()> {
        let room = self.managed().ok();
        let standing =
            room.and_then(|room| standing(room.members.get(&caller.user).copied(), caller.role));
        let keeps_order =
            standing.is_some_and(|role| rank(role) >= rank(ParticipantRole::Moderator));
        match is_own || keeps_order {
            true => Ok(()),
            false => Err(Error::Forbidden("Your role does not permit this")),
        }
    }
}

impl Room {
    fn permits(&self, caller: &Caller, act: Act) -> bool {
        let standing = standing(self.members.get(&caller.user).copied(), caller.role);
        let is_guest = act == Act::Add(ParticipantRole::Member);
        let is_among_equals = standing.is_some() && !self.has_owner();
        standing.is_some_and(|standing| may(standing, act))
            || (is_guest && is_among_equals)
            || (caller.is_program && (is_guest || matches!(act, Act::Remove(_))))
    }

    fn has_owner(&self) -> bool {
        self.members
            .values()
            .any(|role| *role == ParticipantRole::Owner)
    }
}

/// What somebody is in a room of people: by the role there, or by the one on the whole server.
pub fn standing(here: Option<ParticipantRole>, on_server: UserRole) -> Option<ParticipantRole> {
    match (here, on_server) {
        (_, UserRole::Admin) => Some(ParticipantRole::Owner),
        (Some(ParticipantRole::Member), UserRole::Moderator) => Some(ParticipantRole::Moderator),
        _ => here,
    }
}

#[cfg(test)]
mod tests {
    use super::ParticipantRole::{Admin, Member, Moderator, Owner};
    use super::*;

    /// Whether MEMBER, MODERATOR, ADMIN and OWNER may do that.
    fn row(act: Act) -> [bool; 4] {
        [Member, Moderator, Admin, Owner].map(|role| may(role, act))
    }

    #[test]
    fn only_owners_and_admins_change_a_room() {
        assert_eq!(row(Act::Update), [false, false, true, true]);
    }

    #[test]
    fn nobody_gives_a_role_above_the_own_one() {
        assert_eq!(row(Act::Add(Member)), [false, true, true, true]);
        assert_eq!(row(Act::Add(Moderator)), [false, true, true, true]);
        assert_eq!(row(Act::Add(Admin)), [false, false, true, true]);
        assert_eq!(row(Act::Add(Owner)), [false, false, false, true]);
    }

    #[test]
    fn only_lower_roles_are_removed() {
        assert_eq!(row(Act::Remove(Member)), [false, true, true, true]);
        assert_eq!(row(Act::Remove(Moderator)), [false, false, true, true]);
        assert_eq!(row(Act::Remove(Admin)), [false, false, false, true]);
        assert_eq!(row(Act::Remove(Owner)), [false; 4]);
    }

    #[test]
    fn only_lower_roles_are_changed_up_to_the_own_one() {
        let promote = |from, to| row(Act::Promote { from, to });
        assert_eq!(promote(Member, Moderator), [false, true, true, true]);
        assert_eq!(promote(Member, Admin), [false, false, true, true]);
        assert_eq!(promote(Moderator, Member), [false, false, true, true]);
        assert_eq!(promote(Admin, Owner), [false, false, false, true]);
        assert_eq!(promote(Owner, Member), [false; 4]);
    }

    #[test]
    fn one_steps_down_by_oneself_and_never_up() {
        assert_eq!(row(Act::Become(Member)), [true; 4]);
        assert_eq!(row(Act::Become(Admin)), [false, false, true, true]);
        assert_eq!(row(Act::Become(Owner)), [false, false, false, true]);
    }

    #[test]
    fn a_higher_role_is_never_less() {
        const ROLES: [ParticipantRole; 4] = [Member, Moderator, Admin, Owner];
        let mut acts = vec![Act::Update];
        for role in ROLES {
            acts.extend([Act::Add(role), Act::Remove(role), Act::Become(role)]);
            acts.extend(ROLES.map(|to| Act::Promote { from: role, to }));
        }
        for act in acts {
            assert!(row(act).is_sorted(), "{act:?}: {:?}", row(act));
        }
        let on_server = [UserRole::Member, UserRole::Moderator, UserRole::Admin];
        for here in [None].into_iter().chain(ROLES.map(Some)) {
            let standings = on_server.map(|on_server| standing(here, on_server).map(rank));
            assert!(standings.is_sorted(), "{here:?}: {standings:?}");
            assert!(
                standings
                    .iter()
                    .all(|rank_here| *rank_here >= here.map(rank))
            );
        }
    }

    #[test]
    fn a_role_on_the_server_counts_in_rooms() {
        let of =
            |on_server| [None, Some(Member), Some(Admin)].map(|here| standing(here, on_server));
        assert_eq!(of(UserRole::Member), [None, Some(Member), Some(Admin)]);
        // A MODERATOR of the server is nobody where they do not take part.
        assert_eq!(
            of(UserRole::Moderator),
            [None, Some(Moderator), Some(Admin)]
        );
        assert_eq!(of(UserRole::Admin), [Some(Owner); 3]);
    }
}
