//! Reads the answers of dispatch systems, from offsets that the store keeps: no consumer group, nothing committed to Kafka.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

use super::client::LastError;
use super::errors::{OTHER, described, topic_missing};
use super::settings::KafkaSettings;
use crate::pipeline::answers::{AnswerSource, Consumed};
use crate::pipeline::ports::PublishError;

const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a read waits for the first record.
const WAIT: Duration = Duration::from_millis(500);
/// Records in one transaction.
const BATCH: usize = 200;
/// How often it is looked whether the topic has got more partitions.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// Reads one topic.
pub struct KafkaAnswers {
    settings: KafkaSettings,
    topic: String,
    reading: Option<Reading>,
}

struct Reading {
    consumer: BaseConsumer<LastError>,
    errors: LastError,
    /// Per partition, the next offset to give out.
    next: HashMap<i32, i64>,
    looked: Instant,
}

impl KafkaAnswers {
    /// Connects when it begins to read.
    pub const fn new(settings: KafkaSettings, topic: String) -> Self {
        Self { settings, topic, reading: None }
    }

    fn connect(&self) -> Result<(BaseConsumer<LastError>, LastError), PublishError> {
        let errors = LastError::default();
        let mut config = self.settings.client();
        // librdkafka wants a group's name; nothing is committed under it.
        config
            .set("group.id", "lightbar-answers")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error");
        let consumer = config.create_with_context(errors.clone()).map_err(|e| PublishError {
            reason: OTHER,
            message: format!("the Kafka client could not be made: {e}; check the Kafka settings"),
        })?;
        Ok((consumer, errors))
    }

    fn failed(&self, error: &rdkafka::error::KafkaError, errors: &LastError) -> PublishError {
        described(&self.settings, "reading dispatch answers from Kafka", error, errors.get().as_ref())
    }

    fn partitions(&self, consumer: &BaseConsumer<LastError>, errors: &LastError) -> Result<Vec<i32>, PublishError> {
        let metadata = consumer.fetch_metadata(None, TIMEOUT).map_err(|e| self.failed(&e, errors))?;
        let topic = metadata.topics().iter().find(|known| known.name() == self.topic);
        let partitions: Vec<i32> = topic
            .map(|known| known.partitions().iter().map(rdkafka::metadata::MetadataPartition::id).collect())
            .unwrap_or_default();
        if partitions.is_empty() {
            return Err(topic_missing(&self.settings, std::slice::from_ref(&self.topic)));
        }
        Ok(partitions)
    }

    fn assign(&self, reading: &Reading) -> Result<(), PublishError> {
        let mut assignment = TopicPartitionList::new();
        for (&partition, &at) in &reading.next {
            assignment
                .add_partition_offset(&self.topic, partition, Offset::Offset(at))
                .map_err(|e| self.failed(&e, &reading.errors))?;
        }
        reading.consumer.assign(&assignment).map_err(|e| self.failed(&e, &reading.errors))
    }

    /// Where a partition begins and ends now.
    fn watermarks(&self, reading: &Reading, partition: i32) -> Result<(i64, i64), PublishError> {
        let marks = reading.consumer.fetch_watermarks(&self.topic, partition, TIMEOUT);
        marks.map_err(|e| self.failed(&e, &reading.errors))
    }

    /// Takes in partitions that were added since.
    fn look(&self, reading: &mut Reading) -> Result<(), PublishError> {
        if reading.looked.elapsed() < LOOK_EVERY {
            return Ok(());
        }
        reading.looked = Instant::now();
        let there = self.partitions(&reading.consumer, &reading.errors)?;
        let added: Vec<i32> = there.into_iter().filter(|partition| !reading.next.contains_key(partition)).collect();
        for &partition in &added {
            let (low, _) = self.watermarks(reading, partition)?;
            reading.next.insert(partition, low);
        }
        if added.is_empty() { Ok(()) } else { self.assign(reading) }
    }
}

impl AnswerSource for KafkaAnswers {
    fn begin(&mut self, offsets: &HashMap<i32, i64>) -> Result<Vec<(i32, i64)>, PublishError> {
        self.reading = None;
        let (consumer, errors) = self.connect()?;
        let partitions = self.partitions(&consumer, &errors)?;
        let mut reading = Reading { consumer, errors, next: HashMap::new(), looked: Instant::now() };
        let mut elsewhere = Vec::new();
        for partition in partitions {
            let (low, high) = self.watermarks(&reading, partition)?;
            let at = match offsets.get(&partition) {
                Some(&kept) if (low..=high).contains(&kept) => kept,
                Some(_) => {
                    elsewhere.push((partition, low));
                    low
                }
                None => low,
            };
            reading.next.insert(partition, at);
        }
        self.assign(&reading)?;
        self.reading = Some(reading);
        Ok(elsewhere)
    }

    fn next(&mut self) -> Result<Vec<Consumed>, PublishError> {
        let Some(mut reading) = self.reading.take() else {
            return Err(PublishError { reason: OTHER, message: "reading has not begun".to_owned() });
        };
        self.look(&mut reading)?;
        let mut records = Vec::new();
        let mut wait = WAIT;
        while records.len() < BATCH {
            match reading.consumer.poll(wait) {
                None => break,
                Some(Ok(message)) => {
                    reading.next.insert(message.partition(), message.offset() + 1);
                    records.push(consumed(&message));
                }
                // What was read before it in this batch is read again from where the store says.
                Some(Err(error)) => return Err(self.failed(&error, &reading.errors)),
            }
            wait = Duration::ZERO;
        }
        self.reading = Some(reading);
        Ok(records)
    }
}

fn consumed(message: &BorrowedMessage<'_>) -> Consumed {
    let headers = message.headers().map(|headers| {
        headers.iter().map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect()
    });
    Consumed {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        key: message.key().map(<[u8]>::to_vec),
        headers: headers.unwrap_or_default(),
        value: message.payload().map(<[u8]>::to_vec),
    }
}
