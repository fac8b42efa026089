//! `lightbar run`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::app::{App, Signal};
use crate::{config, logging};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Configuration: a TOML file or a folder of them.
    #[arg(long, value_name = "PATH")]
    config: PathBuf,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let settings = config::load(&args.config)?;
    logging::init(&settings.log)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    let done = runtime.block_on(async {
        let signals = listen()?;
        App::build(settings, args.config).await?.run(signals).await
    });
    // Work that hangs (a disk, a name server) must not hold up the end: what matters was drained above.
    runtime.shutdown_background();
    done.map(|()| ExitCode::SUCCESS)
}

/// SIGTERM and SIGINT stop, SIGHUP reloads.
pub(super) fn listen() -> anyhow::Result<mpsc::Receiver<Signal>> {
    let (send, signals) = mpsc::channel(4);
    let kinds = [
        (SignalKind::terminate(), Signal::Stop),
        (SignalKind::interrupt(), Signal::Stop),
        (SignalKind::hangup(), Signal::Reload),
    ];
    for (kind, meaning) in kinds {
        let mut arriving = signal(kind).context("cannot listen to signals")?;
        let send = send.clone();
        tokio::spawn(async move {
            while arriving.recv().await.is_some() {
                if send.send(meaning).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(signals)
}
