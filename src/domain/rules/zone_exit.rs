//! `zone_exit`: the anchor leaves a zone.
//!
//! Who leaves the picture while in the zone leaves the zone too: a track that ends moving, at the picture's edge, has gone out
//! through it. A track that ends elsewhere is only lost from sight: no alert.

use std::time::Duration;

use super::presence::{Presences, Turn};
use super::rule::Settings;
use super::watch::{Beginning, Notice, Post, View, Watch, at_picture_edge, quote};
use crate::domain::alert::{AlertKind, EndReason};
use crate::domain::ids::ZoneId;

/// Leaving is a moment; its alert is over when the object is gone, or after so long.
const HOLD: Duration = Duration::from_secs(10);
/// Who rested so long at the edge was not on his way out.
const ON_THE_WAY: Duration = Duration::from_secs(1);

/// What `zone_exit` wants to know.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneExit {
    /// The zone.
    pub zone: ZoneId,
}

impl Settings for ZoneExit {
    fn kind(&self) -> AlertKind {
        AlertKind::ZoneExit
    }
    fn zone(&self) -> Option<&ZoneId> {
        Some(&self.zone)
    }
    fn in_words(&self) -> String {
        format!("leaving {}", self.zone)
    }
    fn watch(&self) -> Box<dyn Watch> {
        Box::<ExitWatch>::default()
    }
}

#[derive(Debug, Default)]
struct ExitWatch {
    presences: Presences,
}

impl Watch for ExitWatch {
    fn look(&mut self, view: &View<'_>, post: &Post, notices: &mut Vec<Notice>) {
        for (track, turn, presence) in self.presences.look(view, post) {
            if turn == Turn::Left {
                let object = quote(track, None);
                notices.push(Notice::Began(Beginning::moment(track.id(), presence.since, object, HOLD)));
            }
        }
        for track in view.ended {
            let was_inside = self.presences.forget(track.id()).is_some_and(|presence| presence.inside);
            let object = quote(track, None);
            if was_inside && at_picture_edge(&track.measured()) && track.rested() < ON_THE_WAY {
                let (subject, since) = (track.id(), track.last_seen());
                notices.push(Notice::Began(Beginning::moment(subject, since, object.clone(), HOLD)));
            }
            let (subject, at) = (track.id(), track.last_seen());
            notices.push(Notice::Over { subject, at, reason: EndReason::Left, concerned: Some(object.into()) });
        }
    }

    fn lose_sight(&mut self) {
        self.presences.clear();
    }
}
