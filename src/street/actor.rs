//! Who moves, and how: paths in time, and what is seen of an actor at a moment.

use super::body::{self, Sketch, Stand};
use super::car;
use super::person::{self, Gait, PersonLook};
use super::shape::{Extent, Rgb, Shape, extent};
use super::view::View;

/// The classes whose truth is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Class {
    Person,
    Bicycle,
    Car,
    Bag,
}

impl Class {
    /// All of them, in the order in which the model names them.
    pub const ALL: [Self; 4] = [Self::Person, Self::Bicycle, Self::Car, Self::Bag];

    /// The contract's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Bicycle => "bicycle",
            Self::Car => "car",
            Self::Bag => "bag",
        }
    }
}

/// What an actor is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A person.
    Person(PersonLook),
    /// A bicycle with a frame of that colour.
    Bicycle(Rgb),
    /// A car; `tall` for a van.
    Car {
        /// Its colour.
        paint: Rgb,
        /// A van.
        tall: bool,
    },
    /// A bag.
    Bag {
        /// Its colour.
        paint: Rgb,
        /// 1 is average.
        size: f32,
        /// Above ground, when carried.
        lift: f32,
    },
    /// Something without a class that moves past.
    Trolley(u64),
    /// Something without a class that stands.
    Pillar {
        /// Half its thickness.
        radius: f32,
        /// Its height.
        height: f32,
        /// Its colour.
        paint: Rgb,
    },
    /// A tree.
    Tree {
        /// Its height.
        height: f32,
        /// Its form.
        seed: u64,
    },
    /// A hedge, a bench, a bin.
    Block {
        /// Half its length and half its depth.
        half: [f32; 2],
        /// Its height.
        height: f32,
        /// Its colour.
        paint: Rgb,
    },
}

impl Kind {
    /// Its class, if it has one.
    pub const fn class(&self) -> Option<Class> {
        match self {
            Self::Person(_) => Some(Class::Person),
            Self::Bicycle(_) => Some(Class::Bicycle),
            Self::Car { .. } => Some(Class::Car),
            Self::Bag { .. } => Some(Class::Bag),
            _ => None,
        }
    }
}

/// What a person does from a waypoint on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Walks to the next waypoint, or stands where that is the same place.
    Walk,
    /// Rides there.
    Ride,
    /// Bends over what stands in front.
    Reach,
}

/// Where an actor is at a moment, and what it does from then on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waypoint {
    /// Seconds from the loop's start.
    pub t: f32,
    /// To the right, in metres.
    pub x: f32,
    /// Away, in metres.
    pub z: f32,
    /// From here on.
    pub deed: Deed,
}

/// An actor. It is there between its first and its last waypoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Actor {
    /// What it is.
    pub kind: Kind,
    /// Its path, in time order; one alone stands for ever.
    pub path: Vec<Waypoint>,
    /// Which way it faces before it has moved.
    pub facing: f32,
    /// Own phase of its step, so that people do not march.
    pub phase: f32,
}

/// Where an actor is, what it does, and how far it has come.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Moment {
    stand: Stand,
    deed: Deed,
    speed: f32,
    travelled: f32,
}

impl Actor {
    fn moment(&self, t: f32) -> Option<Moment> {
        let (first, last) = (self.path.first()?, self.path.last()?);
        if self.path.len() == 1 {
            let stand = Stand { x: first.x, z: first.z, heading: self.facing };
            return Some(Moment { stand, deed: first.deed, speed: 0.0, travelled: 0.0 });
        }
        if t < first.t || t > last.t {
            return None;
        }
        let (mut travelled, mut heading) = (0.0, self.facing);
        for leg in self.path.windows(2) {
            let (a, b) = (leg[0], leg[1]);
            let (dx, dz) = (b.x - a.x, b.z - a.z);
            let far = (dx * dx + dz * dz).sqrt();
            if far > 0.05 {
                heading = dz.atan2(dx);
            }
            if t < b.t {
                let k = (t - a.t) / (b.t - a.t).max(1e-3);
                let stand = Stand { x: a.x + dx * k, z: a.z + dz * k, heading };
                return Some(Moment {
                    stand,
                    deed: a.deed,
                    speed: far / (b.t - a.t).max(1e-3),
                    travelled: travelled + far * k,
                });
            }
            travelled += far;
        }
        Some(Moment { stand: Stand { x: last.x, z: last.z, heading }, deed: last.deed, speed: 0.0, travelled })
    }

    /// Where it stands on the ground, if it is there.
    pub fn stand(&self, t: f32) -> Option<Stand> {
        self.moment(t).map(|m| m.stand)
    }

    /// What is to be drawn of it, back to front.
    pub fn shapes(&self, view: &View, t: f32) -> Vec<Shape> {
        let mut sketch = Sketch::new(view);
        let Some(m) = self.moment(t) else { return sketch.shapes };
        match self.kind {
            Kind::Person(look) => person::person(&mut sketch, &m.stand, &look, self.gait(&m, t)),
            Kind::Bicycle(frame) => body::bicycle(&mut sketch, &m.stand, frame, -m.travelled / 0.335 + self.phase),
            Kind::Car { paint, tall } => car::car(&mut sketch, &m.stand, paint, tall),
            Kind::Bag { paint, size, lift } => body::bag(&mut sketch, &m.stand, paint, size, lift),
            Kind::Trolley(seed) => body::trolley(&mut sketch, &m.stand, seed),
            Kind::Pillar { radius, height, paint } => body::pillar(&mut sketch, &m.stand, radius, height, paint),
            Kind::Tree { height, seed } => body::tree(&mut sketch, &m.stand, height, seed),
            Kind::Block { half, height, paint } => body::block(&mut sketch, &m.stand, half, height, paint),
        }
        sketch.shapes
    }

    fn gait(&self, m: &Moment, t: f32) -> Gait {
        match m.deed {
            Deed::Ride => Gait::Ride { pedal: -m.travelled * 1.4 + self.phase },
            Deed::Reach => Gait::Reach,
            Deed::Walk if m.speed < 0.15 => Gait::Walk { phase: (t * 0.9 + self.phase).sin(), swing: 0.05 },
            Deed::Walk => {
                Gait::Walk { phase: m.travelled * 4.2 + self.phase, swing: (0.25 + 0.16 * m.speed).min(0.62) }
            }
        }
    }

    /// Its shadow.
    pub fn shadow(&self, view: &View, t: f32) -> Vec<Shape> {
        let mut sketch = Sketch::new(view);
        if let Some(m) = self.moment(t) {
            let (long, wide, strength) = match self.kind {
                Kind::Person(_) => (0.55, 0.42, 0.55),
                Kind::Bicycle(_) => (1.1, 0.38, 0.45),
                Kind::Car { .. } => (2.7, 1.35, 0.75),
                Kind::Bag { lift, .. } if lift > 0.05 => return Vec::new(),
                Kind::Bag { .. } => (0.4, 0.3, 0.5),
                Kind::Trolley(_) => (0.95, 0.6, 0.6),
                Kind::Pillar { radius, .. } => (radius * 2.2, radius * 1.8, 0.5),
                Kind::Tree { .. } => (1.5, 1.2, 0.4),
                Kind::Block { half, .. } => (half[0] * 1.25, half[1] * 1.4, 0.5),
            };
            sketch.shadow(&m.stand, long, wide, strength);
        }
        sketch.shapes
    }

    /// Its whole outline on the picture, in pixels, also where something hides it or the picture ends.
    pub fn extent(&self, view: &View, t: f32) -> Option<Extent> {
        extent(&self.shapes(view, t))
    }
}
