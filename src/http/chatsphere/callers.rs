//! Who calls: always a token. Ids that a client asserts count for nothing here, in development mode
//! neither; there some calls need no token.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::response::Response;
use serde_json::value::RawValue;
use sohbet_entity::ids::UserId;

use super::{DIALECT, Refusal};
use crate::auth::{Credentials, Identity, Shown};
use crate::chat::{Caller, Chat, Client, cookie};
use crate::error::{Error, Result};
use crate::headers::query;
use crate::http::State;
use crate::http::bodies::{Fields, Unreadable};
use crate::http::callers::{on_behalf, text};
use crate::wire::chatsphere::rest;

const NO_TOKEN: Error = Error::Unauthenticated("Unauthorized: No token provided");
/// What was shown proves nothing.
pub const BAD_TOKEN: Error = Error::Unauthenticated("Unauthorized: Invalid token");

/// A call with its body, before anything of it is believed.
pub struct Call {
    state: Arc<State>,
    query_token: Option<String>,
    headers: HeaderMap,
    body: Result<Fields, Unreadable>,
}

impl FromRequest<Arc<State>> for Call {
    type Rejection = Response;

    async fn from_request(request: Request, state: &Arc<State>) -> Result<Self, Response> {
        // That a client asks for this dialect is not enough: proxies write queries into their logs.
        let reads_query = state.config.dialect.is_none_or(|own| own == DIALECT)
            || state.chat.auth.allow_query_token;
        Ok(Self {
            state: Arc::clone(state),
            query_token: query(request.uri(), "token").filter(|_| reads_query),
            headers: request.headers().clone(),
            body: Fields::from_request(request, state).await,
        })
    }
}

/// The error, in the words of this dialect for what proves nothing.
pub fn bad(error: Error) -> Error {
    match error {
        Error::Unauthenticated(_) => BAD_TOKEN,
        error => error,
    }
}

impl Call {
    /// The domain.
    pub fn chat(&self) -> &Chat {
        &self.state.chat
    }

    /// The body, which must be JSON.
    pub fn body(&self) -> Result<&RawValue, Refusal> {
        match &self.body {
            Ok(Fields(body)) => Ok(body),
            Err(unreadable) => Err((*unreadable).into()),
        }
    }

    /// Who calls, where a token is needed in every mode.
    pub async fn identity(&self) -> Result<Identity> {
        let found = on_behalf(self.find_identity().await?, &self.headers)?;
        if let Some(user) = &found.user {
            self.chat().limits.admit_user_call(user)?;
        }
        self.chat().welcome(DIALECT, &found).await?;
        Ok(found)
    }

    /// Who calls, where development mode needs no token and does not mind a bad one.
    pub async fn identity_if_any(&self) -> Result<Option<Identity>> {
        match self.identity().await {
            Ok(identity) => Ok(Some(identity)),
            Err(Error::Unauthenticated(_)) if self.is_development() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// As [`Call::identity`], as somebody who can act.
    pub async fn caller(&self) -> Result<Caller> {
        self.acting(&self.identity().await?, None).await
    }

    /// As [`Call::identity_if_any`]; in development mode nobody is asked at all.
    pub async fn caller_if_asked(&self) -> Result<Option<Caller>> {
        match self.is_development() {
            true => Ok(None),
            false => self.caller().await.map(Some),
        }
    }

    /// Somebody who acts in the name of the user whom the call names.
    pub async fn acting(&self, identity: &Identity, named: Option<&UserId>) -> Result<Caller> {
        self.chat().caller(identity, DIALECT, named, None).await
    }

    /// Whether the server believes its clients.
    pub fn is_development(&self) -> bool {
        self.chat().auth.is_development()
    }

    /// The first source that has a token counts; only a bad one in the query is skipped.
    async fn find_identity(&self) -> Result<Identity> {
        let mut missing = NO_TOKEN;
        if let Some(token) = &self.query_token {
            match self.verify(token).await {
                Err(Error::Unauthenticated(_)) => missing = BAD_TOKEN,
                verified => return verified,
            }
        }
        let body = self.body.as_ref().ok();
        let in_body = body.and_then(|Fields(body)| rest::parse_token(body));
        if in_body.is_some() {
            // Who guesses was not seen before the body was read.
            self.chat().limits.check_logins(&Client::current())?;
        }
        let cookies = text(&self.headers, COOKIE.as_str()).unwrap_or_default();
        let token = in_body
            .or_else(|| text(&self.headers, AUTHORIZATION.as_str()))
            .or_else(|| cookie(&cookies, DIALECT.token_cookie()).map(str::to_owned));
        match token {
            Some(token) => self.verify(&token).await,
            None => {
                let login = self.chat().find_login(Some(&cookies)).await?;
                login.ok_or(missing)
            }
        }
    }

    /// The identity behind an API token, or, where there is a key, behind a login token.
    async fn verify(&self, token: &str) -> Result<Identity> {
        let chat = self.chat();
        match chat.find_token(token).await.map_err(bad)? {
            Some(identity) => Ok(identity),
            None if self.is_development() => Err(BAD_TOKEN),
            None => {
                let cookies = text(&self.headers, COOKIE.as_str());
                let credentials = Credentials {
                    shown: Shown::new(cookies.as_deref(), Some(token)),
                    ..Credentials::of_token(token)
                };
                chat.identify_login(credentials).await.map_err(bad)
            }
        }
    }
}
