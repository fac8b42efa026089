//! The first pictures of a connection wait for each other before any is given a time.
//!
//! Many servers begin with what they still have, back to the last key picture, all in one burst: the first picture arrives as late as
//! the burst is long, and the last one on time. Were the first taken for current, all speeds would be wrong until time has caught up. So
//! pictures wait for half a second, once per connection, and the earliest of their arrivals says when they were all taken.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gstreamer as gst;

use super::access_unit::{Stamp, Stamper, Unit};
use super::timeline::{Shown, Timeline};
use crate::domain::time::Timestamp;
use crate::pipeline::packet::Packet;
use crate::pipeline::ports::Clock;

/// Seconds between the epochs of NTP (1900) and Unix (1970).
const NTP_TO_UNIX_SECONDS: i64 = 2_208_988_800;
/// How long the first pictures wait: longer than a burst takes over a slow network, shorter than an operator would notice.
const WAIT: Duration = Duration::from_millis(500);
/// So many never wait: the decoder's queue has to take them at once.
const MOST: usize = 64;

/// Gives the pictures of one connection their times on the camera's timeline.
pub(super) struct LiveStamper {
    timeline: Arc<Mutex<Timeline>>,
    clock: Arc<dyn Clock>,
    origin: Option<Duration>,
    /// `None` when they have waited.
    waiting: Option<Vec<Arrived>>,
}

/// A picture and what is known of its time.
struct Arrived {
    unit: Unit,
    pts: Duration,
    received_at: Timestamp,
    camera_clock: Option<Timestamp>,
}

impl LiveStamper {
    pub(super) fn new(timeline: Arc<Mutex<Timeline>>, clock: Arc<dyn Clock>) -> Self {
        Self { timeline, clock, origin: None, waiting: Some(Vec::new()) }
    }

    fn stamp_all(&self, arrived: Vec<Arrived>) -> Vec<Packet> {
        let mut timeline = self.timeline.lock().unwrap_or_else(PoisonError::into_inner);
        let stamped = arrived.into_iter().map(|Arrived { unit, pts, received_at, camera_clock }| {
            let (captured_at, clock) = timeline.stamp(Shown { pts, key: unit.key }, received_at, camera_clock);
            unit.stamped(Stamp { captured_at, clock, received_at, pts })
        });
        stamped.collect()
    }

    /// Lets go those that wait.
    fn release(&mut self) -> Vec<Packet> {
        let arrived = self.waiting.take().unwrap_or_default();
        let times = arrived.iter().map(|one| (one.pts, one.received_at));
        self.timeline.lock().unwrap_or_else(PoisonError::into_inner).foresee(times);
        self.stamp_all(arrived)
    }
}

impl Stamper for LiveStamper {
    fn stamp(
        &mut self,
        unit: Unit,
        buffer: &gst::BufferRef,
        _: &gst::FormattedSegment<gst::ClockTime>,
    ) -> Option<Vec<Packet>> {
        let pts = Duration::from_nanos(buffer.pts()?.nseconds());
        let origin = self.origin.map_or(pts, |first| first.min(pts));
        self.origin = Some(origin);
        let pts = pts.saturating_sub(origin);
        let arrived = Arrived { unit, pts, received_at: self.clock.now(), camera_clock: camera_clock(buffer) };
        let Some(waiting) = &mut self.waiting else { return Some(self.stamp_all(vec![arrived])) };
        waiting.push(arrived);
        let waited = waiting.first().zip(waiting.last()).is_some_and(|(first, last)| {
            // A clock that was set back meanwhile makes nobody wait for it.
            last.received_at < first.received_at || last.received_at.since(first.received_at) >= WAIT
        });
        let all = waited || waiting.len() >= MOST;
        Some(if all { self.release() } else { Vec::new() })
    }

    fn rest(&mut self) -> Vec<Packet> {
        self.release()
    }
}

/// What the camera's clock showed at this picture, as its RTCP sender reports tell.
fn camera_clock(buffer: &gst::BufferRef) -> Option<Timestamp> {
    let meta = buffer
        .iter_meta::<gst::meta::ReferenceTimestampMeta>()
        .find(|meta| meta.reference().structure(0).is_some_and(|s| s.name() == "timestamp/x-ntp"))?;
    let since_1900 = i128::from(meta.timestamp().nseconds());
    i64::try_from(since_1900 - i128::from(NTP_TO_UNIX_SECONDS) * 1_000_000_000).ok().map(Timestamp::from_nanos)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::pipeline::packet::Codec;

    const START: i64 = 1_800_000_000_000;

    struct HandClock(Mutex<Timestamp>);

    impl Clock for HandClock {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }

    struct Connection {
        clock: Arc<HandClock>,
        stamper: LiveStamper,
    }

    impl Connection {
        fn open() -> Self {
            crate::camera::init().unwrap();
            let timeline = Arc::new(Mutex::new(Timeline::new(Duration::from_secs(10))));
            let clock = Arc::new(HandClock(Mutex::new(at(0))));
            Self { clock: Arc::clone(&clock), stamper: LiveStamper::new(timeline, clock) }
        }

        /// A picture shown at `pts` arrives at `received`, both in milliseconds; gives what is let go, in milliseconds.
        fn arrives(&mut self, pts: u64, received: i64) -> Vec<f64> {
            *self.clock.0.lock().unwrap() = at(received);
            let mut buffer = gst::Buffer::new();
            buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(pts));
            let unit = Unit::new(Codec::H264, pts == 0, Bytes::new());
            taken(&self.stamper.stamp(unit, &buffer, &gst::FormattedSegment::new()).unwrap())
        }
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(START + ms)
    }

    fn taken(packets: &[Packet]) -> Vec<f64> {
        packets.iter().map(|packet| packet.captured_at.seconds_from(at(0)) * 1e3).collect()
    }

    #[test]
    fn a_burst_is_let_go_together_and_dated_by_its_last_picture() {
        let mut connection = Connection::open();
        for pts in (0..=1_000).step_by(40) {
            assert!(connection.arrives(pts, 0).is_empty(), "all at once: none is dated yet");
        }
        for pts in (1_040..1_500).step_by(40) {
            assert!(connection.arrives(pts, pts as i64 - 1_000).is_empty(), "half a second is not over");
        }
        let taken = connection.arrives(1_520, 520);
        assert_eq!(taken.len(), 39);
        assert!(taken.iter().enumerate().all(|(n, ms)| (ms - (n as f64 * 40.0 - 1_000.0)).abs() < 0.001), "{taken:?}");
        assert_eq!(connection.arrives(1_560, 560).len(), 1, "and nobody waits any more");
        assert!(connection.stamper.rest().is_empty());
    }

    #[test]
    fn a_clock_that_is_set_back_and_a_long_burst_hold_nobody_up() {
        let mut connection = Connection::open();
        assert!(connection.arrives(0, 0).is_empty());
        assert_eq!(connection.arrives(40, -5_000).len(), 2);
        let mut connection = Connection::open();
        let mut let_go = (0..MOST as u64).map(|n| connection.arrives(n * 40, 0).len());
        assert!(let_go.by_ref().take(MOST - 1).all(|none| none == 0));
        assert_eq!(let_go.next(), Some(MOST));
    }

    #[test]
    fn a_stream_that_is_over_at_once_gives_what_it_had() {
        let mut connection = Connection::open();
        assert!(connection.arrives(0, 0).is_empty() && connection.arrives(40, 40).is_empty());
        assert_eq!(taken(&connection.stamper.rest()), [0.0, 40.0]);
        assert_eq!(connection.arrives(80, 80).len(), 1);
    }
}
