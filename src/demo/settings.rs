//! The street's cameras as Lightbar's configuration writes them.

use std::fmt::Write as _;

use super::child::Ready;
use super::server::{PASSWORD_ENV, USER};
use super::street::cameras;
use super::street::watch::{Figure, WatchRule, What};

/// The `[[camera]]` tables of a served street; the rest of the configuration is whose who starts the service.
pub fn config_toml(ready: &Ready) -> String {
    let mut out = String::new();
    for camera in cameras::all() {
        let Some(served) = ready.cameras.iter().find(|c| c.id == camera.id) else { continue };
        let mut text = format!("[[camera]]\nid = {:?}\nname = {:?}\nurl = {:?}\n", camera.id, camera.name, served.url);
        if let Some(sub) = &served.sub_url {
            put(&mut text, &format!("sub_url = {sub:?}"));
        }
        if camera.guarded {
            put(&mut text, &format!("username = {USER:?}\npassword_env = {PASSWORD_ENV:?}"));
        }
        put(&mut text, "purpose = \"system_test\"");
        for (word, figures) in [("zone", &camera.watch.zones), ("line", &camera.watch.lines)] {
            for drawn in figures {
                figure(&mut text, word, drawn);
            }
        }
        for watched in &camera.watch.rules {
            rule(&mut text, watched);
        }
        text.push('\n');
        out.push_str(&text);
    }
    out
}

fn put(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

fn figure(out: &mut String, word: &str, figure: &Figure) {
    let points: Vec<String> = figure.points.iter().map(|p| format!("[{:?}, {:?}]", p[0], p[1])).collect();
    write!(
        out,
        "\n[[camera.{word}]]\nid = {:?}\nname = {:?}\npoints = [{}]\n",
        figure.id,
        figure.name,
        points.join(", ")
    )
    .expect("writing to a string does not fail");
}

fn rule(out: &mut String, rule: &WatchRule) {
    let classes: Vec<String> = rule.classes.iter().map(|c| format!("{:?}", c.as_str())).collect();
    let what = match rule.what {
        What::LineCross { line, left_to_right } => {
            format!("line = {line:?}\ndirection = {:?}", if left_to_right { "left_to_right" } else { "right_to_left" })
        }
        What::ZoneEnter { zone } | What::ZoneExit { zone } => format!("zone = {zone:?}"),
        What::Loitering { zone, dwell_s } => format!("zone = {zone:?}\ndwell_s = {dwell_s:?}"),
        What::ObjectRemoved { zone, settle_s, gone_s } => {
            // Mostly the owner, so rules of this kind only record where nothing is said; the street's thieves are alerts.
            format!("zone = {zone:?}\nsettle_s = {settle_s:?}\ngone_s = {gone_s:?}\ndeliver = \"alert\"")
        }
    };
    write!(
        out,
        "\n[[camera.rule]]\nid = {:?}\nkind = {:?}\nclasses = [{}]\n{what}\n",
        rule.id,
        rule.what.kind(),
        classes.join(", ")
    )
    .expect("writing to a string does not fail");
}
