//! A busy street by chance, to judge tracking on: many who cross each other's paths, hide behind things, stop, turn and come back.
//!
//! Shares the bodies with the demo, not its stories. Pure: a seed gives one street.

use std::f32::consts::TAU;

use super::actor::{Actor, Deed, Kind, Waypoint};
use super::backdrop::{Backdrop, Place};
use super::random::look;
use super::rng::Rng;
use super::scene::{Light, Scene};
use super::view::View;

/// Where the pavement begins and the far side ends, in metres from the camera's wall.
const NEAR: f32 = 4.5;
const FAR: f32 = 17.0;
/// The carriageway's two lanes.
const LANES: [f32; 2] = [11.0, 14.0];

/// The street of that seed; it lasts `seconds`.
pub fn scene(seed: u64, width: usize, height: usize, seconds: f32) -> Scene {
    let mut rng = Rng::new(seed.wrapping_mul(0x51ab_7c15).wrapping_add(4242));
    let view = View {
        width,
        height,
        focal: rng.range(0.95, 1.25),
        eye: [0.0, rng.range(3.2, 6.5), 0.0],
        pitch: rng.range(0.20, 0.36),
        yaw: rng.range(-0.12, 0.12),
    };
    let backdrop = Backdrop { place: Place::Street, wall: 22.0, mark: 9.5, seed: rng.bits() };
    let light = Light { gain: 1.0, sway: 0.0, warmth: 0.0, noise: 1.0 };
    let mut crowd = Crowd { rng, seconds, actors: Vec::new() };
    crowd.fill();
    Scene { view, backdrop, actors: crowd.actors, light, breeze: 0.0, period_s: seconds }
}

struct Crowd {
    rng: Rng,
    seconds: f32,
    actors: Vec<Actor>,
}

impl Crowd {
    fn fill(&mut self) {
        for _ in 0..3 + self.rng.below(4) {
            self.pillar();
        }
        for _ in 0..self.rng.below(4) {
            self.parked();
        }
        // Somebody is on the way all the time: so many arrivals in half a minute.
        let density = self.seconds / 30.0;
        for _ in 0..(self.rng.range(9.0, 22.0) * density) as usize {
            self.walker();
        }
        for _ in 0..(self.rng.range(1.0, 5.0) * density) as usize {
            self.rider();
        }
        for _ in 0..(self.rng.range(1.0, 5.0) * density) as usize {
            self.car();
        }
    }

    /// Half the street's breadth that the picture shows at `z`, and a little more.
    fn beyond(z: f32) -> f32 {
        0.85 * z + 2.0
    }

    fn push(&mut self, kind: Kind, path: Vec<Waypoint>, facing: f32) {
        let phase = self.rng.range(0.0, TAU);
        self.actors.push(Actor { kind, path, facing, phase });
    }

    fn pillar(&mut self) {
        let z = self.rng.range(NEAR, 9.0);
        let at = Waypoint { t: 0.0, x: self.rng.range(-0.6 * z, 0.6 * z), z, deed: Deed::Walk };
        let kind = if self.rng.chance(0.3) {
            Kind::Tree { height: self.rng.range(3.0, 5.0), seed: self.rng.bits() }
        } else {
            let radius = self.rng.range(0.15, 0.45);
            Kind::Pillar { radius, height: self.rng.range(1.8, 3.2), paint: [0.4, 0.4, 0.42] }
        };
        self.push(kind, vec![at], 0.0);
    }

    fn parked(&mut self) {
        let z = self.rng.range(6.0, 9.0);
        let at = Waypoint { t: 0.0, x: self.rng.range(-0.6 * z, 0.6 * z), z, deed: Deed::Walk };
        let kind = match self.rng.below(3) {
            0 => Kind::Bag { paint: [0.3, 0.2, 0.2], size: self.rng.range(1.0, 1.4), lift: 0.0 },
            1 => Kind::Car { paint: [0.6, 0.6, 0.62], tall: false },
            _ => Kind::Bicycle([0.5, 0.1, 0.1]),
        };
        let facing = self.rng.range(0.0, TAU);
        self.push(kind, vec![at], facing);
    }

    /// Comes from one side, walks a few legs, stops now and then, and leaves; some turn round and are seen twice.
    fn walker(&mut self) {
        let (speed, start) = (self.rng.range(0.8, 2.0), self.rng.range(-8.0, self.seconds - 3.0));
        let mut z = self.rng.range(NEAR, FAR);
        let side = if self.rng.chance(0.5) { 1.0 } else { -1.0 };
        let mut path = vec![Waypoint { t: start, x: -side * Self::beyond(z), z, deed: Deed::Walk }];
        for _ in 0..=self.rng.below(3) {
            z = (z + self.rng.range(-3.0, 3.0)).clamp(NEAR, FAR);
            let x = self.rng.range(-0.6 * z, 0.6 * z);
            self.go(&mut path, x, z, speed);
            if self.rng.chance(0.4) {
                let rest = self.rng.range(1.0, 6.0);
                self.stay(&mut path, rest);
            }
        }
        let onward = if self.rng.chance(0.75) { side } else { -side };
        self.go(&mut path, onward * Self::beyond(z), z, speed);
        if self.rng.chance(0.25) {
            // Comes back after a while.
            let rest = self.rng.range(1.0, 4.0);
            self.stay(&mut path, rest);
            let z = self.rng.range(NEAR, FAR);
            self.go(&mut path, onward * Self::beyond(z), z, 4.0);
            self.go(&mut path, -onward * Self::beyond(z), z, speed);
        }
        let shape = look(&mut self.rng);
        if self.rng.chance(0.25) {
            let beside = path.iter().map(|w| Waypoint { x: w.x + 0.25, z: w.z + 0.65, ..*w }).collect();
            let other = look(&mut self.rng);
            self.push(Kind::Person(other), beside, 0.0);
        }
        self.push(Kind::Person(shape), path, 0.0);
    }

    fn go(&mut self, path: &mut Vec<Waypoint>, x: f32, z: f32, speed: f32) {
        let Some(last) = path.last() else { return };
        let far = (x - last.x).hypot(z - last.z);
        let t = last.t + far / (speed * self.rng.range(0.85, 1.15));
        path.push(Waypoint { t, x, z, deed: Deed::Walk });
    }

    #[expect(clippy::unused_self, reason = "reads beside `go`")]
    fn stay(&self, path: &mut Vec<Waypoint>, seconds: f32) {
        if let Some(last) = path.last().copied() {
            path.push(Waypoint { t: last.t + seconds, ..last });
        }
    }

    fn across(&mut self, z: f32, speed: f32, deed: Deed) -> Vec<Waypoint> {
        let side = if self.rng.chance(0.5) { 1.0 } else { -1.0 };
        let (start, reach) = (self.rng.range(-2.0, self.seconds - 3.0), Self::beyond(z) + 3.0);
        let end = Waypoint { t: start + 2.0 * reach / speed, x: side * reach, z, deed };
        vec![Waypoint { t: start, x: -side * reach, z, deed }, end]
    }

    fn rider(&mut self) {
        let (z, speed) = (self.rng.range(7.0, 13.0), self.rng.range(2.5, 5.5));
        let path = self.across(z, speed, Deed::Ride);
        let shape = look(&mut self.rng);
        self.push(Kind::Bicycle([0.1, 0.2, 0.6]), path.clone(), 0.0);
        self.push(Kind::Person(shape), path, 0.0);
    }

    fn car(&mut self) {
        let (lane, speed) = (self.rng.below(2), self.rng.range(4.0, 11.0));
        let mut path = self.across(LANES[lane], speed, Deed::Walk);
        if self.rng.chance(0.3) {
            // Stops in the middle for a while.
            let (a, b) = (path[0], path[1]);
            let middle = Waypoint { t: f32::midpoint(a.t, b.t), x: f32::midpoint(a.x, b.x), ..a };
            let rest = self.rng.range(2.0, 7.0);
            path = vec![a, middle, Waypoint { t: middle.t + rest, ..middle }, Waypoint { t: b.t + rest, ..b }];
        }
        let tall = self.rng.chance(0.25);
        self.push(Kind::Car { paint: [0.5, 0.55, 0.6], tall }, path, 0.0);
    }
}
