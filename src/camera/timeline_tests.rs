//! What the timeline makes of jitter, bursts, jumps and clocks.

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
