//! What the service is called, where it keeps its data, what it serves and says.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::table::Table;
use crate::domain::ids::NodeId;

pub(super) const SERVICE_KEYS: &[&str] = &["site", "node", "data_dir", "shutdown_deadline_s"];
pub(super) const HTTP_KEYS: &[&str] = &["listen"];
pub(super) const LOG_KEYS: &[&str] = &["format", "level"];

/// `[service]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceSettings {
    /// The site, a slug: part of the `source` of every alert.
    pub site: String,
    /// This node among those of the site.
    pub node: NodeId,
    /// Where the store lives.
    pub data_dir: PathBuf,
    /// How long a stop may take before the stage that has not stopped is named and left.
    pub shutdown_deadline: Duration,
}

impl ServiceSettings {
    pub(super) fn read(table: &Table<'_>) -> Option<Self> {
        // A site is as a node: a slug, since both stand in URNs.
        let site = table.parsed("site", NodeId::parse);
        if site.is_none() {
            table.missing::<()>("site", "a slug that names this place in every alert, such as \"county-01\"");
        }
        let node = table.parsed("node", NodeId::parse).or_else(|| NodeId::parse("node-1").ok());
        let data_dir = table.path("data_dir").unwrap_or_else(|| PathBuf::from("/var/lib/lightbar"));
        let shutdown_deadline = table.seconds("shutdown_deadline_s", 1.0..=600.0).unwrap_or(Duration::from_secs(15));
        Some(Self { site: site?.to_string(), node: node?, data_dir, shutdown_deadline })
    }
}

/// `[http]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// Where page, feed, metrics and health are served.
    pub listen: SocketAddr,
}

impl Default for HttpSettings {
    fn default() -> Self {
        // Only this machine: there is no log-in yet.
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8080)) }
    }
}

impl HttpSettings {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let address = |text: &str| {
            text.parse()
                .map_err(|_| format!("got {text:?}, wants address:port, such as \"127.0.0.1:8080\" or \"[::]:8080\""))
        };
        table.parsed("listen", address).map_or_else(Self::default, |listen| Self { listen })
    }
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// For people or for machines.
    pub format: LogFormat,
    /// A level, or levels per module (`info,lightbar::camera=debug`); checked by `logging`.
    pub level: String,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One line of text.
    Human,
    /// One JSON object per line.
    Json,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::Human, level: "info".to_owned() }
    }
}

impl LogSettings {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let base = Self::default();
        let formats = [("human", LogFormat::Human), ("json", LogFormat::Json)];
        Self {
            format: table.choice("format", &formats).unwrap_or(base.format),
            level: table.parsed("level", checked_level).unwrap_or(base.level),
        }
    }
}

fn checked_level(text: &str) -> Result<String, String> {
    let level = |word: &str| matches!(word, "off" | "error" | "warn" | "info" | "debug" | "trace");
    let directive = |part: &str| match part.trim().split_once('=') {
        Some((module, word)) => !module.is_empty() && level(word),
        None => level(part.trim()),
    };
    if text.split(',').all(directive) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "got {text:?}, wants off, error, warn, info, debug or trace, or such per module: \"info,lightbar::camera=debug\""
        ))
    }
}
