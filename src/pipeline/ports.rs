//! The ports of the line: what a stage needs from a room at the edge. Each has at least two implementations, the real one and
//! a fake for tests.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::evidence::Sealed;
use super::frame::{Frame, Picture};
use super::memory::Kept;
use super::packet::{ClockQuality, Codec, Packet};
use crate::domain::alert::AlertChange;
use crate::domain::baseline::Baseline;
use crate::domain::camera::CameraCard;
use crate::domain::detection::{Detection, ModelCard};
use crate::domain::ids::{AlertId, CameraId};
use crate::domain::scene::BlindCause;
use crate::domain::time::Timestamp;
use crate::domain::trace::Explanation;

// ---------------------------------------------------------------- camera

/// Where packets come from: an RTSP camera, a file, a script in tests. `open` begins one try; retrying is the capture stage's.
pub trait PacketSource: Send + Sync {
    /// Begins to connect and returns at once; what happens comes through the stream.
    fn open(&self) -> Result<PacketStream, SourceError>;
}

/// One connection to a source. Dropping it hangs up.
pub struct PacketStream {
    /// Packets in decoding order; an `Err` is the last item; a file's end closes the channel without one.
    pub packets: mpsc::Receiver<Result<Packet, SourceError>>,
    /// Keeps the connection.
    pub guard: Box<dyn Send>,
}

/// Why a source gives nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// What it means for the camera.
    pub cause: BlindCause,
    /// What the other side did, in words, without credentials.
    pub message: String,
}

impl SourceError {
    /// Whether trying again soon may help. A refused password is tried rarely, since cameras lock accounts.
    pub fn is_transient(&self) -> bool {
        !matches!(self.cause, BlindCause::Unauthorized | BlindCause::Unusable)
    }
}

/// Makes decoders.
pub trait DecoderFactory: Send + Sync {
    /// Starts a decoder; `frames` is called with each frame that is due at `per_second`: on the thread that pushes, or on one of the
    /// decoder's own.
    fn open(&self, codec: Codec, per_second: f64, frames: FrameSink) -> Result<Box<dyn Decoder>, DecodeError>;
}

/// Takes the frames of a decoder.
pub type FrameSink = Box<dyn Fn(Frame) + Send + Sync>;

/// A running decoder; the first packet it gets is a key frame. Dropping it stops it.
pub trait Decoder: Send {
    /// Feeds one packet, and decodes it where the decoder has no thread of its own. An `Err` means that this decoder is done for.
    fn push(&mut self, packet: &Packet) -> Result<(), DecodeError>;
    /// Waits until all frames of what was pushed have been given out.
    fn drain(&mut self) -> Result<(), DecodeError>;
    /// What came out so far.
    fn counts(&self) -> DecodeCounts;
}

/// What came out of a decoder since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodeCounts {
    /// Frames decoded.
    pub frames: u64,
    /// Of these, frames that were not due and so not given out.
    pub not_due: u64,
    /// Damaged packets and frames that were survived.
    pub damaged: u64,
}

/// Why a decoder does not decode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(pub String);

// ---------------------------------------------------------------- inference

/// Finds objects on a picture. One per worker thread.
pub trait Detector: Send {
    /// Objects on the picture, after thresholds and non-maximum suppression.
    fn detect(&mut self, picture: &Picture) -> Result<Vec<Detection>, DetectError>;
    /// Which model this is.
    fn model(&self) -> &ModelCard;
}

/// Why a detector does not detect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DetectError(pub String);

// ---------------------------------------------------------------- store

/// What the analyze stage hands to the record stage.
#[derive(Clone, Debug)]
pub enum Fact {
    /// An alert was opened, changed or ended.
    Alert(Box<Decided>),
    /// Sight of a camera was lost at a moment.
    BlindSince {
        /// Which camera.
        camera: CameraId,
        /// From when.
        from: Timestamp,
        /// Why.
        cause: BlindCause,
    },
    /// Sight of a camera came back at a moment; ends the open blind interval, if there is one.
    SightedSince {
        /// Which camera.
        camera: CameraId,
        /// From when.
        at: Timestamp,
    },
    /// Evidence of an alert has become ready.
    Evidence {
        /// Of which alert.
        alert: AlertId,
        /// What was sealed.
        sealed: Vec<Sealed>,
    },
}

/// An alert change with what the contract wants to say about the frame that caused it.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The change.
    pub change: AlertChange,
    /// What the outside knows of the camera.
    pub camera: Arc<CameraCard>,
    /// How well its capture time is known.
    pub clock: ClockQuality,
    /// When the detector (or the stream watchdog) was done, server clock.
    pub detected_at: Timestamp,
    /// The frame; absent for what speaks of the stream.
    pub frame: Option<FrameRef>,
    /// The model; absent where no detector spoke.
    pub model: Option<Arc<ModelCard>>,
    /// What led to it: with openings and ends. Kept beside the alert; not published.
    pub explanation: Option<Box<Explanation>>,
}

/// A frame as an alert quotes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRef {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Number among the analysed frames.
    pub number: u64,
    /// Presentation time within the stream.
    pub pts: Duration,
}

/// Where facts become promises. An alert and its outbox row are written in one transaction.
pub trait FactStore: Send {
    /// Commits all or nothing; when it returns, the alerts are decided and will reach Kafka. In order.
    fn record(&mut self, facts: &[Fact], recorded_at: Timestamp) -> Result<Vec<Recorded>, StoreError>;

    /// Settles what is sent of facts that cannot be recorded now; writes nothing.
    fn keep(&mut self, facts: &[Fact], recorded_at: Timestamp) -> Vec<Kept>;

    /// Commits what was kept, all or nothing, with the bytes that were settled; what of it was sent is not sent again.
    fn record_kept(&mut self, kept: &[Kept], at: Timestamp) -> Result<Vec<Recorded>, StoreError>;

    /// Notes that the service is alive, so that after a crash the blind time since then is known.
    fn heartbeat(&mut self, at: Timestamp) -> Result<(), StoreError>;
}

/// Who is told of an alert: each channel has a topic of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Channel {
    /// People, and whoever acts for them.
    #[default]
    Alert,
    /// Nobody; it is kept, and may be searched.
    Record,
    /// Who tries a rule out.
    Shadow,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Alert, Self::Record, Self::Shadow];

    /// The word for it in the interface and the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Record => "record",
            Self::Shadow => "shadow",
        }
    }

    /// The one with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == word)
    }
}

/// Keeps what stands before each camera over restarts.
pub trait BaselineStore: Send {
    /// Puts this in the place of what was kept of the camera.
    fn save(&mut self, camera: &CameraId, baseline: &Baseline) -> Result<(), StoreError>;
    /// What was kept last; empty for a camera that is new.
    fn load(&mut self, camera: &CameraId) -> Result<Baseline, StoreError>;
}

/// An alert change after its commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its row: grows by one per recorded change, the feed's event id.
    pub row: i64,
    /// Which alert.
    pub alert: AlertId,
    /// Who is told of it.
    pub channel: Channel,
    /// Its JSON, the very bytes that Kafka carries.
    pub json: Arc<str>,
}

impl Recorded {
    /// The row of what is shown and not recorded yet.
    pub const NO_ROW: i64 = 0;
}

/// The unsent rows of the outbox, oldest first, and the note that they were sent.
pub trait Outbox: Send {
    /// Up to `limit` unsent records after row `after`, oldest first.
    fn unsent(&mut self, after: i64, limit: usize) -> Result<Vec<OutboxRecord>, StoreError>;
    /// Notes that these rows were acknowledged by Kafka.
    fn mark_sent(&mut self, rows: &[i64], at: Timestamp) -> Result<(), StoreError>;
    /// How many rows are unsent, and when the oldest was recorded.
    fn backlog(&mut self) -> Result<Backlog, StoreError>;
}

/// The outbox's depth and age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Unsent rows.
    pub depth: u64,
    /// When the oldest of them was recorded.
    pub oldest: Option<Timestamp>,
}

/// A record as it will be sent, byte for byte the same at each try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRecord {
    /// Its row.
    pub row: i64,
    /// The topic.
    pub topic: String,
    /// The key: the camera's id.
    pub key: String,
    /// Headers in order: `content-type`, `ce_*`.
    pub headers: Vec<(String, String)>,
    /// The value.
    pub value: Vec<u8>,
    /// Capture time, for latency from photon to acknowledgement.
    pub captured_at: Timestamp,
    /// Commit time.
    pub recorded_at: Timestamp,
}

impl OutboxRecord {
    /// The W3C trace that it belongs to; empty where it has none.
    pub fn trace(&self) -> &str {
        let header = self.headers.iter().find(|(name, _)| name == "traceparent");
        header.and_then(|(_, value)| value.split('-').nth(1)).unwrap_or_default()
    }
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It may work later: the disk is busy or does not answer.
    #[error("{0}")]
    Transient(String),
    /// It may work when there is room again: disk or quota are full.
    #[error("{0}")]
    Full(String),
    /// It will not: corrupt, read-only, from a newer version.
    #[error("{0}")]
    Fatal(String),
}

/// Reads what was recorded, for those who show it. Any number of readers beside the one writer; calls block.
pub trait FeedReader: Send + Sync {
    /// Up to `limit` recorded changes after row `row`, oldest first: what a feed client missed.
    fn changes_after(&self, row: i64, limit: usize) -> Result<Vec<Recorded>, StoreError>;
    /// The newest row; 0 where nothing was recorded yet.
    fn last_row(&self) -> Result<i64, StoreError>;
    /// The newest row of what was captured before `at`; 0 where there is none.
    fn last_row_before(&self, at: Timestamp) -> Result<i64, StoreError>;
    /// Each alert once, at its newest change, the one opened last first; after a page, go on with `before` its last id. Only those
    /// of one channel, or of all.
    fn latest_alerts(
        &self,
        before: Option<AlertId>,
        limit: usize,
        only: Option<Channel>,
    ) -> Result<Vec<Recorded>, StoreError>;
    /// One alert at its newest change.
    fn alert(&self, id: AlertId) -> Result<Option<Recorded>, StoreError>;
    /// Why an alert was raised, as JSON; none where nothing is known of that.
    fn explanation(&self, id: AlertId) -> Result<Option<Arc<str>>, StoreError>;
    /// A piece of an alert's evidence, by its name.
    fn evidence(&self, id: AlertId, name: &str) -> Result<Option<EvidenceFile>, StoreError>;
    /// Blind intervals that touch the asked-for span, oldest first.
    fn blind(&self, query: &BlindQuery) -> Result<Vec<BlindInterval>, StoreError>;
}

/// A piece of evidence as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceFile {
    /// Where it lies, from the vault's root.
    pub path: String,
    /// Its media type.
    pub media_type: String,
    /// The SHA-256 of its bytes when it was sealed, in hexadecimal.
    pub sha256: String,
}

/// Which blind intervals are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlindQuery {
    /// Only of this camera.
    pub camera: Option<CameraId>,
    /// Only those that had not ended by then.
    pub from: Option<Timestamp>,
    /// Only those that had begun by then.
    pub to: Option<Timestamp>,
    /// At most so many.
    pub limit: usize,
}

/// A time in which nobody looked through a camera, so that no alert does not mean that nothing happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlindInterval {
    /// Which camera; it may be one that is configured no longer.
    pub camera: String,
    /// From when.
    pub from: Timestamp,
    /// Until when; `None` while it lasts.
    pub to: Option<Timestamp>,
    /// Why, in the word of [`BlindCause::as_str`]; text, since an older or newer version may have written another.
    pub cause: String,
}

// ---------------------------------------------------------------- kafka

/// Sends outbox records, in order per key, and says which were acknowledged.
pub trait Publisher: Send {
    /// Begins to connect, so that the first batch need not wait for that. Does not wait; what fails is said with the first batch.
    fn prepare(&mut self) {}

    /// Sends a batch and waits until each record is acknowledged or the batch has failed. Records of `Ok` were acknowledged
    /// all; on `Err` none may be taken as sent, and the relay sends again from the lowest unsent row.
    fn publish(&mut self, batch: &[OutboxRecord]) -> impl Future<Output = Result<(), PublishError>> + Send;
}

/// Why a batch was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PublishError {
    /// A short word for metrics and the status; docs/kafka.md has the table of them.
    pub reason: &'static str,
    /// What happened and what to do.
    pub message: String,
}

// ---------------------------------------------------------------- clock

/// The server's clock; a fake one in tests.
pub trait Clock: Send + Sync {
    /// Now, UTC.
    fn now(&self) -> Timestamp;
}
