//! One object on one frame.

use std::sync::Arc;

use super::class::ObjectClass;
use crate::domain::geometry::BBox;

/// A confidence between 0 and 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Confidence(f32);

impl Confidence {
    /// Clamps to 0..=1; not-a-number becomes 0, since a model that answers so has seen nothing.
    pub fn clamped(value: f32) -> Self {
        Self(if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) })
    }

    /// The number, 0..=1.
    pub const fn get(self) -> f32 {
        self.0
    }
}

/// One object that a detector found on one frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// Where, in normalized coordinates.
    pub bbox: BBox,
    /// What.
    pub class: ObjectClass,
    /// The model's own class name where it says more than `class` (e.g. `bottle` for `Other`).
    pub label: Option<Arc<str>>,
    /// How sure the detector is.
    pub confidence: Confidence,
}
