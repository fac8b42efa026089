//! What a detector saw on one frame.

pub mod class;
#[expect(clippy::module_inception, reason = "the file is named after the type it holds")]
pub mod detection;
pub mod model;
pub mod nms;

pub use class::ObjectClass;
pub use detection::{Confidence, Detection};
pub use model::ModelCard;
