//! REST of dialect `gallery` (contract/gallery.md, section 4).

mod callers;
mod errors;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Path, Request, State as AxumState};
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use chrono::Utc;
use sohbet_entity::ids::{self, ConversationId, MessageId};

use super::State;
use super::bodies::{Fields, Unreadable};
use super::health::status_of;
use super::routing::{Face, Surface, Vitals};
use super::uploads::{Received, discard_body, receive, upload_url};
use crate::auth::Permission;
use crate::chat::{Caller, Conversation, Draft, File, Page, ReadScope};
use crate::error::Error;
use crate::headers::query;
use crate::wire::Dialect;
use crate::wire::gallery::rest::{
    self, DoneBody, HealthBody, ListedRoomBody, NO_OTHER_GALLERY, OpenedRoomBody, PageBody,
    RoomBody, SentBody, SuccessBody,
};
use callers::Dealer;
use errors::Refusal;

const DIALECT: Dialect = Dialect::Gallery;
/// Addresses under which the rooms are found: of the service itself, and behind its gateway.
const BASES: [&str; 3] = ["/chats", "/api/v1/chats", "/api/v1/chat"];
/// Messages that come with a room, and those of a page for which nobody says how many.
const DEFAULT_PAGE: u32 = 50;
/// Messages of one page, at most.
const MAX_PAGE: u32 = 500;
/// The last page that a number can name: JavaScript counts exactly up to here.
const LAST_PAGE: i64 = ids::MAX_SAFE_INTEGER as i64;

const NO_GALLERY: &str = "Gallery ID not found";
const NO_USER: &str = "User information not found";

/// What a call comes to.
type Answer = Result<Response, Refusal>;

/// The paths of this dialect.
pub fn surface() -> Surface {
    let mut router = Router::new();
    for base in BASES {
        let rooms = || get(list_rooms).post(open_room);
        router = router
            .route(base, rooms())
            .route(&format!("{base}/"), rooms())
            .route(
                &format!("{base}/{{room}}"),
                get(show_room).delete(close_room),
            )
            .route(
                &format!("{base}/{{room}}/messages"),
                get(list_messages).post(send_message),
            )
            .route(&format!("{base}/{{room}}/upload"), post(send_file))
            .route(&format!("{base}/{{room}}/read"), post(mark_all_read))
            .route(
                &format!("{base}/{{room}}/messages/{{message}}/read"),
                put(mark_one_read),
            );
    }
    Surface {
        dialect: DIALECT,
        owns,
        claims: |request| owns(request.uri.path()),
        takes_file: |path| path.ends_with("/upload"),
        face: Face {
            health: Some(show_health),
            refuse: Some(errors::refuse),
            ..Face::default()
        },
        router: router
            .fallback(errors::show_not_found)
            .method_not_allowed_fallback(errors::show_method_not_allowed),
    }
}

fn owns(path: &str) -> bool {
    BASES.iter().any(|base| {
        let rest = path.strip_prefix(base);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// The ids in a path. What cannot be one names nothing that exists.
struct Named {
    room: Option<ConversationId>,
    message: Option<MessageId>,
}

impl FromRequestParts<Arc<State>> for Named {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Infallible> {
        let path = Path::<HashMap<String, String>>::from_request_parts(parts, state).await;
        let mut ids = path.map(|Path(ids)| ids).unwrap_or_default();
        let mut id = |name| ids.remove(name).filter(|id| ids::is_valid(id));
        Ok(Self {
            room: id("room").map(ConversationId::from),
            message: id("message").map(MessageId::from),
        })
    }
}

/// A room and who calls about it, once it is certain that they take part.
async fn enter(
    state: &State,
    dealer: Dealer,
    named: &Named,
    no_gallery: &'static str,
    to: Permission,
) -> Result<(Caller, Arc<Conversation>), Refusal> {
    let caller = dealer.of_gallery(no_gallery)?;
    let room = named.room.as_ref();
    let room = room.ok_or(Error::NO_ROOM)?;
    let room = state.chat.enter_room(to, &caller, room).await?;
    Ok((caller, room))
}

fn show_health(vitals: &Vitals) -> Response {
    let body = HealthBody::new(vitals.is_ready.then(Utc::now));
    (status_of(vitals), Json(body)).into_response()
}

async fn list_rooms(AxumState(state): AxumState<Arc<State>>, dealer: Dealer) -> Answer {
    let caller = dealer.of_gallery(NO_GALLERY)?;
    let rooms = state.chat.list_dealer_rooms(&caller).await?;
    let rooms: Vec<ListedRoomBody> = rooms.iter().map(ListedRoomBody::from).collect();
    Ok(Json(SuccessBody::from(rooms)).into_response())
}

async fn open_room(
    AxumState(state): AxumState<Arc<State>>,
    dealer: Dealer,
    body: Result<Fields, Unreadable>,
) -> Answer {
    let caller = dealer.of_gallery(NO_GALLERY)?;
    let new = rest::parse_room(&body?.0)?;
    let galleries = state.chat.find_galleries(&caller, &new).await?;
    let galleries = galleries.ok_or(NO_OTHER_GALLERY)?;
    let room = state.chat.open_dealer_room(&caller, new, galleries).await?;
    Ok(Json(SuccessBody::from(RoomBody::from(&room))).into_response())
}

async fn show_room(
    AxumState(state): AxumState<Arc<State>>,
    dealer: Dealer,
    named: Named,
) -> Answer {
    let (_, room) = enter(&state, dealer, &named, NO_GALLERY, Permission::Read).await?;
    let newest = Page {
        after: None,
        before: None,
        limit: DEFAULT_PAGE,
    };
    let described = state.chat.describe_room(&room).await?;
    let messages = state.chat.read_page(&room, newest).await?;
    let body = OpenedRoomBody::new(&described, &messages);
    Ok(Json(SuccessBody::from(body)).into_response())
}

async fn close_room(
    AxumState(state): AxumState<Arc<State>>,
    dealer: Dealer,
    named: Named,
) -> Answer {
    let (caller, room) = enter(&state, dealer, &named, NO_GALLERY, Permission::Write).await?;
    state.chat.close_dealer_room(&caller, &room.id).await?;
    Ok(Json(DoneBody::from("Room deleted successfully")).into_response())
}

async fn list_messages(
    AxumState(state): AxumState<Arc<State>>,
    dealer: Dealer,
    named: Named,
    uri: Uri,
) -> Answer {
    let (_, room) = enter(&state, dealer, &named, NO_GALLERY, Permission::Read).await?;
    let number = positive(&uri, "page").unwrap_or(1);
    let limit = positive(&uri, "limit").map_or(DEFAULT_PAGE, |limit| {
        u32::try_from(limit).unwrap_or(MAX_PAGE).min(MAX_PAGE)
    });
    let page = state.chat.read_numbered_page(&room, number, limit).await?;
    Ok(Json(PageBody::new(&page, number, limit)).into_response())
}

/// A positive whole number in a query; anything else counts as absent.
fn positive(uri: &Uri, name: &str) -> Option<i64> {
    let text = query(uri, name)?;
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    // What is too long for a number is larger than any page.
    let number = is_number.then(|| text.parse().unwrap_or(LAST_PAGE));
    number
        .filter(|number| *number > 0)
        .map(|number| number.min(LAST_PAGE))
}

async fn send_message(
    AxumState(state): AxumState<Arc<State>>,
    dealer: Dealer,
    named: Named,
    body: Result<Fields, Unreadable>,
) -> Answer {
    let (caller, room) = enter(&state, dealer, &named, NO_USER, Permission::Write).await?;
    let draft = rest::parse_message(room.id.clone(), &body?.0)?;
    send(&state, &caller, draft).await
}

/// Nobody sends a file for nothing, and whoever sends it may be signed out before all of it is there: so who
/// calls is asked before it and after it.
async fn send_file(AxumState(state): AxumState<Arc<State>>, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let (caller, room) = match enter_by(&state, parts.clone()).await {
        Ok(entered) => entered,
        Err(refusal) => {
            discard_body(body).await;
            return Err(refusal);
        }
    };
    let request = Request::from_parts(parts.clone(), body);
    let draft = match is_form(&request) {
        true => file_of_form(&state, &caller, room.id.clone(), request).await?,
        false => {
            let Fields(body) = Fields::from_request(request, &state).await?;
            rest::parse_file(room.id.clone(), &body)?
        }
    };
    let (caller, _) = enter_by(&state, parts).await?;
    send(&state, &caller, draft).await
}

/// Who calls about which room, to write there, as the head of a request says it.
async fn enter_by(
    state: &Arc<State>,
    mut parts: Parts,
) -> Result<(Caller, Arc<Conversation>), Refusal> {
    let Ok(named) = Named::from_request_parts(&mut parts, state).await;
    let dealer = Dealer::from_request_parts(&mut parts, state).await?;
    enter(state, dealer, &named, NO_USER, Permission::Write).await
}

fn is_form(request: &Request) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    content_type.is_some_and(|text| text.to_ascii_lowercase().starts_with("multipart/"))
}

/// Stores the file of a form here.
async fn file_of_form(
    state: &Arc<State>,
    caller: &Caller,
    room: ConversationId,
    request: Request,
) -> Result<Draft, Refusal> {
    let headers = request.headers().clone();
    let Received { row, texts } = receive(state, Some(caller.user.clone()), request).await?;
    let client_id = texts.client_id();
    let client_id = client_id.map(|(name, id)| rest::form_client_id(name, id));
    let file = File {
        url: Some(upload_url(state, &headers, &row)),
        name: Some(row.name),
        size: Some(row.size_bytes),
        media_type: Some(row.media_type),
    };
    Ok(Draft {
        client_id: client_id.transpose()?,
        ..rest::file_message(room, file)
    })
}

async fn send(state: &State, caller: &Caller, draft: Draft) -> Answer {
    let message = state.chat.send(caller, draft, None).await?;
    Ok(Json(SentBody::from(&message)).into_response())
}

async fn mark_all_read(
    AxumState(state): AxumState<Arc<State>>,
    dealer: Dealer,
    named: Named,
) -> Answer {
    let (caller, room) = enter(&state, dealer, &named, NO_USER, Permission::Read).await?;
    let (chat, id) = (&state.chat, room.id.clone());
    chat.mark_read(&caller, id, ReadScope::All).await?;
    Ok(Json(DoneBody::from("All messages marked as read")).into_response())
}

async fn mark_one_read(
    AxumState(state): AxumState<Arc<State>>,
    dealer: Dealer,
    named: Named,
) -> Answer {
    let (caller, room) = enter(&state, dealer, &named, NO_USER, Permission::Read).await?;
    let message = named.message.ok_or(Error::NO_MESSAGE)?;
    let chat = &state.chat;
    chat.mark_read_in_room(&caller, &room, &message).await?;
    Ok(Json(DoneBody::from("Message marked as read")).into_response())
}
