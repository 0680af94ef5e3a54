//! Rooms of two galleries, about an offer, a vehicle or a support case. Who takes part is the
//! gallery; its users act for it.

use std::sync::Arc;

use sohbet_entity::enums::{ParticipantRole, RoomType};
use sohbet_entity::ids::{ConversationId, GalleryId, MessageId, OfferId, PartyId, VehicleId};
use uuid::Uuid;

use super::{Caller, Chat, Conversation, Message};
use crate::auth::Permission;
use crate::error::{Error, Result};
use crate::store::{
    DealerRoom, ListedDealerRoom, NewRoom, Page, ReadOutcome, ReadScope, RoomChange,
};

/// Longest list of rooms that one answer holds.
const MAX_LISTED: u32 = 2_000;

/// A room that somebody asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDealerRoom {
    /// What it is about.
    pub room_type: RoomType,
    /// The offer; offer rooms have one.
    pub offer: Option<OfferId>,
    /// The vehicle; vehicle rooms have one.
    pub vehicle: Option<VehicleId>,
    /// With whom, if that is said.
    pub other: Option<GalleryId>,
}

/// One page of a room, counted from its newest message.
pub struct NumberedPage {
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// Messages in the whole room.
    pub n_messages: i64,
}

impl Chat {
    /// The active rooms of the caller's gallery: newest message first, silent ones last.
    pub async fn list_dealer_rooms(&self, caller: &Caller) -> Result<Vec<ListedDealerRoom>> {
        caller.check(Permission::Read)?;
        let party = caller.gallery_party().ok_or(NO_GALLERY)?;
        Ok(self.store.list_dealer_rooms(&party, MAX_LISTED).await?)
    }

    /// A room for somebody who takes part in it and may do there what that permission is for. That
    /// the room of two other galleries is there is no secret; everything else that is not the caller's
    /// does not exist.
    pub async fn enter_room(
        &self,
        permission: Permission,
        caller: &Caller,
        id: &ConversationId,
    ) -> Result<Arc<Conversation>> {
        caller.check(permission)?;
        let found = self.find_conversation(id).await?;
        match found.filter(|found| found.room().is_some()) {
            Some(found) if found.admits(caller) => Ok(found),
            Some(found) if found.galleries().is_some() => Err(Error::Forbidden("Access denied")),
            _ => Err(Error::NO_ROOM),
        }
    }

    /// What lists show of a room.
    pub async fn describe_room(&self, room: &Conversation) -> Result<DealerRoom> {
        let found = self.store.find_dealer_room(&room.id).await?;
        found.ok_or(Error::NO_ROOM)
    }

    /// The two galleries of a new room: those of the offer, or the caller's and the other one.
    /// `None` when nobody says which that is.
    pub async fn find_galleries(
        &self,
        caller: &Caller,
        new: &NewDealerRoom,
    ) -> Result<Option<[GalleryId; 2]>> {
        let own = caller.gallery.clone().ok_or(NO_GALLERY)?;
        if let Some(other) = &new.other {
            return Ok(Some([own, other.clone()]));
        }
        match (new.room_type, &new.offer, &new.vehicle) {
            (RoomType::Offer, Some(offer), _) => {
                let offer = self.store.find_offer(offer).await?;
                let sides =
                    offer.and_then(|offer| offer.seller_gallery_id.zip(offer.buyer_gallery_id));
                Ok(sides.map(<[_; 2]>::from))
            }
            (RoomType::Vehicle, _, Some(vehicle)) => {
                let vehicle = self.store.find_vehicle(vehicle).await?;
                let owner = vehicle.and_then(|vehicle| vehicle.gallery_id);
                Ok(owner.map(|owner| [own, owner]))
            }
            _ => Ok(None),
        }
    }

    /// The room of two galleries about one offer or one vehicle; made when there is none, opened
    /// again when it was closed. Support rooms are always made.
    pub async fn open_dealer_room(
        &self,
        caller: &Caller,
        new: NewDealerRoom,
        galleries: [GalleryId; 2],
    ) -> Result<DealerRoom> {
        caller.check(Permission::Write)?;
        check_sides(caller, &galleries)?;
        let key = dedup_key(&new, &galleries);
        if let Some(key) = &key
            && let Some(found) = self.store.find_dealer_room_by_key(key).await?
        {
            return self.reopen_room(found).await;
        }
        let member = |gallery| (PartyId::from(gallery), ParticipantRole::Member);
        let new = NewRoom {
            id: ConversationId::from(Uuid::now_v7().to_string()),
            name: String::new(),
            description: None,
            room_type: new.room_type,
            offer_id: new.offer,
            vehicle_id: new.vehicle,
            members: galleries.iter().map(member).collect(),
            galleries: Some(galleries),
            is_open: false,
            dedup_key: key,
        };
        let (room, is_new) = self.create_room(new).await?;
        let described = self.describe_room(&room).await?;
        match is_new {
            true => Ok(described),
            // Somebody else asked for it at the same moment.
            false => self.reopen_room(described).await,
        }
    }

    async fn reopen_room(&self, room: DealerRoom) -> Result<DealerRoom> {
        if room.is_active {
            return Ok(room);
        }
        let room = self.set_active(&room.id, true).await?;
        self.describe_room(&room).await
    }

    /// Takes a room out of the lists of both galleries, until somebody writes in it.
    pub async fn close_dealer_room(&self, caller: &Caller, id: &ConversationId) -> Result<()> {
        let room = self.enter_room(Permission::Write, caller, id).await?;
        if room.galleries().is_none() {
            return Err(Error::Forbidden("Access denied"));
        }
        if self.describe_room(&room).await?.is_active {
            self.set_active(id, false).await?;
        }
        Ok(())
    }

    async fn set_active(&self, id: &ConversationId, is_active: bool) -> Result<Arc<Conversation>> {
        let change = RoomChange {
            is_active: Some(is_active),
            ..RoomChange::default()
        };
        self.update_room(id, &change).await
    }

    /// Page `number` of a room, counted from 1, `size` messages each; the first is the newest. Since
    /// messages are numbered without gaps, a page is a range of numbers.
    pub async fn read_numbered_page(
        &self,
        room: &Arc<Conversation>,
        number: i64,
        size: u32,
    ) -> Result<NumberedPage> {
        let n_messages = self.describe_room(room).await?.last_seq;
        let n_newer = number.saturating_sub(1).saturating_mul(i64::from(size));
        let last = n_messages.saturating_sub(n_newer);
        let messages = match last > 0 {
            true => {
                let page = Page {
                    after: None,
                    before: Some(last + 1),
                    limit: size,
                };
                self.read_page(room, page).await?
            }
            false => Vec::new(),
        };
        Ok(NumberedPage {
            messages,
            n_messages,
        })
    }

    /// Marks one message of a room read for the caller's gallery. One of its own, and one that was
    /// read before, stays as it is; `None` then.
    pub async fn mark_read_in_room(
        &self,
        caller: &Caller,
        room: &Conversation,
        message: &MessageId,
    ) -> Result<Option<ReadOutcome>> {
        caller.check(Permission::Write)?;
        let found = self.store.find_message(message).await?;
        let found = found
            .filter(|row| row.conversation_id == room.id)
            .ok_or(Error::NO_MESSAGE)?;
        let is_own = found.sender_party.is_some() && found.sender_party == caller.gallery_party();
        if is_own || found.read_at.is_some() {
            return Ok(None);
        }
        let scope = ReadScope::One(found.seq);
        self.mark_read(caller, room.id.clone(), scope)
            .await
            .map(Some)
    }
}

/// What somebody hears who acts for no gallery.
const NO_GALLERY: Error = Error::InvalidPayload("Gallery ID not found");

fn check_sides(caller: &Caller, galleries: &[GalleryId; 2]) -> Result<()> {
    if galleries[0] == galleries[1] {
        let same = "Cannot create room with same gallery IDs";
        return Err(Error::InvalidPayload(same));
    }
    let is_side = |own: &GalleryId| galleries.contains(own);
    if !caller.gallery.as_ref().is_some_and(is_side) {
        let foreign = "Current user gallery must be one of the room galleries";
        return Err(Error::InvalidPayload(foreign));
    }
    Ok(())
}

/// What only one room can be about: type, offer or vehicle, and the two galleries in either order.
/// Ids may hold any character, so their lengths tell where each ends. `None` for support rooms.
fn dedup_key(new: &NewDealerRoom, galleries: &[GalleryId; 2]) -> Option<String> {
    let (word, subject) = match new.room_type {
        RoomType::Offer => ("offer", new.offer.as_ref()?.as_str()),
        RoomType::Vehicle => ("vehicle", new.vehicle.as_ref()?.as_str()),
        RoomType::Group | RoomType::Support => return None,
    };
    let [a, b] = galleries;
    let (first, second) = if a <= b { (a, b) } else { (b, a) };
    let length = |text: &str| text.chars().count();
    let lengths = format!("{}:{}", length(subject), length(first.as_str()));
    Some(format!("{word}:{lengths}:{subject}{first}{second}"))
}

#[cfg(test)]
mod tests {
    use sohbet_entity::ids;

    use super::*;

    fn key(room_type: RoomType, subject: &str, a: &str, b: &str) -> Option<String> {
        let new = NewDealerRoom {
            room_type,
            offer: Some(OfferId::from(subject)),
            vehicle: Some(VehicleId::from(subject)),
            other: None,
        };
        dedup_key(&new, &[GalleryId::from(a), GalleryId::from(b)])
    }

    #[test]
    fn a_key_is_the_same_from_both_sides_and_for_nothing_else() {
        let offer = key(RoomType::Offer, "o", "ga", "gb");
        assert!(offer.is_some());
        assert_eq!(offer, key(RoomType::Offer, "o", "gb", "ga"));
        for other in [
            key(RoomType::Vehicle, "o", "ga", "gb"),
            key(RoomType::Offer, "og", "a", "gb"),
            key(RoomType::Offer, "o", "g", "agb"),
            key(RoomType::Offer, "o:", "ga", "gb"),
        ] {
            assert_ne!(offer, other);
        }
        assert_eq!(key(RoomType::Support, "o", "ga", "gb"), None);
    }

    #[test]
    fn the_longest_key_fits_its_column() {
        let longest = "ğ".repeat(ids::MAX_CHARS);
        let key = key(RoomType::Vehicle, &longest, &longest, &longest).unwrap();
        assert_eq!(key.chars().count(), 400);
    }
}
