//! Logs: structured, to standard error, UTC, for people or as JSON.
//!
//! A failure is logged once, where it is handled. Fields have the names of [`FIELDS`] and no others, since those who search
//! logs depend on them; no field ever holds a password or a stream's address with one.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use crate::config::{LogFormat, LogSettings};

/// Sets level or levels, over what the configuration says.
pub const LEVEL_VARIABLE: &str = "LIGHTBAR_LOG";

/// Every field that a log line may have, and what it holds (`tests/architecture.rs` looks after it).
pub const FIELDS: &[(&str, &str)] = &[
    ("camera", "a camera's id"),
    ("order", "what somebody ordered: armed, disarmed, as_configured"),
    ("by", "who ordered it, by his own word"),
    ("stream", "main or sub"),
    ("rule", "a rule's id"),
    ("alert", "an alert's id"),
    ("trace", "the W3C trace id of an alert: its id without hyphens"),
    ("frame", "the number of a frame in its stream"),
    ("row", "the number of a recorded change, or of its place in the outbox"),
    ("kind", "an alert's kind"),
    ("cause", "why a camera was not seen"),
    ("reason", "why something was dropped, refused or not done, as in the metrics"),
    ("error", "what went wrong, in words"),
    ("stage", "a stage of the line"),
    ("path", "a file or folder"),
    ("address", "where something listens or connects to, without credentials"),
    ("model", "a model's name"),
    ("runtime", "runtime and execution provider in use"),
    ("topic", "a Kafka topic"),
    ("count", "how many"),
    ("retry_in_s", "seconds until the next try"),
    ("generation", "which reading of the configuration"),
    ("version", "of this program, a library, a schema or a file"),
    ("was", "what was wrong before it went right again"),
    ("codec", "how video is encoded"),
    ("element", "a GStreamer element"),
    ("warning", "what a library warns of"),
    ("url", "an address, without credentials"),
    ("library", "a shared library's path"),
    ("manifest", "a model manifest's path"),
    ("layout", "a model's output layout"),
    ("place", "where in a library's code"),
    ("records", "how many records"),
    ("series", "how many time series"),
    ("detail", "what is told of a request that failed"),
    ("frames", "how many frames"),
    ("tracks", "how many tracks"),
    ("rows", "how many rows"),
    ("classes", "how many classes"),
    ("alerts", "how many alerts"),
    ("cameras", "how many cameras"),
    ("left", "how many are left"),
    ("page", "where the page is"),
    ("out", "a file that was written"),
    ("level", "how grave a library finds what it says"),
    ("facility", "which part of a library speaks"),
    ("message", "what a library says"),
    ("timer", "which deadline of an alert"),
    ("code", "a library's error code"),
    ("said", "what the other side said"),
];

/// Why there are no logs.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The levels make no sense.
    #[error("{variable} is {got:?}, wants a level or levels per module, such as info,lightbar::camera=debug")]
    Levels {
        /// Where they were given.
        variable: &'static str,
        /// What was given.
        got: String,
        /// What the parser said.
        source: ParseError,
    },
    /// Logging was set up before.
    #[error("logging is set up already")]
    Twice,
}

/// Sets logging up for the process; `LIGHTBAR_LOG` goes before the configured level.
pub fn init(settings: &LogSettings) -> Result<(), LoggingError> {
    let (variable, levels) = match std::env::var(LEVEL_VARIABLE) {
        Ok(levels) if !levels.trim().is_empty() => (LEVEL_VARIABLE, levels),
        _ => ("log.level", settings.level.clone()),
    };
    let filter = EnvFilter::builder().parse(&levels).map_err(|source| LoggingError::Levels {
        variable,
        got: levels.clone(),
        source,
    })?;
    // The default timer writes UTC in RFC 3339; colours only where a person looks on.
    let base = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let done = match settings.format {
        LogFormat::Human => base.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).try_init(),
        LogFormat::Json => base.json().flatten_event(true).with_current_span(false).try_init(),
    };
    done.map_err(|_| LoggingError::Twice)
}
