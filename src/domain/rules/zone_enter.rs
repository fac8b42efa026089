//! `zone_enter`: the anchor comes into a zone.
//!
//! Who is first seen inside did not come in as far as anyone saw: no alert, since a track lost and found again in the zone
//! would give one each time. The exception is who appears at the picture's edge while the scene has been watched: he came in
//! through that edge.

use std::time::Duration;

use super::presence::{Presences, Turn};
use super::watch::{Notice, Post, View, Watch, at_picture_edge, quote};
use crate::domain::alert::EndReason;

/// Entering is a moment; its alert is over when the object has left, or after so long.
const HOLD: Duration = Duration::from_secs(30);
/// What is there when the watching begins was there before.
const FIRST_LOOKS: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct ZoneEnter {
    presences: Presences,
}

impl Watch for ZoneEnter {
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
                notices.push(Notice::Began {
                    subject: track.id(),
                    since: presence.since,
                    object: quote(track, None),
                    crossing: None,
                    hold: Some(HOLD),
                });
            } else if turn == Turn::Left {
                let object = Some(quote(track, None));
                notices.push(Notice::Over { subject: track.id(), at: presence.since, reason: EndReason::Left, object });
            }
        }
        for track in view.ended {
            self.presences.forget(track.id());
            let object = Some(quote(track, None));
            notices.push(Notice::Over { subject: track.id(), at: track.last_seen(), reason: EndReason::Left, object });
        }
    }

    fn lose_sight(&mut self) {
        self.presences.clear();
    }
}
