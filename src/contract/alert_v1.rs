//! Alert data, version 1: the JSON that Kafka carries, as `deploy/schemas/alert.v1.schema.json` promises it.
//!
//! Field order here is the order in the JSON. Also read back (after a restart, by the terminal feed, by judges): unknown fields
//! and unknown words are tolerated then, so words are texts. There is deliberately no field that could identify a person.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::pipeline::ports::Channel;

/// A word of the contract; owned only where it was read back.
pub type Word = Cow<'static, str>;

/// One alert at one revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct AlertV1 {
    pub schema_version: Word,
    pub alert_id: String,
    pub revision: u32,
    pub phase: Word,
    pub status: Word,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliver: Option<Word>,
    pub kind: Word,
    pub cues: Vec<Word>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<Camera>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Node>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<Zone>,
    pub timing: Timing,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_reason: Option<Word>,
    pub severity: Word,
    pub urgency: Word,
    pub certainty: Word,
    pub priority: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed_count: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<Vec<Object>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crossing: Option<Crossing>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<FrameV1>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Model>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Vec<Evidence>>,
    pub privacy: Privacy,
    pub codes: Codes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Texts>,
}

/// Which camera, and what the outside knows of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct Camera {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gb_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playback_url: Option<String>,
}

/// A position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct Position {
    pub lat: f64,
    pub lon: f64,
    pub datum: Word,
}

/// Which node, where no camera is concerned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct Node {
    pub id: String,
}

/// The rule behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct Rule {
    pub id: String,
    pub rev: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_after_s: Option<f64>,
}

/// The zone behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct Zone {
    pub id: String,
    pub rev: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
}

/// Every time of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct Timing {
    pub captured_at: String,
    pub detected_at: String,
    pub recorded_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_clock: Option<Word>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_error_ms: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_ms: Option<f64>,
}

/// One object concerned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct Object {
    pub track_id: String,
    pub class: Word,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    pub confidence: f64,
    pub bbox: Bbox,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dwell_s: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub velocity: Option<[f64; 2]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed_mps: Option<f64>,
}

/// A box, 0..1, origin top-left.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct Bbox {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
}

/// Which line was crossed which way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct Crossing {
    pub line: String,
    pub direction: Word,
}

/// The frame behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct FrameV1 {
    pub width: u32,
    pub height: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pts_ns: Option<u64>,
}

/// The model that spoke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct Model {
    pub name: String,
    pub version: String,
    pub sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
}

/// A picture or a clip, by reference and hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct Evidence {
    pub id: String,
    pub kind: Word,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Word>,
    pub uri: String,
    pub media_type: Word,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    pub sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_s: Option<f64>,
    pub masked: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

/// Why the camera may look, and how long what it saw is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct Privacy {
    pub identification: Word,
    pub purpose: Word,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
    pub mask_rev: u32,
    pub retention_until: String,
}

/// What it is called in the standards of others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct Codes {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gb28181: Option<Gb28181>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gat1400_event_sort: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gat2000_254: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onvif_topic: Option<String>,
}

/// GB/T 28181 alarm codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct Gb28181 {
    pub method: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<u8>,
}

/// Words for people, in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct Texts {
    #[serde(rename = "zh-CN")]
    pub zh_cn: Headline,
    pub en: Headline,
}

/// One plain sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema describes the fields")]
pub struct Headline {
    pub headline: String,
}

impl AlertV1 {
    /// Who is told: the same for all revisions of an alert.
    pub fn channel(&self) -> Channel {
        match (&*self.status, self.deliver.as_deref()) {
            ("Test", _) => Channel::Shadow,
            (_, Some("record")) => Channel::Record,
            _ => Channel::Alert,
        }
    }

    /// The JSON; one line, the same bytes each time.
    pub fn to_json(&self) -> String {
        // Texts, integers and finite numbers only: `from_domain` lets nothing else in.
        serde_json::to_string(self).unwrap_or_else(|e| unreachable!("an alert is always JSON: {e}"))
    }

    /// The camera's or the node's id: the record's key.
    pub fn key(&self) -> &str {
        match (&self.camera, &self.node) {
            (Some(camera), _) => &camera.id,
            (None, Some(node)) => &node.id,
            (None, None) => "",
        }
    }
}
