//! What holds for every camera that does not say otherwise.

use std::path::PathBuf;
use std::time::Duration;

use super::camera::{Clocking, Credentials, DecoderChoice, RingBounds, Transport};
use super::secret::read_password;
use super::table::Table;
use crate::domain::camera::Purpose;
use crate::domain::scene::SightConfig;

/// Keys that `[defaults]` and `[[camera]]` share.
pub(super) const KEYS: &[&str] = &[
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

/// `[defaults]`, and the same part of a camera.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CameraDefaults {
    /// Absent: by the address, TCP for `rtsp://` and TLS for `rtsps://`.
    pub(super) transport: Option<Transport>,
    pub(super) credentials: Option<Credentials>,
    pub(super) verify_tls: bool,
    /// Without one, the system's list.
    pub(super) ca_file: Option<PathBuf>,
    pub(super) stall_timeout: Duration,
    pub(super) clock: Clocking,
    pub(super) clock_offset_max: Duration,
    pub(super) ring: RingBounds,
    pub(super) fps: f64,
    pub(super) decoder: DecoderChoice,
    pub(super) site_id: Option<String>,
    pub(super) purpose: Purpose,
    pub(super) basis: Option<String>,
    pub(super) retention_days: u16,
    pub(super) sight: SightConfig,
}

impl Default for CameraDefaults {
    fn default() -> Self {
        Self {
            transport: None,
            credentials: None,
            verify_tls: true,
            ca_file: None,
            stall_timeout: Duration::from_secs(5),
            clock: Clocking::Rtcp,
            clock_offset_max: Duration::from_secs(10),
            ring: RingBounds { duration: Duration::from_secs(10), bytes: 32 << 20 },
            fps: 5.0,
            decoder: DecoderChoice::Auto,
            site_id: None,
            purpose: Purpose::PublicOrder,
            basis: None,
            retention_days: 30,
            sight: SightConfig::default(),
        }
    }
}

const PURPOSES: [(&str, Purpose); 7] = [
    ("public_order", Purpose::PublicOrder),
    ("traffic_safety", Purpose::TrafficSafety),
    ("key_area_protection", Purpose::KeyAreaProtection),
    ("rescue", Purpose::Rescue),
    ("facility_safety", Purpose::FacilitySafety),
    ("criminal_investigation", Purpose::CriminalInvestigation),
    ("system_test", Purpose::SystemTest),
];

impl CameraDefaults {
    /// What the table says, and where it says nothing, what `base` says.
    pub(super) fn read(table: &Table<'_>, base: &Self) -> Self {
        let transports = [("tcp", Transport::Tcp), ("udp", Transport::Udp), ("tls", Transport::Tls)];
        let clocks = [("rtcp", Clocking::Rtcp), ("arrival", Clocking::Arrival)];
        let decoders = [
            ("auto", DecoderChoice::Auto),
            ("software", DecoderChoice::Software),
            ("hardware", DecoderChoice::Hardware),
        ];
        let verify_tls = table.flag("verify_tls").unwrap_or(base.verify_tls);
        Self {
            transport: table.choice("transport", &transports).or(base.transport),
            credentials: read_credentials(table).or_else(|| base.credentials.clone()),
            verify_tls,
            ca_file: read_authorities(table, verify_tls).or_else(|| base.ca_file.clone()),
            stall_timeout: table.seconds("stall_timeout_s", 1.0..=120.0).unwrap_or(base.stall_timeout),
            clock: table.choice("clock", &clocks).unwrap_or(base.clock),
            clock_offset_max: table.seconds("clock_offset_max_s", 0.1..=3600.0).unwrap_or(base.clock_offset_max),
            ring: RingBounds {
                duration: table.seconds("ring_seconds", 2.0..=300.0).unwrap_or(base.ring.duration),
                bytes: table.whole("ring_mb", 1..=4096).map_or(base.ring.bytes, |mb| u64::from(mb) << 20),
            },
            fps: table.number("fps", 0.1..=60.0).unwrap_or(base.fps),
            decoder: table.choice("decoder", &decoders).unwrap_or(base.decoder),
            site_id: table.owned("site_id").or_else(|| base.site_id.clone()),
            purpose: table.choice("purpose", &PURPOSES).unwrap_or(base.purpose),
            basis: table.owned("basis").or_else(|| base.basis.clone()),
            retention_days: table.whole("retention_days", 1..=3650).map_or(base.retention_days, |days| days as u16),
            sight: SightConfig {
                video_loss_after: table
                    .seconds("video_loss_after_s", 1.0..=3600.0)
                    .unwrap_or(base.sight.video_loss_after),
                blind_grace: table.seconds("blind_grace_s", 1.0..=3600.0).unwrap_or(base.sight.blind_grace),
            },
        }
    }
}

/// Read anew at each connect, so that renewed authorities need no reload; but that there are some is said now.
fn read_authorities(table: &Table<'_>, verify_tls: bool) -> Option<PathBuf> {
    let path = table.path("ca_file")?;
    if !verify_tls {
        return table.wrong("ca_file", "got authorities to trust and verify_tls = false, wants one of them");
    }
    match std::fs::read_to_string(&path) {
        Ok(text) if text.contains("-----BEGIN CERTIFICATE-----") => Some(path),
        Ok(_) => table.wrong("ca_file", &format!("{} has no certificate, wants some in PEM", path.display())),
        Err(e) => table.wrong("ca_file", &format!("could not read {}: {e}", path.display())),
    }
}

/// Name and password go together: a camera's own name never gets the default password.
fn read_credentials(table: &Table<'_>) -> Option<Credentials> {
    let username = table.owned("username");
    let password = read_password(table);
    let named = table.has("password_env") || table.has("password_file");
    match (username, password) {
        (Some(username), Some(password)) => Some(Credentials { username, password }),
        (Some(_), None) if !named => {
            table.missing("password_env", "the name of a variable with the password, or password_file")
        }
        (None, _) if named => table.missing("username", "the account that the password belongs to"),
        _ => None,
    }
}
