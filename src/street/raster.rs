//! From shapes to pixels: signed distances, so that edges are smooth without drawing anything twice.

use super::shape::{Form, Rgb, Shape};
use super::view::P2;

/// A picture in the making. `owner` says per pixel which actor is in front (0: nobody).
#[derive(Clone, Debug)]
pub struct Canvas {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Red, green, blue, 0..1, row by row.
    pub pixels: Vec<Rgb>,
    /// The actor in front.
    pub owner: Vec<u16>,
}

impl Canvas {
    /// An empty picture.
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![[0.0; 3]; width * height], owner: vec![0; width * height] }
    }

    /// Draws a shape of `owner`; gives how many pixels it has newly taken from others.
    pub fn draw(&mut self, shape: &Shape, owner: u16) -> u32 {
        let e = shape.form.extent();
        let (x0, x1) = (clamp(e[0] - 1.0, self.width), clamp(e[2] + 2.0, self.width));
        let (y0, y1) = (clamp(e[1] - 1.0, self.height), clamp(e[3] + 2.0, self.height));
        let pen = Pen::new(&shape.form);
        let mut taken = 0;
        for y in y0..y1 {
            let row = y * self.width;
            for x in x0..x1 {
                let (cover, round) = pen.at([x as f32 + 0.5, y as f32 + 0.5], shape.soft);
                let alpha = cover * shape.alpha;
                if alpha <= 0.004 {
                    continue;
                }
                let pixel = &mut self.pixels[row + x];
                for (channel, &paint) in pixel.iter_mut().zip(&shape.color) {
                    *channel += (paint * round - *channel) * alpha;
                }
                if alpha > 0.5 && !shape.soft && self.owner[row + x] != owner {
                    self.owner[row + x] = owner;
                    taken += 1;
                }
            }
        }
        taken
    }
}

fn clamp(v: f32, size: usize) -> usize {
    v.clamp(0.0, size as f32) as usize
}

/// A form made ready to be asked pixel by pixel.
enum Pen {
    Capsule {
        a: P2,
        d: P2,
        inv: f32,
        ra: f32,
        dr: f32,
    },
    Ellipse {
        c: P2,
        rx: f32,
        ry: f32,
    },
    /// Edges as (nx, ny, offset) with normals pointing out.
    Poly(Vec<[f32; 3]>),
}

impl Pen {
    fn new(form: &Form) -> Self {
        match form {
            Form::Capsule { a, b, ra, rb } => {
                let d = [b[0] - a[0], b[1] - a[1]];
                let len2 = d[0] * d[0] + d[1] * d[1];
                Self::Capsule { a: *a, d, inv: if len2 > 1e-6 { 1.0 / len2 } else { 0.0 }, ra: *ra, dr: rb - ra }
            }
            Form::Ellipse { c, rx, ry } => Self::Ellipse { c: *c, rx: rx.max(0.2), ry: ry.max(0.2) },
            Form::Poly(points) => Self::Poly(edges(points)),
        }
    }

    /// How much of the pixel is covered, and how bright a round body is there.
    fn at(&self, p: P2, soft: bool) -> (f32, f32) {
        match self {
            Self::Capsule { a, d, inv, ra, dr } => {
                let r = [p[0] - a[0], p[1] - a[1]];
                let t = ((r[0] * d[0] + r[1] * d[1]) * inv).clamp(0.0, 1.0);
                let off = [r[0] - d[0] * t, r[1] - d[1] * t];
                let (dist, radius) = ((off[0] * off[0] + off[1] * off[1]).sqrt(), ra + dr * t);
                // A line thinner than a pixel is faint, not gone.
                let cover = (radius + 0.5 - dist).clamp(0.0, (2.0 * radius).min(1.0));
                let side = (dist / radius.max(0.5)).min(1.0) * if off[0] < 0.0 { -0.5 } else { 1.0 };
                (cover, 1.06 - 0.22 * side)
            }
            Self::Ellipse { c, rx, ry } => {
                let (u, v) = ((p[0] - c[0]) / rx, (p[1] - c[1]) / ry);
                let k = (u * u + v * v).sqrt();
                if soft {
                    let fade = (1.0 - k).max(0.0);
                    return (fade * fade * (3.0 - 2.0 * fade), 1.0);
                }
                (((1.0 - k) * rx.min(*ry) + 0.5).clamp(0.0, 1.0), 1.04 - 0.12 * u - 0.10 * v)
            }
            Self::Poly(edges) => {
                let mut worst = f32::NEG_INFINITY;
                for e in edges {
                    worst = worst.max(e[0] * p[0] + e[1] * p[1] - e[2]);
                }
                ((0.5 - worst).clamp(0.0, 1.0), 1.0)
            }
        }
    }
}

fn edges(points: &[P2]) -> Vec<[f32; 3]> {
    let next = |i: usize| points[(i + 1) % points.len()];
    let area: f32 = points.iter().enumerate().map(|(i, a)| a[0] * next(i)[1] - next(i)[0] * a[1]).sum();
    let way = if area > 0.0 { 1.0 } else { -1.0 };
    let mut out = Vec::with_capacity(points.len());
    for (i, a) in points.iter().enumerate() {
        let b = next(i);
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        let len = (dx * dx + dy * dy).sqrt();
        if len > 1e-4 {
            let (nx, ny) = (way * dy / len, -way * dx / len);
            out.push([nx, ny, nx * a[0] + ny * a[1]]);
        }
    }
    out
}
