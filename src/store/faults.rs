//! What went wrong in the database, sorted by what the server can do about it.

use sea_orm::sqlx::Error as DriverError;
use sea_orm::sqlx::error::{DatabaseError, ErrorKind};
use sea_orm::{DbErr, RuntimeErr};

use crate::error::Error;

/// A failed statement. The text of the database stays inside: it may quote what a user wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A unique key exists already.
    #[error("unique key exists")]
    Unique,
    /// A row breaks a rule of its table (foreign key, check, length, text the database refuses).
    #[error("row refused")]
    Row,
    /// The sender of a message no longer takes part.
    #[error("sender has parted")]
    Parted,
    /// What somebody acts by was called back.
    #[error("login called back")]
    Recalled,
    /// Another transaction was faster; the whole transaction may be tried again.
    #[error("transaction collided")]
    Collision,
    /// The database is locked, starting, out of connections or cannot be reached.
    #[error("database not available")]
    Unreachable,
    /// The disk is full, the file is damaged or may not be written.
    #[error("storage failed")]
    Storage,
    /// Anything else: our own mistake.
    #[error("unexpected database error")]
    Other,
}

impl Fault {
    /// True when the same transaction may well succeed in a moment.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Collision | Self::Unreachable)
    }
}

impl From<DbErr> for Fault {
    fn from(error: DbErr) -> Self {
        let fault = classify(&error);
        if fault == Self::Other {
            tracing::error!(error.kind = kind_of(&error), "unexpected database error");
        }
        fault
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unique => Self::Conflict("Already exists"),
            Fault::Row => Self::InvalidPayload("Invalid data"),
            Fault::Parted => Self::NO_CONVERSATION,
            Fault::Recalled => Self::NO_LOGIN,
            Fault::Collision | Fault::Unreachable | Fault::Storage => Self::Unavailable {
                text: "Store is not available",
                retry_after_ms: Some(1_000),
            },
            Fault::Other => Self::Internal,
        }
    }
}

fn classify(error: &DbErr) -> Fault {
    let driver = match error {
        DbErr::ConnectionAcquire(_) => return Fault::Unreachable,
        DbErr::Conn(RuntimeErr::SqlxError(driver))
        | DbErr::Exec(RuntimeErr::SqlxError(driver))
        | DbErr::Query(RuntimeErr::SqlxError(driver)) => driver,
        _ => return Fault::Other,
    };
    match driver.as_ref() {
        DriverError::Io(_)
        | DriverError::Tls(_)
        | DriverError::Protocol(_)
        | DriverError::PoolClosed
        | DriverError::PoolTimedOut
        | DriverError::WorkerCrashed => Fault::Unreachable,
        DriverError::Database(database) => classify_database(database.as_ref()),
        _ => Fault::Other,
    }
}

fn classify_database(error: &dyn DatabaseError) -> Fault {
    match error.kind() {
        ErrorKind::UniqueViolation => Fault::Unique,
        ErrorKind::ForeignKeyViolation
        | ErrorKind::CheckViolation
        | ErrorKind::NotNullViolation => Fault::Row,
        _ => error.code().map_or(Fault::Other, |code| by_code(&code)),
    }
}

/// SQLSTATE of PostgreSQL, which has five characters, or the (extended) result code of SQLite,
/// which has fewer.
fn by_code(code: &str) -> Fault {
    match code {
        "40001" | "40P01" => return Fault::Collision,
        "22001" | "22021" | "22P05" => return Fault::Row,
        "53100" | "25006" => return Fault::Storage,
        "55P03" | "57014" | "57P01" | "57P02" | "57P03" => return Fault::Unreachable,
        _ if code.starts_with("08") || code.starts_with("53") => return Fault::Unreachable,
        _ if code.len() == 5 => return Fault::Other,
        _ => {}
    }
    match code.parse::<i32>().map(|code| code & 0xff) {
        Ok(5 | 6) => Fault::Unreachable,
        Ok(8 | 10 | 11 | 13 | 26) => Fault::Storage,
        Ok(18 | 20 | 25) => Fault::Row,
        _ => Fault::Other,
    }
}

/// The kind of an unexpected error, for the log: no statement and no value.
fn kind_of(error: &DbErr) -> String {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(driver))
        | DbErr::Exec(RuntimeErr::SqlxError(driver))
        | DbErr::Query(RuntimeErr::SqlxError(driver)) => match driver.as_ref() {
            DriverError::Database(database) => {
                format!("database code {}", database.code().unwrap_or_default())
            }
            DriverError::ColumnDecode { index, .. } => format!("column {index} does not decode"),
            other => format!("{:?}", std::mem::discriminant(other)),
        },
        DbErr::RecordNotFound(_) => "record not found".into(),
        DbErr::Type(text) => format!("type: {text}"),
        other => format!("{:?}", std::mem::discriminant(other)),
    }
}
