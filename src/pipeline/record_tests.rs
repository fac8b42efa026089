//! The record stage with a store that fails, hangs, fills up and breaks.

use super::*;
use crate::clock::SystemClock;
use crate::domain::ids::{AlertId, CameraId};
use crate::domain::scene::BlindCause;
use crate::metrics::Metrics;
use crate::pipeline::memory::Kept;
use crate::pipeline::ports::Channel;
use std::sync::Mutex;

/// Fails as told, then commits; remembers batches.
#[derive(Clone, Default)]
struct ScriptedStore {
    failures: Arc<Mutex<Vec<StoreError>>>,
    batches: Arc<Mutex<Vec<Vec<i64>>>>,
    /// A commit waits for this, where there is one.
    hangs: Arc<Mutex<Option<std::sync::mpsc::Receiver<()>>>>,
}

impl FactStore for ScriptedStore {
    fn record(&mut self, facts: &[Fact], _at: Timestamp) -> Result<Vec<Recorded>, StoreError> {
        if let Some(disk) = self.hangs.lock().expect("no panic").take() {
            disk.recv().expect("it comes back");
        }
        if let Some(error) = self.failures.lock().expect("no panic").pop() {
            return Err(error);
        }
        let batch: Vec<i64> = facts.iter().map(number).collect();
        let recorded =
            |&row: &i64| Recorded { row, alert: AlertId::from_u128(0), channel: Channel::Alert, json: "{}".into() };
        let all = batch.iter().map(recorded).collect();
        self.batches.lock().expect("no panic").push(batch);
        Ok(all)
    }

    fn keep(&mut self, facts: &[Fact], recorded_at: Timestamp) -> Vec<Kept> {
        let keep = |fact: &Fact| Kept { fact: fact.clone(), recorded_at, shown: None, record: None, sent_at: None };
        facts.iter().map(keep).collect()
    }

    fn record_kept(&mut self, kept: &[Kept], at: Timestamp) -> Result<Vec<Recorded>, StoreError> {
        let facts: Vec<Fact> = kept.iter().map(|kept| kept.fact.clone()).collect();
        self.record(&facts, at)
    }

    fn heartbeat(&mut self, _at: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
}

fn number(fact: &Fact) -> i64 {
    match fact {
        Fact::SightedSince { at, .. } | Fact::BlindSince { from: at, .. } => at.as_nanos(),
        Fact::Alert(_) | Fact::Evidence { .. } => panic!("not used here"),
    }
}

fn fact(n: i64) -> Fact {
    let camera = CameraId::parse("gate").expect("a slug");
    Fact::BlindSince { camera, from: Timestamp::from_nanos(n), cause: BlindCause::Stalled }
}

struct Running {
    facts: mpsc::Sender<Fact>,
    feed: broadcast::Receiver<Recorded>,
    committed: watch::Receiver<u64>,
    health: watch::Receiver<StageHealth>,
    stage: tokio::task::JoinHandle<Result<(), StoreError>>,
}

/// Starts a stage that finds `waiting` facts in its queue.
fn start(store: ScriptedStore, waiting: i64) -> Running {
    start_with(store, waiting, None)
}

fn start_with(store: ScriptedStore, waiting: i64, memory: Option<Arc<Memory>>) -> Running {
    let (facts, received) = mpsc::channel(QUEUE);
    for n in 0..waiting {
        facts.try_send(fact(n)).expect("room");
    }
    let (feed_out, feed) = broadcast::channel(FEED);
    let (commits, committed) = watch::channel(0);
    let (state, health) = watch::channel(StageHealth::default());
    let metrics = Metrics::new().expect("declared once").record;
    let stage = RecordStage {
        store,
        clock: Arc::new(SystemClock),
        metrics,
        feed: feed_out,
        committed: commits,
        health: state,
        slow_after: Duration::from_millis(50),
        memory,
        memory_after: Duration::from_millis(1),
        later: Vec::new(),
        evidence: None,
    };
    Running { facts, feed, committed, health, stage: tokio::spawn(stage.run(received)) }
}

#[tokio::test]
async fn what_waits_is_one_commit_and_the_stage_drains() {
    let store = ScriptedStore::default();
    let mut running = start(store.clone(), 10);
    drop(running.facts);
    running.stage.await.expect("no panic").expect("drained");
    assert_eq!(*store.batches.lock().expect("no panic"), [(0..10).collect::<Vec<_>>()]);
    let shown: Vec<i64> = std::iter::from_fn(|| running.feed.try_recv().ok()).map(|r| r.row).collect();
    assert_eq!(shown, (0..10).collect::<Vec<_>>());
    assert!(running.committed.has_changed().is_err(), "the relay hears that this was all");
}

#[tokio::test]
async fn a_store_that_fails_for_a_while_loses_nothing() {
    let store = ScriptedStore::default();
    let full = || StoreError::Full("disk full".to_owned());
    store.failures.lock().expect("no panic").extend([full(), full(), full()]);
    let mut running = start(store.clone(), 3);
    let failing = running
        .health
        .wait_for(|health| matches!(health, StageHealth::Failing { message, .. } if message == "disk full"));
    failing.await.expect("said");
    running.facts.send(fact(3)).await.expect("open");
    running.health.wait_for(StageHealth::is_ready).await.expect("ready again");
    drop(running.facts);
    running.stage.await.expect("no panic").expect("drained");
    assert_eq!(store.batches.lock().expect("no panic").concat(), [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_disk_that_hangs_is_told_and_so_is_that_it_came_back() {
    let store = ScriptedStore::default();
    let (comes_back, hangs) = std::sync::mpsc::channel();
    *store.hangs.lock().expect("no panic") = Some(hangs);
    let mut running = start(store.clone(), 1);
    let slow = |health: &StageHealth| matches!(health, StageHealth::Failing { reason: "store_slow", .. });
    running.health.wait_for(slow).await.expect("said");
    assert!(store.batches.lock().expect("no panic").is_empty());
    comes_back.send(()).expect("it waits");
    running.health.wait_for(StageHealth::is_ready).await.expect("ready again");
    drop(running.facts);
    running.stage.await.expect("no panic").expect("drained");
    assert_eq!(store.batches.lock().expect("no panic").concat(), [0]);
}

#[tokio::test]
async fn while_the_store_is_full_the_line_goes_on_and_what_is_kept_is_recorded_first() {
    let store = ScriptedStore::default();
    let full = || StoreError::Full("disk full".to_owned());
    store.failures.lock().expect("no panic").extend((0..1000).map(|_| full()));
    let memory = Arc::new(Memory::new(10_000));
    let running = start_with(store.clone(), 3, Some(Arc::clone(&memory)));
    let mut committed = running.committed.clone();
    // More than the queue takes: without memory the line would stand still here.
    for n in 3..3 * i64::try_from(QUEUE).expect("small") {
        running.facts.send(fact(n)).await.expect("open");
    }
    while memory.len() < 3 * QUEUE {
        committed.changed().await.expect("it runs");
    }
    assert!(matches!(&*running.health.borrow(), StageHealth::Failing { reason: "store", .. }));
    assert!(store.batches.lock().expect("no panic").is_empty());
    store.failures.lock().expect("no panic").clear();
    running.facts.send(fact(768)).await.expect("open");
    drop(running.facts);
    running.stage.await.expect("no panic").expect("drained");
    assert_eq!(store.batches.lock().expect("no panic").concat(), (0..=768).collect::<Vec<_>>());
    assert!(memory.is_empty());
}

#[tokio::test]
async fn a_broken_store_ends_the_stage_with_its_reason() {
    let store = ScriptedStore::default();
    store.failures.lock().expect("no panic").push(StoreError::Fatal("damaged".to_owned()));
    let ended = start(store, 1).stage.await.expect("no panic");
    assert!(matches!(ended, Err(StoreError::Fatal(why)) if why == "damaged"));
}
