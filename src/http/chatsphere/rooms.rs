//! Rooms and who takes part in them.

use axum::response::Response;
use serde_json::json;
use sohbet_entity::ids::{ConversationId, UserId};

use super::callers::Call;
use super::{PathIds, Refusal, answer, created, ok};
use crate::auth::{Identity, Trust};
use crate::chat::Caller;
use crate::error::Error;
use crate::wire::chatsphere::rest::{self, PeopledRoom, RoomBody};

/// The rooms of the caller; all for programs and administrators.
pub async fn list_rooms(call: Call) -> Response {
    answer("Failed to fetch rooms", async {
        let caller = call.caller().await?;
        ok(&rest::rooms(&call.chat().list_halls(&caller).await?))
    })
    .await
}

/// Makes a room with one member: whom the body names, or whom the token does.
pub async fn make_room(call: Call) -> Response {
    answer("Failed to create room", async {
        let maker = maker(&call).await?;
        let (name, user) = rest::parse_room(call.body()?)?;
        let caller = maker.named(&call, user).await?;
        let room = call.chat().make_hall(&caller, &name).await?;
        created(&RoomBody::from(&room))
    })
    .await
}

/// Who is to be the first member of a room, as far as the token says.
enum Maker {
    /// The token decides.
    Known(Identity),
    /// In development mode the body decides.
    Named(Option<UserId>),
}

async fn maker(call: &Call) -> Result<Maker, Refusal> {
    let identity = call.identity_if_any().await?;
    Ok(match identity {
        Some(identity) if !call.is_development() => Maker::Known(identity),
        identity => Maker::Named(identity.and_then(|identity| identity.user)),
    })
}

impl Maker {
    async fn named(self, call: &Call, user: Option<UserId>) -> Result<Caller, Refusal> {
        match self {
            Self::Known(identity) => Ok(call.acting(&identity, user.as_ref()).await?),
            Self::Named(own) => {
                let claimed = Identity {
                    user: Some(user.or(own).ok_or(rest::NO_MAKER)?),
                    ..Identity::nobody(Trust::Claimed)
                };
                Ok(call.acting(&claimed, None).await?)
            }
        }
    }
}

/// A room and its users.
pub async fn show_room(ids: PathIds, call: Call) -> Response {
    answer("Failed to fetch room", async {
        let caller = call.caller_if_asked().await?;
        let id: ConversationId = ids.first(Error::NO_ROOM)?;
        let (room, users) = call.chat().show_hall(caller.as_ref(), &id).await?;
        ok(&PeopledRoom::new(&room, &users))
    })
    .await
}

/// Lets a user take part.
pub async fn add_user(ids: PathIds, call: Call) -> Response {
    answer("Failed to add user to room", async {
        let caller = call.caller_if_asked().await?;
        let user = rest::parse_user(call.body()?, "UserId is required")?;
        let id: ConversationId = ids.first(Error::NO_ROOM)?;
        let chat = call.chat();
        chat.let_into_hall(caller.as_ref(), &id, &user).await?;
        ok(&json!({"message": "User added to room successfully"}))
    })
    .await
}

/// Ends a user's part.
pub async fn remove_user(ids: PathIds, call: Call) -> Response {
    answer("Failed to remove user from room", async {
        let caller = call.caller_if_asked().await?;
        let (id, user): (ConversationId, UserId) =
            (ids.first(Error::NO_ROOM)?, ids.second(Error::NO_USER)?);
        let chat = call.chat();
        chat.send_from_hall(caller.as_ref(), &id, &user).await?;
        ok(&json!({"message": "User removed from room successfully"}))
    })
    .await
}
