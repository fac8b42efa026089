//! A real Apache Kafka: one JVM on a free port with a folder of its own; one at a time, since each takes 340 MB.

use super::skipped::skipped;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lightbar::contract::Site;
use lightbar::kafka::{KafkaSettings, Mechanism, Sasl, Secret, topics};

static ONE: Mutex<()> = Mutex::new(());

/// The password of a broker with SASL.
pub(crate) const PASSWORD: &str = "correct-horse";

/// A running (or stopped) broker; dropping it kills it.
pub(crate) struct Broker {
    port: u16,
    folder: tempfile::TempDir,
    sasl: bool,
    child: Option<Child>,
    _alone: MutexGuard<'static, ()>,
}

impl Broker {
    /// Starts one, or says why not: `scripts/kafka.sh fetch` was not run.
    pub(crate) fn start(sasl: bool) -> Option<Self> {
        if !root().join(".tools/kafka/libs/.complete").exists() {
            skipped("no Apache Kafka here; run scripts/kafka.sh fetch");
            return None;
        }
        let alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut broker =
            Self { port: free_ports(), folder: tempfile::tempdir().unwrap(), sasl, child: None, _alone: alone };
        broker.restart();
        Some(broker)
    }

    /// Kills it, as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it again, on the same port with the same data; returns when it answers.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let log = std::fs::File::create(self.folder.path().join("broker.log")).unwrap();
        let mut command = Command::new(root().join("scripts/kafka.sh"));
        command.args(["run", "--port", &self.port.to_string(), "--data"]).arg(self.folder.path().join("data"));
        if self.sasl {
            command.args(["--sasl", &format!("lightbar:{PASSWORD}")]);
        }
        self.child = Some(command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(90);
        while let Err(error) = lightbar::kafka::topics::reachable(&self.settings()) {
            let gone = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(gone.is_none() && Instant::now() < deadline, "the broker did not start: {error}\n{}", self.log());
        }
    }

    /// How a client reaches it.
    pub(crate) fn settings(&self) -> KafkaSettings {
        let mut settings = KafkaSettings::plain(self.address());
        settings.sasl = self.sasl.then(|| Sasl {
            mechanism: Mechanism::Plain,
            username: "lightbar".to_owned(),
            password: Secret::new(PASSWORD),
        });
        settings
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Makes the topics of a site.
    pub(crate) async fn create_topics(&self, site: &Site) {
        topics::ensure(&self.settings(), &topics::wanted(site, 3), 1).await.unwrap();
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("broker.log")).unwrap_or_default()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// A port that is free, and the one after it.
fn free_ports() -> u16 {
    for _ in 0..100 {
        let first = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = first.local_addr().unwrap().port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
    panic!("no two free ports side by side");
}
