//! What a clip costs beside decoding the same pictures: `cargo bench --no-default-features --features camera --bench clip`.
//!
//! The aim is less than 2 % of decoding. Both run on threads of GStreamer's too, so it is the CPU time of the whole process that
//! counts. The video is the one that `LIGHTBAR_BENCH_VIDEO` names, else one of the test data; the figure is a ratio.
#![allow(missing_docs, clippy::print_stderr, reason = "criterion's macros make public items; what is skipped is said")]

mod cpu_time;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cpu_time::CpuTime;
use criterion::{Criterion, criterion_group, criterion_main};
use lightbar::camera::{DecoderChoice, DecoderSettings, FilePace, FileSource, GstDecoderFactory, GstMedia};
use lightbar::clock::SystemClock;
use lightbar::domain::time::Timestamp;
use lightbar::pipeline::evidence::Media;
use lightbar::pipeline::packet::Packet;
use lightbar::pipeline::ports::{DecoderFactory, PacketSource};

/// How much of the video is a clip.
const CLIP: Duration = Duration::from_secs(20);

fn video() -> Option<PathBuf> {
    let data = std::env::var_os("LIGHTBAR_TEST_DATA").map(|data| Path::new(&data).join("videos/car-detection.mp4"));
    std::env::var_os("LIGHTBAR_BENCH_VIDEO").map(PathBuf::from).or(data).filter(|video| video.exists())
}

fn packets(video: &Path) -> Vec<Packet> {
    let source = FileSource::new(video, FilePace::AsConsumed(Timestamp::default()));
    let mut stream = source.open().expect("the video can be opened");
    let mut packets = Vec::new();
    while let Some(packet) = stream.packets.blocking_recv() {
        let packet = packet.expect("the video can be read");
        if packet.pts > CLIP {
            break;
        }
        packets.push(packet);
    }
    packets
}

fn benches(criterion: &mut Criterion<CpuTime>) {
    let Some(video) = video() else {
        eprintln!("SKIPPED: no video; LIGHTBAR_BENCH_VIDEO or LIGHTBAR_TEST_DATA says where one is");
        return;
    };
    let packets = packets(&video);
    let settings = DecoderSettings { choice: DecoderChoice::Software, ..DecoderSettings::default() };
    let decoders: Arc<dyn DecoderFactory> = Arc::new(GstDecoderFactory::new(settings, Arc::new(SystemClock)));
    let media = GstMedia::new(Arc::clone(&decoders));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("clip.mp4");
    let mut group = criterion.benchmark_group("20 s of video");
    group.sample_size(10);
    group.bench_function("written as a clip", |bencher| {
        bencher.iter(|| {
            let mut clip = media.clip(packets[0].codec, &file).expect("a clip begins");
            for packet in &packets {
                clip.push(packet).expect("it takes a packet");
            }
            clip.finish().expect("it ends");
            std::fs::remove_file(&file).expect("the clip is there");
        });
    });
    group.bench_function("decoded", |bencher| {
        bencher.iter(|| {
            let mut decoder = decoders.open(packets[0].codec, 1e6, Box::new(drop)).expect("a decoder");
            for packet in &packets {
                decoder.push(packet).expect("it takes a packet");
            }
            decoder.drain().expect("it ends");
        });
    });
    group.bench_function("one still of its last picture", |bencher| {
        let last = packets[packets.len() - 1].captured_at;
        bencher.iter(|| media.still(&packets, last).expect("a still"));
    });
    group.finish();
}

criterion_group! {
    name = clip;
    config = Criterion::default().with_measurement(CpuTime::PROCESS);
    targets = benches
}
criterion_main!(clip);
