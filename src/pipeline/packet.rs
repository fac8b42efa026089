//! The unit that flows out of a camera: an encoded access unit. Pixels cost a hundred times more and are made on demand.

use std::time::Duration;

use bytes::Bytes;

use crate::domain::time::Timestamp;

/// One access unit (one picture, encoded) in byte-stream form (Annex B), parameter sets in front of each key frame, so that
/// decoding may begin at any packet with `key`.
#[derive(Clone, Debug)]
pub struct Packet {
    /// How it is encoded.
    pub codec: Codec,
    /// When the picture was taken, on the camera's server timeline: never goes back in capture order, never jumps.
    pub captured_at: Timestamp,
    /// How well `captured_at` is known.
    pub clock: ClockQuality,
    /// When it arrived here (server clock), for latency.
    pub received_at: Timestamp,
    /// Presentation time within the stream, from its first packet, as the source gave it.
    pub pts: Duration,
    /// Decoding can begin here: an IDR (H.264), an IRAP (H.265). Not a mere recovery point.
    pub key: bool,
    /// The bytes, shared by ring, decoder and clip.
    pub data: Bytes,
}

/// Video codecs that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// H.264 / AVC.
    H264,
    /// H.265 / HEVC.
    H265,
}

impl Codec {
    /// The word for it in logs and probes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::H264 => "H.264",
            Self::H265 => "H.265",
        }
    }
}

/// How well a capture time is known; carried into each alert.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockQuality {
    /// What it was taken from.
    pub source: CaptureClock,
    /// A bound of its error, in milliseconds, where known.
    pub error_ms: Option<f64>,
    /// Capture clock minus server clock as RTCP gave it, signed, in milliseconds, also when it was rejected.
    pub offset_ms: Option<f64>,
}

/// What a capture time was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureClock {
    /// RTCP sender reports (NTP time of the camera).
    RtcpNtp,
    /// Arrival at this machine.
    Arrival,
    /// A file: its start plus presentation time.
    File,
}

/// Which of a camera's streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamRole {
    /// Full resolution: evidence, and analysis where there is no sub-stream.
    Main,
    /// Small: analysis.
    Sub,
}

impl StreamRole {
    /// The word for it in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Sub => "sub",
        }
    }
}
