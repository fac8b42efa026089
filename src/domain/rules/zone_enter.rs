//! `zone_enter`: the anchor comes into a zone.
//!
//! Who is first seen inside did not come in as far as anyone saw: no alert, since a track lost and found again in the zone
//! would give one each time. The exception is who appears at the picture's edge while the scene has been watched: he came in
//! through that edge.

use std::time::Duration;

use super::presence::{Presences, Turn};
use super::rule::Settings;
use super::watch::{Beginning, Notice, Post, View, Watch, at_picture_edge, quote};
use crate::domain::alert::{AlertKind, EndReason};
use crate::domain::ids::ZoneId;

/// Entering is a moment; its alert is over when the object has left, or after so long.
const HOLD: Duration = Duration::from_secs(30);
/// What is there when the watching begins was there before.
const FIRST_LOOKS: Duration = Duration::from_secs(1);

/// What `zone_enter` wants to know.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneEnter {
    /// The zone.
    pub zone: ZoneId,
}

impl Settings for ZoneEnter {
    fn kind(&self) -> AlertKind {
        AlertKind::ZoneEnter
    }
    fn zone(&self) -> Option<&ZoneId> {
        Some(&self.zone)
    }
    fn in_words(&self) -> String {
        format!("entering {}", self.zone)
    }
    fn watch(&self) -> Box<dyn Watch> {
        Box::<EnterWatch>::default()
    }
}

#[derive(Debug, Default)]
struct EnterWatch {
    presences: Presences,
}

impl Watch for EnterWatch {
    fn look(&mut self, view: &View<'_>, post: &Post, notices: &mut Vec<Notice>) {
        for (track, turn, presence) in self.presences.look(view, post) {
            let born_at_edge = || {
                presence.inside
                    && presence.since == track.first_seen()
                    && presence.since.since(view.sighted_since) >= FIRST_LOOKS
                    && track.trail().next().is_some_and(|(_, bbox)| at_picture_edge(&bbox))
            };
            let entered = turn == Turn::Entered || turn == Turn::Appeared && born_at_edge();
            if entered {
                let object = quote(track, None);
                notices.push(Notice::Began(Beginning::moment(track.id(), presence.since, object, HOLD)));
            } else if turn == Turn::Left {
                let (subject, at, concerned) = (track.id(), presence.since, Some(quote(track, None).into()));
                notices.push(Notice::Over { subject, at, reason: EndReason::Left, concerned });
            }
        }
        for track in view.ended {
            self.presences.forget(track.id());
            let (subject, at, concerned) = (track.id(), track.last_seen(), Some(quote(track, None).into()));
            notices.push(Notice::Over { subject, at, reason: EndReason::Left, concerned });
        }
    }

    fn lose_sight(&mut self) {
        self.presences.clear();
    }
}
