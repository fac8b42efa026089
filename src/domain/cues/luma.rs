//! A small grey picture: the brightness of a frame, averaged over blocks.

/// The longer side has at most so many pixels.
pub const LONGER_SIDE: u16 = 160;

/// The brightness of a frame, 8 bits, rows from the top, each pixel the mean of a block of the frame; the blocks cover the
/// whole frame, so that pixel `x` of a row stands for `x / width .. (x + 1) / width` of the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmallLuma {
    width: u16,
    height: u16,
    pixels: Vec<u8>,
}

impl SmallLuma {
    /// Takes rows of pixels; `None` where there are none, too many, or not as many as the size says.
    pub fn new(width: u16, height: u16, pixels: Vec<u8>) -> Option<Self> {
        let sane = (1..=LONGER_SIDE).contains(&width) && (1..=LONGER_SIDE).contains(&height);
        (sane && pixels.len() == usize::from(width) * usize::from(height)).then_some(Self { width, height, pixels })
    }

    /// The size for a frame of `width` by `height`: the same shape, the longer side at most [`LONGER_SIDE`].
    pub fn size_for(width: u32, height: u32) -> Option<(u16, u16)> {
        let longer = width.max(height);
        if width == 0 || height == 0 {
            return None;
        }
        let most = u32::from(LONGER_SIDE).min(longer);
        let side = |length: u32| {
            let scaled = (u64::from(length) * u64::from(most) + u64::from(longer) / 2) / u64::from(longer);
            u16::try_from(scaled).unwrap_or(LONGER_SIDE).clamp(1, LONGER_SIDE)
        };
        Some((side(width), side(height)))
    }

    /// Pixels in a row.
    pub const fn width(&self) -> usize {
        self.width as usize
    }

    /// Rows.
    pub const fn height(&self) -> usize {
        self.height as usize
    }

    /// All rows, one after the other.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_the_frames_shape() {
        assert_eq!(SmallLuma::size_for(1920, 1080), Some((160, 90)));
        assert_eq!(SmallLuma::size_for(704, 576), Some((160, 131)));
        assert_eq!(SmallLuma::size_for(480, 640), Some((120, 160)));
        assert_eq!(SmallLuma::size_for(64, 36), Some((64, 36)));
        assert_eq!(SmallLuma::size_for(100_000, 1), Some((160, 1)));
        assert_eq!(SmallLuma::size_for(0, 9), None);
    }

    #[test]
    fn a_picture_has_as_many_pixels_as_it_says() {
        assert!(SmallLuma::new(4, 2, vec![0; 8]).is_some());
        assert!(SmallLuma::new(4, 2, vec![0; 7]).is_none());
        assert!(SmallLuma::new(161, 1, vec![0; 161]).is_none());
        assert!(SmallLuma::new(0, 0, Vec::new()).is_none());
    }
}
