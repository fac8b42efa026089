//! The letterbox against a copy of its input planes: `cargo bench --no-default-features --features inference --bench letterbox`.
//!
//! The aim is at most three copies for 1080p to 416x416. Pictures are taken in turns from more than a cache holds, since a
//! decoder's frame comes from memory too; the copy goes to memory that is there already.
#![allow(missing_docs, reason = "criterion's macros make public items")]

mod cpu_time;

use std::hint::black_box;
use std::sync::Arc;

use self::cpu_time::CpuTime;
use criterion::{Criterion, criterion_group, criterion_main};
use lightbar::inference::Resize;
use lightbar::inference::letterbox::{ChannelOrder, Element, ElementType, InputSpec, Letterbox, TensorLayout};
use lightbar::pipeline::frame::{Color, Matrix, OwnedPlanes, Picture, PixelLayout};

const WIDTH: usize = 1920;
const HEIGHT: usize = 1080;
/// 75 MB of pictures.
const TURNS: usize = 24;

fn picture(layout: PixelLayout) -> Picture {
    let plane = |length: usize, rows: usize| {
        ((0..length * rows).map(|i| (i * 7 + i / length) as u8).collect::<Vec<u8>>(), length)
    };
    let planes = match layout {
        PixelLayout::Nv12 => vec![plane(WIDTH, HEIGHT), plane(WIDTH, HEIGHT / 2)],
        _ => vec![plane(WIDTH, HEIGHT), plane(WIDTH / 2, HEIGHT / 2), plane(WIDTH / 2, HEIGHT / 2)],
    };
    let color = Color { matrix: Matrix::Bt709, full_range: false };
    Picture { width: WIDTH as u32, height: HEIGHT as u32, layout, color, planes: Arc::new(OwnedPlanes(planes)) }
}

fn spec(layout: TensorLayout, element: ElementType) -> InputSpec {
    let (mean, std) = ([0.0; 3], [1.0; 3]);
    InputSpec {
        width: 416,
        height: 416,
        layout,
        element,
        color: ChannelOrder::Bgr,
        scale: 1.0,
        mean,
        std,
        resize: Resize::Letterbox,
        pad: 114,
    }
}

fn pictures(layout: PixelLayout) -> Vec<Picture> {
    (0..TURNS).map(|_| picture(layout)).collect()
}

fn fill<T: Element>(criterion: &mut Criterion<CpuTime>, name: &str, pictures: &[Picture], spec: InputSpec) {
    let mut letterbox = Letterbox::<T>::new(spec);
    let mut turns = pictures.iter().cycle();
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| {
            let picture = turns.next().expect("a cycle has no end");
            letterbox.fill(black_box(picture)).expect("the picture is whole");
            black_box(letterbox.tensor());
        });
    });
}

fn benches(criterion: &mut Criterion<CpuTime>) {
    let nv12 = pictures(PixelLayout::Nv12);
    let mut copies: Vec<Vec<u8>> = (0..2).map(|i| vec![0; nv12[0].planes.plane(i).0.len()]).collect();
    let mut turns = nv12.iter().cycle();
    criterion.bench_function("copy of the planes", |bencher| {
        bencher.iter(|| {
            let picture = turns.next().expect("a cycle has no end");
            for (i, copy) in copies.iter_mut().enumerate() {
                copy.copy_from_slice(black_box(picture).planes.plane(i).0);
            }
            black_box(&copies);
        });
    });
    let floats = || spec(TensorLayout::Nchw, ElementType::F32);
    fill::<f32>(criterion, "NV12 to f32 NCHW", &nv12, floats());
    fill::<f32>(criterion, "I420 to f32 NCHW", &pictures(PixelLayout::I420), floats());
    fill::<u8>(criterion, "NV12 to u8 NHWC", &nv12, spec(TensorLayout::Nhwc, ElementType::U8));
}

criterion_group! {
    name = letterbox;
    config = Criterion::default().with_measurement(CpuTime::THREAD);
    targets = benches
}
criterion_main!(letterbox);
