//! The REST surface: one router per dialect, health, uploads, and the page at `/`.
//!
//! Every rejection is JSON in the shape of its dialect, also those that axum would answer in plain
//! text: bad JSON, wrong method, unknown path, too large. Where no dialect is known it is
//! `{"success":false,"message":"..."}`.

mod bodies;
mod callers;
mod chatsphere;
mod cors;
mod directory;
mod errors;
mod files;
mod gallery;
mod hardening;
mod health;
mod limits;
mod messaging;
mod native;
mod pages;
mod ranges;
mod refusals;
mod routing;
mod school;
mod starter;
mod uploads;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{any, get};
use axum::{Extension, Router};
use ipnet::IpNet;
use tokio::sync::Semaphore;

use crate::chat::{Chat, Dialect};
use routing::{Owners, Routes, Surface};

/// Uploads that may come in at a time; further ones wait. Each has a few parts in memory, at worst
/// about 6 MiB.
const MAX_CONCURRENT_UPLOADS: usize = 32;

/// How long a body that is no upload may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// How the REST surface behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// Origins that browsers may call from, exactly as they write them.
    pub origins: Vec<String>,
    /// Whether any port of this machine is an allowed origin.
    pub any_localhost_origin: bool,
    /// Path of the Socket.IO endpoint, which pages of other origins may not reach.
    pub socket_path: String,
    /// Largest body that is no upload, in bytes.
    pub max_body_bytes: usize,
    /// The dialect of requests that could be of several; `None` decides by the path.
    pub dialect: Option<Dialect>,
    /// Address under which clients reach this server, for links to stored files; `None` takes it
    /// from the request.
    pub public_url: Option<String>,
    /// Peers whose headers say who calls.
    pub gateway_addresses: Vec<IpAddr>,
    /// Peers that say for which address they call.
    pub proxies: Vec<IpNet>,
}

/// What all handlers share.
pub struct State {
    chat: Arc<Chat>,
    config: Config,
    started: Instant,
    is_draining: AtomicBool,
    upload_places: Semaphore,
    owners: Owners,
}

impl State {
    /// Prepares the shared state; uptime counts from now.
    pub fn new(config: Config, chat: Arc<Chat>) -> Arc<Self> {
        let owners = Owners::new(&surfaces(), config.dialect);
        Arc::new(Self {
            chat,
            owners,
            config,
            started: Instant::now(),
            is_draining: AtomicBool::new(false),
            upload_places: Semaphore::new(MAX_CONCURRENT_UPLOADS),
        })
    }

    /// From now on `/readyz` says that no new traffic should come here.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::Release);
    }
}

/// The REST of each dialect that has any, in the order in which they are asked whose a request is.
fn surfaces() -> Vec<Surface> {
    vec![
        chatsphere::surface(),
        messaging::surface(),
        school::surface(),
        gallery::surface(),
        starter::surface(),
        native::surface(),
    ]
}

/// All routes except the Socket.IO endpoint.
pub fn router(state: &Arc<State>) -> Router {
    let face = state.owners.face();
    let routes = Routes::new(surfaces(), state);
    Router::new()
        .route("/", get(pages::show_root))
        .route("/health", get(health::show_health))
        .route_layer(Extension(face))
        .route("/healthz", get(health::show_liveness))
        .route("/readyz", get(health::show_readiness))
        .route("/uploads/{name}", get(files::show_upload))
        .route(directory::PATH, directory::route())
        .method_not_allowed_fallback(routing::show_method_not_allowed)
        .with_state(Arc::clone(state))
        .fallback_service(any(routing::dispatch).with_state(routes))
        // Every body is read with a limit of ours, whatever its type.
        .layer(DefaultBodyLimit::disable())
}

/// Puts around all routes, the Socket.IO endpoint included, what every answer needs.
pub fn finish(router: Router, state: &Arc<State>) -> Router {
    router
        .layer(routing::catch_panics(state.owners.face().refuse()))
        .layer(middleware::from_fn_with_state(
            Arc::clone(state),
            limits::admit_call,
        ))
        .layer(middleware::from_fn_with_state(
            Arc::clone(state),
            cors::check_origin,
        ))
        .layer(middleware::from_fn(hardening::add_headers))
}
