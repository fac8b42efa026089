//! `lightbar street`: the demo's street on its own, for training its model and for tests. Not shown in the help.

mod mot;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;

use crate::demo::server::{self, PASSWORD_ENV, ServeOptions};
use crate::domain::time::Timestamp;
use crate::street::expected;
use crate::street::random;
use crate::street::scene::{Painter, Sighting};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Serve the street's cameras over RTSP until standard input ends.
    Serve {
        /// The first of up to three ports; 0 takes free ones.
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// Where encoded streams are kept.
        #[arg(long, default_value = ".cache/street")]
        cache: PathBuf,
    },
    /// Print what happens in one round, one JSON line each.
    Truth {
        /// When a running street's first round began, milliseconds since the epoch.
        #[arg(long, default_value_t = 0)]
        started_at: i64,
        /// For how many seconds.
        #[arg(long, default_value_t = 59.99)]
        seconds: f64,
    },
    /// Write a busy street's truth, and what a poor detector finds of it, in the form of the MOT Challenge.
    Mot(mot::Args),
    /// Write frames of random scenes to standard output (I420), and what is on them to a file, one JSON line each.
    Render(RenderArgs),
}

#[derive(Debug, clap::Args)]
struct RenderArgs {
    /// The first scene.
    #[arg(long)]
    seed: u64,
    /// How many scenes.
    #[arg(long)]
    scenes: u64,
    /// How many frames of each.
    #[arg(long, default_value_t = 4)]
    frames: u32,
    /// Width in pixels, even.
    #[arg(long, default_value_t = 960)]
    width: usize,
    /// Height in pixels, even.
    #[arg(long, default_value_t = 540)]
    height: usize,
    /// Where the truth goes: [[class, left, top, right, bottom, visible], ...] for each frame.
    #[arg(long)]
    labels: PathBuf,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.what {
        What::Serve { port, cache } => {
            let password = std::env::var(PASSWORD_ENV)
                .with_context(|| format!("the guarded camera's password is read from {PASSWORD_ENV}"))?;
            server::serve(&ServeOptions { port, cache, password })?;
        }
        What::Truth { started_at, seconds } => truth(Timestamp::from_millis(started_at), seconds)?,
        What::Mot(args) => mot::run(&args)?,
        What::Render(args) => render(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn truth(started_at: Timestamp, seconds: f64) -> anyhow::Result<()> {
    let until = started_at.plus(std::time::Duration::try_from_secs_f64(seconds).context("--seconds")?);
    let mut out = io::stdout().lock();
    for event in expected::between(started_at, started_at, until) {
        writeln!(out, "{}", event.to_json())?;
    }
    Ok(())
}

fn render(args: &RenderArgs) -> anyhow::Result<()> {
    anyhow::ensure!(
        args.width.is_multiple_of(2) && args.height.is_multiple_of(2),
        "width and height must be even, got {} x {}",
        args.width,
        args.height
    );
    let labels = std::fs::File::create(&args.labels).with_context(|| args.labels.display().to_string())?;
    let (mut labels, mut out) = (BufWriter::new(labels), BufWriter::with_capacity(1 << 22, io::stdout().lock()));
    for seed in args.seed..args.seed + args.scenes {
        let scene = random::scene(seed, args.width, args.height);
        let mut painter = Painter::new(&scene);
        for frame in 0..args.frames {
            let t = 0.2 + frame as f32 * 5.6 / args.frames as f32;
            let seen: Vec<_> = painter.paint(t).iter().map(row).collect();
            out.write_all(&painter.picture(t).bytes)?;
            writeln!(labels, "{}", json!(seen))?;
        }
    }
    out.flush()?;
    labels.flush()?;
    Ok(())
}

fn row(seen: &Sighting) -> [f32; 6] {
    let [left, top, right, bottom] = seen.bbox;
    [seen.class as u8 as f32, left, top, right, bottom, seen.visible]
}
