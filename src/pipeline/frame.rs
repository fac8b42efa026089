//! A decoded picture in planar YUV, still in the decoder's own memory: nothing is copied until the letterbox reads it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::packet::ClockQuality;
use crate::domain::time::Timestamp;

/// One decoded picture.
#[derive(Clone)]
pub struct Frame {
    /// When it was taken, on the camera's server timeline.
    pub captured_at: Timestamp,
    /// How well that is known.
    pub clock: ClockQuality,
    /// When its packet arrived here (server clock).
    pub received_at: Timestamp,
    /// When it came out of the decoder (server clock).
    pub decoded_at: Timestamp,
    /// Presentation time within the stream.
    pub pts: Duration,
    /// Counts analysed frames of this camera since its stream began.
    pub number: u64,
    /// Pixels.
    pub picture: Picture,
}

/// Pixels in planar or semi-planar YUV, 8 bits.
#[derive(Clone)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// How planes are laid out.
    pub layout: PixelLayout,
    /// How YUV becomes RGB.
    pub color: Color,
    /// The planes.
    pub planes: Arc<dyn Planes>,
}

/// Memory that holds a picture's planes: a mapped decoder buffer, or a vector in tests.
pub trait Planes: Send + Sync {
    /// Plane `index` as (bytes, stride in bytes). Y is 0; I420 and I444 have U 1 and V 2; NV12 has interleaved UV 1.
    /// The bytes hold at least `stride * (rows - 1) + row length`.
    fn plane(&self, index: usize) -> (&[u8], usize);
}

/// How planes are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelLayout {
    /// Y, then U and V at half width and height (rounded up).
    I420,
    /// Y, then U and V interleaved at half width and height (rounded up).
    Nv12,
    /// Y, U and V at full size (still pictures).
    I444,
}

/// How YUV becomes RGB (ITU-T H.273).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color {
    /// The matrix.
    pub matrix: Matrix,
    /// 0..255 instead of 16..235/240.
    pub full_range: bool,
}

/// The matrix between YUV and RGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matrix {
    /// ITU-R BT.601.
    Bt601,
    /// ITU-R BT.709.
    Bt709,
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({}x{} {:?} {:?})", self.width, self.height, self.layout, self.color)
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({} at {:?}, {:?})", self.number, self.captured_at, self.picture)
    }
}

/// Planes in vectors: for still pictures, tests and benches.
#[derive(Debug)]
pub struct OwnedPlanes(pub Vec<(Vec<u8>, usize)>);

impl Planes for OwnedPlanes {
    fn plane(&self, index: usize) -> (&[u8], usize) {
        let (bytes, stride) = &self.0[index];
        (bytes, *stride)
    }
}
