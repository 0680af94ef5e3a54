//! Which dialect a request belongs to: HTTP has no handshake (contract/README.md, section 2).

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State as AxumState};
use axum::http::request::Parts;
use axum::response::Response;
use tower::ServiceExt;

use super::{State, errors};
use crate::headers::query;
use crate::wire::Dialect;

/// Names the dialect of a request, where paths alone would not tell.
const DIALECT_HEADER: &str = "x-sohbet-dialect";

/// What `/` and `/health` say where the whole server speaks one dialect; `None` is what they say
/// anyway.
#[derive(Clone, Copy, Default)]
pub struct Face {
    /// The answer at `/`.
    pub root: Option<fn() -> Response>,
    /// The answer at `/health`.
    pub health: Option<fn(&Vitals) -> Response>,
}

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
    /// Its routes, with what it says to unknown paths and methods.
    pub router: Router<Arc<State>>,
    /// What it says in the place of the whole server.
    pub face: Face,
}

/// All surfaces, ready to serve.
pub struct Surfaces {
    configured: Option<Dialect>,
    surfaces: Vec<(Surface, Router)>,
}

impl Surfaces {
    /// Puts the surfaces together.
    pub fn new(surfaces: impl IntoIterator<Item = Surface>, state: &Arc<State>) -> Arc<Self> {
        let ready = |mut surface: Surface| {
            let router = std::mem::take(&mut surface.router);
            (surface, router.with_state(Arc::clone(state)))
        };
        Arc::new(Self {
            configured: state.config.dialect,
            surfaces: surfaces.into_iter().map(ready).collect(),
        })
    }

    /// What `/` and `/health` say.
    pub fn face(&self) -> Face {
        let mut surfaces = self.surfaces.iter();
        let configured = surfaces.find(|(surface, _)| Some(surface.dialect) == self.configured);
        configured.map_or_else(Face::default, |(surface, _)| surface.face)
    }

    fn choose(&self, request: &Parts) -> Option<&Router> {
        let of = |dialect: Dialect| {
            let mut surfaces = self.surfaces.iter();
            surfaces.find(|(surface, _)| surface.dialect == dialect)
        };
        let configured = self.configured.and_then(of);
        let path = request.uri.path();
        let found = named(request)
            .and_then(of)
            .or(configured.filter(|(surface, _)| (surface.owns)(path)))
            .or_else(|| {
                let mut surfaces = self.surfaces.iter();
                surfaces.find(|(surface, _)| (surface.claims)(request))
            });
        // Nobody's path: the configured dialect says so in its own words.
        found.or(configured).map(|(_, router)| router)
    }
}

/// The dialect that a request names itself.
fn named(request: &Parts) -> Option<Dialect> {
    let header = request.headers.get(DIALECT_HEADER);
    let header = header.and_then(|value| value.to_str().ok()?.parse().ok());
    header.or_else(|| query(&request.uri, "dialect")?.parse().ok())
}

/// Hands a request to the dialect that it belongs to.
pub async fn dispatch(AxumState(surfaces): AxumState<Arc<Surfaces>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(router) = surfaces.choose(&parts).cloned() else {
        return errors::show_not_found().await;
    };
    let Ok(response) = router.oneshot(Request::from_parts(parts, body)).await;
    response
}
