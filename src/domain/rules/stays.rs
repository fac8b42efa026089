//! Who is where a rule looks, and since when: what rules about a place, and not about one track, are made of.
//!
//! A place is a zone, or the whole picture. Who was let in once is counted until he has left, is gone, or turns out to be of another
//! class: confidences and sizes tremble around a rule's limits as boxes do around its borders.

use std::collections::BTreeSet;
use std::time::Duration;

use super::presence::Presences;
use super::watch::{Concerned, Post, View};
use crate::domain::ids::TrackId;
use crate::domain::time::Timestamp;
use crate::domain::tracking::Track;

/// Who was missed for no longer than this is there still.
const BLINK: Duration = Duration::from_secs(2);

/// What is there is seen at most looks, even by a poor detector; a phantom (an insect before the lens, a shrub at dusk) that a
/// detector finds now and then in the same place is not. Only what begins is asked; a stay that has begun may be seen poorly.
const FAIR_SHARE: f64 = 0.45;

/// Whether the track is seen often enough for an alert to begin with it.
pub(super) fn is_fairly_seen(track: &Track) -> bool {
    track.seen_share() >= FAIR_SHARE
}

/// One object that is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stay<'a> {
    pub(super) track: &'a Track,
    /// Since when: the moment on the border, or the first sight.
    pub(super) since: Timestamp,
}

impl Stay<'_> {
    pub(super) fn dwell(&self, at: Timestamp) -> Duration {
        at.since(self.since)
    }

    /// Whether it is seen at this moment, or something stands before it.
    pub(super) const fn is_sure(&self) -> bool {
        self.track.is_seen_now() || self.track.is_hidden()
    }
}

/// Who is there.
#[derive(Debug, Default)]
pub(super) struct Stays {
    presences: Presences,
    let_in: BTreeSet<TrackId>,
}

impl Stays {
    /// Takes in one look; gives who is there, the longest there first. Who is hidden or missed for a moment is there still.
    pub(super) fn look<'a>(&mut self, view: &View<'a>, post: &Post) -> Vec<Stay<'a>> {
        self.presences.look(view, post);
        for track in view.ended {
            self.presences.forget(track.id());
            self.let_in.remove(&track.id());
        }
        let anywhere = post.rule.spec.zone().is_none();
        let mut stays = Vec::new();
        for track in view.tracks {
            let since = if anywhere {
                Some(track.first_seen())
            } else {
                self.presences.of(track.id()).filter(|presence| presence.inside).map(|presence| presence.since)
            };
            let filter = &post.rule.filter;
            let admitted = filter.names(track) && self.let_in.contains(&track.id()) || filter.admits(track);
            let Some(since) = since.filter(|_| admitted) else {
                self.let_in.remove(&track.id());
                continue;
            };
            self.let_in.insert(track.id());
            // The tracker keeps the place of what stood for longer than anyone would say that it is there.
            let stay = Stay { track, since };
            if stay.is_sure() || view.at.since(track.last_seen()) < BLINK {
                stays.push(stay);
            }
        }
        stays.sort_by_key(|stay| (stay.since, stay.track.id()));
        stays
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.presences.clear();
        self.let_in.clear();
    }
}

/// All that stay, as an alert quotes them.
pub(super) fn concerned(stays: &[Stay<'_>], at: Timestamp) -> Concerned {
    Concerned::several(stays.iter().map(|stay| (stay.track, Some(stay.dwell(at)))))
}
