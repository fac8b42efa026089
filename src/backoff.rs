//! Waiting longer after each failure, with jitter so that cameras after a power cut do not come back in step.

use std::time::Duration;

/// Exponential back-off with full jitter between half of the step and the whole of it.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    /// From `first`, doubling up to `max`.
    pub const fn new(first: Duration, max: Duration) -> Self {
        Self { first, max, failures: 0 }
    }

    /// Notes a failure; gives how long to wait before the next try.
    pub fn failed(&mut self) -> Duration {
        let step = self.first.saturating_mul(1 << self.failures.min(20)).min(self.max);
        self.failures = self.failures.saturating_add(1);
        step.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// Notes that it works again.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Failures since it last worked.
    pub const fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_bound_and_starts_anew() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
        let waits: Vec<f64> = (0..40).map(|_| backoff.failed().as_secs_f64()).collect();
        assert!((0.5..=1.0).contains(&waits[0]) && (1.0..=2.0).contains(&waits[1]), "{waits:?}");
        assert!(waits[10..].iter().all(|w| (15.0..=30.0).contains(w)), "{waits:?}");
        backoff.succeeded();
        assert!(backoff.failed() <= Duration::from_secs(1));
    }
}
