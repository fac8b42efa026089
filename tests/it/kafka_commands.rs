//! `lightbar kafka topics` and `lightbar resend`, as people run them, against a real Apache Kafka.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use lightbar::kafka::consumer::TopicReader;
use lightbar::store::Reader;

use crate::support::broker::Broker;
use crate::support::delivery::Delivery;
use crate::support::facts::{opened, site};

/// Exit status and all that was printed.
fn lightbar(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_lightbar")).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), said)
}

fn configuration(folder: &Path, broker: &Broker) -> String {
    let path = folder.join("lightbar.toml");
    let text = format!(
        "[service]\nsite = \"county\"\ndata_dir = \"data\"\n[kafka]\nbrokers = [\"{}\"]\n[inference]\nmodel = \"none\"\n",
        broker.address()
    );
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn topics_are_made_once_and_what_is_wrong_with_them_is_named() {
    let Some(broker) = Broker::start(false) else { return };
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), &broker);
    let count = lightbar::kafka::topics::wanted(&site(), 3).len();
    let topics = |more: &[&str]| lightbar(&[&["kafka", "topics", "--config", &config], more].concat());

    let (status, said) = topics(&["--check"]);
    assert!(status == 1 && said.matches("MISSING").count() == count, "{said}");
    let (status, said) = topics(&["--create"]);
    assert!(status == 1 && said.contains("--single-broker"), "one broker cannot hold three replicas: {said}");
    let (status, said) = topics(&["--create", "--single-broker", "--partitions", "3"]);
    assert!(status == 0 && said.contains("lightbar.alerts.v1") && said.contains("made"), "{said}");
    let (status, said) = topics(&["--create", "--single-broker", "--partitions", "3"]);
    assert!(status == 0 && !said.contains("made") && said.matches("good").count() == count, "a second time: {said}");
    let (status, said) = topics(&["--check", "--single-broker", "--partitions", "3", "--audit"]);
    assert!(status == 1 && said.contains("lightbar.audit.v1"), "{said}");
    let (status, said) = topics(&["--check"]);
    assert!(status == 1, "{said}");
    for wrong in [
        "partitions is 3, wants 12 or more",
        "replicas is 1, wants 3 or more",
        "min.insync.replicas is 1, wants 2 or more",
    ] {
        assert!(said.contains(wrong), "{wrong}: {said}");
    }
    let (status, said) = topics(&[]);
    assert!(status == 2 && said.contains("--check"), "{said}");
}

#[test]
fn stored_alerts_are_sent_again_as_they_were_and_never_into_a_live_topic() {
    let Some(broker) = Broker::start(false) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (config, data) = (configuration(folder.path(), &broker), folder.path().join("data"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        broker.create_topics(&site()).await;
        let delivery = Delivery::start(&data, broker.settings(), Duration::from_mins(1));
        for n in 0..1200 {
            let camera = if n % 3 == 0 { "gate-north" } else { "gate-south" };
            delivery.facts.send(opened(camera, n)).await.unwrap();
        }
        assert_eq!(delivery.stop().await.left, 0);
    });
    let span = ["--from", "2026-03-01T08:00:00Z", "--to", "2026-03-01T08:00:00.900Z"];
    let resend = |more: &[&str]| lightbar(&[&["resend", "--config", &config], &span[..], more].concat());
    let received = |topic: &str| TopicReader::open(&broker.settings(), topic).unwrap().read_to_end().unwrap();

    let (status, said) = resend(&["--dry-run"]);
    assert!(status == 0 && said.contains("would send 900 changes"), "{said}");
    assert_eq!(received("lightbar.resend.v1").len(), 0);
    let (status, said) = resend(&["--topic", "lightbar.alerts.v1"]);
    assert!(status == 1 && said.contains("order"), "{said}");
    let (status, said) = resend(&["--topic", "nowhere"]);
    assert!(status == 1 && said.contains("nowhere"), "{said}");
    let (status, said) = resend(&["--camera", "gate-north", "--kind", "object_removed"]);
    assert!(status == 0 && said.contains("sent 300 changes"), "{said}");
    let (status, said) = resend(&["--kind", "loitering"]);
    assert!(status == 0 && said.contains("no alert"), "{said}");

    let live: BTreeMap<String, Vec<u8>> = received("lightbar.alerts.v1")
        .into_iter()
        .map(|record| (record.header("ce_id").unwrap().to_owned(), record.value))
        .collect();
    let again = received("lightbar.resend.v1");
    assert_eq!(again.len(), 300);
    for record in &again {
        assert_eq!(live.get(record.header("ce_id").unwrap()), Some(&record.value), "same id, same bytes");
        assert_eq!(record.key, "gate-north");
        assert!(record.header("lightbar-resent").is_some() && record.header("ce_sequence").is_none());
        assert_eq!(record.header("ce_type"), Some("lightbar.alert.opened.v1"));
    }
    assert_eq!(live.len(), 1200, "nothing was added to the live topic");
    assert_eq!(Reader::open(&data).unwrap().last_row().unwrap(), 1200);
}
