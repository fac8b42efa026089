//! From YUV planes straight into a model's input tensor.
//!
//! Each output row is made of the few source rows that it needs: the rows are blended first (whole rows, which the compiler
//! turns into vector code), then sampled across, then coloured at the output's size. No full-frame RGB picture exists.
//! Sampling is bilinear with half-pixel centres and without an anti-aliasing filter: what `cv2.resize(INTER_LINEAR)` does,
//! and what the models were trained on. Chroma is taken as centred between its luma samples; cameras that site it left are off
//! by half a luma pixel, which no detector sees.
//!
//! The tensor lives here and is used again for each frame; its padding is written only when the picture's geometry changes.

use super::geometry::{Placement, Resize};
use crate::pipeline::frame::{Color, Matrix, Picture, PixelLayout};

/// How a model wants its input.
#[derive(Clone, Debug, PartialEq)]
pub struct InputSpec {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Where the channels stand.
    pub layout: TensorLayout,
    /// Which numbers it takes.
    pub element: ElementType,
    /// In which order the channels come.
    pub color: ChannelOrder,
    /// A value is `(level * scale - mean) / std`, level 0..255; `mean` and `std` in the order of `color`.
    pub scale: f32,
    /// See `scale`.
    pub mean: [f32; 3],
    /// See `scale`.
    pub std: [f32; 3],
    /// How the picture is fitted.
    pub resize: Resize,
    /// Level around a letterboxed picture, 0..255.
    pub pad: u8,
}

/// Where the channels of a tensor stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TensorLayout {
    /// One plane per channel.
    Nchw,
    /// Channels side by side in each pixel.
    Nhwc,
}

/// Which numbers a tensor holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ElementType {
    /// 32-bit floats.
    F32,
    /// Bytes.
    U8,
}

/// The order of the channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelOrder {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

/// What a tensor is made of.
pub trait Element: Copy + Default {
    /// From a value in the model's own scale.
    fn from_value(value: f32) -> Self;
}

impl Element for f32 {
    #[inline]
    fn from_value(value: f32) -> Self {
        value
    }
}

impl Element for u8 {
    #[inline]
    fn from_value(value: f32) -> Self {
        // By way of i32, which becomes vector code where a cast from float to byte does not.
        (value.clamp(0.0, 255.0) + 0.5) as i32 as u8
    }
}

/// Why a picture could not be put into the tensor: its planes are smaller than it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "plane {plane} of a {width}x{height} {layout:?} picture has {got} bytes at a stride of {stride}; it needs {wanted}"
)]
pub struct ShortPlane {
    plane: usize,
    width: u32,
    height: u32,
    layout: PixelLayout,
    got: usize,
    stride: usize,
    wanted: usize,
}

/// A model's input tensor, and the tables to fill it from pictures.
#[derive(Debug)]
pub struct Letterbox<T> {
    spec: InputSpec,
    tensor: Vec<T>,
    plan: Option<Plan>,
    scratch: Scratch,
}

impl<T: Element> Letterbox<T> {
    /// An empty tensor.
    pub fn new(spec: InputSpec) -> Self {
        let tensor = vec![T::default(); spec.width * spec.height * 3];
        Self { spec, tensor, plan: None, scratch: Scratch::default() }
    }

    /// The tensor as the last `fill` left it, `width * height * 3` elements.
    pub fn tensor(&self) -> &[T] {
        &self.tensor
    }

    /// Puts a picture in; says where it stands in the tensor.
    pub fn fill(&mut self, picture: &Picture) -> Result<Placement, ShortPlane> {
        check_planes(picture)?;
        let geometry = Geometry { width: picture.width, height: picture.height, layout: picture.layout };
        if self.plan.as_ref().is_none_or(|plan| plan.geometry != geometry) {
            self.plan = Some(Plan::new(geometry, &self.spec));
            self.pad();
        }
        let Self { spec, tensor, plan: Some(plan), scratch } = self else { unreachable!("the plan was made above") };
        let paint = Paint::new(picture.color, spec);
        scratch.resize(plan);
        for row in 0..plan.luma.y.len() {
            plan.sample(picture, row, scratch);
            let (x, y) = (plan.left, plan.top + row);
            paint.row(scratch, tensor, spec, (x, y));
        }
        Ok(plan.placement)
    }

    fn pad(&mut self) {
        let levels = [f32::from(self.spec.pad); 3];
        let values = std::array::from_fn::<T, 3, _>(|c| {
            T::from_value((levels[c] * self.spec.scale - self.spec.mean[c]) / self.spec.std[c])
        });
        match self.spec.layout {
            TensorLayout::Nchw => {
                let area = self.spec.width * self.spec.height;
                for (plane, value) in self.tensor.chunks_exact_mut(area).zip(values) {
                    plane.fill(value);
                }
            }
            TensorLayout::Nhwc => self.tensor.chunks_exact_mut(3).for_each(|pixel| pixel.copy_from_slice(&values)),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Geometry {
    width: u32,
    height: u32,
    layout: PixelLayout,
}

/// Two neighbouring samples and how to blend them: the left weighs `ONE - weight`, the right `weight`.
#[derive(Clone, Copy, Debug)]
struct Tap {
    at: u32,
    weight: i32,
}

/// Weights across are of 11 bits, as in `OpenCV`; weights down of 8, so that a blended row fits 16 bits without loss.
const ONE_ACROSS: i32 = 1 << 11;
const ONE_DOWN: i32 = 1 << 8;
/// What a sample of both passes is to be divided by.
const UNIT: f32 = 1.0 / (ONE_ACROSS * ONE_DOWN) as f32;

#[derive(Debug)]
struct Axes {
    x: Vec<Tap>,
    y: Vec<Tap>,
    width: usize,
    height: usize,
}

/// Tables for one geometry.
#[derive(Debug)]
struct Plan {
    geometry: Geometry,
    placement: Placement,
    left: usize,
    top: usize,
    luma: Axes,
    chroma: Axes,
}

impl Plan {
    fn new(geometry: Geometry, spec: &InputSpec) -> Self {
        let source = (geometry.width as usize, geometry.height as usize);
        let (placement, inner) = Placement::fit(source, (spec.width, spec.height), spec.resize);
        let halved = geometry.layout != PixelLayout::I444;
        let axes = |halved: bool| {
            let part = |length: usize| if halved { length.div_ceil(2) } else { length };
            Axes {
                x: taps(source.0, inner.width, halved, ONE_ACROSS),
                y: taps(source.1, inner.height, halved, ONE_DOWN),
                width: part(source.0),
                height: part(source.1),
            }
        };
        Self { geometry, placement, left: inner.left, top: inner.top, luma: axes(false), chroma: axes(halved) }
    }

    /// Fills the three sample rows for one output row.
    fn sample(&self, picture: &Picture, row: usize, scratch: &mut Scratch) {
        let Scratch { blended, y, u, v } = scratch;
        blend(picture, 0, &self.luma, (row, self.luma.width), blended);
        across(blended, &self.luma.x, y);
        if picture.layout == PixelLayout::Nv12 {
            blend(picture, 1, &self.chroma, (row, self.chroma.width * 2), blended);
            // The pair behind the last one repeats it.
            let end = self.chroma.width * 2;
            (blended[end], blended[end + 1]) = (blended[end - 2], blended[end - 1]);
            across_pairs(blended, &self.chroma.x, u, v);
        } else {
            for (plane, out) in [(1, u), (2, v)] {
                blend(picture, plane, &self.chroma, (row, self.chroma.width), blended);
                across(blended, &self.chroma.x, out);
            }
        }
    }
}

/// Where each of `to` output samples lies among the samples of an axis of `from` luma pixels.
fn taps(from: usize, to: usize, halved: bool, one: i32) -> Vec<Tap> {
    let scale = from as f64 / to as f64;
    let samples = if halved { from.div_ceil(2) } else { from };
    let last = (samples - 1) as f64;
    (0..to)
        .map(|i| {
            let luma = (i as f64 + 0.5) * scale;
            let at = if halved { luma / 2.0 - 0.5 } else { luma - 0.5 }.clamp(0.0, last);
            let whole = at.floor();
            Tap { at: whole as u32, weight: ((at - whole) * f64::from(one)).round() as i32 }
        })
        .collect()
}

/// Rows that are used again and again.
#[derive(Debug, Default)]
struct Scratch {
    blended: Vec<u16>,
    // Integers until they are coloured: there they become floats many at a time.
    y: Vec<i32>,
    u: Vec<i32>,
    v: Vec<i32>,
}

impl Scratch {
    fn resize(&mut self, plan: &Plan) {
        // One more pair than the widest row: the right neighbour of the last sample.
        self.blended.resize(plan.luma.width.max(plan.chroma.width * 2) + 2, 0);
        for row in [&mut self.y, &mut self.u, &mut self.v] {
            row.resize(plan.luma.x.len(), 0);
        }
    }
}

/// Blends two source rows into 8.8 fixed point; repeats the last sample behind the end.
fn blend(picture: &Picture, plane: usize, axes: &Axes, (row, length): (usize, usize), out: &mut [u16]) {
    let (bytes, stride) = picture.planes.plane(plane);
    let tap = axes.y[row];
    let line = |index: usize| &bytes[index * stride..][..length];
    let upper = line(tap.at as usize);
    let out_row = &mut out[..length];
    if tap.weight == 0 {
        for (out, &a) in out_row.iter_mut().zip(upper) {
            *out = u16::from(a) << 8;
        }
    } else {
        let lower = line((tap.at as usize + 1).min(axes.height - 1));
        let (w0, w1) = ((ONE_DOWN - tap.weight) as u16, tap.weight as u16);
        for ((out, &a), &b) in out_row.iter_mut().zip(upper).zip(lower) {
            // At most 255 * 256, since the weights sum up to 256.
            *out = u16::from(a).wrapping_mul(w0).wrapping_add(u16::from(b).wrapping_mul(w1));
        }
    }
    out[length] = out[length - 1];
}

#[inline]
fn mix(a: u16, b: u16, weight: i32) -> i32 {
    i32::from(a) * ONE_ACROSS + (i32::from(b) - i32::from(a)) * weight
}

fn across(row: &[u16], taps: &[Tap], out: &mut [i32]) {
    for (out, tap) in out.iter_mut().zip(taps) {
        // One check for both; the row is one sample longer than the last tap reaches.
        let Some(&[a, b]) = row.get(tap.at as usize..).and_then(<[u16]>::first_chunk) else { continue };
        *out = mix(a, b, tap.weight);
    }
}

fn across_pairs(row: &[u16], taps: &[Tap], first: &mut [i32], second: &mut [i32]) {
    for ((first, second), tap) in first.iter_mut().zip(second).zip(taps) {
        let Some(&[a, b, c, d]) = row.get(tap.at as usize * 2..).and_then(<[u16]>::first_chunk) else { continue };
        *first = mix(a, c, tap.weight);
        *second = mix(b, d, tap.weight);
    }
}

/// From sampled YUV to the model's values: matrix, clamp to 0..255, normalization. One row of numbers per channel, in the
/// model's order, so that the loop over pixels has no branch.
#[derive(Clone, Copy, Debug)]
struct Paint {
    luma: f32,
    u: [f32; 3],
    v: [f32; 3],
    zero: [f32; 3],
    gain: [f32; 3],
    bias: [f32; 3],
}

impl Paint {
    fn new(color: Color, spec: &InputSpec) -> Self {
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
    fn value<T: Element>(&self, c: usize, y: i32, u: i32, v: i32) -> T {
        let level = y as f32 * self.luma + u as f32 * self.u[c] + v as f32 * self.v[c] + self.zero[c];
        T::from_value(level.clamp(0.0, 255.0) * self.gain[c] + self.bias[c])
    }

    fn row<T: Element>(&self, samples: &Scratch, tensor: &mut [T], spec: &InputSpec, (x, y): (usize, usize)) {
        // A copy of our own: the compiler then knows that the tensor's writes do not change it.
        let paint = *self;
        let length = samples.y.len();
        let (ys, us, vs) = (&samples.y[..length], &samples.u[..length], &samples.v[..length]);
        let start = y * spec.width + x;
        match spec.layout {
            TensorLayout::Nchw => {
                let area = spec.width * spec.height;
                for (c, plane) in tensor.chunks_exact_mut(area).enumerate() {
                    let out = &mut plane[start..][..length];
                    for i in 0..length {
                        out[i] = paint.value(c, ys[i], us[i], vs[i]);
                    }
                }
            }
            TensorLayout::Nhwc => {
                for (i, out) in tensor[start * 3..][..length * 3].chunks_exact_mut(3).enumerate() {
                    for (c, out) in out.iter_mut().enumerate() {
                        *out = paint.value(c, ys[i], us[i], vs[i]);
                    }
                }
            }
        }
    }
}

fn check_planes(picture: &Picture) -> Result<(), ShortPlane> {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let needs: &[(usize, usize)] = match picture.layout {
        PixelLayout::I420 => &[(width, height), (half_width, half_height), (half_width, half_height)],
        PixelLayout::Nv12 => &[(width, height), (half_width * 2, half_height)],
        PixelLayout::I444 => &[(width, height); 3],
    };
    for (plane, &(length, rows)) in needs.iter().enumerate() {
        let (bytes, stride) = picture.planes.plane(plane);
        let wanted = stride * rows.saturating_sub(1) + length;
        if bytes.len() < wanted || stride < length || length == 0 || rows == 0 {
            let (width, height, layout) = (picture.width, picture.height, picture.layout);
            return Err(ShortPlane { plane, width, height, layout, got: bytes.len(), stride, wanted });
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "letterbox_tests.rs"]
mod tests;
