//! What integrators are given, on a real Apache Kafka: the conformance kit, the trial, and the three consumers.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use lightbar::kafka::KafkaPublisher;
use lightbar::kafka::topics::{self, TopicSpec};
use lightbar::pipeline::ports::{Fact, Publisher};
use serde_json::Value;

use crate::consumer;
use crate::support::broker::Broker;
use crate::support::delivery::Delivery;
use crate::support::facts::{camera, ended, opened, site};
use crate::support::skipped::skipped;

const TRIAL: &str = "my-trial";
/// Records of the trial; each consumer ends after so many.
const RECORDS: &str = "10";
/// A machine that is busy with other tests takes long to start a JVM and to let three groups join.
const PATIENCE: Duration = Duration::from_mins(2);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn lightbar(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lightbar")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn one_partition(broker: &Broker, name: &str) {
    let spec = TopicSpec { name: name.to_owned(), partitions: 1, compact: false, keep: Duration::from_hours(1) };
    topics::ensure(&broker.settings(), &[spec], topics::Safety::SINGLE_BROKER).await.unwrap();
}

/// What `docs/integrate/testing.md` says that a consumer prints on the trial.
fn promised_output() -> String {
    let page = std::fs::read_to_string(root().join("docs/integrate/testing.md")).unwrap();
    let (_, block) = page.split_once("<!-- begin: output -->\n```\n").unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_consumers_do_on_the_trial_what_their_page_says() {
    let Some(broker) = Broker::start(false) else { return };
    one_partition(&broker, TRIAL).await;
    let address = broker.address();
    let sent = lightbar(&["contract", "trial", "--bootstrap", &address, "--topic", TRIAL]);
    assert!(sent.status.success(), "{}", text(&sent.stderr));
    assert_eq!(text(&sent.stdout).lines().count(), 10, "{}", text(&sent.stdout));
    let live = lightbar(&["contract", "trial", "--bootstrap", &address, "--topic", "lightbar.alerts.v1"]);
    assert!(!live.status.success() && text(&live.stderr).contains("live topic"), "{}", text(&live.stderr));

    let wanted = promised_output();
    let here = address.clone();
    let in_rust = tokio::task::spawn_blocking(move || {
        let mut out = Vec::new();
        consumer::follow(&here, TRIAL, RECORDS.parse().ok(), &mut out).unwrap();
        text(&out)
    });
    let here = address.clone();
    let in_python = tokio::task::spawn_blocking(move || python(&here));
    let here = address.clone();
    let in_java = tokio::task::spawn_blocking(move || java(&here));
    let in_rust = tokio::time::timeout(PATIENCE, in_rust).await.expect("the consumer in Rust ends");
    assert_eq!(in_rust.unwrap(), wanted, "in Rust");
    for (name, said) in [("Python", in_python.await.unwrap()), ("Java", in_java.await.unwrap())] {
        match said {
            Some(output) => assert_eq!(text(&output.stdout), wanted, "in {name}: {}", text(&output.stderr)),
            None => println!("{name} is not here"),
        }
    }

    // The trial leaves one record out, and the kit says which.
    let check = lightbar(&["contract", "check", "--bootstrap", &address, "--topic", TRIAL, "--from-beginning"]);
    let said = text(&check.stdout);
    assert_eq!(check.status.code(), Some(1), "{said}");
    assert!(said.contains("4 follows 2: 1 missing") && said.matches("BROKEN").count() == 1, "{said}");
}

/// A program that is ended when it takes too long.
fn patient(program: &str) -> Command {
    let mut command = Command::new("timeout");
    command.args([&PATIENCE.as_secs().to_string(), program]);
    command
}

fn python(address: &str) -> Option<Output> {
    let packages = root().join(".tools/python");
    if !packages.join(".complete").exists() {
        skipped("the tests' Python packages are not here; run scripts/setup.sh test");
        return None;
    }
    let script = root().join("examples/consumers/consumer.py");
    let mut python = patient("python3");
    Some(python.arg(script).args([address, TRIAL, RECORDS]).env("PYTHONPATH", packages).output().unwrap())
}

fn java(address: &str) -> Option<Output> {
    if Command::new("javac").arg("-version").output().is_err() {
        skipped("no Java compiler here; run scripts/setup.sh test");
        return None;
    }
    let libs = format!("{}/*", root().join(".tools/kafka/libs").display());
    let source = root().join("examples/consumers/Consumer.java");
    let quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error";
    let mut java = patient("java");
    java.args(["-Xmx128m", quiet, "-cp", &libs]).arg(source).args([address, TRIAL, RECORDS]);
    Some(java.output().unwrap())
}

#[test]
fn the_consumers_are_short() {
    for name in ["consumer.py", "Consumer.java", "consumer.rs"] {
        let lines = std::fs::read_to_string(root().join("examples/consumers").join(name)).unwrap().lines().count();
        assert!(lines < 60, "{name} has {lines} lines");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_kit_finds_the_service_clean_and_a_broken_record() {
    let Some(broker) = Broker::start(false) else { return };
    let (site, dir) = (site(), tempfile::tempdir().unwrap());
    broker.create_topics(&site).await;
    let delivery = Delivery::start(dir.path(), broker.settings(), Duration::from_mins(1));
    for n in 0..40 {
        let name = ["gate-north", "gate-south"][usize::from(n % 2 == 0)];
        delivery.facts.send(opened(name, n)).await.unwrap();
        if n % 4 == 0 {
            let end = Fact::Alert(Box::new(ended(name, n, Duration::from_secs(9))));
            delivery.facts.send(end).await.unwrap();
        }
    }
    let at = lightbar::domain::time::Timestamp::from_millis(1_772_352_000_000);
    delivery.facts.send(Fact::SightedSince { camera: camera("gate-north"), at }).await.unwrap();
    assert_eq!(delivery.stop().await.left, 0);

    let address = broker.address();
    let check = |topic: String, more: &[&str]| {
        let fixed = ["contract", "check", "--bootstrap", &address, "--topic", &topic];
        let output = lightbar(&[&fixed, more].concat());
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (status, said, errors) = check(site.alerts_topic(), &["--from-beginning"]);
    assert_eq!(status, Some(0), "{said}{errors}");
    assert!(said.contains("50 records of 2 sources, 0 of them repeats") && !said.contains("note"), "{said}");
    let (status, said, errors) = check(site.camera_health_topic(), &["--from-beginning", "--json", "-"]);
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((status, &report["ok"], &report["records"]), (Some(0), &true.into(), &1.into()), "{said}{errors}");
    let (status, said, _) = check(site.alerts_topic(), &["--from-beginning", "--max", "7"]);
    assert!(status == Some(0) && said.starts_with("7 records"), "{said}");
    let (status, said, _) = check(site.alerts_topic(), &["--seconds", "1"]);
    assert!(status == Some(0) && said.starts_with("0 records"), "only what comes from now on: {said}");
    // Where Kafka is may come from a service's configuration.
    let config = dir.path().join("lightbar.toml");
    let text_of_it = format!(
        "[service]\nsite = \"county\"\nnode = \"node-1\"\ndata_dir = \"data\"\n\
         [kafka]\nbrokers = [\"{address}\"]\nsingle_broker = true\n[inference]\nmodel = \"none\"\n"
    );
    std::fs::write(&config, text_of_it).unwrap();
    let topic = site.alerts_topic();
    let from_config =
        ["contract", "check", "--config", config.to_str().unwrap(), "--topic", &topic, "--from-beginning"];
    let output = lightbar(&from_config);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    let (status, _, errors) = check("nowhere".to_owned(), &["--from-beginning"]);
    assert!(status == Some(1) && errors.contains("nowhere"), "{errors}");

    // Somebody else writes into the topic.
    let mut record = lightbar::conformance::trial::records(at, 1).swap_remove(0);
    record.record.headers.retain(|(name, _)| name != "ce_time");
    let foreign = lightbar::pipeline::ports::OutboxRecord {
        row: 1,
        topic: site.alerts_topic(),
        key: "gate".to_owned(),
        headers: record.record.headers,
        value: record.record.value,
        captured_at: at,
        recorded_at: at,
    };
    KafkaPublisher::new(broker.settings()).publish(&[foreign]).await.unwrap();
    let report_file = dir.path().join("report.json");
    let (status, said, _) = check(site.alerts_topic(), &["--from-beginning", "--json", report_file.to_str().unwrap()]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("\"ce_time\" is a required property") && said.contains("the key is \"gate\""), "{said}");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(report_file).unwrap()).unwrap();
    assert_eq!(report["promises"]["headers"]["violations"], 1, "{report}");
}
