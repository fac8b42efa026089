//! From a frame's Y plane to the small grey picture that the pixel cues look at.
//!
//! Each small pixel is the mean of its block, so noise is averaged away and nothing aliases. Blocks of a frame whose size is
//! no multiple differ by a pixel and cover all of it. Rows of a block are summed first, whole rows, which the compiler turns into
//! vector code. Absent: colour, which no cue needs.

use std::sync::atomic::{AtomicBool, Ordering};

use super::frame::Picture;
use crate::domain::cues::SmallLuma;

/// Whether a camera's scene wants small pictures at this moment; its rules may change while it runs.
#[derive(Debug, Default)]
pub struct LumaWish(AtomicBool);

impl LumaWish {
    /// As the scene says.
    pub const fn new(wanted: bool) -> Self {
        Self(AtomicBool::new(wanted))
    }

    /// The scene's rules have changed.
    pub fn set(&self, wanted: bool) {
        self.0.store(wanted, Ordering::Relaxed);
    }

    /// Whether the next frame is to be shrunk.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The small picture of a frame; `None` where the Y plane is smaller than the frame says, which the detector tells of.
pub fn shrink(picture: &Picture) -> Option<SmallLuma> {
    let (small_width, small_height) = SmallLuma::size_for(picture.width, picture.height)?;
    let (width, height) = (usize::try_from(picture.width).ok()?, usize::try_from(picture.height).ok()?);
    let (bytes, stride) = picture.planes.plane(0);
    if stride < width || bytes.len() < stride.checked_mul(height - 1)?.checked_add(width)? {
        return None;
    }
    let (columns, rows) = (usize::from(small_width), usize::from(small_height));
    let mut sums = vec![0u32; width];
    let mut pixels = Vec::with_capacity(columns * rows);
    for row in 0..rows {
        let (top, below) = (row * height / rows, (row + 1) * height / rows);
        sums.fill(0);
        for y in top..below {
            let line = &bytes[y * stride..y * stride + width];
            for (sum, level) in sums.iter_mut().zip(line) {
                *sum += u32::from(*level);
            }
        }
        for column in 0..columns {
            let (left, right) = (column * width / columns, (column + 1) * width / columns);
            let total: u64 = sums[left..right].iter().map(|sum| u64::from(*sum)).sum();
            let count = ((right - left) * (below - top)) as u64;
            // A mean of bytes is a byte.
            pixels.push(((total + count / 2) / count) as u8);
        }
    }
    SmallLuma::new(small_width, small_height, pixels)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::pipeline::frame::{Color, Matrix, OwnedPlanes, PixelLayout};

    fn picture(width: u32, height: u32, stride: usize, level: impl Fn(usize, usize) -> u8) -> Picture {
        let mut bytes = vec![255; stride * height as usize];
        for y in 0..height as usize {
            for x in 0..width as usize {
                bytes[y * stride + x] = level(x, y);
            }
        }
        Picture {
            width,
            height,
            layout: PixelLayout::I420,
            color: Color { matrix: Matrix::Bt709, full_range: false },
            planes: Arc::new(OwnedPlanes(vec![(bytes, stride)])),
        }
    }

    #[test]
    fn each_pixel_is_the_mean_of_its_block() {
        let small = shrink(&picture(640, 360, 704, |x, y| ((x / 4 + y / 4) % 200 + (x % 2) * 2) as u8)).unwrap();
        assert_eq!((small.width(), small.height()), (160, 90));
        for (i, level) in small.pixels().iter().enumerate() {
            assert_eq!(usize::from(*level), (i % 160 + i / 160) % 200 + 1);
        }
    }

    #[test]
    fn odd_sizes_are_covered_wholly_and_padding_is_not_read() {
        for (width, height) in [(1, 1), (161, 3), (333, 777), (2000, 7)] {
            let small = shrink(&picture(width, height, width as usize + 13, |_, _| 77)).unwrap();
            assert!(small.pixels().iter().all(|level| *level == 77), "{width}x{height}");
        }
    }

    #[test]
    fn a_short_plane_gives_nothing() {
        let mut short = picture(64, 64, 64, |_, _| 1);
        short.planes = Arc::new(OwnedPlanes(vec![(vec![0; 64 * 63], 64)]));
        assert_eq!(shrink(&short), None);
    }
}
