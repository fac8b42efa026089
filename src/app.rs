//! The composition root: builds every room, starts the stages from right to left, stops them from left to right.
//!
//! The only place that knows everyone. What is decided here is wiring: who waits for whom, and what a signal means. Absent:
//! every decision about pictures, alerts and delivery.

mod camera_line;
mod cameras;
mod evidence;
mod lifecycle;
mod reload;
mod serving;
pub mod replay;
pub mod demo;
pub mod drill;
pub mod look;
mod broker;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;

use crate::clock::SystemClock;
use crate::config::{InferenceSettings, KafkaSettings, SaslMechanism, Settings, StoreSettings};
use crate::contract::Site;
use crate::domain::detection::ModelCard;
use crate::inference::{Model, ModelOptions, Provider};
use crate::kafka::{self, KafkaPublisher};
use crate::metrics::Metrics;
use crate::pipeline::analyze::Surroundings;
use crate::pipeline::backup::run_backups;
use crate::pipeline::desk::{Desk, DeskStore as _};
use crate::pipeline::detect::{DetectStage, NoDetector};
use crate::pipeline::health::StageHealth;
use crate::pipeline::keep::SharedBaselines;
use crate::pipeline::memory::Memory;
use crate::pipeline::ports::{Clock, Detector, Recorded, StoreError};
use crate::pipeline::record::{self, RecordStage};
use crate::pipeline::relay::{RelayStage, Relayed};
use crate::pipeline::status::StatusBoard;
use crate::pipeline::upkeep::UpkeepStage;
use crate::store::{self, Store};
use crate::web::DeskDoor;

use camera_line::Shared;
use cameras::Cameras;
use evidence::Evidence;
use lifecycle::Lifecycle;
use reload::Reload;
use serving::{Serving, Shown};

/// What must be so before the service is ready, in the order of the start.
const LATCHES: [&str; 5] = ["store_open", "store_room", "model_loaded", "outbox_writable", "cameras_started"];
/// What a running service is told from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Read the configuration again.
    Reload,
    /// Stop in order; a second one quits at once.
    Stop,
}

/// A service that is built and serves, but watches no camera yet.
pub struct App {
    settings: Settings,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
    board: Arc<StatusBoard>,
    desk: watch::Sender<Arc<Desk>>,
    detect: Arc<DetectStage>,
    facts: mpsc::Sender<crate::pipeline::ports::Fact>,
    upkeep: JoinHandle<Result<(), StoreError>>,
    copying: Option<JoinHandle<Result<(), StoreError>>>,
    record: JoinHandle<Result<(), StoreError>>,
    relay: Option<JoinHandle<Result<Relayed, StoreError>>>,
    serving: Serving,
    lifecycle: Lifecycle,
    evidence: Evidence,
    looking: JoinHandle<()>,
    reload: Reload,
    baselines: SharedBaselines,
}

impl App {
    /// Opens everything that can fail, so that a wrong set-up ends before a camera is touched.
    #[expect(clippy::too_many_lines, reason = "the wiring of all rooms, in the order of the flow")]
    pub async fn build(settings: Settings, source: PathBuf) -> anyhow::Result<Self> {
        let metrics = Metrics::new().context("cannot declare the metrics")?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let board = Arc::new(StatusBoard::new(clock.now(), &LATCHES));
        crate::camera::init()?;

        let site = Arc::new(site(&settings));
        let dead_letters = site.dead_letters_topic();
        let data_dir = settings.service.data_dir.clone();
        let store = Store::open(&data_dir, store_options(&settings.store))?;
        let policy = Arc::new(lifecycle::policy(&settings.lifecycle));
        let mut writer = store.writer(Arc::clone(&site))?.with_policy(Arc::clone(&policy));
        let watched: Vec<_> = settings.cameras.iter().map(|camera| camera.id().clone()).collect();
        let recovery = writer.recover(clock.now(), &watched)?;
        if let Some(error) = &recovery.postponed {
            tracing::error!(%error, "what the last run left is put in order when there is room");
        }
        if !recovery.ended.is_empty() {
            tracing::warn!(
                alerts = recovery.ended.len(),
                "alerts that were open when the service died have been ended"
            );
        }
        board.release("store_open");

        // The port before the model: whoever starts the service sees at once whether the page will be there.
        let (feed, _) = broadcast::channel::<Recorded>(record::FEED);
        let orders = store.desk()?;
        let desk = watch::Sender::new(Arc::new(orders.desk(clock.now())?));
        let door = DeskDoor { store: Arc::new(orders), tell: desk.clone() };
        let lifecycle = Lifecycle::start(&settings, (&store, &site, &policy), (&metrics, &feed), &clock, &board)?;
        let shown = Shown {
            store: &store,
            feed: &feed,
            metrics: &metrics,
            board: &board,
            clock: &clock,
            desk: door,
            lifecycle: lifecycle.door.clone(),
        };
        let serving = Serving::start(&settings, shown).await?;

        let detectors = detectors(&settings.inference, settings.inference.workers)?;
        if let Some(card) = &detectors.card {
            board.set_model(card.as_ref().clone());
        } else {
            tracing::warn!("there is no model: only rules with class unknown speak, by the pixel cues");
        }
        let detect = detect_stage(detectors.all, &metrics, &clock)?;
        board.release("model_loaded");

        let (facts, to_record) = mpsc::channel(record::QUEUE);
        let (evidence, wishes) = Evidence::start(&settings, &facts, &metrics, &clock)?;
        let (committed, commits) = watch::channel(0);
        let (record_health, recording) = watch::channel(StageHealth::Starting);
        // Without a relay nobody would take what is in memory: then the line waits.
        let memory = settings.kafka.enabled.then(|| Arc::new(Memory::new(record::MEMORY)));
        let relay = if settings.kafka.enabled {
            let (health, relaying) = watch::channel(StageHealth::Starting);
            let (shown, now) = (Arc::clone(&board), Arc::clone(&clock));
            tokio::spawn(serving::watch_kafka(relaying, shown, now, StatusBoard::set_kafka));
            let stage = RelayStage {
                outbox: store.outbox()?,
                publisher: KafkaPublisher::new(kafka_settings(&settings.kafka)),
                clock: Arc::clone(&clock),
                metrics: Arc::clone(&metrics.relay),
                health,
                flush_for: settings.service.shutdown_deadline / 2,
                states: lifecycle.door.states.subscribe(),
                memory: memory.clone(),
                dead_letters,
            };
            Some(tokio::spawn(stage.run(commits)))
        } else {
            tracing::warn!("kafka is turned off: alerts are kept in the outbox and sent when it is turned on");
            None
        };
        let record = RecordStage {
            store: writer,
            clock: Arc::clone(&clock),
            metrics: Arc::clone(&metrics.record),
            feed,
            committed,
            health: record_health,
            slow_after: settings.store.slow_commit,
            memory,
            memory_after: record::MEMORY_AFTER,
            later: Vec::new(),
            evidence: wishes,
        };
        let record = tokio::spawn(record.run(to_record));
        tokio::spawn(serving::watch_latch("outbox_writable", recording, Arc::clone(&board)));
        let (room, has_room) = watch::channel(StageHealth::Starting);
        let copying = settings.store.backup_every.map(|every| {
            let said = (Arc::clone(&clock), Arc::clone(&metrics.store));
            tokio::spawn(run_backups(store.backups(settings.store.backup_keep as usize), every, said, has_room.clone()))
        });
        tokio::spawn(serving::watch_latch("store_room", has_room, Arc::clone(&board)));
        let upkeep = UpkeepStage {
            store: store.upkeep()?,
            clock: Arc::clone(&clock),
            metrics: Arc::clone(&metrics.store),
            facts: facts.clone(),
            health: room,
            node: settings.service.node.clone(),
        };
        let upkeep = tokio::spawn(upkeep.run());
        let looking = tokio::spawn(serving::watch_outbox(store.outbox()?, Arc::clone(&board)));
        let baselines: SharedBaselines = Arc::new(Mutex::new(store.baselines()?));
        let reload = Reload::begin(source, settings.clone(), Arc::clone(&lifecycle.door.tokens));
        Ok(Self {
            settings,
            metrics,
            clock,
            board,
            desk,
            detect: Arc::new(detect),
            facts,
            upkeep,
            copying,
            record,
            relay,
            serving,
            lifecycle,
            evidence,
            looking,
            reload,
            baselines,
        })
    }

    /// Where the page is.
    pub fn address(&self) -> std::net::SocketAddr {
        self.serving.address()
    }

    /// What the service knows of itself, for a caller in the same process.
    pub fn board(&self) -> Arc<StatusBoard> {
        Arc::clone(&self.board)
    }

    /// The line's end where facts go in, for a source in the same process that is no camera. The record stage ends only when it
    /// is dropped.
    pub(crate) fn facts(&self) -> mpsc::Sender<crate::pipeline::ports::Fact> {
        self.facts.clone()
    }

    /// The service's metrics, for a caller in the same process.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Watches the cameras until told to stop; then drains from left to right.
    pub async fn run(mut self, mut signals: mpsc::Receiver<Signal>) -> anyhow::Result<()> {
        let surroundings = Surroundings {
            facts: self.facts.clone(),
            clock: Arc::clone(&self.clock),
            metrics: Arc::clone(&self.metrics.analyze),
            board: Arc::clone(&self.board),
            desk: self.desk.clone(),
        };
        let shared = Shared {
            detect: Arc::clone(&self.detect),
            surroundings,
            metrics: self.metrics.clone(),
            baselines: Arc::clone(&self.baselines),
            rings: self.evidence.rings.clone(),
        };
        let mut cameras = Cameras::new(shared);
        cameras.start_all(&self.settings.cameras).await?;
        self.board.release("cameras_started");
        tracing::info!(cameras = self.settings.cameras.len(), page = %format!("http://{}/", self.address()), "watching");
        let failed = loop {
            tokio::select! {
                signal = signals.recv() => match signal {
                    Some(Signal::Reload) => self.reload.again(&mut cameras).await?,
                    Some(Signal::Stop) | None => break None,
                },
                ended = &mut self.record => break Some(ended),
            }
        };
        if let Some(ended) = failed {
            self.reload.end();
            ended
                .context("the record stage panicked")?
                .context("the store cannot go on; the service stops so that nothing is decided in vain")?;
            anyhow::bail!("the record stage ended by itself");
        }
        let deadline = self.settings.service.shutdown_deadline;
        let stage = std::sync::Mutex::new("capture");
        tokio::select! {
            drained = self.drain(cameras, &stage, deadline) => drained,
            () = tokio::time::sleep(deadline) => {
                let laggard = *stage.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                anyhow::bail!("the {laggard} stage did not stop within {} s; what was committed is safe and is sent at the next start", deadline.as_secs())
            }
            Some(Signal::Stop) = signals.recv() => anyhow::bail!("stopped at once by a second signal; what was committed is safe"),
        }
    }

    /// Only the source hears the stop; each stage ends when the one before it has.
    async fn drain(
        self,
        mut cameras: Cameras,
        stage: &std::sync::Mutex<&'static str>,
        deadline: Duration,
    ) -> anyhow::Result<()> {
        let now_at = |name| *stage.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = name;
        tracing::info!("stopping: no new packets, the line drains");
        cameras.stop_all().await?;
        drop(cameras);
        now_at("detect");
        let detect = Arc::into_inner(self.detect).context("a camera still holds the detect stage")?;
        tokio::task::spawn_blocking(move || detect.stop(deadline)).await.context("the detect stage panicked")??;
        now_at("evidence");
        // What it has made is told before the record stage ends.
        self.evidence.stop().await?;
        now_at("record");
        self.copying.iter().for_each(JoinHandle::abort);
        self.upkeep.abort();
        // It hands on facts as well; the record stage ends when nobody does.
        drop(self.upkeep.await);
        drop(self.facts);
        self.record.await.context("the record stage panicked")??;
        now_at("relay");
        if let Some(relay) = self.relay {
            // It gives up after half of the deadline: an unreachable broker does not make an orderly stop a failed one.
            let left = relay.await.context("the relay stage panicked")??.left;
            tracing::info!(left, "relayed; what is left is sent at the next start");
        }
        now_at("lifecycle");
        self.lifecycle.stop().await?;
        now_at("web");
        self.looking.abort();
        self.serving.stop().await?;
        self.reload.end();
        tracing::info!("stopped");
        Ok(())
    }
}

/// Detectors of one model, one for each worker; without a model they see nothing, and there is no card.
pub(crate) struct Detectors {
    all: Vec<Box<dyn Detector>>,
    card: Option<Arc<ModelCard>>,
}

fn detectors(settings: &InferenceSettings, workers: u32) -> anyhow::Result<Detectors> {
    let Some(path) = &settings.model else {
        let all = (0..workers.max(1)).map(|_| Box::new(NoDetector::default()) as Box<dyn Detector>).collect();
        return Ok(Detectors { all, card: None });
    };
    let named = |provider: &crate::config::Provider| provider.as_str().parse::<Provider>().map_err(anyhow::Error::msg);
    let providers = settings.providers.iter().map(named).collect::<Result<_, _>>()?;
    let options = ModelOptions {
        providers,
        threads: settings.threads as usize,
        library: settings.library.clone(),
        ..ModelOptions::default()
    };
    let model = Model::load(path, &options)?;
    let card = Arc::clone(model.card());
    let all = (0..workers.max(1))
        .map(|_| Ok(Box::new(model.detector()?) as Box<dyn Detector>))
        .collect::<anyhow::Result<_>>()?;
    Ok(Detectors { all, card: Some(card) })
}

fn detect_stage(
    detectors: Vec<Box<dyn Detector>>,
    metrics: &Metrics,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<DetectStage> {
    DetectStage::start(detectors, Arc::clone(&metrics.detect), Arc::clone(clock))
        .context("cannot start the detect workers")
}

pub(crate) fn site(settings: &Settings) -> Site {
    let mut site = Site::new(&settings.service.site, settings.service.node.clone());
    site.topic_prefix.clone_from(&settings.kafka.topic_prefix);
    site.type_prefix.clone_from(&settings.kafka.type_prefix);
    site.publishes_records = settings.kafka.records;
    site
}

fn store_options(settings: &StoreSettings) -> store::Options {
    store::Options {
        quota_bytes: Some(settings.quota_bytes),
        reserve_bytes: settings.reserve_bytes,
        keep_sent: settings.keep_sent,
        retention: settings.retention,
    }
}

pub(crate) fn kafka_settings(settings: &KafkaSettings) -> kafka::KafkaSettings {
    let mut client = kafka::KafkaSettings::plain(settings.brokers.join(","));
    client.ack_timeout = settings.ack_timeout;
    client.tls = settings.tls.as_ref().map(|tls| {
        let (certificate, key) = tls.client.clone().unzip();
        kafka::Tls { ca: tls.ca_file.clone(), certificate, key }
    });
    client.sasl = settings.sasl.as_ref().map(|sasl| kafka::Sasl {
        mechanism: match sasl.mechanism {
            SaslMechanism::Plain => kafka::Mechanism::Plain,
            SaslMechanism::ScramSha256 => kafka::Mechanism::ScramSha256,
            SaslMechanism::ScramSha512 => kafka::Mechanism::ScramSha512,
        },
        username: sasl.username.clone(),
        password: kafka::Secret::new(sasl.password.expose()),
        password_file: sasl.password_file.clone(),
    });
    client
}
