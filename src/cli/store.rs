//! `lightbar store`: what is in the store, whether it is sound, and the ways out where it is not.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Subcommand;

use crate::clock::SystemClock;
use crate::contract::time::{local, rfc3339};
use crate::pipeline::ports::Clock;
use crate::store::{self, Info, Salvaged};

use super::examples;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what the store is and how much is in it; the service may run.
    #[command(after_help = examples::STORE_INFO)]
    Info {
        #[command(flatten)]
        place: Place,
        /// One JSON object instead of lines.
        #[arg(long)]
        json: bool,
    },
    /// Check whether the store is sound; the service may run. Exit status 1 where it is not.
    #[command(after_help = examples::STORE_CHECK)]
    Check {
        #[command(flatten)]
        place: Place,
    },
    /// Write alerts and unsent records as lines of JSON, as far as they can be read; the service may run.
    #[command(after_help = examples::STORE_EXPORT)]
    Export {
        #[command(flatten)]
        place: Place,
        /// The file; `-` is standard output.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Put a new store, made of what can be read, into the place of a damaged one, which is kept; the service must not run.
    #[command(after_help = examples::STORE_REPAIR)]
    Repair {
        /// The service's configuration: what is sent again is sent to its topics.
        #[arg(long, value_name = "PATH")]
        config: PathBuf,
    },
    /// Copy the store into one file; the service may run.
    #[command(after_help = examples::STORE_BACKUP)]
    Backup {
        #[command(flatten)]
        place: Place,
        /// The file; it must not be there yet.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// Which data folder.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// The service's configuration, which names its data folder.
    #[arg(long, value_name = "PATH", required_unless_present = "data_dir", conflicts_with = "data_dir")]
    config: Option<PathBuf>,
    /// The service's data folder itself.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl Place {
    pub(super) fn folder(self) -> anyhow::Result<PathBuf> {
        match (self.data_dir, self.config) {
            (Some(data_dir), _) => Ok(data_dir),
            (None, Some(config)) => Ok(crate::config::load(&config)?.service.data_dir),
            (None, None) => {
                bail!("name the service's configuration with --config, or its data folder with --data-dir")
            }
        }
    }
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Info { place, json } => {
            let info = store::info(&place.folder()?)?;
            let text = if json { as_json(&info) } else { as_lines(&info) };
            io::stdout().lock().write_all(text.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Check { place } => check(place),
        Command::Export { place, out } => export(place, &out),
        Command::Repair { config } => repair(&config),
        Command::Backup { place, out } => {
            store::back_up(&place.folder()?, &out)?;
            writeln!(io::stdout().lock(), "copied to {} 已备份", out.display())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn check(place: Place) -> anyhow::Result<ExitCode> {
    let found = store::check(&place.folder()?)?;
    let mut out = io::stdout().lock();
    if found.is_empty() {
        writeln!(out, "the store is sound 存储完好")?;
        return Ok(ExitCode::SUCCESS);
    }
    for line in &found {
        writeln!(out, "{line}")?;
    }
    writeln!(
        out,
        "\nthe store is not sound 存储已损坏\n  stop the service, then: lightbar store repair --config ...   makes a new store of what can be read, keeps this one\n  \
         or put the newest copy of data_dir/backups in the place of lightbar.db (and remove lightbar.db-wal, lightbar.db-shm)"
    )?;
    Ok(ExitCode::FAILURE)
}

fn export(place: Place, out: &Path) -> anyhow::Result<ExitCode> {
    let folder = place.folder()?;
    let read = if out.as_os_str() == "-" {
        store::export(&folder, &mut io::stdout().lock())?
    } else {
        let file = File::create_new(out).with_context(|| format!("cannot make {}; name a new file", out.display()))?;
        let mut writer = BufWriter::new(file);
        let read = store::export(&folder, &mut writer)?;
        writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        read
    };
    tell_salvaged(&read)
}

fn repair(config: &std::path::Path) -> anyhow::Result<ExitCode> {
    let settings = crate::config::load(config)?;
    let site = Arc::new(crate::app::site(&settings));
    let done = store::repair(&settings.service.data_dir, site, SystemClock.now())?;
    let mut err = io::stderr().lock();
    writeln!(err, "the damaged store is kept 已保留原存储: {}", done.damaged.display())?;
    if done.sent_again > 0 {
        writeln!(
            err,
            "{} alert changes whose record cannot be read are sent, perhaps again 可能重复发送",
            done.sent_again
        )?;
    }
    drop(err);
    tell_salvaged(&done.tables)?;
    Ok(ExitCode::SUCCESS)
}

/// How much was read; exit status 1 where not all was.
fn tell_salvaged(read: &[(String, Salvaged)]) -> anyhow::Result<ExitCode> {
    // Standard output may be the export itself.
    let mut err = io::stderr().lock();
    for (table, done) in read {
        if done.lost == 0 {
            writeln!(err, "{table:<16} {:>9} rows", done.rows)?;
        } else {
            writeln!(err, "{table:<16} {:>9} rows, {} places could not be read 处无法读取", done.rows, done.lost)?;
        }
    }
    let whole = read.iter().all(|(_, done)| done.lost == 0);
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn as_json(info: &Info) -> String {
    let object = serde_json::json!({
        "version": info.version,
        "epoch": info.epoch,
        "file_bytes": info.file_bytes,
        "used_bytes": info.used_bytes,
        "alerts": info.alerts.0,
        "open_alerts": info.alerts.1,
        "alert_changes": info.changes,
        "records": info.records.0,
        "unsent_records": info.records.1,
        "oldest_unsent": info.oldest_unsent.map(rfc3339),
        "blind_intervals": info.blind,
        "alive_at": info.alive_at.map(rfc3339),
    });
    format!("{object}\n")
}

fn as_lines(info: &Info) -> String {
    let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    let oldest = info.oldest_unsent.map(|at| format!(", the oldest of {}", local(at))).unwrap_or_default();
    let rows = [
        ("version 版本", info.version.to_string()),
        ("epoch 纪元", info.epoch.clone().unwrap_or_else(|| "none yet; the next start makes one".to_owned())),
        ("size 大小", format!("{}, {} in use", mib(info.file_bytes), mib(info.used_bytes))),
        ("alerts 告警", format!("{}, {} open, {} changes", info.alerts.0, info.alerts.1, info.changes)),
        ("outbox 发件箱", format!("{} records, {} unsent{oldest}", info.records.0, info.records.1)),
        ("blind 盲区", format!("{} intervals", info.blind)),
        ("alive 最近运行", info.alive_at.map_or_else(|| "never".to_owned(), local)),
    ];
    rows.map(|(name, value)| format!("{name}: {value}\n")).concat()
}
