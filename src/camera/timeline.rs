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
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: i64 = 1_800_000_000_000;

    fn timeline() -> Timeline {
        Timeline::new(Duration::from_secs(10))
    }

    fn shown(ms: i64) -> Shown {
        Shown { pts: Duration::from_millis(ms.unsigned_abs()), key: ms % 2_000 == 0 }
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(START + ms)
    }

    /// Stamps 25 pictures a second for `seconds`; gives the last capture time minus true arrival origin, in ms, and its quality.
    fn run(line: &mut Timeline, seconds: i64, camera_ahead_ms: Option<i64>) -> (f64, ClockQuality) {
        let mut last = None;
        for ms in (0..seconds * 1000).step_by(40) {
            let clock = camera_ahead_ms.filter(|_| ms > 2_000).map(|ahead| at(ms + ahead));
            last = Some((ms, line.stamp(shown(ms), at(ms), clock)));
        }
        let (ms, (captured, quality)) = last.expect("at least one picture");
        (captured.seconds_from(at(ms)) * 1e3, quality)
    }

    #[test]
    fn without_rtcp_the_first_arrival_is_the_origin() {
        let (error, quality) = run(&mut timeline(), 10, None);
        assert!(error.abs() < 0.001, "{error}");
        assert_eq!(quality, ClockQuality { source: CaptureClock::Arrival, error_ms: None, offset_ms: None });
    }

    #[test]
    fn rtcp_refines_slowly() {
        let (error, quality) = run(&mut timeline(), 10, Some(-300));
        assert!((-41.0..-38.0).contains(&error), "8 s at half a percent: {error}");
        assert_eq!(quality.source, CaptureClock::RtcpNtp);
        let (error, quality) = run(&mut timeline(), 120, Some(-300));
        assert!((error + 300.0).abs() < 0.01 && quality.error_ms.is_some_and(|e| e < 0.01), "{error} {quality:?}");
        assert_eq!(quality.offset_ms, Some(-300.0));
    }

    #[test]
    fn a_camera_clock_that_is_far_off_is_reported_and_not_believed() {
        for ahead in [-START, 8 * 3_600_000, -8 * 3_600_000, 60_000] {
            let (error, quality) = run(&mut timeline(), 20, Some(ahead));
            assert!(error.abs() < 0.001, "{ahead}: {error}");
            assert_eq!((quality.source, quality.offset_ms), (CaptureClock::Arrival, Some(ahead as f64)));
        }
    }

    #[test]
    fn what_rtcp_taught_outlives_the_connection() {
        let mut line = timeline();
        run(&mut line, 120, Some(-300));
        line.reconnected();
        let (captured, _) = line.stamp(shown(0), at(200_000), None);
        assert!((captured.seconds_from(at(200_000)) + 0.3).abs() < 0.001);
    }

    #[test]
    fn a_burst_at_the_start_is_straightened() {
        let mut line = timeline();
        let mut last = (0.0, at(0));
        for ms in (0..12_000).step_by(40) {
            let received = at(0.max(ms - 2_000)); // the first two seconds come at once
            let (captured, _) = line.stamp(shown(ms), received, None);
            assert!(captured > last.1 || ms == 0);
            last = (captured.seconds_from(received), captured);
        }
        assert!(last.0.abs() < 0.001, "{last:?}");
    }

    #[test]
    fn a_burst_that_is_foreseen_has_media_time_from_its_first_picture() {
        let mut line = timeline();
        let received = |ms: i64| at(0.max(ms - 2_000)); // the first two seconds come at once
        line.foresee((0..2_500).step_by(40).map(|ms| (shown(ms).pts, received(ms))));
        for ms in (0..12_000).step_by(40) {
            let (captured, _) = line.stamp(shown(ms), received(ms), None);
            let off = captured.seconds_from(at(ms - 2_000)) * 1e3;
            assert!(off.abs() < 0.001, "{off} ms at {ms}");
        }
    }

    #[test]
    fn a_burst_of_what_was_seen_before_never_goes_back() {
        let mut line = timeline();
        run(&mut line, 40, None); // up to 39,960 ms
        line.reconnected();
        let received = |ms: i64| at(40_100 + 0.max(ms - 2_000));
        line.foresee((0..2_500).step_by(40).map(|ms| (shown(ms).pts, received(ms))));
        let mut last = at(39_960);
        for ms in (0..12_000).step_by(40) {
            let captured = line.stamp(shown(ms), received(ms), None).0;
            assert!(captured > last, "{captured:?} after {last:?}");
            last = captured;
        }
        assert!(last.seconds_from(received(11_960)).abs() < 0.001, "caught up");
    }

    #[test]
    fn what_jumps_ahead_among_the_first_does_not_date_them_back() {
        let mut line = timeline();
        line.foresee([0, 40, 3_600_000].map(|ms| (shown(ms).pts, at(100))));
        let captured = line.stamp(shown(0), at(100), None).0;
        assert!((captured.seconds_from(at(100)) + 0.04).abs() < 0.001);
    }

    #[test]
    fn a_first_picture_that_came_late_is_made_good_within_seconds() {
        let mut line = timeline();
        let late = |ms: i64| 0.max(400 - ms / 2); // a machine under load, less so by and by
        let off = |line: &mut Timeline, from: i64, until: i64| {
            let mut last = 0.0;
            for ms in (from..until).step_by(40) {
                last = line.stamp(shown(ms), at(ms + late(ms)), None).0.seconds_from(at(ms)) * 1e3;
            }
            last
        };
        assert!(off(&mut line, 0, 40) > 399.0);
        let after = off(&mut line, 40, 9_000);
        assert!(after.abs() < 1.0, "{after} ms");
    }

    #[test]
    fn a_server_clock_set_forward_is_followed_and_one_set_back_never_goes_back() {
        let mut line = timeline();
        run(&mut line, 40, None);
        let mut captured = at(0);
        for ms in (40_000..90_000).step_by(40) {
            captured = line.stamp(shown(ms), at(ms + 3_600_000), None).0;
        }
        assert!(captured.seconds_from(at(90_000 + 3_600_000)).abs() < 0.1);
        let before = captured;
        for ms in (90_000..95_000).step_by(40) {
            captured = line.stamp(shown(ms), at(ms), None).0;
        }
        assert!(captured > before);
    }

    proptest! {
        /// Any jitter, drift, resets and reconnects: capture times grow with presentation times, and after a while are within
        /// the jitter of the truth.
        #[test]
        fn never_goes_back_and_stays_near_the_truth(
            jitter in prop::collection::vec(0..80i64, 2_000),
            drift_ppm in -100..100i64,
            breaks in prop::collection::vec((10..1_990usize, any::<bool>(), 0..5_000i64), 0..4),
            camera_ahead in prop::option::of(-400..0i64),
        ) {
            let mut line = timeline();
            let (mut base, mut origin, mut silent) = (0i64, 0i64, 0i64);
            let mut last: Option<Timestamp> = None;
            let mut since_break = 0;
            for (i, jitter) in jitter.into_iter().enumerate() {
                if let Some((_, reconnect, pause)) = breaks.iter().find(|(at, ..)| *at == i) {
                    silent += pause + 2_100;
                    origin = i as i64 * 40;
                    base = if *reconnect { 0 } else { base % 7_777 };
                    if *reconnect || origin == 0 { line.reconnected(); }
                    since_break = 0;
                }
                let media = i as i64 * 40;
                let truth = media + media * drift_ppm / 1_000_000 + silent;
                let pts = base + media - origin;
                let (captured, _) = line.stamp(
                    Shown { key: since_break == 0, ..shown(pts) }, at(truth + jitter), camera_ahead.map(|ahead| at(truth + ahead)));
                prop_assert!(last.is_none_or(|last| captured > last), "{last:?} then {captured:?} at {i}");
                last = Some(captured);
                since_break += 1;
                if since_break > 100 {
                    let error = captured.seconds_from(at(truth)) * 1e3;
                    prop_assert!((-401.0..=81.0).contains(&error), "{error} ms at {i}");
                }
            }
        }

        /// With B-frames, capture times are in the order of presentation, whatever order they are asked in.
        #[test]
        fn keeps_presentation_order_with_b_frames(jitter in prop::collection::vec(0..60u64, 400)) {
            let mut line = timeline();
            let mut stamped: Vec<(i64, Timestamp)> = Vec::new();
            for (i, jitter) in jitter.into_iter().enumerate() {
                let ms = match i % 4 { 1 => i + 3, 2 => i, 3 => i - 2, _ => i.saturating_sub(1) } as i64 * 40;
                let received = at(i as i64 * 40 + jitter as i64);
                stamped.push((ms, line.stamp(Shown { key: i == 0, ..shown(ms) }, received, None).0));
            }
            stamped.sort_by_key(|&(ms, _)| ms);
            prop_assert!(stamped.windows(2).all(|two| two[0].0 == two[1].0 || two[0].1 < two[1].1), "{stamped:?}");
        }
    }
}
