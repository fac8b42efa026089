//! How actors become shapes on the picture: joints in the world, so that they look right from any side, near or far. Here are
//! the tools and the simple bodies: bicycle, bag and the things that stand in the way.

use super::shape::{Form, Rgb, Shape, shade};
use super::view::{P2, P3, View};

/// Where a body stands and which way it faces.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stand {
    /// To the right, in metres.
    pub x: f32,
    /// Away, in metres.
    pub z: f32,
    /// Direction of travel: 0 is +x, a quarter turn is +z.
    pub heading: f32,
}

impl Stand {
    /// The point `ahead`, `up` and to the `left` of it.
    pub fn at(&self, ahead: f32, up: f32, left: f32) -> P3 {
        let (s, c) = self.heading.sin_cos();
        [self.x + ahead * c - left * s, up, self.z + ahead * s + left * c]
    }
}

/// Collects the shapes of one body.
pub struct Sketch<'a> {
    pub(super) view: &'a View,
    /// What was drawn, back to front.
    pub shapes: Vec<Shape>,
}

impl<'a> Sketch<'a> {
    /// An empty one.
    pub fn new(view: &'a View) -> Self {
        Self { view, shapes: Vec::with_capacity(32) }
    }

    pub(super) fn limb(&mut self, from: P3, to: P3, radii: (f32, f32), color: Rgb) {
        if let (Some((a, da)), Some((b, db))) = (self.view.project(from), self.view.project(to)) {
            let form = Form::Capsule { a, b, ra: radii.0 * self.view.scale(da), rb: radii.1 * self.view.scale(db) };
            self.shapes.push(Shape::new(form, color));
        }
    }

    pub(super) fn ball(&mut self, at: P3, rx: f32, ry: f32, color: Rgb) {
        if let Some((c, depth)) = self.view.project(at) {
            let k = self.view.scale(depth);
            self.shapes.push(Shape::new(Form::Ellipse { c, rx: rx * k, ry: ry * k }, color));
        }
    }

    pub(super) fn face(&mut self, corners: &[P3], color: Rgb) {
        let outline = self.view.outline(corners);
        if outline.len() >= 3 {
            self.shapes.push(Shape::new(Form::Poly(outline), color));
        }
    }

    /// A soft shadow on the ground.
    pub fn shadow(&mut self, stand: &Stand, long: f32, wide: f32, strength: f32) {
        let Some((c, depth)) = self.view.project(stand.at(0.0, 0.0, 0.0)) else { return };
        let k = self.view.scale(depth);
        let along = stand.heading.cos().abs();
        let rx = (long * along + wide * (1.0 - along)) * k;
        let flat = (self.view.eye[1] / depth).clamp(0.08, 0.9);
        let ry = (wide * along + long * (1.0 - along)) * k * flat;
        let form = Form::Ellipse { c: [c[0] + rx * 0.15, c[1]], rx: rx * 1.25, ry: ry * 1.3 };
        self.shapes.push(Shape { form, color: [0.03, 0.03, 0.05], alpha: strength, soft: true });
    }
}

/// Draws a bicycle, its wheels turned by `turn` (radians).
pub fn bicycle(sketch: &mut Sketch<'_>, stand: &Stand, frame: Rgb, turn: f32) {
    let (r, hubs) = (0.335, [-0.52, 0.52]);
    let tyre = [0.07, 0.07, 0.08];
    for hub in hubs {
        let spoke = |k: usize, n: usize, radius: f32| {
            let a = turn + std::f32::consts::TAU * k as f32 / n as f32;
            stand.at(hub + radius * a.cos(), r + radius * a.sin(), 0.0)
        };
        for k in 0..5 {
            sketch.limb(spoke(k, 5, r * 0.95), stand.at(hub, r, 0.0), (0.006, 0.006), [0.55, 0.55, 0.56]);
        }
        for k in 0..20 {
            sketch.limb(spoke(k, 20, r), spoke(k + 1, 20, r), (0.026, 0.026), tyre);
        }
    }
    let (crank, seat, neck) = (stand.at(-0.06, 0.30, 0.0), stand.at(-0.22, 0.84, 0.0), stand.at(0.38, 0.86, 0.0));
    let (rear, front) = (stand.at(hubs[0], r, 0.0), stand.at(hubs[1], r, 0.0));
    let low_neck = stand.at(0.41, 0.72, 0.0);
    for (a, b) in [(rear, crank), (rear, seat), (crank, seat), (crank, low_neck), (seat, neck)] {
        sketch.limb(a, b, (0.024, 0.024), frame);
    }
    sketch.limb(neck, front, (0.022, 0.018), shade(frame, 0.85));
    sketch.limb(seat, stand.at(-0.24, 0.94, 0.0), (0.018, 0.018), [0.5, 0.5, 0.52]);
    sketch.limb(stand.at(-0.36, 0.96, 0.0), stand.at(-0.12, 0.95, 0.0), (0.05, 0.03), tyre);
    sketch.limb(neck, stand.at(0.39, 1.0, 0.0), (0.02, 0.02), [0.4, 0.4, 0.42]);
    sketch.limb(stand.at(0.42, 1.02, -0.26), stand.at(0.42, 1.02, 0.26), (0.022, 0.022), tyre);
    sketch.limb(stand.at(-0.56, 0.70, 0.0), stand.at(-0.28, 0.70, 0.0), (0.022, 0.022), [0.2, 0.2, 0.2]);
    sketch.ball(crank, 0.08, 0.08, [0.25, 0.25, 0.27]);
}

/// Whether a face at `at` whose outside lies towards `out` is turned to the camera.
pub(super) fn sees(view: &View, at: P3, out: P3) -> bool {
    let normal = [out[0] - at[0], out[1] - at[1], out[2] - at[2]];
    let to_eye = [view.eye[0] - at[0], view.eye[1] - at[1], view.eye[2] - at[2]];
    normal[0] * to_eye[0] + normal[1] * to_eye[1] + normal[2] * to_eye[2] > 0.0
}

/// A body with the given side view (convex, ahead and up), `wide` to each side.
pub(super) fn prism(sketch: &mut Sketch<'_>, stand: &Stand, side: &[(f32, f32)], wide: f32, paint: Rgb) {
    let middle = side.iter().fold((0.0, 0.0), |m, p| (m.0 + p.0 / side.len() as f32, m.1 + p.1 / side.len() as f32));
    for (i, &a) in side.iter().enumerate() {
        let b = side[(i + 1) % side.len()];
        let centre = (f32::midpoint(a.0, b.0), f32::midpoint(a.1, b.1));
        let (mut nx, mut ny) = (b.1 - a.1, a.0 - b.0);
        if nx * (centre.0 - middle.0) + ny * (centre.1 - middle.1) < 0.0 {
            (nx, ny) = (-nx, -ny);
        }
        if sees(sketch.view, stand.at(centre.0, centre.1, 0.0), stand.at(centre.0 + nx, centre.1 + ny, 0.0)) {
            let up = ny / (nx * nx + ny * ny).sqrt().max(1e-3);
            let corners = [
                stand.at(a.0, a.1, -wide),
                stand.at(b.0, b.1, -wide),
                stand.at(b.0, b.1, wide),
                stand.at(a.0, a.1, wide),
            ];
            sketch.face(&corners, shade(paint, 0.86 + 0.3 * up.max(0.0)));
        }
    }
    for way in [-1.0, 1.0] {
        if sees(sketch.view, stand.at(middle.0, middle.1, way * wide), stand.at(middle.0, middle.1, way * (wide + 1.0)))
        {
            let corners: Vec<P3> = side.iter().map(|p| stand.at(p.0, p.1, way * wide)).collect();
            sketch.face(&corners, shade(paint, 0.78));
        }
    }
}

/// Draws a bag, its lower edge `lift` above the ground.
pub fn bag(sketch: &mut Sketch<'_>, stand: &Stand, paint: Rgb, size: f32, lift: f32) {
    let (long, high, wide) = (0.30 * size, 0.34 * size, 0.11 * size);
    let side = [(long, lift), (long * 0.85, lift + high), (-long * 0.85, lift + high), (-long, lift)];
    for k in 0..6 {
        let arc = |k: usize| std::f32::consts::PI * k as f32 / 6.0;
        let point = |k: usize| stand.at(long * 0.4 * arc(k).cos(), lift + high + 0.13 * size * arc(k).sin(), 0.0);
        sketch.limb(point(k), point(k + 1), (0.018, 0.018), shade(paint, 0.6));
    }
    prism(sketch, stand, &side, wide, paint);
}

/// Draws a high trolley with boxes.
pub fn trolley(sketch: &mut Sketch<'_>, stand: &Stand, seed: u64) {
    let tone = |k: u64| 0.85 + 0.25 * super::rng::speckle(k as i32, 7, seed);
    for ahead in [-0.5, 0.5] {
        sketch.ball(stand.at(ahead, 0.07, 0.0), 0.07, 0.07, [0.1, 0.1, 0.1]);
    }
    prism(sketch, stand, &[(0.62, 0.14), (0.62, 0.2), (-0.62, 0.2), (-0.62, 0.14)], 0.38, [0.35, 0.36, 0.4]);
    prism(
        sketch,
        stand,
        &[(0.58, 0.2), (0.58, 0.72), (-0.02, 0.72), (-0.02, 0.2)],
        0.34,
        shade([0.68, 0.52, 0.34], tone(1)),
    );
    prism(
        sketch,
        stand,
        &[(-0.02, 0.2), (-0.02, 0.8), (-0.58, 0.8), (-0.58, 0.2)],
        0.34,
        shade([0.63, 0.47, 0.3], tone(2)),
    );
    prism(
        sketch,
        stand,
        &[(0.45, 0.72), (0.45, 1.25), (-0.4, 1.25), (-0.4, 0.8)],
        0.3,
        shade([0.72, 0.57, 0.38], tone(3)),
    );
    sketch.limb(stand.at(-0.62, 0.2, 0.3), stand.at(-0.68, 1.05, 0.3), (0.02, 0.02), [0.5, 0.5, 0.52]);
}

/// Draws a round pillar or lamp post.
pub fn pillar(sketch: &mut Sketch<'_>, stand: &Stand, radius: f32, height: f32, paint: Rgb) {
    sketch.limb(stand.at(0.0, radius * 0.5, 0.0), stand.at(0.0, height, 0.0), (radius, radius), paint);
}

/// Draws a tree, the same for the same seed.
pub fn tree(sketch: &mut Sketch<'_>, stand: &Stand, height: f32, seed: u64) {
    let mut rng = super::rng::Rng::new(seed);
    let trunk = [0.30, 0.23, 0.17];
    sketch.limb(stand.at(0.0, 0.05, 0.0), stand.at(0.04, height * 0.62, 0.0), (0.17, 0.10), trunk);
    for _ in 0..26 {
        let (a, out) = (rng.range(0.0, std::f32::consts::TAU), rng.range(0.1, 1.0).sqrt());
        let up = height * rng.range(0.5, 0.98);
        let wide = height * 0.27 * (1.0 - ((up / height) - 0.68).abs());
        let green = shade([0.23, 0.36, 0.16], rng.range(0.75, 1.3));
        let r = height * rng.range(0.07, 0.13);
        sketch.ball(stand.at(out * wide * a.cos(), up, out * wide * a.sin() * 0.6), r, r * 0.8, green);
    }
}

/// Draws a low hedge or a bench-high box: something to stand behind.
pub fn block(sketch: &mut Sketch<'_>, stand: &Stand, half: P2, height: f32, paint: Rgb) {
    prism(sketch, stand, &[(half[0], 0.0), (half[0], height), (-half[0], height), (-half[0], 0.0)], half[1], paint);
}
