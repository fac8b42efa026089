//! The detect stage with scripted detectors.

use std::sync::mpsc as std_mpsc;

use tokio::sync::mpsc::{Receiver, channel};

use super::*;
use crate::clock::SystemClock;
use crate::metrics::Metrics;
use crate::pipeline::frame::{Color, Matrix, OwnedPlanes, PixelLayout};
use crate::pipeline::packet::CaptureClock;

const SOON: Duration = Duration::from_secs(20);

/// Answers as told, one permit per frame; a picture of width 13 makes it fail.
struct Scripted {
    permits: Option<Arc<Mutex<std_mpsc::Receiver<()>>>>,
    card: ModelCard,
}

impl Detector for Scripted {
    fn detect(&mut self, picture: &Picture) -> Result<Vec<Detection>, DetectError> {
        if let Some(permits) = &self.permits {
            permits.lock().unwrap().recv().map_err(|e| DetectError(e.to_string()))?;
        }
        if picture.width == 13 { Err(DetectError("unlucky".into())) } else { Ok(Vec::new()) }
    }

    fn model(&self) -> &ModelCard {
        &self.card
    }
}

fn card() -> ModelCard {
    ModelCard { name: "scripted".into(), version: "1".into(), sha256: "0".repeat(64), runtime: "none".into() }
}

fn frame(number: u64, width: u32) -> Frame {
    let color = Color { matrix: Matrix::Bt709, full_range: false };
    Frame {
        captured_at: Timestamp::from_millis(number as i64),
        clock: ClockQuality { source: CaptureClock::Arrival, error_ms: None, offset_ms: None },
        received_at: Timestamp::default(),
        decoded_at: Timestamp::default(),
        pts: Duration::from_millis(number),
        number,
        picture: Picture {
            width,
            height: 8,
            layout: PixelLayout::I420,
            color,
            planes: Arc::new(OwnedPlanes(Vec::new())),
        },
    }
}

struct Bench {
    stage: DetectStage,
    metrics: Metrics,
    permit: std_mpsc::Sender<()>,
}

impl Bench {
    fn new(workers: usize, gated: bool) -> Self {
        let metrics = Metrics::new().unwrap();
        let (permit, permits) = std_mpsc::channel();
        let permits = gated.then(|| Arc::new(Mutex::new(permits)));
        let detectors = (0..workers)
            .map(|_| Box::new(Scripted { permits: permits.clone(), card: card() }) as Box<dyn Detector>)
            .collect();
        let stage = DetectStage::start(detectors, Arc::clone(&metrics.detect), Arc::new(SystemClock)).unwrap();
        Self { stage, metrics, permit }
    }

    fn camera(&self, name: &str, queue: usize) -> (CameraId, Arc<FrameSlot>, CameraLine, Receiver<DetectedFrame>) {
        let (id, slot) = (CameraId::parse(name).unwrap(), Arc::new(FrameSlot::new()));
        let (out, seen) = channel(queue);
        let line = self.stage.add_camera(id.clone(), Arc::clone(&slot), Arc::new(LumaWish::default()), out);
        (id, slot, line, seen)
    }

    fn assert_balanced(&self, cameras: &[&CameraId]) {
        for camera in cameras {
            let counts = self.metrics.detect.counts(camera);
            assert_eq!(counts.frames_in, counts.frames_out + counts.dropped, "{camera}: {counts:?}");
            assert_eq!(counts.in_flight, 0);
        }
    }
}

/// Waits for the slot to be read; the condition, not a time.
fn until_read(slot: &FrameSlot) {
    let deadline = Instant::now() + SOON;
    while slot.is_waiting() {
        assert!(Instant::now() < deadline, "the frame was never read");
        thread::yield_now();
    }
}

#[test]
fn frames_go_through_in_order_and_the_counts_agree() {
    let bench = Bench::new(2, false);
    let (id, slot, line, mut seen) = bench.camera("gate", 8);
    let writer = thread::spawn(move || (0..100).all(|n| slot.put_when_empty(frame(n, 16))));
    let numbers: Vec<u64> = (0..100).map(|_| seen.blocking_recv().unwrap().number).collect();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
    assert!(writer.join().unwrap());
    drop(line);
    assert!(seen.blocking_recv().is_none(), "the queue ends with the camera");
    bench.assert_balanced(&[&id]);
    assert_eq!(bench.metrics.detect.counts(&id).frames_out, 100);
    bench.stage.stop(SOON).unwrap();
}

#[test]
fn a_newer_frame_replaces_an_unread_one_and_is_counted() {
    let bench = Bench::new(1, true);
    let (id, slot, line, mut seen) = bench.camera("gate", 8);
    slot.replace(frame(0, 16));
    until_read(&slot);
    for n in 1..5 {
        slot.replace(frame(n, 16));
    }
    bench.permit.send(()).unwrap();
    bench.permit.send(()).unwrap();
    assert_eq!([seen.blocking_recv().unwrap().number, seen.blocking_recv().unwrap().number], [0, 4]);
    drop(line);
    assert!(seen.blocking_recv().is_none());
    bench.assert_balanced(&[&id]);
    assert_eq!(bench.metrics.detect.counts(&id).dropped, 3);
}

#[test]
fn cameras_take_turns() {
    let bench = Bench::new(1, true);
    let (busy_id, busy, busy_line, mut busy_seen) = bench.camera("busy", 8);
    let (calm_id, calm, calm_line, mut calm_seen) = bench.camera("calm", 8);
    busy.replace(frame(0, 16));
    until_read(&busy);
    // Both wait while the first is looked at; the calm one was given later and still comes next.
    busy.replace(frame(1, 16));
    calm.replace(frame(2, 16));
    bench.permit.send(()).unwrap();
    assert_eq!(busy_seen.blocking_recv().unwrap().number, 0);
    until_read(&calm);
    assert!(busy.is_waiting(), "the busy camera took a second turn before the calm one");
    bench.permit.send(()).unwrap();
    bench.permit.send(()).unwrap();
    assert_eq!(calm_seen.blocking_recv().unwrap().number, 2);
    assert_eq!(busy_seen.blocking_recv().unwrap().number, 1);
    drop((busy_line, calm_line));
    assert!(busy_seen.blocking_recv().is_none() && calm_seen.blocking_recv().is_none());
    bench.assert_balanced(&[&busy_id, &calm_id]);
}

#[test]
fn a_full_reader_stops_no_other_camera_and_loses_nothing_taken() {
    let bench = Bench::new(1, false);
    let (full_id, full, _full_line, mut full_seen) = bench.camera("full", 1);
    let (_, free, _free_line, mut free_seen) = bench.camera("free", 8);
    full.replace(frame(0, 16));
    until_read(&full);
    full.replace(frame(1, 16));
    for n in 0..20 {
        assert!(free.put_when_empty(frame(n, 16)));
        assert_eq!(free_seen.blocking_recv().unwrap().number, n);
    }
    assert!(full.is_waiting(), "a frame was taken for a reader without room");
    assert_eq!([full_seen.blocking_recv().unwrap().number, full_seen.blocking_recv().unwrap().number], [0, 1]);
    bench.stage.stop(SOON).unwrap();
    assert_eq!(bench.metrics.detect.counts(&full_id).frames_out, 2);
}

#[test]
fn a_failing_detector_is_counted_and_the_line_goes_on() {
    let bench = Bench::new(1, false);
    let (id, slot, line, mut seen) = bench.camera("gate", 8);
    for (n, width) in [(0, 16), (1, 13), (2, 13), (3, 16)] {
        assert!(slot.put_when_empty(frame(n, width)));
    }
    assert_eq!([seen.blocking_recv().unwrap().number, seen.blocking_recv().unwrap().number], [0, 3]);
    drop(line);
    assert!(seen.blocking_recv().is_none());
    bench.assert_balanced(&[&id]);
    let text = bench.metrics.render().unwrap();
    assert!(
        text.contains(r#"lightbar_detect_frames_dropped_total{camera="gate",reason="detector_failed"} 2"#),
        "{text}"
    );
    assert!(text.contains("lightbar_detect_failing_cameras 0") && text.contains(r#"model="scripted""#), "{text}");
}

#[test]
fn stop_drains_and_a_removed_camera_leaves_the_others() {
    let bench = Bench::new(1, false);
    let (_, gone, gone_line, mut gone_seen) = bench.camera("gone", 8);
    let (_, stays, _stays_line, mut stays_seen) = bench.camera("stays", 8);
    gone.replace(frame(0, 16));
    drop(gone_line);
    assert_eq!(gone_seen.blocking_recv().map(|f| f.number), Some(0));
    assert!(gone_seen.blocking_recv().is_none());
    stays.replace(frame(1, 16));
    bench.stage.stop(SOON).unwrap();
    assert_eq!(stays_seen.blocking_recv().map(|f| f.number), Some(1));
    assert!(stays_seen.blocking_recv().is_none(), "the queues end with the stage");
}

#[test]
fn a_stage_that_does_not_stop_is_named() {
    let bench = Bench::new(1, true);
    let (_, slot, _line, _seen) = bench.camera("gate", 8);
    slot.replace(frame(0, 16));
    until_read(&slot);
    assert_eq!(bench.stage.stop(Duration::ZERO), Err(DetectLaggard { workers: 1, waiting: 0 }));
}
