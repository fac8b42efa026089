//! What a real Apache Kafka refuses: each refusal has its own word, and none holds up what does not concern it.

use std::collections::HashSet;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use lightbar::domain::alert::AlertKind;
use lightbar::domain::geometry::BBox;
use lightbar::domain::ids::TrackId;
use lightbar::domain::time::Timestamp;
use lightbar::kafka::consumer::{Received, TopicReader};
use lightbar::kafka::topics::{self, Safety};
use lightbar::kafka::{KafkaPublisher, KafkaSettings, Mechanism, Sasl, Secret};
use lightbar::metrics::Metrics;
use lightbar::pipeline::health::StageHealth;
use lightbar::pipeline::ports::{Fact, OutboxRecord, Publisher};
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use crate::acl;
use crate::support::broker::Broker;
use crate::support::delivery::{Delivery, until};
use crate::support::facts::{alert_id, camera, decided, opened, site};

const ACCOUNT: &str = "lightbar";

fn record(topic: &str, captured_at: Timestamp) -> OutboxRecord {
    OutboxRecord {
        row: 1,
        topic: topic.to_owned(),
        key: "gate-north".to_owned(),
        headers: Vec::new(),
        value: b"{}".to_vec(),
        captured_at,
        recorded_at: captured_at,
    }
}

fn now() -> Timestamp {
    lightbar::pipeline::ports::Clock::now(&lightbar::clock::SystemClock)
}

async fn all(settings: KafkaSettings, topic: String) -> Vec<Received> {
    tokio::task::spawn_blocking(move || TopicReader::open(&settings, &topic).unwrap().read_to_end().unwrap())
        .await
        .unwrap()
}

/// Makes a topic with one setting of its own.
async fn make(broker: &Broker, name: &str, setting: (&str, &str)) {
    let admin: AdminClient<DefaultClientContext> =
        rdkafka::ClientConfig::new().set("bootstrap.servers", broker.address()).create().unwrap();
    let topic = NewTopic::new(name, 1, TopicReplication::Fixed(1)).set(setting.0, setting.1);
    for outcome in admin.create_topics(&[topic], &AdminOptions::new()).await.unwrap() {
        outcome.unwrap();
    }
}

/// An alert of so many objects that it does not compress into a small record.
fn crowded(n: u64) -> Fact {
    let mut decided = decided(AlertKind::ObjectRemoved, "gate-north", n);
    let one = decided.change.objects[0].clone();
    decided.change.objects = (0..400_u32)
        .map(|i| {
            let mut object = one.clone();
            object.track = TrackId(u64::from(i));
            let at = f64::from(i.wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24);
            object.bbox = BBox::new(at * 0.9, at * at * 0.8, 0.013 + at / 30.0, 0.027 + at / 20.0);
            object
        })
        .collect();
    Fact::Alert(Box::new(decided))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_too_large_goes_to_the_dead_letters_and_holds_up_nobody() {
    let Some(broker) = Broker::start(false) else { return };
    let (site, dir) = (site(), tempfile::tempdir().unwrap());
    make(&broker, &site.alerts_topic(), ("max.message.bytes", "1700")).await;
    broker.create_topics(&site).await;
    let delivery = Delivery::start(dir.path(), broker.settings(), Duration::from_mins(1));
    for n in 0..41 {
        let fact = if n == 20 { crowded(n) } else { opened("gate-north", n) };
        delivery.facts.send(fact).await.unwrap();
    }
    let metrics = delivery.metrics.clone();
    assert_eq!(delivery.stop().await.left, 0);
    assert!(metrics.render().unwrap().contains("lightbar_relay_dead_letters_total{reason=\"too_large\"} 1"));

    let mut ids: Vec<String> = Vec::new();
    for record in all(broker.settings(), site.alerts_topic()).await {
        let id = record.header("ce_id").unwrap().to_owned();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    assert_eq!(ids.len(), 40, "all but the large one");
    assert!(ids.is_sorted(), "in order: {ids:?}");
    let dead = all(broker.settings(), site.dead_letters_topic()).await;
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].header("dead_reason"), Some("too_large"));
    assert_eq!(dead[0].header("dead_topic"), Some(site.alerts_topic().as_str()));
    assert_eq!(dead[0].header("dead_size"), Some(dead[0].value.len().to_string().as_str()), "whole");
    assert!(dead[0].value.len() > 4000 && !ids.contains(&dead[0].header("ce_id").unwrap().to_owned()));
    assert_eq!(dead[0].key, "gate-north");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_refusal_has_its_own_word() {
    let service = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let properties = |port: u16| {
        format!(
            "listeners=CLIENT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{},SERVICE://127.0.0.1:{service}\n\
             advertised.listeners=CLIENT://127.0.0.1:{port},SERVICE://127.0.0.1:{service}\n\
             listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT,SERVICE:SASL_PLAINTEXT\n\
             sasl.enabled.mechanisms=PLAIN\n\
             listener.name.service.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
             user_{ACCOUNT}=\"pw\";\n\
             authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
             allow.everyone.if.no.acl.found=true\nsuper.users=User:ANONYMOUS\n",
            port + 1
        )
    };
    let Some(broker) = Broker::start_with(false, properties, None) else { return };
    let site = site();
    broker.create_topics(&site).await;
    let mut settings = KafkaSettings::plain(format!("127.0.0.1:{service}"));
    settings.ack_timeout = Duration::from_secs(3);
    settings.sasl = Some(Sasl {
        mechanism: Mechanism::Plain,
        username: ACCOUNT.to_owned(),
        password: Secret::new("pw"),
        password_file: None,
    });
    let mut publisher = KafkaPublisher::new(settings.clone());
    let alerts = site.alerts_topic();
    publisher.publish(&[record(&alerts, now())]).await.expect("nothing is forbidden yet");

    acl::forbid_writing(&broker.address(), ACCOUNT, &site.shadow_topic());
    let begun = Instant::now();
    let refused = loop {
        match publisher.publish(&[record(&site.shadow_topic(), now())]).await {
            Ok(()) => assert!(begun.elapsed() < Duration::from_secs(30), "never forbidden"),
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused.reason, "topic_forbidden", "{refused}");
    publisher.publish(&[record(&alerts, now())]).await.expect("another topic is not concerned");

    acl::hide(&broker.address(), ACCOUNT, &site.tracks_topic());
    let refused = loop {
        match KafkaPublisher::new(settings.clone()).publish(&[record(&site.tracks_topic(), now())]).await {
            Ok(()) => assert!(begun.elapsed() < Duration::from_mins(1), "never hidden"),
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused.reason, "topic_missing", "{refused}");

    // A clock that is two hours ahead of the broker's: taken, without Kafka's own time.
    let ahead = now().plus(Duration::from_hours(2));
    publisher.publish(&[record(&alerts, now()), record(&alerts, ahead), record(&alerts, ahead)]).await.expect("taken");
    let there = all(broker.settings(), alerts.clone()).await;
    assert!(there.len() >= 5 && there.iter().any(|record| record.timestamp.is_none()), "{}", there.len());

    acl::allow_again(&broker.address(), &site.shadow_topic());
    // The broker says yes to a rule before all of it knows of it.
    let deadline = Instant::now() + Duration::from_secs(30);
    while let Err(refused) = publisher.publish(&[record(&site.shadow_topic(), now())]).await {
        assert!(Instant::now() < deadline, "never allowed again: {refused}");
    }

    acl::forbid_producing(&broker.address(), ACCOUNT);
    let refused = loop {
        match KafkaPublisher::new(settings.clone()).publish(&[record(&alerts, now())]).await {
            Ok(()) => assert!(Instant::now() < deadline, "never forbidden"),
            Err(refused) => break refused,
        }
    };
    assert!(["cluster_forbidden", "topic_forbidden"].contains(&refused.reason), "{refused}");
    assert!(topics::inspect(&broker.settings(), &topics::wanted(&site, 3), Safety::SINGLE_BROKER).await.is_ok());
}

/// A clock that was wrong for a while: the broker refuses the first records for their time, and those behind them, on their way
/// already, are as good as any. Taken by themselves they would be ahead of what came before them.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_not_overtaken() {
    let Some(broker) = Broker::start(false) else { return };
    make(&broker, "clocks", ("message.timestamp.after.max.ms", "3600000")).await;
    let ahead = now().plus(Duration::from_hours(2));
    // More than one request holds (1 MB), and nothing that shrinks when it is compressed.
    let mut noise = 1_u64;
    let batch: Vec<OutboxRecord> = (0..600)
        .map(|n| {
            let value = std::iter::repeat_with(|| {
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (noise >> 33) as u8
            });
            let captured_at = if n < 10 { ahead } else { now() };
            OutboxRecord {
                value: value.take(10_000).collect(),
                headers: vec![("ce_sequence".to_owned(), n.to_string())],
                ..record("clocks", captured_at)
            }
        })
        .collect();
    for round in 0..5 {
        KafkaPublisher::new(broker.settings()).publish(&batch).await.expect("taken without Kafka's own time");
        let there = all(broker.settings(), "clocks".to_owned()).await;
        let sequences: Vec<u32> = there.iter().map(|r| r.header("ce_sequence").unwrap().parse().unwrap()).collect();
        let mut next = 0;
        for &sequence in sequences.iter().skip(round * batch.len()) {
            assert!(sequence <= next, "round {round}: {sequence} came before {next}");
            next = next.max(sequence + 1);
        }
        assert_eq!(
            sequences.len() % batch.len(),
            0,
            "round {round}: some were sent twice, some are missing: {}",
            sequences.len()
        );
    }
}

/// How many replicas must have a record of a topic of alerts from now on.
async fn want_in_sync(broker: &Broker, topic: &str, replicas: &str) {
    let admin: AdminClient<DefaultClientContext> =
        rdkafka::ClientConfig::new().set("bootstrap.servers", broker.address()).create().unwrap();
    // Kafka takes all settings of a topic at once: those that are not said fall back to the broker's own.
    let config = AlterConfig::new(ResourceSpecifier::Topic(topic))
        .set("min.insync.replicas", replicas)
        .set("cleanup.policy", "delete");
    for outcome in admin.alter_configs(&[config], &AdminOptions::new()).await.unwrap() {
        outcome.unwrap();
    }
}

/// Of two brokers one is away: the other refuses what two must have with `NOT_ENOUGH_REPLICAS`, of which librdkafka tells nobody. The
/// line goes on, other topics too, and what waited comes in order once one replica is enough.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_few_replicas_have_their_word_and_hold_up_one_topic() {
    let Some(broker) = Broker::start(false) else { return };
    let (site, dir) = (site(), tempfile::tempdir().unwrap());
    let alerts = site.alerts_topic();
    let (on_both, on_one): (Vec<_>, Vec<_>) =
        topics::wanted(&site, 3).into_iter().partition(|spec| spec.name == alerts);
    topics::ensure(&broker.settings(), &on_one, Safety::SINGLE_BROKER).await.unwrap();
    let second = broker.second();
    topics::ensure(&broker.settings(), &on_both, Safety { replicas: 2, min_in_sync: 2 }).await.unwrap();
    second.stop();
    let mut settings = broker.settings();
    settings.ack_timeout = Duration::from_secs(3);
    let mut delivery = Delivery::start(dir.path(), settings.clone(), Duration::from_secs(30));
    for n in 0..30 {
        delivery.facts.send(opened("gate-north", n)).await.unwrap();
    }
    let failing = |health: &StageHealth| match health {
        StageHealth::Failing { reason: "not_enough_replicas", message } => Some(message.clone()),
        _ => None,
    };
    until("it is said that replicas are missing", || failing(&delivery.relay_health.borrow()).is_some()).await;
    let said = failing(&delivery.relay_health.borrow()).unwrap();
    assert!(said.contains(&format!("{alerts} has 1 replicas in sync and wants 2")), "{said}");
    let metric = |metrics: &Metrics, line: &str| {
        metrics.render().unwrap().lines().find_map(|l| l.strip_prefix(line)?.trim().parse::<f64>().ok())
    };
    let metrics = delivery.metrics.clone();
    assert!(metric(&metrics, "lightbar_relay_failures_total{reason=\"not_enough_replicas\"}").unwrap() >= 1.0);
    assert_eq!(metric(&metrics, "lightbar_relay_ready"), Some(0.0));

    // The line goes on: what is decided now is recorded, and what goes to another topic arrives.
    for n in 30..60 {
        delivery.facts.send(opened("gate-north", n)).await.unwrap();
    }
    let sighted = Fact::SightedSince { camera: camera("gate-north"), at: now() };
    delivery.facts.send(sighted).await.unwrap();
    until("all is recorded", || metric(&metrics, "lightbar_record_facts_committed_total") == Some(61.0)).await;
    until("only alerts wait", || metric(&metrics, "lightbar_outbox_unsent") == Some(60.0)).await;
    assert_eq!(all(settings.clone(), site.camera_health_topic()).await.len(), 1);
    assert_eq!(all(settings.clone(), alerts.clone()).await.len(), 0, "nothing of it was taken");

    want_in_sync(&broker, &alerts, "1").await;
    until("all is sent", || metric(&metrics, "lightbar_outbox_unsent") == Some(0.0)).await;
    delivery.relay_health.wait_for(StageHealth::is_ready).await.unwrap();
    assert_eq!(delivery.stop().await.left, 0);
    let mut seen = HashSet::new();
    let there = all(settings, alerts).await;
    let ids = there.iter().map(|record| record.header("ce_id").unwrap());
    let first: Vec<&str> = ids.filter(|id| seen.insert(*id)).collect();
    let wanted: Vec<String> = (0..60).map(|n| format!("{}.1", alert_id(n))).collect();
    assert_eq!(first, wanted, "each once, in order");
}

/// A cluster that answers questions and takes nothing; librdkafka's own, since a single real broker is whole or away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_is_only_half_there_is_told_apart() {
    let cluster = MockCluster::new(1).unwrap();
    for topic in ["headless", "refusing"] {
        cluster.create_topic(topic, 1, 1).unwrap();
    }
    cluster.partition_leader("headless", 0, None).unwrap();
    let mut settings = KafkaSettings::plain(cluster.bootstrap_servers());
    settings.ack_timeout = Duration::from_secs(2);
    let refused = KafkaPublisher::new(settings.clone()).publish(&[record("headless", now())]).await.unwrap_err();
    assert_eq!(refused.reason, "no_leader", "{refused}");
    assert!(refused.message.contains("partition 0 of headless has no leader"), "{refused}");

    let again = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS; 500];
    cluster.request_errors(RDKafkaApiKey::Produce, &again);
    let refused = KafkaPublisher::new(settings.clone()).publish(&[record("refusing", now())]).await.unwrap_err();
    assert_eq!(refused.reason, "not_acknowledged", "{refused}");
    cluster.clear_request_errors(RDKafkaApiKey::Produce);
    KafkaPublisher::new(settings).publish(&[record("refusing", now())]).await.expect("well again");
}
