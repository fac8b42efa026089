//! One alert about a place for as long as something holds there, whoever comes and goes meanwhile.
//!
//! It begins when its rule says so, and ends when fewer than enough have been seen there for long enough without a break. Only time
//! in sight counts, so a blind camera ends nothing. It is told anew when half as many again are there.

use std::time::Duration;

use super::stays::{Stay, concerned};
use super::watch::{Beginning, Notice, Post, View};
use crate::domain::alert::EndReason;
use crate::domain::ids::TrackId;
use crate::domain::time::Timestamp;

#[derive(Debug, Default)]
pub(super) struct Episode(Option<Open>);

#[derive(Debug)]
struct Open {
    subject: TrackId,
    told: usize,
    last_enough: Timestamp,
    too_few_for: Duration,
}

/// What keeps an episode going.
#[derive(Clone, Copy, Debug)]
pub(super) struct Enough {
    /// So many.
    pub(super) count: usize,
    /// It is over when there were fewer for so long.
    pub(super) clear: Duration,
}

impl Episode {
    pub(super) const fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Begins, unless the rule has rest: then it begins when the rest is over and it holds still.
    pub(super) fn begin(
        &mut self,
        since: Timestamp,
        stays: &[Stay<'_>],
        (view, post): (&View<'_>, &Post),
        notices: &mut Vec<Notice>,
    ) {
        // Nobody is shown an alert about what cannot be seen in its picture.
        let Some(subject) = stays.iter().find(|stay| stay.track.is_seen_now()).map(|stay| stay.track.id()) else {
            return;
        };
        if post.may_speak(subject, view.at) {
            self.0 = Some(Open { subject, told: stays.len(), last_enough: view.at, too_few_for: Duration::ZERO });
            notices.push(Notice::Began(Beginning::new(subject, since, concerned(stays, view.at))));
        }
    }

    /// Goes on or ends.
    pub(super) fn go_on(&mut self, stays: &[Stay<'_>], enough: Enough, view: &View<'_>, notices: &mut Vec<Notice>) {
        let Some(open) = &mut self.0 else { return };
        let sure = stays.iter().filter(|stay| stay.is_sure()).count();
        if sure >= enough.count.max(1) {
            open.last_enough = view.at;
            open.too_few_for = Duration::ZERO;
        } else {
            open.too_few_for = open.too_few_for.saturating_add(view.looked_for);
        }
        if open.too_few_for >= enough.clear.max(Duration::from_millis(1)) {
            let (subject, at) = (open.subject, open.last_enough);
            notices.push(Notice::Over { subject, at, reason: EndReason::Left, concerned: None });
            self.0 = None;
        } else if 2 * sure >= 3 * open.told {
            open.told = stays.len();
            notices.push(Notice::Continued { subject: open.subject, concerned: concerned(stays, view.at) });
        }
    }

    /// Forgets it: its alert is ended by who calls this.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }
}
