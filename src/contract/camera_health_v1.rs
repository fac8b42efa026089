//! Camera health data, version 1: whether a camera is seen, since when, and why not. On a compacted topic, so that the last
//! word of each camera is always there.

use serde::{Deserialize, Serialize};

use super::alert_v1::Word;
use super::time::rfc3339;
use crate::domain::ids::CameraId;
use crate::domain::scene::BlindCause;
use crate::domain::time::Timestamp;

/// A camera's health from a moment on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct CameraHealthV1 {
    pub schema_version: Word,
    pub camera: HealthCamera,
    pub state: Word,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Word>,
    pub since: String,
    pub recorded_at: String,
}

/// Which camera.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct HealthCamera {
    pub id: String,
}

impl CameraHealthV1 {
    /// Seen (`blind` is `None`) or not seen since a moment.
    pub fn new(camera: &CameraId, blind: Option<BlindCause>, since: Timestamp, recorded_at: Timestamp) -> Self {
        Self {
            schema_version: "1.0".into(),
            camera: HealthCamera { id: camera.to_string() },
            state: blind.map_or("online", state).into(),
            cause: blind.map(|cause| cause.as_str().into()),
            since: rfc3339(since),
            recorded_at: rfc3339(recorded_at),
        }
    }

    /// The JSON; one line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|e| unreachable!("a camera's health is always JSON: {e}"))
    }
}

/// `offline`: no picture comes. `blind`: a picture may come, but nobody could look at it.
const fn state(cause: BlindCause) -> &'static str {
    match cause {
        BlindCause::Unreachable | BlindCause::Unauthorized | BlindCause::Stalled | BlindCause::Disabled => "offline",
        BlindCause::Starting
        | BlindCause::Unusable
        | BlindCause::Undecodable
        | BlindCause::Overload
        | BlindCause::ServiceDown
        | BlindCause::ViewMoved => "blind",
    }
}
