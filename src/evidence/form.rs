//! The written forms: a draft's story and a manifest, to and from what the line says.
//!
//! Every digest names its algorithm beside it, so that SM3 can follow without a doubt about what is older.

use serde::{Deserialize, Serialize};

use super::disk::Content;
use super::key::SignerForm;
use crate::contract::time::{parse_rfc3339, rfc3339};
use crate::contract::words::capture_clock;
use crate::domain::ids::{AlertId, CameraId};
use crate::domain::time::Timestamp;
use crate::pipeline::evidence::{Piece, PieceKind, PieceRole, Sealed, Story};
use crate::pipeline::packet::{CaptureClock, ClockQuality};

pub(super) const VERSION: &str = "1.0";
pub(super) const SHA256: &str = "SHA-256";
pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const SIGNATURE: &str = "manifest.sig.json";

/// A digest and how it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Digest {
    pub(super) algorithm: String,
    pub(super) value: String,
}

impl Digest {
    pub(super) fn sha256(value: impl Into<String>) -> Self {
        Self { algorithm: SHA256.to_owned(), value: value.into() }
    }
}

/// What is told of evidence as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) camera: String,
    pub(super) alert_id: String,
    pub(super) kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rule: Option<RuleForm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<ModelForm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) configuration: Option<Digest>,
    pub(super) triggered_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) clock: Option<ClockForm>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RuleForm {
    pub(super) id: String,
    pub(super) rev: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ModelForm {
    pub(super) name: String,
    pub(super) sha256: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ClockForm {
    pub(super) source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) offset_ms: Option<f64>,
}

/// What is told of a piece before it is sealed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PieceForm {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) role: String,
    pub(super) media_type: String,
    pub(super) captured_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duration_s: Option<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) sample_times_ms: Vec<u64>,
    pub(super) cut: bool,
    pub(super) masked: bool,
}

/// A piece in a manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SealedForm {
    #[serde(flatten)]
    pub(super) piece: PieceForm,
    pub(super) size_bytes: u64,
    pub(super) digest: Digest,
}

/// `story.json`. A manifest can be read as one: it holds all of this and more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct StoryForm {
    #[serde(flatten)]
    pub(super) told: Told,
    pub(super) pieces: Vec<PieceForm>,
}

/// `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) version: String,
    pub(super) number: u64,
    #[serde(flatten)]
    pub(super) told: Told,
    pub(super) pieces: Vec<SealedForm>,
    /// The manifest before it; null in the camera's first.
    pub(super) previous: Option<Previous>,
    pub(super) sealed_at: String,
    pub(super) signer: SignerForm,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Previous {
    /// Of the bytes of that manifest.
    pub(super) digest: Digest,
}

/// Why a manifest cannot be read, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ManifestError(pub String);

fn wrong(field: &str, got: &str, wants: &str) -> ManifestError {
    ManifestError(format!("{field} is {got:?}, wants {wants}"))
}

impl Told {
    fn of(story: &Story) -> Self {
        Self {
            camera: story.camera.to_string(),
            alert_id: story.alert.to_string(),
            kind: story.kind.clone(),
            rule: story.rule.clone().map(|(id, rev)| RuleForm { id, rev }),
            model: story.model.clone().map(|(name, sha256)| ModelForm { name, sha256 }),
            configuration: story.configuration.clone().map(Digest::sha256),
            triggered_at: rfc3339(story.triggered_at),
            clock: story.clock.map(|clock| ClockForm {
                source: capture_clock(clock.source).to_owned(),
                error_ms: clock.error_ms,
                offset_ms: clock.offset_ms,
            }),
        }
    }

    fn story(self, pieces: Vec<Piece>) -> Result<Story, ManifestError> {
        Ok(Story {
            alert: AlertId::parse(&self.alert_id).ok_or_else(|| wrong("alert_id", &self.alert_id, "a UUID"))?,
            camera: CameraId::parse(&self.camera).map_err(|e| wrong("camera", &self.camera, &e.to_string()))?,
            kind: self.kind,
            rule: self.rule.map(|rule| (rule.id, rule.rev)),
            model: self.model.map(|model| (model.name, model.sha256)),
            configuration: self.configuration.map(|digest| digest.value),
            triggered_at: time("triggered_at", &self.triggered_at)?,
            clock: self.clock.map(|clock| quality(&clock)).transpose()?,
            pieces,
        })
    }
}

fn time(field: &str, text: &str) -> Result<Timestamp, ManifestError> {
    parse_rfc3339(text).ok_or_else(|| wrong(field, text, "an RFC 3339 time"))
}

fn quality(clock: &ClockForm) -> Result<ClockQuality, ManifestError> {
    let known = [CaptureClock::RtcpNtp, CaptureClock::Arrival, CaptureClock::File];
    let source = known.into_iter().find(|source| capture_clock(*source) == clock.source);
    let source = source.ok_or_else(|| wrong("clock.source", &clock.source, "rtcp_ntp, arrival or file"))?;
    Ok(ClockQuality { source, error_ms: clock.error_ms, offset_ms: clock.offset_ms })
}

impl PieceForm {
    pub(super) fn of(piece: &Piece) -> Self {
        Self {
            name: piece.name.clone(),
            kind: piece.kind.as_str().to_owned(),
            role: piece.role.as_str().to_owned(),
            media_type: piece.kind.media_type().to_owned(),
            captured_at: rfc3339(piece.captured_at),
            // To its last picture: how long that one is shown nobody knows.
            duration_s: piece.sample_times_ms.iter().max().map(|ms| *ms as f64 / 1e3),
            sample_times_ms: piece.sample_times_ms.clone(),
            cut: piece.cut,
            masked: piece.masked,
        }
    }

    pub(super) fn piece(self) -> Result<Piece, ManifestError> {
        let kind = [PieceKind::Clip, PieceKind::Snapshot].into_iter().find(|kind| kind.as_str() == self.kind);
        let roles = [PieceRole::Before, PieceRole::Trigger, PieceRole::After];
        let role = roles.into_iter().find(|role| role.as_str() == self.role);
        Ok(Piece {
            kind: kind.ok_or_else(|| wrong("kind", &self.kind, "clip or snapshot"))?,
            role: role.ok_or_else(|| wrong("role", &self.role, "before, trigger or after"))?,
            captured_at: time("captured_at", &self.captured_at)?,
            name: self.name,
            sample_times_ms: self.sample_times_ms,
            cut: self.cut,
            masked: self.masked,
        })
    }
}

impl StoryForm {
    pub(super) fn of(story: &Story) -> Self {
        Self { told: Told::of(story), pieces: story.pieces.iter().map(PieceForm::of).collect() }
    }

    pub(super) fn story(self) -> Result<Story, ManifestError> {
        let pieces = self.pieces.into_iter().map(PieceForm::piece).collect::<Result<_, _>>()?;
        self.told.story(pieces)
    }
}

/// Where a manifest stands in its chain, and who makes it when.
pub(super) struct Place {
    pub(super) number: u64,
    pub(super) previous: Option<String>,
    pub(super) sealed_at: Timestamp,
    pub(super) signer: SignerForm,
}

impl Manifest {
    pub(super) fn of(story: &Story, pieces: &[(Piece, Content)], place: Place) -> Self {
        let sealed = |(piece, content): &(Piece, Content)| SealedForm {
            piece: PieceForm::of(piece),
            size_bytes: content.size,
            digest: Digest::sha256(&*content.sha256),
        };
        Self {
            version: VERSION.to_owned(),
            number: place.number,
            told: Told::of(story),
            pieces: pieces.iter().map(sealed).collect(),
            previous: place.previous.map(|value| Previous { digest: Digest::sha256(value) }),
            sealed_at: rfc3339(place.sealed_at),
            signer: place.signer,
        }
    }

    /// The name of its folder.
    pub(super) fn folder(&self) -> String {
        folder_name(self.number, &self.told.alert_id)
    }

    pub(super) fn sealed(self) -> Result<Vec<Sealed>, ManifestError> {
        let root = format!("{}/{}", self.told.camera, self.folder());
        let sealed = |form: SealedForm| {
            Ok(Sealed {
                path: format!("{root}/{}", form.piece.name),
                piece: form.piece.piece()?,
                size_bytes: form.size_bytes,
                sha256: form.digest.value,
            })
        };
        self.pieces.into_iter().map(sealed).collect()
    }
}

/// `00000012-<alert>`: folders sort as their numbers do.
pub(super) fn folder_name(number: u64, alert: &str) -> String {
    format!("{number:08}-{alert}")
}

/// The number and the alert of such a name.
pub(super) fn read_folder_name(name: &str) -> Option<(u64, AlertId)> {
    let (number, alert) = name.split_once('-')?;
    let (number, alert) = (number.parse().ok()?, AlertId::parse(alert)?);
    (number > 0 && folder_name(number, &alert.to_string()) == name).then_some((number, alert))
}
