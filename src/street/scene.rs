//! A camera's scene: backdrop, actors and light become a picture with its truth.

use super::actor::{Actor, Class, Kind};
use super::backdrop::Backdrop;
use super::raster::Canvas;
use super::rng::{Rng, mix};
use super::shape::{Form, Shape};
use super::view::View;
use super::weather::Weather;

/// All that a camera of the street sees.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// The camera.
    pub view: View,
    /// What does not move.
    pub backdrop: Backdrop,
    /// Who moves, and what stands in the way.
    pub actors: Vec<Actor>,
    /// Light and sensor.
    pub light: Light,
    /// How much the trees sway; 0 is calm.
    pub breeze: f32,
    /// After so many seconds everything is as it was.
    pub period_s: f32,
}

/// Light and sensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Light {
    /// Brightness; 1 is noon.
    pub gain: f32,
    /// How much it comes and goes over a period.
    pub sway: f32,
    /// Red against blue; 0 is neutral.
    pub warmth: f32,
    /// Sensor noise, in steps of 8-bit luma.
    pub noise: f32,
}

/// Where an object is on a picture, and how much of it is seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighting {
    /// Which actor.
    pub actor: usize,
    /// What it is.
    pub class: Class,
    /// Its whole outline within the picture, 0..1: left, top, right, bottom.
    pub bbox: [f32; 4],
    /// The part of it within the picture that nothing hides.
    pub visible: f32,
}

/// A picture in planar YUV 4:2:0, BT.709, limited range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Yuv {
    /// Width in pixels, even.
    pub width: usize,
    /// Height in pixels, even.
    pub height: usize,
    /// Y, then U, then V, without padding.
    pub bytes: Vec<u8>,
}

/// Paints a scene's pictures; keeps what is the same in all of them.
pub struct Painter<'a> {
    scene: &'a Scene,
    weather: Weather,
    backdrop: Canvas,
    canvas: Canvas,
    noise: Vec<i8>,
}

const NOISE_LEN: usize = 1 << 16;

impl<'a> Painter<'a> {
    /// Paints the backdrop.
    pub fn new(scene: &'a Scene) -> Self {
        Self::in_weather(scene, Weather::Day)
    }

    /// Without backdrop or sensor: to see who hides whom.
    pub fn blank(scene: &'a Scene) -> Self {
        let canvas = Canvas::new(scene.view.width, scene.view.height);
        Self { canvas: canvas.clone(), backdrop: canvas, scene, weather: Weather::Day, noise: vec![0; NOISE_LEN] }
    }

    /// The same, for pictures with that weather laid over them; the scene is to be of that weather ([`Weather::over`]).
    pub fn in_weather(scene: &'a Scene, weather: Weather) -> Self {
        let mut backdrop = Canvas::new(scene.view.width, scene.view.height);
        scene.backdrop.paint(&scene.view, &mut backdrop);
        let mut rng = Rng::new(scene.backdrop.seed ^ 0x5eed);
        let mut noise = || (0..4).map(|_| rng.unit() - 0.5).sum::<f32>() * 1.7 * scene.light.noise;
        let noise = (0..NOISE_LEN).map(|_| noise().round() as i8).collect();
        Self { canvas: backdrop.clone(), backdrop, scene, weather, noise }
    }

    /// Paints the moment `t` and tells what is on it.
    pub fn paint(&mut self, t: f32) -> Vec<Sighting> {
        self.canvas.pixels.copy_from_slice(&self.backdrop.pixels);
        self.canvas.owner.fill(0);
        let view = &self.scene.view;
        let mut order: Vec<(f32, usize)> =
            self.scene.actors.iter().enumerate().filter_map(|(i, actor)| Some((depth(view, actor, t)?, i))).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0));
        for &(_, i) in &order {
            for shape in self.scene.actors[i].shadow(view, t) {
                self.canvas.draw(&shape, 0);
            }
        }
        let mut whole = vec![0u32; self.scene.actors.len()];
        for &(_, i) in &order {
            for shape in self.swayed(i, t) {
                whole[i] += self.canvas.draw(&shape, i as u16 + 1);
            }
        }
        let mut seen = vec![0u32; self.scene.actors.len()];
        for &owner in self.canvas.owner.iter().filter(|&&owner| owner > 0) {
            seen[usize::from(owner) - 1] += 1;
        }
        self.weather.lay(self.scene, &mut self.canvas, t);
        order.iter().filter_map(|&(_, i)| self.sighting(i, t, whole[i], seen[i])).collect()
    }

    /// An actor's shapes; leaves move in the wind, each branch in its own time.
    fn swayed(&self, actor: usize, t: f32) -> Vec<Shape> {
        let (view, breeze) = (&self.scene.view, self.scene.breeze);
        let mut shapes = self.scene.actors[actor].shapes(view, t);
        if breeze > 0.0 && matches!(self.scene.actors[actor].kind, Kind::Tree { .. }) {
            for (i, shape) in shapes.iter_mut().enumerate() {
                if let Form::Ellipse { c, rx, ry } = &mut shape.form {
                    let sway = (t * 1.7).sin() + 0.6 * (t * (2.3 + 0.11 * i as f32) + i as f32).sin();
                    c[0] += 0.3 * breeze * sway * *rx;
                    c[1] += 0.1 * breeze * sway * *ry;
                }
            }
        }
        shapes
    }

    fn sighting(&self, actor: usize, t: f32, whole: u32, seen: u32) -> Option<Sighting> {
        let class = self.scene.actors[actor].kind.class()?;
        let bbox = outline(&self.scene.view, &self.scene.actors[actor], t)?;
        (whole > 0).then(|| Sighting { actor, class, bbox, visible: seen as f32 / whole as f32 })
    }

    /// The painted moment as the camera's sensor gives it.
    pub fn picture(&self, t: f32) -> Yuv {
        let (w, h) = (self.canvas.width, self.canvas.height);
        let mut bytes = vec![0u8; w * h * 3 / 2];
        let (luma, chroma) = bytes.split_at_mut(w * h);
        let (us, vs) = chroma.split_at_mut(w * h / 4);
        let (tint, frame) = (self.tint(t), self.frame_number(t));
        for y in (0..h).step_by(2) {
            for x in (0..w).step_by(2) {
                let mut sum = [0.0; 3];
                for (dy, dx) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    let at = (y + dy) * w + x + dx;
                    let c = self.canvas.pixels[at];
                    let [r, g, b] = [0, 1, 2].map(|k| (c[k] * tint[k]).min(1.0));
                    let v = 16.0 + 219.0 * (0.2126 * r + 0.7152 * g + 0.0722 * b);
                    luma[at] = (v + self.noise_at(frame, x + dx, y + dy)).clamp(0.0, 255.0) as u8;
                    sum = [sum[0] + r / 4.0, sum[1] + g / 4.0, sum[2] + b / 4.0];
                }
                let [r, g, b] = sum;
                let at = y / 2 * (w / 2) + x / 2;
                us[at] = (128.0 + 224.0 * (-0.1146 * r - 0.3854 * g + 0.5 * b)).clamp(0.0, 255.0) as u8;
                vs[at] = (128.0 + 224.0 * (0.5 * r - 0.4542 * g - 0.0458 * b)).clamp(0.0, 255.0) as u8;
            }
        }
        Yuv { width: w, height: h, bytes }
    }

    /// The painted moment's brightness as the camera's sensor gives it, averaged over blocks of `shrink` by `shrink` pixels; both
    /// sides of the picture must be multiples of it.
    pub fn grey(&self, t: f32, shrink: usize) -> Vec<u8> {
        let (w, h) = (self.canvas.width / shrink, self.canvas.height / shrink);
        let tint = self.tint(t);
        let frame = self.frame_number(t);
        let mut grey = Vec::with_capacity(w * h);
        for y in 0..h {
            for x in 0..w {
                let mut sum = 0.0;
                for (dy, dx) in (0..shrink).flat_map(|dy| (0..shrink).map(move |dx| (dy, dx))) {
                    let (px, py) = (x * shrink + dx, y * shrink + dy);
                    let c = self.canvas.pixels[py * self.canvas.width + px];
                    let [r, g, b] = [0, 1, 2].map(|k| (c[k] * tint[k]).min(1.0));
                    let v = 16.0 + 219.0 * (0.2126 * r + 0.7152 * g + 0.0722 * b);
                    sum += (v + self.noise_at(frame, px, py)).clamp(0.0, 255.0);
                }
                grey.push((sum / (shrink * shrink) as f32) as u8);
            }
        }
        grey
    }

    fn tint(&self, t: f32) -> [f32; 3] {
        let light = &self.scene.light;
        let gain = light.gain * (1.0 + light.sway * (std::f32::consts::TAU * t / self.scene.period_s).sin());
        [gain * (1.0 + light.warmth), gain, gain * (1.0 - light.warmth)]
    }

    fn frame_number(&self, t: f32) -> u64 {
        mix((t * 1000.0).round() as u64 ^ self.scene.backdrop.seed)
    }

    fn noise_at(&self, frame: u64, x: usize, y: usize) -> f32 {
        let row = (frame as usize).wrapping_add(y.wrapping_mul(0x9e37_79b1)) >> 3;
        f32::from(self.noise[row.wrapping_add(x) % NOISE_LEN]) + 0.5
    }

    /// The painted moment without light and sensor.
    pub fn canvas(&self) -> &Canvas {
        &self.canvas
    }
}

/// An actor's outline within the picture, 0..1; `None` when nothing of it is in the picture.
pub fn outline(view: &View, actor: &Actor, t: f32) -> Option<[f32; 4]> {
    let e = actor.extent(view, t)?;
    let (w, h) = (view.width as f32, view.height as f32);
    let unit = |v: f32, of: f32| (v / of).clamp(0.0, 1.0);
    let bbox = [unit(e[0], w), unit(e[1], h), unit(e[2], w), unit(e[3], h)];
    (bbox[2] - bbox[0] > 1e-4 && bbox[3] - bbox[1] > 1e-4).then_some(bbox)
}

fn depth(view: &View, actor: &Actor, t: f32) -> Option<f32> {
    let stand = actor.stand(t)?;
    let depth = view.to_camera([stand.x, 0.0, stand.z])[2];
    // Who rides sits on the near side of the machine, and what is carried is held before the leg.
    let near = match actor.kind {
        Kind::Person(_) => 0.05,
        Kind::Bag { lift, .. } if lift > 0.05 => 0.3,
        _ => 0.0,
    };
    (depth > 0.6).then_some(depth - near)
}
