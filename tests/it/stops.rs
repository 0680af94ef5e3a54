//! SIGTERM and SIGINT under load: everything accepted is finished, and clients come back.

use rustix::process::Signal;

use crate::support::any_below;
use crate::support::load::{Load, histories};
use crate::support::server::Server;
use crate::support::stores::{Store, on_both_stores};

/// Acks before the signal: at least so many, and some more by chance.
const MIN_ACKED: usize = 100;
const MAX_MORE: u64 = 500;

on_both_stores!(
    sigterm_under_load_loses_nothing_that_was_accepted,
    sigint_under_load_loses_nothing_that_was_accepted,
    a_server_without_clients_stops_at_once,
);

async fn sigterm_under_load_loses_nothing_that_was_accepted(store: Store) {
    stop_under_load(&store, Signal::TERM).await;
}

async fn sigint_under_load_loses_nothing_that_was_accepted(store: Store) {
    stop_under_load(&store, Signal::INT).await;
}

async fn stop_under_load(store: &Store, signal: Signal) {
    let mut server = Server::start(store).await;
    let mut load = Load::start(&server, "client").await;
    load.acked(MIN_ACKED + usize::try_from(any_below(MAX_MORE)).unwrap())
        .await;
    server.ask_to_stop(signal);
    let status = server.stopped().await;
    // Ends only when the transport of every client was closed, and none was thrown out.
    let outcome = load.ended().await;
    assert_eq!(status.code(), Some(0), "{}", server.log());

    server.restart().await;
    outcome.assert_stored(&histories(&server).await);
    server.stop().await;
}

async fn a_server_without_clients_stops_at_once(store: Store) {
    let mut server = Server::start(&store).await;
    server.ask_to_stop(Signal::TERM);
    assert_eq!(server.stopped().await.code(), Some(0), "{}", server.log());
}
