//! How far the relay has come through the unsent rows, and which topics it passes over meanwhile.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::Backoff;

/// Records in one batch: enough to fill the wire, few enough to be repeated after a failure.
pub(super) const BATCH: usize = 500;
/// How long a topic with such a failure is left alone.
pub(super) const STUCK_FOR: Duration = Duration::from_secs(5);

/// How far a sweep over the unsent rows has come.
pub(super) struct Sweep {
    /// The last row looked at; 0 begins anew.
    pub(super) after: i64,
    /// How many rows are looked at next.
    pub(super) batch: usize,
    /// Topics that cannot be sent to for a reason of their own, and when to try them again. Others go past them: a camera's
    /// health that has no topic must not hold up alerts.
    pub(super) stuck: HashMap<String, Instant>,
    /// Topics of which a record was passed over in this sweep: what comes after it must not overtake it.
    pub(super) held: HashSet<String>,
    /// Rows that were acknowledged and that the store could not note yet, such as on a full disk.
    pub(super) unnoted: HashSet<i64>,
    /// When it was last counted what waits.
    pub(super) counted_at: Option<Instant>,
    pub(super) backoff: Backoff,
}

impl Sweep {
    pub(super) fn new(longest_pause: Duration) -> Self {
        let backoff = Backoff::new(Duration::from_millis(100), longest_pause);
        Self {
            after: 0,
            batch: BATCH,
            stuck: HashMap::new(),
            held: HashSet::new(),
            unnoted: HashSet::new(),
            counted_at: None,
            backoff,
        }
    }

    pub(super) fn begin_anew(&mut self) {
        self.after = 0;
        self.held.clear();
    }

    /// Whether a topic that was passed over may be tried again.
    pub(super) fn retry_is_due(&self, now: Instant) -> bool {
        self.held.iter().any(|topic| self.stuck.get(topic).is_some_and(|&retry_at| retry_at <= now))
    }

    /// Whether a topic is passed over now; if so, then until the sweep begins anew.
    pub(super) fn passes_over(&mut self, topic: &str, now: Instant) -> bool {
        if self.stuck.get(topic).is_some_and(|&retry_at| now < retry_at) {
            self.held.insert(topic.to_owned());
        }
        self.held.contains(topic)
    }

    pub(super) fn stick(&mut self, topic: String, now: Instant) {
        self.held.insert(topic.clone());
        self.stuck.insert(topic, now + STUCK_FOR);
    }
}
