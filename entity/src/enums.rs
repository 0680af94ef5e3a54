//! Columns that hold one of a few words. The schema checks the same words.

use sea_orm::entity::prelude::{DeriveActiveEnum, EnumIter, StringLen};

/// What a conversation is between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum ConversationKind {
    /// Two users.
    #[sea_orm(string_value = "direct")]
    Direct,
    /// The participants of a room, which has a row of its own.
    #[sea_orm(string_value = "room")]
    Room,
}

/// What a user may do on the whole server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum UserRole {
    /// May do everything.
    #[sea_orm(string_value = "ADMIN")]
    Admin,
    /// Is in each room of people that it takes part in what the room's own MODERATOR is.
    #[sea_orm(string_value = "MODERATOR")]
    Moderator,
    /// May do what is theirs.
    #[sea_orm(string_value = "MEMBER")]
    Member,
}

impl UserRole {
    /// As the column and JSON have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "ADMIN",
            Self::Moderator => "MODERATOR",
            Self::Member => "MEMBER",
        }
    }
}

/// What a party may do in one conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum ParticipantRole {
    /// Owns the room; a room with others in it keeps at least one.
    #[sea_orm(string_value = "OWNER")]
    Owner,
    /// Manages the room and who is in it.
    #[sea_orm(string_value = "ADMIN")]
    Admin,
    /// Lets others in, and sends plain members away.
    #[sea_orm(string_value = "MODERATOR")]
    Moderator,
    /// Reads and writes.
    #[sea_orm(string_value = "MEMBER")]
    Member,
}

impl ParticipantRole {
    /// As the column and JSON have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "OWNER",
            Self::Admin => "ADMIN",
            Self::Moderator => "MODERATOR",
            Self::Member => "MEMBER",
        }
    }
}

/// What a room is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum RoomType {
    /// A named group of people.
    #[sea_orm(string_value = "group")]
    Group,
    /// An offer, between two galleries.
    #[sea_orm(string_value = "offer")]
    Offer,
    /// A vehicle, between two galleries.
    #[sea_orm(string_value = "vehicle")]
    Vehicle,
    /// A support case, between two galleries; never merged with an older one.
    #[sea_orm(string_value = "support")]
    Support,
}

impl RoomType {
    /// As the column and JSON have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Offer => "offer",
            Self::Vehicle => "vehicle",
            Self::Support => "support",
        }
    }
}

/// Whom an API token speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum TokenType {
    /// One user.
    #[sea_orm(string_value = "USER")]
    User,
    /// A program that may reach every room.
    #[sea_orm(string_value = "CLIENT")]
    Client,
}

impl TokenType {
    /// As the column and JSON have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Client => "CLIENT",
        }
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::{ActiveEnum, Iterable};

    use super::*;

    #[test]
    fn names_are_those_of_the_columns() {
        assert!(UserRole::iter().all(|role| role.name() == role.to_value()));
        assert!(ParticipantRole::iter().all(|role| role.name() == role.to_value()));
        assert!(RoomType::iter().all(|kind| kind.name() == kind.to_value()));
        assert!(TokenType::iter().all(|kind| kind.name() == kind.to_value()));
    }
}
