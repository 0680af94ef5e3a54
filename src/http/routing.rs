//! Which dialect a request belongs to: HTTP has no handshake (contract/README.md, section 2).

use std::any::Any;
use std::sync::Arc;

use axum::extract::{Request, State as AxumState};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use axum::{Router, middleware};
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;

use super::{State, bodies, errors};
use crate::headers::query;
use crate::wire::Dialect;

/// Names the dialect of a request, where paths alone would not tell.
const DIALECT_HEADER: &str = "x-sohbet-dialect";

/// What a dialect says in the place of the whole server; `None` is what the server says anyway.
#[derive(Clone, Copy, Default)]
pub struct Face {
    /// The answer at `/`.
    pub root: Option<fn() -> Response>,
    /// The answer at `/health`.
    pub health: Option<fn(&Vitals) -> Response>,
    /// What a request hears that is refused before its route is found, or whose handler panics.
    pub refuse: Option<Refuse>,
}

impl Face {
    /// How it refuses.
    pub fn refuse(&self) -> Refuse {
        self.refuse.unwrap_or(errors::refuse)
    }
}

/// An answer that says no, in the shape of a dialect.
pub type Refuse = fn(StatusCode, &'static str) -> Response;

/// How the server is.
pub struct Vitals {
    /// Whether the store answers.
    pub is_ready: bool,
    /// Seconds since the start.
    pub uptime: f64,
}

/// The REST paths of one dialect.
pub struct Surface {
    /// The dialect.
    pub dialect: Dialect,
    /// Whether a path is one of its own, when it is the configured dialect.
    pub owns: fn(path: &str) -> bool,
    /// Whether a request is for it when no dialect is configured. Surfaces are asked in the order
    /// in which they are registered.
    pub claims: fn(request: &Parts) -> bool,
    /// Whether a path takes a file, which is read as it comes.
    pub takes_file: fn(path: &str) -> bool,
    /// Its routes, with what it says to unknown paths and methods.
    pub router: Router<Arc<State>>,
    /// What it says beside its routes.
    pub face: Face,
}

/// Which dialect a request belongs to.
pub struct Owners {
    configured: Option<Dialect>,
    owners: Vec<Owner>,
}

/// A surface without its routes.
struct Owner {
    dialect: Dialect,
    owns: fn(path: &str) -> bool,
    claims: fn(request: &Parts) -> bool,
    face: Face,
}

impl Owners {
    /// Those of all surfaces; `configured` is the dialect of the whole server.
    pub fn new(surfaces: &[Surface], configured: Option<Dialect>) -> Self {
        let owner = |surface: &Surface| Owner {
            dialect: surface.dialect,
            owns: surface.owns,
            claims: surface.claims,
            face: surface.face,
        };
        Self {
            configured,
            owners: surfaces.iter().map(owner).collect(),
        }
    }

    /// What `/` and `/health` say.
    pub fn face(&self) -> Face {
        let configured = self.configured.and_then(|dialect| self.of(dialect));
        configured.map_or_else(Face::default, |place| self.owners[place].face)
    }

    /// How a request is refused that no route has answered.
    pub fn refuse(&self, request: &Parts) -> Refuse {
        let place = self.find(request);
        let face = place.map_or_else(Face::default, |place| self.owners[place].face);
        face.refuse()
    }

    fn of(&self, dialect: Dialect) -> Option<usize> {
        let mut owners = self.owners.iter();
        owners.position(|owner| owner.dialect == dialect)
    }

    /// The place of the surface that a request is for.
    fn find(&self, request: &Parts) -> Option<usize> {
        let configured = self.configured.and_then(|dialect| self.of(dialect));
        let path = request.uri.path();
        let found = named(request)
            .and_then(|dialect| self.of(dialect))
            .or(configured.filter(|place| (self.owners[*place].owns)(path)))
            .or_else(|| {
                let mut owners = self.owners.iter();
                owners.position(|owner| (owner.claims)(request))
            });
        // Nobody's path: the configured dialect says so in its own words.
        found.or(configured)
    }
}

/// The routes of all surfaces, in the order of [`Owners`].
pub struct Routes {
    state: Arc<State>,
    routers: Vec<Router>,
}

impl Routes {
    /// Puts the surfaces together.
    pub fn new(surfaces: Vec<Surface>, state: &Arc<State>) -> Arc<Self> {
        let ready = |surface: Surface| {
            let reading = (Arc::clone(state), surface.takes_file);
            let reading = middleware::map_request_with_state(reading, bodies::read_first);
            let router = surface.router.route_layer(reading);
            let router = router.layer(catch_panics(surface.face.refuse()));
            router.with_state(Arc::clone(state))
        };
        Arc::new(Self {
            state: Arc::clone(state),
            routers: surfaces.into_iter().map(ready).collect(),
        })
    }
}

/// The dialect that a request names itself.
fn named(request: &Parts) -> Option<Dialect> {
    let header = request.headers.get(DIALECT_HEADER);
    let header = header.and_then(|value| value.to_str().ok()?.parse().ok());
    header.or_else(|| query(&request.uri, "dialect")?.parse().ok())
}

/// Hands a request to the dialect that it belongs to.
pub async fn dispatch(AxumState(routes): AxumState<Arc<Routes>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(place) = routes.state.owners.find(&parts) else {
        return errors::show_not_found().await;
    };
    let router = routes.routers[place].clone();
    let Ok(response) = router.oneshot(Request::from_parts(parts, body)).await;
    response
}

/// The path exists, the method does not; the router adds `Allow`.
pub async fn show_method_not_allowed(
    AxumState(state): AxumState<Arc<State>>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let refuse = state.owners.refuse(&parts);
    refuse(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
}

/// Answers a request whose handler panics. The cause is in the log.
pub fn catch_panics(
    refuse: Refuse,
) -> CatchPanicLayer<impl FnMut(Box<dyn Any + Send>) -> Response + Clone> {
    CatchPanicLayer::custom(move |_| {
        tracing::error!("a request handler panicked");
        refuse(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    })
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::response::IntoResponse;

    use super::*;

    async fn panic_at_once() -> &'static str {
        panic!("a bug")
    }

    #[tokio::test]
    async fn a_panic_is_answered_in_the_shape_of_the_dialect() {
        let refuse: Refuse = |status, message| (status, format!("said: {message}")).into_response();
        let router = Router::new()
            .fallback(panic_at_once)
            .layer(catch_panics(refuse));
        let answer = router.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = to_bytes(answer.into_body(), 1_000).await.unwrap();
        assert_eq!(body, "said: Internal Server Error");
    }
}
