//! Plays a script before a scene.

use lightbar::domain::alert::{AlertChange, EndReason};
use lightbar::domain::arming::WatchedThing;
use lightbar::domain::baseline::Baseline;
use lightbar::domain::detection::{Confidence, Detection};
use lightbar::domain::geometry::BBox;
use lightbar::domain::ids::IdSeed;
use lightbar::domain::scene::{Observation, Scene, SceneConfig};
use lightbar::domain::time::Timestamp;

use crate::script::{Act, Actor, Script, Shot, Span};

pub(crate) const EPOCH_MS: i64 = 1_700_000_000_000;

/// All alert changes of the script, played at `fps` with noise number `seed`, all times moved by `shift_ms`.
pub(crate) fn play(script: &Script, fps: f64, seed: u64, shift_ms: i64) -> Vec<AlertChange> {
    play_before(script, fps, (seed, shift_ms), &mut |_, _| {})
}

/// As [`play`], with someone who sees the scene after each moment.
pub(crate) fn play_before(
    script: &Script,
    fps: f64,
    (seed, shift_ms): (u64, i64),
    witness: &mut dyn FnMut(f64, &Scene),
) -> Vec<AlertChange> {
    let mut rng = fastrand::Rng::with_seed(seed.wrapping_mul(7919).wrapping_add(fps as u64));
    let stamp = |t: f64| Timestamp::from_millis(EPOCH_MS + shift_ms + (t * 1000.0).round() as i64);
    let config = config(script, stamp);
    let mut scene = Scene::new(config.clone(), IdSeed::from_texts(&["scene"]), Baseline::default());
    let mut orders = Vec::new();
    let mut changes = Vec::new();
    let mut acts = script.acts.clone();
    let mut glimpses = script.glimpses.clone();
    for t in moments(script, fps) {
        while acts.first().is_some_and(|(at, _)| *at <= t) {
            let (at, act) = acts.remove(0);
            match act {
                Act::Drop(rule) => {
                    let mut config = config.clone();
                    config.rules.retain(|r| r.id.as_str() != rule);
                    changes.extend(scene.reconfigure(config, stamp(at)));
                }
                Act::End(reason) => changes.extend(scene.end_all(stamp(at), reason)),
                Act::Restart => {
                    changes.extend(scene.end_all(stamp(at), EndReason::Restart));
                    let ids = IdSeed::from_texts(&["scene", &at.to_string()]);
                    scene = Scene::new(config.clone(), ids, scene.baseline());
                    scene.order(orders.clone());
                }
                Act::Order(order) => {
                    orders.push(order.order(stamp));
                    scene.order(orders.clone());
                }
                Act::Watch(class, bbox) => scene.watch_over(vec![WatchedThing { id: 1, class, bbox }]),
            }
        }
        let span = script.spans.iter().find(|(from, to, _)| (*from..*to).contains(&t)).map(|s| s.2);
        changes.extend(match span {
            Some(Span::Blind(cause)) => scene.observe(stamp(t), Observation::Blind { cause }),
            Some(Span::Silence) => scene.tick(stamp(t)),
            Some(Span::Off) => Vec::new(),
            Some(Span::Unchanged) => scene.observe(stamp(t), Observation::LookedUnchanged),
            None => {
                let mut detections = seen(script, t, &mut rng);
                while glimpses.first().is_some_and(|g| g.at <= t) {
                    detections.push(detection(&glimpses.remove(0)));
                }
                if let Some(shots) = script.recorded.get(&((t * 1000.0).round() as u64)) {
                    detections.extend(shots.iter().map(detection));
                }
                scene.observe(stamp(t), Observation::Analysed { detections: &detections, luma: None })
            }
        });
        witness(t, &scene);
    }
    changes
}

fn moments(script: &Script, fps: f64) -> Vec<f64> {
    if script.recorded.is_empty() {
        (0..=(script.until * fps) as u32).map(|i| f64::from(i) / fps).collect()
    } else {
        script.recorded.keys().map(|ms| *ms as f64 / 1000.0).collect()
    }
}

/// The script's scene, its hours moved to where it is played.
fn config(script: &Script, stamp: impl Fn(f64) -> Timestamp + Copy) -> SceneConfig {
    let mut config = script.config.clone();
    for (rule, hours) in config.rules.iter_mut().zip(&script.hours) {
        rule.conduct.hours = hours.hours.as_ref().map(|hours| hours.shared(stamp));
        rule.conduct.armed = hours.armed.as_ref().map(|hours| hours.shared(stamp));
    }
    config
}

fn detection(shot: &Shot) -> Detection {
    Detection {
        bbox: shot.bbox,
        class: shot.class,
        label: shot.label.clone(),
        confidence: Confidence::clamped(shot.confidence),
    }
}

fn seen(script: &Script, t: f64, rng: &mut fastrand::Rng) -> Vec<Detection> {
    let boxes: Vec<Option<BBox>> = script.objects.iter().map(|o| place(o, t)).collect();
    let mut detections = Vec::new();
    for (actor, bbox) in script.objects.iter().zip(&boxes) {
        // The same numbers are drawn whether or not it is seen, so that one change does not change all noise.
        let draws: [f64; 7] = std::array::from_fn(|_| rng.f64());
        let Some(bbox) = bbox else { continue };
        let covered = actor.behind.iter().any(|name| {
            let other = script.objects.iter().position(|o| o.name == *name).and_then(|i| boxes[i]);
            other.is_some_and(|other| bbox.intersection(&other) >= 0.5 * bbox.area())
        });
        let hidden =
            covered || actor.hidden.iter().any(|(from, to)| (*from..*to).contains(&t)) || draws[4] < actor.miss;
        if hidden {
            continue;
        }
        let confidence =
            actor.weak.iter().find(|(from, to, _)| (*from..*to).contains(&t)).map_or(actor.confidence, |w| w.2);
        let aliased = actor.alias.filter(|(_, share)| draws[5] < *share);
        detections.push(Detection {
            bbox: tremble(bbox, script.noise, &draws),
            class: aliased.map_or(actor.class, |a| a.0),
            label: actor.label.clone(),
            confidence: Confidence::clamped(confidence),
        });
    }
    detections
}

fn tremble(bbox: &BBox, noise: f64, draws: &[f64; 7]) -> BBox {
    // The sum of two even draws is near enough to a bell.
    let bell = |i: usize| (draws[i] + draws[(i + 1) % 7] - 1.0) * 2.45 * noise;
    let (w, h) = (bbox.w * (1.0 + bell(2)), bbox.h * (1.0 + bell(3)));
    let c = bbox.centre();
    BBox::new(c.x + bell(0) * bbox.w - w / 2.0, c.y + bell(1) * bbox.h - h / 2.0, w, h)
}

fn place(actor: &Actor, t: f64) -> Option<BBox> {
    let (first, last) = (actor.keys.first()?, actor.keys.last()?);
    if t < first.0 || t > last.0 && !actor.stays {
        return None;
    }
    let after = actor.keys.iter().position(|k| k.0 >= t).unwrap_or(actor.keys.len() - 1);
    let (a, b) = (actor.keys[after.saturating_sub(1)], actor.keys[after]);
    let share = if b.0 > a.0 { ((t - a.0) / (b.0 - a.0)).clamp(0.0, 1.0) } else { 1.0 };
    let [x, y, w, h] = std::array::from_fn(|i| a.1[i] + share * (b.1[i] - a.1[i]));
    Some(BBox::new(x - w / 2.0, y - h, w, h))
}
