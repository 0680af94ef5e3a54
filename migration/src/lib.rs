//! The schema history of Sohbet.
//!
//! One step per concern, portable to SQLite and PostgreSQL: the same steps give the same tables,
//! constraints and indexes on both. Steps never change once released, and they do not import the
//! entities, which change later.

mod columns;
mod migrate;
mod steps;

#[cfg(feature = "cli")]
pub mod generator;

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

pub use migrate::{migrate, pending};

/// All steps, oldest first.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(steps::m20261121_000001_users::Migration),
            Box::new(steps::m20261121_000002_conversations::Migration),
            Box::new(steps::m20261121_000003_rooms::Migration),
            Box::new(steps::m20261121_000004_participants::Migration),
            Box::new(steps::m20261121_000005_messages::Migration),
            Box::new(steps::m20261121_000006_reactions::Migration),
            Box::new(steps::m20261121_000007_uploads::Migration),
            Box::new(steps::m20261121_000008_api_tokens::Migration),
            Box::new(steps::m20261121_000009_directory::Migration),
            Box::new(steps::m20261121_000010_server_meta::Migration),
            Box::new(steps::m20261121_000011_upload_use::Migration),
            Box::new(steps::m20261121_000012_open_rooms::Migration),
            Box::new(steps::m20261121_000013_listings::Migration),
            Box::new(steps::m20261121_000014_changed_in::Migration),
            Box::new(steps::m20261122_000015_file_counts::Migration),
            Box::new(steps::m20261122_000016_room_senders::Migration),
            Box::new(steps::m20261123_000017_changed_messages::Migration),
            Box::new(steps::m20261123_000018_no_statistics::Migration),
        ]
    }
}
