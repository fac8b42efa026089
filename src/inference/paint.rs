//! The colours of the letterbox: rows of sampled YUV become rows of a model's tensor.
//!
//! In floats and without a branch per pixel, so that the compiler makes vector code of it.

use super::letterbox::{ChannelOrder, Element, InputSpec, TensorLayout, UNIT};
use crate::pipeline::frame::{Color, Matrix};

/// From sampled YUV to the model's values: matrix, clamp to 0..255, normalization. One row of numbers per channel, in the
/// model's order, so that the loop over pixels has no branch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    luma: f32,
    u: [f32; 3],
    v: [f32; 3],
    zero: [f32; 3],
    gain: [f32; 3],
    bias: [f32; 3],
}

impl Paint {
    /// The numbers for pictures of this colour.
    pub(super) fn new(color: Color, spec: &InputSpec) -> Self {
        // H.273: Kr and Kb of each matrix; limited range has 219 steps of luma and 224 of chroma.
        let (kr, kb) = match color.matrix {
            Matrix::Bt601 => (0.299_f32, 0.114_f32),
            Matrix::Bt709 => (0.2126, 0.0722),
        };
        let kg = 1.0 - kr - kb;
        let (luma_gain, luma_zero, chroma_gain) =
            if color.full_range { (1.0, 0.0, 1.0) } else { (255.0 / 219.0, 16.0, 255.0 / 224.0) };
        let (red_v, blue_u) = (2.0 * (1.0 - kr) * chroma_gain, 2.0 * (1.0 - kb) * chroma_gain);
        let (mut u, mut v) = ([0.0, -blue_u * kb / kg, blue_u], [red_v, -red_v * kr / kg, 0.0]);
        if spec.color == ChannelOrder::Bgr {
            u.reverse();
            v.reverse();
        }
        Self {
            luma: luma_gain * UNIT,
            u: u.map(|part| part * UNIT),
            v: v.map(|part| part * UNIT),
            zero: std::array::from_fn(|c| -luma_zero * luma_gain - 128.0 * (u[c] + v[c])),
            gain: spec.std.map(|std| spec.scale / std),
            bias: std::array::from_fn(|c| -spec.mean[c] / spec.std[c]),
        }
    }

    #[inline]
    fn value<T: Element>(&self, c: usize, y: f32, u: f32, v: f32) -> T {
        let level = y * self.luma + u * self.u[c] + v * self.v[c] + self.zero[c];
        T::from_value(level.clamp(0.0, 255.0) * self.gain[c] + self.bias[c])
    }

    /// Writes one row of the tensor from `(x, y)` on; `painted` is room to work in.
    pub(super) fn row<T: Element>(
        &self,
        samples: [&[f32]; 3],
        painted: &mut [Vec<T>; 3],
        tensor: &mut [T],
        (spec, x, y): (&InputSpec, usize, usize),
    ) {
        // A copy of our own: the compiler then knows that the tensor's writes do not change it.
        let paint = *self;
        let length = samples[0].len();
        let start = y * spec.width + x;
        let paint = |c: usize, out: &mut [T]| {
            let [ys, us, vs] = samples.map(|row| &row[..length]);
            for i in 0..length {
                out[i] = paint.value(c, ys[i], us[i], vs[i]);
            }
        };
        match spec.layout {
            TensorLayout::Nchw => {
                let area = spec.width * spec.height;
                for (c, plane) in tensor.chunks_exact_mut(area).enumerate() {
                    paint(c, &mut plane[start..][..length]);
                }
            }
            TensorLayout::Nhwc => {
                // Each channel by itself first: side by side they would be reckoned one by one.
                for (c, row) in painted.iter_mut().enumerate() {
                    row.resize(length, T::default());
                    paint(c, &mut row[..length]);
                }
                let [first, second, third] = &*painted;
                let pixels = tensor[start * 3..][..length * 3].chunks_exact_mut(3);
                for (((pixel, &a), &b), &c) in pixels.zip(first).zip(second).zip(third) {
                    pixel.copy_from_slice(&[a, b, c]);
                }
            }
        }
    }
}
