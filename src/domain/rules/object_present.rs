//! `object_present`: an object of some class is there at all, anywhere in the picture or in a zone: smoke, a boat, a dog.
//!
//! Its rest is the rule's and not a track's: such objects are often detected badly, and each new track of the same thing would be
//! an alert of its own.

use std::time::Duration;

use super::rule::{Rest, Settings};
use super::watch::Watch;
use super::zone_presence::OccupiedWatch;
use crate::domain::alert::AlertKind;
use crate::domain::ids::ZoneId;

/// What `object_present` wants to know.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectPresent {
    /// Only in this zone, or anywhere.
    pub zone: Option<ZoneId>,
    /// One object must have been there for so long.
    pub min: Duration,
    /// It is over when there was none for so long.
    pub clear: Duration,
}

impl Settings for ObjectPresent {
    fn kind(&self) -> AlertKind {
        AlertKind::ObjectPresent
    }
    fn zone(&self) -> Option<&ZoneId> {
        self.zone.as_ref()
    }
    fn threshold(&self) -> Option<f64> {
        Some(self.min.as_secs_f64())
    }
    fn rest(&self) -> Rest {
        Rest::RuleAfterEnd
    }
    fn in_words(&self) -> String {
        let place = self.zone.as_ref().map_or("anywhere".to_owned(), |zone| format!("in {zone}"));
        format!("seen {place} for {} s, until none for {} s", self.min.as_secs_f64(), self.clear.as_secs_f64())
    }
    fn watch(&self) -> Box<dyn Watch> {
        Box::new(OccupiedWatch::new(self.min, self.clear))
    }
}
