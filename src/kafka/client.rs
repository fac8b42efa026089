//! What librdkafka says about itself: kept for error messages, told to the log once by those who handle it.

use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::sync::Notify;

use super::errors::{CLUSTER_FORBIDDEN, UNAUTHORIZED, reason};

/// The last error of a client, shared with who waits for it.
#[derive(Clone, Debug, Default)]
pub struct LastError {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    last: Mutex<Option<(RDKafkaErrorCode, String)>>,
    refused: Notify,
}

impl LastError {
    pub(super) fn get(&self) -> Option<(RDKafkaErrorCode, String)> {
        self.shared.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns when a broker has refused us: waiting longer would only knock again, and accounts get locked.
    pub(super) async fn refused(&self) {
        self.shared.refused.notified().await;
    }
}

impl ClientContext for LastError {
    /// librdkafka repeats each connection error at each try; what matters comes through `error`.
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", ?level, facility, message);
    }

    fn error(&self, error: KafkaError, said: &str) {
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
        tracing::debug!(target: "librdkafka", ?code, said);
        let refused = matches!(reason(code), UNAUTHORIZED | CLUSTER_FORBIDDEN);
        let mut last = self.shared.last.lock().unwrap_or_else(PoisonError::into_inner);
        // "All brokers are down" follows upon each cause and would hide it.
        if refused || !matches!(code, RDKafkaErrorCode::AllBrokersDown) || last.is_none() {
            *last = Some((code, said.to_owned()));
        }
        drop(last);
        if refused {
            self.shared.refused.notify_one();
        }
    }
}

impl ConsumerContext for LastError {}
