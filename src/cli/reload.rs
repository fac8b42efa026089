//! `lightbar reload`: checks the configuration, signals the running service, and tells what it answered.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::config::{self, ReloadAnswer};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file or folder that the service was started with.
    #[arg(long, value_name = "PATH")]
    config: PathBuf,
    /// How long to wait for the answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
}

#[expect(clippy::needless_pass_by_value, reason = "each command takes its arguments whole")]
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let settings = config::load(&args.config)?;
    let data_dir = &settings.service.data_dir;
    let pid = running_service(data_dir)?;
    let before = ReloadAnswer::read(data_dir).context("could not read the last answer")?.unwrap_or_default();
    hang_up(pid)?;
    let answer = wait_for_answer(data_dir, pid, &before, Duration::from_secs(args.timeout))?;
    let mut out = io::stdout().lock();
    if answer.ok {
        for line in &answer.done {
            writeln!(out, "{line}")?;
        }
        writeln!(out, "configuration applied (reading {} of process {pid})", answer.generation)?;
        return Ok(ExitCode::SUCCESS);
    }
    drop(out);
    let mut err = io::stderr().lock();
    writeln!(err, "process {pid} refused the configuration and goes on with the old one:")?;
    for line in &answer.errors {
        writeln!(err, "{line}")?;
    }
    // What is good here and wrong there is mostly the environment: the service has its own.
    writeln!(err, "(it was good when read here; do both have the same environment variables and files?)")?;
    Ok(ExitCode::from(super::EXIT_WRONG))
}

/// The process id in the pid file, if such a process runs and is ours; a stale number may be anybody's by now.
fn running_service(data_dir: &Path) -> anyhow::Result<i32> {
    let path = ReloadAnswer::pid_path(data_dir);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            bail!(
                "no service runs with data_dir {}: there is no {}; start it with lightbar run",
                data_dir.display(),
                path.display()
            )
        }
        Err(e) => return Err(e).with_context(|| format!("could not read {}", path.display())),
    };
    let pid: i32 = text
        .trim()
        .parse()
        .ok()
        .filter(|pid| *pid > 1)
        .with_context(|| format!("{} holds {:?}, wants a process id", path.display(), text.trim()))?;
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    if !name.starts_with("lightbar") {
        bail!(
            "no service runs with data_dir {}: process {pid} of {} is gone; start it with lightbar run",
            data_dir.display(),
            path.display()
        );
    }
    Ok(pid)
}

#[expect(unsafe_code, reason = "the standard library sends no signals")]
fn hang_up(pid: i32) -> anyhow::Result<()> {
    // SAFETY: kill takes two integers and touches no memory of this process.
    let result = unsafe { libc::kill(pid, libc::SIGHUP) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error()).with_context(|| format!("could not signal process {pid}"))
    }
}

fn wait_for_answer(
    data_dir: &Path,
    pid: i32,
    before: &ReloadAnswer,
    timeout: Duration,
) -> anyhow::Result<ReloadAnswer> {
    let deadline = Instant::now() + timeout;
    loop {
        let answer = ReloadAnswer::read(data_dir).context("could not read the answer")?;
        if let Some(answer) = answer
            .filter(|a| i64::from(a.pid) == i64::from(pid) && (a.generation > before.generation || a.pid != before.pid))
        {
            return Ok(answer);
        }
        if Instant::now() >= deadline {
            bail!("process {pid} was signalled but gave no answer within {} s; its log says more", timeout.as_secs());
        }
        if !Path::new(&format!("/proc/{pid}")).exists() {
            bail!("process {pid} ended instead of answering; its log says more");
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
}
