//! Configuration: TOML files in, checked settings of the core's own types out.
//!
//! Parse, don't validate: what exists as `Settings` is valid, so no other room checks again. All errors are told at once, each
//! with file, line, key, what was got and what is wanted. Nothing here is applied: `app` compares two `Settings` with
//! [`diff`] and acts. Passwords come from the environment or from files, never from TOML, and show in no error.
//!
//! One file per concern; `table.rs` is how all of them read, `reference.rs` lists every key there is.

pub mod service;
pub mod store;
pub mod evidence;
pub mod kafka;
pub mod inference;
pub mod camera;
pub mod url;
pub mod secret;
pub mod reload;
pub mod answer;
pub mod reference;
mod error;
mod load;
mod source;
mod table;
mod canonical;
mod defaults;
mod card;
mod scene;
mod rule;
mod rule_kind;
mod conduct;
mod hours;
mod lifecycle;

pub use answer::ReloadAnswer;
pub use camera::{CameraSettings, Clocking, Credentials, DecoderChoice, RingBounds, StreamSettings, Transport};
pub use error::{ConfigError, ConfigErrors};
pub use evidence::EvidenceSettings;
pub use inference::{InferenceSettings, Provider};
pub use kafka::{KafkaSettings, SaslMechanism, SaslSettings, TlsSettings};
pub use lifecycle::{DispatchSettings, LifecycleSettings};
pub use load::{load, load_with, scene_from_text};
pub use reload::{CameraChange, Plan, diff};
pub use secret::Secret;
pub use service::{HttpSettings, LogFormat, LogSettings, ServiceSettings};
pub use store::StoreSettings;
pub use url::StreamUrl;

use crate::domain::ids::CameraId;

/// All that the service was told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Who and where it is.
    pub service: ServiceSettings,
    /// How what is recorded is kept.
    pub store: StoreSettings,
    /// How much is kept of what cameras saw.
    pub evidence: EvidenceSettings,
    /// What it serves.
    pub http: HttpSettings,
    /// What it says.
    pub log: LogSettings,
    /// Where alerts go.
    pub kafka: KafkaSettings,
    /// What finds objects.
    pub inference: InferenceSettings,
    /// How alerts are handled.
    pub lifecycle: LifecycleSettings,
    /// What it watches, in the order of the files; ids are unique.
    pub cameras: Vec<CameraSettings>,
    /// SHA-256 of what the files say, 64 hex digits: the same whatever the order of keys, comments or division into files.
    /// Contains no secret, since files do not.
    pub hash: String,
}

impl Settings {
    /// The camera with this id.
    pub fn camera(&self, id: &CameraId) -> Option<&CameraSettings> {
        self.cameras.iter().find(|camera| camera.card.id == *id)
    }
}

#[cfg(test)]
mod tests;
