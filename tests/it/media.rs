//! Evidence as files: clips that are read back, stills that are decoded.

use std::path::Path;
use std::time::Duration;

use lightbar::camera::{FilePace, FileSource, GstMedia};
use lightbar::domain::time::Timestamp;
use lightbar::pipeline::evidence::Media;
use lightbar::pipeline::packet::{Codec, Packet};

use crate::support::encoded::{BEGAN, Encoding, brighter, luma, taken};
use crate::support::footage::footage;
use crate::support::stage::{packets, software_decoders};

/// What a clip that is cut may lack at its end: a fragment, and what waits to be put in order.
const CUT: Duration = Duration::from_millis(1_100);

const X264: &str = "x264enc speed-preset=ultrafast key-int-max=25 bframes=0";
const X264_B: &str = "x264enc speed-preset=veryfast key-int-max=25 bframes=2 b-adapt=false";
const X265: &str = "x265enc speed-preset=ultrafast key-int-max=25 option-string=bframes=0";

fn media() -> GstMedia {
    GstMedia::new(software_decoders())
}

fn clip(codec: Codec, file: &Path, packets: &[Packet]) {
    let mut clip = media().clip(codec, file).unwrap();
    for packet in packets {
        clip.push(packet).unwrap();
    }
    clip.finish().unwrap();
}

async fn read(file: &Path) -> Vec<Packet> {
    packets(&FileSource::new(file, FilePace::AsConsumed(Timestamp::default())), usize::MAX).await.unwrap()
}

/// Capture times after the first, in order of presentation.
fn presented(packets: &[Packet]) -> Vec<Duration> {
    let mut times: Vec<Timestamp> = packets.iter().map(|packet| packet.captured_at).collect();
    times.sort_unstable();
    times.iter().map(|time| time.since(times[0])).collect()
}

/// Each picture is in the file, at its time.
fn assert_same_times(written: &[Packet], read: &[Packet]) {
    let (wanted, got) = (presented(written), presented(read));
    assert_eq!(got.len(), wanted.len(), "{wanted:?}\n{got:?}");
    let off = wanted.iter().zip(&got).find(|(wanted, got)| wanted.abs_diff(**got) > Duration::from_micros(20));
    assert!(off.is_none(), "{off:?} of {wanted:?} and {got:?}");
    assert!(read[0].key && read[0].captured_at == read.iter().map(|packet| packet.captured_at).min().unwrap());
}

/// What a decoder makes of packets: how many pictures, and how many were damaged.
fn decoded(packets: &[Packet]) -> (u64, u64) {
    let mut decoder = software_decoders().open(packets[0].codec, 1e6, Box::new(|_| {})).unwrap();
    for packet in packets {
        decoder.push(packet).unwrap();
    }
    decoder.drain().unwrap();
    (decoder.counts().frames, decoder.counts().damaged)
}

#[tokio::test]
async fn a_clip_shows_each_picture_when_it_was_taken() {
    let folder = tempfile::tempdir().unwrap();
    for (number, (codec, encoder)) in [
        (Codec::H264, X264),
        (Codec::H264, X264_B),
        (Codec::H265, X265),
        (Codec::H265, "x265enc speed-preset=fast key-int-max=25 option-string=bframes=3:b-adapt=0"),
    ]
    .into_iter()
    .enumerate()
    {
        let encoding = Encoding::new(codec, encoder);
        let written = encoding.packets(160, |number| brighter(&encoding, number));
        let reordered = written.windows(2).any(|two| two[1].captured_at < two[0].captured_at);
        assert_eq!(reordered, number % 2 == 1, "{encoder}");
        let file = folder.path().join(format!("{number}.mp4"));
        clip(codec, &file, &written);
        let read = read(&file).await;
        assert!(read.iter().all(|packet| packet.codec == codec));
        assert_same_times(&written, &read);
        assert_eq!(decoded(&read), (160, 0), "{encoder}");
        // Players leave out what is beyond the length.
        let length = lightbar::camera::duration(&file).unwrap();
        let last = *presented(&written).last().unwrap();
        assert!(length > last && length < last + Duration::from_millis(300), "{length:?} for {last:?}");
    }
}

#[tokio::test]
async fn a_files_packets_become_a_clip() {
    let Some(path) = footage("videos/one-by-one-person-detection.mp4") else { return };
    let source = FileSource::new(path, FilePace::AsConsumed(BEGAN));
    let written = packets(&source, 200).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clip.mp4");
    clip(Codec::H264, &file, &written);
    let read = read(&file).await;
    assert_same_times(&written, &read);
    assert_eq!(decoded(&read).0, 200);
}

#[tokio::test]
async fn a_clip_that_nobody_finishes_can_be_played() {
    let folder = tempfile::tempdir().unwrap();
    for (number, (codec, encoder)) in [(Codec::H264, X264_B), (Codec::H265, X265)].into_iter().enumerate() {
        let encoding = Encoding::new(codec, encoder);
        let written = encoding.packets(150, |number| brighter(&encoding, number));
        let file = folder.path().join(format!("{number}.mp4"));
        let mut clip = media().clip(codec, &file).unwrap();
        for packet in &written {
            clip.push(packet).unwrap();
        }
        // What there would be after a SIGKILL now.
        let killed = folder.path().join(format!("{number}-killed.mp4"));
        std::fs::copy(&file, &killed).unwrap();
        drop(clip);
        for file in [killed, file] {
            let read = read(&file).await;
            assert!(read[0].key);
            let (wanted, got) = (presented(&written), presented(&read));
            let lacking = wanted[wanted.len() - 1].saturating_sub(got[got.len() - 1]);
            assert!(lacking <= CUT, "{lacking:?} are missing");
            let off = wanted.iter().zip(&got).find(|(wanted, got)| wanted.abs_diff(**got) > Duration::from_micros(20));
            assert!(off.is_none() || got.len() < wanted.len(), "{off:?}");
            assert_eq!(decoded(&read).0, read.len() as u64);
        }
    }
}

/// The same two seconds later.
fn later(packets: Vec<Packet>) -> impl Iterator<Item = Packet> {
    packets.into_iter().map(|packet| {
        let captured_at = packet.captured_at.plus(Duration::from_secs(2));
        Packet { captured_at, ..packet }
    })
}

#[tokio::test]
async fn picture_parameters_may_change_but_not_the_format() {
    let folder = tempfile::tempdir().unwrap();
    let first =
        Encoding::new(Codec::H264, "x264enc speed-preset=veryfast bframes=2 b-adapt=false quantizer=20 pass=quant");
    let second =
        Encoding::new(Codec::H264, "x264enc speed-preset=veryfast bframes=2 b-adapt=false quantizer=30 pass=quant");
    let mut written = first.packets(30, |number| brighter(&first, number));
    written.extend(later(second.packets(30, |number| brighter(&second, number))));
    let file = folder.path().join("parameters.mp4");
    clip(Codec::H264, &file, &written);
    let read_back = read(&file).await;
    assert_same_times(&written, &read_back);
    assert_eq!(decoded(&read_back), (60, 0));

    let larger = Encoding { width: 320, height: 240, ..first };
    let larger = larger.packets(3, |number| brighter(&larger, number));
    let file = folder.path().join("size.mp4");
    let mut clip = media().clip(Codec::H264, &file).unwrap();
    for packet in &written {
        clip.push(packet).unwrap();
    }
    let error = clip.push(&larger[0]).unwrap_err().to_string();
    assert!(error.contains("size.mp4") && error.contains("another format"), "{error}");
    clip.finish().unwrap();
    assert_same_times(&written, &read(&file).await);
}

#[tokio::test]
async fn what_leads_to_the_first_key_picture_is_left_out() {
    let open = "x265enc speed-preset=fast option-string=open-gop=1:keyint=20:min-keyint=20:bframes=3:b-adapt=0";
    let encoding = Encoding::new(Codec::H265, open);
    let written = encoding.packets(100, |number| brighter(&encoding, number));
    let second = written.iter().skip(1).position(|packet| packet.key).unwrap() + 1;
    let (begin, written) = (written[second].captured_at, &written[second..]);
    let kept: Vec<Packet> = written.iter().filter(|packet| packet.captured_at >= begin).cloned().collect();
    assert!(kept.len() < written.len(), "some pictures lead");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clip.mp4");
    clip(Codec::H265, &file, written);
    assert_same_times(&kept, &read(&file).await);
}

#[test]
fn the_file_says_when_it_begins() {
    let encoding = Encoding::new(Codec::H264, X264);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clip.mp4");
    clip(Codec::H264, &file, &encoding.packets(50, |number| brighter(&encoding, number)));
    let bytes = std::fs::read(&file).unwrap();
    for kind in [b"mvhd", b"tkhd", b"mdhd"] {
        let at = bytes.windows(4).position(|four| four == kind).unwrap() + 8;
        let seconds = i64::from(u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())) - 2_082_844_800;
        assert_eq!(seconds, BEGAN.as_millis() / 1_000);
    }
}

#[test]
fn what_cannot_be_a_clip_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clip.mp4");
    let encoding = Encoding::new(Codec::H264, X264);
    let pictures = encoding.packets(10, |number| brighter(&encoding, number));
    let mut clip = media().clip(Codec::H264, &file).unwrap();
    let error = clip.push(&pictures[1]).unwrap_err().to_string();
    assert!(error.contains("no key packet"), "{error}");
    clip.push(&pictures[0]).unwrap();
    let other = Packet { codec: Codec::H265, ..pictures[1].clone() };
    let error = clip.push(&other).unwrap_err().to_string();
    assert!(error.contains("H.264") && error.contains("H.265"), "{error}");
    clip.finish().unwrap();

    let before = std::fs::read(&file).unwrap();
    let error = media().clip(Codec::H264, &file).err().unwrap().to_string();
    assert!(error.contains("clip.mp4") && error.contains("exists"), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let empty = media().clip(Codec::H264, &folder.path().join("empty.mp4")).unwrap();
    assert!(empty.finish().unwrap_err().to_string().contains("no pictures"));
    assert!(media().clip(Codec::H264, &folder.path().join("none/clip.mp4")).is_err());
}

fn rgb(jpeg: &[u8]) -> (Vec<u8>, usize, usize) {
    let mut decoder = zune_jpeg::JpegDecoder::new(zune_jpeg::zune_core::bytestream::ZCursor::new(jpeg));
    let pixels = decoder.decode().unwrap();
    let (width, height) = decoder.dimensions().unwrap();
    assert_eq!(pixels.len(), width * height * 3);
    (pixels, width, height)
}

#[test]
fn a_still_is_the_picture_of_its_moment() {
    for (codec, encoder) in [
        (Codec::H264, "x264enc speed-preset=veryfast key-int-max=12 bframes=2 b-adapt=false quantizer=10 pass=quant"),
        (Codec::H265, "x265enc option-string=open-gop=1:keyint=12:min-keyint=12:bframes=3:b-adapt=0:qp=10"),
    ] {
        let encoding = Encoding { width: 104, height: 72, ..Encoding::new(codec, encoder) };
        let packets = encoding.packets(40, |number| brighter(&encoding, number));
        for number in 0..40 {
            for after in [Duration::ZERO, Duration::from_millis(3)] {
                let still = media().still(&packets, taken(number as u64).plus(after)).unwrap();
                assert_eq!(still.captured_at, taken(number as u64), "{number}");
                let (pixels, width, height) = rgb(&still.jpeg);
                assert_eq!((width, height, still.width, still.height), (104, 72, 104, 72));
                let shown = f64::from(pixels[(50 * width + 40) * 3]);
                let wanted = (f64::from(luma(number)) - 16.0) * 255.0 / 219.0;
                assert!((shown - wanted).abs() <= 2.0, "picture {number} of {encoder}: {shown}, not {wanted}");
            }
        }
        let before = media().still(&packets, BEGAN.minus(Duration::from_secs(1))).unwrap();
        assert_eq!(before.captured_at, BEGAN);
        let after = media().still(&packets, BEGAN.plus(Duration::from_hours(1))).unwrap();
        assert_eq!(after.captured_at, taken(39));
    }
    assert!(media().still(&[], BEGAN).unwrap_err().to_string().contains("no picture"));
}

/// Patches of these colours, from left to right; grey and white would look the same in any matrix.
const PATCHES: [[u8; 3]; 6] =
    [[200, 30, 30], [30, 180, 40], [40, 50, 210], [128, 128, 128], [250, 250, 250], [190, 170, 60]];
const PATCH: usize = 32;

/// One row of patches as I420, by the formula of H.273: `kr` and `kb` say the matrix.
fn patches((kr, kb): (f64, f64), full_range: bool, height: usize) -> Vec<u8> {
    let width = PATCH * PATCHES.len();
    let (luma, chroma, black) = if full_range { (255.0, 255.0, 0.0) } else { (219.0, 224.0, 16.0) };
    let yuv = PATCHES.map(|rgb| {
        let [r, g, b] = rgb.map(|value| f64::from(value) / 255.0);
        let y = kr * r + (1.0 - kr - kb) * g + kb * b;
        let (u, v) = ((b - y) / (2.0 - 2.0 * kb), (r - y) / (2.0 - 2.0 * kr));
        [black + luma * y, 128.0 + chroma * u, 128.0 + chroma * v].map(|value| value.round().clamp(0.0, 255.0) as u8)
    });
    let plane = |index: usize, patch: usize, rows: usize| {
        (0..rows).flat_map(move |_| (0..width / PATCH * patch).map(move |x| yuv[x / patch][index]))
    };
    plane(0, PATCH, height).chain(plane(1, PATCH / 2, height / 2)).chain(plane(2, PATCH / 2, height / 2)).collect()
}

#[test]
fn a_still_has_the_colours_of_the_stream() {
    let (bt601, bt709) = ((0.299, 0.114), (0.2126, 0.0722));
    let x264 = "x264enc quantizer=4 pass=quant";
    for (codec, encoder, colorimetry, matrix, full_range, height) in [
        (Codec::H264, x264, Some("2:3:5:1"), bt709, false, 64),
        (Codec::H264, x264, Some("1:3:5:1"), bt709, true, 64),
        (Codec::H264, x264, Some("2:4:16:4"), bt601, false, 64),
        (Codec::H264, x264, Some("1:4:0:0"), bt601, true, 64),
        (Codec::H265, "x265enc option-string=qp=4", Some("2:3:5:1"), bt709, false, 64),
        // Streams that do not say: what players take for the size.
        (Codec::H264, x264, None, bt601, false, 64),
        (Codec::H264, x264, None, bt709, false, 720),
    ] {
        let encoding = Encoding { codec, encoder, width: PATCH * PATCHES.len(), height, colorimetry };
        let packets = encoding.packets(3, |_| patches(matrix, full_range, height));
        let still = media().still(&packets, BEGAN).unwrap();
        let (pixels, width, _) = rgb(&still.jpeg);
        for (number, wanted) in PATCHES.iter().enumerate() {
            let at = (height / 2 * width + number * PATCH + PATCH / 2) * 3;
            let got = &pixels[at..at + 3];
            let near = got.iter().zip(wanted).all(|(got, wanted)| got.abs_diff(*wanted) <= 4);
            assert!(near, "{colorimetry:?} at {height} rows: {got:?}, not {wanted:?}");
        }
    }
}
