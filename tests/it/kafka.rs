//! Delivery, with a real Apache Kafka that is stopped, killed and asked for passwords; and the embedded broker.

use super::support::skipped::skipped;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use lightbar::domain::alert::Status;
use lightbar::domain::rules::Deliver;
use lightbar::domain::time::Timestamp;
use lightbar::kafka::consumer::{Received, TopicReader};
use lightbar::kafka::embedded::EmbeddedBroker;
use lightbar::kafka::{KafkaPublisher, KafkaSettings, Secret};
use lightbar::pipeline::ports::{Fact, OutboxRecord, Publisher};
use serde_json::Value;

use crate::store::killed_after;
use crate::support::broker::{Broker, PASSWORD};
use crate::support::delivery::{Delivery, until};
use crate::support::facts::{camera, opened, site};
use crate::support::schemas::{complaints, validator};

const CAMERAS: [&str; 3] = ["gate-north", "gate-south", "gate-east"];

fn alert(n: u64) -> Fact {
    opened(CAMERAS[usize::try_from(n % 3).unwrap()], n)
}

/// Reads on a thread of its own, as any other program would.
async fn all(settings: KafkaSettings, topic: String) -> Vec<Received> {
    tokio::task::spawn_blocking(move || TopicReader::open(&settings, &topic).unwrap().read_to_end().unwrap())
        .await
        .unwrap()
}

/// `ce_id`s by key, first appearance only: what a consumer has after it has removed duplicates.
fn deduplicated(records: &[Received]) -> BTreeMap<String, Vec<String>> {
    let mut seen = HashSet::new();
    let mut by_key: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in records {
        let id = (record.header("ce_source").unwrap().to_owned(), record.header("ce_id").unwrap().to_owned());
        if seen.insert(id.clone()) {
            by_key.entry(record.key.clone()).or_default().push(id.1);
        }
    }
    by_key
}

/// Nothing lost, and in the order of recording: sequences per camera run from 1 without a gap.
fn assert_complete_and_in_order(records: &[Received], alerts: usize) {
    let by_key = deduplicated(records);
    assert_eq!(by_key.values().map(Vec::len).sum::<usize>(), alerts, "after removing duplicates");
    let sequence_of: HashMap<&str, u64> = records
        .iter()
        .map(|r| (r.header("ce_id").unwrap(), r.header("ce_sequence").unwrap().parse().unwrap()))
        .collect();
    for (camera, ids) in by_key {
        let sequences: Vec<u64> = ids.iter().map(|id| sequence_of[id.as_str()]).collect();
        let wanted: Vec<u64> = (1..=sequences.len() as u64).collect();
        assert_eq!(sequences, wanted, "order of {camera}");
    }
}

fn record(topic: &str, value: Vec<u8>) -> OutboxRecord {
    OutboxRecord {
        row: 1,
        topic: topic.to_owned(),
        key: "gate-north".to_owned(),
        headers: Vec::new(),
        value,
        captured_at: Timestamp::from_millis(1_772_352_000_000),
        recorded_at: Timestamp::from_millis(1_772_352_000_000),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_reach_a_real_kafka_and_others_can_read_them() {
    let Some(broker) = Broker::start(false) else { return };
    let (site, dir) = (site(), tempfile::tempdir().unwrap());
    let topic = site.alerts_topic();

    // The topic is missing: said, with the command that makes it, and not made by accident.
    let mut publisher = KafkaPublisher::new(broker.settings());
    for _ in 0..2 {
        let refused = publisher.publish(&[record(&topic, b"{}".to_vec())]).await.unwrap_err();
        assert_eq!(refused.reason, "topic_missing");
        assert!(refused.message.contains("kafka-topics.sh") && refused.message.contains(&topic), "{refused}");
    }
    broker.create_topics(&site).await;
    broker.create_topics(&site).await;

    let delivery = Delivery::start(dir.path(), broker.settings(), Duration::from_secs(30));
    for n in 0..60 {
        delivery.facts.send(alert(n)).await.unwrap();
    }
    let metrics = delivery.metrics.clone();
    assert_eq!(delivery.stop().await.left, 0, "an ordered stop drains");
    assert!(metrics.render().unwrap().contains("lightbar_relay_acknowledged_total 60"));

    let records = all(broker.settings(), topic.clone()).await;
    assert_eq!(records.len(), 60, "no duplicates where nothing failed");
    assert_complete_and_in_order(&records, 60);
    let strict = validator("alert");
    for record in &records {
        let value: Value = serde_json::from_slice(&record.value).unwrap();
        assert_eq!(complaints(&strict, &value), [""; 0]);
        assert_eq!(record.header("content-type"), Some("application/json"));
        assert_eq!(record.header("ce_specversion"), Some("1.0"));
        assert_eq!(record.header("ce_type"), Some("lightbar.alert.opened.v1"));
        assert_eq!(record.header("ce_partitionkey"), Some(record.key.as_str()));
        assert_eq!(
            record.header("ce_id").unwrap(),
            format!("{}.{}", value["alert_id"].as_str().unwrap(), value["revision"])
        );
        assert_eq!(record.header("ce_time"), value["timing"]["captured_at"].as_str());
    }
    assert_read_by_kcat(&broker.address(), &topic, &records);

    let mut publisher = KafkaPublisher::new(broker.settings());
    let refused = publisher.publish(&[record(&topic, vec![b' '; 3_000_000])]).await.unwrap_err();
    assert_eq!(refused.reason, "too_large", "{refused}");
    publisher.publish(&[record(&topic, b"{}".to_vec())]).await.expect("and goes on after it");
}

/// A client that shares no line with ours reads the same records.
fn assert_read_by_kcat(address: &str, topic: &str, records: &[Received]) {
    let read = match Command::new("kcat")
        .args(["-b", address, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-J"])
        .output()
    {
        Ok(read) => read,
        Err(error) => return skipped(&format!("kcat is not here ({error})")),
    };
    let lines: Vec<Value> =
        String::from_utf8(read.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), records.len(), "{}", String::from_utf8_lossy(&read.stderr));
    for line in lines {
        let ours = records
            .iter()
            .find(|r| line["partition"] == r.partition && line["offset"] == r.offset)
            .expect("kcat and our reader see the same offsets");
        assert_eq!(line["key"], ours.key);
        assert_eq!(line["payload"].as_str().unwrap().as_bytes(), ours.value);
        let headers: Vec<&str> = line["headers"].as_array().unwrap().iter().map(|h| h.as_str().unwrap()).collect();
        assert_eq!(headers.len(), 2 * ours.headers.len());
        assert!(headers.contains(&ours.header("ce_id").unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_dies_and_comes_back_loses_nothing() {
    let Some(mut broker) = Broker::start(false) else { return };
    let (site, dir) = (site(), tempfile::tempdir().unwrap());
    broker.create_topics(&site).await;
    let mut settings = broker.settings();
    settings.ack_timeout = Duration::from_secs(2);
    let mut delivery = Delivery::start(dir.path(), settings, Duration::from_mins(1));
    let mut sent = 0;
    for (round, outage) in [(0, false), (1, true), (2, false), (3, true)] {
        if outage {
            broker.kill();
        }
        for _ in 0..200 {
            delivery.facts.send(alert(sent)).await.unwrap();
            sent += 1;
        }
        let wanted = i64::try_from(sent).unwrap();
        until("the line goes on whatever Kafka does", || delivery.reader.last_row().unwrap() == wanted).await;
        if outage {
            let health = &mut delivery.relay_health;
            tokio::time::timeout(Duration::from_mins(1), health.wait_for(|h| format!("{h:?}").contains("unreachable")))
                .await
                .expect("the relay says that Kafka is away")
                .unwrap();
            broker.restart();
            let metrics = delivery.metrics.clone();
            until("the outbox is empty again", || metrics.render().unwrap().contains("\nlightbar_outbox_unsent 0\n"))
                .await;
        }
        println!("round {round}: {sent} alerts");
    }
    assert_eq!(delivery.stop().await.left, 0);
    assert_complete_and_in_order(&all(broker.settings(), site.alerts_topic()).await, usize::try_from(sent).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_service_loses_nothing_on_its_way_to_kafka() {
    if let Some(dir) = std::env::var_os("LIGHTBAR_TEST_KAFKA_STORE") {
        relay_and_record_for_ever(Path::new(&dir)).await;
    }
    let Some(broker) = Broker::start(false) else { return };
    let (site, dir) = (site(), tempfile::tempdir().unwrap());
    broker.create_topics(&site).await;
    let mut promised = HashSet::new();
    for _ in 0..2 {
        let (folder, address) = (dir.path().to_str().unwrap().to_owned(), broker.address());
        let said = tokio::task::spawn_blocking(move || {
            killed_after(
                "kafka::a_killed_service_loses_nothing_on_its_way_to_kafka",
                300,
                &[("LIGHTBAR_TEST_KAFKA_STORE", &folder), ("LIGHTBAR_TEST_KAFKA", &address)],
            )
        });
        promised.extend(said.await.unwrap());
    }
    let delivery = Delivery::start(dir.path(), broker.settings(), Duration::from_mins(1));
    assert_eq!(delivery.stop().await.left, 0, "the next start sends what was left");
    let records = all(broker.settings(), site.alerts_topic()).await;
    let there: HashSet<String> = records.iter().map(|r| r.header("ce_id").unwrap().to_owned()).collect();
    let lost: Vec<&String> = promised.difference(&there).collect();
    assert!(lost.is_empty(), "{} of {} lost: {lost:?}", lost.len(), promised.len());
    // Each alert that was open at the kill is ended once, after its opening.
    assert_complete_and_in_order(&records, there.len());
}

/// The child: records and relays until it is killed, and says what was committed.
async fn relay_and_record_for_ever(dir: &Path) -> ! {
    let settings = KafkaSettings::plain(std::env::var("LIGHTBAR_TEST_KAFKA").unwrap());
    let mut delivery = Delivery::start(dir, settings, Duration::ZERO);
    // Ids of another run must not come again.
    let start = u64::try_from(delivery.reader.last_row().unwrap()).unwrap() * 10;
    for n in start.. {
        delivery.facts.send(alert(n)).await.unwrap();
        // Reading the feed at our own pace keeps the child's words behind the commits, never before them.
        while let Ok(recorded) = delivery.feed.try_recv() {
            println!("committed {}.1", recorded.alert);
        }
    }
    unreachable!("the parent kills")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_health_topic_holds_up_no_alert() {
    let (site, dir) = (site(), tempfile::tempdir().unwrap());
    let broker = EmbeddedBroker::start(&[site.alerts_topic()], 3).unwrap();
    let settings = KafkaSettings::plain(broker.bootstrap_servers());
    let mut delivery = Delivery::start(dir.path(), settings.clone(), Duration::from_secs(5));
    for n in 0..30 {
        let camera = camera(CAMERAS[usize::try_from(n % 3).unwrap()]);
        let at = Timestamp::from_millis(i64::try_from(n).unwrap());
        delivery.facts.send(alert(n)).await.unwrap();
        delivery.facts.send(Fact::SightedSince { camera, at }).await.unwrap();
    }
    let metrics = delivery.metrics.clone();
    until("all but three health records are sent", || {
        metrics.render().unwrap().contains("\nlightbar_outbox_unsent 3\n")
    })
    .await;
    let health = &mut delivery.relay_health;
    health.wait_for(|h| format!("{h:?}").contains("camera-health.v1 --partitions")).await.unwrap();
    assert_eq!(delivery.stop().await.left, 3);
    assert_complete_and_in_order(&all(settings, site.alerts_topic()).await, 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_refused_and_never_shown() {
    let Some(broker) = Broker::start(true) else { return };
    let site = site();
    broker.create_topics(&site).await;
    let mut wrong = broker.settings();
    wrong.sasl.as_mut().unwrap().password = Secret::new("hunter2-wrong");
    let refused =
        KafkaPublisher::new(wrong).publish(&[record(&site.alerts_topic(), b"{}".to_vec())]).await.unwrap_err();
    assert_eq!(refused.reason, "unauthorized", "{refused}");
    assert!(!refused.message.contains("hunter2") && refused.message.contains("password"), "{refused}");
    let mut publisher = KafkaPublisher::new(broker.settings());
    publisher.publish(&[record(&site.alerts_topic(), b"{}".to_vec())]).await.unwrap();
    assert_eq!(all(broker.settings(), site.alerts_topic()).await.len(), 1);
    assert!(!format!("{:?}", broker.settings()).contains(PASSWORD));
}

#[tokio::test]
async fn a_wrong_address_is_said() {
    // A port that was free a moment ago and is not listened on.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut publisher = KafkaPublisher::new(KafkaSettings::plain(format!("127.0.0.1:{port}")));
    let refused = publisher.publish(&[record("lightbar.alerts.v1", b"{}".to_vec())]).await.unwrap_err();
    assert_eq!(refused.reason, "unreachable", "{refused}");
    assert!(refused.message.contains(&format!("127.0.0.1:{port}")), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_broker_takes_the_same_line() {
    let (site, dir) = (site(), tempfile::tempdir().unwrap());
    let broker = EmbeddedBroker::start(&[site.alerts_topic(), site.camera_health_topic()], 3).unwrap();
    let settings = KafkaSettings::plain(broker.bootstrap_servers());
    let delivery = Delivery::start(dir.path(), settings.clone(), Duration::from_secs(30));
    for n in 0..90 {
        delivery.facts.send(alert(n)).await.unwrap();
    }
    assert_eq!(delivery.stop().await.left, 0);
    assert_complete_and_in_order(&all(settings, site.alerts_topic()).await, 90);
}

/// What is for people, what is only recorded and what is on trial go to topics of their own, each without a gap.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_channel_has_its_topic_and_no_topic_has_gaps() {
    let Some(broker) = Broker::start(false) else { return };
    let (site, dir) = (site(), tempfile::tempdir().unwrap());
    broker.create_topics(&site).await;
    let delivery = Delivery::start(dir.path(), broker.settings(), Duration::from_mins(1));
    for n in 0..30 {
        let Fact::Alert(mut decided) = opened("gate-north", n) else { unreachable!("an opening is an alert") };
        match n % 3 {
            0 => {}
            1 => decided.change.deliver = Deliver::Record,
            _ => decided.change.status = Status::Test,
        }
        delivery.facts.send(Fact::Alert(decided)).await.unwrap();
    }
    assert_eq!(delivery.stop().await.left, 0);
    let mut epochs = HashSet::new();
    for topic in [site.alerts_topic(), site.tracks_topic(), site.shadow_topic()] {
        let records = all(broker.settings(), topic.clone()).await;
        assert_complete_and_in_order(&records, 10);
        let schema = validator("alert");
        for record in &records {
            let value: Value = serde_json::from_slice(&record.value).unwrap();
            assert_eq!(complaints(&schema, &value), [""; 0], "{topic}");
            let told = (value["deliver"].as_str(), value["status"].as_str().unwrap());
            let wanted = match topic.as_str() {
                t if t == site.tracks_topic() => (Some("record"), "Actual"),
                t if t == site.shadow_topic() => (None, "Test"),
                _ => (None, "Actual"),
            };
            assert_eq!(told, wanted, "{topic}");
            epochs.insert((topic.clone(), record.header("ce_epoch").unwrap().to_owned()));
        }
    }
    let names: HashSet<&String> = epochs.iter().map(|(_, epoch)| epoch).collect();
    assert_eq!((epochs.len(), names.len()), (3, 3), "each topic has an epoch of its own: {epochs:?}");
}
