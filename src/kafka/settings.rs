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
}

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
                .set("sasl.password", &sasl.password.0);
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
        });
        assert!(!format!("{settings:?}").contains("hunter2"));
        assert_eq!(settings.producer().get("security.protocol"), Some("SASL_PLAINTEXT"));
        assert_eq!(settings.producer().get("sasl.mechanism"), Some("SCRAM-SHA-512"));
    }

    #[test]
    fn librdkafka_takes_every_option() {
        for tls in [None, Some(Tls::default())] {
            let mut settings = KafkaSettings::plain("127.0.0.1:1");
            settings.tls = tls;
            settings.sasl =
                Some(Sasl { mechanism: Mechanism::ScramSha256, username: "u".to_owned(), password: Secret::new("p") });
            let made: Result<rdkafka::producer::BaseProducer, _> = settings.producer().create();
            assert!(made.is_ok(), "{:?}", made.err());
        }
    }
}
