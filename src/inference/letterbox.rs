//! From YUV planes straight into a model's input tensor.
//!
//! Each output row is made of the few source rows that it needs: the rows are blended first (whole rows, which the compiler
//! turns into vector code), then sampled across, then coloured at the output's size. No full-frame RGB picture exists.
//! Sampling is bilinear with half-pixel centres and without an anti-aliasing filter: what `cv2.resize(INTER_LINEAR)` does,
//! and what the models were trained on. Chroma is taken as centred between its luma samples; cameras that site it left are off
//! by half a luma pixel, which no detector sees.
//!
//! The tensor lives here and is used again for each frame; its padding is written only when the picture's geometry changes.

use std::hint::black_box;

use super::geometry::{Placement, Resize};
use super::paint::Paint;
use crate::pipeline::frame::{Picture, PixelLayout};

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
        // A float from 2^23 on has no fraction: adding that rounds, and leaves the byte at the end of the number's bits. A cast
        // would ask of each number by itself whether it fits; this becomes vector code.
        (value.clamp(0.0, 255.0) + 8_388_608.0).to_bits() as u8
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
    painted: [Vec<T>; 3],
}

impl<T: Element> Letterbox<T> {
    /// An empty tensor.
    pub fn new(spec: InputSpec) -> Self {
        let tensor = vec![T::default(); spec.width * spec.height * 3];
        Self { spec, tensor, plan: None, scratch: Scratch::default(), painted: Default::default() }
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
        let Self { spec, tensor, plan: Some(plan), scratch, painted } = self else {
            unreachable!("the plan was made above")
        };
        let paint = Paint::new(picture.color, spec);
        scratch.resize(plan);
        for row in 0..plan.luma.y.len() {
            plan.sample(picture, row, scratch);
            let (x, y) = (plan.left, plan.top + row);
            paint.row([&scratch.y, &scratch.u, &scratch.v], painted, tensor, (spec, x, y));
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

/// Two neighbouring samples and how to blend them: the upper weighs `ONE_DOWN - weight`, the lower `weight`.
#[derive(Clone, Copy, Debug)]
struct Tap {
    at: u32,
    weight: u16,
}

/// Weights down are of 8 bits, so that a blended row fits 16 bits without loss.
const ONE_DOWN: u16 = 1 << 8;
/// Bytes that come from memory together.
const CACHE_LINE: usize = 64;
/// What a blended sample is to be divided by.
pub(super) const UNIT: f32 = 1.0 / ONE_DOWN as f32;

/// Where the samples of an output row lie: apart from their weights, since what is fetched one by one and what is reckoned many at
/// a time are two loops.
#[derive(Debug)]
struct Across {
    at: Vec<u32>,
    /// Of the right sample, 0..1.
    weight: Vec<f32>,
}

#[derive(Debug)]
struct Axes {
    x: Across,
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
            let (at, weight) = places(source.0, inner.width, halved)
                .map(|(at, rest)| (at, rest as f32))
                .unzip::<_, _, Vec<_>, Vec<_>>();
            let down = |(at, rest): (u32, f64)| Tap { at, weight: (rest * f64::from(ONE_DOWN)).round() as u16 };
            Axes {
                x: Across { at, weight },
                y: places(source.1, inner.height, halved).map(down).collect(),
                width: part(source.0),
                height: part(source.1),
            }
        };
        Self { geometry, placement, left: inner.left, top: inner.top, luma: axes(false), chroma: axes(halved) }
    }

    /// Brings the source rows of an output row nearer: a frame lies in far memory, rows that are used lie pages apart, and blending
    /// them would wait for one line after the other. Reading a byte of each line has many of them on their way at once.
    fn fetch(&self, picture: &Picture, row: usize) {
        let planes: &[&Axes] = match picture.layout {
            PixelLayout::Nv12 => &[&self.luma, &self.chroma],
            _ => &[&self.luma, &self.chroma, &self.chroma],
        };
        for (plane, axes) in planes.iter().enumerate() {
            let (Some(tap), (bytes, stride)) = (axes.y.get(row), picture.planes.plane(plane)) else { return };
            let begin = tap.at as usize * stride;
            let both = &bytes[begin.min(bytes.len())..(begin + 2 * stride).min(bytes.len())];
            black_box(both.iter().step_by(CACHE_LINE).fold(0, |read, byte| read ^ byte));
        }
    }

    /// Fills the three sample rows for one output row.
    fn sample(&self, picture: &Picture, row: usize, scratch: &mut Scratch) {
        let Scratch { blended, left, right, y, u, v } = scratch;
        self.fetch(picture, row + 1);
        blend(picture, 0, &self.luma, (row, self.luma.width), blended);
        across(blended, &self.luma.x, left, y);
        if picture.layout == PixelLayout::Nv12 {
            blend(picture, 1, &self.chroma, (row, self.chroma.width * 2), blended);
            // The pair behind the last one repeats it.
            let end = self.chroma.width * 2;
            (blended[end], blended[end + 1]) = (blended[end - 2], blended[end - 1]);
            across_pairs(blended, &self.chroma.x, (left, right), (u, v));
        } else {
            for (plane, out) in [(1, u), (2, v)] {
                blend(picture, plane, &self.chroma, (row, self.chroma.width), blended);
                across(blended, &self.chroma.x, left, out);
            }
        }
    }
}

/// Where each of `to` output samples lies among the samples of an axis of `from` luma pixels: behind which, and how far.
fn places(from: usize, to: usize, halved: bool) -> impl Iterator<Item = (u32, f64)> {
    let scale = from as f64 / to as f64;
    let samples = if halved { from.div_ceil(2) } else { from };
    let last = (samples - 1) as f64;
    (0..to).map(move |i| {
        let luma = (i as f64 + 0.5) * scale;
        let at = if halved { luma / 2.0 - 0.5 } else { luma - 0.5 }.clamp(0.0, last);
        (at.floor() as u32, at.fract())
    })
}

/// Rows that are used again and again.
#[derive(Debug, Default)]
struct Scratch {
    blended: Vec<u16>,
    /// Two neighbours in one number: fetched one by one, blended many at a time.
    left: Vec<u32>,
    right: Vec<u32>,
    y: Vec<f32>,
    u: Vec<f32>,
    v: Vec<f32>,
}

impl Scratch {
    fn resize(&mut self, plan: &Plan) {
        // One more pair than the widest row: the right neighbour of the last sample.
        self.blended.resize(plan.luma.width.max(plan.chroma.width * 2) + 2, 0);
        let width = plan.luma.x.at.len();
        for row in [&mut self.left, &mut self.right] {
            row.resize(width, 0);
        }
        for row in [&mut self.y, &mut self.u, &mut self.v] {
            row.resize(width, 0.0);
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
        let (w0, w1) = (ONE_DOWN - tap.weight, tap.weight);
        for ((out, &a), &b) in out_row.iter_mut().zip(upper).zip(lower) {
            // At most 255 * 256, since the weights sum up to 256.
            *out = u16::from(a).wrapping_mul(w0).wrapping_add(u16::from(b).wrapping_mul(w1));
        }
    }
    out[length] = out[length - 1];
}

/// Both halves of a number as floats. By way of i32, which becomes vector code.
#[inline]
fn halves(pair: u32) -> (f32, f32) {
    ((pair & 0xffff) as i32 as f32, (pair >> 16) as i32 as f32)
}

#[inline]
const fn pair(first: u16, second: u16) -> u32 {
    first as u32 | (second as u32) << 16
}

fn across(row: &[u16], taps: &Across, neighbours: &mut [u32], out: &mut [f32]) {
    for (neighbours, &at) in neighbours.iter_mut().zip(&taps.at) {
        // One check for both; the row is one sample longer than the last tap reaches.
        let Some(&[a, b]) = row.get(at as usize..).and_then(<[u16]>::first_chunk) else { continue };
        *neighbours = pair(a, b);
    }
    for ((out, &neighbours), &weight) in out.iter_mut().zip(&*neighbours).zip(&taps.weight) {
        let (a, b) = halves(neighbours);
        *out = a + (b - a) * weight;
    }
}

fn across_pairs(
    row: &[u16],
    taps: &Across,
    (left, right): (&mut [u32], &mut [u32]),
    (first, second): (&mut [f32], &mut [f32]),
) {
    for ((left, right), &at) in left.iter_mut().zip(right.iter_mut()).zip(&taps.at) {
        let Some(&[a, b, c, d]) = row.get(at as usize * 2..).and_then(<[u16]>::first_chunk) else { continue };
        (*left, *right) = (pair(a, b), pair(c, d));
    }
    let sampled = first.iter_mut().zip(second);
    for ((((first, second), &left), &right), &weight) in sampled.zip(&*left).zip(&*right).zip(&taps.weight) {
        let ((a, b), (c, d)) = (halves(left), halves(right));
        *first = a + (c - a) * weight;
        *second = b + (d - b) * weight;
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
