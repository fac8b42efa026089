//! From a picture to detections: the only room that names ONNX Runtime and ndarray.
//!
//! Read in the order of the flow: `model` loads a file by its `manifest` (or `recognize`s a bare one), `letterbox` fills the
//! input tensor from the picture's planes, `session` runs it on the execution providers that were asked for, `layout` reads
//! what came out. `still` opens pictures from files, `pull` fetches known models. Knows nothing of cameras and of rules.

mod geometry;
pub mod letterbox;
mod paint;
pub mod classes;
pub mod manifest;
pub mod recognize;
pub mod layout;
pub mod runtime;
pub mod model;
pub mod session;
pub mod still;
pub mod known;
pub mod pull;

use std::path::PathBuf;

pub use geometry::{Placement, Resize};
pub use model::{Model, ModelOptions};
pub use runtime::Provider;
pub use session::OrtDetector;

/// Why there is no model to detect with.
#[derive(Debug, thiserror::Error)]
pub enum InferenceError {
    /// ONNX Runtime is not there, or not one that fits.
    #[error("{0}")]
    Runtime(String),
    /// A file could not be read.
    #[error("cannot read {}: {cause}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A manifest is not one.
    #[error("{}: {message}", path.display())]
    Manifest {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The weights are not those that the manifest speaks of.
    #[error("{}: sha256 is {got}, the manifest wants {wanted}: not the file that was tested, or damaged; fetch it again", path.display())]
    WrongHash {
        /// Which file.
        path: PathBuf,
        /// What it has.
        got: String,
        /// What the manifest says.
        wanted: String,
    },
    /// ONNX Runtime does not take the model.
    #[error("{}: onnxruntime cannot load it ({message}); it is no complete ONNX model, or needs a newer runtime", path.display())]
    Unloadable {
        /// Which file.
        path: PathBuf,
        /// What the runtime said.
        message: String,
    },
    /// The model's inputs or outputs are not of a layout that is known.
    #[error("{}: {message}", path.display())]
    Layout {
        /// Which file.
        path: PathBuf,
        /// What was found and what is known.
        message: String,
    },
    /// An execution provider was asked for that is not there.
    #[error("{0}")]
    Provider(String),
}
