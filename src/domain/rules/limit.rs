//! How many alerts a rule may give within an hour: a window that slides on media time, and the storm beyond it.
//!
//! What is beyond is never lost and never silent: it is recorded, and a `storm` alert counts it. The storm is over when half
//! of the hour's room is free again, so that it does not flap at the limit.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::time::Timestamp;

const WINDOW: Duration = Duration::from_hours(1);

/// A rule's alerts within the last hour.
#[derive(Debug, Default)]
pub(super) struct Limit {
    told: VecDeque<Timestamp>,
    /// Held back in the storm that goes on; 0 where there is none.
    held_back: u32,
    /// At which number the storm speaks again.
    speaks_at: u32,
}

/// What the limit says to another alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// It may be told.
    Free,
    /// It is held back; so many are by now, which is worth a word or not yet.
    None { held_back: u32, speak: bool },
}

impl Limit {
    /// Asks for room at a moment, and takes it.
    pub(super) fn ask(&mut self, max: Option<u32>, at: Timestamp) -> Room {
        let Some(max) = max.map(|max| max as usize) else { return Room::Free };
        while self.told.front().is_some_and(|&first| at.since(first) >= WINDOW) {
            self.told.pop_front();
        }
        if self.told.len() < max {
            self.told.push_back(at);
            return Room::Free;
        }
        self.held_back = self.held_back.saturating_add(1);
        // It speaks at 1, 2, 4, 8...: a storm of storms would help nobody.
        let speak = self.held_back >= self.speaks_at;
        if speak {
            self.speaks_at = self.held_back.saturating_mul(2);
        }
        Room::None { held_back: self.held_back, speak }
    }

    /// Whether the storm is over at `now`: since when, and how many were held back. Says so once.
    pub(super) fn calms(&mut self, max: Option<u32>, now: Timestamp) -> Option<(Timestamp, u32)> {
        if self.held_back == 0 {
            return None;
        }
        let half = max.map_or(0, |max| max as usize / 2);
        let last_to_go = self.told.len().checked_sub(half + 1).and_then(|i| self.told.get(i));
        let over = last_to_go.map_or(now, |&last| last.plus(WINDOW));
        (over <= now).then(|| (over, self.forget()))
    }

    /// The storm was ended by something else; gives how many were held back.
    pub(super) fn forget(&mut self) -> u32 {
        self.speaks_at = 0;
        std::mem::take(&mut self.held_back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_nanos(0).plus(Duration::from_secs(seconds))
    }

    proptest! {
        #[test]
        fn no_hour_has_more_than_the_limit_and_none_is_lost(
            max in 1..6u32,
            mut asked in proptest::collection::vec(0..20_000u64, 0..200),
        ) {
            asked.sort_unstable();
            let (mut limit, mut told, mut held, mut storms) = (Limit::default(), Vec::new(), 0, 0);
            for &second in &asked {
                storms += limit.calms(Some(max), at(second)).map_or(0, |(_, n)| n);
                match limit.ask(Some(max), at(second)) {
                    Room::Free => told.push(second),
                    Room::None { .. } => held += 1,
                }
            }
            for (i, &first) in told.iter().enumerate() {
                let within = told[i..].iter().take_while(|&&t| t < first + 3600).count();
                prop_assert!(within <= max as usize, "{within} within an hour");
            }
            prop_assert_eq!(told.len() + held, asked.len());
            storms += limit.calms(Some(max), at(100_000)).map_or(0, |(_, n)| n);
            prop_assert_eq!(storms as usize, held, "every one held back was counted by a storm that ended");
        }
    }

    #[test]
    fn a_storm_speaks_at_doubles_and_calms_when_half_is_free() {
        let mut limit = Limit::default();
        let spoken: Vec<u32> = (0..12)
            .filter_map(|s| match limit.ask(Some(2), at(s * 60)) {
                Room::None { held_back, speak: true } => Some(held_back),
                _ => None,
            })
            .collect();
        assert_eq!(spoken, [1, 2, 4, 8]);
        assert_eq!(limit.calms(Some(2), at(3599)), None);
        assert_eq!(limit.calms(Some(2), at(4000)), Some((at(3600), 10)));
        assert_eq!(limit.calms(Some(2), at(4001)), None, "said once");
    }
}
