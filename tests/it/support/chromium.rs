//! A real browser without a screen, driven over Chromium's debugging pipe: messages of JSON, each ended by a NUL byte.

use super::skipped::skipped;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};

use serde_json::{Value, json};

use super::web_server::{DEADLINE, wait_until};

pub(crate) struct Chromium {
    process: Child,
    to: File,
    from: Receiver<Value>,
    session: Option<String>,
    sent: u64,
    /// What the page complained of.
    pub(crate) complaints: Vec<String>,
    _profile: tempfile::TempDir,
}

impl Chromium {
    /// `None`, said loudly, where there is no Chromium.
    pub(crate) fn start() -> Option<Self> {
        let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(in_path);
        let Some(program) = found else {
            skipped("no chromium in PATH, so the page was not looked at; install the package chromium");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let (to, from) = (profile.path().join("to"), profile.path().join("from"));
        assert!(Command::new("mkfifo").args([&to, &from]).status().unwrap().success());
        // The pipe's ends are the file descriptors 3 and 4; a shell can set them, this safe code cannot. Opened for both
        // directions, since a pipe's end that is opened for one waits for the other.
        let process = Command::new("sh")
            .args(["-c", "exec 3<>\"$1\" 4<>\"$2\"; shift 2; exec \"$@\"", "sh"])
            .arg(&to)
            .arg(&from)
            .arg(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
                "--remote-debugging-pipe",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (tell, told) = sync_channel(1024);
        let answers = File::options().read(true).write(true).open(&from).unwrap();
        std::thread::spawn(move || {
            for message in BufReader::new(answers).split(0) {
                let Ok(message) = serde_json::from_slice(&message.unwrap()) else { return };
                if tell.send(message).is_err() {
                    return;
                }
            }
        });
        let to = File::options().read(true).write(true).open(&to).unwrap();
        let mut browser =
            Self { process, to, from: told, session: None, sent: 0, complaints: Vec::new(), _profile: profile };
        let target = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attached =
            browser.call("Target.attachToTarget", &json!({ "targetId": target["targetId"], "flatten": true }));
        browser.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Runtime.enable", "Log.enable", "Page.enable"] {
            browser.call(domain, &json!({}));
        }
        Some(browser)
    }

    pub(crate) fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.sent += 1;
        let mut message = json!({ "id": self.sent, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let got = self.from.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("chromium did not answer {method}"));
            if matches!(got["method"].as_str(), Some("Runtime.exceptionThrown" | "Log.entryAdded")) {
                self.complaints.push(got["params"].to_string());
            }
            if got["id"] == self.sent {
                assert!(got["error"].is_null(), "{method}: {}", got["error"]);
                return got["result"].clone();
            }
        }
    }

    /// A window of that size whose user prefers that language; then the page.
    pub(crate) fn open(&mut self, url: &str, language: &str, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", &size);
        let agent = self.evaluate("navigator.userAgent");
        self.call("Emulation.setUserAgentOverride", &json!({ "userAgent": agent, "acceptLanguage": language }));
        self.call("Page.navigate", &json!({ "url": url }));
    }

    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let result = self.call("Runtime.evaluate", &json!({ "expression": expression, "returnByValue": true }));
        result["result"]["value"].clone()
    }

    /// Waits until an expression of the page is true.
    pub(crate) fn wait_for(&mut self, expression: &str) {
        let mut seen = String::new();
        let deadline = std::time::Instant::now() + DEADLINE;
        wait_until(expression, || {
            let is_so = self.evaluate(expression) == true;
            if !is_so && std::time::Instant::now() + std::time::Duration::from_secs(1) > deadline {
                seen = self.evaluate("document.body?.innerText ?? ''").to_string();
                eprintln!("the page says: {seen}; it complained of {:?}", self.complaints);
            }
            is_so
        });
    }

    /// Keeps a picture where `LIGHTBAR_SCREENSHOTS` names a folder.
    pub(crate) fn picture(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("LIGHTBAR_SCREENSHOTS") else { return };
        let data =
            self.call("Page.captureScreenshot", &json!({ "format": "png" }))["data"].as_str().unwrap().to_owned();
        let mut child = Command::new("base64")
            .arg("-d")
            .stdin(Stdio::piped())
            .stdout(File::create(Path::new(&folder).join(name)).unwrap())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(data.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn in_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}
