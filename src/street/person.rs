//! The body of a person: walking, standing, bent over something, or on a bicycle.

use super::body::{Sketch, Stand};
use super::shape::{Rgb, shade};
use super::view::View;

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
            upright(sketch, stand, look, &Posture { phase, swing, lean: 0.03 + swing * 0.06, reach: 0.0 });
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
