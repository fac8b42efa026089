//! A camera: how it is reached, what is done with its stream, what its scene looks like.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::defaults::CameraDefaults;
use super::hours::KnownHours;
use super::secret::Secret;
use super::table::Table;
use super::url::StreamUrl;
use super::{card, scene};
use crate::calendar::Place;
use crate::domain::camera::CameraCard;
use crate::domain::ids::CameraId;
use crate::domain::scene::SceneConfig;

pub(super) const KEYS: &[&str] = &[
    "id",
    "name",
    "enabled",
    "url",
    "sub_url",
    "address",
    "position",
    "dispatch",
    "gb_id",
    "place_code",
    "org_code",
    "grid_code",
    "playback_url",
    "tracking",
    "cues",
    "ground",
    "zone",
    "line",
    "rule",
    // As in `[defaults]`.
    "transport",
    "username",
    "password_env",
    "password_file",
    "clock",
    "ring_seconds",
    "ring_mb",
    "fps",
    "decoder",
    "site_id",
    "purpose",
    "basis",
    "retention_days",
    "video_loss_after_s",
    "blind_grace_s",
    "verify_tls",
    "ca_file",
    "stall_timeout_s",
    "clock_offset_max_s",
];

/// `[[camera]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraSettings {
    /// What alerts say of it.
    pub card: Arc<CameraCard>,
    /// Whether it runs; one that does not is blind with the cause `disabled`.
    pub enabled: bool,
    /// Whether patrols are sent from its alerts; then it has an address or a position.
    pub dispatch: bool,
    /// How it is reached and decoded.
    pub stream: StreamSettings,
    /// What is watched for.
    pub scene: SceneConfig,
}

/// How a camera is reached and its stream is treated. A change here makes a new connection; a change of the scene does not.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamSettings {
    /// Full resolution.
    pub url: StreamUrl,
    /// Small, for analysis, where the camera has one.
    pub sub_url: Option<StreamUrl>,
    /// How media travels.
    pub transport: Transport,
    /// The camera's account, where it wants one.
    pub credentials: Option<Credentials>,
    /// Whether a TLS certificate must be valid.
    pub verify_tls: bool,
    /// The authorities that are trusted instead of the system's, in PEM.
    pub ca_file: Option<PathBuf>,
    /// How long the next packet may take before the connection is given up.
    pub stall_timeout: Duration,
    /// What capture time is taken from.
    pub clock: Clocking,
    /// How far the camera's clock may be off to be believed.
    pub clock_offset_max: Duration,
    /// How much is kept in memory.
    pub ring: RingBounds,
    /// Frames analysed per second, 0.1 to 60.
    pub fps: f64,
    /// Which decoders may be used.
    pub decoder: DecoderChoice,
}

/// How media travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Within the RTSP connection.
    Tcp,
    /// As RTP over UDP.
    Udp,
    /// Within an RTSP connection over TLS.
    Tls,
}

impl Transport {
    /// The configuration's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Tls => "tls",
        }
    }
}

/// A camera's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Its name.
    pub username: String,
    /// Its password.
    pub password: Secret,
}

/// What capture time is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clocking {
    /// RTCP sender reports where the camera sends plausible ones, else arrival.
    Rtcp,
    /// Arrival, whatever the camera says.
    Arrival,
}

/// Bounds of the packet ring; the tighter one holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingBounds {
    /// In time.
    pub duration: Duration,
    /// In bytes.
    pub bytes: u64,
}

/// Which decoders may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecoderChoice {
    /// Hardware where there is some, else software.
    Auto,
    /// Software only.
    Software,
    /// Hardware only; none is an error.
    Hardware,
}

impl DecoderChoice {
    /// The configuration's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Software => "software",
            Self::Hardware => "hardware",
        }
    }
}

impl CameraSettings {
    /// Its id.
    pub fn id(&self) -> &CameraId {
        &self.card.id
    }

    pub(super) fn read(table: &Table<'_>, defaults: &CameraDefaults, hours: KnownHours<'_>) -> Option<Self> {
        let shared = CameraDefaults::read(table, defaults);
        let dispatch = table.flag("dispatch").unwrap_or(false);
        let card = card::read(table, &shared, dispatch);
        let stream = read_stream(table, &shared);
        // The scene is read even where the card is not good, so that its errors are told too.
        let camera = card.as_ref().map(|card| card.id.clone());
        let position = card.as_ref().and_then(|card| card.position);
        let place = position.map(|at| Place { latitude: at.lat, longitude: at.lon });
        // A card that is not good may have a position all the same; then nothing is said of hours that want one.
        let hours = KnownHours { place: place.or_else(|| unseen_place(table, card.is_none())), ..hours };
        let scene = scene::read(table, camera, shared.sight, hours);
        Some(Self {
            card: Arc::new(card?),
            enabled: table.flag("enabled").unwrap_or(true),
            dispatch,
            stream: stream?,
            scene: scene?,
        })
    }
}

/// Somewhere, for a camera whose position cannot be read.
fn unseen_place(table: &Table<'_>, card_is_wrong: bool) -> Option<Place> {
    (card_is_wrong && table.has("position")).then_some(Place { latitude: 0.0, longitude: 0.0 })
}

fn read_stream(table: &Table<'_>, shared: &CameraDefaults) -> Option<StreamSettings> {
    let url =
        table.parsed("url", StreamUrl::parse).or_else(|| table.missing("url", "the address of its stream, rtsp://..."));
    let sub_url = table.parsed("sub_url", StreamUrl::parse);
    for (key, url) in [("url", &url), ("sub_url", &sub_url)] {
        let Some(url) = url else { continue };
        match (url.is_tls(), shared.transport) {
            (true, Some(Transport::Tcp | Transport::Udp)) => table.wrong::<()>(
                key,
                "got an rtsps:// address with another transport than tls, wants transport = \"tls\" or rtsp://",
            ),
            (false, Some(Transport::Tls)) => {
                table.wrong::<()>(key, "got an rtsp:// address with transport = \"tls\", wants rtsps://")
            }
            _ => None,
        };
    }
    let url = url?;
    if table.has("ca_file") && !url.is_tls() && !sub_url.as_ref().is_some_and(StreamUrl::is_tls) {
        table.wrong::<()>("ca_file", "got an authority for a camera without TLS, wants an rtsps:// address");
    }
    Some(StreamSettings {
        transport: shared.transport.unwrap_or(if url.is_tls() { Transport::Tls } else { Transport::Tcp }),
        url,
        sub_url,
        credentials: shared.credentials.clone(),
        verify_tls: shared.verify_tls,
        ca_file: shared.ca_file.clone(),
        stall_timeout: shared.stall_timeout,
        clock: shared.clock,
        clock_offset_max: shared.clock_offset_max,
        ring: shared.ring,
        fps: shared.fps,
        decoder: shared.decoder,
    })
}
