//! A decoder's buffer as a picture: mapped, not copied; given back to the decoder's pool when the last reader drops it.

use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use std::sync::Arc;

use crate::pipeline::frame::{Color, Matrix, Picture, PixelLayout, Planes};

struct MappedBuffer {
    frame: gst_video::VideoFrame<gst_video::video_frame::Readable>,
}

impl Planes for MappedBuffer {
    fn plane(&self, index: usize) -> (&[u8], usize) {
        let bytes = u32::try_from(index).ok().and_then(|index| self.frame.plane_data(index).ok());
        let stride = self.frame.plane_stride().get(index).copied().unwrap_or(0);
        (bytes.unwrap_or_default(), usize::try_from(stride).unwrap_or(0))
    }
}

/// Maps a decoded sample.
pub(super) fn picture(sample: &gst::Sample) -> Result<Picture, String> {
    let caps = sample.caps().ok_or("the decoder gave a frame without a format")?;
    let info = gst_video::VideoInfo::from_caps(caps)
        .map_err(|_| format!("the decoder gave a frame of unknown format {caps}"))?;
    let layout = match info.format() {
        gst_video::VideoFormat::I420 => PixelLayout::I420,
        gst_video::VideoFormat::Nv12 => PixelLayout::Nv12,
        other => return Err(format!("the decoder gave {other}; I420 or NV12 is wanted")),
    };
    let buffer = sample.buffer_owned().ok_or("the decoder gave a sample without a frame")?;
    let frame =
        gst_video::VideoFrame::from_buffer_readable(buffer, &info).map_err(|_| "a decoded frame cannot be mapped")?;
    if frame.plane_stride().iter().any(|&stride| stride < 0) {
        return Err("the decoder gave a frame that is stored upside down".to_owned());
    }
    let (width, height) = (frame.width(), frame.height());
    Ok(Picture { width, height, layout, color: color(&info), planes: Arc::new(MappedBuffer { frame }) })
}

fn color(info: &gst_video::VideoInfo) -> Color {
    let colorimetry = info.colorimetry();
    let matrix = match colorimetry.matrix() {
        gst_video::VideoColorMatrix::Bt709 => Matrix::Bt709,
        gst_video::VideoColorMatrix::Bt601
        | gst_video::VideoColorMatrix::Fcc
        | gst_video::VideoColorMatrix::Smpte240m => Matrix::Bt601,
        // Streams that do not say: what players take for the size.
        _ if info.height() >= 720 => Matrix::Bt709,
        _ => Matrix::Bt601,
    };
    Color { matrix, full_range: colorimetry.range() == gst_video::VideoColorRange::Range0_255 }
}
