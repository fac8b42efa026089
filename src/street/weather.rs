//! What comes between the camera and its scene: dusk, infrared night, a noisy sensor, rain, insects before the lens, headlights,
//! clouds and flags. None of it is an event.

use super::raster::Canvas;
use super::rng::{Rng, mix, speckle};
use super::scene::{Light, Scene};
use super::shape::{Form, Rgb, Shape};
use super::view::P3;

/// A kind of weather, or of what disturbs a camera like weather.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weather {
    Day,
    Dusk,
    Infrared,
    Noise,
    Rain,
    Insects,
    Headlights,
    Wind,
}

/// Raindrops in sight at a moment.
const DROPS: usize = 70;

impl Weather {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Day, Self::Dusk, Self::Infrared, Self::Noise, Self::Rain, Self::Insects, Self::Headlights, Self::Wind];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Dusk => "dusk",
            Self::Infrared => "infrared",
            Self::Noise => "noise",
            Self::Rain => "rain",
            Self::Insects => "insects",
            Self::Headlights => "headlights",
            Self::Wind => "wind",
        }
    }

    /// The scene in this weather: its light, and how its trees sway.
    #[must_use]
    pub fn over(self, scene: &Scene) -> Scene {
        let light = scene.light;
        let light = match self {
            Self::Day | Self::Wind => light,
            Self::Dusk => Light { gain: 0.42 * light.gain, warmth: light.warmth + 0.05, sway: 0.3, noise: 2.6 },
            Self::Infrared | Self::Insects => Light { gain: 0.36, warmth: 0.0, sway: 0.03, noise: 3.2 },
            Self::Headlights => Light { gain: 0.28, warmth: 0.03, sway: 0.03, noise: 2.8 },
            Self::Noise => Light { noise: 6.0, ..light },
            Self::Rain => Light { gain: 0.72 * light.gain, warmth: -0.02, sway: 0.06, noise: 3.0 },
        };
        Scene { light, breeze: if self == Self::Wind { 1.0 } else { scene.breeze }, ..scene.clone() }
    }

    /// Lays itself over the painted moment `t`.
    pub fn lay(self, scene: &Scene, canvas: &mut Canvas, t: f32) {
        match self {
            Self::Day | Self::Noise => {}
            Self::Dusk => lamps(canvas, t),
            Self::Infrared => lamp(canvas),
            Self::Insects => {
                lamp(canvas);
                insects(canvas, scene.backdrop.seed, t);
            }
            Self::Rain => rain(canvas, scene.backdrop.seed, t),
            Self::Headlights => headlights(scene, canvas, t),
            Self::Wind => {
                clouds(canvas, scene.backdrop.seed, t);
                flag(scene, canvas, t);
            }
        }
    }
}

/// Street lamps go on and off again, all at once.
fn lamps(canvas: &mut Canvas, t: f32) {
    if (t / 97.0) as u32 % 2 == 1 {
        for channel in canvas.pixels.iter_mut().flatten() {
            *channel *= 1.3;
        }
    }
}

/// The camera's own infrared lamps light the middle.
fn lamp(canvas: &mut Canvas) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    for y in 0..canvas.height {
        for x in 0..canvas.width {
            let (u, v) = ((x as f32 / w - 0.5) / 0.75, (y as f32 / h - 0.55) / 0.75);
            let k = 0.25 + 1.1 * (-(u * u + v * v)).exp();
            let pixel = &mut canvas.pixels[y * canvas.width + x];
            let grey = 0.2126 * pixel[0] + 0.7152 * pixel[1] + 0.0722 * pixel[2];
            *pixel = [grey * k; 3];
        }
    }
}

/// Insects fly through the lamp's light close before the lens: large, bright, without an edge, gone within a second.
fn insects(canvas: &mut Canvas, seed: u64, t: f32) {
    const EACH_S: f32 = 2.3;
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    for back in 0..2u64 {
        let flight = (t / EACH_S) as u64;
        let Some(number) = flight.checked_sub(back) else { continue };
        let mut rng = Rng::new(mix(seed ^ number.wrapping_mul(0x1235)));
        let begins = number as f32 * EACH_S + rng.range(0.0, EACH_S);
        let lasts = rng.range(0.3, 1.4);
        let age = (t - begins) / lasts;
        let (from, to) = ([rng.range(-0.1, 1.1), rng.range(-0.1, 1.1)], [rng.range(-0.1, 1.1), rng.range(-0.1, 1.1)]);
        let (size, wobble) = (rng.range(0.015, 0.07), rng.range(6.0, 15.0));
        if (0.0..1.0).contains(&age) {
            let at = |i: usize| from[i] + (to[i] - from[i]) * age + 0.05 * (age * wobble + i as f32).sin();
            blob(canvas, [at(0) * w, at(1) * h], [size * w, size * w * 0.6], [1.8; 3], 0.9);
        }
    }
}

fn blob(canvas: &mut Canvas, c: [f32; 2], r: [f32; 2], color: Rgb, alpha: f32) {
    canvas.draw(&Shape { form: Form::Ellipse { c, rx: r[0], ry: r[1] }, color, alpha, soft: true }, 0);
}

/// Streaks, in other places on every picture.
fn rain(canvas: &mut Canvas, seed: u64, t: f32) {
    let mut rng = Rng::new(mix(seed ^ u64::from(t.to_bits())));
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    let slant = 0.12 + 0.06 * (t * 0.13).sin();
    for _ in 0..DROPS {
        let (x, y, near) = (rng.range(-0.1, 1.1) * w, rng.range(-0.1, 1.0) * h, rng.unit());
        let long = (0.04 + 0.12 * near * near) * h;
        let form = Form::Capsule {
            a: [x, y],
            b: [x - slant * long, y + long],
            ra: 0.0006 * w + 0.0016 * w * near * near,
            rb: 0.0006 * w + 0.0016 * w * near * near,
        };
        let color = [0.85, 0.87, 0.9];
        canvas.draw(&Shape { form, color, alpha: 0.22 + 0.2 * rng.unit(), soft: false }, 0);
    }
}

/// The cones of cars that are not in the picture sweep over ground and walls.
fn headlights(scene: &Scene, canvas: &mut Canvas, t: f32) {
    const EACH_S: f32 = 17.0;
    let number = (t / EACH_S) as u64;
    let mut rng = Rng::new(mix(scene.backdrop.seed ^ number.wrapping_mul(0x77)));
    let begins = number as f32 * EACH_S + rng.range(0.0, 9.0);
    let (lasts, way) = (rng.range(2.5, 7.0), if rng.chance(0.5) { 1.0 } else { -1.0 });
    let age = (t - begins) / lasts;
    if !(0.0..1.0).contains(&age) {
        return;
    }
    let x = way * (age * 28.0 - 14.0);
    for beam in [-0.7, 0.7] {
        let place: P3 = [x + beam, 0.0, rng.range(6.0, 13.0)];
        if let Some((c, depth)) = scene.view.project(place) {
            let k = scene.view.scale(depth);
            blob(canvas, c, [3.4 * k, 1.3 * k], [2.4, 2.3, 2.0], 0.75);
            blob(canvas, [c[0], c[1] - 1.4 * k], [1.6 * k, 1.8 * k], [1.6, 1.5, 1.3], 0.5);
        }
    }
}

/// Shadows of clouds pass, and light comes back behind them.
fn clouds(canvas: &mut Canvas, seed: u64, t: f32) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    for y in 0..canvas.height {
        for x in 0..canvas.width {
            let (u, v) = (x as f32 / w * 1.6 + t * 0.03, y as f32 / h * 0.9 + t * 0.008);
            let k = 1.0 - 0.45 * super::rng::cloud(u, v, seed).powi(2);
            for channel in &mut canvas.pixels[y * canvas.width + x] {
                *channel *= k;
            }
        }
    }
}

/// A flag on a pole.
fn flag(scene: &Scene, canvas: &mut Canvas, t: f32) {
    let side = if speckle(3, 5, scene.backdrop.seed) > 0.5 { 3.6 } else { -3.6 };
    let (z, top) = (9.5, 3.4);
    let on = |p: P3| scene.view.project(p).map(|(at, _)| at);
    for strip in 0..8 {
        let edge = |i: usize| {
            let along = i as f32 * 0.2;
            let wave = 0.10 * along * (t * 5.0 - along * 4.0).sin();
            (side + along, wave)
        };
        let ((x0, d0), (x1, d1)) = (edge(strip), edge(strip + 1));
        let corners = [[x0, top + d0, z], [x1, top + d1, z], [x1, top + d1 - 0.9, z], [x0, top + d0 - 0.9, z]];
        let outline: Vec<_> = corners.into_iter().filter_map(on).collect();
        if outline.len() == 4 {
            let shine = 0.85 + 0.3 * (t * 5.0 - strip as f32 * 0.8).cos();
            canvas.draw(&Shape::new(Form::Poly(outline), [0.75 * shine, 0.1 * shine, 0.08 * shine]), 0);
        }
    }
}
