//! A disk without any room, with a real SQLite on it: the line goes on, what is decided is sent from memory, and recorded when there is room.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lightbar::clock::SystemClock;
use lightbar::metrics::Metrics;
use lightbar::pipeline::health::StageHealth;
use lightbar::pipeline::memory::Memory;
use lightbar::pipeline::ports::{OutboxRecord, PublishError, Publisher, Recorded};
use lightbar::pipeline::record::{FEED, QUEUE, RecordStage};
use lightbar::pipeline::relay::RelayStage;
use lightbar::store::{self, Options, Store};
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{broadcast, mpsc, watch};

use crate::support::delivery::until;
use crate::support::disk::Disk;
use crate::support::facts::{opened, site};

/// Takes everything, or nothing while it is down.
#[derive(Clone, Default)]
struct Broker {
    arrived: Arc<Mutex<Vec<OutboxRecord>>>,
    down: Arc<AtomicBool>,
}

impl Publisher for Broker {
    async fn publish(&mut self, batch: &[OutboxRecord]) -> Result<(), PublishError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(PublishError { reason: "unreachable", message: "down".to_owned() });
        }
        self.arrived.lock().unwrap().extend_from_slice(batch);
        Ok(())
    }
}

impl Broker {
    fn count(&self) -> usize {
        self.arrived.lock().unwrap().len()
    }
}

fn header<'a>(record: &'a OutboxRecord, name: &str) -> &'a str {
    record.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

fn is_of_memory(record: &OutboxRecord) -> bool {
    header(record, "ce_durability") == "memory"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_full_disk_refuses_is_sent_from_memory_and_recorded_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let Some(disk) = Disk::mount(&data, "size=16m") else { return };
    let store = Store::open(&data, Options::default()).unwrap();
    let (facts, received) = mpsc::channel(QUEUE);
    let (feed, mut shown) = broadcast::channel(FEED);
    let (committed, commits) = watch::channel(0);
    let (health, recording) = watch::channel(StageHealth::default());
    let memory = Arc::new(Memory::new(1000));
    let metrics = Metrics::new().unwrap();
    let broker = Broker::default();
    let record = RecordStage {
        store: store.writer(site()).unwrap(),
        clock: Arc::new(SystemClock),
        metrics: Arc::clone(&metrics.record),
        feed,
        committed,
        health,
        slow_after: Duration::from_secs(30),
        memory: Some(Arc::clone(&memory)),
        memory_after: Duration::from_millis(100),
        later: Vec::new(),
        evidence: None,
    };
    let relay = RelayStage {
        outbox: store.outbox().unwrap(),
        publisher: broker.clone(),
        clock: Arc::new(SystemClock),
        metrics: Arc::clone(&metrics.relay),
        health: watch::channel(StageHealth::default()).0,
        flush_for: Duration::from_secs(30),
        states: watch::channel(0).1,
        memory: Some(Arc::clone(&memory)),
        dead_letters: site().dead_letters_topic(),
    };
    let (record, relay) = (tokio::spawn(record.run(received)), tokio::spawn(relay.run(commits)));
    let mut sent = 0;
    let mut decide = async |count: u64| {
        for n in sent..sent + count {
            facts.send(opened(if n % 2 == 0 { "gate-north" } else { "gate-south" }, n)).await.unwrap();
        }
        sent += count;
        sent as usize
    };

    let all = decide(10).await;
    until("what is recorded has arrived", || broker.count() == all).await;
    disk.fill();
    let all = decide(300).await;
    until("all have arrived though the disk is full", || broker.count() == all).await;
    assert!(!memory.is_empty() && matches!(*recording.borrow(), StageHealth::Failing { .. }));
    let mut seen = Vec::new();
    loop {
        match shown.try_recv() {
            Ok(change) => seen.push(change.row),
            Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
    assert!(seen.contains(&Recorded::NO_ROW), "shown at once: {seen:?}");
    // Now Kafka as well: what comes is in memory only.
    broker.down.store(true, Ordering::SeqCst);
    let before = broker.count();
    let all = decide(20).await;
    until("they are in memory", || memory.unsent_len() == all - before).await;

    disk.free();
    let all = decide(5).await;
    until("there is nothing in memory", || memory.is_empty()).await;
    let reader = store.reader().unwrap();
    until("all are recorded", || reader.changes_after(0, 1000).unwrap().len() == all).await;
    broker.down.store(false, Ordering::SeqCst);
    until("all have arrived", || broker.count() >= all).await;
    drop(facts);
    record.await.unwrap().unwrap();
    assert_eq!(relay.await.unwrap().unwrap().left, 0);

    let arrived = broker.arrived.lock().unwrap().clone();
    assert_eq!(arrived.len(), all, "once each");
    assert!(arrived.iter().any(is_of_memory) && !arrived.iter().all(is_of_memory));
    let recorded = reader.changes_after(0, 1000).unwrap();
    let stored: HashMap<String, &str> = recorded.iter().map(|r| (r.alert.to_string(), &*r.json)).collect();
    let mut alerts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut sequences: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for record in &arrived {
        assert_eq!(stored[header(record, "ce_subject")].as_bytes(), record.value, "the store says what was sent");
        alerts.entry(&record.key).or_default().push(header(record, "ce_subject"));
        let last = sequences.entry((&record.key, header(record, "ce_epoch"))).or_default();
        assert_eq!(header(record, "ce_sequence"), format!("{:020}", *last + 1), "no gap within an epoch");
        *last += 1;
    }
    // The ids are in the order of deciding.
    assert!(alerts.values().all(|ids| ids.is_sorted()), "order per camera");
    assert_eq!(sequences.len(), 4, "two cameras, each in the store's epoch and in memory's: {sequences:?}");
    assert_eq!(store::check(&data).unwrap(), Vec::<String>::new());
}
