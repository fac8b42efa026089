//! Whether the scene is in sight, since when, and what follows from it when it is not.

use std::time::Duration;

use super::scene::{BlindCause, SightConfig};
use super::time::Timestamp;

/// One look vouches for no more than so much time before it: two looks an hour apart did not watch for an hour.
const LOOK_VOUCHES_FOR: Duration = Duration::from_secs(1);

/// What is known of the camera's sight.
#[derive(Clone, Debug)]
pub(super) struct Sight {
    config: SightConfig,
    last_look: Option<Timestamp>,
    sighted_since: Timestamp,
    interrupted: bool,
    given_up: bool,
    loss_since: Option<Timestamp>,
    loss_told: bool,
}

/// What a look means for time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// How long the scene was in sight since the look before.
    pub(super) looked_for: Duration,
    /// Since when it is in sight without a break.
    pub(super) sighted_since: Timestamp,
    /// Whether a lost stream was told of and is back.
    pub(super) loss_ends: bool,
}

/// What a blind moment asks for at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blinded {
    /// Nothing yet.
    Wait,
    /// The stream is there after all, only nobody looks.
    LossEnds,
    /// The camera was taken out: nothing is awaited of it.
    TakenOut,
}

impl Sight {
    pub(super) const fn new(config: SightConfig) -> Self {
        Self {
            config,
            last_look: None,
            sighted_since: Timestamp::from_nanos(0),
            interrupted: true,
            given_up: false,
            loss_since: None,
            loss_told: false,
        }
    }

    pub(super) const fn reconfigure(&mut self, config: SightConfig) {
        self.config = config;
    }

    /// Somebody looked.
    pub(super) fn look(&mut self, at: Timestamp) -> Look {
        let interrupted = std::mem::replace(&mut self.interrupted, false) || self.given_up;
        if interrupted {
            self.sighted_since = at;
        }
        let looked_for = match self.last_look {
            Some(last) if !interrupted => at.since(last).min(LOOK_VOUCHES_FOR),
            _ => Duration::ZERO,
        };
        let loss_ends = std::mem::replace(&mut self.loss_told, false);
        (self.last_look, self.given_up, self.loss_since) = (Some(at), false, None);
        Look { looked_for, sighted_since: self.sighted_since, loss_ends }
    }

    /// Nobody looked.
    pub(super) fn blind(&mut self, at: Timestamp, cause: BlindCause) -> Blinded {
        self.interrupted = true;
        match cause {
            BlindCause::Disabled => {
                (self.loss_since, self.loss_told, self.given_up) = (None, false, true);
                Blinded::TakenOut
            }
            // The stream is there; that nobody looks at it is the ledger's matter, not the camera's.
            BlindCause::Overload | BlindCause::ServiceDown | BlindCause::ViewMoved => {
                self.loss_since = None;
                if std::mem::replace(&mut self.loss_told, false) { Blinded::LossEnds } else { Blinded::Wait }
            }
            BlindCause::Starting
            | BlindCause::Unreachable
            | BlindCause::Unauthorized
            | BlindCause::Stalled
            | BlindCause::Unusable
            | BlindCause::Undecodable => {
                self.loss_since.get_or_insert(at);
                Blinded::Wait
            }
        }
    }

    /// When the scene was last seen, if that is so long ago that what moved in it is given up; says so once.
    pub(super) fn gives_up(&mut self, now: Timestamp) -> Option<Timestamp> {
        let last = self.last_look.filter(|last| !self.given_up && now.since(*last) >= self.config.blind_grace)?;
        self.given_up = true;
        Some(last)
    }

    /// Since when the stream is lost, if that is to be told; says so once.
    pub(super) fn loss_begins(&mut self, now: Timestamp) -> Option<Timestamp> {
        let since =
            self.loss_since.filter(|since| !self.loss_told && now.since(*since) >= self.config.video_loss_after)?;
        self.loss_told = true;
        Some(since)
    }
}
