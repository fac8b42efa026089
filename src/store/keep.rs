//! Changes that the store has no room for: what is sent of them from memory, and how they are recorded later.
//!
//! The bytes are settled when a change is kept. Its epoch is that of this run's memory, its sequences count from 1 within it.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::alerts::{self, Author, Outgoing};
use super::{desk, evidence, sight};
use crate::contract::{AlertV1, ExplanationV1, Stamp, cloudevents};
use crate::domain::time::Timestamp;
use crate::pipeline::memory::Kept;
use crate::pipeline::ports::{Channel, Fact, OutboxRecord, Recorded};

/// The sequences of what this run has kept in memory.
#[derive(Debug, Default)]
pub(super) struct MemoryStamps {
    epoch: Option<String>,
    last: HashMap<(String, Channel), u64>,
}

impl MemoryStamps {
    fn next(&mut self, author: &Author, source: &str, channel: Channel, at: Timestamp) -> (u64, String) {
        let epoch = self.epoch.get_or_insert_with(|| format!("{}-memory-{}", author.epoch, at.as_nanos()));
        let epoch = match channel {
            Channel::Alert => epoch.clone(),
            other => format!("{epoch}-{}", other.as_str()),
        };
        let last = self.last.entry((source.to_owned(), channel)).or_default();
        *last += 1;
        (*last, epoch)
    }
}

/// A fact as it is kept.
pub(super) fn keep(
    connection: &Connection,
    author: &Author,
    stamps: &mut MemoryStamps,
    fact: &Fact,
    recorded_at: Timestamp,
) -> Kept {
    let mut kept = Kept { fact: fact.clone(), recorded_at, shown: None, record: None, sent_at: None };
    // Blind time is recorded later; nobody acts upon its record at once.
    let Fact::Alert(decided) = fact else { return kept };
    let change = &decided.change;
    // A commit may have been done though its answer was an error. A store that cannot even be read does not have it.
    if alerts::recorded(connection, change.id, change.revision).is_ok_and(|before| before.is_some()) {
        return kept;
    }
    let alert = AlertV1::new(decided, &author.site, recorded_at);
    // What cannot be read has no evidence that could be told of.
    let (alert, _) = evidence::behind(connection, change.id, alert.clone()).unwrap_or((alert, None));
    let (json, channel) = (alert.to_json(), alert.channel());
    kept.shown = Some(Recorded { row: Recorded::NO_ROW, alert: change.id, channel, json: json.as_str().into() });
    if !author.site.publishes(channel) {
        return kept;
    }
    let source = cloudevents::alert_source(&alert, &author.site);
    let (sequence, epoch) = stamps.next(author, &source, channel, recorded_at);
    let mut headers = cloudevents::alert_headers(&alert, &author.site, Stamp { sequence, epoch: &epoch });
    headers.push(("ce_durability".to_owned(), "memory".to_owned()));
    kept.record = Some(OutboxRecord {
        row: Recorded::NO_ROW,
        topic: author.site.topic(channel),
        key: alert.key().to_owned(),
        headers,
        value: json.into_bytes(),
        captured_at: change.captured_at,
        recorded_at,
    });
    kept
}

/// Records what was kept; its record stays as it was, and as sent as it was.
pub(super) fn record(tx: &Connection, author: &Author, kept: &Kept) -> rusqlite::Result<Option<Recorded>> {
    let decided = match &kept.fact {
        Fact::Alert(decided) => decided,
        Fact::BlindSince { camera, from, cause } => {
            return sight::lost(tx, author, camera, (*from, *cause), kept.recorded_at).map(|()| None);
        }
        Fact::SightedSince { camera, at } => {
            return sight::regained(tx, author, camera, *at, kept.recorded_at).map(|()| None);
        }
        // Never kept: the record stage lets it wait.
        Fact::Evidence { .. } => return Ok(None),
    };
    let change = &decided.change;
    if let Some(before) = alerts::recorded(tx, change.id, change.revision)? {
        return Ok(Some(before));
    }
    if let Some(order) = change.watched {
        desk::spend(tx, order, alerts::key(change.id), kept.recorded_at)?;
    }
    if let Some(explanation) = &decided.explanation {
        alerts::explain(tx, change.id, &ExplanationV1::from(explanation.as_ref()).to_json())?;
    }
    let alert = AlertV1::new(decided, &author.site, kept.recorded_at);
    let (alert, as_decided) = evidence::behind(tx, change.id, alert)?;
    let recorded = alerts::write_change(tx, change.id, &alert, change.captured_at, as_decided)?;
    if let Some(record) = &kept.record {
        let row = alerts::put(
            tx,
            &Outgoing {
                topic: &record.topic,
                key: &record.key,
                headers: &record.headers,
                value: recorded.json.as_bytes(),
                captured_at: record.captured_at,
                recorded_at: record.recorded_at,
            },
        )?;
        if let Some(sent_at) = kept.sent_at {
            tx.prepare_cached("UPDATE deliveries SET sent_at = ?2 WHERE row = ?1")?
                .execute(params![row, sent_at.as_nanos()])?;
        }
    }
    alerts::begin(tx, author, change.id, &alert, kept.recorded_at)?;
    Ok(Some(recorded))
}
