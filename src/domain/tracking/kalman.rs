//! Where a box is and where it goes: four constant-velocity Kalman filters (centre x, centre y, width, height).
//!
//! As in SORT (Bewley 2016) and `ByteTrack` (Zhang 2022), but in seconds instead of frames, so that the step may vary: process
//! noise is white acceleration integrated over the step. Noise scales with the object's size, since a near object moves more of
//! the picture than a far one; it is weighted by the detection's confidence as in `StrongSORT` (Du 2023).

use crate::domain::geometry::{BBox, Point};

/// Measurement noise: standard deviation of a box's place, in object sizes: poor detectors' boxes, cut off by what stands before
/// the thing, lie that far off.
const MEASURE: f64 = 0.09;
/// Acceleration noise: how much the speed drifts in a second, in object sizes per second.
const ACCELERATION: f64 = 0.4;
/// How much more a thing may turn, start or stop than the above: what the filter does not expect, a gate must allow.
const MANOEUVRE: f64 = 1.0;
/// What is not known of a newcomer's speed, in object sizes per second: a cyclist passes three of his own heights.
const NEWCOMER_SPEED: f64 = 2.0;
/// Sizes change slowly compared with places.
const SIZE_CALM: f64 = 0.3;
/// Pictures are about 16:9; one number serves, as it only scales noise.
const ASPECT: f64 = 9.0 / 16.0;

/// The typical extent of a box along x and y, the same length on the screen: what "one object size" means for gates and noise.
pub(super) fn extent(bbox: &BBox) -> [f64; 2] {
    let x = (f64::midpoint(bbox.w, bbox.h * ASPECT)).max(1e-4);
    [x, x / ASPECT]
}

#[derive(Clone, Copy, Debug)]
struct Axis {
    at: f64,
    speed: f64,
    p_at: f64,
    p_cross: f64,
    p_speed: f64,
}

impl Axis {
    fn new(at: f64, scale: f64, calm: f64) -> Self {
        let speed = NEWCOMER_SPEED * scale * calm;
        Self { at, speed: 0.0, p_at: (MEASURE * scale).powi(2), p_cross: 0.0, p_speed: speed * speed }
    }

    fn predict(&mut self, dt: f64, q: f64) {
        // A forecast beyond a second is fiction: uncertainty grows on, the place does not.
        self.at += self.speed * dt.min(1.0);
        self.p_at += dt * (2.0 * self.p_cross + dt * self.p_speed) + q * dt * dt * dt / 3.0;
        self.p_cross += dt * self.p_speed + q * dt * dt / 2.0;
        self.p_speed += q * dt;
    }

    fn correct(&mut self, seen: f64, r: f64) {
        let s = self.p_at + r;
        let (k_at, k_speed) = (self.p_at / s, self.p_cross / s);
        let miss = seen - self.at;
        self.at += k_at * miss;
        self.speed += k_speed * miss;
        self.p_speed -= k_speed * self.p_cross;
        self.p_cross *= 1.0 - k_at;
        self.p_at *= 1.0 - k_at;
    }
}

/// The state of one object's box.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kalman {
    axes: [Axis; 4],
    extent: [f64; 2],
    /// Seconds since it was seen.
    elapsed: f64,
}

impl Kalman {
    pub(super) fn new(seen: &BBox) -> Self {
        let extent = extent(seen);
        let c = seen.centre();
        let axes = [
            Axis::new(c.x, extent[0], 1.0),
            Axis::new(c.y, extent[1], 1.0),
            Axis::new(seen.w, extent[0], SIZE_CALM),
            Axis::new(seen.h, extent[1], SIZE_CALM),
        ];
        Self { axes, extent, elapsed: 0.0 }
    }

    /// Lets `dt` seconds pass.
    pub(super) fn predict(&mut self, dt: f64) {
        self.elapsed += dt;
        for (i, axis) in self.axes.iter_mut().enumerate() {
            let calm = if i < 2 { 1.0 } else { SIZE_CALM };
            let a = ACCELERATION * self.extent[i % 2] * calm;
            axis.predict(dt, a * a);
        }
    }

    /// Takes in a box that was seen with `confidence`.
    pub(super) fn correct(&mut self, seen: &BBox, confidence: f32) {
        let c = seen.centre();
        let trust = 1.5 - f64::from(confidence);
        for (i, value) in [c.x, c.y, seen.w, seen.h].into_iter().enumerate() {
            let r = MEASURE * self.extent[i % 2];
            self.axes[i].correct(value, r * r * trust);
        }
        self.elapsed = 0.0;
        self.extent = extent(&self.bbox());
    }

    /// Where it is now.
    pub(super) fn bbox(&self) -> BBox {
        let [x, y, w, h] = [0, 1, 2, 3].map(|i| self.axes[i].at);
        let (w, h) = (w.max(1e-4), h.max(1e-4));
        BBox::new(x - w / 2.0, y - h / 2.0, w, h)
    }

    /// How fast, in frame widths and heights per second.
    pub(super) fn velocity(&self) -> [f64; 2] {
        [self.axes[0].speed, self.axes[1].speed]
    }

    /// Standard deviation of the place along x and y, for one that may turn, start or stop.
    pub(super) fn spread(&self) -> Point {
        let turn = MANOEUVRE * (self.elapsed.powi(3) / 3.0).sqrt();
        let along = |i: usize| self.axes[i].p_at.max(0.0).sqrt().hypot(turn * self.extent[i]);
        Point::new(along(0), along(1))
    }

    /// Stops: what does not move has no speed.
    pub(super) fn halt(&mut self) {
        for axis in &mut self.axes {
            axis.speed = 0.0;
        }
    }

    /// Forgets part of its speed: a thing that hides for `dt` seconds may have turned.
    pub(super) fn slow(&mut self, dt: f64) {
        let keep = (-dt).exp();
        for axis in &mut self.axes {
            axis.speed *= keep;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(fps: f64) -> Kalman {
        let at = |t: f64| BBox::new(0.1 + 0.1 * t, 0.4, 0.05, 0.2);
        let mut filter = Kalman::new(&at(0.0));
        for i in 1..=(4.0 * fps) as u32 {
            filter.predict(1.0 / fps);
            filter.correct(&at(f64::from(i) / fps), 0.9);
        }
        filter
    }

    #[test]
    fn a_steady_walk_is_learnt_at_any_frame_rate() {
        for fps in [2.0, 5.0, 10.0, 30.0] {
            let filter = walked(fps);
            assert!((filter.velocity()[0] - 0.1).abs() < 0.005, "{fps} fps: {:?}", filter.velocity());
            assert!((filter.bbox().x - 0.5).abs() < 0.005, "{fps} fps: {:?}", filter.bbox());
        }
    }

    #[test]
    fn one_long_step_is_as_uncertain_as_many_short_ones() {
        let (mut long, mut short) = (walked(5.0), walked(5.0));
        long.predict(0.8);
        for _ in 0..8 {
            short.predict(0.1);
        }
        assert!((long.spread().x - short.spread().x).abs() < 1e-9);
        assert!((long.bbox().x - short.bbox().x).abs() < 1e-9);
    }
}
