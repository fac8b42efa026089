//! Evidence: what is kept of what a camera saw when an alert was raised.
//!
//! A clip is a slice of the packet ring and costs no encoding; a still is one picture of it, decoded when it is wanted. What makes
//! them ([`Media`]) lives at one edge, what seals them ([`Vault`]) at another; this file says what they take and give.

mod follow;
mod rings;
mod stage;
mod wish;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::domain::ids::{AlertId, CameraId};
use crate::domain::time::Timestamp;

use super::packet::{ClockQuality, Codec, Packet};

pub use rings::Rings;
pub use stage::{EvidenceSettings, EvidenceStage, QUEUE};
pub use wish::Wish;

/// Makes clips and pictures out of packets. Calls block.
pub trait Media: Send + Sync {
    /// Begins a clip in a new file: fragmented MP4, without encoding. The first packet that it gets is a key packet.
    fn clip(&self, codec: Codec, file: &Path) -> Result<Box<dyn ClipWriter>, MediaError>;

    /// The picture that was taken last at or before `at`, as JPEG at full size; the first one where all are later. The packets begin with
    /// a key packet.
    fn still(&self, packets: &[Packet], at: Timestamp) -> Result<Still, MediaError>;
}

/// A clip in the making. What was pushed some seconds ago can be played even if nothing follows, not even `finish`.
pub trait ClipWriter: Send {
    /// Takes the next packet in decoding order.
    fn push(&mut self, packet: &Packet) -> Result<(), MediaError>;

    /// Writes what is left and closes the file.
    fn finish(self: Box<Self>) -> Result<(), MediaError>;
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Still {
    /// JPEG (JFIF): BT.601, full range, as that format wants it.
    pub jpeg: Vec<u8>,
    /// When it was taken.
    pub captured_at: Timestamp,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// Why there is no clip or picture, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MediaError(pub String);

/// Keeps evidence so that a change of it is found out. Calls block. There is one per service.
pub trait Vault: Send + Sync {
    /// Begins the evidence of an alert: a folder in which its files are made, named as in `story.pieces`. What is known so far is
    /// kept beside them, so that after a crash the evidence can be sealed as it was found.
    fn begin(&self, story: &Story) -> Result<PathBuf, VaultError>;

    /// Hashes the files, writes and signs the manifest as the next of the camera's chain, and moves all to its place, as one. Pieces whose
    /// files are not there are left out; files that no piece names are an error. Gives what can be told of each piece.
    fn seal(&self, story: &Story) -> Result<Vec<Sealed>, VaultError>;

    /// Gives up evidence that was begun: nothing of it is left.
    fn discard(&self, story: &Story) -> Result<(), VaultError>;

    /// What an earlier run began and did not seal; its pieces are those of which files are there, marked as cut.
    fn left_behind(&self) -> Result<Vec<Story>, VaultError>;
}

/// What evidence is about. Becomes the manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// Which alert.
    pub alert: AlertId,
    /// Which camera.
    pub camera: CameraId,
    /// The alert's kind, in the contract's word.
    pub kind: String,
    /// The rule and its revision, where one raised it.
    pub rule: Option<(String, u32)>,
    /// The model's name and the hash of its file in hexadecimal, where one saw it.
    pub model: Option<(String, String)>,
    /// The hash of the configuration that ran, in hexadecimal.
    pub configuration: Option<String>,
    /// When what triggered the alert was captured.
    pub triggered_at: Timestamp,
    /// How well capture times are known.
    pub clock: Option<ClockQuality>,
    /// What is kept.
    pub pieces: Vec<Piece>,
}

/// One file of evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// Its file's name, unique within the alert: `clip.mp4`.
    pub name: String,
    /// What it is.
    pub kind: PieceKind,
    /// Which time it shows.
    pub role: PieceRole,
    /// When the first picture in it was captured.
    pub captured_at: Timestamp,
    /// When each picture of a clip was captured, in order of presentation, after `captured_at`, in milliseconds.
    pub sample_times_ms: Vec<u64>,
    /// Whether it ends before it should: the camera or the service died.
    pub cut: bool,
    /// Whether privacy masks were drawn into it.
    pub masked: bool,
}

/// What a piece of evidence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceKind {
    /// A video.
    Clip,
    /// A picture.
    Snapshot,
}

impl PieceKind {
    /// The contract's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clip => "clip",
            Self::Snapshot => "snapshot",
        }
    }

    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Clip => "video/mp4",
            Self::Snapshot => "image/jpeg",
        }
    }
}

/// Which time a piece shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceRole {
    /// Before the trigger.
    Before,
    /// The trigger; a clip around it.
    Trigger,
    /// After it.
    After,
}

impl PieceRole {
    /// The contract's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Trigger => "trigger",
            Self::After => "after",
        }
    }
}

/// A piece that is sealed.
#[derive(Clone, Debug, PartialEq)]
pub struct Sealed {
    /// What it is.
    pub piece: Piece,
    /// Where it lies, from the vault's root: `gate-north/00000012-<alert>/clip.mp4`.
    pub path: String,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// Their SHA-256, in hexadecimal.
    pub sha256: String,
}

/// Why evidence cannot be kept, in words that name the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct VaultError(pub String);
