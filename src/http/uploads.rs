//! Taking in files. A form is read as it arrives, so that a client's progress bar tells the truth
//! and no file is ever in memory as a whole.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request, State as AxumState};
use axum::http::header::{CONTENT_LENGTH, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use sohbet_entity::ids::UserId;
use tokio::time::{Instant, timeout};

use super::callers::{Identified, identify};
use super::errors::{refuse, refuse_error};
use super::{BODY_TIMEOUT, State};
use crate::auth::Permission;
use crate::chat::{NewUpload, UploadRefusal, UploadRow};
use crate::error::{Error, Result};
use crate::wire::uploads::{CLIENT_ID_NAMES, UploadBody};

/// What a form around a file may add to its size, in bytes.
const FORM_OVERHEAD_BYTES: usize = 64 * 1_024;
/// How much of a refused upload is read before its connection is cut, in bytes.
const MAX_DISCARDED_BYTES: usize = 64 * 1_024 * 1_024;
/// How long an upload may be silent.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(30);
/// Slower than that on average, an upload is given up: it holds a place that others wait for.
const MIN_BYTES_PER_SECOND: u64 = 16 * 1_024;

/// A form with a file that came in.
pub struct Received {
    /// The file.
    pub row: UploadRow,
    /// What stood beside it.
    pub texts: Texts,
}

/// The fields of a form that are no files, as far as anybody asks for them.
#[derive(Default)]
pub struct Texts {
    client_ids: [Option<String>; CLIENT_ID_NAMES.len()],
}

/// Stores the file of a form. Who sends it is asked before it and after it, as it may take minutes.
pub async fn store_upload(
    AxumState(state): AxumState<Arc<State>>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let owner = match sender(&state, &headers).await {
        Ok(owner) => owner,
        Err(error) => {
            discard_body(request.into_body()).await;
            return refuse_error(&error, "Service unavailable");
        }
    };
    let received = receive(&state, owner, request).await;
    if let Err(error) = sender(&state, &headers).await {
        return refuse_error(&error, "Service unavailable");
    }
    match received {
        Ok(Received { row, .. }) => Json(UploadBody {
            success: true,
            url: &upload_url(&state, &headers, &row),
            file_name: &row.name,
            file_size: row.size_bytes,
            file_type: &row.media_type,
            message: "File uploaded successfully",
        })
        .into_response(),
        Err(UploadRefusal::Failed(error)) => refuse_error(&error, "Failed to upload file"),
        Err(refusal) => refuse(status(&refusal), &refusal.to_string()),
    }
}

/// Who sends a file, who must be permitted to; in development mode it may be nobody.
pub async fn sender(state: &State, headers: &HeaderMap) -> Result<Option<UserId>> {
    let Identified(identity) = identify(headers, state).await?;
    match identity.may(Permission::Write) {
        true => Ok(identity.user),
        false => Err(Error::Forbidden("Forbidden")),
    }
}

/// Takes a body that nobody wants without keeping it: a client that is still sending would see a
/// broken connection instead of the answer.
pub async fn discard_body(body: Body) {
    discard(&Feed::new(body)).await;
}

/// Receives the field `file` of a form and stores it.
pub async fn receive(
    state: &Arc<State>,
    owner: Option<UserId>,
    request: Request,
) -> Result<Received, UploadRefusal> {
    if let Some(owner) = &owner
        && let Err(error) = state.chat.limits.admit_upload(owner)
    {
        discard_body(request.into_body()).await;
        return Err(UploadRefusal::Failed(error));
    }
    // The semaphore is never closed; without a place the upload would only be unbounded.
    let _place = state.upload_places.acquire().await;
    let (parts, body) = request.into_parts();
    let announced = parts.headers.get(CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let max_bytes = state.chat.max_upload_bytes() + FORM_OVERHEAD_BYTES as u64;
    let feed = Arc::new(Feed::new(body));
    let fed = Fed {
        feed: Arc::clone(&feed),
        n_last_bytes: 0,
        is_pausing: false,
    };
    let request = Request::from_parts(parts, Body::from_stream(fed));
    let received = match announced.is_some_and(|announced| announced > max_bytes) {
        true => Err(UploadRefusal::TooLarge),
        false => read_form(state, owner, request, &feed).await,
    };
    if received.is_err() {
        discard(&feed).await;
    }
    received
}

/// The address of a file, for those who may see it.
pub fn upload_url(state: &State, headers: &HeaderMap, row: &UploadRow) -> String {
    let path = state.chat.upload_path(row);
    if let Some(url) = &state.config.public_url {
        return format!("{url}{path}");
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    host.map_or_else(|| path.clone(), |host| format!("http://{host}{path}"))
}

fn status(refusal: &UploadRefusal) -> StatusCode {
    match refusal {
        UploadRefusal::NoFile | UploadRefusal::BrokenOff => StatusCode::BAD_REQUEST,
        UploadRefusal::NotAllowed => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        UploadRefusal::TooLarge | UploadRefusal::NoRoom => StatusCode::PAYLOAD_TOO_LARGE,
        UploadRefusal::TooSlow => StatusCode::REQUEST_TIMEOUT,
        UploadRefusal::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn read_form(
    state: &Arc<State>,
    owner: Option<UserId>,
    request: Request,
    feed: &Feed,
) -> Result<Received, UploadRefusal> {
    let form = Multipart::from_request(request, state).await;
    let mut form = form.map_err(|_| UploadRefusal::NoFile)?;
    let (mut pace, mut texts) = (Pace::default(), Texts::default());
    while let Some(mut field) = pace.next(0, form.next_field()).await? {
        // A field without a file name is a text, not a file.
        let name = match (field.name(), field.file_name()) {
            (Some("file"), Some(name)) => name.to_owned(),
            _ => {
                texts.take(field, &mut pace).await?;
                continue;
            }
        };
        let new = NewUpload {
            owner,
            name: Some(name),
            claimed_type: field.content_type().map(str::to_owned),
        };
        let row = store_field(state, new, &mut field, &mut pace, feed).await?;
        drop(field);
        texts.take_rest(&mut form).await;
        // Who sends more than that waits until it is read.
        discard(feed).await;
        return Ok(Received { row, texts });
    }
    Err(UploadRefusal::NoFile)
}

async fn store_field(
    state: &Arc<State>,
    new: NewUpload,
    field: &mut Field<'_>,
    pace: &mut Pace,
    feed: &Feed,
) -> Result<UploadRow, UploadRefusal> {
    let mut file = state.chat.begin_upload(new);
    let mut n_bytes = 0;
    while let Some(bytes) = pace.next(n_bytes, field.chunk()).await? {
        feed.n_form_bytes.fetch_sub(bytes.len(), Ordering::Relaxed);
        n_bytes += bytes.len() as u64;
        if !file.write(bytes).await {
            break;
        }
    }
    file.finish().await
}

impl Texts {
    /// Takes a field that is no file. What the parser gives out is bounded for the whole form.
    async fn take(&mut self, mut field: Field<'_>, pace: &mut Pace) -> Result<(), UploadRefusal> {
        let is_meant = |name: &&str| field.name() == Some(*name);
        let Some(place) = CLIENT_ID_NAMES.iter().position(is_meant) else {
            return Ok(());
        };
        let mut text = Vec::new();
        while let Some(bytes) = pace.next(0, field.chunk()).await? {
            text.extend_from_slice(&bytes);
        }
        // What is no text is no id either, and neither is an empty one.
        self.client_ids[place] = Some(String::from_utf8(text).unwrap_or_default());
        Ok(())
    }

    /// Takes the fields after the file, which is stored however they end.
    async fn take_rest(&mut self, form: &mut Multipart) {
        let mut pace = Pace::default();
        while let Ok(Some(field)) = pace.next(0, form.next_field()).await {
            if self.take(field, &mut pace).await.is_err() {
                return;
            }
        }
    }

    /// The client's own id of what it sends, with the name of its field.
    pub fn client_id(self) -> Option<(&'static str, String)> {
        let mut named = CLIENT_ID_NAMES.into_iter().zip(self.client_ids);
        named.find_map(|(name, id)| Some((name, id?)))
    }
}

/// How fast an upload arrives.
#[derive(Default)]
struct Pace {
    /// Time that we waited for the client; time that it waited for us is not counted.
    waited: Duration,
}

impl Pace {
    /// The next piece of a form of which `n_bytes` have come in.
    async fn next<T>(
        &mut self,
        n_bytes: u64,
        piece: impl Future<Output = Result<Option<T>, MultipartError>>,
    ) -> Result<Option<T>, UploadRefusal> {
        let allowed = SILENCE_TIMEOUT + Duration::from_secs(n_bytes / MIN_BYTES_PER_SECOND);
        let left = allowed.saturating_sub(self.waited);
        let started = Instant::now();
        let piece = timeout(left.min(SILENCE_TIMEOUT), piece).await;
        self.waited += started.elapsed();
        let piece = piece.map_err(|_| UploadRefusal::TooSlow)?;
        piece.map_err(|_| UploadRefusal::BrokenOff)
    }
}

/// The body of an upload. The form parser reads from it, and what the parser leaves is taken back.
struct Feed {
    body: Mutex<Body>,
    /// Bytes that the parser got and that were not found to be the file's: what it may keep.
    n_form_bytes: AtomicUsize,
}

impl Feed {
    fn new(body: Body) -> Self {
        Self {
            body: Mutex::new(body),
            n_form_bytes: AtomicUsize::new(0),
        }
    }

    fn poll_bytes(&self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, axum::Error>>> {
        let mut body = self.body.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match Pin::new(&mut *body).poll_frame(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                // A trailer has no data.
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
            }
        }
    }
}

/// What the form parser reads from. The parser takes all it can get before it looks at any of it;
/// so it gets one piece at a time, and none while it sits on too many.
struct Fed {
    feed: Arc<Feed>,
    /// Length of the last piece: the parser may not have looked at it yet.
    n_last_bytes: usize,
    is_pausing: bool,
}

impl Stream for Fed {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.is_pausing) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let n_form_bytes = self.feed.n_form_bytes.load(Ordering::Relaxed);
        if n_form_bytes > FORM_OVERHEAD_BYTES + self.n_last_bytes {
            let error = std::io::Error::other("more form than file");
            return Poll::Ready(Some(Err(axum::Error::new(error))));
        }
        let polled = self.feed.poll_bytes(context);
        if let Poll::Ready(Some(Ok(bytes))) = &polled {
            self.n_last_bytes = bytes.len();
            self.is_pausing = true;
            let n_form_bytes = &self.feed.n_form_bytes;
            n_form_bytes.fetch_add(bytes.len(), Ordering::Relaxed);
        }
        polled
    }
}

/// Takes the rest of a body without keeping it: a client that is still sending would see a broken
/// connection instead of the answer. Not for ever, though.
async fn discard(feed: &Feed) {
    let rest = async {
        let mut n_bytes = 0;
        while let Some(Ok(bytes)) = std::future::poll_fn(|context| feed.poll_bytes(context)).await {
            n_bytes += bytes.len();
            if n_bytes > MAX_DISCARDED_BYTES {
                break;
            }
        }
    };
    // Late or not, the answer is the same.
    let _ = timeout(BODY_TIMEOUT, rest).await;
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    type Piece = Result<Option<()>, MultipartError>;

    /// Takes pieces of so many bytes, each after so long. Returns after how many it was too slow.
    async fn take_pieces(n_bytes: u64, after: Duration) -> Option<u64> {
        let mut pace = Pace::default();
        for n_taken in 0..100 {
            let piece = async {
                sleep(after).await;
                Piece::Ok(Some(()))
            };
            match pace.next(n_taken * n_bytes, piece).await {
                Ok(_) => {}
                Err(UploadRefusal::TooSlow) => return Some(n_taken),
                Err(refusal) => panic!("{refusal}"),
            }
        }
        None
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_that_says_nothing_for_long_is_given_up() {
        let begun = Instant::now();
        assert_eq!(take_pieces(1, Duration::from_secs(31)).await, Some(0));
        assert_eq!(begun.elapsed(), SILENCE_TIMEOUT);
        // However much came before.
        let much = 1_000 * MIN_BYTES_PER_SECOND;
        assert_eq!(take_pieces(much, Duration::from_secs(31)).await, Some(0));
        assert_eq!(take_pieces(much, Duration::from_secs(29)).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_that_comes_byte_by_byte_is_given_up() {
        let every = Duration::from_secs(5);
        assert!(take_pieces(1, every).await.is_some_and(|n| n <= 6));
        assert_eq!(take_pieces(5 * MIN_BYTES_PER_SECOND, every).await, None);
    }
}
