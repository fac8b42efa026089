//! `lightbar replay`: recordings through the line, faster than real time.

mod casting;
mod bar;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};

use super::explain::tongue;
use super::score::REPLAY_START;
use crate::app::replay::{Film, Reel, Replay, Replayed, recording};
use crate::config::{self, Settings};
use crate::contract::explanation_text::{lines, track_lines};
use crate::contract::explanation_v1::TrackStory;
use crate::contract::time::{parse_rfc3339, rfc3339};
use crate::domain::ids::{AlertId, TrackId};
use crate::domain::time::Timestamp;
use bar::Bar;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Configuration: a TOML file or a folder of them.
    #[arg(long, value_name = "PATH")]
    config: PathBuf,
    /// The camera that all files stand for, one after the other. Without it each file stands for the camera that it is named
    /// after; one file alone, for the only camera.
    #[arg(long, value_name = "ID")]
    camera: Option<String>,
    /// A video, or a folder of them: anything that GStreamer demuxes, H.264 or H.265. May be given more than once.
    #[arg(long, value_name = "PATH", required_unless_present = "from_detections")]
    video: Vec<PathBuf>,
    /// Replay what a detector saw (written by --detections) instead of videos: no decoding, no model.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["video", "model", "fps", "detections"])]
    from_detections: Option<PathBuf>,
    /// Where the alert changes go, a line of JSON each; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write down what the detector sees, for --from-detections.
    #[arg(long, value_name = "FILE")]
    detections: Option<PathBuf>,
    /// Write down which times were looked at, as lines of a truth for `lightbar score`.
    #[arg(long, value_name = "FILE")]
    watched: Option<PathBuf>,
    /// When the first frame was taken (RFC 3339) [default: 2000-01-01T00:00:00Z, or as recorded].
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    start: Option<Timestamp>,
    /// Frames looked at per second, instead of the configuration's.
    #[arg(long, value_name = "N", value_parser = parse_fps)]
    fps: Option<f64>,
    /// The model, instead of the configuration's: a model.toml or an .onnx.
    #[arg(long, value_name = "PATH")]
    model: Option<PathBuf>,
    /// Draw boxes, tracks, zones, lines and alerts on the one video: an MP4 on this machine, to look at.
    #[arg(long, value_name = "FILE.mp4", conflicts_with = "from_detections")]
    preview: Option<PathBuf>,
    /// Explain what mattered to a track (its number), to an alert (its id) or to all alerts (`all`).
    #[arg(long, value_name = "TRACK|ALERT|all", value_parser = parse_trace)]
    trace: Option<Wanted>,
    /// Language of the explanation: zh-CN or en [default: by LANG].
    #[arg(long, value_name = "LANG", value_parser = ["zh-CN", "en"])]
    lang: Option<String>,
}

/// What is to be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Track(TrackId),
    Alert(AlertId),
    All,
}

#[expect(clippy::needless_pass_by_value, reason = "each command takes its arguments whole")]
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut settings = config::load(&args.config)?;
    if let Some(model) = &args.model {
        settings.inference.model = Some(model.clone());
    }
    let (mut reels, recorded_start) = reels(&args, &settings)?;
    for reel in &mut reels {
        reel.camera.stream.fps = args.fps.unwrap_or(reel.camera.stream.fps);
    }
    let default = parse_rfc3339(REPLAY_START).context("the default start is no time")?;
    let start = args.start.or(recorded_start).unwrap_or(default);
    let trace = match args.trace {
        Some(Wanted::Track(track)) => Some(track),
        _ => None,
    };
    let videos: usize =
        reels.iter().map(|reel| if let Film::Videos(videos) = &reel.film { videos.len() } else { 0 }).sum();
    if args.preview.is_some() && videos != 1 {
        bail!("--preview draws on one video; --video gives {videos}");
    }
    let bar = Bar::new(&reels)?;
    let (record, preview) = (args.detections.clone(), args.preview.clone());
    let replay = Replay { settings, reels, start, record, preview, trace };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let began = std::time::Duration::from_secs_f64(bar.elapsed_s());
    let done = if args.out == Path::new("-") {
        runtime.block_on(replay.run(&mut std::io::stdout(), bar.listener()))?
    } else {
        let file = File::create(&args.out).with_context(|| format!("cannot write {}", args.out.display()))?;
        runtime.block_on(replay.run(&mut BufWriter::new(file), bar.listener()))?
    };
    let took = Duration::from_secs_f64(bar.elapsed_s()).saturating_sub(began);
    bar.finish();
    if let Some(path) = &args.watched {
        write_watched(path, &done)?;
    }
    if let Some(wanted) = args.trace {
        explain(&args, wanted, &done)?;
    }
    summary(&done, took)?;
    Ok(ExitCode::SUCCESS)
}

fn reels(args: &Args, settings: &Settings) -> anyhow::Result<(Vec<Reel>, Option<Timestamp>)> {
    let Some(path) = &args.from_detections else {
        let videos = casting::videos(&args.video)?;
        let cast = casting::cast(settings, videos, args.camera.as_deref(), |video| casting::named(video))?;
        return Ok((
            cast.into_iter().map(|(camera, videos)| Reel { camera, film: Film::Videos(videos) }).collect(),
            None,
        ));
    };
    let sections = recording::sections(path)?;
    let start = sections.first().and_then(|section| parse_rfc3339(&section.header.start));
    let cast = casting::cast(settings, sections, args.camera.as_deref(), |section| section.header.camera.clone())?;
    Ok((cast.into_iter().map(|(camera, sections)| Reel { camera, film: Film::Detections(sections) }).collect(), start))
}

fn write_watched(path: &Path, done: &[Replayed]) -> anyhow::Result<()> {
    let mut text = String::new();
    for reel in done {
        if let Some((from, until)) = reel.watched {
            let line = serde_json::json!({ "camera": reel.camera, "watched": [rfc3339(from), rfc3339(until)] });
            text.extend([format!("{line}\n")]);
        }
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn explain(args: &Args, wanted: Wanted, done: &[Replayed]) -> anyhow::Result<()> {
    let tongue = tongue(args.lang.as_deref());
    let mut text = Vec::new();
    for reel in done {
        if let Some(trail) = &reel.trail {
            text.push(format!("{}:", reel.camera));
            text.extend(track_lines(&TrackStory::from(trail), tongue));
        }
        // The last word on each alert; an alert is explained when it opens and again when it ends.
        for (index, explanation) in reel.explanations.iter().enumerate() {
            let is_last = reel.explanations[index + 1..].iter().all(|later| later.alert_id != explanation.alert_id);
            let is_wanted = match wanted {
                Wanted::All => true,
                Wanted::Alert(id) => explanation.alert_id == id.to_string(),
                Wanted::Track(_) => false,
            };
            if is_last && is_wanted {
                text.extend(lines(explanation, tongue));
                text.push(String::new());
            }
        }
    }
    if text.is_empty() {
        let what = match wanted {
            Wanted::Track(track) => format!("no track {track} was confirmed"),
            Wanted::Alert(id) => format!("no alert {id} was raised"),
            Wanted::All => "no alert was raised".to_owned(),
        };
        writeln!(std::io::stderr(), "--trace: {what}")?;
        return Ok(());
    }
    let text = text.join("\n") + "\n";
    if args.out == Path::new("-") {
        std::io::stderr().write_all(text.as_bytes())?;
    } else {
        std::io::stdout().write_all(text.as_bytes())?;
    }
    Ok(())
}

fn summary(done: &[Replayed], took: Duration) -> anyhow::Result<()> {
    let mut stderr = std::io::stderr().lock();
    let mut media_s = 0.0;
    for reel in done {
        let seconds = reel.watched.map_or(0.0, |(from, until)| until.seconds_from(from));
        media_s += seconds;
        writeln!(
            stderr,
            "{}: {seconds:.1} s, {} frames looked at, {} alerts, {} changes written",
            reel.camera, reel.frames, reel.alerts, reel.changes
        )?;
        for remark in &reel.remarks {
            writeln!(stderr, "  {remark}")?;
        }
    }
    writeln!(
        stderr,
        "{media_s:.1} s in {:.1} s: {:.1} x real time",
        took.as_secs_f64(),
        media_s / took.as_secs_f64().max(1e-3)
    )?;
    if done.iter().all(|reel| reel.frames == 0) {
        bail!("no frame could be looked at");
    }
    Ok(())
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    parse_rfc3339(text).ok_or_else(|| format!("wanted a time such as 2026-03-01T08:15:30Z, got {text:?}"))
}

fn parse_fps(text: &str) -> Result<f64, String> {
    let fps = text.parse::<f64>().ok().filter(|fps| (0.1..=60.0).contains(fps));
    fps.ok_or_else(|| format!("wanted 0.1 to 60 frames per second, got {text:?}"))
}

fn parse_trace(text: &str) -> Result<Wanted, String> {
    if text == "all" {
        return Ok(Wanted::All);
    }
    let track = text.trim_start_matches('t').parse().ok().map(|number| Wanted::Track(TrackId(number)));
    track.or_else(|| AlertId::parse(text).map(Wanted::Alert)).ok_or_else(|| {
        format!("wanted a track's number such as t7, an alert's id such as 00dc6acf-ac00-7b1c-8d2e-3f4a5b6c7d8e, or all; got {text:?}")
    })
}
