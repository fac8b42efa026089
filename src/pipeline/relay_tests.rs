//! The relay against a Kafka and a store that misbehave by script.

use super::sweep::STUCK_FOR;
use super::*;
use crate::clock::SystemClock;
use crate::domain::time::Timestamp;
use crate::metrics::Metrics;
use crate::pipeline::ports::Backlog;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

/// Rows and whether they are noted as sent.
#[derive(Clone, Default)]
struct MemoryOutbox {
    rows: Arc<Mutex<BTreeMap<i64, bool>>>,
    /// So many notes fail before one is taken.
    refusals: Arc<Mutex<u32>>,
}

impl Outbox for MemoryOutbox {
    fn unsent(&mut self, after: i64, limit: usize) -> Result<Vec<OutboxRecord>, StoreError> {
        let rows = self.rows.lock().expect("no panic");
        Ok(rows.iter().filter(|&(&row, &sent)| row > after && !sent).take(limit).map(|(&row, _)| record(row)).collect())
    }

    fn mark_sent(&mut self, rows: &[i64], _at: Timestamp) -> Result<(), StoreError> {
        let mut refusals = self.refusals.lock().expect("no panic");
        if *refusals > 0 {
            *refusals -= 1;
            return Err(StoreError::Transient("busy".to_owned()));
        }
        let mut known = self.rows.lock().expect("no panic");
        known.extend(rows.iter().map(|row| (*row, true)));
        Ok(())
    }

    fn backlog(&mut self) -> Result<Backlog, StoreError> {
        let rows = self.rows.lock().expect("no panic");
        Ok(Backlog { depth: rows.values().filter(|sent| !**sent).count() as u64, oldest: None })
    }
}

fn record(row: i64) -> OutboxRecord {
    OutboxRecord {
        row,
        // Every tenth is of another topic.
        topic: if row % 10 == 0 { "health" } else { "alerts" }.to_owned(),
        key: "gate".to_owned(),
        headers: Vec::new(),
        value: Vec::new(),
        captured_at: Timestamp::from_nanos(0),
        recorded_at: Timestamp::from_nanos(0),
    }
}

/// Takes, of each batch, as many records as the script says and then fails; takes all when the script is over.
#[derive(Clone, Default)]
struct ScriptedPublisher {
    script: Arc<Mutex<VecDeque<usize>>>,
    arrived: Arc<Mutex<Vec<i64>>>,
    silent: bool,
    missing: Option<&'static str>,
    /// This row is too large, and any batch with it.
    large: Option<i64>,
    buried: Arc<Mutex<Vec<OutboxRecord>>>,
}

impl Publisher for ScriptedPublisher {
    async fn publish(&mut self, batch: &[OutboxRecord]) -> Result<(), PublishError> {
        if self.silent {
            std::future::pending::<()>().await;
        }
        if self.missing.is_some_and(|topic| batch[0].topic == topic) {
            return Err(PublishError { reason: "topic_missing", message: "no such topic".to_owned() });
        }
        if batch[0].topic == "dead" {
            self.buried.lock().expect("no panic").extend(batch.iter().cloned());
            return Ok(());
        }
        if batch.iter().any(|record| self.large == Some(record.row)) {
            return Err(PublishError { reason: "too_large", message: "too large".to_owned() });
        }
        let takes = self.script.lock().expect("no panic").pop_front();
        let rows = batch.iter().map(|record| record.row).take(takes.unwrap_or(usize::MAX));
        self.arrived.lock().expect("no panic").extend(rows);
        match takes {
            Some(_) => Err(PublishError { reason: "unreachable", message: "gone".to_owned() }),
            None => Ok(()),
        }
    }
}

fn stage(
    outbox: &MemoryOutbox,
    publisher: &ScriptedPublisher,
    flush_for: Duration,
) -> RelayStage<MemoryOutbox, ScriptedPublisher> {
    RelayStage {
        outbox: outbox.clone(),
        publisher: publisher.clone(),
        clock: Arc::new(SystemClock),
        metrics: Metrics::new().expect("declared once").relay,
        health: watch::channel(StageHealth::default()).0,
        flush_for,
        states: watch::channel(0).1,
        memory: None,
        dead_letters: "dead".to_owned(),
    }
}

fn outbox(rows: i64) -> MemoryOutbox {
    let outbox = MemoryOutbox::default();
    outbox.rows.lock().expect("no panic").extend((1..=rows).map(|row| (row, false)));
    outbox
}

#[tokio::test]
async fn after_a_failure_all_is_sent_again_from_the_lowest_row() {
    let (outbox, publisher) = (outbox(5), ScriptedPublisher::default());
    publisher.script.lock().expect("no panic").extend([2, 0, 3]);
    let (commits, committed) = watch::channel(0);
    drop(commits);
    let relayed = stage(&outbox, &publisher, Duration::from_secs(30)).run(committed).await.expect("no store error");
    assert_eq!(relayed, Relayed { left: 0 });
    assert_eq!(*publisher.arrived.lock().expect("no panic"), [1, 2, 1, 2, 3, 1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_note_that_the_store_refuses_does_not_send_twice() {
    let (outbox, publisher) = (outbox(4), ScriptedPublisher::default());
    *outbox.refusals.lock().expect("no panic") = 3;
    let (commits, committed) = watch::channel(0);
    drop(commits);
    let relayed = stage(&outbox, &publisher, Duration::from_secs(30)).run(committed).await.expect("no store error");
    assert_eq!(relayed, Relayed { left: 0 });
    assert_eq!(*publisher.arrived.lock().expect("no panic"), [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_silent_kafka_does_not_hold_up_the_stop() {
    let (outbox, publisher) = (outbox(3), ScriptedPublisher { silent: true, ..ScriptedPublisher::default() });
    let (commits, committed) = watch::channel(0);
    let running = tokio::spawn(stage(&outbox, &publisher, Duration::from_millis(20)).run(committed));
    drop(commits);
    assert_eq!(running.await.expect("no panic").expect("no store error"), Relayed { left: 3 });
}

#[tokio::test]
async fn a_topic_that_is_missing_holds_up_no_other() {
    let rows = 3 * i64::try_from(BATCH).expect("small");
    let (outbox, publisher) =
        (outbox(rows), ScriptedPublisher { missing: Some("health"), ..ScriptedPublisher::default() });
    let (commits, committed) = watch::channel(0);
    drop(commits);
    let stage = stage(&outbox, &publisher, Duration::from_secs(30));
    let health = stage.health.subscribe();
    let relayed = stage.run(committed).await.expect("no store error");
    assert!(matches!(&*health.borrow(), StageHealth::Failing { reason: "topic_missing", .. }), "{health:?}");
    assert_eq!(relayed, Relayed { left: 150 });
    let wanted: Vec<i64> = (1..=rows).filter(|row| row % 10 != 0).collect();
    assert_eq!(*publisher.arrived.lock().expect("no panic"), wanted);
}

#[tokio::test]
async fn a_record_too_large_is_buried_and_the_rest_goes_on_in_order() {
    let (outbox, publisher) = (outbox(39), ScriptedPublisher { large: Some(17), ..ScriptedPublisher::default() });
    let (commits, committed) = watch::channel(0);
    drop(commits);
    let relayed = stage(&outbox, &publisher, Duration::from_secs(30)).run(committed).await.expect("no store error");
    assert_eq!(relayed, Relayed { left: 0 });
    let arrived = publisher.arrived.lock().expect("no panic").clone();
    let of_alerts: Vec<i64> = arrived.into_iter().filter(|row| row % 10 != 0).collect();
    let wanted: Vec<i64> = (1..=39).filter(|row| row % 10 != 0 && *row != 17).collect();
    assert_eq!(of_alerts, wanted);
    let buried = publisher.buried.lock().expect("no panic").clone();
    assert_eq!(buried.iter().map(|letter| letter.row).collect::<Vec<_>>(), [17]);
    assert!(buried[0].headers.contains(&("dead_topic".to_owned(), "alerts".to_owned())), "{buried:?}");
}

#[tokio::test]
async fn a_topic_that_waits_is_tried_again_though_alerts_never_cease() {
    let now = Instant::now();
    let mut sweep = Sweep::new(Duration::from_secs(1));
    sweep.after = 500;
    sweep.stick("health".to_owned(), now);
    assert!(sweep.passes_over("health", now) && !sweep.retry_is_due(now));
    assert!(sweep.retry_is_due(now + STUCK_FOR), "whatever the wall clock says");
    sweep.begin_anew();
    assert!(!sweep.passes_over("health", now + STUCK_FOR));
}

#[tokio::test]
async fn a_commit_wakes_the_relay() {
    let (outbox, publisher) = (MemoryOutbox::default(), ScriptedPublisher::default());
    let (commits, committed) = watch::channel(0);
    let running = tokio::spawn(stage(&outbox, &publisher, Duration::from_secs(30)).run(committed));
    for row in 1..=3 {
        outbox.rows.lock().expect("no panic").insert(row, false);
        commits.send_modify(|n| *n += 1);
        tokio::task::yield_now().await;
    }
    drop(commits);
    running.await.expect("no panic").expect("no store error");
    assert_eq!(*publisher.arrived.lock().expect("no panic"), [1, 2, 3]);
}

#[tokio::test]
async fn what_people_do_wakes_the_relay_too() {
    let ((commits, mut committed), (states, mut others)) = (watch::channel(0), watch::channel(0));
    states.send_replace(1);
    assert!(wait(&mut committed, &mut others, Duration::from_hours(1)).await, "the line goes on");
    // Who is gone wakes nobody, and ends nothing.
    drop(states);
    commits.send_replace(1);
    assert!(wait(&mut committed, &mut others, Duration::from_hours(1)).await);
    drop(commits);
    assert!(!wait(&mut committed, &mut others, Duration::from_hours(1)).await);
}
