//! The publisher: a batch in, acknowledged as a whole or not at all.
//!
//! An idempotent producer that is thrown away after any failure: librdkafka's own way of giving up on single records would
//! break order, so the relay sends again from the lowest unsent row, through a new producer. Records may then be in Kafka twice,
//! with the same `ce_id`; never out of order, never lost.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::metadata::{MetadataPartition, MetadataTopic};
use rdkafka::producer::Producer;
use rdkafka::producer::future_producer::{DeliveryFuture, FutureProducer, FutureRecord, OwnedDeliveryResult};

use super::client::LastError;
use super::errors::{
    NO_LEADER, NOT_ACKNOWLEDGED, NOT_ENOUGH_REPLICAS, OTHER, RECORD_REFUSED, TIMESTAMP_REFUSED, TOPIC_MISSING,
    UNREACHABLE, described, topic_missing,
};
use super::settings::{FileMark, KafkaSettings};
use super::topics;
use crate::pipeline::ports::{OutboxRecord, PublishError, Publisher};

/// How long the list of topics may take.
const METADATA_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the question may take why nothing was acknowledged.
const DIAGNOSIS_TIMEOUT: Duration = Duration::from_secs(2);
/// How long, once a record was not sent for another one's sake, is waited for the word what was wrong with that one.
const CAUSE_TIMEOUT: Duration = Duration::from_millis(500);
/// In place of a record's time: none (the Kafka protocol's own word for it).
const NO_TIMESTAMP: i64 = -1;

/// Sends outbox records to Kafka.
pub struct KafkaPublisher {
    settings: KafkaSettings,
    /// None before the first connection, after a failure, and while a batch is on its way: a future that is dropped half-way takes
    /// its producer with it, so that nothing of it is sent later.
    producer: Option<Connected>,
}

struct Connected {
    producer: FutureProducer<LastError>,
    errors: LastError,
    /// Topics that were seen to be there. A producer would make missing ones, with the broker's defaults, where the broker
    /// allows it; that must not happen by accident.
    topics: HashSet<String>,
    /// The certificates and the password it was made with.
    made_of: Vec<FileMark>,
}

impl KafkaPublisher {
    /// Connects when told to prepare, or with the first batch.
    pub fn new(settings: KafkaSettings) -> Self {
        Self { settings, producer: None }
    }

    fn connect(&self) -> Result<Connected, PublishError> {
        let errors = LastError::default();
        let producer = self.settings.producer().create_with_context(errors.clone()).map_err(|e| PublishError {
            reason: OTHER,
            message: format!("the Kafka client could not be made: {e}; check the Kafka settings (certificate files?)"),
        })?;
        Ok(Connected { producer, errors, topics: HashSet::new(), made_of: self.settings.file_marks() })
    }

    /// One try, through the connection that is there or a new one.
    async fn attempt(&mut self, batch: &[OutboxRecord], timed: bool) -> Result<(), PublishError> {
        let mut connected = match self.producer.take() {
            Some(connected) if connected.made_of == self.settings.file_marks() => connected,
            Some(outdated) => {
                tracing::info!("certificates or password have changed; connecting to Kafka anew");
                drop(tokio::task::spawn_blocking(move || drop(outdated)));
                self.connect()?
            }
            None => self.connect()?,
        };
        let outcome = match connected.check_topics(&self.settings, batch).await {
            Ok(()) => connected.send(&self.settings, batch, timed).await,
            Err(error) if error.reason == TOPIC_MISSING => {
                // Found before anything was sent; the connection is good.
                self.producer = Some(connected);
                return Err(error);
            }
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => self.producer = Some(connected),
            // Its queue is purged with it; that may take half a second, which is no matter for this thread.
            Err(_) => drop(tokio::task::spawn_blocking(move || drop(connected))),
        }
        outcome
    }
}

impl Publisher for KafkaPublisher {
    fn prepare(&mut self) {
        // A client that cannot be made now is tried again with the first batch, which says why.
        self.producer = self.producer.take().or_else(|| self.connect().ok());
    }

    async fn publish(&mut self, batch: &[OutboxRecord]) -> Result<(), PublishError> {
        match self.attempt(batch, true).await {
            // Brokers refuse records from more than an hour ahead of their own clock; whichever clock is wrong, the alert is not.
            // A record without a time is taken by any; the event's own time is in its headers.
            Err(error) if matches!(error.reason, TIMESTAMP_REFUSED | RECORD_REFUSED) => {
                tracing::debug!(error = %error, "sending without Kafka's own timestamp");
                self.attempt(batch, false).await
            }
            outcome => outcome,
        }
    }
}

impl Connected {
    /// Looks for the batch's topics in the list of all, which makes none.
    async fn check_topics(&mut self, settings: &KafkaSettings, batch: &[OutboxRecord]) -> Result<(), PublishError> {
        let wanted: HashSet<&str> = batch.iter().map(|record| record.topic.as_str()).collect();
        if wanted.iter().all(|topic| self.topics.contains(*topic)) {
            return Ok(());
        }
        let producer = self.producer.clone();
        let listing = tokio::task::spawn_blocking(move || {
            let metadata = producer.client().fetch_metadata(None, METADATA_TIMEOUT)?;
            Ok::<HashSet<String>, KafkaError>(metadata.topics().iter().map(|topic| topic.name().to_owned()).collect())
        });
        let listed = tokio::select! {
            listed = listing => listed.map_err(|e| PublishError { reason: OTHER, message: e.to_string() })?,
            () = self.errors.refused() => Err(KafkaError::MetadataFetch(RDKafkaErrorCode::BrokerTransportFailure)),
        };
        self.topics =
            listed.map_err(|e| described(settings, "asking Kafka for its topics", &e, self.errors.get().as_ref()))?;
        let mut missing: Vec<String> =
            wanted.into_iter().filter(|topic| !self.topics.contains(*topic)).map(str::to_owned).collect();
        missing.sort();
        if missing.is_empty() { Ok(()) } else { Err(topic_missing(settings, &missing)) }
    }

    async fn send(
        &mut self,
        settings: &KafkaSettings,
        batch: &[OutboxRecord],
        timed: bool,
    ) -> Result<(), PublishError> {
        let all = async {
            let mut deliveries = FuturesUnordered::new();
            let mut blamed = None;
            for record in batch {
                blamed = self.enqueue(record, timed, &mut deliveries).await?;
                if blamed.is_some() {
                    break;
                }
            }
            while blamed.is_none()
                && let Some(next) = deliveries.next().await
            {
                blamed = cause_or_blame(delivered(next))?;
            }
            let Some(blamed) = blamed else { return Ok(()) };
            // Others of its request say why; what was not on its way stays silent for ever.
            let cause = async {
                while let Some(next) = deliveries.next().await {
                    cause_or_blame(delivered(next))?;
                }
                Ok::<(), KafkaError>(())
            };
            tokio::time::timeout(CAUSE_TIMEOUT, cause).await.unwrap_or(Ok(()))?;
            Err(blamed)
        };
        let outcome = tokio::select! {
            outcome = tokio::time::timeout(settings.ack_timeout, all) => outcome,
            () = self.errors.refused() => Ok(Err(KafkaError::MessageProduction(RDKafkaErrorCode::BrokerTransportFailure))),
        };
        let last = self.errors.get();
        match outcome {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(described(settings, "sending to Kafka", &error, last.as_ref())),
            Err(_elapsed) => {
                let said = last.map(|(_, said)| format!(" (last: {said})")).unwrap_or_default();
                let (reason, why) = self.why_silent(settings, batch).await;
                Err(PublishError {
                    reason,
                    message: format!(
                        "Kafka at {} did not acknowledge within {} s{said}; {why}",
                        settings.address(),
                        settings.ack_timeout.as_secs()
                    ),
                })
            }
        }
    }

    /// Gives a record to librdkafka; what it gives back is the blame for another record's sake.
    async fn enqueue(
        &self,
        record: &OutboxRecord,
        timed: bool,
        deliveries: &mut FuturesUnordered<DeliveryFuture>,
    ) -> Result<Option<KafkaError>, KafkaError> {
        loop {
            let error = match self.producer.send_result(kafka_record(record, timed)) {
                Ok(delivery) => {
                    deliveries.push(delivery);
                    return Ok(None);
                }
                Err((error, _)) => error,
            };
            let is_full = error == KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
            // librdkafka's queue has its bound; wait for something to leave.
            let left = if is_full { deliveries.next().await } else { None };
            if let Some(blamed) = cause_or_blame(left.map_or(Err(error), delivered))? {
                return Ok(Some(blamed));
            }
        }
    }

    /// Why nothing was acknowledged in time: librdkafka tries again by itself and tells nobody of the cause.
    async fn why_silent(&self, settings: &KafkaSettings, batch: &[OutboxRecord]) -> (&'static str, String) {
        let (producer, topics) =
            (self.producer.clone(), batch.iter().map(|record| record.topic.clone()).collect::<HashSet<String>>());
        let asking = tokio::task::spawn_blocking(move || {
            let metadata = producer.client().fetch_metadata(None, DIAGNOSIS_TIMEOUT)?;
            Ok::<Vec<Replicas>, KafkaError>(
                metadata.topics().iter().filter(|topic| topics.contains(topic.name())).map(Replicas::of).collect(),
            )
        });
        let Ok(Ok(states)) = asking.await else {
            return (UNREACHABLE, "is it running, and reachable from here?".to_owned());
        };
        for Replicas { topic, headless, in_sync } in states {
            if let Some(partition) = headless {
                return (
                    NO_LEADER,
                    format!("partition {partition} of {topic} has no leader: bring the missing brokers back"),
                );
            }
            let least = topics::min_in_sync(settings, &topic).await.unwrap_or(0);
            if in_sync < least {
                return (
                    NOT_ENOUGH_REPLICAS,
                    format!("{topic} has {in_sync} replicas in sync and wants {least}: bring the missing brokers back"),
                );
            }
        }
        (NOT_ACKNOWLEDGED, "brokers answer, but take nothing: see their logs".to_owned())
    }
}

/// How a topic's replicas stand.
struct Replicas {
    topic: String,
    /// A partition without a leader.
    headless: Option<i32>,
    /// Of the partition that has the fewest.
    in_sync: usize,
}

impl Replicas {
    fn of(topic: &MetadataTopic) -> Self {
        let partitions = topic.partitions();
        Self {
            topic: topic.name().to_owned(),
            headless: partitions.iter().find(|partition| partition.leader() < 0).map(MetadataPartition::id),
            in_sync: partitions.iter().map(|partition| partition.isr().len()).min().unwrap_or(0),
        }
    }
}

/// What became of one record.
fn delivered<C>(delivery: Result<OwnedDeliveryResult, C>) -> Result<(), KafkaError> {
    match delivery {
        Ok(Ok(_)) => Ok(()),
        Ok(Err((error, _))) => Err(error),
        Err(_canceled) => Err(KafkaError::Canceled),
    }
}

/// An error with a record is the cause; one for another record's sake is only kept, in case no cause is told.
fn cause_or_blame(outcome: Result<(), KafkaError>) -> Result<Option<KafkaError>, KafkaError> {
    match outcome {
        Ok(()) => Ok(None),
        Err(error) if error.rdkafka_error_code().is_some_and(is_for_anothers_sake) => Ok(Some(error)),
        Err(error) => Err(error),
    }
}

/// Whether a record was not sent because another one was refused: in its request, or before it.
const fn is_for_anothers_sake(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as C;
    matches!(code, C::InvalidDifferentRecord | C::GaplessGuarantee | C::Fatal | C::PurgeQueue | C::PurgeInflight)
}

fn kafka_record(record: &OutboxRecord, timed: bool) -> FutureRecord<'_, str, [u8]> {
    let headers =
        record.headers.iter().fold(OwnedHeaders::new_with_capacity(record.headers.len()), |headers, (name, value)| {
            headers.insert(Header { key: name, value: Some(value) })
        });
    // The record's own timestamp is the event's, so that Kafka's time index finds it by when it happened.
    FutureRecord::to(&record.topic)
        .key(record.key.as_str())
        .payload(record.value.as_slice())
        .headers(headers)
        .timestamp(if timed { record.captured_at.as_millis() } else { NO_TIMESTAMP })
}
