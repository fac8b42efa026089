//! What all rules share beside their condition: when they hold, and what becomes of what they notice.

use std::time::Duration;

use crate::domain::alert::AlertKind;
use crate::domain::hours::SharedHours;

/// When a rule holds, and what becomes of what it notices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conduct {
    /// Whether it disturbs anybody, as long as `armed` and people's orders say nothing else.
    pub deliver: Deliver,
    /// Whether it is meant, or on trial.
    pub mode: Mode,
    /// The rule runs only then; always where there are none.
    pub hours: Option<SharedHours>,
    /// What it notices is an alert then, and a record outside; where there are none, `deliver` decides.
    pub armed: Option<SharedHours>,
    /// At most so many alerts within an hour; what is beyond is recorded and counted by a `storm` alert.
    pub max_per_hour: Option<u32>,
    /// How long an alert may be acted on after it was recorded; the site's own time where nothing is said.
    pub expires_after: Option<Duration>,
}

impl Conduct {
    /// What holds for a kind where nothing is said: alerts, but for removed things, which mostly their owners take.
    pub fn of(kind: AlertKind) -> Self {
        let deliver = if kind == AlertKind::ObjectRemoved { Deliver::Record } else { Deliver::Alert };
        Self { deliver, ..Self::default() }
    }
}

/// Whether people are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deliver {
    /// To people and to the alerts topic.
    #[default]
    Alert,
    /// Kept, searchable, on the tracks topic; nobody is disturbed.
    Record,
}

impl Deliver {
    /// The configuration's and the contract's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Record => "record",
        }
    }
}

/// Whether a rule is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It is.
    #[default]
    Live,
    /// It is on trial: it runs, its alerts have the status `Test` and a topic of their own.
    Shadow,
}
