//! When something holds, as the core sees it: a question about a moment. Calendars, time zones and the sun are the edge's
//! (`calendar/`); here is only what the rules ask.

use std::fmt::Debug;
use std::sync::Arc;

use crate::domain::time::Timestamp;

/// Hours in which something holds.
pub trait Hours: Debug + Send + Sync {
    /// The name people gave them.
    fn name(&self) -> &str;

    /// All that they mean, as one text: two that say the same are the same.
    fn text(&self) -> &str;

    /// Whether they hold at a moment.
    fn holds(&self, at: Timestamp) -> bool;

    /// The first moment after `at` from which they hold no longer, or hold again; none where none is near enough to matter.
    fn next_change(&self, at: Timestamp) -> Option<Timestamp>;
}

/// Hours that many rules may share; equal when they mean the same.
#[derive(Clone, Debug)]
pub struct SharedHours(Arc<dyn Hours>);

impl SharedHours {
    /// Shares them.
    pub fn new(hours: impl Hours + 'static) -> Self {
        Self(Arc::new(hours))
    }
}

impl std::ops::Deref for SharedHours {
    type Target = dyn Hours;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl PartialEq for SharedHours {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name() && self.text() == other.text()
    }
}
