//! One test binary for everything that is tested from outside: real servers as child processes,
//! and clients over real connections.

// A panic here is a failed test, and what it prints belongs to its report.
#![allow(
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used
)]

mod access_rows;
mod accounts;
mod api_tokens;
mod attack;
mod bench;
mod broken_off;
mod checks;
mod contents;
mod crashes;
mod delivery;
mod embedding;
mod examples;
mod first_events;
mod frames;
mod gateways;
mod greetings;
mod halves;
mod handshakes;
mod http_guards;
mod http_rules;
mod key_sets;
mod late_calls;
mod leaks;
mod limits;
mod lists;
mod logins;
mod logs;
mod looks;
mod malformed;
mod members;
mod numbering;
mod origins;
mod overdue;
mod photos;
mod pipelining;
mod plain_sockets;
mod presence;
mod query_plans;
mod roles;
mod session_hook;
mod session_ids;
mod silent_database;
mod slow_readers;
mod slow_senders;
mod stale_logins;
mod stalled_store;
mod start_up;
mod stops;
mod storms;
mod stretches;
mod stuck_clients;
mod support;
mod tidy;
mod token_commands;
mod upgrades;
mod uploads;
mod user_changes;
mod writer;
