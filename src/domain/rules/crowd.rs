//! `crowd`: many at once.
//!
//! The number trembles as boxes do: people hide one another and are missed. So it must be reached for `dwell`, in which it may fall
//! short for moments, and it is over when `slack` fewer than that were there for `clear`.

use std::time::Duration;

use super::episode::{Enough, Episode};
use super::rule::{Rest, Settings};
use super::stays::{Stays, is_fairly_seen};
use super::watch::{Notice, Post, View, Watch};
use crate::domain::alert::AlertKind;
use crate::domain::ids::ZoneId;
use crate::domain::time::Timestamp;

/// A number that falls short for no longer than this was only counted badly.
const FORGIVEN: Duration = Duration::from_millis(1500);

/// What `crowd` wants to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Crowd {
    /// Only those in this zone, or all in the picture.
    pub zone: Option<ZoneId>,
    /// So many are a crowd.
    pub count: u32,
    /// It is over when more than so many fewer are there.
    pub slack: u32,
    /// They must have been so many for so long.
    pub dwell: Duration,
    /// They must have been so few for so long.
    pub clear: Duration,
}

impl Settings for Crowd {
    fn kind(&self) -> AlertKind {
        AlertKind::Crowd
    }
    fn zone(&self) -> Option<&ZoneId> {
        self.zone.as_ref()
    }
    fn threshold(&self) -> Option<f64> {
        Some(self.count.into())
    }
    fn rest(&self) -> Rest {
        Rest::RuleAfterEnd
    }
    fn in_words(&self) -> String {
        let place = self.zone.as_ref().map_or("the picture", |zone| zone.as_str());
        let (dwell, clear) = (self.dwell.as_secs_f64(), self.clear.as_secs_f64());
        let few = self.count.saturating_sub(self.slack);
        format!("{} or more in {place} for {dwell} s, until fewer than {few} for {clear} s", self.count)
    }
    fn watch(&self) -> Box<dyn Watch> {
        Box::new(CrowdWatch {
            settings: self.clone(),
            stays: Stays::default(),
            episode: Episode::default(),
            many_since: None,
            last_many: None,
        })
    }
}

#[derive(Debug)]
struct CrowdWatch {
    settings: Crowd,
    stays: Stays,
    episode: Episode,
    many_since: Option<Timestamp>,
    last_many: Option<Timestamp>,
}

impl Watch for CrowdWatch {
    fn look(&mut self, view: &View<'_>, post: &Post, notices: &mut Vec<Notice>) {
        let stays = self.stays.look(view, post);
        let Crowd { count, slack, dwell, clear, .. } = self.settings;
        let (many, few) = (count.max(1) as usize, count.saturating_sub(slack).max(1) as usize);
        if self.episode.is_open() {
            self.episode.go_on(&stays, Enough { count: few, clear }, view, notices);
            return;
        }
        let fair: Vec<_> = stays.iter().filter(|stay| is_fairly_seen(stay.track)).collect();
        if fair.len() < many {
            if self.last_many.is_none_or(|last| view.at.since(last) > FORGIVEN) {
                self.many_since = None;
            }
            return;
        }
        self.last_many = Some(view.at);
        // They were so many from the moment at which the last one needed came in.
        let since = *self.many_since.get_or_insert(fair[many - 1].since);
        if view.at.since(since) >= dwell {
            self.episode.begin(since, &stays, (view, post), notices);
        }
    }

    fn lose_sight(&mut self) {
        self.stays.clear();
        self.episode.clear();
        (self.many_since, self.last_many) = (None, None);
    }
}
