//! Time as data: nanoseconds since the Unix epoch, UTC.
//!
//! The core never asks what time it is; every observation carries its own. Formatting lives at the edges (`contract/`).

use std::time::Duration;

/// A moment on a camera's server timeline, in nanoseconds since 1970-01-01T00:00:00Z.
///
/// The timeline of one camera never goes back and never jumps (`camera/timeline.rs` sees to it), so differences between two
/// timestamps of one camera are media time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From nanoseconds since the Unix epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From milliseconds since the Unix epoch; saturates at the ends of the range (years 1677 and 2262).
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Milliseconds since the Unix epoch, rounded down.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Signed seconds from `other` to this.
    pub fn seconds_from(self, other: Self) -> f64 {
        self.0.saturating_sub(other.0) as f64 / 1e9
    }

    /// This moment plus `by`; saturates.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX)))
    }

    /// This moment minus `by`; saturates.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_zero_for_a_later_moment() {
        let (a, b) = (Timestamp::from_millis(5), Timestamp::from_millis(7));
        assert_eq!(b.since(a), Duration::from_millis(2));
        assert_eq!(a.since(b), Duration::ZERO);
    }

    #[test]
    fn millis_round_down_before_the_epoch() {
        assert_eq!(Timestamp::from_nanos(-1).as_millis(), -1);
    }
}
