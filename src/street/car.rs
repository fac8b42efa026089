//! The body of a car or a van.

use super::body::{Sketch, Stand, prism, sees};
use super::shape::{Rgb, shade};
use super::view::P3;

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
