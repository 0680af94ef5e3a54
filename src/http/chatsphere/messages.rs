//! Messages of one room, and of many.

use axum::response::Response;
use sohbet_entity::ids::ConversationId;

use super::callers::Call;
use super::{PathIds, Refusal, answer, created, ok};
use crate::auth::Permission;
use crate::chat::Caller;
use crate::error::Error;
use crate::http::bodies::{PageQuery, Params, Unreadable};
use crate::wire::chatsphere::rest::{self, NO_ACCESS};

/// Messages of a room, oldest first.
pub async fn list_messages(
    ids: PathIds,
    page: Result<Params<PageQuery>, Unreadable>,
    call: Call,
) -> Response {
    answer("Failed to fetch messages", async {
        let caller = call.caller().await?;
        let Params(page) = page?;
        let page = page.parse().map_err(Error::InvalidPayload)?;
        let id = room(&ids, &caller)?;
        let room = call.chat().enter_hall(Permission::Read, &caller, &id).await;
        let room = room.map_err(|error| hidden(error, &caller))?;
        ok(&rest::messages(&call.chat().read_page(&room, page).await?))
    })
    .await
}

/// Stores a message; it is handed to the listeners before this answers.
pub async fn post_message(ids: PathIds, call: Call) -> Response {
    answer("Failed to create message", async {
        let caller = call.caller().await?;
        let posted = rest::parse_message(call.body()?)?;
        let id = room(&ids, &caller)?;
        let chat = call.chat();
        let entered = chat.enter_hall(Permission::Write, &caller, &id).await;
        entered.map_err(|error| hidden(error, &caller))?;
        let sent = chat.send(&caller, posted.into_draft(id), None).await?;
        created(&rest::message(&sent))
    })
    .await
}

/// The newest messages of all rooms, newest first; for programs.
pub async fn list_all(call: Call) -> Response {
    answer("Failed to fetch messages", async {
        let caller = call.caller().await?;
        let messages = call.chat().list_hall_messages(&caller).await?;
        ok(&rest::placed_messages(&messages))
    })
    .await
}

/// The newest messages that the caller wrote, newest first.
pub async fn list_written(call: Call) -> Response {
    answer("Failed to fetch messages", async {
        let caller = call.caller().await?;
        let messages = call.chat().list_written(&caller).await?;
        ok(&rest::placed_messages(&messages))
    })
    .await
}

fn room(ids: &PathIds, caller: &Caller) -> Result<ConversationId, Refusal> {
    ids.first(hidden(Error::NO_ROOM, caller))
}

/// Whether a room does not exist or is that of others is told to those only who may see them all.
fn hidden(error: Error, caller: &Caller) -> Error {
    match error {
        Error::NotFound(_) if caller.is_program || caller.is_admin() => Error::NO_ROOM,
        Error::NotFound(_) => Error::Forbidden(NO_ACCESS),
        error => error,
    }
}
