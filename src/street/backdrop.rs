//! What does not move: ground, walls, houses, sky. Painted once per camera by asking, for each pixel, what its ray meets.

use super::raster::Canvas;
use super::rng::{cloud, speckle};
use super::shape::{Rgb, blend, shade};
use super::view::View;

/// A place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// A road that crosses the picture, between two pavements, houses behind.
    Street,
    /// A courtyard with a lawn, a marked place and a long house behind.
    Yard,
    /// A lobby with doors; roofed.
    Corridor,
    /// A drive that comes towards the camera between two walls.
    Gate,
    /// A wide paved square, trees and offices far behind.
    Square,
}

/// What a place looks like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backdrop {
    /// What it is.
    pub place: Place,
    /// How far away its back wall is, in metres.
    pub wall: f32,
    /// Where its main ground mark lies (kerb, lawn edge), in metres.
    pub mark: f32,
    /// Colours and patterns.
    pub seed: u64,
}

impl Backdrop {
    /// Paints it, four rays per pixel so that edges are smooth.
    pub fn paint(&self, view: &View, canvas: &mut Canvas) {
        for y in 0..canvas.height {
            for x in 0..canvas.width {
                let mut sum = [0.0; 3];
                for (dx, dy) in [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)] {
                    let c = self.along(view, view.ray(x as f32 + dx, y as f32 + dy));
                    sum = [sum[0] + c[0] / 4.0, sum[1] + c[1] / 4.0, sum[2] + c[2] / 4.0];
                }
                let grain = 0.97 + 0.06 * speckle(x as i32, y as i32, self.seed);
                canvas.pixels[y * canvas.width + x] = shade(sum, grain);
            }
        }
    }

    fn along(&self, view: &View, ray: [f32; 3]) -> Rgb {
        let far = 400.0;
        let hit = |distance: f32| if distance > 0.0 { distance } else { far };
        let floor = hit(if ray[1] < 0.0 { -view.eye[1] / ray[1] } else { far });
        let back = hit(if ray[2] > 1e-4 { (self.wall - view.eye[2]) / ray[2] } else { far });
        let point = |k: f32| [view.eye[0] + ray[0] * k, view.eye[1] + ray[1] * k, view.eye[2] + ray[2] * k];
        if self.place == Place::Corridor && ray[1] > 0.0 {
            let roof = (3.4 - view.eye[1]) / ray[1];
            if roof > 0.0 && roof < back {
                let p = point(roof);
                let lamp = (p[0].rem_euclid(4.0) - 2.0).abs() < 0.6 && (p[2] - self.wall * 0.6).abs() < 0.15;
                return if lamp { [0.98, 0.97, 0.92] } else { shade([0.78, 0.77, 0.74], 1.0 - 0.02 * p[2]) };
            }
        }
        if self.place == Place::Gate
            && let Some(color) = self.side_walls(view, ray, floor.min(back))
        {
            return color;
        }
        if floor < back {
            let p = point(floor);
            return shade(self.ground(p[0], p[2]), 1.0 - (floor * 0.002).min(0.2));
        }
        let p = point(back);
        self.facade(p[0], p[1]).unwrap_or_else(|| sky(ray, self.seed))
    }

    fn tone(&self, k: i32) -> f32 {
        speckle(k, 31, self.seed)
    }

    fn ground(&self, x: f32, z: f32) -> Rgb {
        let worn = 0.92 + 0.16 * cloud(x * 0.6, z * 0.6, self.seed);
        let base = match self.place {
            Place::Street => self.road(x, z),
            Place::Yard if z > self.mark => grass(x, z, self.seed),
            Place::Yard => paving(x, z, 0.5, blend([0.55, 0.53, 0.50], [0.62, 0.60, 0.58], self.tone(1)), self.seed),
            Place::Corridor => {
                paving(x, z, 0.6, blend([0.58, 0.55, 0.50], [0.50, 0.52, 0.54], self.tone(2)), self.seed)
            }
            Place::Gate if x.abs() < 3.0 => asphalt(x, z, self.seed),
            Place::Gate if x.abs() < 3.2 => [0.66, 0.65, 0.63],
            Place::Gate => paving(x, z, 0.4, [0.56, 0.50, 0.46], self.seed),
            Place::Square => paving(x, z, 1.0, blend([0.60, 0.58, 0.54], [0.52, 0.53, 0.55], self.tone(3)), self.seed),
        };
        shade(base, worn)
    }

    fn road(&self, x: f32, z: f32) -> Rgb {
        let (near, wide) = (self.mark, 6.4);
        let far = near + wide;
        if (near - 0.18..near).contains(&z) || (far..far + 0.18).contains(&z) {
            return [0.68, 0.67, 0.65];
        }
        if z < near || z > far {
            return paving(x, z, 0.45, blend([0.55, 0.52, 0.49], [0.60, 0.52, 0.46], self.tone(4)), self.seed);
        }
        let dash = (z - f32::midpoint(near, far)).abs() < 0.07 && x.rem_euclid(4.0) < 2.2;
        let edge = (z - near - 0.3).abs() < 0.05 || (far - 0.3 - z).abs() < 0.05;
        if dash || edge { [0.78, 0.78, 0.76] } else { asphalt(x, z, self.seed) }
    }

    /// The back wall at `x`, `y`; `None` where the sky is.
    fn facade(&self, x: f32, y: f32) -> Option<Rgb> {
        if self.place == Place::Corridor {
            return Some(self.lobby_wall(x, y));
        }
        let width = 7.0 + 5.0 * self.tone(5);
        let house = ((x + 400.0) / width).floor() as i32;
        let across = (x + 400.0).rem_euclid(width);
        let storeys = 2 + (self.tone(house) * 3.0) as i32 + i32::from(self.place != Place::Street) * 2;
        let roof = storeys as f32 * 2.9 + 0.7;
        if y > roof {
            return None;
        }
        let tints: [Rgb; 6] = [
            [0.72, 0.62, 0.50],
            [0.66, 0.48, 0.40],
            [0.74, 0.72, 0.66],
            [0.56, 0.58, 0.60],
            [0.70, 0.66, 0.48],
            [0.60, 0.52, 0.46],
        ];
        let wall = tints[(self.tone(house + 50) * 6.0) as usize % 6];
        if y > roof - 0.35 {
            return Some(shade(wall, 0.6));
        }
        if !(0.12..=width - 0.12).contains(&across) {
            return Some(shade(wall, 0.7));
        }
        let bricks = 0.95 + 0.07 * speckle((across * 4.0) as i32, (y * 9.0) as i32, self.seed);
        Some(self.openings(house, across, y, width).unwrap_or_else(|| shade(wall, bricks)))
    }

    fn openings(&self, house: i32, across: f32, y: f32, width: f32) -> Option<Rgb> {
        let bays = (width / 2.3) as i32;
        let bay = width / bays as f32;
        let (column, u) = ((across / bay) as i32, across.rem_euclid(bay) / bay);
        let (floor, v) = ((y / 2.9) as i32, y.rem_euclid(2.9));
        if floor == 0 && column == (self.tone(house + 90) * bays as f32) as i32 {
            let door = (0.25..0.75).contains(&u) && v < 2.2;
            return door.then(|| blend([0.30, 0.20, 0.14], [0.18, 0.28, 0.30], self.tone(house + 70)));
        }
        if !(0.22..0.78).contains(&u) || !(0.9..2.3).contains(&v) {
            return None;
        }
        let frame = (u - 0.5).abs() < 0.02 || !(0.25..0.75).contains(&u) || !(0.96..2.24).contains(&v);
        let glow = speckle(house * 31 + column, floor, self.seed);
        let glass = if glow > 0.86 { [0.78, 0.70, 0.46] } else { shade([0.24, 0.29, 0.34], 0.8 + 0.5 * glow) };
        Some(if frame { [0.83, 0.82, 0.80] } else { glass })
    }

    fn lobby_wall(&self, x: f32, y: f32) -> Rgb {
        let wall = blend([0.78, 0.75, 0.66], [0.66, 0.72, 0.70], self.tone(6));
        let (module, u) = (((x + 100.0) / 4.6).floor() as i32, (x + 100.0).rem_euclid(4.6));
        if y < 0.12 {
            return shade(wall, 0.5);
        }
        if (3.2..4.2).contains(&u) && y < 2.15 {
            let knob = (u - 4.08).abs() < 0.04 && (y - 1.05).abs() < 0.04;
            let panel = !(3.27..4.13).contains(&u) || y > 2.08;
            let door = blend([0.42, 0.28, 0.18], [0.30, 0.33, 0.38], self.tone(module));
            return if knob { [0.8, 0.75, 0.5] } else { shade(door, if panel { 0.7 } else { 1.0 }) };
        }
        if module % 2 == 0 && (0.5..2.2).contains(&u) && (1.25..1.95).contains(&y) {
            let seam = u.rem_euclid(0.34) < 0.03 || y.rem_euclid(0.233) < 0.025;
            return if seam { [0.28, 0.29, 0.30] } else { [0.60, 0.62, 0.64] };
        }
        shade(wall, if y < 1.1 { 0.82 } else { 0.98 + 0.03 * cloud(x, y, self.seed) })
    }

    fn side_walls(&self, view: &View, ray: [f32; 3], before: f32) -> Option<Rgb> {
        if ray[0].abs() < 1e-4 {
            return None;
        }
        let k = (6.5 * ray[0].signum() - view.eye[0]) / ray[0];
        let (y, z) = (view.eye[1] + ray[1] * k, view.eye[2] + ray[2] * k);
        if k <= 0.0 || k >= before || y > 2.6 || z < self.mark {
            return None;
        }
        let joint = (y * 3.0).rem_euclid(1.0) < 0.08 || (z * 1.4 + (y * 3.0).floor() * 0.5).rem_euclid(1.0) < 0.05;
        let brick = blend([0.56, 0.36, 0.29], [0.62, 0.55, 0.46], self.tone(8));
        Some(shade(
            brick,
            if y > 2.45 {
                0.7
            } else if joint {
                0.86
            } else {
                0.95 + 0.1 * cloud(z, y * 2.0, self.seed)
            },
        ))
    }
}

fn sky(ray: [f32; 3], seed: u64) -> Rgb {
    let up = (ray[1] / (ray[2].abs() + 0.2)).clamp(0.0, 1.0);
    let clear = blend([0.80, 0.84, 0.88], [0.46, 0.62, 0.82], up);
    blend(clear, [0.93, 0.93, 0.93], 0.6 * cloud(ray[0] * 3.0, up * 9.0, seed).powi(2))
}

fn asphalt(x: f32, z: f32, seed: u64) -> Rgb {
    let k = 0.85 + 0.2 * cloud(x * 0.35, z * 1.1, seed) + 0.05 * cloud(x * 9.0, z * 9.0, seed);
    shade([0.33, 0.33, 0.35], k)
}

fn paving(x: f32, z: f32, size: f32, base: Rgb, seed: u64) -> Rgb {
    let (i, j) = ((x / size).floor(), (z / size).floor());
    let joint = x.rem_euclid(size) < size * 0.05 || z.rem_euclid(size) < size * 0.05;
    shade(base, if joint { 0.82 } else { 0.95 + 0.09 * speckle(i as i32, j as i32, seed) })
}

fn grass(x: f32, z: f32, seed: u64) -> Rgb {
    let k = 0.75 + 0.3 * cloud(x * 1.5, z * 1.5, seed) + 0.2 * cloud(x * 12.0, z * 12.0, seed);
    shade([0.30, 0.42, 0.20], k)
}
