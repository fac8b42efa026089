//! `loitering`: the anchor stays in a zone for longer than it should.
//!
//! The clock runs on media time from the moment at which the border was passed (or the first sight, for who was inside already)
//! and goes on while the track lives, so over occlusions that the tracker bridges. An alert opens only on who is in sight, is
//! updated each time the dwell has doubled, and ends when he has left or was lost.

use std::collections::BTreeMap;
use std::time::Duration;

use super::presence::{Presences, Turn};
use super::watch::{Notice, Post, View, Watch, quote};
use crate::domain::alert::EndReason;
use crate::domain::ids::TrackId;
use crate::domain::rules::RuleSpec;

#[derive(Debug, Default)]
pub(super) struct Loitering {
    presences: Presences,
    /// Those about whom an alert was raised, and the dwell at which it is next updated.
    told: BTreeMap<TrackId, Duration>,
}

impl Watch for Loitering {
    fn look(&mut self, view: &View<'_>, post: &Post, notices: &mut Vec<Notice>) {
        let RuleSpec::Loitering { dwell, .. } = post.rule.spec else { return };
        let before: BTreeMap<TrackId, _> =
            self.told.keys().filter_map(|id| Some((*id, self.presences.of(*id)?.since))).collect();
        for (track, turn, presence) in self.presences.look(view, post) {
            if turn == Turn::Left && self.told.remove(&track.id()).is_some() {
                let stayed = before.get(&track.id()).map(|since| presence.since.since(*since));
                let object = Some(quote(track, stayed));
                notices.push(Notice::Over { subject: track.id(), at: presence.since, reason: EndReason::Left, object });
            }
        }
        for track in view.tracks.iter().filter(|t| t.is_seen_now()) {
            let Some(presence) = self.presences.of(track.id()).filter(|p| p.inside) else { continue };
            let stayed = view.at.since(presence.since);
            let object = || quote(track, Some(stayed));
            match self.told.get_mut(&track.id()) {
                Some(next) if stayed >= *next => {
                    *next = next.saturating_mul(2);
                    notices.push(Notice::Continued { subject: track.id(), object: object() });
                }
                None if stayed >= dwell && post.rule.filter.admits(track) && post.may_speak(track.id(), view.at) => {
                    self.told.insert(track.id(), dwell.max(Duration::from_secs(1)).saturating_mul(2));
                    notices.push(Notice::Began {
                        subject: track.id(),
                        since: presence.since,
                        object: object(),
                        crossing: None,
                        hold: None,
                    });
                }
                Some(_) | None => {}
            }
        }
        for track in view.ended {
            let presence = self.presences.forget(track.id());
            if self.told.remove(&track.id()).is_some() {
                let stayed = presence.map(|p| track.last_seen().since(p.since));
                let (subject, at) = (track.id(), track.last_seen());
                notices.push(Notice::Over { subject, at, reason: EndReason::Left, object: Some(quote(track, stayed)) });
            }
        }
    }

    fn lose_sight(&mut self) {
        self.presences.clear();
        self.told.clear();
    }
}
