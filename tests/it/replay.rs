//! `lightbar replay` on real footage: the same bytes each time, from what was seen as from the video; how right it is, by the
//! score itself; and films that are not whole.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::support::footage::footage;

const CAMERAS: &str = r#"
[[camera]]
id = "one-by-one-person-detection"
url = "rtsp://127.0.0.1/room"
fps = 5
[[camera.line]]
id = "door"
points = [[0.7812, 1.0], [0.7812, 0.0]]
[[camera.zone]]
id = "table"
points = [[0.4297, 0.1389], [0.7292, 0.1389], [0.7292, 0.9722], [0.4297, 0.9722]]
[[camera.rule]]
id = "leave"
kind = "line_cross"
line = "door"
direction = "left_to_right"
anchor = "centre"
classes = ["person"]
[[camera.rule]]
id = "stay"
kind = "loitering"
zone = "table"
dwell_s = 15
classes = ["person"]

[[camera]]
id = "bottle-detection"
url = "rtsp://127.0.0.1/table"
fps = 5
[[camera.rule]]
id = "gone"
kind = "object_removed"
labels = ["bottle"]
classes = ["other"]
min_confidence = 0.3
settle_s = 2
gone_s = 1

[[camera]]
id = "worker-zone-detection-preview480"
url = "rtsp://127.0.0.1/works"
fps = 5
[[camera.zone]]
id = "danger"
points = [[0.5208, 0.4741], [0.2188, 1.0], [0.0, 1.0], [0.0, 0.4074]]
[[camera.rule]]
id = "in"
kind = "zone_enter"
zone = "danger"
classes = ["person"]
"#;

/// A folder with a configuration for the shared clips.
fn folder() -> Option<(tempfile::TempDir, PathBuf)> {
    let model = footage("models/yolox_nano_416.onnx")?;
    let dir = tempfile::tempdir().unwrap();
    let head = format!(
        "[service]\nsite = \"test\"\nnode = \"test-1\"\ndata_dir = \"data\"\n[kafka]\nenabled = false\n[inference]\nmodel = \"{}\"\n",
        model.display()
    );
    std::fs::write(dir.path().join("lightbar.toml"), head + CAMERAS).unwrap();
    let videos = footage("videos")?;
    Some((dir, videos))
}

fn lightbar(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lightbar")).current_dir(dir).args(arguments).output().unwrap()
}

fn replay(dir: &Path, arguments: &[&str]) -> Output {
    lightbar(dir, &[&["replay", "--config", "lightbar.toml"], arguments].concat())
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// Line crossings, loitering, removal and entering on the shared clips: as right as the detector lets it be.
#[test]
fn the_shared_clips_are_told_as_the_truth_says_and_replay_to_the_same_bytes() {
    let Some((dir, videos)) = folder() else { return };
    let clips = ["one-by-one-person-detection", "bottle-detection", "worker-zone-detection_preview480"]
        .map(|clip| text(&videos.join(format!("{clip}.mp4"))));
    let given: Vec<&str> = clips.iter().flat_map(|clip| ["--video", clip]).collect();
    let first = replay(
        dir.path(),
        &[&given[..], &["--out", "a.jsonl", "--detections", "seen.jsonl", "--watched", "watched.jsonl"]].concat(),
    );
    assert!(first.status.success(), "{}", said(&first));
    let again = replay(dir.path(), &["--from-detections", "seen.jsonl", "--out", "b.jsonl"]);
    assert!(again.status.success(), "{}", said(&again));
    let bytes = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
    assert!(!bytes("a.jsonl").is_empty());
    assert!(bytes("a.jsonl") == bytes("b.jsonl"), "the detections give other alerts than the videos");
    // The video once more, of one camera: the same lines.
    let third = replay(dir.path(), &["--video", &clips[1], "--camera", "bottle-detection", "--out", "c.jsonl"]);
    assert!(third.status.success(), "{}", said(&third));
    let whole = String::from_utf8(bytes("a.jsonl")).unwrap();
    let of_table: String =
        whole.lines().filter(|l| l.contains("\"id\":\"bottle-detection\"")).flat_map(|l| [l, "\n"]).collect();
    assert!(of_table.as_bytes() == bytes("c.jsonl"), "a second run gives other alerts");

    let truth = text(&footage("events/truth.jsonl").unwrap());
    for (kind, bar) in [("line_cross", 0.95), ("loitering", 0.95), ("object_removed", 0.95), ("zone_enter", 0.95)] {
        let only = ["one-by-one-person-detection", "bottle-detection", "worker-zone-detection_preview480"];
        let only: Vec<&str> = only.iter().flat_map(|video| ["--video", video]).collect();
        let scored = lightbar(
            dir.path(),
            &[
                &["score", "--truth", &truth, "--truth", "watched.jsonl", "--alerts", "a.jsonl", "--kind", kind],
                &only[..],
                &["--json", "-"],
            ]
            .concat(),
        );
        assert!(scored.status.success(), "{}", said(&scored));
        let score: Value = serde_json::from_slice(&scored.stdout).unwrap();
        assert!(score["total"]["events"].as_u64().unwrap() > 0, "{kind}: nothing to tell: {score}");
        assert!(score["total"]["f1"].as_f64().unwrap() >= bar, "{kind}: {score:#}");
    }
}

/// A film that breaks off in the middle is used as far as it goes, and that it breaks off is said.
#[test]
fn a_video_that_ends_in_the_middle_is_used_as_far_as_it_goes() {
    let Some((dir, videos)) = folder() else { return };
    let clip = videos.join("worker-zone-detection_preview480.mp4");
    // A transport stream can be cut anywhere; an MP4's table stands at its end.
    let whole = dir.path().join("whole.ts");
    let launched = Command::new("gst-launch-1.0")
        .arg("-q")
        .arg("filesrc")
        .arg(format!("location={}", clip.display()))
        .args("! qtdemux ! h264parse config-interval=-1 ! mpegtsmux ! filesink".split(' '))
        .arg(format!("location={}", whole.display()))
        .status();
    if !launched.is_ok_and(|status| status.success()) {
        super::support::skipped::skipped("gst-launch-1.0 cannot make a transport stream here");
        return;
    }
    let bytes = std::fs::read(&whole).unwrap();
    std::fs::write(dir.path().join("cut.ts"), &bytes[..bytes.len() / 2]).unwrap();
    let camera = ["--camera", "worker-zone-detection-preview480"];
    let cut = replay(dir.path(), &[&["--video", "cut.ts", "--out", "-"], &camera[..]].concat());
    assert!(cut.status.success(), "{}", said(&cut));
    let frames = |output: &Output| -> u64 {
        let line = said(output).lines().find(|l| l.contains("frames looked at")).unwrap().to_owned();
        line.split(", ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()
    };
    let full = replay(dir.path(), &[&["--video", "whole.ts", "--out", "-"], &camera[..]].concat());
    assert!(frames(&cut) > 5 && frames(&cut) < frames(&full), "{} and {}", frames(&cut), frames(&full));

    std::fs::write(dir.path().join("cut.mp4"), &std::fs::read(&clip).unwrap()[..200]).unwrap();
    let unusable = replay(dir.path(), &[&["--video", "cut.mp4", "--out", "-"], &camera[..]].concat());
    assert_eq!(unusable.status.code(), Some(1));
    assert!(said(&unusable).contains("cannot replay cut.mp4"), "{}", said(&unusable));
}

/// A bare stream says only of its first picture when it is shown: rules that mean seconds cannot use the others, and that is said.
#[test]
fn what_has_no_time_stamps_is_said_with_the_way_out() {
    let Some((dir, videos)) = folder() else { return };
    let clip = videos.join("worker-zone-detection_preview480.mp4");
    let launched = Command::new("gst-launch-1.0")
        .arg("-q")
        .arg("filesrc")
        .arg(format!("location={}", clip.display()))
        .args("! qtdemux ! h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream ! filesink".split(' '))
        .arg(format!("location={}", dir.path().join("bare.h264").display()))
        .status();
    if !launched.is_ok_and(|status| status.success()) {
        super::support::skipped::skipped("gst-launch-1.0 cannot make a bare stream here");
        return;
    }
    let camera = "worker-zone-detection-preview480";
    let bare = replay(dir.path(), &["--video", "bare.h264", "--out", "-", "--camera", camera]);
    let said = said(&bare);
    assert!(
        said.contains("not used whole") && said.contains("have no time stamp") && said.contains("ffmpeg"),
        "{said}"
    );
}

/// Boxes, zones and captions are on the preview, and it plays as long as the video.
#[test]
fn a_preview_is_a_video_of_the_same_length_with_something_drawn_on_it() {
    let Some((dir, videos)) = folder() else { return };
    let clip = text(&videos.join("worker-zone-detection_preview480.mp4"));
    let camera = ["--camera", "worker-zone-detection-preview480"];
    let made =
        replay(dir.path(), &[&["--video", &clip, "--out", "a.jsonl", "--preview", "look.mp4"], &camera[..]].concat());
    assert!(made.status.success(), "{}", said(&made));
    let lasts = |path: &Path| lightbar::camera::duration(path).unwrap().as_secs_f64();
    let (video, preview) = (lasts(Path::new(&clip)), lasts(&dir.path().join("look.mp4")));
    assert!((video - preview).abs() < 0.5, "{video} and {preview}");
}

#[test]
fn what_stands_for_which_camera_is_asked_for_and_a_track_is_explained() {
    let Some((dir, videos)) = folder() else { return };
    let car = text(&videos.join("car-detection.mp4"));
    let unknown = replay(dir.path(), &["--video", &car, "--out", "-"]);
    assert!(said(&unknown).contains("no camera is called car-detection"), "{}", said(&unknown));
    let clip = text(&videos.join("worker-zone-detection_preview480.mp4"));
    let told = replay(dir.path(), &["--video", &clip, "--out", "a.jsonl", "--trace", "all", "--lang", "zh-CN"]);
    assert!(told.status.success(), "{}", said(&told));
    let words = String::from_utf8(told.stdout).unwrap();
    assert!(words.contains("规则 in，第 1 版，区域 danger") && words.contains("确认为 person"), "{words}");
}
