//! API tokens: making, looking at and ending them. Who may is the domain's to say; in development
//! mode everybody may, with or without a token.

use axum::response::Response;
use serde_json::json;
use sohbet_entity::enums::TokenType;
use sohbet_entity::ids::ApiTokenId;

use super::callers::{Call, bad};
use super::{PathIds, Refusal, answer, created, ok};
use crate::auth::{Identity, Trust};
use crate::chat::{CreatedToken, NewApiToken, Profile, TokenForm};
use crate::error::Error;
use crate::wire::chatsphere::rest::{self, IssuedBody, VerifiedBody};

/// Makes a token for a user.
pub async fn make_user_token(call: Call) -> Response {
    answer("Failed to create token", async {
        let by = maker(&call).await?;
        let body = call.body()?;
        let new = NewApiToken {
            user: rest::parse_user(body, "User ID is required")?,
            token_type: TokenType::User,
            name: String::new(),
            permissions: rest::parse_permissions(body)?,
            expires_at: None,
            form: TokenForm::Jwt { email: None },
        };
        let created = call.chat().create_token(&by, new).await;
        show_issued(created.map_err(bad)?)
    })
    .await
}

/// Makes a token for a program.
pub async fn make_client_token(call: Call) -> Response {
    answer("Failed to create token", async {
        let by = maker(&call).await?;
        let (user, email) = rest::parse_client(call.body()?)?;
        let new = NewApiToken {
            user,
            token_type: TokenType::Client,
            name: String::new(),
            permissions: json!({"fullAccess": true}),
            expires_at: None,
            form: TokenForm::Jwt { email: Some(email) },
        };
        let created = call.chat().create_token(&by, new).await;
        show_issued(created.map_err(bad)?)
    })
    .await
}

/// Ends a token.
pub async fn revoke_token(ids: PathIds, call: Call) -> Response {
    answer("Failed to revoke token", async {
        let by = maker(&call).await?;
        let id: ApiTokenId = ids.first(Error::NotFound("Token not found"))?;
        call.chat().revoke_token(&by, &id).await?;
        ok(&json!({"message": "Token revoked successfully"}))
    })
    .await
}

/// Says whose a token is, if it is good.
pub async fn verify_token(call: Call) -> Response {
    answer("Failed to verify token", async {
        let identity = call.identity().await?;
        let user = identity.user.as_ref().ok_or(Error::Internal)?;
        let (token_type, expires_at) = match identity.grant.as_deref() {
            Some(grant) => (grant.token_type, grant.expires_at),
            None => (TokenType::User, identity.expires_at),
        };
        ok(&VerifiedBody::new(user, token_type, expires_at))
    })
    .await
}

/// Who makes or ends a token; in development mode it may be nobody.
async fn maker(call: &Call) -> Result<Identity, Refusal> {
    Ok(call
        .identity_if_any()
        .await?
        .unwrap_or(Identity::nobody(Trust::Claimed)))
}

/// The answer to who made a token: the one time that its text is shown.
pub fn show_issued(token: CreatedToken) -> Result<Response, Refusal> {
    let CreatedToken {
        secret,
        token,
        owner,
    } = token;
    let owner = Profile::from(owner);
    created(&IssuedBody::new(secret.expose(), &token, &owner))
}
