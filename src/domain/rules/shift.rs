//! Whether hours hold now, without asking the calendar at each look.

use std::time::Duration;

use crate::domain::hours::SharedHours;
use crate::domain::time::Timestamp;

/// Where no change is near, the calendar is asked again after so long.
const ASK_AGAIN: Duration = Duration::from_hours(24);

/// Where a rule is with regard to hours.
#[derive(Debug, Default)]
pub(super) struct Shift(Option<Known>);

#[derive(Debug)]
struct Known {
    holds: bool,
    since: Timestamp,
    change: Option<Timestamp>,
    asked: Timestamp,
}

impl Shift {
    /// Lets time pass until `at`. Gives when the hours that held were over, if they were; others may have begun since.
    pub(super) fn turn(&mut self, hours: &SharedHours, at: Timestamp) -> Option<Timestamp> {
        let (since, over) = match &self.0 {
            None => (at, None),
            Some(known) => match known.change {
                Some(change) if change <= at => (at, known.holds.then_some(change)),
                None if known.asked.plus(ASK_AGAIN) <= at => (known.since, None),
                _ => return None,
            },
        };
        self.0 = Some(Known { holds: hours.holds(at), since, change: hours.next_change(at), asked: at });
        over
    }

    /// Since when the hours hold without a break, as far as was looked; none while they do not.
    pub(super) fn holds_since(&self) -> Option<Timestamp> {
        self.0.as_ref().filter(|known| known.holds).map(|known| known.since)
    }

    /// When that changes, if it is known.
    pub(super) fn next_change(&self) -> Option<Timestamp> {
        self.0.as_ref().and_then(|known| known.change)
    }
}
