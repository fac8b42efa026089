//! `lightbar drill`: the service with a scripted source instead of cameras, and a journal of what was committed. Not shown in the
//! help; for fault plans and measurements ([docs/delivery.md](../../docs/delivery.md)).

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use super::run::listen;
use crate::app::drill::Drill;
use crate::{config, logging};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  lightbar drill --config drill.toml --journal committed.txt --rate 500 --seed 7")]
pub(super) struct Args {
    /// Configuration: a TOML file or a folder of them; without cameras.
    #[arg(long, value_name = "PATH")]
    config: PathBuf,
    /// Where each committed change is written down: row, alert and revision, channel.
    #[arg(long, value_name = "FILE")]
    journal: PathBuf,
    /// Alert changes per second; 0 only sends what is left.
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// What the changes are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Stop after so many seconds.
    #[arg(long)]
    seconds: Option<f64>,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let settings = config::load(&args.config)?;
    anyhow::ensure!(
        settings.cameras.is_empty(),
        "a drill has no cameras of its own; leave them out of {}",
        args.config.display()
    );
    logging::init(&settings.log)?;
    let run_for = args.seconds.map(Duration::try_from_secs_f64).transpose().context("--seconds")?;
    let drill = Drill { source: args.config, journal: args.journal, per_second: args.rate, seed: args.seed, run_for };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    let done = runtime.block_on(async { drill.run(settings, listen()?).await });
    runtime.shutdown_background();
    writeln!(std::io::stdout(), "{} changes were handed to the line", done?)?;
    Ok(ExitCode::SUCCESS)
}
