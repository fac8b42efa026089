//! librdkafka's errors as the few reasons that an operator can act on, with what to do.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::settings::KafkaSettings;
use crate::pipeline::ports::PublishError;

/// No broker answers.
pub(super) const UNREACHABLE: &str = "unreachable";
/// A broker refused the user or the certificate.
pub(super) const UNAUTHORIZED: &str = "unauthorized";
/// The user may not write to a topic.
pub(super) const TOPIC_FORBIDDEN: &str = "topic_forbidden";
/// The user may not produce on this cluster at all.
pub(super) const CLUSTER_FORBIDDEN: &str = "cluster_forbidden";
/// Too few replicas of a partition keep up for a record to be acknowledged.
pub(super) const NOT_ENOUGH_REPLICAS: &str = "not_enough_replicas";
/// A partition has no leader now.
pub(super) const NO_LEADER: &str = "no_leader";
/// Brokers answer, but acknowledge nothing.
pub(super) const NOT_ACKNOWLEDGED: &str = "not_acknowledged";
/// The broker refuses a record for what it is; librdkafka says this also of one whose time is refused.
pub(super) const RECORD_REFUSED: &str = "record_refused";
/// The broker finds a record's time too far from its own.
pub(super) const TIMESTAMP_REFUSED: &str = "timestamp_refused";
/// A topic is not there.
pub(super) const TOPIC_MISSING: &str = "topic_missing";
/// A record is larger than the broker takes.
pub(super) const TOO_LARGE: &str = "too_large";
/// Something else.
pub(super) const OTHER: &str = "other";

/// The reason behind a code.
pub(super) fn reason(code: RDKafkaErrorCode) -> &'static str {
    use RDKafkaErrorCode as C;
    match code {
        C::BrokerTransportFailure
        | C::AllBrokersDown
        | C::Resolve
        | C::OperationTimedOut
        | C::MessageTimedOut
        | C::RequestTimedOut
        | C::BrokerNotAvailable
        | C::NetworkException
        | C::PurgeInflight
        | C::PurgeQueue => UNREACHABLE,
        C::Authentication
        | C::SaslAuthenticationFailed
        | C::SSL
        | C::UnsupportedSASLMechanism
        | C::IllegalSASLState => UNAUTHORIZED,
        C::TopicAuthorizationFailed => TOPIC_FORBIDDEN,
        C::ClusterAuthorizationFailed => CLUSTER_FORBIDDEN,
        C::NotEnoughReplicas | C::NotEnoughReplicasAfterAppend => NOT_ENOUGH_REPLICAS,
        C::LeaderNotAvailable | C::NotLeaderForPartition => NO_LEADER,
        C::InvalidTimestamp => TIMESTAMP_REFUSED,
        C::InvalidRecord | C::InvalidDifferentRecord => RECORD_REFUSED,
        C::UnknownTopic | C::UnknownTopicOrPartition | C::UnknownPartition => TOPIC_MISSING,
        C::MessageSizeTooLarge | C::InvalidMessageSize => TOO_LARGE,
        _ => OTHER,
    }
}

/// An error of a call, in words. `last` is what the client itself said last, which is often the cause.
pub(super) fn described(
    settings: &KafkaSettings,
    doing: &str,
    error: &KafkaError,
    last: Option<&(RDKafkaErrorCode, String)>,
) -> PublishError {
    let code = error.rdkafka_error_code();
    let own = code.map_or(OTHER, reason);
    // "Timed out" is no cause where the client knows that it was refused.
    let (reason, said) = match last {
        Some((code, said)) if own == UNREACHABLE => (self::reason(*code), format!("{error}; last: {said}")),
        _ => (own, error.to_string()),
    };
    let address = settings.address();
    let way_out = match reason {
        UNREACHABLE => format!("is Kafka running at {address}, and reachable from here?"),
        UNAUTHORIZED => {
            format!("check user, password, mechanism and certificates for {address}")
        }
        TOPIC_FORBIDDEN => format!(
            "grant the service's account Write and Describe on the topic (Read and Describe on dispatch-status), at {address}"
        ),
        CLUSTER_FORBIDDEN => format!(
            "grant the service's account Write on its topics, and IdempotentWrite on the cluster where brokers are older than 3.0, \
             at {address}"
        ),
        NOT_ENOUGH_REPLICAS => {
            "bring the missing brokers back; min.insync.replicas says how many must have a record".to_owned()
        }
        NO_LEADER => "bring the missing brokers back".to_owned(),
        RECORD_REFUSED => {
            "is the topic's cleanup.policy right, and this machine's clock? see Kafka's own log".to_owned()
        }
        TIMESTAMP_REFUSED => {
            "set this machine's clock, or raise message.timestamp.after.max.ms of the topic".to_owned()
        }
        TOPIC_MISSING => "create the topic".to_owned(),
        TOO_LARGE => "raise message.max.bytes of the brokers or max.message.bytes of the topic".to_owned(),
        _ => "see Kafka's own log".to_owned(),
    };
    PublishError { reason, message: format!("{doing} failed: {said}; {way_out}") }
}

/// A topic is missing: how to make it.
pub(super) fn topic_missing(settings: &KafkaSettings, topics: &[String]) -> PublishError {
    let address = settings.brokers.first().map_or("HOST:9092", String::as_str);
    let commands: Vec<String> = topics
        .iter()
        .map(|topic| {
            let compact = ["camera-health", "alert-state"].iter().any(|name| topic.contains(name));
            let more = if compact { " --config cleanup.policy=compact" } else { "" };
            format!("kafka-topics.sh --bootstrap-server {address} --create --topic {topic} --partitions 12{more}")
        })
        .collect();
    PublishError {
        reason: TOPIC_MISSING,
        message: format!(
            "Kafka has no topic {} that this account may see; create it: lightbar kafka topics --create --config PATH, or {}",
            topics.join(", "),
            commands.join(" && ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reason without a word would be shown as it is, in English, to who reads Chinese.
    #[test]
    fn the_page_has_a_word_for_every_reason_in_both_languages() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/page/words.js");
        let words = std::fs::read_to_string(path).expect("the page's words");
        let tables: Vec<&str> =
            words.split("kafka_reason: {").skip(1).map(|rest| rest.split('}').next().expect("it is closed")).collect();
        assert_eq!(tables.len(), 2, "two languages");
        // "store" is what the relay and the answers stage say where it is not Kafka that fails.
        let reasons = [
            UNREACHABLE,
            UNAUTHORIZED,
            TOPIC_FORBIDDEN,
            CLUSTER_FORBIDDEN,
            NOT_ENOUGH_REPLICAS,
            NO_LEADER,
            NOT_ACKNOWLEDGED,
            RECORD_REFUSED,
            TIMESTAMP_REFUSED,
            TOPIC_MISSING,
            TOO_LARGE,
            OTHER,
            "store",
        ];
        for reason in reasons {
            for table in &tables {
                assert!(table.contains(&format!("{reason}: \"")), "{reason} has no word in {table}");
            }
        }
    }
}
