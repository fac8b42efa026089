//! What actors are made of on the picture: capsules, ellipses and convex polygons, each with a colour.

use super::view::P2;

/// Red, green, blue, 0..1.
pub type Rgb = [f32; 3];

/// The colour times a factor.
pub fn shade(c: Rgb, k: f32) -> Rgb {
    [c[0] * k, c[1] * k, c[2] * k]
}

/// The colour between two.
pub fn blend(a: Rgb, b: Rgb, t: f32) -> Rgb {
    [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t]
}

/// A form in pixels.
#[derive(Clone, Debug)]
pub enum Form {
    /// A line with round ends, thick at each end as given.
    Capsule {
        /// From here.
        a: P2,
        /// To here.
        b: P2,
        /// Half thickness at `a`.
        ra: f32,
        /// Half thickness at `b`.
        rb: f32,
    },
    /// An upright ellipse.
    Ellipse {
        /// Its centre.
        c: P2,
        /// Half its width.
        rx: f32,
        /// Half its height.
        ry: f32,
    },
    /// A convex polygon, either way round.
    Poly(Vec<P2>),
}

/// A form with its paint.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Where.
    pub form: Form,
    /// Which colour.
    pub color: Rgb,
    /// 1 covers what is behind.
    pub alpha: f32,
    /// Fades from its middle to its edge instead of ending there (a shadow).
    pub soft: bool,
}

impl Shape {
    /// A covering shape.
    pub fn new(form: Form, color: Rgb) -> Self {
        Self { form, color, alpha: 1.0, soft: false }
    }
}

/// A rectangle of the picture in pixels: left, top, right, bottom.
pub type Extent = [f32; 4];

impl Form {
    /// What it covers at most.
    pub fn extent(&self) -> Extent {
        match self {
            Self::Capsule { a, b, ra, rb } => [
                (a[0] - ra).min(b[0] - rb),
                (a[1] - ra).min(b[1] - rb),
                (a[0] + ra).max(b[0] + rb),
                (a[1] + ra).max(b[1] + rb),
            ],
            Self::Ellipse { c, rx, ry } => [c[0] - rx, c[1] - ry, c[0] + rx, c[1] + ry],
            Self::Poly(points) => {
                points.iter().fold(EMPTY, |e, p| [e[0].min(p[0]), e[1].min(p[1]), e[2].max(p[0]), e[3].max(p[1])])
            }
        }
    }
}

const EMPTY: Extent = [f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY];

/// What all of them cover at most; `None` for no shape.
pub fn extent(shapes: &[Shape]) -> Option<Extent> {
    let all = shapes
        .iter()
        .map(|s| s.form.extent())
        .fold(EMPTY, |e, s| [e[0].min(s[0]), e[1].min(s[1]), e[2].max(s[2]), e[3].max(s[3])]);
    (all[0] < all[2] && all[1] < all[3]).then_some(all)
}
