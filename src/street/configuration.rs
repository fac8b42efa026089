//! What is watched for, as Lightbar's configuration writes it, and as the service reads that.

use std::time::Duration;

use super::cameras::{DemoCamera, PASSWORD_ENV, USER};
use super::watch::Watch;
use crate::config::{ConfigErrors, scene_from_text};
use crate::domain::scene::SceneConfig;

/// The demo's configuration says so: its camera that goes away is back after ten seconds.
pub const VIDEO_LOSS_AFTER: Duration = Duration::from_secs(3);

/// What the service makes of the camera's zones, lines and rules, by way of its configuration.
pub fn scene(camera: &DemoCamera) -> Result<SceneConfig, ConfigErrors> {
    let mut scene = scene_from_text(&watch_toml(&camera.watch, ""))?;
    scene.sight.video_loss_after = VIDEO_LOSS_AFTER;
    Ok(scene)
}

/// The `[[camera]]` table of a camera that is reached there.
pub fn camera_toml(camera: &DemoCamera, url: &str, sub_url: Option<&str>) -> String {
    let mut text = format!("[[camera]]\nid = {:?}\nname = {:?}\nurl = {url:?}\n", camera.id, camera.name);
    if let Some(sub) = sub_url {
        put(&mut text, &format!("sub_url = {sub:?}"));
    }
    if camera.guarded {
        put(&mut text, &format!("username = {USER:?}\npassword_env = {PASSWORD_ENV:?}"));
    }
    put(&mut text, "purpose = \"system_test\"");
    text + &watch_toml(&camera.watch, "camera.") + "\n"
}

/// What is drawn and watched for; the tables' names begin with `within`.
fn watch_toml(watch: &Watch, within: &str) -> String {
    let mut text = String::new();
    for (word, figures) in [("zone", &watch.zones), ("line", &watch.lines)] {
        for figure in figures {
            let points: Vec<String> = figure.points.iter().map(|p| format!("[{:?}, {:?}]", p[0], p[1])).collect();
            put(&mut text, &format!("\n[[{within}{word}]]\nid = {:?}\nname = {:?}", figure.id, figure.name));
            put(&mut text, &format!("points = [{}]", points.join(", ")));
        }
    }
    for rule in &watch.rules {
        let classes: Vec<String> = rule.classes.iter().map(|c| format!("{:?}", c.as_str())).collect();
        put(&mut text, &format!("\n[[{within}rule]]\nid = {:?}\nkind = {:?}", rule.id, rule.what.kind()));
        put(&mut text, &format!("classes = [{}]\n{}", classes.join(", "), rule.what.to_toml()));
    }
    text
}

fn put(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}
