//! From an alert to a patrol and back, with the real service and a real Kafka: answers repeated, reordered and garbled, and a service
//! that is killed in the middle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lightbar::clock::SystemClock;
use lightbar::demo::dispatch::play;
use lightbar::demo::patrol::{Manners, Patrol};
use lightbar::kafka::consumer::{Received, TopicReader};
use serde_json::{Value, json};

use crate::support::broker::Broker;
use crate::support::facts::site;
use crate::support::schemas::{complaints, validator};
use crate::support::service::{Head, Service};

const CAMERA: &str = "[[dispatch]]\nid = \"simulated\"\nroles = [\"patrol\"]\n\
    [[camera]]\nid = \"gate\"\naddress = \"1 Street\"\nurl = \"rtsp://127.0.0.1:9/none\"\n";
const ALERTS: usize = 6;

fn post(service: &Service, path: &str, body: &Value) -> Value {
    let mut answer = ureq::Agent::from(ureq::Agent::config_builder().http_status_as_error(false).build())
        .post(service.url(path))
        .header("content-type", "application/json")
        .send(body.to_string())
        .unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    assert!(answer.status().is_success(), "{path} {body}: {text}");
    serde_json::from_str(&text).unwrap()
}

fn dispatched(service: &Service) -> String {
    let raised = post(service, "/api/v1/alerts", &json!({ "camera": "gate", "by": "anna", "severity": "Severe" }));
    let alert = raised["alert"]["alert_id"].as_str().unwrap().to_owned();
    for action in ["acknowledge", "verify", "dispatch"] {
        post(service, &format!("/api/v1/alerts/{alert}/transitions"), &json!({ "action": action, "by": "anna" }));
    }
    alert
}

fn history(service: &Service, alert: &str) -> Option<Value> {
    service.json(&format!("/api/v1/alerts/{alert}/history"))
}

fn everything(broker: &Broker, topic: &str) -> Vec<Received> {
    TopicReader::open(&broker.settings(), topic).unwrap().read_to_end().unwrap()
}

#[test]
fn a_dispatched_alert_is_resolved_by_a_patrol_whoever_dies_meanwhile() {
    let Some(broker) = Broker::start(false) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(broker.create_topics(&site()));
    let address = broker.address();
    let mut service = Service::new(&Head { model: Path::new("none"), kafka: Some(&address) });
    service.configure(CAMERA);
    service.start();
    let alerts: Vec<String> = (0..ALERTS).map(|_| dispatched(&service)).collect();

    let (over, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let garbled = Arc::new(Mutex::new(BTreeMap::<Vec<u8>, usize>::new()));
    let patrol = {
        let (over, sent, garbled, settings) =
            (Arc::clone(&over), Arc::clone(&sent), Arc::clone(&garbled), broker.settings());
        let manners = Manners {
            pace: Duration::from_millis(400),
            repeat: 0.5,
            reorder: 0.4,
            garble: 0.3,
            seed: 11,
            ..Manners::default()
        };
        std::thread::spawn(move || {
            let told = |saying: &lightbar::demo::patrol::Saying| {
                sent.fetch_add(1, Ordering::SeqCst);
                if saying.status.is_none() {
                    *garbled.lock().unwrap().entry(saying.value.clone()).or_default() += 1;
                }
            };
            play(&settings, &site(), Patrol::new(manners), &SystemClock, |_| over.load(Ordering::SeqCst), told).unwrap()
        })
    };
    // Killed while answers come in, twice.
    for after in [4, 20] {
        service.until("the patrol has answered some", Duration::from_mins(1), |_| sent.load(Ordering::SeqCst) >= after);
        service.kill();
        service.start();
    }
    service.until("every alert is resolved", Duration::from_mins(2), |service| {
        alerts.iter().all(|alert| history(service, alert).is_some_and(|h| h["alert"]["state"] == "resolved"))
    });
    over.store(true, Ordering::SeqCst);
    let played = patrol.join().unwrap();
    let broken: usize = garbled.lock().unwrap().values().sum();
    println!("{played:?}, of these {broken} garbled");
    assert!(broken > 0, "nothing was garbled, so this test shows less than it says");
    let dead = |service: &Service| service.json("/api/v1/status").is_some_and(|s| s["outbox"]["depth"] == 0);
    // Garbled ones may lie behind the last answer that mattered.
    service.until("all dead letters have been sent", Duration::from_mins(1), |service| {
        dead(service) && distinct(&everything(&broker, &site().dead_letters_topic())).len() == broken
    });

    for alert in &alerts {
        let told = history(&service, alert).unwrap();
        let entries = told["entries"].as_array().unwrap();
        let answers: Vec<&str> = entries
            .iter()
            .filter(|entry| entry["role"] == "patrol")
            .map(|entry| entry["action"].as_str().unwrap())
            .collect();
        let once: BTreeSet<&str> = answers.iter().copied().collect();
        assert_eq!((answers.len(), once.len()), (4, 4), "each answer once: {entries:?}");
        assert_eq!(told["alert"]["disposition"], "handled");
    }
    for letter in everything(&broker, &site().dead_letters_topic()) {
        assert!(garbled.lock().unwrap().contains_key(&letter.value), "byte for byte");
        assert_eq!(letter.header("dead_reason"), Some("malformed"));
        assert_eq!(letter.header("dead_topic"), Some("lightbar.dispatch-status.v1"));
    }
    assert_states(&everything(&broker, &site().alert_state_topic()), &alerts);
    assert_ended(&everything(&broker, &site().alerts_topic()), &alerts);
    let shown = service.json("/api/v1/alerts").unwrap();
    assert!(shown["alerts"].as_array().unwrap().iter().all(|alert| alert["alert"]["phase"] == "ended"), "{shown}");
    assert!(service.stop().success());
}

/// Nobody reads what patrols answer: the service goes on, says so, and needs no restart when it can read again.
#[test]
fn answers_that_cannot_be_read_are_named_and_the_service_stays_ready() {
    let Some(broker) = Broker::start(false) else { return };
    let address = broker.address();
    let mut service = Service::new(&Head { model: Path::new("none"), kafka: Some(&address) });
    service.configure(CAMERA);
    service.start();
    let named = |service: &Service, name: &str| {
        let readiness = service.json("/readyz").expect("ready");
        let degraded = readiness["degraded"].as_array().unwrap().clone();
        degraded.into_iter().find(|what| what["name"] == name)
    };
    service.until("it is said that answers cannot be read", Duration::from_mins(1), |service| {
        named(service, "dispatch_answers").is_some_and(|what| {
            what["reason"] == "topic_missing" && what["message"].as_str().unwrap().contains("dispatch-status")
        })
    });
    assert!(service.get("/metrics").unwrap().contains("\nlightbar_lifecycle_answers_ready 0\n"));
    tokio::runtime::Runtime::new().unwrap().block_on(broker.create_topics(&site()));
    service.until("answers are read", Duration::from_mins(1), |service| named(service, "dispatch_answers").is_none());
    assert_eq!(service.json("/api/v1/status").unwrap()["answers"]["state"], "connected");
    assert!(service.stop().success());
}

/// Dead letters without repetitions: by where they lay.
fn distinct(letters: &[Received]) -> BTreeSet<(String, String)> {
    let header = |letter: &Received, name| letter.header(name).unwrap().to_owned();
    letters.iter().map(|letter| (header(letter, "dead_partition"), header(letter, "dead_offset"))).collect()
}

/// What a person raised is opened, and ended when the patrol is done with it: each once.
fn assert_ended(records: &[Received], alerts: &[String]) {
    let schema = validator("alert");
    let mut by_alert: BTreeMap<String, BTreeMap<u64, Value>> = BTreeMap::new();
    for record in records {
        let alert: Value = serde_json::from_slice(&record.value).unwrap();
        assert_eq!(complaints(&schema, &alert), [""; 0]);
        let id = alert["alert_id"].as_str().unwrap().to_owned();
        by_alert.entry(id).or_default().insert(alert["revision"].as_u64().unwrap(), alert);
    }
    for alert in alerts {
        let said = &by_alert[alert];
        let phases: Vec<&str> = said.values().map(|alert| alert["phase"].as_str().unwrap()).collect();
        assert_eq!((phases.as_slice(), &said[&2]["end_reason"]), (&["opened", "ended"][..], &json!("closed")));
    }
}

/// Each alert's states count up from 1 without a gap, end with `resolved`, and are as the schema says.
fn assert_states(records: &[Received], alerts: &[String]) {
    let schema = validator("alert-state");
    let mut by_alert: BTreeMap<&str, BTreeMap<u64, Value>> = BTreeMap::new();
    for record in records {
        let state: Value = serde_json::from_slice(&record.value).unwrap();
        assert_eq!(complaints(&schema, &state), [""; 0]);
        let revision = state["state_revision"].as_u64().unwrap();
        assert_eq!(record.header("ce_id").unwrap(), format!("{}.state.{revision}", record.key));
        let before = by_alert.entry(&record.key).or_default().insert(revision, state.clone());
        assert!(before.is_none_or(|before| before == state), "the same ce_id, the same bytes");
    }
    for alert in alerts {
        let states = &by_alert[alert.as_str()];
        let wanted: Vec<u64> = (1..=states.len() as u64).collect();
        assert_eq!(states.keys().copied().collect::<Vec<_>>(), wanted, "no gap");
        assert_eq!(states.last_key_value().unwrap().1["state"], "resolved");
    }
}
