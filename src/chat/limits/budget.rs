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
pub struct Budget<C: Clock = DefaultClock> {
    limiter: RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>,
    burst: NonZeroU32,
    clock: C,
}

impl Budget {
    /// A full budget; `None` where there is no limit.
    pub fn new(rate: Option<Rate>) -> Option<Self> {
        rate.map(|rate| Self::with_clock(rate, DefaultClock::default()))
    }
}

impl<C: Clock + Clone> Budget<C> {
    fn with_clock(rate: Rate, clock: C) -> Self {
        Self {
            limiter: RateLimiter::direct_with_clock(rate.quota(), clock.clone()),
            burst: rate.burst,
            clock,
        }
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
    use governor::clock::FakeRelativeClock;
    use proptest::prelude::*;

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

    /// Pauses in milliseconds, and how much is wanted after each.
    fn wishes() -> impl Strategy<Value = Vec<(u64, u32)>> {
        prop::collection::vec((0u64..3_000, 1u32..40), 1..80)
    }

    proptest! {
        /// Whoever asks when and for how much: between any two moments no more is given out than a
        /// burst and what comes in meanwhile, and who waits as long as was said gets it.
        #[test]
        fn never_more_than_a_burst_and_the_rate(
            per_second in 1u32..50,
            burst in 1u32..50,
            wishes in wishes(),
        ) {
            let [per_second, burst] = [per_second, burst].map(|n| NonZeroU32::new(n).unwrap());
            let clock = FakeRelativeClock::default();
            let budget = Budget::with_clock(Rate { per_second, burst }, clock.clone());
            let (mut now_ms, mut taken) = (0, Vec::new());
            for (pause_ms, n) in wishes {
                clock.advance(Duration::from_millis(pause_ms));
                now_ms += pause_ms;
                let n = n.min(burst.get());
                if let Err(wait) = budget.take(n) {
                    let wait_ms = u64::try_from(wait.as_millis()).unwrap() + 1;
                    clock.advance(Duration::from_millis(wait_ms));
                    now_ms += wait_ms;
                    prop_assert_eq!(budget.take(n), Ok(()), "after the time that was said");
                }
                taken.push((now_ms, u64::from(n)));
            }
            for (first, (from_ms, _)) in taken.iter().enumerate() {
                let mut n_taken = 0;
                for (to_ms, n) in &taken[first..] {
                    n_taken += n;
                    let n_filled = (to_ms - from_ms) * u64::from(per_second.get()) / 1_000;
                    // The time of one is rounded down to nanoseconds.
                    prop_assert!(n_taken <= u64::from(burst.get()) + n_filled + 1);
                }
            }
        }
    }
}
