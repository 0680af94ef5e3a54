//! What the roles of a room mean. One table decides for sockets and REST.
//!
//! Who is at least a moderator manages people of a lower role, and gives roles up to the own one.
//! An administrator of the server manages the rooms of people like an owner.

use sohbet_entity::enums::ParticipantRole;

use super::{Caller, Conversation, Kind};
use crate::error::{Error, Result};

/// Something that a role is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Change the name, the description, or whether the room is in use.
    Update,
    /// Let somebody take part in this role.
    Add(ParticipantRole),
    /// End the part of somebody else who has this role.
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
    /// Leave. Whether an owner may depends on who stays, which the store knows.
    Leave,
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
        Act::Leave => true,
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
    /// Refuses what the caller's role here is too low for. Only the rooms of people have roles that
    /// can be used: who takes part in other conversations is fixed.
    pub(super) fn check_act(&self, caller: &Caller, act: Act) -> Result<()> {
        let Kind::Room(room) = &self.kind else {
            return Err(Error::Forbidden("A direct conversation cannot be changed"));
        };
        if room.galleries.is_some() {
            return Err(Error::Forbidden("The room of dealers cannot be changed"));
        }
        let role = match caller.is_admin() {
            true => Some(ParticipantRole::Owner),
            false => room.members.get(&caller.user).copied(),
        };
        match role.is_some_and(|role| may(role, act)) {
            true => Ok(()),
            false => Err(Error::Forbidden("Your role does not permit this")),
        }
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
        assert_eq!(row(Act::Leave), [true; 4]);
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
}
