//! The demo: a street of known truth in a process of its own, a broker, the whole service, and a judge who reads Kafka.
//!
//! The judge is a consumer like any other: it sees only what was really published, and compares it with what the street knows.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::broker::Broker;
use super::{App, Signal};
use crate::clock::SystemClock;
use crate::config;
use crate::contract::Site;
use crate::demo::child::{self, Ready};
use crate::demo::judge::{Told, Verdict, judge};
use crate::demo::server::{PASSWORD_ENV, ServeOptions};
use crate::demo::settings;
use crate::domain::ids::NodeId;
use crate::domain::time::Timestamp;
use crate::kafka::KafkaSettings;
use crate::kafka::consumer::TopicReader;
use crate::metrics::Metrics;
use crate::pipeline::ports::Clock;
use crate::pipeline::status::{SightState, StatusBoard};
use crate::street::expected;

/// The judge's patience with a record that was published just before the stop.
const LAST_RECORDS: Duration = Duration::from_secs(2);
/// Every camera of the street is seen within this time, or something is wrong.
const ALL_SEEN: Duration = Duration::from_mins(1);
/// A camera's capture times begin with its first arrival, which is late where all start at once; so long until they have caught up.
const SETTLED: Duration = Duration::from_secs(5);

/// What the demo is to do.
#[derive(Clone, Debug)]
pub struct Demo {
    /// This program, which serves the street in a process of its own.
    pub program: PathBuf,
    /// Where streams, configuration and store are kept between runs.
    pub cache: PathBuf,
    /// The street's model.
    pub model: PathBuf,
    /// `embedded`, `real`, or the address of a broker.
    pub kafka: String,
    /// The page's port.
    pub port: u16,
    /// How long to watch, once every camera is seen; none: until told to stop.
    pub watch_for: Option<Duration>,
}

/// Hears how the demo goes.
pub trait Audience: Send + Sync {
    /// A stream is being made; the share is 0..1.
    fn making(&self, stream: &str, share: f64);
    /// All runs; these are the places to look at.
    fn running(&self, places: &Places);
    /// An alert change came out of Kafka.
    fn alert(&self, json: &str);
    /// Every camera is seen; the judged time begins.
    fn watching(&self);
}

/// Where the demo can be looked at.
#[derive(Clone, Debug)]
pub struct Places {
    /// The page.
    pub page: String,
    /// The brokers.
    pub brokers: String,
    /// The topic of the alerts.
    pub topic: String,
    /// The cameras.
    pub street: Ready,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Truth and alerts compared.
    pub verdict: Verdict,
    /// How long was watched.
    pub watched: Duration,
    /// Seconds from a frame's capture to its alert's arrival at the judge, sorted.
    pub latencies: Vec<f64>,
    /// CPU seconds of this process per second and camera, the embedded broker and the judge included.
    pub cpu_per_camera: f64,
    /// How many cameras were watched.
    pub cameras: usize,
}

impl Outcome {
    /// The share `q` of latencies is not above this; none where there was no alert.
    pub fn latency(&self, q: f64) -> Option<f64> {
        let last = self.latencies.len().checked_sub(1)?;
        self.latencies.get((last as f64 * q).round() as usize).copied()
    }
}

/// An alert change as the judge received it.
struct Heard {
    json: String,
    at: Timestamp,
}

impl Demo {
    /// Runs it all until the time is over or `stop` says so.
    pub async fn run(self, audience: Arc<dyn Audience>, mut stop: mpsc::Receiver<Signal>) -> anyhow::Result<Outcome> {
        let site = Site::new("demo", NodeId::parse("demo-1")?);
        let password = password()?;
        let serving = ServeOptions { port: 0, cache: self.cache.join("street"), password: password.clone() };
        let (program, hears) = (self.program.clone(), Arc::clone(&audience));
        let street = tokio::task::spawn_blocking(move || {
            child::spawn(&program, &serving, |stream, share| hears.making(stream, share))
        })
        .await
        .context("starting the street panicked")??;
        let broker = Broker::start(&self.kafka, &self.cache, &site).await?;
        let settings = self.configure(&street.ready, broker.address(), &password)?;
        let cameras = settings.cameras.len();

        let app = App::build(settings, self.cache.join("lightbar.toml")).await?;
        let (board, metrics) = (app.board(), app.metrics().clone());
        let judge = Judge::start(broker.address(), &site, Arc::clone(&audience));
        audience.running(&Places {
            page: format!("http://{}/", app.address()),
            brokers: broker.address().to_owned(),
            topic: site.alerts_topic(),
            street: street.ready.clone(),
        });
        let (signals, told) = mpsc::channel(2);
        let service = tokio::spawn(app.run(told));
        let watched = watch(&self, &board, &metrics, &mut stop, &audience).await;
        if signals.send(Signal::Stop).await.is_err() {
            tracing::debug!("the service has stopped by itself");
        }
        service.await.context("the service panicked")??;
        let heard = judge.finish().await?;
        let watched = watched?;
        drop((street.ready.clone(), broker));
        Ok(outcome(&street.ready, &watched, &heard, cameras))
    }

    fn configure(&self, street: &Ready, brokers: &str, password: &str) -> anyhow::Result<config::Settings> {
        let data = self.cache.join("data");
        // Each demo tells its own story; the last one's alerts would only confuse.
        if data.exists() {
            fs::remove_dir_all(&data).with_context(|| format!("cannot clear {}", data.display()))?;
        }
        let path = self.cache.join("lightbar.toml");
        let model =
            fs::canonicalize(&self.model).with_context(|| format!("there is no model {}", self.model.display()))?;
        let text = format!(
            "# Written by `lightbar demo`: a whole configuration, to read and to play with.\n[service]\nsite = \"demo\"\nnode = \"demo-1\"\n\
             data_dir = \"data\"\n\n[evidence]\nenabled = true\npre_roll_s = 3\npost_roll_s = 2\nlongest_s = 20\nquota_mb = 2048\nmin_free_mb = 256\n\n[http]\nlisten = \"127.0.0.1:{}\"\n\n[log]\nlevel = \"warn\"\n\n[kafka]\nbrokers = [{brokers:?}]\n\
             single_broker = true\n\n[inference]\nmodel = \"{}\"\n\n[defaults]\nvideo_loss_after_s = 3\n\n{}",
            self.port,
            model.display(),
            settings::config_toml(street),
        );
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        let environment =
            |name: &str| if name == PASSWORD_ENV { Some(password.to_owned()) } else { std::env::var(name).ok() };
        Ok(config::load_with(&path, &environment)?)
    }
}

/// The judged time, and what the process spent in it.
struct Watched {
    from: Timestamp,
    until: Timestamp,
    cpu_seconds: f64,
}

async fn watch(
    demo: &Demo,
    board: &StatusBoard,
    metrics: &Metrics,
    stop: &mut mpsc::Receiver<Signal>,
    audience: &Arc<dyn Audience>,
) -> anyhow::Result<Watched> {
    tokio::select! {
        seen = tokio::time::timeout(ALL_SEEN, all_settled(board)) => {
            if seen.is_err() {
                bail!("not every camera of the street was seen within {} s; the log above says why", ALL_SEEN.as_secs());
            }
        }
        _ = stop.recv() => {}
    }
    audience.watching();
    let (from, cpu) = (SystemClock.now(), metrics.process.cpu_seconds());
    let over = async {
        match demo.watch_for {
            Some(time) => tokio::time::sleep(time).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = over => {}
        _ = stop.recv() => {}
    }
    Ok(Watched { from, until: SystemClock.now(), cpu_seconds: metrics.process.cpu_seconds() - cpu })
}

async fn all_settled(board: &StatusBoard) {
    all_seen(board).await;
    tokio::time::sleep(SETTLED).await;
}

async fn all_seen(board: &StatusBoard) {
    let mut look = tokio::time::interval(Duration::from_millis(100));
    loop {
        look.tick().await;
        let cameras = board.cameras(SystemClock.now());
        if !cameras.is_empty() && cameras.iter().all(|camera| matches!(camera.sight, SightState::Watching { .. })) {
            return;
        }
    }
}

fn outcome(street: &Ready, watched: &Watched, heard: &[Heard], cameras: usize) -> Outcome {
    let round = Duration::from_secs_f64(street.period_s);
    let truth = expected::between(street.started_at(), watched.from.minus(round), watched.until.plus(round));
    let (mut told, mut latencies) = (Vec::new(), Vec::new());
    for one in heard {
        let Some(alert) = serde_json::from_str(&one.json).ok().as_ref().and_then(Told::from_json) else { continue };
        // The loss of a stream is noticed by waiting, not on a frame.
        if alert.kind != "video_loss" {
            latencies.push(one.at.seconds_from(alert.captured_at));
        }
        told.push(alert);
    }
    latencies.sort_by(f64::total_cmp);
    let time = watched.until.since(watched.from);
    Outcome {
        verdict: judge(&truth, &told, watched.from, watched.until),
        watched: time,
        latencies,
        cpu_per_camera: watched.cpu_seconds / time.as_secs_f64().max(1e-3) / cameras.max(1) as f64,
        cameras,
    }
}

/// A consumer on a thread of its own.
struct Judge {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Vec<Heard>>>,
}

impl Judge {
    fn start(brokers: &str, site: &Site, audience: Arc<dyn Audience>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (settings, topic, stopping) = (KafkaSettings::plain(brokers), site.alerts_topic(), Arc::clone(&stop));
        let thread = tokio::task::spawn_blocking(move || {
            let mut reader = TopicReader::open(&settings, &topic)?;
            let mut heard = Vec::new();
            loop {
                let last = stopping.load(Ordering::Acquire);
                let patience = if last { LAST_RECORDS } else { Duration::from_millis(200) };
                match reader.next(patience)? {
                    Some(record) => {
                        let json = String::from_utf8(record.value).context("a record is not UTF-8")?;
                        audience.alert(&json);
                        heard.push(Heard { json, at: SystemClock.now() });
                    }
                    None if last => return Ok(heard),
                    None => {}
                }
            }
        });
        Self { stop, thread }
    }

    async fn finish(self) -> anyhow::Result<Vec<Heard>> {
        self.stop.store(true, Ordering::Release);
        self.thread.await.context("the judge panicked")?
    }
}

/// A password for the guarded camera, new for each demo.
fn password() -> anyhow::Result<String> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("the machine gives no randomness for a password: {e}"))?;
    Ok(u128::from_le_bytes(bytes).to_string())
}

/// Where the demo keeps its things, below the current folder.
pub fn default_cache() -> PathBuf {
    Path::new(".cache").join("demo")
}
