//! Under what circumstances a story is seen: the weather, and how good the detector is.

use super::super::degraded::Degradation;
use super::super::weather::Weather;

/// Circumstances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Condition {
    Day,
    Dusk,
    Rain,
    /// By day, but the detector finds 70 % of what is there, with trembling boxes, boxes around nothing and wrong classes.
    Degraded,
}

impl Condition {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Day, Self::Dusk, Self::Rain, Self::Degraded];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Dusk => "dusk",
            Self::Rain => "rain",
            Self::Degraded => "degraded",
        }
    }

    /// The condition of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|condition| condition.as_str() == name)
    }

    /// Its weather.
    pub const fn weather(self) -> Weather {
        match self {
            Self::Day | Self::Degraded => Weather::Day,
            Self::Dusk => Weather::Dusk,
            Self::Rain => Weather::Rain,
        }
    }

    /// Its detector.
    pub fn detector(self) -> Degradation {
        let good = Degradation { recall: 0.93, jitter: 0.02, false_per_frame: 0.05, class_flicker: 0.02, light: 1.0 };
        match self {
            Self::Day => good,
            Self::Dusk => Degradation { recall: 0.88, jitter: 0.03, false_per_frame: 0.1, light: 0.6, ..good },
            Self::Rain => {
                Degradation { recall: 0.85, jitter: 0.035, false_per_frame: 0.3, class_flicker: 0.05, light: 0.9 }
            }
            Self::Degraded => Degradation::default(),
        }
    }
}
