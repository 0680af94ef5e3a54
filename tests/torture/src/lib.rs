//! Breaks a running Sohbet on purpose and checks what it promised (docs/reliability.md).
//!
//! A run has people who write to each other, a plan of faults that a seed repeats, and a history of
//! everything that anybody asked, was told or heard. The checker judges the history.

pub mod checker;
pub mod clients;
mod final_state;
pub mod history;
pub mod log;
pub mod nemesis;
pub mod planted;
pub mod processes;
pub mod proxy;
pub mod report;
pub mod rng;
pub mod run;
pub mod stage;
mod wire;
