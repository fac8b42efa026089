//! Decoding times for packets that come without: in order of decoding, each later than the one before.
//!
//! They are the presentation times in ascending order, late by as many pictures as the stream's reordering is deep. The depth shows itself
//! in the first pictures, so nothing is held back to look ahead. GStreamer's timestampers are not used: they reckon with the
//! declared frame rate, and damage presentation times where pictures come unevenly.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// No codec reorders further.
const DEEPEST: usize = 16;

/// Gives decoding times.
#[derive(Debug, Default)]
pub(super) struct DecodingTimes {
    /// Presentation times that have not become decoding times: as many as the reordering is deep.
    waiting: BinaryHeap<Reverse<u64>>,
    recent: VecDeque<u64>,
    last: Option<u64>,
}

impl DecodingTimes {
    /// The decoding time of the next picture, given when it is shown; at least `step` after the last one. It may be after `shown`
    /// where the reordering has just become deeper.
    pub(super) fn next(&mut self, shown: u64, step: u64) -> u64 {
        let depth = self.waiting.len();
        let deeper = self.recent.iter().filter(|earlier| **earlier > shown).count() > depth;
        self.recent.push_back(shown);
        if self.recent.len() > DEEPEST {
            self.recent.pop_front();
        }
        self.waiting.push(Reverse(shown));
        let earliest = self.last.map_or(0, |last| last + step);
        let due = if deeper { None } else { self.waiting.pop() };
        let time = due.map_or(earliest, |Reverse(due)| due.max(earliest));
        self.last = Some(time);
        time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(shown: &[u64]) -> Vec<u64> {
        let mut times = DecodingTimes::default();
        shown.iter().map(|&shown| times.next(shown, 1)).collect()
    }

    #[test]
    fn without_reordering_they_are_the_presentation_times() {
        assert_eq!(times(&[0, 41, 79, 500, 540]), [0, 41, 79, 500, 540]);
    }

    #[test]
    fn with_it_they_are_late_by_its_depth() {
        let one = times(&[0, 30, 10, 20, 60, 40, 50, 90, 70, 80]);
        assert_eq!(one, [0, 30, 31, 32, 33, 40, 50, 60, 70, 80]);
        let two = times(&[0, 40, 20, 10, 30, 80, 60, 50, 70, 120, 100, 90, 110]);
        assert_eq!(two[8..], [60, 70, 80, 90, 100]);
    }

    #[test]
    fn they_always_grow() {
        let shown: Vec<u64> = (0..400).map(|i| i * 7_919 % 97 + i / 30 * 40).collect();
        assert!(times(&shown).windows(2).all(|two| two[0] < two[1]));
    }
}
