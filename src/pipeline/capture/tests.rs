use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::*;
use crate::clock::SystemClock;
use crate::pipeline::frame::{Color, Frame, Matrix, OwnedPlanes, Picture, PixelLayout};
use crate::pipeline::packet::{CaptureClock, ClockQuality, Codec};
use crate::pipeline::ports::{DecodeCounts, DecodeError, Decoder, FrameSink};
use crate::pipeline::ring::{PacketRing, RingBounds};

const POISON: &[u8] = b"poison";

fn packet(number: i64, key: bool) -> Packet {
    let at = Timestamp::from_millis(1_000_000 + number * 100);
    Packet {
        codec: Codec::H264,
        captured_at: at,
        clock: ClockQuality { source: CaptureClock::Arrival, error_ms: None, offset_ms: None },
        received_at: at.plus(Duration::from_millis(20)),
        pts: Duration::from_millis(number.unsigned_abs() * 100),
        key,
        data: Bytes::from_static(b"packet"),
    }
}

fn at(number: i64) -> Timestamp {
    packet(number, false).captured_at
}

/// Groups of ten packets.
fn packets(numbers: std::ops::Range<i64>) -> Vec<Result<Packet, SourceError>> {
    numbers.map(|number| Ok(packet(number, number % 10 == 0))).collect()
}

fn error(cause: BlindCause) -> SourceError {
    SourceError { cause, message: "as scripted".to_owned() }
}

/// Gives what the script says at each open; then, `hangs` or refuses.
struct Script {
    opens: Mutex<VecDeque<Vec<Result<Packet, SourceError>>>>,
    hangs: bool,
}

impl PacketSource for Script {
    fn open(&self) -> Result<PacketStream, SourceError> {
        let items = self.opens.lock().unwrap().pop_front().ok_or_else(|| error(BlindCause::Unreachable))?;
        let (sender, packets) = mpsc::channel(4);
        let hangs = self.hangs;
        tokio::spawn(async move {
            for item in items {
                if sender.send(item).await.is_err() {
                    return;
                }
            }
            if hangs {
                sender.closed().await;
            }
        });
        Ok(PacketStream { packets, guard: Box::new(()) })
    }
}

fn script(hangs: bool, opens: impl IntoIterator<Item = Vec<Result<Packet, SourceError>>>) -> Arc<Script> {
    Arc::new(Script { opens: Mutex::new(opens.into_iter().collect()), hangs })
}

/// One frame per packet; dies of poison, and of everything where it is `hopeless`. Blocks while `blocked` is held.
#[derive(Default)]
struct FakeDecoders {
    opened: AtomicUsize,
    hopeless: bool,
    blocked: Arc<Mutex<()>>,
}

struct FakeDecoder {
    sink: FrameSink,
    begun: bool,
    frames: u64,
    hopeless: bool,
    blocked: Arc<Mutex<()>>,
}

impl DecoderFactory for FakeDecoders {
    fn open(&self, _: Codec, _: f64, sink: FrameSink) -> Result<Box<dyn Decoder>, DecodeError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let (hopeless, blocked) = (self.hopeless, Arc::clone(&self.blocked));
        Ok(Box::new(FakeDecoder { sink, begun: false, frames: 0, hopeless, blocked }))
    }
}

impl Decoder for FakeDecoder {
    fn push(&mut self, packet: &Packet) -> Result<(), DecodeError> {
        drop(self.blocked.lock().unwrap());
        assert!(packet.key || self.begun, "a decoder begins with a key packet");
        self.begun = true;
        if self.hopeless || packet.data == POISON {
            return Err(DecodeError("poisoned".to_owned()));
        }
        self.frames += 1;
        let Packet { captured_at, clock, received_at, pts, .. } = *packet;
        let color = Color { matrix: Matrix::Bt709, full_range: false };
        let picture = Picture {
            width: 2,
            height: 2,
            layout: PixelLayout::I420,
            color,
            planes: Arc::new(OwnedPlanes(Vec::new())),
        };
        (self.sink)(Frame { captured_at, clock, received_at, decoded_at: received_at, pts, number: 0, picture });
        Ok(())
    }

    fn drain(&mut self) -> Result<(), DecodeError> {
        Ok(())
    }

    fn counts(&self) -> DecodeCounts {
        DecodeCounts { frames: self.frames, not_due: 0, damaged: 0 }
    }
}

/// A stage at work, and all that it does.
struct Rig {
    events: mpsc::Receiver<CaptureEvent>,
    stop: watch::Sender<Option<BlindCause>>,
    frames: Arc<Mutex<Vec<Frame>>>,
    metrics: Arc<CaptureMetrics>,
    rings: Vec<SharedRing>,
    task: tokio::task::JoinHandle<Result<(), SourceError>>,
}

fn rig(mode: CaptureMode, sources: Vec<(StreamRole, Arc<Script>)>, decoders: Arc<FakeDecoders>) -> Rig {
    let ring = || PacketRing::shared(RingBounds { seconds: Duration::from_mins(1), bytes: 1_000_000 });
    let streams: Vec<CaptureStream> =
        sources.into_iter().map(|(role, source)| CaptureStream { role, source, ring: ring() }).collect();
    let rings = streams.iter().map(|stream| Arc::clone(&stream.ring)).collect();
    let slot = Arc::new(FrameSlot::new());
    let frames = Arc::new(Mutex::new(Vec::new()));
    let (taken, from) = (Arc::clone(&frames), Arc::clone(&slot));
    let metrics = Arc::new(CaptureMetrics::register(&prometheus::Registry::new()).unwrap());
    let (sender, events) = mpsc::channel(64);
    let parts = CaptureParts {
        streams,
        decoders,
        slot,
        frame_ready: Arc::new(move || taken.lock().unwrap().extend(from.take())),
        events: sender,
        metrics: Arc::clone(&metrics),
        clock: Arc::new(SystemClock),
    };
    let mut settings = CaptureSettings::new(CameraId::parse("gate").unwrap(), mode, 10.0);
    settings.stall_timeout = Duration::from_millis(200);
    settings.connect_timeout = Duration::from_secs(2);
    let (stop, stopped) = watch::channel(None);
    let task = tokio::spawn(run_capture(settings, parts, stopped));
    Rig { events, stop, frames, metrics, rings, task }
}

impl Rig {
    async fn event(&mut self) -> CaptureEvent {
        timeout(Duration::from_secs(20), self.events.recv()).await.expect("an event in time").expect("no end yet")
    }

    async fn blind(&mut self) -> (Timestamp, BlindCause) {
        match self.event().await {
            CaptureEvent::Blind { at, cause, .. } => (at, cause),
            other => panic!("wanted blindness, got {other:?}"),
        }
    }

    /// Stops the stage, waits for its end, and checks that nothing went uncounted.
    async fn finish(mut self) -> (Vec<i64>, StreamMetrics) {
        self.stop.send_replace(Some(BlindCause::ServiceDown));
        while self.event().await != CaptureEvent::Ended {}
        assert!(self.events.recv().await.is_none(), "nothing after the end");
        self.task.await.unwrap().unwrap();
        for role in [StreamRole::Main, StreamRole::Sub] {
            let m = self.metrics.stream("gate", role.as_str());
            let dropped = m.before_key.get() + m.decoder_behind.get() + m.decode_failed.get();
            assert_eq!((m.received.get(), m.in_flight.get()), (m.passed.get() + dropped, 0), "{m:?}");
        }
        let frames: Vec<Timestamp> = self.frames.lock().unwrap().iter().map(|frame| frame.captured_at).collect();
        let f = self.metrics.frames("gate");
        assert_eq!(f.decoded.get(), f.offered.get() + f.not_due.get() + f.repeated.get());
        assert_eq!(f.offered.get(), frames.len() as u64);
        (
            frames.iter().map(|frame| frame.since(at(0)).as_millis() as i64 / 100).collect(),
            self.metrics.stream("gate", "main"),
        )
    }
}

#[tokio::test]
async fn a_replay_gives_every_frame_and_ends() {
    let mut rig = rig(CaptureMode::Replay, vec![(StreamRole::Main, script(false, [packets(7..40)]))], Arc::default());
    assert_eq!(rig.event().await, CaptureEvent::Ended);
    let numbers: Vec<u64> = rig.frames.lock().unwrap().iter().map(|frame| frame.number).collect();
    assert_eq!(numbers, (0..30).collect::<Vec<u64>>());
    let metrics = rig.metrics.stream("gate", "main");
    assert_eq!((metrics.before_key.get(), metrics.passed.get()), (3, 30));
    rig.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_lost_camera_is_blind_from_its_last_frame_and_comes_back() {
    let mut first = packets(0..15);
    first.push(Err(error(BlindCause::Unreachable)));
    let source = script(true, [first, packets(47..60)]);
    let mut rig = rig(CaptureMode::Live, vec![(StreamRole::Main, source)], Arc::default());
    assert_eq!(rig.blind().await.1, BlindCause::Starting);
    assert_eq!(rig.event().await, CaptureEvent::Sighted { at: at(0) });
    assert_eq!(rig.blind().await, (at(14), BlindCause::Unreachable));
    assert_eq!(rig.event().await, CaptureEvent::Sighted { at: at(50) });
    // The second connection hangs after its last packet.
    assert_eq!(rig.blind().await, (at(59), BlindCause::Stalled));
    assert_eq!(rig.blind().await.1, BlindCause::Unreachable);
    assert!(rig.metrics.frames("gate").blind_seconds.get() > 3.5);
    let (frames, metrics) = rig.finish().await;
    assert_eq!(frames, (0..15).chain(50..60).collect::<Vec<i64>>());
    assert_eq!(metrics.before_key.get(), 3);
    assert!(metrics.connects.get() >= 3);
}

#[tokio::test]
async fn of_two_streams_the_small_one_is_analysed() {
    let sources =
        vec![(StreamRole::Main, script(true, [packets(5..25)])), (StreamRole::Sub, script(true, [packets(0..20)]))];
    let mut rig = rig(CaptureMode::Live, sources, Arc::default());
    rig.blind().await;
    rig.event().await;
    assert_eq!(rig.blind().await, (at(19), BlindCause::Stalled));
    assert_eq!(rig.rings[0].lock().unwrap().len(), 15);
    let (frames, main) = rig.finish().await;
    assert_eq!(frames, (0..20).collect::<Vec<i64>>());
    assert_eq!((main.before_key.get(), main.passed.get()), (5, 15));
}

#[tokio::test]
async fn another_decoder_takes_over_where_one_died() {
    let mut items = packets(0..30);
    items[14] = Ok(Packet { data: Bytes::from_static(POISON), ..packet(14, false) });
    let decoders = Arc::new(FakeDecoders::default());
    let source = vec![(StreamRole::Main, script(true, [items]))];
    let mut rig = rig(CaptureMode::Live, source, Arc::clone(&decoders));
    rig.blind().await;
    rig.event().await;
    assert_eq!(rig.blind().await, (at(29), BlindCause::Stalled));
    assert_eq!(rig.metrics.frames("gate").decoder_restarts.get(), 1);
    assert_eq!(rig.metrics.frames("gate").repeated.get(), 4, "10 to 13 again");
    let (frames, _) = rig.finish().await;
    assert_eq!(frames, (0..30).filter(|&number| number != 14).collect::<Vec<i64>>());
    assert_eq!(decoders.opened.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_stream_that_cannot_be_decoded_is_blindness() {
    let decoders = Arc::new(FakeDecoders { hopeless: true, ..FakeDecoders::default() });
    let mut rig = rig(CaptureMode::Live, vec![(StreamRole::Main, script(true, [packets(0..60)]))], decoders);
    assert_eq!(rig.blind().await.1, BlindCause::Starting);
    assert_eq!(rig.blind().await.1, BlindCause::Undecodable);
    assert!(rig.finish().await.0.is_empty());
}

#[tokio::test]
async fn a_slow_decoder_costs_pictures_and_not_the_connection() {
    let decoders = Arc::new(FakeDecoders::default());
    let blocked = Arc::clone(&decoders.blocked);
    let (held, hold) = std::sync::mpsc::channel::<()>();
    let (took, taken) = std::sync::mpsc::channel::<()>();
    let blocker = std::thread::spawn(move || {
        let _guard = blocked.lock().unwrap();
        took.send(()).unwrap();
        let _ended = hold.recv();
    });
    taken.recv().unwrap();
    let rig = rig(CaptureMode::Live, vec![(StreamRole::Main, script(true, [packets(0..200)]))], decoders);
    timeout(Duration::from_secs(20), async {
        while rig.rings[0].lock().unwrap().len() < 200 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the ring goes on though nothing is decoded");
    assert_eq!(rig.metrics.stream("gate", "main").received.get(), 200);
    drop(held);
    blocker.join().unwrap();
    let (frames, metrics) = rig.finish().await;
    assert!(metrics.decoder_behind.get() >= 100, "{metrics:?}");
    assert_eq!(frames.len() as u64, metrics.passed.get());
}

#[tokio::test]
async fn a_replay_that_cannot_be_opened_is_an_error() {
    let mut rig = rig(CaptureMode::Replay, vec![(StreamRole::Main, script(false, []))], Arc::default());
    assert_eq!(rig.event().await, CaptureEvent::Ended);
    assert_eq!(rig.task.await.unwrap(), Err(error(BlindCause::Unreachable)));
}

#[test]
fn a_refused_password_is_tried_rarely() {
    let mut retry = Retry::default();
    let waits: Vec<f64> =
        (0..10).map(|_| retry.failed(&error(BlindCause::Unauthorized), Duration::ZERO).0.as_secs_f64()).collect();
    assert!(waits.iter().all(|wait| (60.0..=900.0).contains(wait)), "{waits:?}");
    assert!(waits[5..].iter().all(|&wait| wait >= 450.0), "{waits:?}");
    let (wait, news) = retry.failed(&error(BlindCause::Unreachable), Duration::ZERO);
    assert!(wait <= Duration::from_secs(1) && news);
    assert!(!retry.failed(&error(BlindCause::Unreachable), Duration::ZERO).1);
}
