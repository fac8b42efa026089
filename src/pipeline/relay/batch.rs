//! A batch, sorted for sending, and what becomes of a record of it that no topic takes.

use crate::pipeline::ports::{OutboxRecord, PublishError};

/// Failures that concern one topic only.
pub(super) const OF_A_TOPIC: [&str; 7] = [
    "topic_missing",
    "topic_forbidden",
    "not_enough_replicas",
    "no_leader",
    "record_refused",
    "timestamp_refused",
    TOO_LARGE,
];
/// The failure that concerns one record only.
pub(super) const TOO_LARGE: &str = "too_large";

/// A record as a dead letter: its own headers after those that say what became of it.
pub(super) fn dead_letter(record: &OutboxRecord, topic: &str, why: &PublishError) -> OutboxRecord {
    let size = record.value.len().to_string();
    let told = [("dead_reason", why.reason), ("dead_topic", &record.topic), ("dead_size", &size)];
    let mut headers: Vec<(String, String)> =
        told.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    headers.extend(record.headers.iter().cloned());
    OutboxRecord { topic: topic.to_owned(), headers, ..record.clone() }
}

/// The batch by topic, in the order of first appearance; within a topic the order stays.
pub(super) fn by_topic(batch: Vec<OutboxRecord>) -> Vec<(String, Vec<OutboxRecord>)> {
    let mut topics: Vec<(String, Vec<OutboxRecord>)> = Vec::new();
    for record in batch {
        match topics.iter_mut().find(|(topic, _)| *topic == record.topic) {
            Some((_, records)) => records.push(record),
            None => topics.push((record.topic.clone(), vec![record])),
        }
    }
    topics
}
