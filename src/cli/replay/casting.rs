//! Which file stands for which camera.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::config::{CameraSettings, Settings};
use crate::domain::ids::CameraId;
use crate::score::camera_of_video;

/// Endings of files that a folder is searched for.
const VIDEO: &[&str] = &["mp4", "m4v", "mov", "mkv", "webm", "avi", "ts", "mts", "flv", "h264", "h265", "264", "265"];

/// All videos: files as they are given, folders by what is in them, in order of names.
pub(super) fn videos(given: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for path in given {
        if path.is_dir() {
            let entries =
                std::fs::read_dir(path).with_context(|| format!("cannot read the folder {}", path.display()))?;
            let mut found = Vec::new();
            for entry in entries {
                let file = entry.with_context(|| format!("cannot read the folder {}", path.display()))?.path();
                if file.is_file() && is_video(&file) {
                    found.push(file);
                }
            }
            if found.is_empty() {
                bail!("there is no video in the folder {}; wanted are .{}", path.display(), VIDEO.join(", ."));
            }
            found.sort();
            all.extend(found);
        } else if path.is_file() {
            all.push(path.clone());
        } else {
            bail!("there is no video file {}", path.display());
        }
    }
    Ok(all)
}

fn is_video(file: &Path) -> bool {
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    VIDEO.contains(&ending.as_str())
}

/// The camera that a video stands for by its name.
pub(super) fn named(video: &Path) -> String {
    camera_of_video(&video.to_string_lossy())
}

/// Gives each item its camera: the one asked for; the only one, where there is one item; else the one it is named after. Cameras
/// come in the configuration's order, their items in the order given.
pub(super) fn cast<T>(
    settings: &Settings,
    items: Vec<T>,
    asked: Option<&str>,
    name: impl Fn(&T) -> String,
) -> anyhow::Result<Vec<(CameraSettings, Vec<T>)>> {
    let known = || settings.cameras.iter().map(|camera| camera.id().as_str()).collect::<Vec<_>>().join(", ");
    if let Some(asked) = asked {
        let wanted = CameraId::parse(asked)?;
        let camera = settings.camera(&wanted);
        let camera = camera.with_context(|| format!("the configuration has no camera {asked}; it has: {}", known()))?;
        return Ok(vec![(camera.clone(), items)]);
    }
    if let ([only], 1) = (settings.cameras.as_slice(), items.len()) {
        return Ok(vec![(only.clone(), items)]);
    }
    let mut parts: Vec<(CameraSettings, Vec<T>)> = settings.cameras.iter().map(|c| (c.clone(), Vec::new())).collect();
    for item in items {
        let name = name(&item);
        match parts.iter_mut().find(|(camera, _)| camera.id().as_str() == name) {
            Some((_, items)) => items.push(item),
            None => bail!(
                "no camera is called {name}, after which a file is named; say which camera all files stand for with --camera; \
                 the configuration has: {}",
                known()
            ),
        }
    }
    parts.retain(|(_, items)| !items.is_empty());
    Ok(parts)
}
