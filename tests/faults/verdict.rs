//! After a plan: what was decided is compared with what Kafka holds.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::time::{Duration, Instant};

use lightbar::kafka::KafkaSettings;
use lightbar::kafka::consumer::{Received, TopicReader};
use rusqlite::{Connection, OpenFlags};

/// How long the judge waits for a broker that answers.
const BROKER_PATIENCE: Duration = Duration::from_secs(30);

/// Figures of a plan that held.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Held {
    /// Changes decided and published.
    pub(crate) decided: usize,
    /// Records in Kafka beyond these: sent twice.
    pub(crate) repeated: usize,
    /// Changes that were written down while the service ran.
    pub(crate) journalled: usize,
    /// Words on cameras' health and on alerts' states.
    pub(crate) health: usize,
    /// Records that were in memory while nothing could be stored. Those that the store never got are outside the promise.
    pub(crate) from_memory: usize,
}

/// How many rows wait; none where the store cannot be read now.
pub(crate) fn unsent(data: &Path) -> Option<u64> {
    let store = open(data)?;
    store
        .query_row("SELECT count(*) FROM deliveries WHERE sent_at IS NULL", [], |row| row.get::<_, i64>(0))
        .ok()
        .map(i64::unsigned_abs)
}

/// How many rows wait, and how many seconds ago the oldest was recorded.
pub(crate) fn waiting(data: &Path) -> Option<(u64, f64)> {
    let store = open(data)?;
    let (depth, oldest): (i64, Option<i64>) = store
        .query_row("SELECT count(*), min(recorded_at) FROM deliveries WHERE sent_at IS NULL", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .ok()?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?;
    let age = oldest.map_or(0.0, |oldest| now.as_secs_f64() - oldest as f64 / 1e9);
    Some((depth.unsigned_abs(), age))
}

/// Compares; an `Err` says all that is wrong.
pub(crate) fn judge(data: &Path, journal: &Path, kafka: &KafkaSettings, prefix: &str) -> Result<Held, String> {
    let store = open(data).ok_or("there is no store")?;
    let stored = stored(&store).map_err(|e| format!("the store cannot be read: {e}"))?;
    let mut held = Held::default();
    let mut wrong = Vec::new();

    let journal = std::fs::read_to_string(journal).unwrap_or_default();
    let whole = journal.rfind('\n').map_or(0, |end| end + 1);
    for line in journal[..whole].lines() {
        held.journalled += 1;
        let id = line.split(' ').nth(1).unwrap_or_default();
        if !stored.contains_key(id) {
            wrong.push(format!("{id} was committed and is not in the store any more"));
        }
    }
    for (channel, topic) in [("alert", "alerts"), ("record", "tracks"), ("shadow", "shadow")] {
        let topic = format!("{prefix}.{topic}.v1");
        let records = read(kafka, &topic)?;
        held.from_memory += records.iter().filter(|record| is_from_memory(record)).count();
        let wanted: HashMap<&str, &str> = stored
            .iter()
            .filter(|(_, (c, _))| c == channel)
            .map(|(id, (_, json))| (id.as_str(), json.as_str()))
            .collect();
        let unique = compare(&topic, &wanted, &records, &mut wrong);
        held.decided += wanted.len();
        held.repeated += records.len() - unique;
    }
    for topic in ["camera-health", "alert-state"] {
        let topic = format!("{prefix}.{topic}.v1");
        held.health += remembered(&store, &topic, &read(kafka, &topic)?, &mut wrong)?;
    }
    if wrong.is_empty() {
        return Ok(held);
    }
    let count = wrong.len();
    wrong.truncate(12);
    Err(format!(
        "{count} things are wrong, {} decided, {} sent twice:\n  {}",
        held.decided,
        held.repeated,
        wrong.join("\n  ")
    ))
}

/// Gives how many different records there are.
fn compare(topic: &str, wanted: &HashMap<&str, &str>, records: &[Received], wrong: &mut Vec<String>) -> usize {
    let mut bytes: HashMap<(&str, &str), &Received> = HashMap::new();
    let mut partitions: BTreeMap<&str, i32> = BTreeMap::new();
    let mut last: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for record in records {
        let name = |header| record.header(header).unwrap_or("(none)");
        let id = (name("ce_source"), name("ce_id"));
        let place = format!("{topic}[{}]@{}", record.partition, record.offset);
        if *partitions.entry(&record.key).or_insert(record.partition) != record.partition {
            wrong.push(format!("{place}: {} is in two partitions", record.key));
        }
        if let Some(first) = bytes.get(&id) {
            if first.value != record.value || first.headers != record.headers {
                wrong.push(format!("{place}: {} has other bytes than at first", id.1));
            }
            continue;
        }
        bytes.insert(id, record);
        match wanted.get(id.1) {
            // What was only in memory when the service died is in Kafka alone.
            None if is_from_memory(record) => {}
            None => wrong.push(format!("{place}: {} was never decided", id.1)),
            Some(json) if json.as_bytes() != record.value => {
                wrong.push(format!("{place}: {} has other bytes than in the store", id.1));
            }
            Some(_) => {}
        }
        let sequence = name("ce_sequence").parse().unwrap_or(0);
        let before = last.insert((id.0, name("ce_epoch")), sequence).unwrap_or(0);
        // What had no room in memory any more leaves a gap; the order holds there too.
        if sequence <= before || sequence > before + 1 && !is_from_memory(record) {
            wrong.push(format!("{place}: {} sequence {sequence} after {before}", record.key));
        }
    }
    let there: HashSet<&str> = bytes.keys().map(|(_, id)| *id).collect();
    wrong.extend(wanted.keys().filter(|id| !there.contains(*id)).map(|id| format!("{topic}: {id} is lost")));
    bytes.len()
}

fn is_from_memory(record: &Received) -> bool {
    record.header("ce_durability") == Some("memory")
}

/// Cameras' health and alerts' states are compared with the outbox: all that it still remembers must be there, in its order. Gives
/// how many that are.
fn remembered(store: &Connection, topic: &str, records: &[Received], wrong: &mut Vec<String>) -> Result<usize, String> {
    let mut first: HashMap<&str, usize> = HashMap::new();
    for (n, record) in records.iter().enumerate() {
        first.entry(record.header("ce_id").unwrap_or("(none)")).or_insert(n);
    }
    let mut statement =
        store.prepare("SELECT key, headers FROM outbox WHERE topic = ?1 ORDER BY row").map_err(|e| e.to_string())?;
    let rows = statement
        .query_map([topic], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| e.to_string())?;
    let mut last: HashMap<String, usize> = HashMap::new();
    for (key, headers) in &rows {
        let headers: Vec<(String, String)> = serde_json::from_str(headers).map_err(|e| e.to_string())?;
        let id = headers.iter().find(|(name, _)| name == "ce_id").map_or("(none)", |(_, id)| id.as_str());
        match first.get(id) {
            None => wrong.push(format!("{topic}: {id} of {key} is lost")),
            Some(&place) => {
                if last.insert(key.clone(), place).is_some_and(|before| before > place) {
                    wrong.push(format!("{topic}: {id} of {key} came before an earlier one"));
                }
            }
        }
    }
    Ok(rows.len())
}

/// Every change in the store: `alert.revision` to its channel and its JSON.
fn stored(store: &Connection) -> rusqlite::Result<HashMap<String, (String, String)>> {
    store
        .prepare("SELECT alert_id, revision, channel, json FROM alert_changes")?
        .query_map([], |row| {
            let id = lightbar::domain::ids::AlertId::from_u128(u128::from_be_bytes(row.get(0)?));
            Ok((format!("{id}.{}", row.get::<_, u32>(1)?), (row.get(2)?, row.get(3)?)))
        })?
        .collect()
}

fn open(data: &Path) -> Option<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let store = Connection::open_with_flags(data.join("lightbar.db"), flags).ok()?;
    store.busy_timeout(Duration::from_secs(5)).ok()?;
    Some(store)
}

/// All that lies in a topic. A broker that has just been started again takes up its partitions one after the other.
fn read(kafka: &KafkaSettings, topic: &str) -> Result<Vec<Received>, String> {
    let begun = Instant::now();
    loop {
        match TopicReader::open(kafka, topic).and_then(|mut reader| reader.read_to_end()) {
            Ok(records) => return Ok(records),
            Err(error) if begun.elapsed() > BROKER_PATIENCE => return Err(format!("{topic}: {error}")),
            Err(_) => std::thread::park_timeout(Duration::from_millis(200)),
        }
    }
}
