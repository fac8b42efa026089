//! A small separate consumer for judges, summaries and tests: reads a topic from its beginning, without a group, so that it
//! disturbs nobody. It shares no state with the publisher: what it reads was really in Kafka.

use std::collections::HashMap;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

use super::client::LastError;
use super::errors::{OTHER, described, topic_missing};
use super::settings::KafkaSettings;
use crate::domain::time::Timestamp;
use crate::pipeline::ports::PublishError;

const TIMEOUT: Duration = Duration::from_secs(10);

/// A record as it lay in Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its partition.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Its key.
    pub key: String,
    /// Its headers, in order.
    pub headers: Vec<(String, String)>,
    /// Its value.
    pub value: Vec<u8>,
    /// Its timestamp, if it has one.
    pub timestamp: Option<Timestamp>,
}

impl Received {
    /// The header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the first record of each partition.
    Beginning,
    /// After the last one: what comes from now on.
    End,
}

/// How far a topic reached at a moment: the first offset and the one after the last, by partition.
#[derive(Clone, Debug)]
pub struct Ends(HashMap<i32, (i64, i64)>);

/// Reads one topic. Its calls block; use it on a thread of its own.
pub struct TopicReader {
    consumer: BaseConsumer<LastError>,
    settings: KafkaSettings,
    topic: String,
    partitions: Vec<i32>,
    /// The next offset that was not given out yet, per partition.
    next: HashMap<i32, i64>,
}

impl TopicReader {
    /// Begins at the first record of each partition.
    pub fn open(settings: &KafkaSettings, topic: &str) -> Result<Self, PublishError> {
        Self::open_at(settings, topic, Start::Beginning)
    }

    /// Begins where it is told.
    pub fn open_at(settings: &KafkaSettings, topic: &str, start: Start) -> Result<Self, PublishError> {
        let errors = LastError::default();
        let mut config = settings.client();
        // librdkafka wants a group's name; nothing is committed under it.
        config
            .set("group.id", "lightbar-reader")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest");
        let consumer: BaseConsumer<LastError> =
            config.create_with_context(errors.clone()).map_err(|e| PublishError {
                reason: OTHER,
                message: format!("the Kafka client could not be made: {e}; check the Kafka settings"),
            })?;
        let failed = |e: &_| described(settings, "reading from Kafka", e, errors.get().as_ref());
        let metadata = consumer.fetch_metadata(None, TIMEOUT).map_err(|e| failed(&e))?;
        let partitions: Vec<i32> = metadata
            .topics()
            .iter()
            .find(|known| known.name() == topic)
            .map(|known| known.partitions().iter().map(rdkafka::metadata::MetadataPartition::id).collect())
            .unwrap_or_default();
        if partitions.is_empty() {
            return Err(topic_missing(settings, &[topic.to_owned()]));
        }
        let mut assignment = TopicPartitionList::new();
        let offset = match start {
            Start::Beginning => Offset::Beginning,
            Start::End => Offset::End,
        };
        for &partition in &partitions {
            assignment.add_partition_offset(topic, partition, offset).map_err(|e| failed(&e))?;
        }
        consumer.assign(&assignment).map_err(|e| failed(&e))?;
        Ok(Self { consumer, settings: settings.clone(), topic: topic.to_owned(), partitions, next: HashMap::new() })
    }

    /// The next record; none when there was no new one within `wait`.
    pub fn next(&mut self, wait: Duration) -> Result<Option<Received>, PublishError> {
        let Some(polled) = self.consumer.poll(wait) else { return Ok(None) };
        let message = match polled {
            Ok(message) => message,
            // A broker that is away now is tried again by librdkafka itself.
            Err(error)
                if error
                    .rdkafka_error_code()
                    .is_some_and(|c| super::errors::reason(c) == super::errors::UNREACHABLE) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(described(&self.settings, "reading from Kafka", &error, None)),
        };
        self.next.insert(message.partition(), message.offset() + 1);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = message.headers().map(|headers| {
            headers.iter().map(|header| (header.key.to_owned(), header.value.map(text).unwrap_or_default())).collect()
        });
        Ok(Some(Received {
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().map(text).unwrap_or_default(),
            headers: headers.unwrap_or_default(),
            value: message.payload().unwrap_or_default().to_vec(),
            timestamp: message.timestamp().to_millis().map(Timestamp::from_millis),
        }))
    }

    /// How far the topic reaches now.
    pub fn ends(&self) -> Result<Ends, PublishError> {
        let mut ends = HashMap::new();
        for &partition in &self.partitions {
            let (low, high) = self
                .consumer
                .fetch_watermarks(&self.topic, partition, TIMEOUT)
                .map_err(|e| described(&self.settings, "asking Kafka for a topic's end", &e, None))?;
            ends.insert(partition, (low, high));
        }
        Ok(Ends(ends))
    }

    /// Whether, begun at the beginning, there is more before these ends.
    pub fn is_behind(&self, ends: &Ends) -> bool {
        ends.0.iter().any(|(partition, &(low, high))| self.next.get(partition).copied().unwrap_or(low) < high)
    }

    /// All that lies in the topic now and was not given out yet.
    pub fn read_to_end(&mut self) -> Result<Vec<Received>, PublishError> {
        let ends = self.ends()?;
        let mut received = Vec::new();
        let mut silent = 0;
        while self.is_behind(&ends) {
            match self.next(Duration::from_secs(1))? {
                Some(record) => {
                    silent = 0;
                    received.push(record);
                }
                None if silent >= TIMEOUT.as_secs() => {
                    return Err(PublishError {
                        reason: super::errors::UNREACHABLE,
                        message: format!("Kafka gave no more of topic {} though there is more", self.topic),
                    });
                }
                None => silent += 1,
            }
        }
        Ok(received)
    }
}
