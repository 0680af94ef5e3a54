//! Whether anybody still hears anything: when everybody has come, the news of that is under way for a while.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// After this it is as quiet as it gets.
const TIMEOUT: Duration = Duration::from_secs(120);
/// How often it is looked whether it is quiet.
const LOOK: Duration = Duration::from_millis(100);

/// What is heard by those who only wait.
#[derive(Debug, Default)]
pub struct Noise(AtomicU64);

impl Noise {
    /// Somebody heard something.
    pub fn note(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until nobody has heard anything for so long.
    pub async fn until_quiet(&self, quiet: Duration) {
        let began = Instant::now();
        let mut last = (u64::MAX, began);
        while last.1.elapsed() < quiet && began.elapsed() < TIMEOUT {
            let n_heard = self.0.load(Ordering::Relaxed);
            if n_heard != last.0 {
                last = (n_heard, Instant::now());
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
