//! The core's behaviour as data: each `tests/scenes/*.scene` says what happens before a camera and which alerts must come of
//! it, no more and no fewer, at each frame rate it names. The form is described in `tests/scenes/script.rs`.
//!
//! `LIGHTBAR_SCENES=DIR cargo test --no-default-features --test scenes` plays other scenes, such as detections of a real clip.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a test crate")]

#[path = "scenes/conduct.rs"]
mod conduct;
#[path = "scenes/script.rs"]
mod script;
#[path = "scenes/play.rs"]
mod play;
#[path = "scenes/laws.rs"]
mod laws;
#[path = "scenes/judge.rs"]
mod judge;
#[path = "scenes/picture.rs"]
mod picture;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use lightbar::domain::alert::AlertChange;
use lightbar::domain::time::Timestamp;
use script::Script;

fn scene_files() -> Vec<PathBuf> {
    let folder = std::env::var_os("LIGHTBAR_SCENES")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenes")), PathBuf::from);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<PathBuf> =
        entries.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "scene")).collect();
    files.sort();
    files
}

#[test]
fn every_scene_gives_the_alerts_it_expects() {
    let files = scene_files();
    assert!(!files.is_empty(), "no scenes found");
    let (mut failures, mut runs) = (String::new(), 0);
    for file in &files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(file).unwrap();
        let script = Script::parse(&text).unwrap_or_else(|e| panic!("{name}.scene: {e}"));
        for &fps in &script.fps {
            for seed in 0..script.seeds {
                runs += 1;
                let changes = play::play(&script, fps, seed, 0);
                for complaint in judge::judge(&script, &changes) {
                    writeln!(failures, "{name} at {fps} fps, seed {seed}: {complaint}").unwrap();
                }
            }
        }
    }
    println!("{} scenes, {runs} runs", files.len());
    assert!(failures.is_empty(), "\n{failures}");
}

#[test]
fn a_scene_moved_in_time_gives_the_same_alerts_at_other_times() {
    for file in scene_files() {
        let script = Script::parse(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let fps = script.fps[0];
        let outline = |shift_ms: i64| -> Vec<_> {
            let changes = play::play(&script, fps, 0, shift_ms);
            let moved = |at: Timestamp| at.as_nanos() - shift_ms * 1_000_000;
            let times = |c: &AlertChange| (moved(c.started_at), moved(c.captured_at), c.ended_at.map(moved));
            changes.iter().map(|c| (c.kind, c.revision, c.phase, times(c))).collect()
        };
        assert_eq!(outline(0), outline(86_400_000 * 400), "{}", file.display());
        assert_eq!(outline(0), outline(-7_200_000), "{}", file.display());
    }
}

#[test]
fn a_scene_played_twice_gives_the_very_same_alerts() {
    for file in scene_files() {
        let script = Script::parse(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let fps = script.fps[0];
        assert_eq!(play::play(&script, fps, 0, 0), play::play(&script, fps, 0, 0), "{}", file.display());
    }
}

#[test]
fn every_kind_has_its_picture_in_the_docs() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/img/rules"));
    let (mut kinds, mut drawn) = (BTreeSet::new(), BTreeSet::new());
    for file in scene_files() {
        let script = Script::parse(&std::fs::read_to_string(&file).unwrap()).unwrap();
        kinds.extend(script.config.rules.iter().map(|rule| rule.spec.kind().as_str()));
        if !script.picture {
            continue;
        }
        let kind = script.config.rules[0].spec.kind().as_str();
        assert!(drawn.insert(kind), "two scenes are the picture of {kind}");
        let (path, picture) = (folder.join(format!("{kind}.svg")), picture::draw(&script));
        if std::env::var_os("LIGHTBAR_UPDATE_DOCS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &picture).unwrap();
        }
        let shown = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(
            shown == picture,
            "{} is not what {} looks like; draw it anew: LIGHTBAR_UPDATE_DOCS=1 cargo test --no-default-features --test scenes picture",
            path.display(),
            file.display()
        );
    }
    if std::env::var_os("LIGHTBAR_SCENES").is_none() {
        assert_eq!(kinds, drawn, "each kind that scenes play wants one scene with `picture`");
    }
}
