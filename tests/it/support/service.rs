//! The real binary as a child process, with a configuration, a data folder and a port of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A service under test; dropping it kills it.
pub(crate) struct Service {
    folder: tempfile::TempDir,
    port: u16,
    head: String,
    child: Option<Child>,
    environment: Vec<(String, String)>,
}

/// What the whole service is told; cameras come with `start`.
pub(crate) struct Head<'a> {
    pub(crate) model: &'a Path,
    /// Kafka's address; none: turned off.
    pub(crate) kafka: Option<&'a str>,
}

impl Service {
    pub(crate) fn new(head: &Head<'_>) -> Self {
        Self::listening(head, "127.0.0.1")
    }

    /// One that can be reached at this address.
    pub(crate) fn listening(head: &Head<'_>, address: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let kafka = head
            .kafka
            .map_or_else(|| "enabled = false".to_owned(), |at| format!("brokers = [\"{at}\"]\nsingle_broker = true"));
        let head = format!(
            "[service]\nsite = \"test\"\nnode = \"test-1\"\ndata_dir = \"data\"\n[http]\nlisten = \"{address}:{port}\"\n\
             [kafka]\n{kafka}\n[inference]\nmodel = \"{}\"\n",
            head.model.display()
        );
        Self { folder, port, head, child: None, environment: Vec::new() }
    }

    /// Gives the service an environment variable.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Writes the configuration with these cameras.
    pub(crate) fn configure(&self, cameras: &str) {
        fs::write(self.config(), format!("{}\n{cameras}", self.head)).unwrap();
    }

    /// Starts the service (again) and waits until it is ready.
    pub(crate) fn start(&mut self) {
        self.spawn();
        self.until("the service is ready", Duration::from_mins(1), |service| service.get("/readyz").is_some());
    }

    /// Starts the service (again).
    pub(crate) fn spawn(&mut self) {
        let log = File::options().create(true).append(true).open(self.log_path()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lightbar"));
        command
            .args(["run", "--config"])
            .arg(self.config())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        self.child = Some(command.spawn().unwrap());
    }

    /// Waits for a condition; says the log where it never holds.
    pub(crate) fn until(&mut self, what: &str, patience: Duration, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + patience;
        while !holds(self) {
            let gone = self.child.as_mut().and_then(|child| child.try_wait().unwrap());
            assert!(gone.is_none(), "the service ended ({gone:?}) before {what}\n{}", self.log());
            assert!(Instant::now() < deadline, "waited in vain until {what}\n{}", self.log());
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }

    /// Where a path of it is.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What the service answers to a GET, where it is 200.
    pub(crate) fn get(&self, path: &str) -> Option<String> {
        let answer = ureq::get(format!("http://127.0.0.1:{}{path}", self.port)).call();
        answer.ok()?.body_mut().read_to_string().ok()
    }

    /// The same as JSON.
    pub(crate) fn json(&self, path: &str) -> Option<Value> {
        serde_json::from_str(&self.get(path)?).ok()
    }

    /// SIGKILL: no goodbye.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// SIGTERM; gives how it ended.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.child.take().unwrap().wait().unwrap()
    }

    /// Runs another command of the binary; gives its exit status and what it printed, both streams.
    pub(crate) fn command(&self, arguments: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lightbar"));
        command.args(arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap_or(-1), text)
    }

    /// A metric's sum over its labels.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").unwrap();
        let rows = text.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
        rows.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("lightbar.toml")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// All that the service has written anywhere, as one text.
    pub(crate) fn everything_written(&self) -> String {
        let (mut all, mut folders) = (self.log(), vec![self.data()]);
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    all += &String::from_utf8_lossy(&fs::read(path).unwrap());
                }
            }
        }
        all
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}
