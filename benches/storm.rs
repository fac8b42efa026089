//! A storm: alert changes of forty cameras at ten thousand a second for ten seconds through record, outbox and relay, on a real disk.
//!
//! `cargo bench --no-default-features --bench storm`. Says how many there were, whether all were recorded and sent, in order, how long the
//! cameras' tasks waited at the queue, how fast it goes when nothing paces it, and what a change costs in CPU time, which is what two
//! runs on a shared machine can be compared by. The publisher takes everything at once: this is about the
//! disk; what Kafka costs is in the bench `delivery`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

#[allow(dead_code, reason = "shared with the tests")]
#[path = "../tests/it/support/facts.rs"]
mod facts;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use lightbar::clock::SystemClock;
use lightbar::metrics::Metrics;
use lightbar::pipeline::health::StageHealth;
use lightbar::pipeline::ports::{Fact, OutboxRecord, PublishError, Publisher};
use lightbar::pipeline::record::{FEED, QUEUE, RecordStage};
use lightbar::pipeline::relay::RelayStage;
use lightbar::store::{self, Options, Store};
use tokio::sync::{broadcast, mpsc, watch};

const CAMERAS: u64 = 40;
const SECONDS: u64 = 10;
const PER_SECOND: u64 = 10_000;
/// How often a camera's task looks what is due.
const BEAT: Duration = Duration::from_millis(20);

/// Takes everything; remembers how many and whether each camera's sequence was whole.
#[derive(Clone, Default)]
#[expect(clippy::type_complexity, reason = "three counts of a bench, named where they are read")]
struct Sink(Arc<Mutex<(u64, HashMap<String, String>, u64)>>);

impl Publisher for Sink {
    async fn publish(&mut self, batch: &[OutboxRecord]) -> Result<(), PublishError> {
        let mut sink = self.0.lock().unwrap();
        for record in batch {
            let sequence = record.headers.iter().find(|(name, _)| name == "ce_sequence").unwrap().1.clone();
            let last = sink.1.insert(record.key.clone(), sequence.clone());
            let expected = last.map_or(1, |last| last.parse::<u64>().unwrap() + 1);
            sink.0 += 1;
            sink.2 += u64::from(sequence.parse::<u64>().unwrap() != expected);
        }
        Ok(())
    }
}

struct Told {
    recorded: u64,
    relayed: u64,
    out_of_order: u64,
    took: Duration,
    relayed_after: Duration,
    longest_wait: Duration,
    /// Of the whole process, from the first change on.
    cpu: Duration,
}

async fn storm(total: u64, paced: bool) -> Told {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = Store::open(dir.path(), Options::default()).unwrap();
    let metrics = Metrics::new().unwrap();
    let (facts, received) = mpsc::channel::<Fact>(QUEUE);
    let (committed, commits) = watch::channel(0);
    let sink = Sink::default();
    let record = RecordStage {
        store: store.writer(facts::site()).unwrap(),
        clock: Arc::new(SystemClock),
        metrics: Arc::clone(&metrics.record),
        feed: broadcast::channel(FEED).0,
        committed,
        health: watch::channel(StageHealth::default()).0,
        slow_after: Duration::from_mins(1),
        memory: None,
        memory_after: Duration::from_mins(1),
        later: Vec::new(),
        evidence: None,
    };
    let relay = RelayStage {
        outbox: store.outbox().unwrap(),
        publisher: sink.clone(),
        clock: Arc::new(SystemClock),
        metrics: Arc::clone(&metrics.relay),
        health: watch::channel(StageHealth::default()).0,
        flush_for: Duration::from_mins(5),
        states: watch::channel(0).1,
        memory: None,
        dead_letters: facts::site().dead_letters_topic(),
    };
    // What a scene would have decided is made beforehand: the storm is about what comes after.
    let each = total / CAMERAS;
    let decided: Vec<Vec<Fact>> = (0..CAMERAS)
        .map(|camera| (0..each).map(|n| facts::opened(&format!("camera-{camera}"), n * CAMERAS + camera)).collect())
        .collect();
    let (began, cpu) = (Instant::now(), ProcessTime::now());
    let (record, relay) = (tokio::spawn(record.run(received)), tokio::spawn(relay.run(commits)));
    let cameras: Vec<_> = decided
        .into_iter()
        .map(|decided| {
            let facts = facts.clone();
            tokio::spawn(async move {
                let mut beat = tokio::time::interval(BEAT);
                let due = if paced { (PER_SECOND / CAMERAS) as f64 * BEAT.as_secs_f64() } else { f64::INFINITY };
                let (mut allowed, mut longest) = (0.0, Duration::ZERO);
                for fact in decided {
                    while allowed < 1.0 {
                        beat.tick().await;
                        allowed += due;
                    }
                    allowed -= 1.0;
                    let waits = Instant::now();
                    facts.send(fact).await.unwrap();
                    longest = longest.max(waits.elapsed());
                }
                longest
            })
        })
        .collect();
    drop(facts);
    let mut longest_wait = Duration::ZERO;
    for camera in cameras {
        longest_wait = longest_wait.max(camera.await.unwrap());
    }
    record.await.unwrap().unwrap();
    let took = began.elapsed();
    assert_eq!(relay.await.unwrap().unwrap().left, 0);
    let (relayed_after, cpu) = (began.elapsed(), cpu.elapsed());
    let recorded = store::info(dir.path()).unwrap().changes;
    let sink = sink.0.lock().unwrap();
    Told { recorded, relayed: sink.0, out_of_order: sink.2, took, relayed_after, longest_wait, cpu }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let total = SECONDS * PER_SECOND;
    for (name, paced) in [("10,000 a second for 10 s", true), ("as fast as it goes", false)] {
        let told = runtime.block_on(storm(total, paced));
        println!(
            "{name}: {total} decided, {} recorded, {} relayed, {} out of order; recorded in {:.2} s ({:.0} a second), relayed in {:.2} s; \
             a camera waited at most {:.0} ms; {:.0} us of CPU time a change",
            told.recorded,
            told.relayed,
            told.out_of_order,
            told.took.as_secs_f64(),
            total as f64 / told.took.as_secs_f64(),
            told.relayed_after.as_secs_f64(),
            told.longest_wait.as_secs_f64() * 1000.0,
            told.cpu.as_secs_f64() * 1e6 / total as f64
        );
        assert!(told.recorded == total && told.relayed == total && told.out_of_order == 0, "something was lost");
    }
}
