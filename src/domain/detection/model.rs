//! Which model spoke, so that an alert can be traced to the very bytes that decided it.

/// A model as an alert quotes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelCard {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the model file, 64 lower-case hex digits.
    pub sha256: String,
    /// Runtime and execution provider really in use, e.g. `onnxruntime 1.24.4 CPU`.
    pub runtime: String,
}
