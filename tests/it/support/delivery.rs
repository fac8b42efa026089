//! The right half of the line, wired as the service does it: facts -> record -> outbox -> relay -> Kafka.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lightbar::clock::SystemClock;
use lightbar::kafka::{KafkaPublisher, KafkaSettings};
use lightbar::metrics::Metrics;
use lightbar::pipeline::health::StageHealth;
use lightbar::pipeline::ports::{Fact, Recorded, StoreError};
use lightbar::pipeline::record::{FEED, QUEUE, RecordStage};
use lightbar::pipeline::relay::{RelayStage, Relayed};
use lightbar::store::{Options, Reader, Store};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;

use super::facts;

pub(crate) struct Delivery {
    pub(crate) facts: mpsc::Sender<Fact>,
    pub(crate) feed: broadcast::Receiver<Recorded>,
    pub(crate) relay_health: watch::Receiver<StageHealth>,
    pub(crate) metrics: Metrics,
    pub(crate) reader: Reader,
    record: JoinHandle<Result<(), StoreError>>,
    relay: JoinHandle<Result<Relayed, StoreError>>,
}

impl Delivery {
    pub(crate) fn start(dir: &Path, settings: KafkaSettings, flush_for: Duration) -> Self {
        let store = Store::open(dir, Options::default()).unwrap();
        let metrics = Metrics::new().unwrap();
        let (facts, received) = mpsc::channel(QUEUE);
        let (feed_out, feed) = broadcast::channel(FEED);
        let (committed, commits) = watch::channel(0);
        let (relay_state, relay_health) = watch::channel(StageHealth::default());
        let mut writer = store.writer(facts::site()).unwrap();
        let now = lightbar::pipeline::ports::Clock::now(&SystemClock);
        writer.recover(now, &[]).unwrap();
        let record = RecordStage {
            store: writer,
            clock: Arc::new(SystemClock),
            metrics: Arc::clone(&metrics.record),
            feed: feed_out,
            committed,
            health: watch::channel(StageHealth::default()).0,
            slow_after: Duration::from_secs(5),
            memory: None,
            memory_after: Duration::from_secs(5),
            later: Vec::new(),
            evidence: None,
        };
        let relay = RelayStage {
            outbox: store.outbox().unwrap(),
            publisher: KafkaPublisher::new(settings),
            clock: Arc::new(SystemClock),
            metrics: Arc::clone(&metrics.relay),
            health: relay_state,
            flush_for,
            states: watch::channel(0).1,
            memory: None,
            dead_letters: facts::site().dead_letters_topic(),
        };
        Self {
            facts,
            feed,
            relay_health,
            metrics,
            reader: store.reader().unwrap(),
            record: tokio::spawn(record.run(received)),
            relay: tokio::spawn(relay.run(commits)),
        }
    }

    /// Closes the line and waits until it has drained.
    pub(crate) async fn stop(self) -> Relayed {
        drop(self.facts);
        self.record.await.unwrap().unwrap();
        self.relay.await.unwrap().unwrap()
    }
}

/// Waits for a condition; fails after a generous deadline.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
