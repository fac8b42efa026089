//! `lightbar track`: MOT Challenge detections in, tracks out, with the service's own tracker.
//!
//! Made for measuring the tracker side by side with others. What a track's box is on a frame is what the detector gave; frames
//! that a track was not seen on are left out. Works offline, so the frames before a track was confirmed are written too, unless
//! told otherwise.

mod mot;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use self::mot::{Form, MotSize, Row, Scores};
use crate::domain::detection::ObjectClass;
use crate::domain::ids::TrackId;
use crate::domain::time::Timestamp;
use crate::domain::tracking::{Tracker, TrackerConfig};

const EXAMPLES: &str = "\
Examples:
  lightbar track --detections MOT17-02/det/det.txt --size 1920x1080 --fps 30 --out MOT17-02.txt
  lightbar track --detections dpm.txt --size 1920x1080 --fps 30 --scores logistic --out tracks.txt
  lightbar track --detections street.det --size 960x540 --fps 5 --classes person,bicycle,motorcycle,car --out tracks.txt

Input, one detection per line, frames counted from 1, pixels, in any order, gaps allowed; # begins a comment:
  frame,id,left,top,width,height,confidence[,class|x,y,z]      id is ignored, class is read with --classes
Output, by frame and track:
  frame,track,left,top,width,height,confidence,-1,-1,-1";

/// Arguments of `lightbar track`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// MOT Challenge detections (det.txt)
    #[arg(long, value_name = "FILE")]
    detections: PathBuf,
    /// Size of the pictures in pixels, e.g. 1920x1080
    #[arg(long, value_name = "WxH")]
    size: MotSize,
    /// Frames per second of the numbered frames
    #[arg(long, value_parser = parse_fps)]
    fps: f64,
    /// Where to write the tracks
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// What the confidences are: 0..1, or a detector's raw scores to be squeezed into it
    #[arg(long, value_enum, default_value_t = Scores::Unit)]
    scores: Scores,
    /// What the numbers in field 8 mean, from 1 on (person,bicycle,car,...); without it everything is a person
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = parse_class)]
    classes: Vec<ObjectClass>,
    /// Leave out lines that cannot be used instead of refusing the file
    #[arg(long)]
    skip_bad: bool,
    /// Write only what was known at each frame: nothing of a track before it was confirmed
    #[arg(long)]
    online: bool,
    /// Detections at least so sure may begin a track
    #[arg(long, default_value_t = TrackerConfig::default().confirm_confidence)]
    confirm: f32,
    /// Detections at least so sure may continue one
    #[arg(long, default_value_t = TrackerConfig::default().keep_confidence)]
    keep: f32,
    /// A moving track unseen for so many seconds is over
    #[arg(long, default_value_t = TrackerConfig::default().lost_after.as_secs_f64(), value_parser = parse_seconds)]
    lost_after: f64,
}

fn parse_fps(text: &str) -> Result<f64, String> {
    let fps: f64 = text.parse().map_err(|_| format!("wanted frames per second such as 25, got {text:?}"))?;
    if (0.1..=1000.0).contains(&fps) {
        Ok(fps)
    } else {
        Err(format!("wanted 0.1 to 1000 frames per second, got {text}"))
    }
}

fn parse_class(name: &str) -> Result<ObjectClass, String> {
    ObjectClass::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = ObjectClass::ALL.iter().map(|class| class.as_str()).collect();
        format!("wanted one of {}, got {name:?}", known.join(", "))
    })
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("wanted seconds such as 2, got {text:?}"))?;
    if (0.0..=3600.0).contains(&seconds) { Ok(seconds) } else { Err(format!("wanted 0 to 3600 seconds, got {text}")) }
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let name = args.detections.display();
    let text = fs::read_to_string(&args.detections).with_context(|| format!("reading detections from {name}"))?;
    let (frames, bad) = mot::parse(&text, &Form { size: args.size, scores: args.scores, classes: args.classes });
    match bad {
        Some(bad) if args.skip_bad => tracing::warn!("{} lines of {name} were left out:\n{bad}", bad.lines),
        Some(bad) => {
            return Err(bad)
                .with_context(|| format!("reading detections from {name} (--skip-bad uses the other lines)"));
        }
        None => {}
    }
    let config = TrackerConfig {
        confirm_confidence: args.confirm,
        keep_confidence: args.keep,
        lost_after: Duration::from_secs_f64(args.lost_after),
    };
    let rows = track(&frames, config, args.fps, args.online);
    fs::write(&args.out, mot::write(&rows, args.size))
        .with_context(|| format!("writing tracks to {}", args.out.display()))?;
    let tracks: BTreeSet<u64> = rows.iter().map(|row| row.track).collect();
    let last = frames.keys().next_back().copied().unwrap_or(0);
    tracing::info!(frames = last, tracks = tracks.len(), rows = rows.len(), out = %args.out.display(), "tracked");
    Ok(ExitCode::SUCCESS)
}

/// Runs the tracker over all frames up to the last one that has a detection.
fn track(frames: &mot::Frames, config: TrackerConfig, fps: f64, online: bool) -> Vec<Row> {
    let mut tracker = Tracker::new(config);
    let mut rows = Vec::new();
    let mut confirmed: BTreeSet<TrackId> = BTreeSet::new();
    for frame in 1..=frames.keys().next_back().copied().unwrap_or(0) {
        let at = Timestamp::from_nanos((f64::from(frame) / fps * 1e9) as i64);
        let detections = frames.get(&frame).map_or(&[][..], Vec::as_slice);
        tracker.observe(at, Duration::from_secs_f64(1.0 / fps), detections);
        for track in tracker.tracks().iter().filter(|t| t.is_seen_now()) {
            if track.is_confirmed() {
                confirmed.insert(track.id());
            }
            if track.is_confirmed() || !online {
                rows.push(Row { frame, track: track.id().0, bbox: track.measured(), confidence: track.confidence() });
            }
        }
    }
    rows.retain(|row| confirmed.contains(&TrackId(row.track)));
    rows.sort_by_key(|row| (row.frame, row.track));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(folder: &std::path::Path, detections: &str) -> Args {
        let input = folder.join("det.txt");
        fs::write(&input, detections).unwrap();
        Args {
            detections: input,
            size: "1920x1080".parse().unwrap(),
            fps: 25.0,
            out: folder.join("tracks.txt"),
            scores: Scores::Unit,
            classes: Vec::new(),
            skip_bad: false,
            online: false,
            confirm: 0.4,
            keep: 0.1,
            lost_after: 2.0,
        }
    }

    #[test]
    fn two_who_pass_each_other_keep_their_numbers_over_a_gap() {
        use std::fmt::Write as _;
        let folder = tempfile::tempdir().unwrap();
        let mut text = String::new();
        for frame in (1..=100).filter(|f| !(45..=52).contains(f)) {
            writeln!(text, "{frame},-1,{},300,60,200,0.9,-1,-1,-1", 100 + frame * 8).unwrap();
            writeln!(text, "{frame},-1,{},420,60,200,0.8", 900 - frame * 8).unwrap();
        }
        run(args(folder.path(), &text)).unwrap();
        let tracks = fs::read_to_string(folder.path().join("tracks.txt")).unwrap();
        let of = |frame: &str, top: &str| -> Vec<String> {
            tracks
                .lines()
                .map(|l| l.split(',').collect::<Vec<_>>())
                .filter(|c| c[0] == frame && c[3].starts_with(top))
                .map(|c| c[1].to_owned())
                .collect()
        };
        assert_eq!(of("1", "300").len(), 1, "the first frame is written although the track was confirmed later");
        assert_eq!(of("1", "300"), of("100", "300"));
        assert_eq!(of("1", "420"), of("100", "420"));
        assert!(of("48", "300").is_empty(), "nothing is made up where nothing was seen");
    }

    #[test]
    fn a_bad_line_leaves_no_output_unless_it_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let text = "1,-1,10,10,0,20,0.9\n1,-1,10,10,20,20,0.9\n9,-1,10,10,20,20,0.9\n";
        let error = run(args(folder.path(), text)).unwrap_err();
        assert!(format!("{error:#}").contains("line 1: width (field 5)"), "{error:#}");
        assert!(!folder.path().join("tracks.txt").exists());
        run(Args { skip_bad: true, ..args(folder.path(), text) }).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("tracks.txt")).unwrap().lines().count(), 2);
    }

    #[test]
    fn online_says_nothing_before_it_is_sure() {
        let folder = tempfile::tempdir().unwrap();
        let text = (1..=20).map(|frame| format!("{frame},-1,10,10,20,20,0.9\n")).collect::<Vec<_>>().concat();
        run(Args { online: true, ..args(folder.path(), &text) }).unwrap();
        let tracks = fs::read_to_string(folder.path().join("tracks.txt")).unwrap();
        assert!(!tracks.starts_with("1,") && tracks.contains("\n20,1,"), "{tracks}");
    }
}
