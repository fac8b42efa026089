//! Cameras, real ones as far as a test can have them: RTSP servers on this machine, files of the test data.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lightbar::camera::{
    Credentials, DecoderChoice, DecoderSettings, FilePace, FileSource, GstDecoderFactory, RtspSettings, RtspSource,
    Transport, probe,
};
use lightbar::clock::SystemClock;
use lightbar::domain::scene::BlindCause;
use lightbar::domain::time::Timestamp;
use lightbar::pipeline::capture::{CaptureEvent, CaptureMode};
use lightbar::pipeline::frame::Frame;
use lightbar::pipeline::packet::{CaptureClock, Codec, Packet};
use lightbar::pipeline::ports::{DecoderFactory, PacketSource};

use crate::support::footage::footage;
use crate::support::rtsp::{Login, PASSWORD, RtspServer, Serving, USER};
use crate::support::stage::{Logged, failure, packets, stage};
use crate::support::vlc::VlcServer;

const H264: &str = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=25/1 \
    ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 ! rtph264pay name=pay0 pt=96";
const AUDIO: &str =
    "audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay1 pt=97";

fn source(url: &str) -> RtspSource {
    source_with(RtspSettings::new(url, None))
}

fn source_with(mut settings: RtspSettings) -> RtspSource {
    settings.answer_timeout = Duration::from_secs(20); // a test machine may be busy
    RtspSource::new(settings, Arc::new(SystemClock))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap() / 1000
}

/// Presentation times in order, in ms.
fn presented(packets: &[Packet]) -> Vec<i64> {
    let mut times: Vec<i64> = packets.iter().map(|packet| millis(packet.pts)).collect();
    times.sort_unstable();
    times
}

fn assert_grid(times: &[i64], step: i64) {
    let off = times.windows(2).find(|two| (two[1] - two[0] - step).abs() > 1);
    assert!(off.is_none(), "steps of {step} ms, but {off:?} in {times:?}");
}

fn assert_grows(frames: &[Frame]) {
    let back = frames.windows(2).find(|two| two[1].captured_at <= two[0].captured_at);
    assert!(back.is_none(), "time goes back: {back:?}");
}

#[tokio::test]
async fn h264_with_audio_beside_it() {
    let server = RtspServer::serve(Serving::new(format!("{H264} {AUDIO}")));
    let got = packets(&source(&server.url()), 80).await.unwrap();
    assert!(got[0].key && got.iter().all(|packet| packet.codec == Codec::H264));
    assert_grid(&presented(&got), 40);
    let keys: Vec<usize> = got.iter().enumerate().filter(|(_, packet)| packet.key).map(|(i, _)| i).collect();
    assert!(keys.windows(2).all(|two| two[1] - two[0] == 25) && keys.len() >= 3, "{keys:?}");
    // Parameter sets stand before each key picture (NAL unit type 7).
    assert!(
        got.iter()
            .filter(|packet| packet.key)
            .all(|packet| packet.data.windows(4).any(|w| w[..3] == [0, 0, 1] && w[3] & 0x1f == 7))
    );
    assert!(got.windows(2).all(|two| two[0].captured_at < two[1].captured_at));
}

#[tokio::test]
async fn rtcp_gives_the_capture_time() {
    let server = RtspServer::serve(Serving::new(H264));
    let got = packets(&source(&server.url()), 150).await.unwrap();
    let last = got.last().unwrap();
    assert_eq!(last.clock.source, CaptureClock::RtcpNtp, "{:?}", last.clock);
    // Server and camera are one machine here: the clocks differ by what encoding and sending took.
    let offset = last.clock.offset_ms.unwrap();
    assert!((-3_000.0..=50.0).contains(&offset), "{offset}");
    assert!(last.received_at.seconds_from(last.captured_at).abs() < 3.0);
}

#[tokio::test]
async fn frames_come_at_the_analysis_rate() {
    let server = RtspServer::serve(Serving::new(format!("{H264} {AUDIO}")));
    let mut stage = stage(Arc::new(source(&server.url())), CaptureMode::Live, |_| {});
    assert_eq!(stage.blind().await.1, BlindCause::Starting);
    let sighted = stage.sighted().await;
    let frames = stage.some_frames(15).await;
    assert_eq!(frames[0].captured_at, sighted);
    assert_grows(&frames);
    assert_grid(&frames.iter().map(|frame| millis(frame.pts)).collect::<Vec<_>>(), 200);
    let picture = &frames[3].picture;
    assert_eq!((picture.width, picture.height), (320, 240));
    let (luma, stride) = picture.planes.plane(0);
    assert!(luma.len() >= stride * 239 + 320 && luma.iter().max() > Some(&150) && luma.iter().min() < Some(&60));
    stage.finish().await;
}

#[tokio::test]
async fn h265() {
    let server = RtspServer::serve(Serving::new(
        "videotestsrc is-live=true ! video/x-raw,format=I420,width=192,height=144,framerate=10/1 \
         ! x265enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! rtph265pay name=pay0 pt=96",
    ));
    let mut stage = stage(Arc::new(source(&server.url())), CaptureMode::Live, |_| {});
    let frames = stage.some_frames(10).await;
    assert_grid(&frames.iter().map(|frame| millis(frame.pts)).collect::<Vec<_>>(), 200);
    assert_eq!(frames[0].picture.width, 192);
    assert!(stage.ring.lock().unwrap().iter().all(|packet| packet.codec == Codec::H265));
    stage.finish().await;
}

#[tokio::test]
async fn a_clip_with_b_frames_over_rtsp_keeps_its_times() {
    let Some(path) = footage("videos/one-by-one-person-detection.mp4") else { return };
    let launch = format!(
        "filesrc location={} ! qtdemux ! h264parse ! rtph264pay config-interval=-1 name=pay0 pt=96",
        path.display()
    );
    let server = RtspServer::serve(Serving::new(launch));
    let got = packets(&source(&server.url()), 40).await.unwrap();
    assert!(got.windows(2).any(|two| two[1].pts < two[0].pts), "there are B-frames");
    assert_grid(&presented(&got)[..36], 100);
    let mut stage = stage(Arc::new(source(&server.url())), CaptureMode::Live, |_| {});
    let frames = stage.some_frames(25).await;
    assert_grows(&frames);
    assert_grid(&frames.iter().map(|frame| millis(frame.pts)).collect::<Vec<_>>(), 200);
    stage.finish().await;
}

#[tokio::test]
async fn basic_and_digest_login() {
    for login in [Login::Basic, Login::Digest] {
        let server = RtspServer::serve(Serving { login, ..Serving::new(H264) });
        let known = RtspSettings::new(&server.url(), Some(Credentials::new(USER, PASSWORD)));
        assert_eq!(packets(&source_with(known), 5).await.unwrap().len(), 5);
        let in_url = server.url().replace("127.0.0.1", &format!("{USER}:{PASSWORD}@127.0.0.1"));
        assert_eq!(packets(&source(&in_url), 5).await.unwrap().len(), 5);
        let unknown = failure(&source(&server.url())).await;
        assert_eq!(unknown.cause, BlindCause::Unauthorized, "{unknown}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_not_hammered_and_nowhere_shown() {
    let logged = Logged::default();
    let writer = logged.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let server = RtspServer::serve(Serving { login: Login::Digest, ..Serving::new(H264) });
    let wrong = server.url().replace("127.0.0.1", &format!("{USER}:wrong-secret-7@127.0.0.1"));
    let source = Arc::new(source(&wrong));
    let shown = format!("{source:?}");
    let mut stage = stage(source, CaptureMode::Live, |_| {});
    stage.blind().await;
    let (_, cause, message) = stage.blind().await;
    assert_eq!(cause, BlindCause::Unauthorized);
    // Three seconds: transient failures would have been tried three times by then.
    let quiet = tokio::time::timeout(Duration::from_secs(3), stage.events.recv()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    assert_eq!(server.connections.load(Ordering::Relaxed), 1);
    stage.finish().await;
    let log = logged.text();
    assert!(log.contains("refused user name or password"), "{log}");
    for text in [&shown, &message, &log] {
        assert!(!text.contains("wrong-secret-7") && !text.contains(USER), "{text}");
    }
}

#[tokio::test]
async fn what_cannot_be_used_is_named() {
    let mjpeg = "videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240 ! jpegenc ! rtpjpegpay name=pay0 pt=26";
    let audio = AUDIO.replace("pay1", "pay0");
    for (launch, offered) in [(mjpeg, "JPEG"), (audio.as_str(), "PCMA")] {
        let server = RtspServer::serve(Serving::new(launch));
        let error = failure(&source(&server.url())).await;
        assert_eq!(error.cause, BlindCause::Unusable, "{error} for {offered}");
        assert!(error.message.contains(offered) && error.message.contains("H264"), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_path_and_a_closed_port_say_so() {
    let server = RtspServer::serve(Serving::new(H264));
    let error = failure(&source(&server.url().replace("stream", "other"))).await;
    assert!(error.cause == BlindCause::Unreachable && error.message.contains("404"), "{error}");
    let url = server.url();
    server.stop();
    let error = failure(&source(&url)).await;
    assert!(error.cause == BlindCause::Unreachable && error.message.contains(&url), "{error}");
}

#[tokio::test]
async fn a_camera_that_stops_sending_is_noticed() {
    let server = RtspServer::serve(Serving::new(H264));
    let mut stage = stage(Arc::new(source(&server.url())), CaptureMode::Live, |settings| {
        settings.stall_timeout = Duration::from_secs(2);
    });
    stage.sighted().await;
    stage.some_frames(5).await;
    server.stalled.store(true, Ordering::Relaxed);
    let (at, cause, _) = stage.blind().await;
    assert_eq!(cause, BlindCause::Stalled);
    let mut last = None;
    while let Ok(frame) = stage.frames.try_recv() {
        last = Some(frame.captured_at);
    }
    assert!(last.is_none_or(|last| last == at), "blind from the last frame on");
    server.stalled.store(false, Ordering::Relaxed);
    let again = stage.sighted().await;
    assert!(again.since(at) >= Duration::from_secs(2));
    stage.finish().await;
}

#[tokio::test]
async fn a_camera_that_dies_comes_back() {
    let server = RtspServer::serve(Serving::new(H264));
    let port = server.port();
    let mut stage = stage(Arc::new(source(&server.url())), CaptureMode::Live, |settings| {
        settings.stall_timeout = Duration::from_secs(3);
    });
    stage.sighted().await;
    let mut frames = stage.some_frames(5).await;
    server.stop();
    let (lost, cause, _) = stage.blind().await;
    assert!(matches!(cause, BlindCause::Unreachable | BlindCause::Stalled), "{cause:?}");
    let _back = RtspServer::serve(Serving { port, ..Serving::new(H264) });
    let back = stage.sighted().await;
    frames.extend(stage.some_frames(5).await);
    assert!(back > lost);
    assert_grows(&frames);
    assert!(stage.metrics.stream("gate", "main").connects.get() >= 2);
    assert!(stage.metrics.frames("gate").blind_seconds.get() > 0.0);
    stage.finish().await;
}

#[tokio::test]
async fn the_resolution_may_change() {
    let part = |width: u32, height: u32, pattern: &str| {
        format!(
            "videotestsrc num-buffers=60 pattern={pattern} ! video/x-raw,format=I420,width={width},height={height},framerate=25/1 \
         ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! h264parse config-interval=-1 ! all."
        )
    };
    let server = RtspServer::serve(Serving::new(format!(
        "concat name=all ! identity sync=true ! rtph264pay name=pay0 pt=96 {} {}",
        part(320, 240, "ball"),
        part(640, 360, "smpte")
    )));
    let mut stage = stage(Arc::new(source(&server.url())), CaptureMode::Live, |_| {});
    let mut frames = Vec::new();
    while frames.last().is_none_or(|frame: &Frame| frame.picture.width == 320) {
        frames.push(stage.frame().await);
    }
    let last = frames.last().unwrap();
    assert_eq!((last.picture.width, last.picture.height), (640, 360));
    assert!(frames.len() > 5);
    assert_grows(&frames);
    assert_eq!(stage.metrics.frames("gate").decoder_restarts.get(), 0);
    stage.finish().await;
}

#[tokio::test]
async fn a_late_key_picture_is_waited_for() {
    let server = RtspServer::serve(Serving::new(H264.replace("key-int-max=25", "key-int-max=75")));
    let mut first = source(&server.url()).open().unwrap();
    for _ in 0..20 {
        first.packets.recv().await.unwrap().unwrap();
    }
    let mut stage = stage(Arc::new(source(&server.url())), CaptureMode::Live, |_| {});
    stage.sighted().await;
    stage.some_frames(3).await;
    assert!(stage.metrics.stream("gate", "main").before_key.get() > 0);
    assert!(stage.ring.lock().unwrap().iter().next().unwrap().key);
    stage.finish().await;
}

#[tokio::test]
async fn udp() {
    let server = RtspServer::serve(Serving::new(H264));
    let mut settings = RtspSettings::new(&server.url(), None);
    settings.transport = Transport::Udp;
    let got = packets(&source_with(settings), 50).await.unwrap();
    assert!(got.len() == 50 && got[0].key);
    assert_grid(&presented(&got), 40);
}

#[tokio::test]
async fn another_makers_server_over_udp() {
    let Some(path) = footage("videos/one-by-one-person-detection.mp4") else { return };
    let server = VlcServer::serve(&path);
    let mut settings = RtspSettings::new(&server.url(), None);
    settings.transport = Transport::Udp;
    let mut stage = stage(Arc::new(source_with(settings)), CaptureMode::Live, |_| {});
    stage.sighted().await;
    let frames = stage.some_frames(25).await;
    assert_grows(&frames);
    // A packet may be lost on the way; most steps are right all the same.
    let right = frames.windows(2).filter(|two| (millis(two[1].pts) - millis(two[0].pts) - 200).abs() <= 20).count();
    assert!(right >= 20, "{:?}", frames.iter().map(|frame| frame.pts).collect::<Vec<_>>());
    stage.finish().await;
}

#[tokio::test]
async fn a_probe_says_what_a_camera_sends() {
    let patience = Duration::from_secs(20);
    let server = RtspServer::serve(Serving::new(H264));
    let found = probe(RtspSettings::new(&server.url(), None), patience, Arc::new(SystemClock)).await.unwrap();
    assert_eq!((found.codec, found.width, found.height, found.has_rtcp_time), (Codec::H264, 320, 240, true));
    assert!(found.fps.is_some_and(|fps| (fps - 25.0).abs() < 0.5), "{found:?}");
    assert!(found.key_interval_s.is_some_and(|s| (s - 1.0).abs() < 0.1), "{found:?}");
    // This server sends no sender reports for one track where another is not set up: the look ends with its time.
    let server = RtspServer::serve(Serving::new(format!("{H264} {AUDIO}")));
    let found = probe(RtspSettings::new(&server.url(), None), patience / 5, Arc::new(SystemClock)).await.unwrap();
    assert_eq!(found.tracks, ["video H264", "audio PCMA"]);
    let closed = probe(RtspSettings::new("rtsp://127.0.0.1:9/none", None), patience, Arc::new(SystemClock)).await;
    assert_eq!(closed.unwrap_err().cause, BlindCause::Unreachable);
}

/// Periodic intra refresh: one key picture in the camera's life, and this client comes after it.
#[tokio::test]
async fn a_stream_without_key_pictures_is_seen_from_a_recovery_point() {
    let server = RtspServer::serve(Serving::new(H264.replace("key-int-max=25", "key-int-max=25 intra-refresh=true")));
    let mut first = source(&server.url()).open().unwrap();
    for _ in 0..30 {
        first.packets.recv().await.unwrap().unwrap();
    }
    let mut stage = stage(Arc::new(source(&server.url())), CaptureMode::Live, |_| {});
    stage.sighted().await;
    let frames = stage.some_frames(10).await;
    assert_grows(&frames);
    assert!(stage.metrics.stream("gate", "main").before_key.get() >= 200, "true key pictures were waited for first");
    stage.finish().await;
    drop(first);
}

fn replayed(path: std::path::PathBuf) -> Arc<FileSource> {
    Arc::new(FileSource::new(path, FilePace::AsConsumed(Timestamp::from_millis(1_800_000_000_000))))
}

#[tokio::test]
async fn a_file_gives_every_frame_with_its_time() {
    let Some(path) = footage("videos/one-by-one-person-detection.mp4") else { return };
    let frames = stage(replayed(path.clone()), CaptureMode::Replay, |_| {}).all_frames().await;
    let start = Timestamp::from_millis(1_800_000_000_000);
    assert_eq!(frames[0].captured_at, start);
    assert!(frames.len() > 500, "{}", frames.len());
    for (i, frame) in frames.iter().enumerate() {
        let grid = i64::try_from(i).unwrap() * 200;
        assert!((millis(frame.pts) - grid).abs() <= 100, "frame {i} at {} ms", millis(frame.pts));
        assert_eq!(frame.captured_at, start.plus(frame.pts));
        assert_eq!((frame.number, frame.clock.source), (i as u64, CaptureClock::File));
    }
}

#[tokio::test]
async fn an_hevc_file_gives_all_its_frames() {
    let Some(path) = footage("videos/Retail02_short.mp4") else { return };
    let frames = stage(replayed(path.clone()), CaptureMode::Replay, |settings| settings.frames_per_second = 60.0)
        .all_frames()
        .await;
    assert_eq!(frames.len(), 603);
    assert_grows(&frames);
    let step = millis(frames[602].pts) as f64 / 602.0;
    for (i, frame) in frames.iter().enumerate() {
        assert!((millis(frame.pts) as f64 - i as f64 * step).abs() < 2.0, "frame {i} at {:?}", frame.pts);
    }
}

#[tokio::test]
async fn an_hevc_file_over_rtsp_keeps_its_times() {
    let Some(path) = footage("videos/Retail02_short.mp4") else { return };
    let from_file = packets(&*replayed(path.clone()), usize::MAX).await.unwrap();
    let launch = format!(
        "filesrc location={} ! qtdemux ! h265parse config-interval=-1 ! rtph265pay name=pay0 pt=96",
        path.display()
    );
    let server = RtspServer::serve(Serving::new(launch));
    let got = packets(&source(&server.url()), 150).await.unwrap();
    let (file, rtsp) = (presented(&from_file), presented(&got));
    assert_eq!(from_file.len(), 603);
    let order = |packets: &[Packet]| packets[..150].iter().map(|packet| millis(packet.pts)).collect::<Vec<_>>();
    assert!(order(&from_file).windows(2).any(|two| two[1] < two[0]), "there are B-frames");
    assert_eq!(order(&got), order(&from_file));
    // The last ones may still miss pictures that are shown before them.
    for (i, (in_file, received)) in file.iter().zip(&rtsp).enumerate().take(140) {
        let (in_file, received) = (in_file - file[0], received - rtsp[0]);
        assert!((in_file - received).abs() <= 2, "picture {i}: {in_file} and {received} ms");
    }
}

#[tokio::test]
async fn a_file_may_stand_for_a_camera() {
    let Some(path) = footage("videos/625_201708311651.mp4") else { return };
    let source = FileSource::new(path, FilePace::Realtime(Arc::new(SystemClock)));
    let mut stage = stage(Arc::new(source), CaptureMode::Looped, |_| {});
    stage.sighted().await;
    let first = stage.frame().await;
    // Past its end and on.
    let mut last = first.clone();
    let mut rounds = 1;
    while rounds < 2 {
        let frame = stage.frame().await;
        assert!(frame.captured_at > last.captured_at);
        rounds += u32::from(frame.pts < last.pts);
        last = frame;
    }
    stage.finish().await;
}

#[tokio::test]
async fn a_file_that_is_no_video_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.mp4");
    std::fs::write(&text, "no video at all\n".repeat(100)).unwrap();
    let error = failure(&*replayed(text)).await;
    assert!(error.cause == BlindCause::Unusable && error.message.contains("notes.mp4"), "{error}");
    let error = failure(&*replayed(folder.path().join("absent.mp4"))).await;
    assert!(error.message.contains("absent.mp4"), "{error}");
}

#[tokio::test]
async fn damaged_packets_are_survived() {
    let server = RtspServer::serve(Serving::new(H264));
    let mut got = packets(&source(&server.url()), 100).await.unwrap();
    for (i, packet) in got.iter_mut().enumerate() {
        if !packet.key && i % 7 == 3 {
            let mut bytes = packet.data.to_vec();
            let half = bytes.len() / 2;
            bytes.truncate(half.max(6));
            bytes.iter_mut().skip(6).for_each(|byte| *byte ^= 0x5a);
            packet.data = bytes.into();
        }
    }
    let (sink, frames) = std::sync::mpsc::channel();
    let decoders = crate::support::stage::software_decoders();
    let mut decoder = decoders.open(Codec::H264, 60.0, Box::new(move |frame: Frame| drop(sink.send(frame)))).unwrap();
    for packet in &got {
        decoder.push(packet).unwrap();
    }
    decoder.drain().unwrap();
    let counts = decoder.counts();
    assert!(counts.frames >= 60 && counts.damaged > 0, "{counts:?}");
    // After draining it begins again at a key picture.
    let again = got.iter().rposition(|packet| packet.key).unwrap();
    let before = frames.try_iter().count();
    assert_eq!(before as u64, counts.frames);
    decoder.push(&got[again]).unwrap();
    decoder.drain().unwrap();
    assert_eq!(frames.try_iter().count(), 1, "drained at once");
}

#[test]
fn a_decoder_that_is_asked_for_and_missing_is_an_error() {
    for (choice, said) in [
        (DecoderChoice::Element("nosuchdec".to_owned()), "nosuchdec"),
        (DecoderChoice::Element("fakesrc".to_owned()), "H.264"),
    ] {
        let settings = DecoderSettings { choice, ..DecoderSettings::default() };
        let factory = GstDecoderFactory::new(settings, Arc::new(SystemClock));
        let error = factory.open(Codec::H264, 5.0, Box::new(|_| {})).err().expect("no such decoder");
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[tokio::test]
async fn a_stage_that_is_stopped_says_so_last() {
    let server = RtspServer::serve(Serving::new(H264));
    let mut stage = stage(Arc::new(source(&server.url())), CaptureMode::Live, |_| {});
    stage.sighted().await;
    stage.some_frames(2).await;
    stage.stop.send_replace(Some(BlindCause::Disabled));
    assert_eq!(stage.blind().await.1, BlindCause::Disabled);
    assert_eq!(stage.event().await, CaptureEvent::Ended);
    stage.task.await.unwrap().unwrap();
}
