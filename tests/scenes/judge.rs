//! Compares what came with what was expected, and holds every run to the laws of alerts.

use lightbar::domain::alert::{AlertChange, EndReason, Phase};
use lightbar::domain::geometry::CrossingDirection;
use lightbar::domain::time::Timestamp;

use crate::laws::laws;
use crate::script::{Expected, Script, seconds};

/// One alert over its life.
struct Life<'a> {
    opened: &'a AlertChange,
    last: &'a AlertChange,
    updates: usize,
}

/// All that is wrong with the run.
pub(crate) fn judge(script: &Script, changes: &[AlertChange]) -> Vec<String> {
    let mut complaints = laws(changes);
    let mut lives: Vec<Life<'_>> = Vec::new();
    for change in changes {
        match lives.iter_mut().find(|l| l.opened.id == change.id) {
            Some(life) => {
                life.last = change;
                life.updates += usize::from(change.phase == Phase::Updated);
            }
            None => lives.push(Life { opened: change, last: change, updates: 0 }),
        }
    }
    for expected in &script.expected {
        let found = lives.iter().position(|life| mismatch(expected, life).is_none());
        if let Some(index) = found {
            lives.remove(index);
        } else {
            let near = lives.iter().find(|l| l.opened.kind.as_str() == expected.kind);
            let why = near.and_then(|l| mismatch(expected, l).map(|why| format!("; {}: {why}", describe(l))));
            complaints.push(format!("missing: {}{}", expected.text, why.unwrap_or_default()));
        }
    }
    complaints.extend(lives.iter().map(|l| format!("not expected: {}", describe(l))));
    complaints
}

fn mismatch(expected: &Expected, life: &Life<'_>) -> Option<String> {
    let opened = life.opened;
    if opened.kind.as_str() != expected.kind {
        return Some("kind".into());
    }
    expected.fields.iter().find_map(|(key, want)| {
        let got = match key.as_str() {
            "rule" => opened.rule.as_ref().map(|r| r.id.to_string()),
            "class" => opened.objects.first().map(|o| o.class.as_str().to_owned()),
            "end" => Some(life.last.end_reason.map_or("open", reason).to_owned()),
            "direction" => opened.crossing.as_ref().map(|c| direction(c.direction).to_owned()),
            "deliver" => Some(opened.deliver.as_str().to_owned()),
            "status" => Some(format!("{:?}", opened.status)),
            "suppressed" => Some(life.last.count.to_string()),
            "watched" => opened.watched.map(|_| "yes".to_owned()),
            "updates" => Some(life.updates.to_string()),
            "count" => Some(opened.count.to_string()),
            "speed" => {
                let (speed, slack) = want.split_once('~')?;
                let (speed, slack): (f64, f64) = (speed.parse().ok()?, slack.parse().ok()?);
                let got = opened.objects.first().and_then(|o| o.speed);
                let near = got.is_some_and(|got| (got - speed).abs() <= slack);
                return (!near).then(|| format!("speed: wanted {want}, got {got:?}"));
            }
            "started" => return about(want, Some(opened.started_at)).err(),
            "raised" => return about(want, Some(opened.captured_at)).err(),
            "ended" => return about(want, life.last.ended_at).err(),
            other => return Some(format!("unknown key {other:?}")),
        };
        (got.as_deref() != Some(want)).then(|| format!("{key}: wanted {want}, got {got:?}"))
    })
}

fn about(want: &str, got: Option<Timestamp>) -> Result<(), String> {
    let (time, slack) = want.split_once('~').ok_or("a time is wanted as 4s~0.5")?;
    let (time, slack): (f64, f64) = (seconds(time)?, slack.parse().map_err(|_| "not a slack")?);
    let got = got.map(in_scene).ok_or("no such time")?;
    if (got - time).abs() <= slack + 1e-9 { Ok(()) } else { Err(format!("wanted {want}, got {got:.2}s")) }
}

fn in_scene(at: Timestamp) -> f64 {
    (at.as_millis() - 1_700_000_000_000) as f64 / 1000.0
}

fn describe(life: &Life<'_>) -> String {
    let o = life.opened;
    format!(
        "{} rule={} object={:?} started={:.2}s raised={:.2}s ended={:?} end={} updates={}",
        o.kind.as_str(),
        o.rule.as_ref().map_or("-", |r| r.id.as_str()),
        o.objects.first().map(|x| (x.track, x.class.as_str(), [x.bbox.x, x.bbox.y, x.bbox.w, x.bbox.h].map(percent))),
        in_scene(o.started_at),
        in_scene(o.captured_at),
        life.last.ended_at.map(in_scene),
        life.last.end_reason.map_or("open", reason),
        life.updates,
    )
}

fn percent(share: f64) -> i64 {
    (share * 100.0).round() as i64
}

fn direction(way: CrossingDirection) -> &'static str {
    match way {
        CrossingDirection::LeftToRight => "left_to_right",
        CrossingDirection::RightToLeft => "right_to_left",
    }
}

fn reason(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Left => "left",
        EndReason::Timeout => "timeout",
        EndReason::CameraLost => "camera_lost",
        EndReason::Restart => "restart",
        EndReason::RuleChanged => "rule_changed",
        EndReason::Closed => "closed",
    }
}
