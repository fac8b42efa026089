//! `loitering`: the anchor stays in a zone for longer than it should.
//!
//! The clock runs on media time from the moment at which the border was passed (or the first sight, for who was inside already)
//! and goes on while the track lives, so over occlusions that the tracker bridges. An alert opens only on who is in sight, is
//! updated each time the dwell has doubled, and ends when he has left or was lost.

use std::collections::BTreeMap;
use std::time::Duration;

use super::presence::{Presences, Turn};
use super::rule::{Rest, Settings};
use super::stays::is_fairly_seen;
use super::watch::{Beginning, Notice, Post, View, Watch, quote};
use crate::domain::alert::{AlertKind, EndReason};
use crate::domain::ids::{TrackId, ZoneId};

/// What `loitering` wants to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Loitering {
    /// The zone.
    pub zone: ZoneId,
    /// Who stays for so long loiters.
    pub dwell: Duration,
}

impl Settings for Loitering {
    fn kind(&self) -> AlertKind {
        AlertKind::Loitering
    }
    fn zone(&self) -> Option<&ZoneId> {
        Some(&self.zone)
    }
    fn threshold(&self) -> Option<f64> {
        Some(self.dwell.as_secs_f64())
    }
    fn rest(&self) -> Rest {
        Rest::TrackAfterEnd
    }
    fn in_words(&self) -> String {
        format!("staying in {} for {} s", self.zone, self.dwell.as_secs_f64())
    }
    fn watch(&self) -> Box<dyn Watch> {
        Box::new(LoiteringWatch { dwell: self.dwell, presences: Presences::default(), told: BTreeMap::new() })
    }
}

#[derive(Debug)]
struct LoiteringWatch {
    dwell: Duration,
    presences: Presences,
    /// Those about whom an alert was raised, and the dwell at which it is next updated.
    told: BTreeMap<TrackId, Duration>,
}

impl Watch for LoiteringWatch {
    fn look(&mut self, view: &View<'_>, post: &Post, notices: &mut Vec<Notice>) {
        let dwell = self.dwell;
        let before: BTreeMap<TrackId, _> =
            self.told.keys().filter_map(|id| Some((*id, self.presences.of(*id)?.since))).collect();
        for (track, turn, presence) in self.presences.look(view, post) {
            if turn == Turn::Left && self.told.remove(&track.id()).is_some() {
                let stayed = before.get(&track.id()).map(|since| presence.since.since(*since));
                let (subject, at, concerned) = (track.id(), presence.since, Some(quote(track, stayed).into()));
                notices.push(Notice::Over { subject, at, reason: EndReason::Left, concerned });
            }
        }
        for track in view.tracks.iter().filter(|t| t.is_seen_now()) {
            let Some(presence) = self.presences.of(track.id()).filter(|p| p.inside) else { continue };
            let stayed = view.at.since(presence.since);
            let object = || quote(track, Some(stayed));
            match self.told.get_mut(&track.id()) {
                Some(next) if stayed >= *next => {
                    *next = next.saturating_mul(2);
                    notices.push(Notice::Continued { subject: track.id(), concerned: object().into() });
                }
                None if stayed >= dwell
                    && is_fairly_seen(track)
                    && post.rule.filter.admits(track)
                    && post.may_speak(track.id(), view.at) =>
                {
                    self.told.insert(track.id(), dwell.max(Duration::from_secs(1)).saturating_mul(2));
                    notices.push(Notice::Began(Beginning::new(track.id(), presence.since, object())));
                }
                Some(_) | None => {}
            }
        }
        for track in view.ended {
            let presence = self.presences.forget(track.id());
            if self.told.remove(&track.id()).is_some() {
                let stayed = presence.map(|p| track.last_seen().since(p.since));
                let (subject, at, concerned) = (track.id(), track.last_seen(), Some(quote(track, stayed).into()));
                notices.push(Notice::Over { subject, at, reason: EndReason::Left, concerned });
            }
        }
    }

    fn lose_sight(&mut self) {
        self.presences.clear();
        self.told.clear();
    }
}
