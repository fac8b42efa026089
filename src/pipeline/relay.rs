//! The relay stage: what is committed goes to Kafka, oldest first, until it is acknowledged.
//!
//! Order per key is kept because a batch is sent in row order and, after any failure, everything again from the lowest unsent
//! row. Kafka's death is invisible to the line: the outbox grows, gauges say how much and how old. Ends when the record stage has
//! ended and all is sent, or the time for that is up; what is left is sent at the next start.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::health::StageHealth;
use super::ports::{Clock, Outbox, OutboxRecord, PublishError, Publisher, StoreError};
use super::record::blocking;
use crate::backoff::Backoff;
use crate::domain::time::Timestamp;
use crate::metrics::relay::RelayMetrics;

/// Records in one batch: enough to fill the wire, few enough to be repeated after a failure.
const BATCH: usize = 500;
/// How often the gauges are told anew while nothing happens.
const PULSE: Duration = Duration::from_secs(1);
/// How often sent rows are cleared.
const PRUNE_EVERY: Duration = Duration::from_mins(1);

/// The relay stage.
pub struct RelayStage<O, P> {
    /// Where unsent records come from.
    pub outbox: O,
    /// Where they go.
    pub publisher: P,
    /// The server's clock.
    pub clock: Arc<dyn Clock>,
    /// What it counts.
    pub metrics: Arc<RelayMetrics>,
    /// Whether records get through.
    pub health: watch::Sender<StageHealth>,
    /// How long, once the line has ended, it goes on sending what is left.
    pub flush_for: Duration,
}

/// How a relay ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relayed {
    /// Records that are left for the next start.
    pub left: u64,
}

impl<O: Outbox + 'static, P: Publisher> RelayStage<O, P> {
    /// Relays until `committed` closes; then sends what is left for a bounded time.
    pub async fn run(mut self, mut committed: watch::Receiver<u64>) -> Result<Relayed, StoreError> {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
        let mut pruned_at = self.clock.now();
        let mut open = true;
        while open {
            committed.borrow_and_update();
            let (stage, sent) = self.send_next(&mut committed, &mut backoff).await?;
            self = stage;
            if self.clock.now().since(pruned_at) >= PRUNE_EVERY {
                pruned_at = self.clock.now();
                self = self.prune(pruned_at).await?;
            }
            open = match sent {
                Sent::Some => committed.has_changed().is_ok(),
                Sent::Nothing => wait(&mut committed, PULSE).await,
                Sent::Failed(pause) => pause_or_closed(&mut committed, pause).await,
            };
        }
        self.flush().await
    }

    /// Sends what is left, for a bounded time.
    async fn flush(mut self) -> Result<Relayed, StoreError> {
        let deadline = tokio::time::Instant::now() + self.flush_for;
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(500));
        loop {
            let (stage, batch) = self.unsent().await?;
            self = stage;
            let Some(batch) = batch.filter(|batch| !batch.is_empty()) else { break };
            let Ok(outcome) = tokio::time::timeout_at(deadline, self.publisher.publish(&batch)).await else { break };
            match outcome {
                Ok(()) => self = self.acknowledged(&batch).await?,
                Err(why) => {
                    self.failing(&why);
                    let pause = tokio::time::sleep(backoff.failed());
                    if tokio::time::timeout_at(deadline, pause).await.is_err() {
                        break;
                    }
                }
            }
        }
        let (_, left) = self.backlog().await?;
        if left > 0 {
            tracing::warn!(records = left, "not all was sent in time; the rest is sent at the next start");
        }
        Ok(Relayed { left })
    }

    async fn send_next(
        mut self, committed: &mut watch::Receiver<u64>, backoff: &mut Backoff,
    ) -> Result<(Self, Sent), StoreError> {
        let (stage, batch) = self.unsent().await?;
        self = stage;
        let Some(batch) = batch else { return Ok((self, Sent::Failed(backoff.failed()))) };
        if batch.is_empty() {
            (self, _) = self.backlog().await?;
            return Ok((self, Sent::Nothing));
        }
        let outcome = {
            let publish = self.publisher.publish(&batch);
            tokio::pin!(publish);
            tokio::select! {
                outcome = &mut publish => outcome,
                // The line has ended: a broker that does not answer must not hold up the stop.
                () = closed(committed) => tokio::time::timeout(self.flush_for, publish).await.unwrap_or_else(|_| {
                    Err(PublishError { reason: "unreachable", message: "no acknowledgement before the stop".to_owned() })
                }),
            }
        };
        match outcome {
            Ok(()) => {
                backoff.succeeded();
                self.ready();
                Ok((self.acknowledged(&batch).await?, Sent::Some))
            }
            Err(why) => {
                self.failing(&why);
                (self, _) = self.backlog().await?;
                Ok((self, Sent::Failed(backoff.failed())))
            }
        }
    }

    /// The next batch; none when the store does not answer now.
    async fn unsent(mut self) -> Result<(Self, Option<Vec<OutboxRecord>>), StoreError> {
        let (outbox, outcome) = blocking(self.outbox, |outbox| outbox.unsent(0, BATCH)).await?;
        self.outbox = outbox;
        let batch = self.answered(outcome)?;
        Ok((self, batch))
    }

    /// Notes what Kafka has acknowledged; tries until the store takes it, or else all of it would be sent again.
    async fn acknowledged(mut self, batch: &[OutboxRecord]) -> Result<Self, StoreError> {
        let at = self.clock.now();
        for record in batch {
            self.metrics.acknowledged(at.since(record.recorded_at), at.since(record.captured_at));
        }
        let rows: Arc<[i64]> = batch.iter().map(|record| record.row).collect();
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
        loop {
            let noted = Arc::clone(&rows);
            let (outbox, outcome) = blocking(self.outbox, move |outbox| outbox.mark_sent(&noted, at)).await?;
            self.outbox = outbox;
            if self.answered(outcome)?.is_some() {
                return self.backlog().await.map(|(stage, _)| stage);
            }
            tokio::time::sleep(backoff.failed()).await;
        }
    }

    /// Tells the gauges how much is unsent and how old it is.
    async fn backlog(mut self) -> Result<(Self, u64), StoreError> {
        let (outbox, outcome) = blocking(self.outbox, Outbox::backlog).await?;
        self.outbox = outbox;
        let backlog = self.answered(outcome)?;
        if let Some(backlog) = backlog {
            let now = self.clock.now();
            self.metrics.backlog(backlog.depth, backlog.oldest.map(|oldest| now.since(oldest)));
        }
        Ok((self, backlog.map_or(0, |backlog| backlog.depth)))
    }

    async fn prune(mut self, now: Timestamp) -> Result<Self, StoreError> {
        let (outbox, outcome) = blocking(self.outbox, move |outbox| outbox.prune_sent(now)).await?;
        self.outbox = outbox;
        self.answered(outcome)?;
        Ok(self)
    }

    /// A transient store error is noted and comes back as none.
    fn answered<T>(&self, outcome: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(StoreError::Transient(message)) => {
                self.failing(&PublishError { reason: "store", message });
                Ok(None)
            }
            Err(fatal) => Err(fatal),
        }
    }

    fn ready(&self) {
        self.metrics.ready(true);
        if let StageHealth::Failing(why) = self.health.send_replace(StageHealth::Ready) {
            tracing::info!(was = %why, "sending to Kafka again");
        }
    }

    /// Logged once per reason, not per try.
    fn failing(&self, why: &PublishError) {
        self.metrics.failed(why.reason);
        self.metrics.ready(false);
        self.health.send_if_modified(|health| {
            let changed = !matches!(health, StageHealth::Failing(known) if known.starts_with(why.reason));
            if changed {
                tracing::error!(reason = why.reason, error = %why, "records do not get to Kafka; they wait in the outbox");
                *health = StageHealth::Failing(format!("{}: {why}", why.reason));
            }
            changed
        });
    }
}

enum Sent {
    Some,
    Nothing,
    Failed(Duration),
}

/// Waits until there will be no more commits.
async fn closed(committed: &mut watch::Receiver<u64>) {
    while committed.changed().await.is_ok() {}
}

/// Waits for a commit, at most so long; false when there will be none any more.
async fn wait(committed: &mut watch::Receiver<u64>, at_most: Duration) -> bool {
    tokio::time::timeout(at_most, committed.changed()).await.is_err_and(|_elapsed| true) || committed.has_changed().is_ok()
}

/// Pauses in full, whatever is committed meanwhile; false at once when there will be no more commits.
async fn pause_or_closed(committed: &mut watch::Receiver<u64>, pause: Duration) -> bool {
    let pause = tokio::time::sleep(pause);
    tokio::pin!(pause);
    loop {
        tokio::select! {
            () = &mut pause => return true,
            changed = committed.changed() => if changed.is_err() { return false },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
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

        fn prune_sent(&mut self, _now: Timestamp) -> Result<usize, StoreError> {
            Ok(0)
        }
    }

    fn record(row: i64) -> OutboxRecord {
        OutboxRecord {
            row,
            topic: "alerts".to_owned(),
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
    }

    impl Publisher for ScriptedPublisher {
        async fn publish(&mut self, batch: &[OutboxRecord]) -> Result<(), PublishError> {
            if self.silent {
                std::future::pending::<()>().await;
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
        outbox: &MemoryOutbox, publisher: &ScriptedPublisher, flush_for: Duration,
    ) -> RelayStage<MemoryOutbox, ScriptedPublisher> {
        RelayStage {
            outbox: outbox.clone(),
            publisher: publisher.clone(),
            clock: Arc::new(SystemClock),
            metrics: Metrics::new().expect("declared once").relay,
            health: watch::channel(StageHealth::default()).0,
            flush_for,
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
}
