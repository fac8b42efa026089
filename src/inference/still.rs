//! Still pictures as YUV planes, so that `lightbar detect` takes the cameras' own path.
//!
//! A JPEG is opened to its own YCbCr (full range, BT.601) without passing through RGB; a PNG is turned into the same.

use std::path::Path;
use std::sync::Arc;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::pipeline::frame::{Color, Matrix, OwnedPlanes, Picture, PixelLayout};

/// JFIF: BT.601, full range.
const JFIF: Color = Color { matrix: Matrix::Bt601, full_range: true };

/// Why a file gave no picture.
#[derive(Debug, thiserror::Error)]
pub enum StillError {
    /// It could not be read.
    #[error("cannot read it: {0}")]
    Read(#[from] std::io::Error),
    /// It is no picture, or a damaged one.
    #[error("cannot decode it: {0}")]
    Decode(String),
    /// It is a picture of a kind that is not taken.
    #[error("it is {0}; wants a JPEG in grey, YCbCr or RGB, or a PNG")]
    Kind(String),
}

/// Opens a JPEG or a PNG, told apart by its first bytes.
pub fn open(path: &Path) -> Result<Picture, StillError> {
    let bytes = std::fs::read(path)?;
    match bytes.as_slice() {
        [0xff, 0xd8, ..] => jpeg(&bytes),
        [0x89, b'P', b'N', b'G', ..] => png(&bytes),
        _ => Err(StillError::Kind("neither a JPEG nor a PNG".into())),
    }
}

fn jpeg(bytes: &[u8]) -> Result<Picture, StillError> {
    let mut decoder = JpegDecoder::new(ZCursor::new(bytes));
    let failed = |e: &dyn std::fmt::Debug| StillError::Decode(format!("{e:?}"));
    decoder.decode_headers().map_err(|e| failed(&e))?;
    let wanted = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => ColorSpace::Luma,
        Some(ColorSpace::YCbCr) => ColorSpace::YCbCr,
        Some(ColorSpace::RGB) => ColorSpace::RGB,
        other => return Err(StillError::Kind(format!("a JPEG in {other:?}"))),
    };
    decoder.set_options(DecoderOptions::default().jpeg_set_out_colorspace(wanted));
    let pixels = decoder.decode().map_err(|e| failed(&e))?;
    let info = decoder.info().ok_or_else(|| StillError::Decode("no picture in it".into()))?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    match wanted {
        ColorSpace::YCbCr => Ok(picture(width, height, pixels.as_chunks().0.iter().copied())),
        ColorSpace::RGB => Ok(picture(width, height, pixels.as_chunks().0.iter().map(|&rgb| ycbcr(rgb)))),
        _ => Ok(picture(width, height, pixels.iter().map(|&y| [y, 128, 128]))),
    }
}

fn png(bytes: &[u8]) -> Result<Picture, StillError> {
    let image = image::load_from_memory_with_format(bytes, image::ImageFormat::Png)
        .map_err(|e| StillError::Decode(e.to_string()))?;
    let rgb = image.into_rgb8();
    Ok(picture(rgb.width(), rgb.height(), rgb.pixels().map(|pixel| ycbcr(pixel.0))))
}

fn picture(width: u32, height: u32, pixels: impl ExactSizeIterator<Item = [u8; 3]>) -> Picture {
    let mut planes: [Vec<u8>; 3] = std::array::from_fn(|_| Vec::with_capacity(pixels.len()));
    for pixel in pixels {
        for (plane, level) in planes.iter_mut().zip(pixel) {
            plane.push(level);
        }
    }
    let planes = planes.into_iter().map(|plane| (plane, width as usize)).collect();
    Picture { width, height, layout: PixelLayout::I444, color: JFIF, planes: Arc::new(OwnedPlanes(planes)) }
}

fn ycbcr([r, g, b]: [u8; 3]) -> [u8; 3] {
    let (r, g, b) = (f32::from(r), f32::from(g), f32::from(b));
    let y = 0.299 * r + 0.587 * g + 0.114 * b;
    let level = |value: f32| (value + 0.5) as u8;
    [level(y), level((b - y) / 1.772 + 128.0), level((r - y) / 1.402 + 128.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_png_becomes_full_range_planes() {
        let mut bytes = Vec::new();
        let image =
            image::RgbImage::from_fn(3, 2, |x, _| image::Rgb(if x == 0 { [255, 0, 0] } else { [255, 255, 255] }));
        image.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
        let picture = png(&bytes).unwrap();
        assert_eq!((picture.width, picture.height, picture.layout), (3, 2, PixelLayout::I444));
        assert_eq!(picture.planes.plane(0).0, [76, 255, 255, 76, 255, 255]);
        assert_eq!(picture.planes.plane(2).0[..2], [255, 128]);
    }

    #[test]
    fn what_is_no_picture_is_said() {
        assert!(jpeg(&[0xff, 0xd8, 0xff, 0xe0, 0, 1]).unwrap_err().to_string().starts_with("cannot decode it"));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "GIF89a").unwrap();
        assert!(open(file.path()).unwrap_err().to_string().contains("neither a JPEG nor a PNG"));
    }
}
