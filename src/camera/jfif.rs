//! Pictures as JPEG files want them: 4:2:0, BT.601, full range, whatever the stream had.
//!
//! Between two matrices chroma comes from chroma alone, since what is grey stays grey; luma takes a share of it. GStreamer's own
//! converter is not used: it leaves the range as it is where the matrix is the same, and rounds down otherwise.

use crate::pipeline::frame::{Color, Matrix, Picture, PixelLayout};

/// Three planes, one after the other, each with its bytes in a row.
pub(super) struct Planar {
    pub(super) planes: [Vec<u8>; 3],
    pub(super) strides: [usize; 3],
}

/// The picture's planes in JFIF's colours.
pub(super) fn planar(picture: &Picture) -> Planar {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let to = Conversion::new(picture.color);
    let chroma = Chroma::new(picture);
    let mut planes = [Vec::with_capacity(width * height), Vec::new(), Vec::new()];
    let (luma, stride) = picture.planes.plane(0);
    let mut pairs = Vec::with_capacity(half_width);
    for row in 0..half_height {
        pairs.clear();
        pairs.extend((0..half_width).map(|x| chroma.at(x, row)));
        for row in (2 * row..2 * row + 2).take_while(|&row| row < height) {
            let luma = luma.get(row * stride..).unwrap_or_default().iter().take(width);
            planes[0].extend(luma.zip(0..).map(|(&y, x): (&u8, usize)| to.luma(y, pairs[x / 2])));
        }
        for pair in &pairs {
            let [u, v] = to.chroma(*pair);
            planes[1].push(u);
            planes[2].push(v);
        }
    }
    planes[0].resize(width * height, 0);
    Planar { planes, strides: [width, half_width, half_width] }
}

/// Chroma at half the width and height, less 128.
struct Chroma<'a> {
    planes: [(&'a [u8], usize); 2],
    /// Bytes from one to the next, in a row and by rows.
    step: usize,
    rows: usize,
}

impl<'a> Chroma<'a> {
    fn new(picture: &'a Picture) -> Self {
        let plane = |index| picture.planes.plane(index);
        match picture.layout {
            PixelLayout::I420 => Self { planes: [plane(1), plane(2)], step: 1, rows: 1 },
            PixelLayout::I444 => Self { planes: [plane(1), plane(2)], step: 2, rows: 2 },
            PixelLayout::Nv12 => {
                let (both, stride) = plane(1);
                Self { planes: [(both, stride), (both.get(1..).unwrap_or_default(), stride)], step: 2, rows: 1 }
            }
        }
    }

    fn at(&self, x: usize, row: usize) -> [f32; 2] {
        self.planes.map(|(bytes, stride)| {
            f32::from(bytes.get(row * self.rows * stride + x * self.step).copied().unwrap_or(128)) - 128.0
        })
    }
}

/// From a stream's colours to JFIF's: factors and what is added.
struct Conversion {
    luma: f32,
    black: f32,
    luma_of: [f32; 2],
    chroma_of: [[f32; 2]; 2],
}

impl Conversion {
    fn new(from: Color) -> Self {
        let (kr, kb) = shares(from.matrix);
        let (to_kr, to_kb) = shares(Matrix::Bt601);
        // Red, green and blue over luma, for each chroma at one half.
        let green = 1.0 - kr - kb;
        let of_u = [0.0, -2.0 * kb * (1.0 - kb) / green, 2.0 * (1.0 - kb)];
        let of_v = [2.0 * (1.0 - kr), -2.0 * kr * (1.0 - kr) / green, 0.0];
        let luma = |[r, g, b]: [f32; 3]| to_kr * r + (1.0 - to_kr - to_kb) * g + to_kb * b;
        let both = |rgb: [f32; 3]| {
            let y = luma(rgb);
            [y, (rgb[2] - y) / (2.0 - 2.0 * to_kb), (rgb[0] - y) / (2.0 - 2.0 * to_kr)]
        };
        let ([y_u, u_u, v_u], [y_v, u_v, v_v]) = (both(of_u), both(of_v));
        let (luma, black, chroma) =
            if from.full_range { (1.0, 0.0, 1.0) } else { (255.0 / 219.0, 16.0, 255.0 / 224.0) };
        Self {
            luma,
            black,
            luma_of: [y_u, y_v].map(|share| share * chroma),
            chroma_of: [[u_u, u_v], [v_u, v_v]].map(|row| row.map(|share| share * chroma)),
        }
    }

    fn luma(&self, y: u8, [u, v]: [f32; 2]) -> u8 {
        rounded((f32::from(y) - self.black) * self.luma + self.luma_of[0] * u + self.luma_of[1] * v)
    }

    fn chroma(&self, [u, v]: [f32; 2]) -> [u8; 2] {
        self.chroma_of.map(|[of_u, of_v]| rounded(128.0 + of_u * u + of_v * v))
    }
}

/// Red's and blue's share of luma.
const fn shares(matrix: Matrix) -> (f32, f32) {
    match matrix {
        Matrix::Bt601 => (0.299, 0.114),
        Matrix::Bt709 => (0.2126, 0.0722),
    }
}

/// The nearest byte; the cast stops at both ends.
fn rounded(value: f32) -> u8 {
    (value + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::pipeline::frame::OwnedPlanes;

    fn picture(layout: PixelLayout, color: Color, planes: Vec<(Vec<u8>, usize)>) -> Picture {
        Picture { width: 3, height: 3, layout, color, planes: Arc::new(OwnedPlanes(planes)) }
    }

    #[test]
    fn what_has_the_colours_already_stays_as_it_is() {
        let color = Color { matrix: Matrix::Bt601, full_range: true };
        let luma: Vec<u8> = (0..9).map(|i| i * 31).collect();
        let (u, v) = (vec![0, 255, 3, 77], vec![128, 9, 200, 255]);
        // Padded rows, and the last one short.
        let padded = [&luma[..3], &[7; 2], &luma[3..6], &[7; 2], &luma[6..]].concat();
        let both = vec![0, 128, 255, 9, 3, 200, 77, 255];
        for (layout, planes) in [
            (PixelLayout::I420, vec![(padded.clone(), 5), (u.clone(), 2), (v.clone(), 2)]),
            (PixelLayout::Nv12, vec![(padded, 5), (both, 4)]),
        ] {
            let made = planar(&picture(layout, color, planes));
            assert_eq!((made.planes, made.strides), ([luma.clone(), u.clone(), v.clone()], [3, 2, 2]));
        }
    }

    #[test]
    fn black_white_and_grey_are_so_in_any_matrix() {
        for matrix in [Matrix::Bt601, Matrix::Bt709] {
            let to = Conversion::new(Color { matrix, full_range: false });
            assert_eq!([10, 16, 126, 235, 250].map(|y| to.luma(y, [0.0; 2])), [0, 0, 128, 255, 255]);
            assert_eq!(to.chroma([0.0; 2]), [128; 2]);
        }
    }

    #[test]
    fn pure_blue_of_bt709_is_that_of_bt601() {
        let to = Conversion::new(Color { matrix: Matrix::Bt709, full_range: true });
        // H.273: blue has luma of its share, and the most of its own chroma.
        let blue = [127.5, -127.5 * 0.0722 / (1.0 - 0.2126)];
        assert_eq!(to.luma(18, blue), 29);
        assert_eq!(to.chroma(blue), [255, 107]);
    }
}
