//! Dispatch answers with the offsets after them: one transaction, so that none is applied twice or lost.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::super::alerts::{self, Author, Outgoing};
use super::super::errors::sql;
use super::super::lock::Lock;
use super::{apply, publish};
use crate::contract::dispatch_status_v1::Answer;
use crate::contract::time::rfc3339;
use crate::domain::lifecycle::Fate;
use crate::domain::time::Timestamp;
use crate::pipeline::answers::{AnswerStore, Consumed, Taken};
use crate::pipeline::lifecycle::{AHEAD_MAX, Outcome};
use crate::pipeline::ports::StoreError;

/// Takes answers in.
#[derive(Debug)]
pub struct StoredAnswers {
    connection: Connection,
    author: Author,
    _lock: Arc<Lock>,
}

impl StoredAnswers {
    pub(in super::super) const fn new(connection: Connection, author: Author, lock: Arc<Lock>) -> Self {
        Self { connection, author, _lock: lock }
    }
}

impl AnswerStore for StoredAnswers {
    fn offsets(&mut self, topic: &str) -> Result<HashMap<i32, i64>, StoreError> {
        let read = || -> rusqlite::Result<HashMap<i32, i64>> {
            self.connection
                .prepare_cached("SELECT partition, next_offset FROM consumed_offsets WHERE topic = ?1")?
                .query_map([topic], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        };
        read().map_err(|e| sql(&e))
    }

    fn take(&mut self, records: &[Consumed], now: Timestamp) -> Result<Vec<Taken>, StoreError> {
        let author = &self.author;
        let connection = &mut self.connection;
        let mut take = || -> rusqlite::Result<Vec<Taken>> {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut taken = Vec::with_capacity(records.len());
            for record in records {
                if next_offset(&tx, &record.topic, record.partition)?.is_some_and(|next| record.offset < next) {
                    taken.push(Taken::Repeated);
                    continue;
                }
                let what = answered(&tx, author, record, now)?;
                if let Taken::Dead { reason, detail } = &what {
                    bury(&tx, author, record, (*reason, detail), now)?;
                }
                set_offset(&tx, &record.topic, record.partition, record.offset + 1)?;
                taken.push(what);
            }
            tx.commit()?;
            Ok(taken)
        };
        take().map_err(|e| sql(&e))
    }

    fn restart(&mut self, topic: &str, partition: i32, at: i64) -> Result<(), StoreError> {
        set_offset(&self.connection, topic, partition, at).map_err(|e| sql(&e))
    }

    fn last_change(&mut self) -> Result<i64, StoreError> {
        publish::last(&self.connection).map_err(|e| sql(&e))
    }
}

fn next_offset(connection: &Connection, topic: &str, partition: i32) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT next_offset FROM consumed_offsets WHERE topic = ?1 AND partition = ?2")?
        .query_row(params![topic, partition], |row| row.get(0))
        .optional()
}

fn set_offset(connection: &Connection, topic: &str, partition: i32, next: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO consumed_offsets (topic, partition, next_offset) VALUES (?1, ?2, ?3)")?
        .execute(params![topic, partition, next])
        .map(|_| ())
}

/// Does what an answer asks for; what it may not ask for, or cannot be understood, is dead.
fn answered(tx: &Connection, author: &Author, record: &Consumed, now: Timestamp) -> rusqlite::Result<Taken> {
    let dead = |reason, detail: String| Ok(Taken::Dead { reason, detail });
    let answer = match Answer::read(record.value.as_deref().unwrap_or_default()) {
        Ok(answer) => answer,
        Err(unreadable) => return dead("malformed", unreadable.detail),
    };
    if let Some(why) = author.policy.distrusts(&answer.system, answer.request.role) {
        return dead("unauthorized", why);
    }
    if answer.request.at > now.plus(AHEAD_MAX) {
        let (said, now) = (rfc3339(answer.request.at), rfc3339(now));
        return dead("from_the_future", format!("at is {said}, and it is {now} here; wants a moment that has been"));
    }
    let (alert, action) = (answer.alert, answer.request.action.as_str());
    match apply(tx, author, alert, answer.request, now)? {
        Outcome::Done(_, Fate::Applied, _, ended) => Ok(Taken::Applied(alert, action, ended)),
        Outcome::Done(_, Fate::Late, ..) => Ok(Taken::Late(alert, action)),
        Outcome::Done(_, Fate::Repeated, ..) => Ok(Taken::Repeated),
        Outcome::Refused(refused, _) => dead("illegal", refused.to_string()),
        Outcome::Unknown | Outcome::Stale(_) => {
            dead("unknown_alert", format!("no alert {alert} of which people were told is recorded here"))
        }
    }
}

/// Puts a record into the outbox for the dead letters: its bytes as they were, and why.
fn bury(
    tx: &Connection,
    author: &Author,
    record: &Consumed,
    (reason, detail): (&str, &str),
    now: Timestamp,
) -> rusqlite::Result<()> {
    let mut headers = vec![
        ("dead_reason".to_owned(), reason.to_owned()),
        ("dead_detail".to_owned(), detail.to_owned()),
        ("dead_topic".to_owned(), record.topic.clone()),
        ("dead_partition".to_owned(), record.partition.to_string()),
        ("dead_offset".to_owned(), record.offset.to_string()),
        ("dead_at".to_owned(), rfc3339(now)),
    ];
    // Kafka tells nothing and an empty text apart, and keys and headers need be no text; our outbox has texts.
    if record.value.is_none() {
        headers.push(("dead_value".to_owned(), "null".to_owned()));
    }
    let key = match record.key.as_deref().map(std::str::from_utf8) {
        None => {
            headers.push(("dead_key".to_owned(), "null".to_owned()));
            ""
        }
        Some(Ok(key)) => key,
        Some(Err(_)) => {
            headers.push(("dead_key_hex".to_owned(), hex(record.key.as_deref().unwrap_or_default())));
            ""
        }
    };
    for (name, value) in &record.headers {
        headers.push(match value.as_deref().map(std::str::from_utf8) {
            Some(Ok(text)) => (name.clone(), text.to_owned()),
            Some(Err(_)) => (format!("dead_hex_{name}"), hex(value.as_deref().unwrap_or_default())),
            None => (format!("dead_null_{name}"), String::new()),
        });
    }
    let topic = author.site.dead_letters_topic();
    let value = record.value.as_deref().unwrap_or_default();
    alerts::put(tx, &Outgoing { topic: &topic, key, headers: &headers, value, captured_at: now, recorded_at: now })
        .map(|_row| ())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a text takes everything");
        text
    })
}
