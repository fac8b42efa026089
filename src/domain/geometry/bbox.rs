//! A box around an object.

use super::point::Point;

/// An axis-aligned box in normalized coordinates: top-left corner and size.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BBox {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

impl BBox {
    /// A box from its top-left corner and size.
    pub const fn new(x: f64, y: f64, w: f64, h: f64) -> Self {
        Self { x, y, w, h }
    }

    /// A box from two corners.
    pub const fn from_corners(x0: f64, y0: f64, x1: f64, y1: f64) -> Self {
        Self { x: x0, y: y0, w: x1 - x0, h: y1 - y0 }
    }

    /// Area, in fractions of the picture; zero for an inside-out box.
    pub fn area(&self) -> f64 {
        self.w.max(0.0) * self.h.max(0.0)
    }

    /// Centre.
    pub const fn centre(&self) -> Point {
        Point::new(self.x + self.w / 2.0, self.y + self.h / 2.0)
    }

    /// Middle of the lower edge: where a thing stands on the ground.
    pub const fn bottom_centre(&self) -> Point {
        Point::new(self.x + self.w / 2.0, self.y + self.h)
    }

    /// Area shared with `other`.
    pub fn intersection(&self, other: &Self) -> f64 {
        let w = (self.x + self.w).min(other.x + other.w) - self.x.max(other.x);
        let h = (self.y + self.h).min(other.y + other.h) - self.y.max(other.y);
        if w > 0.0 && h > 0.0 { w * h } else { 0.0 }
    }

    /// Intersection over union, 0..=1.
    pub fn iou(&self, other: &Self) -> f64 {
        let inter = self.intersection(other);
        let union = self.area() + other.area() - inter;
        if union > 0.0 { inter / union } else { 0.0 }
    }

    /// The part of the box inside the picture; `None` when nothing of it is.
    pub fn clipped(&self) -> Option<Self> {
        let (x0, y0) = (self.x.max(0.0), self.y.max(0.0));
        let (x1, y1) = ((self.x + self.w).min(1.0), (self.y + self.h).min(1.0));
        (x1 > x0 && y1 > y0).then(|| Self::from_corners(x0, y0, x1, y1))
    }

    /// Whether it is a box at all, of sane size, with some part in the picture: what a broken model gives may be none.
    pub fn is_in_picture(&self) -> bool {
        let sane = |v: f64| v.is_finite() && v.abs() <= 4.0;
        [self.x, self.y, self.w, self.h].into_iter().all(sane)
            && self.w > 0.0
            && self.h > 0.0
            && self.clipped().is_some()
    }
}
