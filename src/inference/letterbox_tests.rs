//! The letterbox against a naive one that does every pixel on its own, in floating point.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::pipeline::frame::{Color, Matrix, OwnedPlanes};

fn spec(width: usize, height: usize) -> InputSpec {
    InputSpec {
        width,
        height,
        layout: TensorLayout::Nchw,
        element: ElementType::F32,
        color: ChannelOrder::Rgb,
        scale: 1.0,
        mean: [0.0; 3],
        std: [1.0; 3],
        resize: Resize::Letterbox,
        pad: 114,
    }
}

fn picture(width: u32, height: u32, layout: PixelLayout, color: Color) -> Picture {
    let mut seed = u64::from(width) << 32 | u64::from(height);
    let mut plane = |length: usize, rows: usize, padding: usize| {
        let stride = length + padding;
        let bytes = (0..stride * rows).map(|i| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Gradients with noise: both flat areas and edges.
            ((i % stride) as u64 * 3 + (i / stride) as u64 * 5 + (seed >> 60)) as u8
        });
        (bytes.collect::<Vec<u8>>(), stride)
    };
    let (w, h) = (width as usize, height as usize);
    let (hw, hh) = (w.div_ceil(2), h.div_ceil(2));
    let planes = match layout {
        PixelLayout::I420 => vec![plane(w, h, 5), plane(hw, hh, 3), plane(hw, hh, 0)],
        PixelLayout::Nv12 => vec![plane(w, h, 0), plane(hw * 2, hh, 6)],
        PixelLayout::I444 => vec![plane(w, h, 1), plane(w, h, 0), plane(w, h, 2)],
    };
    Picture { width, height, layout, color, planes: Arc::new(OwnedPlanes(planes)) }
}

/// One sample of a component at a place given in luma pixels.
fn sample(picture: &Picture, component: usize, x: f64, y: f64) -> f64 {
    let halved = component > 0 && picture.layout != PixelLayout::I444;
    let interleaved = component > 0 && picture.layout == PixelLayout::Nv12;
    let (bytes, stride) = picture.planes.plane(if interleaved { 1 } else { component });
    let size = |length: u32| if halved { length.div_ceil(2) } else { length } as usize;
    let (w, h) = (size(picture.width), size(picture.height));
    let place = |at: f64, n: usize| if halved { at / 2.0 - 0.5 } else { at - 0.5 }.clamp(0.0, (n - 1) as f64);
    let (px, py) = (place(x, w), place(y, h));
    let at = |x: usize, y: usize| {
        let (x, y) = (x.min(w - 1), y.min(h - 1));
        let column = if interleaved { x * 2 + component - 1 } else { x };
        f64::from(bytes[y * stride + column])
    };
    let (x0, y0, fx, fy) = (px.floor() as usize, py.floor() as usize, px.fract(), py.fract());
    let upper = at(x0, y0) * (1.0 - fx) + at(x0 + 1, y0) * fx;
    let lower = at(x0, y0 + 1) * (1.0 - fx) + at(x0 + 1, y0 + 1) * fx;
    upper * (1.0 - fy) + lower * fy
}

/// Textbook equations, written out for each of the four colour descriptions.
fn rgb(color: Color, y: f64, u: f64, v: f64) -> [f64; 3] {
    let (u, v) = (u - 128.0, v - 128.0);
    let rgb = match (color.matrix, color.full_range) {
        (Matrix::Bt601, true) => [y + 1.402 * v, y - 0.344_136 * u - 0.714_136 * v, y + 1.772 * u],
        (Matrix::Bt601, false) => {
            let y = 1.164_384 * (y - 16.0);
            [y + 1.596_027 * v, y - 0.391_762 * u - 0.812_968 * v, y + 2.017_232 * u]
        }
        (Matrix::Bt709, true) => [y + 1.5748 * v, y - 0.187_324 * u - 0.468_124 * v, y + 1.8556 * u],
        (Matrix::Bt709, false) => {
            let y = 1.164_384 * (y - 16.0);
            [y + 1.792_741 * v, y - 0.213_249 * u - 0.532_909 * v, y + 2.112_402 * u]
        }
    };
    rgb.map(|level| level.clamp(0.0, 255.0))
}

fn naive(picture: &Picture, spec: &InputSpec) -> Vec<f64> {
    let (_, inner) =
        Placement::fit((picture.width as usize, picture.height as usize), (spec.width, spec.height), spec.resize);
    let mut out = vec![0.0; spec.width * spec.height * 3];
    for y in 0..spec.height {
        for x in 0..spec.width {
            let inside = (inner.left..inner.left + inner.width).contains(&x)
                && (inner.top..inner.top + inner.height).contains(&y);
            let levels = if inside {
                let px = ((x - inner.left) as f64 + 0.5) * f64::from(picture.width) / inner.width as f64;
                let py = ((y - inner.top) as f64 + 0.5) * f64::from(picture.height) / inner.height as f64;
                let [a, b, c] = rgb(
                    picture.color,
                    sample(picture, 0, px, py),
                    sample(picture, 1, px, py),
                    sample(picture, 2, px, py),
                );
                if spec.color == ChannelOrder::Bgr { [c, b, a] } else { [a, b, c] }
            } else {
                [f64::from(spec.pad); 3]
            };
            for (c, level) in levels.into_iter().enumerate() {
                let at = match spec.layout {
                    TensorLayout::Nchw => (c * spec.height + y) * spec.width + x,
                    TensorLayout::Nhwc => (y * spec.width + x) * 3 + c,
                };
                out[at] = (level * f64::from(spec.scale) - f64::from(spec.mean[c])) / f64::from(spec.std[c]);
            }
        }
    }
    out
}

fn largest_difference<T: Copy + Into<f64>>(ours: &[T], naive: &[f64]) -> f64 {
    assert_eq!(ours.len(), naive.len());
    ours.iter().zip(naive).map(|(&a, b)| (a.into() - b).abs()).fold(0.0, f64::max)
}

const FULL_601: Color = Color { matrix: Matrix::Bt601, full_range: true };

fn any_layout() -> impl Strategy<Value = PixelLayout> {
    prop::sample::select(vec![PixelLayout::I420, PixelLayout::Nv12, PixelLayout::I444])
}

fn any_color() -> impl Strategy<Value = Color> {
    (prop::sample::select(vec![Matrix::Bt601, Matrix::Bt709]), any::<bool>())
        .prop_map(|(matrix, full_range)| Color { matrix, full_range })
}

fn any_spec() -> impl Strategy<Value = InputSpec> {
    let resize = prop::sample::select(vec![Resize::Letterbox, Resize::LetterboxCentered, Resize::Stretch]);
    (1_usize..40, 1_usize..40, any::<bool>(), any::<bool>(), resize).prop_map(|(width, height, nhwc, bgr, resize)| {
        InputSpec {
            layout: if nhwc { TensorLayout::Nhwc } else { TensorLayout::Nchw },
            color: if bgr { ChannelOrder::Bgr } else { ChannelOrder::Rgb },
            resize,
            ..spec(width, height)
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn equals_the_naive_one(w in 1_u32..70, h in 1_u32..70, layout in any_layout(), color in any_color(), spec in any_spec()) {
        let picture = picture(w, h, layout, color);
        let wanted = naive(&picture, &spec);
        let mut ours = Letterbox::<f32>::new(spec);
        ours.fill(&picture).unwrap();
        // Weights down have 8 bits: half a step of 255 levels, times the largest gain of the matrix (2.1), in luma and chroma.
        let difference = largest_difference(ours.tensor(), &wanted);
        prop_assert!(difference < 2.2, "{difference}");
    }

    #[test]
    fn every_level_stays_in_range(w in 1_u32..50, h in 1_u32..50, layout in any_layout(), color in any_color(), spec in any_spec()) {
        let mut ours = Letterbox::<f32>::new(spec);
        ours.fill(&picture(w, h, layout, color)).unwrap();
        prop_assert!(ours.tensor().iter().all(|level| (0.0..=255.0).contains(level)));
    }
}

#[test]
fn normalization_and_bytes_follow_the_levels() {
    let picture = picture(64, 48, PixelLayout::I420, FULL_601);
    let normalized =
        InputSpec { scale: 1.0 / 255.0, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], ..spec(32, 32) };
    let mut floats = Letterbox::<f32>::new(normalized.clone());
    floats.fill(&picture).unwrap();
    assert!(largest_difference(floats.tensor(), &naive(&picture, &normalized)) < 0.04);
    let bytes_spec =
        InputSpec { layout: TensorLayout::Nhwc, element: ElementType::U8, resize: Resize::Stretch, ..spec(32, 32) };
    let mut bytes = Letterbox::<u8>::new(bytes_spec.clone());
    bytes.fill(&picture).unwrap();
    assert!(largest_difference(bytes.tensor(), &naive(&picture, &bytes_spec)) < 2.2);
}

#[test]
fn a_grey_picture_stays_grey_whatever_its_size() {
    for (w, h) in [(1920, 1080), (1279, 719), (3, 5), (1, 1)] {
        let planes = OwnedPlanes(vec![(vec![77; w * h], w), (vec![128; w * h], w), (vec![128; w * h], w)]);
        let picture = Picture {
            width: w as u32,
            height: h as u32,
            layout: PixelLayout::I444,
            color: FULL_601,
            planes: Arc::new(planes),
        };
        let mut ours = Letterbox::<f32>::new(InputSpec { resize: Resize::Stretch, ..spec(16, 16) });
        ours.fill(&picture).unwrap();
        assert!(ours.tensor().iter().all(|level| (level - 77.0).abs() < 1e-3), "{w}x{h}: {:?}", ours.tensor());
    }
}

#[test]
fn the_padding_is_new_when_the_picture_changes_its_shape() {
    let mut ours = Letterbox::<f32>::new(spec(32, 32));
    ours.fill(&picture(20, 64, PixelLayout::I420, FULL_601)).unwrap();
    let flat = picture(64, 20, PixelLayout::Nv12, FULL_601);
    ours.fill(&flat).unwrap();
    assert!(largest_difference(ours.tensor(), &naive(&flat, &spec(32, 32))) < 2.2);
}

#[test]
fn short_planes_are_refused() {
    let mut picture = picture(64, 48, PixelLayout::I420, FULL_601);
    picture.height = 64;
    let error = Letterbox::<f32>::new(spec(32, 32)).fill(&picture).unwrap_err();
    assert!(error.to_string().contains("plane 0 of a 64x64"), "{error}");
    picture.height = 0;
    assert!(Letterbox::<f32>::new(spec(32, 32)).fill(&picture).is_err());
}
