//! Users.

use axum::response::Response;

use super::callers::Call;
use super::tokens::show_issued;
use super::{answer, ok};
use crate::wire::chatsphere::rest;

/// Makes a user and a first token. Everybody may, unless the operator says otherwise.
pub async fn make_user(call: Call) -> Response {
    answer("Failed to create user", async {
        let chat = call.chat();
        if !chat.has_open_sign_up() {
            chat.check_sign_up(&call.identity().await?)?;
        }
        let username = rest::parse_username(call.body()?)?;
        show_issued(chat.sign_up(&username).await?)
    })
    .await
}

/// All users; with a key for whoever has a token.
pub async fn list_users(call: Call) -> Response {
    answer("Failed to fetch users", async {
        let caller = call.caller_if_asked().await?;
        let users = call.chat().list_users(caller.as_ref()).await?;
        ok(&rest::people(&users))
    })
    .await
}
