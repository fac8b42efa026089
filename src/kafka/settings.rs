//! How Kafka is reached, as checked by `config/`; and what of librdkafka's options follows from it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use rdkafka::ClientConfig;

/// How Kafka is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaSettings {
    /// `host:port`, at least one.
    pub brokers: Vec<String>,
    /// How the service calls itself to the brokers: the same always, so that quotas and logs there hold.
    pub client_id: String,
    /// Encrypted, and how.
    pub tls: Option<Tls>,
    /// Who it is to the brokers.
    pub sasl: Option<Sasl>,
    /// A batch that is not acknowledged by then is sent again from its beginning.
    pub ack_timeout: Duration,
}

/// TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// PEM file of the authorities trusted; the system's where none is named.
    pub ca: Option<PathBuf>,
    /// PEM file of our certificate, where brokers want one.
    pub certificate: Option<PathBuf>,
    /// PEM file of its key.
    pub key: Option<PathBuf>,
}

/// A user name and a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sasl {
    /// How the password is shown to the broker.
    pub mechanism: Mechanism,
    /// The user.
    pub username: String,
    /// The password.
    pub password: Secret,
    /// Where it is read anew at each connection, so that it can be changed without a restart; where that cannot be read, the
    /// one above holds.
    pub password_file: Option<PathBuf>,
}

/// A file as it was when it was looked at: whichever way it is replaced, one of these changes.
pub(super) type FileMark = Option<(u64, u64, std::time::SystemTime)>;

/// SASL mechanisms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// In clear: with TLS only, if the network is not your own.
    Plain,
    /// SCRAM-SHA-256.
    ScramSha256,
    /// SCRAM-SHA-512.
    ScramSha512,
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Sasl {
    /// Editors and `echo` end a file with a line feed that is not part of the password.
    fn password_now(&self) -> String {
        let read = self.password_file.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
        let read = read.map(|text| text.trim_end_matches(['\r', '\n']).to_owned()).filter(|text| !text.is_empty());
        read.unwrap_or_else(|| self.password.0.clone())
    }
}

impl KafkaSettings {
    /// Plain text, no user: a broker on a network of one's own.
    pub fn plain(brokers: impl Into<String>) -> Self {
        Self {
            brokers: vec![brokers.into()],
            client_id: "lightbar".to_owned(),
            tls: None,
            sasl: None,
            ack_timeout: Duration::from_secs(10),
        }
    }

    /// The brokers, for messages.
    pub(super) fn address(&self) -> String {
        self.brokers.join(",")
    }

    /// The state of the files that a connection is made with. Certificates are renewed and passwords changed while the service
    /// runs; a client knows only what it was made with.
    pub(super) fn file_marks(&self) -> Vec<FileMark> {
        use std::os::unix::fs::MetadataExt as _;
        let tls = self.tls.iter().flat_map(|tls| [&tls.ca, &tls.certificate, &tls.key]);
        let files = tls.chain(self.sasl.iter().map(|sasl| &sasl.password_file)).flatten();
        files
            .map(|path| {
                let data = std::fs::metadata(path).ok()?;
                Some((data.ino(), data.len(), data.modified().ok()?))
            })
            .collect()
    }

    /// librdkafka's options that any client has.
    pub(super) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", self.address())
            .set("client.id", &self.client_id)
            .set("socket.keepalive.enable", "true")
            // A broker that comes back is found within a second; its owners restart it one at a time.
            .set("reconnect.backoff.ms", "100")
            .set("reconnect.backoff.max.ms", "1000")
            .set("socket.connection.setup.timeout.ms", "5000");
        let protocol = match (&self.tls, &self.sasl) {
            (None, None) => "PLAINTEXT",
            (Some(_), None) => "SSL",
            (None, Some(_)) => "SASL_PLAINTEXT",
            (Some(_), Some(_)) => "SASL_SSL",
        };
        config.set("security.protocol", protocol);
        if let Some(tls) = &self.tls {
            let files = [
                ("ssl.ca.location", &tls.ca),
                ("ssl.certificate.location", &tls.certificate),
                ("ssl.key.location", &tls.key),
            ];
            for (option, file) in files {
                if let Some(file) = file {
                    config.set(option, file.to_string_lossy());
                }
            }
        }
        if let Some(sasl) = &self.sasl {
            let mechanism = match sasl.mechanism {
                Mechanism::Plain => "PLAIN",
                Mechanism::ScramSha256 => "SCRAM-SHA-256",
                Mechanism::ScramSha512 => "SCRAM-SHA-512",
            };
            config
                .set("sasl.mechanism", mechanism)
                .set("sasl.username", &sasl.username)
                .set("sasl.password", sasl.password_now());
        }
        config
    }

    /// The options of a producer that neither loses nor reorders.
    pub(super) fn producer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.codec", "zstd")
            // As Java clients partition by key, so that others may write to the same topics.
            .set("partitioner", "murmur2_random")
            // Never give up on one record and go on with the next: that is how order breaks. The batch has its own timeout.
            .set("message.timeout.ms", "0")
            // When a broker refuses a record for good, librdkafka would number those behind it anew and send them all the same;
            // and what is on its way by then is taken, where it is the first that the broker sees of this producer. So: one request
            // at a time, and the first that fails is the end of this producer.
            .set("enable.gapless.guarantee", "true")
            .set("max.in.flight.requests.per.connection", "1")
            .set("linger.ms", "2");
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let mut settings = KafkaSettings::plain("broker:9092");
        settings.sasl = Some(Sasl {
            mechanism: Mechanism::ScramSha512,
            username: "lightbar".to_owned(),
            password: Secret::new("hunter2"),
            password_file: None,
        });
        assert!(!format!("{settings:?}").contains("hunter2"));
        assert_eq!(settings.producer().get("security.protocol"), Some("SASL_PLAINTEXT"));
        assert_eq!(settings.producer().get("sasl.mechanism"), Some("SCRAM-SHA-512"));
    }

    #[test]
    fn a_password_that_was_changed_is_taken_and_one_that_cannot_be_read_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        let mut settings = KafkaSettings::plain("broker:9092");
        settings.sasl = Some(Sasl {
            mechanism: Mechanism::Plain,
            username: "lightbar".to_owned(),
            password: Secret::new("first"),
            password_file: Some(path.clone()),
        });
        let (marks, password) =
            (settings.file_marks(), |s: &KafkaSettings| s.client().get("sasl.password").map(str::to_owned));
        assert_eq!(password(&settings).as_deref(), Some("first"));
        std::fs::write(&path, "second\n").unwrap();
        assert_eq!(password(&settings).as_deref(), Some("second"));
        assert_ne!(marks, settings.file_marks());
        assert_eq!(settings.file_marks(), settings.file_marks());
    }

    #[test]
    fn librdkafka_takes_every_option() {
        for tls in [None, Some(Tls::default())] {
            let mut settings = KafkaSettings::plain("127.0.0.1:1");
            settings.tls = tls;
            settings.sasl = Some(Sasl {
                mechanism: Mechanism::ScramSha256,
                username: "u".to_owned(),
                password: Secret::new("p"),
                password_file: None,
            });
            let made: Result<rdkafka::producer::BaseProducer, _> = settings.producer().create();
            assert!(made.is_ok(), "{:?}", made.err());
        }
    }
}
