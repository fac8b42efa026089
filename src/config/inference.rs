//! What finds objects on frames.

use std::path::PathBuf;

use super::table::{Table, not_among};

pub(super) const KEYS: &[&str] = &["model", "library", "providers", "workers", "threads"];

/// What stands for a model where there is none.
const NO_MODEL: &str = "none";

/// `[inference]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InferenceSettings {
    /// A `model.toml`, or an `.onnx` whose layout can be recognized; absent where the pixel cues look alone.
    pub model: Option<PathBuf>,
    /// The ONNX Runtime library; looked for where absent.
    pub library: Option<PathBuf>,
    /// Which execution providers to use, the first that takes an operation has it; one that is missing is an error.
    pub providers: Vec<Provider>,
    /// How many frames are looked at at once.
    pub workers: u32,
    /// Threads for one frame.
    pub threads: u32,
}

/// Execution providers of ONNX Runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// The processor; always there.
    Cpu,
    /// Intel's.
    OpenVino,
    /// NVIDIA's.
    Cuda,
    /// NVIDIA's, compiled for the model.
    TensorRt,
}

impl Provider {
    const NAMES: [(&'static str, Self); 4] =
        [("cpu", Self::Cpu), ("openvino", Self::OpenVino), ("cuda", Self::Cuda), ("tensorrt", Self::TensorRt)];

    /// The configuration's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::OpenVino => "openvino",
            Self::Cuda => "cuda",
            Self::TensorRt => "tensorrt",
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let found = Self::NAMES.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, provider)| provider).ok_or_else(|| not_among(text, &Self::NAMES))
    }
}

impl InferenceSettings {
    pub(super) fn read(table: &Table<'_>) -> Option<Self> {
        let wants = "the path of a model.toml or an .onnx, or \"none\" to look by the pixel cues alone";
        let model = match table.text("model") {
            Some(NO_MODEL) => Some(None),
            Some(_) => table.path("model").map(Some),
            None if table.has("model") => None,
            None => table.missing("model", wants),
        };
        let providers = table.list("providers", Provider::parse).unwrap_or_else(|| vec![Provider::Cpu]);
        if providers.is_empty() {
            table.missing_or_empty("providers", "at least one, such as [\"cpu\"]");
        }
        Some(Self {
            model: model?,
            library: table.path("library"),
            providers,
            workers: table.whole("workers", 1..=64).unwrap_or(1),
            threads: table.whole("threads", 1..=64).unwrap_or(1),
        })
    }
}
