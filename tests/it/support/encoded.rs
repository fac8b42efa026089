//! Packets of pictures that the test has drawn itself, taken at uneven times as a camera's are.

use std::time::Duration;

use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use lightbar::domain::time::Timestamp;
use lightbar::pipeline::packet::{CaptureClock, ClockQuality, Codec, Packet};

/// Pictures a second, as declared.
pub(crate) const RATE: u64 = 25;

/// When the first picture was taken: not at a whole second.
pub(crate) const BEGAN: Timestamp = Timestamp::from_nanos(1_750_000_000_123_456_789);

/// How pictures become packets.
pub(crate) struct Encoding {
    pub(crate) codec: Codec,
    /// The encoder with its settings, as `gst-launch` has them.
    pub(crate) encoder: &'static str,
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Range, matrix, transfer and primaries as GStreamer writes them; none leaves the stream silent of it.
    pub(crate) colorimetry: Option<&'static str>,
}

impl Encoding {
    pub(crate) const fn new(codec: Codec, encoder: &'static str) -> Self {
        Self { codec, encoder, width: 192, height: 144, colorimetry: None }
    }

    /// Encodes this many I420 pictures.
    pub(crate) fn packets(&self, count: usize, picture: impl Fn(usize) -> Vec<u8>) -> Vec<Packet> {
        lightbar::camera::init().unwrap();
        let Self { width, height, encoder, .. } = self;
        let (media, parser) = match self.codec {
            Codec::H264 => ("video/x-h264", "h264parse"),
            Codec::H265 => ("video/x-h265", "h265parse"),
        };
        let color = self.colorimetry.map(|name| format!(",colorimetry=(string){name}")).unwrap_or_default();
        let launch = format!(
            "appsrc name=in format=time caps=video/x-raw,format=I420,width={width},height={height},framerate={RATE}/1{color} \
             ! {encoder} ! {parser} config-interval=-1 ! {media},stream-format=byte-stream,alignment=au \
             ! appsink name=out sync=false"
        );
        let pipeline = gst::parse::launch(&launch).unwrap().downcast::<gst::Pipeline>().unwrap();
        let input = pipeline.by_name("in").unwrap().downcast::<gst_app::AppSrc>().unwrap();
        let output = pipeline.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        input.set_max_bytes(u64::MAX);
        for number in 0..count {
            let mut buffer = gst::Buffer::from_slice(picture(number));
            buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_nseconds(number as u64 * 1_000_000_000 / RATE));
            input.push_buffer(buffer).unwrap();
        }
        input.end_of_stream().unwrap();
        let mut packets = Vec::new();
        while let Ok(sample) = output.pull_sample() {
            let buffer = sample.buffer().unwrap();
            // Encoders that reorder begin an hour or more after zero, and say so by the segment.
            let time =
                sample.segment().unwrap().downcast_ref::<gst::ClockTime>().unwrap().to_running_time(buffer.pts());
            let number = (time.unwrap().nseconds() * RATE + 500_000_000) / 1_000_000_000;
            let data = Bytes::copy_from_slice(&buffer.map_readable().unwrap());
            packets.push(self.packet(number, is_key(self.codec, &data), data));
        }
        pipeline.set_state(gst::State::Null).unwrap();
        assert_eq!(packets.len(), count, "each picture gives a packet");
        packets
    }

    fn packet(&self, number: u64, key: bool, data: Bytes) -> Packet {
        let captured_at = taken(number);
        Packet {
            codec: self.codec,
            captured_at,
            clock: ClockQuality { source: CaptureClock::Arrival, error_ms: None, offset_ms: None },
            received_at: captured_at,
            pts: captured_at.since(BEGAN),
            key,
            data,
        }
    }
}

/// By the type of its first slice; GStreamer's parser for H.265 takes the second picture for another key.
fn is_key(codec: Codec, data: &[u8]) -> bool {
    let heads = data.windows(4).filter(|four| four[..3] == [0, 0, 1]).map(|four| four[3]);
    match codec {
        Codec::H264 => heads.map(|head| head & 0x1f).find(|kind| (1..=5).contains(kind)) == Some(5),
        Codec::H265 => heads.map(|head| head >> 1 & 0x3f).find(|kind| *kind < 32).is_some_and(|kind| kind >= 16),
    }
}

/// When picture `number` was taken: a camera's rate wanders, and one picture in fifty comes very late.
pub(crate) fn taken(number: u64) -> Timestamp {
    let wander = Duration::from_micros(number * 7_919 % 29_000 * u64::from(number > 0));
    let late = Duration::from_millis(400 * (number / 50));
    BEGAN.plus(Duration::from_millis(number * 1_000 / RATE) + wander + late)
}

/// A grey picture that is brighter the higher its number, with something in it that moves.
pub(crate) fn brighter(encoding: &Encoding, number: usize) -> Vec<u8> {
    let (width, height) = (encoding.width, encoding.height);
    let mut picture = vec![luma(number); width * height];
    let x = number * 3 % (width - 16);
    for row in 0..16 {
        picture[row * width + x..row * width + x + 16].fill(235);
    }
    picture.resize(width * height + 2 * width.div_ceil(2) * height.div_ceil(2), 128);
    picture
}

/// The brightness of that picture, away from its upper edge.
pub(crate) fn luma(number: usize) -> u8 {
    u8::try_from(30 + number * 2 % 180).unwrap()
}
