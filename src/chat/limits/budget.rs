//! How much of something may happen: so much a second, and a burst on top.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

/// How much may happen, as settings write it: `50/600` is 50 a second and 600 at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// In the long run, in each second.
    pub per_second: NonZeroU32,
    /// After a pause, at once.
    pub burst: NonZeroU32,
}

impl Rate {
    fn quota(self) -> Quota {
        Quota::per_second(self.per_second).allow_burst(self.burst)
    }
}

/// What is left of a rate. Asking it is one compare-and-swap.
#[derive(Debug)]
pub struct Budget {
    limiter: RateLimiter<NotKeyed, InMemoryState, DefaultClock, NoOpMiddleware>,
    burst: NonZeroU32,
    clock: DefaultClock,
}

impl Budget {
    /// A full budget; `None` where there is no limit.
    pub fn new(rate: Option<Rate>) -> Option<Self> {
        let rate = rate?;
        Some(Self {
            limiter: RateLimiter::direct(rate.quota()),
            burst: rate.burst,
            clock: DefaultClock::default(),
        })
    }

    /// Takes `n`, or says how long it takes until they can be taken. More than a burst counts as one.
    ///
    /// # Errors
    ///
    /// The time to wait; nothing was taken.
    pub fn take(&self, n: u32) -> Result<(), Duration> {
        let n = NonZeroU32::new(n)
            .unwrap_or(NonZeroU32::MIN)
            .min(self.burst);
        match self.limiter.check_n(n) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => Err(until.wait_time_from(self.clock.now())),
            // It cannot be: `n` is at most a burst.
            Err(_) => Err(Duration::from_secs(1)),
        }
    }
}

/// Takes from a budget, where there is one.
pub fn take(budget: Option<&Budget>, n: u32) -> Result<(), Duration> {
    budget.map_or(Ok(()), |budget| budget.take(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(per_second: u32, burst: u32) -> Budget {
        let [per_second, burst] = [per_second, burst].map(|n| NonZeroU32::new(n).unwrap());
        Budget::new(Some(Rate { per_second, burst })).unwrap()
    }

    #[test]
    fn a_burst_can_be_taken_at_once_and_no_more() {
        let budget = budget(1, 5);
        assert_eq!(budget.take(2), Ok(()));
        assert_eq!(budget.take(3), Ok(()));
        let wait = budget.take(1).unwrap_err();
        assert!(
            wait > Duration::ZERO && wait <= Duration::from_secs(1),
            "{wait:?}"
        );
    }

    #[test]
    fn what_does_not_fit_takes_nothing() {
        let budget = budget(1, 5);
        assert_eq!(budget.take(4), Ok(()));
        assert!(budget.take(2).is_err());
        assert_eq!(budget.take(1), Ok(()));
    }

    #[test]
    fn more_than_a_burst_is_one() {
        let budget = budget(1, 5);
        assert_eq!(budget.take(50), Ok(()));
        assert!(budget.take(1).is_err());
    }

    #[test]
    fn without_a_limit_everything_fits() {
        assert_eq!(take(Budget::new(None).as_ref(), u32::MAX), Ok(()));
    }
}
