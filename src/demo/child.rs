//! The serving process, as who started it sees it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

use super::DemoError;
use super::server::{PASSWORD_ENV, ServeOptions};
use crate::domain::time::Timestamp;

/// A running street. Dropping it ends its process.
#[derive(Debug)]
pub struct StreetServer {
    child: Child,
    // Kept open: what is written to a closed pipe kills the writer.
    _out: BufReader<ChildStdout>,
    /// What it serves.
    pub ready: Ready,
}

/// What a street serves, as it says itself.
#[derive(Clone, Debug, Deserialize)]
pub struct Ready {
    /// Its lowest port.
    pub port: u16,
    /// Its cameras.
    pub cameras: Vec<ReadyCamera>,
    /// When its first round began, milliseconds since the epoch.
    #[serde(rename = "started_at")]
    pub started_at_ms: i64,
    /// How long a round is.
    pub period_s: f64,
}

impl Ready {
    /// When its first round began.
    pub fn started_at(&self) -> Timestamp {
        Timestamp::from_millis(self.started_at_ms)
    }
}

/// A camera as served.
#[derive(Clone, Debug, Deserialize)]
pub struct ReadyCamera {
    /// Its id.
    pub id: String,
    /// Its main stream.
    pub url: String,
    /// Its sub-stream.
    pub sub_url: Option<String>,
    /// Whether it wants a password.
    pub guarded: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Ready(Ready),
    Progress { stream: String, done: f64 },
}

/// Starts `program street serve` and waits until it serves; `progress` hears stream and share (0..1) while streams are made.
pub fn spawn(
    program: &Path,
    options: &ServeOptions,
    mut progress: impl FnMut(&str, f64),
) -> Result<StreetServer, DemoError> {
    let mut child = Command::new(program)
        .args(["street", "serve", "--port", &options.port.to_string(), "--cache"])
        .arg(&options.cache)
        .env(PASSWORD_ENV, &options.password)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| DemoError::Child(format!("cannot be started from {}: {e}", program.display())))?;
    let Some(out) = child.stdout.take() else {
        end(&mut child);
        return Err(DemoError::Child("has no standard output".to_owned()));
    };
    let mut out = BufReader::new(out);
    match wait_ready(&mut out, &mut progress) {
        Ok(ready) => Ok(StreetServer { child, _out: out, ready }),
        Err(e) => {
            end(&mut child);
            Err(e)
        }
    }
}

fn wait_ready(out: &mut impl BufRead, progress: &mut dyn FnMut(&str, f64)) -> Result<Ready, DemoError> {
    let mut line = String::new();
    loop {
        line.clear();
        match out.read_line(&mut line) {
            Ok(0) => return Err(DemoError::Child("ended before it served; what it said is above".to_owned())),
            Err(e) => return Err(DemoError::Child(format!("cannot be read: {e}"))),
            Ok(_) => match serde_json::from_str(&line) {
                Ok(Line::Ready(ready)) => return Ok(ready),
                Ok(Line::Progress { stream, done }) => progress(&stream, done),
                Err(e) => {
                    return Err(DemoError::Child(format!("said {:?}, which is not understood: {e}", line.trim())));
                }
            },
        }
    }
}

impl StreetServer {
    /// Whether its process still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for StreetServer {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Ends a process that ends with its standard input; kills it where it does not within two seconds.
fn end(child: &mut Child) {
    drop(child.stdin.take());
    let (ended, wait) = std::sync::mpsc::channel();
    let pid = child.id();
    let watchdog = std::thread::spawn(move || {
        if wait.recv_timeout(Duration::from_secs(2)).is_err() {
            kill(pid);
        }
    });
    drop(child.wait());
    // The watchdog may have gone already.
    let _sent = ended.send(()).is_ok();
    drop(watchdog.join());
}

#[expect(unsafe_code, reason = "the standard library kills only through the Child, which the waiting thread holds")]
fn kill(pid: u32) {
    let Ok(pid) = libc::pid_t::try_from(pid) else { return };
    // SAFETY: plain system call; the child has not been waited for yet, so the id is still its own.
    let _gone = unsafe { libc::kill(pid, libc::SIGKILL) };
}
