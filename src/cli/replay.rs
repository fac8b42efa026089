//! `lightbar replay`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::app::replay::Replay;
use crate::config::{self, CameraSettings, Settings};
use crate::domain::ids::CameraId;
use crate::domain::time::Timestamp;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Configuration: a TOML file or a folder of them.
    #[arg(long, value_name = "PATH")]
    config: PathBuf,
    /// The camera that the file stands for; may be left out where there is only one.
    #[arg(long, value_name = "ID")]
    camera: Option<String>,
    /// The video: anything that GStreamer demuxes, H.264 or H.265.
    #[arg(long, value_name = "FILE")]
    video: PathBuf,
    /// Where the alert changes go, a line of JSON each; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// When the first frame was taken (RFC 3339).
    #[arg(long, value_name = "TIME", default_value = "2000-01-01T00:00:00Z")]
    start: jiff::Timestamp,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let settings = config::load(&args.config)?;
    let camera = choose(&settings, args.camera.as_deref())?.clone();
    if !args.video.is_file() {
        bail!("there is no video file {}", args.video.display());
    }
    let start = Timestamp::from_nanos(i64::try_from(args.start.as_nanosecond()).context("--start is out of range")?);
    let replay = Replay { settings, camera, video: args.video, start };
    let bar = ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {msg} ({elapsed})")?);
    let seen = |at: Timestamp| {
        bar.set_message(format!("alerts up to {:.1} s of video", at.seconds_from(start)));
        bar.tick();
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = if args.out == Path::new("-") {
        runtime.block_on(replay.run(&mut std::io::stdout(), seen))?
    } else {
        let file = File::create(&args.out).with_context(|| format!("cannot write {}", args.out.display()))?;
        runtime.block_on(replay.run(&mut BufWriter::new(file), seen))?
    };
    bar.finish_and_clear();
    writeln!(
        std::io::stderr(),
        "{} frames looked at, {} alerts, {} changes written",
        done.frames,
        done.alerts,
        done.changes
    )?;
    Ok(ExitCode::SUCCESS)
}

fn choose<'a>(settings: &'a Settings, id: Option<&str>) -> anyhow::Result<&'a CameraSettings> {
    let known = || settings.cameras.iter().map(|camera| camera.id().as_str()).collect::<Vec<_>>().join(", ");
    match (id, settings.cameras.as_slice()) {
        (Some(id), _) => {
            let wanted = CameraId::parse(id)?;
            settings
                .camera(&wanted)
                .with_context(|| format!("the configuration has no camera {id}; it has: {}", known()))
        }
        (None, [only]) => Ok(only),
        (None, _) => bail!("say which camera the file stands for with --camera; the configuration has: {}", known()),
    }
}
