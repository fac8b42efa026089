//! The real web room on a real socket, with recorded changes in memory.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lightbar::clock::SystemClock;
use lightbar::domain::ids::{AlertId, CameraId};
use lightbar::domain::lifecycle::{Adjacency, Neighbours, Place, Role};
use lightbar::domain::scene::BlindCause;
use lightbar::domain::time::Timestamp;
use lightbar::metrics::Metrics;
use lightbar::pipeline::desk::Desk;
use lightbar::pipeline::lifecycle::{DispatchSystem, Policy};
use lightbar::pipeline::ports::{Channel, Clock, Fact, FactStore as _, Recorded};
use lightbar::pipeline::status::StatusBoard;
use lightbar::store::{Options, Store, Writer};
use lightbar::web::memory::MemoryFeed;
use lightbar::web::{self, DeskDoor, LifecycleDoor, Tokens, WebState};
use serde_json::{Value, json};
use tokio::sync::{broadcast, oneshot, watch};

use super::facts::{card, site};

/// Nothing here takes this long unless it is broken.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct WebServer {
    pub(crate) address: SocketAddr,
    pub(crate) feed: Arc<MemoryFeed>,
    pub(crate) board: Arc<StatusBoard>,
    /// What the cameras are told that people ordered.
    pub(crate) desk: watch::Sender<Arc<Desk>>,
    writer: Mutex<Writer>,
    _folder: tempfile::TempDir,
    live: broadcast::Sender<Recorded>,
    order: Mutex<()>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl WebServer {
    pub(crate) fn start() -> Self {
        Self::start_with(256, 64)
    }

    /// With a backlog of so many changes per feed client, and so many feed clients.
    pub(crate) fn start_with(backlog: usize, clients: usize) -> Self {
        let feed = Arc::new(MemoryFeed::default());
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0)), feed, backlog, clients)
    }

    pub(crate) fn start_on(address: SocketAddr, feed: Arc<MemoryFeed>, backlog: usize, clients: usize) -> Self {
        let board = Arc::new(StatusBoard::new(SystemClock.now(), &["store_open", "model_loaded"]));
        let live = broadcast::channel(backlog).0;
        let metrics = Metrics::new().unwrap();
        let reader: Arc<dyn lightbar::pipeline::ports::FeedReader> = Arc::<MemoryFeed>::clone(&feed);
        let state = WebState::new(reader, live.clone(), Arc::clone(&board), Arc::new(SystemClock), metrics)
            .with_feed_clients_max(clients);
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Options::default()).unwrap();
        let (orders, policy) = (store.desk().unwrap(), Arc::new(policy()));
        let writer = Mutex::new(store.writer(site()).unwrap().with_policy(Arc::clone(&policy)));
        let lives = store.lifecycles(site(), Arc::clone(&policy)).unwrap();
        let tokens = Arc::new(Tokens::default());
        tokens.replace([("city", CITY_TOKEN)]);
        let door = LifecycleDoor { store: Arc::new(lives), states: watch::Sender::new(0), policy, tokens };
        let state = state.with_lifecycle(door);
        let desk = watch::Sender::new(Arc::default());
        let state = state.with_desk(DeskDoor { store: Arc::new(orders), tell: desk.clone() });
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = web::bind(address).await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                web::serve(listener, state, async { stopped.await.unwrap_or(()) }).await.unwrap();
            });
        });
        let address = told.recv_timeout(DEADLINE).unwrap();
        Self {
            address,
            feed,
            board,
            desk,
            writer,
            _folder: folder,
            live,
            order: Mutex::new(()),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Records a change and says it to the feed, as the record stage does.
    pub(crate) fn record(&self, alert: &Value) -> Recorded {
        let _in_order = self.order.lock().unwrap();
        let id = alert["alert_id"].as_str().unwrap().replace('-', "");
        let id = AlertId::from_u128(u128::from_str_radix(&id, 16).unwrap());
        let recorded = self.feed.push(id, &alert.to_string(), SystemClock.now());
        // An Err says that nobody listens, which is no failure.
        self.live.send(recorded.clone()).ok();
        recorded
    }

    /// As [`WebServer::record`], on another channel than that of people.
    pub(crate) fn record_on(&self, channel: Channel, alert: &Value) -> Recorded {
        let _in_order = self.order.lock().unwrap();
        let id = alert["alert_id"].as_str().unwrap().replace('-', "");
        let id = AlertId::from_u128(u128::from_str_radix(&id, 16).unwrap());
        let recorded = self.feed.push_on(channel, id, &alert.to_string(), SystemClock.now());
        // An Err says that nobody listens, which is no failure.
        self.live.send(recorded.clone()).ok();
        recorded
    }

    /// Decides a fact as the line does: into the store, where it has a state, and to the feed.
    pub(crate) fn decide(&self, fact: &Fact) {
        let _in_order = self.order.lock().unwrap();
        for recorded in self.writer.lock().unwrap().record(std::slice::from_ref(fact), SystemClock.now()).unwrap() {
            let pushed = self.feed.push_on(recorded.channel, recorded.alert, &recorded.json, SystemClock.now());
            // An Err says that nobody listens, which is no failure.
            self.live.send(pushed).ok();
        }
    }

    /// A camera that people may raise alerts of.
    pub(crate) fn card(&self, id: &str) {
        self.board.set_card(&Arc::new(card(id)));
    }

    /// A GET with headers.
    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request =
            headers.iter().fold(agent().get(self.url(path)), |request, (name, value)| request.header(*name, *value));
        Answer::of(request.call().unwrap())
    }

    /// Sends JSON with a method, and gives the answer.
    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send_with(method, path, body, &[])
    }

    /// The same with more headers.
    pub(crate) fn send_with(&self, method: &str, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let url = self.url(path);
        let request = ureq::http::Request::builder().method(method).uri(url).header("content-type", "application/json");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Answer::of(agent().run(request.body(body.to_string()).unwrap()).unwrap())
    }

    pub(crate) fn watching(&self, id: &str, name: &str) {
        let camera = CameraId::parse(id).unwrap();
        self.board.add_camera(&camera, Some(name.to_owned()), SystemClock.now());
        self.board.frame(&camera, SystemClock.now());
    }

    pub(crate) fn blind(&self, id: &str, name: &str, cause: BlindCause) {
        let camera = CameraId::parse(id).unwrap();
        self.board.add_camera(&camera, Some(name.to_owned()), SystemClock.now());
        self.board.blind(&camera, SystemClock.now(), cause, None);
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        Answer::of(agent().get(self.url(path)).call().unwrap())
    }

    pub(crate) fn events(&self, path: &str, last_event_id: Option<i64>) -> Events {
        let mut request = agent().get(self.url(path));
        if let Some(row) = last_event_id {
            request = request.header("Last-Event-ID", row.to_string());
        }
        let response = request.call().unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events { lines: BufReader::new(Box::new(response.into_body().into_reader())) }
    }

    /// Waits until a gauge or counter of `/metrics` has reached a value.
    pub(crate) fn wait_for_metric(&self, name: &str, reached: impl Fn(f64) -> bool) {
        wait_until(name, || {
            let text = self.get("/metrics").body;
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
            line.rsplit(' ').next().and_then(|value| value.parse().ok()).is_some_and(&reached)
        });
    }

    pub(crate) fn stop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.stop.take();
    }
}

pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not within {DEADLINE:?}: {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).timeout_per_read(Some(DEADLINE)).build().into()
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    fn of(mut response: ureq::http::Response<ureq::Body>) -> Self {
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        Self { status: response.status().as_u16(), headers, body: response.body_mut().read_to_string().unwrap() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// One event of a feed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) id: Option<i64>,
    pub(crate) event: String,
    pub(crate) data: String,
}

/// A feed, event by event.
pub(crate) struct Events {
    lines: BufReader<Box<dyn Read + Send>>,
}

impl Events {
    /// The next event that is not just a sign of life; `None` where the feed has ended.
    pub(crate) fn next(&mut self) -> Option<Heard> {
        let mut heard = Heard { id: None, event: String::new(), data: String::new() };
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            let line = line.trim_end();
            if let Some(id) = line.strip_prefix("id: ") {
                heard.id = id.parse().ok();
            } else if let Some(event) = line.strip_prefix("event: ") {
                event.clone_into(&mut heard.event);
            } else if let Some(data) = line.strip_prefix("data: ") {
                heard.data.push_str(data);
            } else if line.is_empty() && !heard.event.is_empty() {
                if heard.event != "alive" {
                    return Some(heard);
                }
                heard = Heard { id: None, event: String::new(), data: String::new() };
            }
        }
    }

    /// Waits for the first sign of life: from then on the client is served.
    pub(crate) fn alive(&mut self) -> i64 {
        let mut line = String::new();
        while !line.starts_with("data: ") {
            line.clear();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "the feed ended");
        }
        serde_json::from_str::<Value>(line.trim_start_matches("data: ")).unwrap()["last"].as_i64().unwrap()
    }

    /// The ids of the next `count` alerts; `reload` notices between them are passed over.
    pub(crate) fn rows(&mut self, count: usize) -> Vec<i64> {
        let mut rows = Vec::new();
        while rows.len() < count {
            let heard = self.next().expect("the feed goes on");
            if heard.event == "alert" {
                rows.push(heard.id.unwrap());
            }
        }
        rows
    }
}

/// An alert as the contract has it, as far as the page cares.
pub(crate) fn alert(number: u64, revision: u32, phase: &str, seconds_ago: u64) -> Value {
    let now = SystemClock.now();
    let began = now.minus(Duration::from_secs(seconds_ago));
    let text = |at: Timestamp| format!("{:.3}", jiff::Timestamp::from_millisecond(at.as_millis()).unwrap());
    let mut alert = json!({
        "schema_version": "1.0",
        "alert_id": AlertId::new(began, u128::from(number)).to_string(),
        "revision": revision, "phase": phase, "status": "Actual", "kind": "object_removed", "cues": ["detector"],
        "camera": { "id": "corridor-3", "name": "Corridor 3" },
        "rule": { "id": "bicycles", "rev": 1 }, "zone": { "id": "stand", "rev": 1, "name": "bicycle stand" },
        "timing": { "captured_at": text(now), "detected_at": text(now), "recorded_at": text(now), "started_at": text(began) },
        "severity": "Moderate", "urgency": "Immediate", "certainty": "Likely", "priority": 3, "confidence": 0.9, "count": 1,
        "objects": [{ "track_id": format!("t{number}"), "class": "bicycle", "confidence": 0.9,
            "bbox": { "x": 0.6, "y": 0.55, "w": 0.16, "h": 0.22 }, "dwell_s": 5400.0 }],
        "text": {
            "zh-CN": { "headline": format!("3号楼走廊：{number}号自行车被移走") },
            "en": { "headline": format!("Corridor 3: bicycle {number} gone from the stand") },
        },
    });
    if phase == "ended" {
        alert["timing"]["ended_at"] = json!(text(now));
        alert["end_reason"] = json!("left");
    }
    alert
}

/// What the dispatch system `city` has to show.
pub(crate) const CITY_TOKEN: &str = "0123456789-city-token";

/// Two dispatch systems, the second with a token, and two cameras side by side.
fn policy() -> Policy {
    let place = |camera: &str| Place { camera: CameraId::parse(camera).unwrap(), zone: None };
    let neighbours = Neighbours { places: vec![place("gate"), place("lane")], within: Duration::from_secs(30) };
    Policy {
        systems: ["county", "city"].map(|id| DispatchSystem { id: id.to_owned(), roles: vec![Role::Patrol] }).to_vec(),
        adjacency: Adjacency(vec![neighbours]),
        ..Policy::default()
    }
}
