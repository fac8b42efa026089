//! `lightbar check`: whether a configuration is good, and what would run with it.

mod probe;
mod report;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::config::{self, ConfigError, ConfigErrors, Settings};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A file, or a folder whose *.toml are read in name order.
    #[arg(long, value_name = "PATH")]
    config: PathBuf,
    /// Also look at each camera's streams (one log-in each), see whether brokers answer and the HTTP port is free.
    #[arg(long)]
    probe: bool,
}

#[expect(clippy::needless_pass_by_value, reason = "each command takes its arguments whole")]
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let settings = config::load(&args.config)?;
    let missing = missing_files(&settings, &args.config.display().to_string());
    if !missing.is_empty() {
        return Err(ConfigErrors(missing).into());
    }
    let mut out = io::stdout().lock();
    report::write(&mut out, &settings)?;
    if !args.probe {
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "\nprobe")?;
    let failed = probe::run(&mut out, &settings)?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Files that the service opens only when it starts; better told now.
fn missing_files(settings: &Settings, config: &str) -> Vec<ConfigError> {
    let tls = settings.kafka.tls.as_ref();
    let files = [
        ("inference.model", settings.inference.model.as_ref()),
        ("inference.library", settings.inference.library.as_ref()),
        ("kafka.tls.ca_file", tls.and_then(|tls| tls.ca_file.as_ref())),
        ("kafka.tls.certificate_file", tls.and_then(|tls| tls.client.as_ref()).map(|(certificate, _)| certificate)),
        ("kafka.tls.key_file", tls.and_then(|tls| tls.client.as_ref()).map(|(_, key)| key)),
    ];
    let absent =
        files.into_iter().filter_map(|(key, path)| path.filter(|path| !path.is_file()).map(|path| (key, path)));
    absent
        .map(|(key, path)| ConfigError {
            file: config.to_owned(),
            place: None,
            key: key.to_owned(),
            message: format!("there is no file {}", path.display()),
        })
        .collect()
}
