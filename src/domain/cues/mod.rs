//! Pixel cues: what a small picture of brightness tells where a detector is blind.
//!
//! Read `luma` first: the only pixels that the core ever sees, about 160 by 90 of them and grey, far too few to know anybody
//! by. What the cues see and what they do not, for people: `docs/cues.md`.

pub mod luma;

pub use luma::SmallLuma;

/// What a camera's cues are asked for beyond what its rules need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CueConfig {}
