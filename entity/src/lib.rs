//! The tables of Sohbet as SeaORM entities, with typed ids and string enums beside them.
//!
//! The entity modules are written by `sohbet-migration entities` from the migrated schema: change
//! a migration, not them. They are not what goes over the wire, hence without serde.

pub mod enums;
mod ext;
#[rustfmt::skip]
#[allow(missing_docs, reason = "columns are explained where they are made: in the migrations")]
mod generated;
pub mod ids;

pub use generated::*;
