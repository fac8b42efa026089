//! Cameras: the only room that names GStreamer (beside the demo's server). Gives packets with capture times, decodes them, and makes clips and
//! pictures of them.
//!
//! Invariants: an address that is logged has no credentials in it; a packet marked `key` really is one; capture times of one
//! camera never go back. Absent: retrying (the capture stage's), rings and queues beyond a stream's own small ones, audio.

mod address;
mod nal;
mod timeline;
mod access_unit;
mod opening;
mod session;
mod rtsp;
mod file;
mod annotate;
mod choice;
mod decode;
mod picture;
mod media;
mod clip;
mod order;
mod mp4;
mod still;
mod jfif;
mod probe;

use std::sync::OnceLock;

pub use address::{Credentials, split_credentials};
pub use annotate::{AnnotateError, Canvas, Draw, annotate};
pub use choice::{DecoderChoice, DecoderSettings};
pub use decode::GstDecoderFactory;
pub use file::{FilePace, FileSource, duration};
pub use media::GstMedia;
pub use probe::{Probe, probe};
pub use rtsp::{RtspSettings, RtspSource, Transport};
pub use timeline::{Shown, Timeline};

use crate::domain::scene::BlindCause;
use crate::pipeline::ports::SourceError;

/// Why this room does not work at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CameraError {
    /// GStreamer does not start.
    #[error("cannot start GStreamer: {0}")]
    Start(String),
    /// A GStreamer plugin is not installed.
    #[error("GStreamer has no element {element:?}; install the package that brings it ({package})")]
    MissingElement {
        /// The element.
        element: &'static str,
        /// Debian's name of the package.
        package: &'static str,
    },
}

/// Elements without which nothing works, and Debian's packages that bring them.
const NEEDED: [(&str, &str); 8] = [
    ("rtspsrc", "gstreamer1.0-plugins-good"),
    ("rtph264depay", "gstreamer1.0-plugins-good"),
    ("h264parse", "gstreamer1.0-plugins-bad"),
    ("h265parse", "gstreamer1.0-plugins-bad"),
    ("mp4mux", "gstreamer1.0-plugins-good"),
    ("jpegenc", "gstreamer1.0-plugins-good"),
    ("parsebin", "gstreamer1.0-plugins-base"),
    ("videoconvert", "gstreamer1.0-plugins-base"),
];

/// Starts GStreamer once; later calls give the first result.
pub fn init() -> Result<(), CameraError> {
    static STARTED: OnceLock<Result<(), CameraError>> = OnceLock::new();
    STARTED.get_or_init(start).clone()
}

fn start() -> Result<(), CameraError> {
    gstreamer::init().map_err(|e| CameraError::Start(e.to_string()))?;
    for (element, package) in NEEDED {
        if gstreamer::ElementFactory::find(element).is_none() {
            return Err(CameraError::MissingElement { element, package });
        }
    }
    Ok(())
}

impl From<CameraError> for SourceError {
    fn from(error: CameraError) -> Self {
        Self { cause: BlindCause::Unusable, message: error.to_string() }
    }
}
