//! Scenes by chance, to train and to judge the demo's model on. They share the demo's bodies, not its views, looks or stories.

use std::f32::consts::TAU;

use super::actor::{Actor, Deed, Kind, Waypoint};
use super::backdrop::{Backdrop, Place};
use super::person::PersonLook;
use super::rng::Rng;
use super::scene::{Light, Scene};
use super::shape::Rgb;
use super::view::View;

/// The scene of that seed.
pub fn scene(seed: u64, width: usize, height: usize) -> Scene {
    let mut rng = Rng::new(seed.wrapping_mul(0x9e37_79b9).wrapping_add(77));
    let place = rng.pick(&[Place::Street, Place::Yard, Place::Corridor, Place::Gate, Place::Square]);
    let inside = place == Place::Corridor;
    let view = View {
        width,
        height,
        focal: rng.range(0.9, 1.45),
        eye: [rng.range(-1.0, 1.0), if inside { rng.range(2.2, 3.1) } else { rng.range(2.8, 6.0) }, 0.0],
        pitch: rng.range(0.16, 0.42),
        yaw: rng.range(-0.25, 0.25),
    };
    let wall = if inside { rng.range(6.5, 10.0) } else { rng.range(16.0, 34.0) };
    let backdrop = Backdrop { place, wall, mark: rng.range(7.0, 10.5), seed: rng.bits() };
    let night = rng.chance(0.15);
    let light = Light {
        gain: if night { rng.range(0.45, 0.7) } else { rng.range(0.75, 1.15) },
        sway: 0.05,
        warmth: rng.range(-0.08, 0.10),
        noise: if rng.chance(0.2) { rng.range(3.0, 6.0) } else { rng.range(0.5, 3.0) },
    };
    let mut cast = Cast { rng, far: wall.min(19.0) - 0.6, place, mark: backdrop.mark, actors: Vec::new() };
    cast.fill();
    Scene { view, backdrop, actors: cast.actors, light, breeze: 0.0, period_s: 60.0 }
}

struct Cast {
    rng: Rng,
    far: f32,
    place: Place,
    mark: f32,
    actors: Vec<Actor>,
}

impl Cast {
    fn fill(&mut self) {
        for _ in 0..self.rng.below(4) {
            self.parked_bicycle();
        }
        for _ in 0..self.rng.below(5) {
            self.walker();
        }
        for _ in 0..self.rng.below(3) {
            self.rider();
        }
        let cars = if matches!(self.place, Place::Corridor) { 0 } else { self.rng.below(4) };
        for _ in 0..cars {
            self.car();
        }
        for _ in 0..self.rng.below(3) {
            self.bag_on_the_ground();
        }
        for _ in 0..self.rng.below(4) {
            self.obstacle();
        }
        if self.rng.chance(0.25) {
            self.trolley();
        }
    }

    fn spot(&mut self) -> (f32, f32) {
        // Nearer ground is wider on the picture; square the chance so that near and far are seen equally often.
        let z = 3.2 + (self.far - 3.2) * self.rng.unit().powf(1.3);
        let half = 0.75 * z + 0.8;
        (self.rng.range(-half, half), z)
    }

    fn push(&mut self, kind: Kind, path: Vec<Waypoint>, facing: f32) {
        let phase = self.rng.range(0.0, TAU);
        self.actors.push(Actor { kind, path, facing, phase });
    }

    /// A path of six seconds through a random spot at about `speed`.
    fn path(&mut self, speed: f32, deed: Deed) -> Vec<Waypoint> {
        let (x, z) = self.spot();
        let across = self.rng.chance(0.6);
        let way = if across {
            self.rng.range(-0.25, 0.25) + if self.rng.chance(0.5) { 0.0 } else { TAU / 2.0 }
        } else {
            self.rng.range(0.0, TAU)
        };
        let (dx, dz) = (speed * way.cos(), speed * way.sin());
        let at = |t: f32| Waypoint { t, x: x + dx * (t - 3.0), z: (z + dz * (t - 3.0)).min(self.far), deed };
        vec![at(-1.0), at(7.0)]
    }

    fn parked_bicycle(&mut self) {
        let (x, z) = if self.rng.chance(0.4) {
            (self.rng.range(-4.0, 4.0), self.rng.range(4.5, self.far.min(10.0)))
        } else {
            self.spot()
        };
        let facing = if self.rng.chance(0.6) {
            self.rng.range(-0.35, 0.35) + if self.rng.chance(0.5) { 0.0 } else { TAU / 2.0 }
        } else {
            self.rng.range(0.0, TAU)
        };
        let frame = self.frame();
        self.push(Kind::Bicycle(frame), vec![Waypoint { t: 0.0, x, z, deed: Deed::Walk }], facing);
        if self.rng.chance(0.35) {
            let look = look(&mut self.rng);
            let (dx, dz) = (self.rng.range(-0.9, 0.9), self.rng.range(-0.9, 0.9));
            let deed = if self.rng.chance(0.5) { Deed::Reach } else { Deed::Walk };
            let facing = self.rng.range(0.0, TAU);
            self.push(Kind::Person(look), vec![Waypoint { t: 0.0, x: x + dx, z: z + dz, deed }], facing);
        }
    }

    fn walker(&mut self) {
        let look = look(&mut self.rng);
        let speed = if self.rng.chance(0.25) { 0.0 } else { self.rng.range(0.7, 1.9) };
        let path = self.path(speed, Deed::Walk);
        let facing = self.rng.range(0.0, TAU);
        let pair = self.rng.chance(0.2);
        if self.rng.chance(0.2) {
            let paint = cloth(&mut self.rng);
            let kind = Kind::Bag { paint, size: self.rng.range(0.7, 1.1), lift: self.rng.range(0.25, 0.45) };
            self.push(kind, shifted(&path, 0.05, -0.26), facing);
        }
        if self.rng.chance(0.08) {
            let frame = self.frame();
            self.push(Kind::Bicycle(frame), shifted(&path, 0.0, 0.5), facing);
        }
        if pair {
            let other = self::look(&mut self.rng);
            self.push(Kind::Person(other), shifted(&path, 0.25, 0.55), facing);
        }
        self.push(Kind::Person(look), path, facing);
    }

    fn rider(&mut self) {
        let look = look(&mut self.rng);
        let speed = self.rng.range(2.0, 5.0);
        let path = self.path(speed, Deed::Ride);
        let frame = self.frame();
        self.push(Kind::Bicycle(frame), path.clone(), 0.0);
        self.push(Kind::Person(look), path, 0.0);
    }

    fn car(&mut self) {
        let speed = if self.rng.chance(0.35) { 0.0 } else { self.rng.range(2.0, 11.0) };
        let paint = self.rng.pick(&[
            [0.86, 0.86, 0.87],
            [0.12, 0.12, 0.14],
            [0.55, 0.57, 0.60],
            [0.62, 0.10, 0.09],
            [0.12, 0.24, 0.52],
            [0.70, 0.66, 0.55],
            [0.16, 0.36, 0.26],
            [0.80, 0.60, 0.12],
        ]);
        let tall = self.rng.chance(0.2);
        let (x, t_mid) = (self.rng.range(-7.0, 7.0), 3.0);
        let way = if self.rng.chance(0.5) { 1.0 } else { -1.0 };
        let lane = self.mark + if way > 0.0 { self.rng.range(1.2, 2.2) } else { self.rng.range(4.2, 5.2) };
        let jitter = self.rng.range(0.0, TAU);
        let (path, facing) = match self.place {
            Place::Street => {
                let at = |t: f32| Waypoint { t, x: x + way * speed * (t - t_mid), z: lane, deed: Deed::Walk };
                (vec![at(-1.0), at(7.0)], if way > 0.0 { 0.0 } else { TAU / 2.0 })
            }
            Place::Gate => {
                let (x, z) = (way * self.rng.range(0.8, 1.6), self.rng.range(6.5, 16.0));
                let at = |t: f32| Waypoint { t, x, z: z + way * speed * 0.4 * (t - t_mid), deed: Deed::Walk };
                (vec![at(-1.0), at(7.0)], way * TAU / 4.0)
            }
            _ => (vec![Waypoint { t: 0.0, x, z: self.rng.range(7.5, 17.0), deed: Deed::Walk }], jitter),
        };
        self.push(Kind::Car { paint, tall }, path, facing);
    }

    fn bag_on_the_ground(&mut self) {
        let (x, z) = self.spot();
        let kind = Kind::Bag { paint: cloth(&mut self.rng), size: self.rng.range(0.8, 1.4), lift: 0.0 };
        let facing = self.rng.range(0.0, TAU);
        self.push(kind, vec![Waypoint { t: 0.0, x, z: z.min(9.0), deed: Deed::Walk }], facing);
    }

    fn obstacle(&mut self) {
        let (x, z) = self.spot();
        let kind = match self.rng.below(4) {
            0 if self.place != Place::Corridor => {
                Kind::Tree { height: self.rng.range(2.5, 6.0), seed: self.rng.bits() }
            }
            1 => Kind::Block {
                half: [self.rng.range(0.3, 1.4), self.rng.range(0.2, 0.5)],
                height: self.rng.range(0.4, 1.2),
                paint: cloth(&mut self.rng),
            },
            _ => {
                let grey = self.rng.range(0.2, 0.75);
                Kind::Pillar {
                    radius: self.rng.range(0.06, 0.28),
                    height: self.rng.range(0.8, 3.4),
                    paint: [grey, grey, grey * 1.02],
                }
            }
        };
        self.push(kind, vec![Waypoint { t: 0.0, x, z, deed: Deed::Walk }], 0.0);
    }

    fn trolley(&mut self) {
        let path = self.path(0.9, Deed::Walk);
        let (seed, look) = (self.rng.bits(), look(&mut self.rng));
        self.push(Kind::Person(look), shifted(&path, -1.05, 0.0), 0.0);
        self.push(Kind::Trolley(seed), path, 0.0);
    }

    fn frame(&mut self) -> Rgb {
        let v = self.rng.range(0.15, 0.9);
        self.rng.pick(&[
            [v, 0.1, 0.1],
            [0.1, 0.2, v],
            [0.1, v * 0.7, 0.25],
            [v, v, v],
            [0.1, 0.1, 0.12],
            [0.85, 0.6, 0.1],
            [0.5, 0.1, 0.45],
        ])
    }
}

/// The path beside another: `ahead` along it, `left` of it.
fn shifted(path: &[Waypoint], ahead: f32, left: f32) -> Vec<Waypoint> {
    let (a, b) = (path[0], path[path.len() - 1]);
    let (s, c) = (b.z - a.z).atan2(b.x - a.x).sin_cos();
    path.iter()
        .map(|w| Waypoint { x: w.x + ahead * c - left * s, z: w.z + ahead * s + left * c, deed: Deed::Walk, ..*w })
        .collect()
}

fn cloth(rng: &mut Rng) -> Rgb {
    let v = rng.range(0.08, 0.9);
    let (a, b, c) = (rng.range(0.4, 1.0), rng.range(0.4, 1.0), rng.range(0.4, 1.0));
    [v * a, v * b, v * c]
}

/// Somebody's clothes.
pub fn look(rng: &mut Rng) -> PersonLook {
    let skin = rng.pick(&[[0.85, 0.68, 0.56], [0.76, 0.57, 0.44], [0.55, 0.38, 0.28], [0.90, 0.75, 0.65]]);
    let hair =
        rng.pick(&[[0.08, 0.07, 0.06], [0.20, 0.13, 0.08], [0.55, 0.50, 0.45], [0.60, 0.15, 0.12], [0.15, 0.22, 0.40]]);
    PersonLook {
        height: rng.range(1.5, 1.92),
        top: cloth(rng),
        legs: cloth(rng),
        hair,
        skin,
        girth: rng.range(0.85, 1.3),
    }
}
