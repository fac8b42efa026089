//! Plays a clip into one RTSP media, for ever, at the place of its loop where the wall clock is.
//!
//! A picture is sent when it would have been taken: the presentation time of each is the running time of the moment at which
//! its turn comes, so the sender reports of the RTSP server tell receivers the true time of capture, over every seam.

use std::sync::Arc;
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSrc;

use super::encode::{Clip, frame_count};
use crate::clock::SystemClock;
use crate::domain::time::Timestamp;
use crate::pipeline::ports::Clock;
use crate::street::cameras::{FPS, PERIOD_S};

/// Feeds until the media is taken down.
pub(super) fn feed(source: &AppSrc, clip: &Arc<Clip>, started_at: Timestamp) {
    let Some((clock, running)) = source.clock().zip(source.current_running_time()) else { return };
    let now = SystemClock.now();
    // From here on only the pipeline's own clock counts: a step of the wall clock must not make the stream jump.
    let running_at = |wall: Timestamp| {
        let ahead = wall.as_nanos() - now.as_nanos();
        u64::try_from(ahead).ok().map(|ahead| running + gst::ClockTime::from_nseconds(ahead))
    };
    let period = Duration::from_secs_f32(PERIOD_S);
    let mut round = started_at.plus(period * (now.since(started_at).as_millis() / period.as_millis().max(1)) as u32);
    let mut playing = false;
    loop {
        let mut newest = 0;
        for unit in &clip.units {
            newest = newest.max(unit.frame);
            let taken = running_at(moment(round, unit.frame));
            playing = playing || unit.key && taken.is_some();
            let (true, Some(taken), Some(due)) = (playing, taken, running_at(moment(round, newest))) else { continue };
            if !wait_until(&clock, source, due) || push(source, &unit.data, taken).is_none() {
                return;
            }
        }
        round = round.plus(period);
    }
}

fn moment(round: Timestamp, frame: u32) -> Timestamp {
    debug_assert!(frame < frame_count());
    round.plus(Duration::from_nanos(u64::from(frame) * 1_000_000_000 / u64::from(FPS)))
}

/// Waits for a running time; false when the media has been taken down.
fn wait_until(clock: &gst::Clock, source: &AppSrc, due: gst::ClockTime) -> bool {
    let Some(base) = source.base_time() else { return false };
    let (result, _) = clock.new_single_shot_id(base + due).wait();
    result != Err(gst::ClockError::Unscheduled)
}

fn push(source: &AppSrc, data: &[u8], pts: gst::ClockTime) -> Option<()> {
    let mut buffer = gst::Buffer::from_slice(data.to_vec());
    buffer.get_mut()?.set_pts(pts);
    source.push_buffer(buffer).ok().map(drop)
}
