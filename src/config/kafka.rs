//! Where alerts go.

use std::path::PathBuf;
use std::time::Duration;

use super::secret::{Secret, read_password};
use super::table::Table;

pub(super) const KEYS: &[&str] =
    &["enabled", "brokers", "topic_prefix", "type_prefix", "records", "single_broker", "ack_timeout_s", "tls", "sasl"];
pub(super) const TLS_KEYS: &[&str] = &["ca_file", "certificate_file", "key_file"];
pub(super) const SASL_KEYS: &[&str] = &["mechanism", "username", "password_env", "password_file"];

/// `[kafka]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaSettings {
    /// Whether alerts are sent at all; they are stored either way.
    pub enabled: bool,
    /// `host:port` of some brokers; at least one where `enabled`.
    pub brokers: Vec<String>,
    /// First part of each topic's name: `lightbar` gives `lightbar.alerts.v1`.
    pub topic_prefix: String,
    /// First part of each event's `type`, a reverse domain name.
    pub type_prefix: String,
    /// Whether what is only recorded is sent too, on the tracks topic.
    pub records: bool,
    /// Whether topics with one replica are accepted, though they can lose what was acknowledged.
    pub single_broker: bool,
    /// What was not acknowledged by then is sent again, through a new connection.
    pub ack_timeout: Duration,
    /// TLS, where wanted.
    pub tls: Option<TlsSettings>,
    /// A log-in, where wanted.
    pub sasl: Option<SaslSettings>,
}

/// `[kafka.tls]`: its presence turns TLS on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// Whom to trust; the system's own list where absent.
    pub ca_file: Option<PathBuf>,
    /// Our certificate and its key, for brokers that ask for one: both or none.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// `[kafka.sasl]`: its presence turns the log-in on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaslSettings {
    /// How.
    pub mechanism: SaslMechanism,
    /// Who.
    pub username: String,
    /// With what.
    pub password: Secret,
    /// Where it is read again when it has changed.
    pub password_file: Option<PathBuf>,
}

/// Ways to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaslMechanism {
    /// The password itself; only sensible within TLS.
    Plain,
    /// SCRAM with SHA-256.
    ScramSha256,
    /// SCRAM with SHA-512.
    ScramSha512,
}

impl SaslMechanism {
    /// Kafka's own name for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl KafkaSettings {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let enabled = table.flag("enabled").unwrap_or(true);
        let brokers = table.list("brokers", checked_broker).unwrap_or_default();
        if enabled && brokers.is_empty() {
            table.missing_or_empty("brokers", "a list of at least one host:port, or enabled = false");
        }
        let prefix = |key| table.parsed(key, checked_prefix).unwrap_or_else(|| "lightbar".to_owned());
        Self {
            enabled,
            brokers,
            topic_prefix: prefix("topic_prefix"),
            type_prefix: prefix("type_prefix"),
            records: table.flag("records").unwrap_or(true),
            single_broker: table.flag("single_broker").unwrap_or(false),
            ack_timeout: table.seconds("ack_timeout_s", 1.0..=300.0).unwrap_or(Duration::from_secs(10)),
            tls: table.table("tls", TLS_KEYS).map(|tls| TlsSettings::read(&tls)),
            sasl: table.table("sasl", SASL_KEYS).and_then(|sasl| SaslSettings::read(&sasl)),
        }
    }
}

impl TlsSettings {
    fn read(table: &Table<'_>) -> Self {
        let client = match (table.path("certificate_file"), table.path("key_file")) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (Some(_), None) => table.missing("key_file", "the key of certificate_file"),
            (None, Some(_)) => table.missing("certificate_file", "the certificate of key_file"),
            (None, None) => None,
        };
        Self { ca_file: table.path("ca_file"), client }
    }
}

impl SaslSettings {
    fn read(table: &Table<'_>) -> Option<Self> {
        let mechanisms = [
            ("plain", SaslMechanism::Plain),
            ("scram-sha-256", SaslMechanism::ScramSha256),
            ("scram-sha-512", SaslMechanism::ScramSha512),
        ];
        let mechanism = table.choice("mechanism", &mechanisms);
        if mechanism.is_none() {
            table.missing::<()>("mechanism", "plain, scram-sha-256 or scram-sha-512");
        }
        let username = table.owned("username").or_else(|| table.missing("username", "the account's name"));
        let password = read_password(table);
        if password.is_none() && !table.has("password_file") {
            table.missing::<()>("password_env", "the name of an environment variable, or password_file");
        }
        let password_file = table.path("password_file");
        Some(Self { mechanism: mechanism?, username: username?, password: password?, password_file })
    }
}

fn checked_broker(text: &str) -> Result<String, String> {
    let port =
        text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).and_then(|(_, port)| port.parse::<u16>().ok());
    match port {
        Some(port) if port > 0 && !text.contains(['/', ' ', ',', '@']) => Ok(text.to_owned()),
        _ => Err(format!("got {text:?}, wants host:port, such as \"kafka-1.example:9092\"")),
    }
}

/// Kafka allows these in a topic's name, 249 of them; the rest of our longest name takes 30.
fn checked_prefix(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if text.len() <= 200 && text.chars().all(fits) && !text.starts_with('.') && !text.ends_with('.') {
        Ok(text.to_owned())
    } else {
        Err(format!("got {text:?}, wants up to 200 of a-z, A-Z, 0-9, '.', '_' and '-', no '.' at either end"))
    }
}
