//! Random texts: secrets, and names that nobody guesses.

use crate::error::{Error, Result};

/// So many random bytes in hexadecimal.
///
/// # Errors
///
/// `INTERNAL` if the system has no randomness to give.
pub fn random_hex<const N_BYTES: usize>() -> Result<String> {
    let mut bytes = [0; N_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!(%error, "the system gives no random numbers");
        Error::Internal
    })?;
    Ok(hex::encode(bytes))
}
