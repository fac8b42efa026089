//! `zone_presence`: a zone is occupied.
//!
//! One alert per episode of the zone and not per track: an operator wants to know that somebody is on the roof, once, and when the
//! roof is empty again; who of three comes and goes in between is no news, and a track that is lost and found again must not
//! look like a second intruder. Whom each stay matters for itself uses `loitering`.

use std::time::Duration;

use super::episode::{Enough, Episode};
use super::rule::{Rest, Settings};
use super::stays::{Stays, is_fairly_seen};
use super::watch::{Notice, Post, View, Watch};
use crate::domain::alert::AlertKind;
use crate::domain::ids::ZoneId;

/// What `zone_presence` wants to know.
#[derive(Clone, Debug, PartialEq)]
pub struct ZonePresence {
    /// The zone.
    pub zone: ZoneId,
    /// One object must have been in it for so long.
    pub dwell: Duration,
    /// It is over when the zone was empty for so long.
    pub clear: Duration,
}

impl Settings for ZonePresence {
    fn kind(&self) -> AlertKind {
        AlertKind::ZonePresence
    }
    fn zone(&self) -> Option<&ZoneId> {
        Some(&self.zone)
    }
    fn threshold(&self) -> Option<f64> {
        Some(self.dwell.as_secs_f64())
    }
    fn rest(&self) -> Rest {
        Rest::RuleAfterEnd
    }
    fn in_words(&self) -> String {
        let (dwell, clear) = (self.dwell.as_secs_f64(), self.clear.as_secs_f64());
        format!("{} occupied for {dwell} s, until empty for {clear} s", self.zone)
    }
    fn watch(&self) -> Box<dyn Watch> {
        Box::new(OccupiedWatch::new(self.dwell, self.clear))
    }
}

/// Watches for a place that is occupied.
#[derive(Debug)]
pub(super) struct OccupiedWatch {
    dwell: Duration,
    enough: Enough,
    stays: Stays,
    episode: Episode,
}

impl OccupiedWatch {
    pub(super) fn new(dwell: Duration, clear: Duration) -> Self {
        let enough = Enough { count: 1, clear };
        Self { dwell, enough, stays: Stays::default(), episode: Episode::default() }
    }
}

impl Watch for OccupiedWatch {
    fn look(&mut self, view: &View<'_>, post: &Post, notices: &mut Vec<Notice>) {
        let stays = self.stays.look(view, post);
        if self.episode.is_open() {
            self.episode.go_on(&stays, self.enough, view, notices);
        } else if let Some(longest) = stays.iter().find(|stay| is_fairly_seen(stay.track))
            && longest.dwell(view.at) >= self.dwell
        {
            self.episode.begin(longest.since, &stays, (view, post), notices);
        }
    }

    fn lose_sight(&mut self) {
        self.stays.clear();
        self.episode.clear();
    }
}
