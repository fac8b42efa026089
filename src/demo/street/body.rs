//! The bodies of actors: a person, a bicycle, a car, a bag and the things that stand in the way, as shapes on the picture.
//!
//! Each is built of joints in the world, so that it looks right from any side, near or far.

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
    view: &'a View,
    /// What was drawn, back to front.
    pub shapes: Vec<Shape>,
}

impl<'a> Sketch<'a> {
    /// An empty one.
    pub fn new(view: &'a View) -> Self {
        Self { view, shapes: Vec::with_capacity(32) }
    }

    fn limb(&mut self, from: P3, to: P3, radii: (f32, f32), color: Rgb) {
        if let (Some((a, da)), Some((b, db))) = (self.view.project(from), self.view.project(to)) {
            let form = Form::Capsule { a, b, ra: radii.0 * self.view.scale(da), rb: radii.1 * self.view.scale(db) };
            self.shapes.push(Shape::new(form, color));
        }
    }

    fn ball(&mut self, at: P3, rx: f32, ry: f32, color: Rgb) {
        if let Some((c, depth)) = self.view.project(at) {
            let k = self.view.scale(depth);
            self.shapes.push(Shape::new(Form::Ellipse { c, rx: rx * k, ry: ry * k }, color));
        }
    }

    fn face(&mut self, corners: &[P3], color: Rgb) {
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

/// How a person looks. Clothes, not identity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PersonLook {
    /// In metres.
    pub height: f32,
    /// Jacket.
    pub top: Rgb,
    /// Trousers.
    pub legs: Rgb,
    /// Hair or hat.
    pub hair: Rgb,
    /// Hands and face.
    pub skin: Rgb,
    /// 1 is average.
    pub girth: f32,
}

/// What a person's limbs do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gait {
    /// Walking or standing: how far the step is (radians), and how wide the legs swing (0: standing).
    Walk {
        /// Phase of the step.
        phase: f32,
        /// Amplitude of the swing.
        swing: f32,
    },
    /// On a bicycle, pedals at this angle.
    Ride {
        /// Angle of the pedals.
        pedal: f32,
    },
    /// Bent over something in front.
    Reach,
}

/// Draws a person.
pub fn person(sketch: &mut Sketch<'_>, stand: &Stand, look: &PersonLook, gait: Gait) {
    match gait {
        Gait::Walk { phase, swing } => {
            upright(sketch, stand, look, &Posture { phase, swing, lean: 0.03 + swing * 0.06, reach: 0.0 })
        }
        Gait::Reach => upright(sketch, stand, look, &Posture { phase: 0.0, swing: 0.04, lean: 0.42, reach: 0.9 }),
        Gait::Ride { pedal } => riding(sketch, stand, look, pedal),
    }
}

struct Posture {
    phase: f32,
    swing: f32,
    lean: f32,
    reach: f32,
}

fn upright(sketch: &mut Sketch<'_>, stand: &Stand, look: &PersonLook, how: &Posture) {
    let (h, g) = (look.height, look.girth);
    let bob = 0.02 * how.swing * (2.0 * how.phase).cos();
    let hip = 0.50 * h + bob;
    let (shoulder_up, shoulder_on) = (hip + 0.31 * h * how.lean.cos(), 0.31 * h * how.lean.sin());
    let far_first = if left_is_near(sketch.view, stand) { [-1.0, 1.0] } else { [1.0, -1.0] };
    for (i, side) in far_first.into_iter().enumerate() {
        let dim = if i == 0 { 0.82 } else { 1.0 };
        let angle = how.swing * (how.phase + if side > 0.0 { 0.0 } else { std::f32::consts::PI }).sin();
        let lift =
            how.swing * 0.9 * (how.phase + if side > 0.0 { 0.9 } else { 0.9 + std::f32::consts::PI }).cos().max(0.0);
        leg(sketch, stand, look, &Leg { hip, side, angle, lift, dim });
        arm(sketch, stand, look, &Arm { up: shoulder_up, on: shoulder_on, side, angle: how.reach - angle * 0.8, dim });
        if i == 0 {
            let (low, high) = (stand.at(0.0, hip + 0.02, 0.0), stand.at(shoulder_on * 0.95, shoulder_up - 0.06, 0.0));
            sketch.limb(low, high, (0.125 * g, 0.155 * g), look.top);
            let across = [
                stand.at(shoulder_on, shoulder_up - 0.05, -0.12 * g),
                stand.at(shoulder_on, shoulder_up - 0.05, 0.12 * g),
            ];
            sketch.limb(across[0], across[1], (0.085, 0.085), look.top);
        }
    }
    head(sketch, stand, look, (shoulder_on + 0.03, shoulder_up));
}

struct Leg {
    hip: f32,
    side: f32,
    angle: f32,
    lift: f32,
    dim: f32,
}

fn leg(sketch: &mut Sketch<'_>, stand: &Stand, look: &PersonLook, leg: &Leg) {
    let (thigh, shin, y) = (leg.hip * 0.5, leg.hip * 0.46, 0.085 * leg.side);
    let knee_angle = leg.angle + leg.lift * 0.35;
    let knee = (thigh * knee_angle.sin(), leg.hip - thigh * knee_angle.cos());
    let shin_angle = leg.angle - leg.lift * 0.7;
    let foot = (knee.0 + shin * shin_angle.sin(), (knee.1 - shin * shin_angle.cos()).max(0.04));
    let paint = shade(look.legs, leg.dim);
    sketch.limb(stand.at(0.0, leg.hip, y), stand.at(knee.0, knee.1, y), (0.095 * look.girth, 0.07), paint);
    sketch.limb(stand.at(knee.0, knee.1, y), stand.at(foot.0, foot.1, y), (0.068, 0.05), paint);
    sketch.limb(
        stand.at(foot.0 - 0.03, foot.1, y),
        stand.at(foot.0 + 0.15, foot.1 - 0.01, y),
        (0.045, 0.035),
        shade([0.16, 0.14, 0.13], leg.dim),
    );
}

struct Arm {
    up: f32,
    on: f32,
    side: f32,
    angle: f32,
    dim: f32,
}

fn arm(sketch: &mut Sketch<'_>, stand: &Stand, look: &PersonLook, arm: &Arm) {
    let (upper, y) = (look.height * 0.155, 0.20 * arm.side * look.girth);
    let elbow = (arm.on + upper * arm.angle.sin(), arm.up - 0.05 - upper * arm.angle.cos());
    let fore = arm.angle + 0.35;
    let hand = (elbow.0 + upper * fore.sin(), elbow.1 - upper * fore.cos());
    let paint = shade(look.top, 0.92 * arm.dim);
    sketch.limb(stand.at(arm.on, arm.up - 0.05, y), stand.at(elbow.0, elbow.1, y), (0.06, 0.05), paint);
    sketch.limb(stand.at(elbow.0, elbow.1, y), stand.at(hand.0, hand.1, y), (0.048, 0.04), paint);
    sketch.ball(stand.at(hand.0, hand.1 - 0.03, y), 0.045, 0.05, shade(look.skin, arm.dim));
}

fn head(sketch: &mut Sketch<'_>, stand: &Stand, look: &PersonLook, at: (f32, f32)) {
    let (on, up) = at;
    let r = 0.062 * look.height;
    sketch.limb(stand.at(on - 0.02, up - 0.03, 0.0), stand.at(on, up + 0.06, 0.0), (0.055, 0.05), look.skin);
    sketch.ball(stand.at(on - 0.02, up + 0.09 + r, 0.0), r * 0.92, r * 1.15, look.hair);
    sketch.ball(stand.at(on + 0.03, up + 0.065 + r, 0.0), r * 0.78, r * 0.92, look.skin);
}

fn left_is_near(view: &View, stand: &Stand) -> bool {
    let depth = |left: f32| view.to_camera(stand.at(0.0, 0.0, left))[2];
    depth(0.3) < depth(-0.3)
}

fn riding(sketch: &mut Sketch<'_>, stand: &Stand, look: &PersonLook, pedal: f32) {
    let (hip, shoulder) = ((-0.16, 1.0), (0.12, 1.0 + 0.29 * look.height));
    let far_first = if left_is_near(sketch.view, stand) { [-1.0, 1.0] } else { [1.0, -1.0] };
    for (i, side) in far_first.into_iter().enumerate() {
        let dim = if i == 0 { 0.82 } else { 1.0 };
        let angle = pedal + if side > 0.0 { 0.0 } else { std::f32::consts::PI };
        let foot = (0.06 + 0.17 * angle.cos(), 0.30 + 0.17 * angle.sin());
        // The knee lies forward of the line from hip to foot, as far as thigh and shin are long.
        let (dx, dy) = (foot.0 - hip.0, foot.1 - hip.1);
        let reach = (dx * dx + dy * dy).sqrt().max(0.2);
        let bow = (0.44_f32.powi(2) - (reach / 2.0).powi(2)).max(0.0).sqrt();
        let knee = (hip.0 + dx / 2.0 - dy / reach * bow, hip.1 + dy / 2.0 + dx / reach * bow);
        let (y, paint) = (0.1 * side, shade(look.legs, dim));
        sketch.limb(stand.at(hip.0, hip.1, y), stand.at(knee.0, knee.1, y), (0.095, 0.07), paint);
        sketch.limb(stand.at(knee.0, knee.1, y), stand.at(foot.0, foot.1, y), (0.068, 0.05), paint);
        sketch.limb(
            stand.at(foot.0 - 0.05, foot.1, y),
            stand.at(foot.0 + 0.12, foot.1, y),
            (0.045, 0.035),
            shade([0.16, 0.14, 0.13], dim),
        );
        let (s, e, w) = (
            stand.at(shoulder.0, shoulder.1 - 0.05, 0.19 * side),
            stand.at(0.3, 1.2, 0.24 * side),
            stand.at(0.44, 1.04, 0.22 * side),
        );
        sketch.limb(s, e, (0.06, 0.05), shade(look.top, 0.92 * dim));
        sketch.limb(e, w, (0.048, 0.04), shade(look.top, 0.92 * dim));
        if i == 0 {
            sketch.limb(
                stand.at(hip.0, hip.1 + 0.03, 0.0),
                stand.at(shoulder.0, shoulder.1 - 0.06, 0.0),
                (0.14 * look.girth, 0.16 * look.girth),
                look.top,
            );
        }
    }
    head(sketch, stand, look, (shoulder.0 + 0.08, shoulder.1));
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

/// Draws a car. `tall` makes a van of it.
pub fn car(sketch: &mut Sketch<'_>, stand: &Stand, paint: Rgb, tall: bool) {
    let (half, wide) = (2.1, 0.86);
    for side in [-1.0, 1.0] {
        wheels(sketch, stand, side * (wide - 0.1), 0.10);
    }
    let waist = if tall { 1.05 } else { 0.86 };
    let roof = if tall { 1.95 } else { 1.43 };
    prism(
        sketch,
        stand,
        &[(half, 0.28), (half, waist * 0.82), (half * 0.9, waist), (-half * 0.96, waist), (-half, 0.34)],
        wide,
        paint,
    );
    let cabin = if tall {
        [(1.75, waist), (1.25, roof), (-2.0, roof), (-2.05, waist)]
    } else {
        [(1.15, waist), (0.45, roof), (-1.15, roof), (-1.75, waist)]
    };
    prism(sketch, stand, &cabin, wide * 0.93, shade(paint, 0.97));
    windows(sketch, stand, &cabin, wide * 0.94, tall);
    lights(sketch, stand, half + 0.01, waist);
    for side in [-1.0, 1.0] {
        if sees(sketch.view, stand.at(0.0, 0.5, side * wide), stand.at(0.0, 0.5, side * (wide + 1.0))) {
            wheels(sketch, stand, side * (wide + 0.01), 0.0);
        }
    }
}

/// Whether a face at `at` whose outside lies towards `out` is turned to the camera.
fn sees(view: &View, at: P3, out: P3) -> bool {
    let normal = [out[0] - at[0], out[1] - at[1], out[2] - at[2]];
    let to_eye = [view.eye[0] - at[0], view.eye[1] - at[1], view.eye[2] - at[2]];
    normal[0] * to_eye[0] + normal[1] * to_eye[1] + normal[2] * to_eye[2] > 0.0
}

/// A body with the given side view (convex, ahead and up), `wide` to each side.
fn prism(sketch: &mut Sketch<'_>, stand: &Stand, side: &[(f32, f32)], wide: f32, paint: Rgb) {
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

fn windows(sketch: &mut Sketch<'_>, stand: &Stand, cabin: &[(f32, f32); 4], wide: f32, tall: bool) {
    let glass = [0.13, 0.16, 0.20];
    let [f0, f1, r1, r0] = *cabin;
    let mix = |a: (f32, f32), b: (f32, f32), t: f32| (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t);
    for way in [-1.0, 1.0] {
        if sees(sketch.view, stand.at(0.0, 1.1, way * wide), stand.at(0.0, 1.1, way * (wide + 1.0))) {
            let (low_f, top_f) = (mix(f0, f1, 0.12), mix(f0, f1, 0.88));
            let (low_r, top_r) = (mix(r0, r1, 0.12), mix(r0, r1, 0.88));
            let panes: &[(f32, f32)] = if tall { &[(0.05, 0.3)] } else { &[(0.08, 0.5), (0.55, 0.93)] };
            for &(from, to) in panes {
                let corner = |low: bool, t: f32| if low { mix(low_f, low_r, t) } else { mix(top_f, top_r, t) };
                let quad = [corner(true, from), corner(true, to), corner(false, to), corner(false, from)];
                let corners: Vec<P3> = quad.iter().map(|p| stand.at(p.0, p.1, way * wide)).collect();
                sketch.face(&corners, glass);
            }
        }
    }
    for (low, top, out) in [(f0, f1, 1.0), (r0, r1, -1.0)] {
        let at = mix(low, top, 0.5);
        if sees(sketch.view, stand.at(at.0, at.1, 0.0), stand.at(at.0 + out, at.1 + 0.6, 0.0)) {
            let (a, b) = (mix(low, top, 0.12), mix(low, top, 0.9));
            let w = wide * 0.86;
            let push = 0.015 * out;
            let corners = [
                stand.at(a.0 + push, a.1, -w),
                stand.at(a.0 + push, a.1, w),
                stand.at(b.0 + push, b.1, w),
                stand.at(b.0 + push, b.1, -w),
            ];
            sketch.face(&corners, shade(glass, 1.25));
        }
    }
}

fn lights(sketch: &mut Sketch<'_>, stand: &Stand, half: f32, waist: f32) {
    for (way, color) in [(1.0, [0.95, 0.93, 0.82]), (-1.0, [0.72, 0.08, 0.07])] {
        if sees(sketch.view, stand.at(way * half, 0.6, 0.0), stand.at(way * (half + 1.0), 0.6, 0.0)) {
            let up = waist * 0.7;
            for left in [-0.66_f32, 0.66] {
                let y = [left - 0.14, left + 0.14];
                let corners = [(up - 0.07, y[0]), (up - 0.07, y[1]), (up + 0.06, y[1]), (up + 0.06, y[0])];
                sketch.face(&corners.map(|c| stand.at(way * half, c.0, c.1)), color);
            }
            let plate = [(0.42, -0.24), (0.42, 0.24), (0.53, 0.24), (0.53, -0.24)];
            sketch.face(&plate.map(|c| stand.at(way * half, c.0, c.1)), [0.85, 0.85, 0.86]);
        }
    }
}

fn wheels(sketch: &mut Sketch<'_>, stand: &Stand, left: f32, dark: f32) {
    for ahead in [-1.32, 1.30] {
        for (r, color) in [(0.32, [0.06, 0.06, 0.07]), (0.19, [0.52 - dark, 0.53 - dark, 0.55 - dark])] {
            let rim: Vec<P3> = (0..14)
                .map(|k| std::f32::consts::TAU * k as f32 / 14.0)
                .map(|a| stand.at(ahead + r * a.cos(), 0.32 + r * a.sin(), left))
                .collect();
            sketch.face(&rim, color);
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
