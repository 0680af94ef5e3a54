//! How long is waited for a database that says nothing: a network that swallows everything is noticed by
//! nobody else, for a quarter of an hour.

use std::time::Duration;

use sea_orm::sqlx::postgres::PgConnection;
use sea_orm::sqlx::{Connection, Error as DriverError};
use tokio::time::Instant;

use super::Fault;

/// How long a task that others depend on waits for the database. PostgreSQL ends a statement sooner by
/// itself.
pub const PATIENCE: Duration = Duration::from_secs(12);
/// How long a connection is waited for that was given back in the middle of something.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);

/// What the database says, or that it cannot be reached if it says nothing. What it was asked to write
/// may be written all the same.
pub async fn in_time<T, E: From<Fault>>(
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    until(Instant::now() + PATIENCE, answer).await
}

/// As [`in_time`], for somebody who waits until then and no longer. What needs no answer of the database
/// is done also later.
pub async fn until<T, E: From<Fault>>(
    deadline: Instant,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let answer = tokio::time::timeout_at(deadline, answer).await;
    answer.unwrap_or_else(|_| Err(Fault::Unreachable.into()))
}

/// Whether a connection that is given back is at rest. One that is not, and stays so, would be waited
/// for by the pool without an end; it is closed instead.
pub async fn is_at_rest(connection: &mut PgConnection) -> Result<bool, DriverError> {
    match tokio::time::timeout(RELEASE_TIMEOUT, connection.flush()).await {
        Ok(flushed) => flushed.map(|()| true),
        Err(_) => Err(DriverError::PoolTimedOut),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_database_that_says_nothing_is_not_waited_for() {
        let nothing = std::future::pending::<Result<(), Fault>>();
        assert_eq!(in_time(nothing).await, Err(Fault::Unreachable));
        assert_eq!(in_time(async { Ok::<_, Fault>(1) }).await, Ok(1));
        let known = async { Ok::<_, Fault>(2) };
        assert_eq!(until(Instant::now() - PATIENCE, known).await, Ok(2));
    }
}
