//! When pictures were taken, on one server timeline per camera that never goes back and never jumps. Pure.
//!
//! A stream gives presentation times (exact steps, unknown origin), arrival times (known clock, jitter and delay) and, where
//! the camera sends RTCP sender reports, its own clock (which may be local time, 1970, or plainly wrong). So the capture time
//! is `pts + offset`: the offset begins with the first arrival, follows the earliest arrivals (a sliding minimum, which sees
//! drift and not jitter) and is refined by RTCP, but at most by half a percent of the time that passes, so that differences stay
//! media time (five percent in the first seconds, while the first arrival turns out to have been late). The first pictures of a
//! connection are looked at together (`foresee`), since many servers begin with a burst of what they still have. While pictures would
//! be taken later than they arrived all the same (such a burst right after the connection was lost), time may run at half speed.
//!
//! A new connection, presentation times that jump back or far ahead, and a server clock that was set forward for good begin a
//! new epoch: a new offset, never before the last capture time that was given. A server clock that was set back is not
//! followed back: the timeline runs slowly until the clock has caught up.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::time::Timestamp;
use crate::pipeline::packet::{CaptureClock, ClockQuality};

const SECOND: i64 = 1_000_000_000;
/// Presentation times further back than this are no B-frames. A key picture is never presented before what it follows.
const BACK_STEP: i64 = SECOND;
/// Presentation times further ahead of arrival than this are a jump.
const AHEAD_STEP: i64 = 5 * SECOND;
/// The least delay of a whole window grown by this much: the server's clock was set, or the stream hangs behind for good.
const STEPPED: i64 = 10 * SECOND;
/// A camera clock this far ahead of arrival may still be called right.
const AHEAD_TOLERANCE: i64 = SECOND / 20;
/// Share of the passing time by which the offset may move.
const SLEW: i64 = 200;
/// So long after an epoch began, its first arrival may turn out to have been a late one (a server under load answers slowly at
/// first): while pictures would be called taken later than the earliest arrivals say, time runs slower by this share.
const SETTLES: i64 = 15 * SECOND;
const SETTLING_SLEW: i64 = 20;
/// Width and number of the sliding minimum's buckets.
const BUCKET: i64 = 3 * SECOND;
const BUCKETS: usize = 10;
/// Changes of the offset that are remembered: more than pictures are reordered.
const KNOTS: usize = 20;

/// One camera's timeline; outlives its connections.
#[derive(Debug)]
pub struct Timeline {
    max_offset: i64,
    newest: Option<i64>,
    /// How much earlier than the earliest arrival pictures are taken, as RTCP said last.
    delay: i64,
    /// The least of arrival minus presentation time among the pictures of which the next epoch begins with the first.
    foreseen: Option<i64>,
    epoch: Option<Epoch>,
}

#[derive(Debug)]
struct Epoch {
    /// Where the offset changed: (presentation time, offset), the newest last. Between two it changes evenly, so that a B-frame
    /// that comes after a later picture is still given a time before it.
    knots: VecDeque<(i64, i64)>,
    began: i64,
    floor: i64,
    last_taken: i64,
    arrivals: SlidingMinimum,
    rtcp: Option<i64>,
}

/// When a picture is shown within its stream, and whether it is a key picture.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// Presentation time.
    pub pts: Duration,
    /// Whether decoding can begin there.
    pub key: bool,
}

impl Timeline {
    /// A timeline that believes RTCP where the camera's clock differs from ours by no more than `max_offset`.
    pub fn new(max_offset: Duration) -> Self {
        Self {
            max_offset: i64::try_from(max_offset.as_nanos()).unwrap_or(i64::MAX),
            newest: None,
            delay: 0,
            foreseen: None,
            epoch: None,
        }
    }

    /// Notes that presentation times begin anew.
    pub fn reconnected(&mut self) {
        self.epoch = None;
        self.foreseen = None;
    }

    /// The first pictures of a connection, none of them stamped yet: presentation and arrival times. Their earliest arrival says
    /// when all of them were taken, however late the first one came. Does nothing within an epoch.
    pub fn foresee(&mut self, arrivals: impl IntoIterator<Item = (Duration, Timestamp)>) {
        let mut offsets = arrivals.into_iter().map(|(pts, received)| received.as_nanos() - nanos(pts));
        if let Some(first) = offsets.next().filter(|_| self.epoch.is_none()) {
            // What is further ahead begins an epoch of its own.
            self.foreseen = Some(offsets.filter(|offset| first - offset <= AHEAD_STEP).fold(first, i64::min));
        }
    }

    /// The capture time of the packet with this presentation time. In decoding order; `camera_clock` is what the camera's
    /// clock showed at this picture, where known.
    pub fn stamp(
        &mut self,
        picture: Shown,
        received_at: Timestamp,
        camera_clock: Option<Timestamp>,
    ) -> (Timestamp, ClockQuality) {
        let pts = nanos(picture.pts);
        let received = received_at.as_nanos();
        if self.epoch.as_ref().is_some_and(|epoch| epoch.is_broken_by(pts, picture.key, received - self.delay)) {
            self.epoch = None;
        }
        let foreseen = self.foreseen.take();
        let (delay, newest) = (self.delay, self.newest);
        let epoch = self.epoch.get_or_insert_with(|| {
            let earliest = foreseen.map_or(received - pts, |least| least.min(received - pts));
            Epoch::begin(pts, earliest, delay, newest)
        });
        epoch.arrivals.add(pts, received - pts);
        epoch.rtcp = camera_clock.map(|clock| clock.as_nanos().saturating_sub(pts)).or(epoch.rtcp);

        let arrival = epoch.arrivals.least();
        let camera_ahead = epoch.rtcp.map(|rtcp| rtcp.saturating_sub(arrival));
        let believed = camera_ahead.filter(|ahead| (-self.max_offset..=AHEAD_TOLERANCE).contains(ahead));
        if let Some(ahead) = believed {
            self.delay = (-ahead).max(0);
        } else if camera_ahead.is_some() {
            self.delay = 0;
        }
        let target = arrival - self.delay;
        epoch.last_taken = received - self.delay;
        epoch.slew(target, pts, received);
        let captured = (pts + epoch.offset_at(pts)).max(epoch.floor);
        self.newest = Some(self.newest.map_or(captured, |newest| newest.max(captured)));
        let quality = ClockQuality {
            source: if believed.is_some() { CaptureClock::RtcpNtp } else { CaptureClock::Arrival },
            error_ms: believed.map(|_| (captured - pts).abs_diff(target) as f64 / 1e6),
            offset_ms: camera_ahead.map(|ahead| ahead as f64 / 1e6),
        };
        (Timestamp::from_nanos(captured), quality)
    }
}

fn nanos(pts: Duration) -> i64 {
    i64::try_from(pts.as_nanos()).unwrap_or(i64::MAX / 4)
}

impl Epoch {
    fn begin(pts: i64, earliest: i64, delay: i64, newest: Option<i64>) -> Self {
        let floor = newest.map_or(i64::MIN, |newest| newest + 1_000);
        let taken = pts + earliest - delay;
        let knots = VecDeque::from([(pts, taken.max(floor) - pts)]);
        let mut arrivals = SlidingMinimum::default();
        arrivals.add(pts, earliest);
        Self { knots, began: pts, floor, last_taken: taken, arrivals, rtcp: None }
    }

    /// The highest presentation time, and the offset there.
    fn newest(&self) -> (i64, i64) {
        self.knots.back().copied().unwrap_or((0, 0))
    }

    fn is_broken_by(&self, pts: i64, key: bool, taken: i64) -> bool {
        let (highest_pts, offset) = self.newest();
        let step = pts - highest_pts;
        let waited = (taken - self.last_taken).max(0);
        let late_for_good =
            self.arrivals.is_full() && self.arrivals.least() - offset > STEPPED && taken - pts - offset > STEPPED;
        step < -BACK_STEP || key && step <= 0 || step > waited + AHEAD_STEP || late_for_good
    }

    fn slew(&mut self, target: i64, pts: i64, received: i64) {
        let (highest_pts, offset) = self.newest();
        let passed = pts - highest_pts;
        if passed <= 0 {
            return;
        }
        let settling = pts - self.began < SETTLES && offset > self.arrivals.least();
        let down = match () {
            () if pts + offset > received => passed / 2,
            () if settling => passed / SETTLING_SLEW,
            () => passed / SLEW,
        };
        self.knots.push_back((pts, offset + (target - offset).clamp(-down, passed / SLEW)));
        if self.knots.len() > KNOTS {
            self.knots.pop_front();
        }
    }

    fn offset_at(&self, pts: i64) -> i64 {
        let after = self.knots.partition_point(|&(at, _)| at < pts);
        match (after.checked_sub(1).and_then(|before| self.knots.get(before)), self.knots.get(after)) {
            (Some(&(from, first)), Some(&(to, second))) => {
                first + (i128::from(second - first) * i128::from(pts - from) / i128::from(to - from)) as i64
            }
            (Some(&(_, offset)), None) | (None, Some(&(_, offset))) => offset,
            (None, None) => 0,
        }
    }
}

/// The least arrival offset of the last half minute.
#[derive(Debug, Default)]
struct SlidingMinimum {
    buckets: VecDeque<(i64, i64)>,
}

impl SlidingMinimum {
    fn add(&mut self, pts: i64, value: i64) {
        let bucket = pts.div_euclid(BUCKET);
        match self.buckets.back_mut() {
            // A B-frame's time may lie in the bucket before: it counts to the newest.
            Some((newest, least)) if *newest >= bucket => *least = (*least).min(value),
            _ => self.buckets.push_back((bucket, value)),
        }
        if self.buckets.len() > BUCKETS {
            self.buckets.pop_front();
        }
    }

    fn is_full(&self) -> bool {
        self.buckets.len() == BUCKETS
    }

    fn least(&self) -> i64 {
        self.buckets.iter().map(|&(_, value)| value).min().unwrap_or(0)
    }
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
