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
    scram: Option<String>,
    child: Option<Child>,
    _alone: MutexGuard<'static, ()>,
}

impl Broker {
    /// Starts one, or says why not: `scripts/kafka.sh fetch` was not run.
    pub(crate) fn start(sasl: bool) -> Option<Self> {
        Self::start_with(sasl, |_| String::new(), None)
    }

    /// Starts one with lines of its own for `server.properties`, which may depend on its first port; and with a SCRAM account.
    pub(crate) fn start_with(sasl: bool, more: impl FnOnce(u16) -> String, scram: Option<&str>) -> Option<Self> {
        if !root().join(".tools/kafka/libs/.complete").exists() {
            skipped("no Apache Kafka here; run scripts/kafka.sh fetch");
            return None;
        }
        let alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let (port, folder) = (free_ports(), tempfile::tempdir().unwrap());
        std::fs::write(folder.path().join("more.properties"), more(port)).unwrap();
        let mut broker = Self { port, folder, sasl, scram: scram.map(str::to_owned), child: None, _alone: alone };
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

    /// Whether it was not killed.
    #[allow(dead_code, reason = "for the fault plans")]
    pub(crate) fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Sends it a signal by its name: STOP and CONT make it hang and go on.
    #[allow(dead_code, reason = "for the fault plans")]
    pub(crate) fn signal(&self, name: &str) {
        if let Some(child) = &self.child {
            let told = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
            assert!(told.success(), "the broker is not there any more\n{}", self.log());
        }
    }

    /// Starts it again, on the same port with the same data; returns when it answers.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let log = std::fs::File::create(self.folder.path().join("broker.log")).unwrap();
        let mut command = Command::new(root().join("scripts/kafka.sh"));
        command.args(["run", "--port", &self.port.to_string(), "--data"]).arg(self.folder.path().join("data"));
        command.arg("--with").arg(self.folder.path().join("more.properties"));
        if let Some(account) = &self.scram {
            command.args(["--scram", account]);
        }
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
            password_file: None,
        });
        settings
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A second broker of the same cluster, with no say in who leads it; returns when it has joined.
    #[allow(dead_code, reason = "the fault plans have one broker")]
    pub(crate) fn second(&self) -> Second {
        let (port, folder) = (free_ports(), tempfile::tempdir().unwrap());
        let properties = format!(
            "process.roles=broker\nnode.id=2\nlisteners=CLIENT://127.0.0.1:{port}\nadvertised.listeners=CLIENT://127.0.0.1:{port}\n\
             controller.quorum.voters=1@127.0.0.1:{}\n",
            self.port + 1
        );
        std::fs::write(folder.path().join("more.properties"), properties).unwrap();
        let log = std::fs::File::create(folder.path().join("broker.log")).unwrap();
        let mut command = Command::new(root().join("scripts/kafka.sh"));
        command.args(["run", "--port", &port.to_string(), "--data"]).arg(folder.path().join("data"));
        command.arg("--with").arg(folder.path().join("more.properties"));
        let child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut second = Second { folder, child };
        let deadline = Instant::now() + Duration::from_secs(90);
        while lightbar::kafka::topics::reachable(&self.settings()).unwrap() < 2 {
            let gone = second.child.try_wait().unwrap();
            let log = || std::fs::read_to_string(second.folder.path().join("broker.log")).unwrap_or_default();
            assert!(gone.is_none() && Instant::now() < deadline, "the second broker did not join\n{}", log());
            std::thread::park_timeout(Duration::from_millis(100));
        }
        second
    }

    /// Makes the topics of a site.
    pub(crate) async fn create_topics(&self, site: &Site) {
        topics::ensure(&self.settings(), &topics::wanted(site, 3), topics::Safety::SINGLE_BROKER).await.unwrap();
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("broker.log")).unwrap_or_default()
    }
}

/// A second broker; dropping it kills it.
#[allow(dead_code, reason = "the fault plans have one broker")]
pub(crate) struct Second {
    folder: tempfile::TempDir,
    child: Child,
}

impl Second {
    /// Ends it in order, so that the cluster knows at once that it is gone.
    #[allow(dead_code, reason = "the fault plans have one broker")]
    pub(crate) fn stop(mut self) {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success(), "the second broker is not there any more");
        self.child.wait().unwrap();
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        // An Err says that it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
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
