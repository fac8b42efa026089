//! What happens in front of a camera, as the rules ought to see it: computed from the actors' outlines, never typed in.
//!
//! Independent of the service's own geometry and rules, since it judges them. `trail` is where an actor is and how it moves,
//! `happenings` what that means for each kind of rule. What a slightly different look would see otherwise (somebody steps on the
//! border of a zone, stays about as long as is too long) is true and yet no fair question: it is marked as doubtful. So is what
//! begins where nobody can see it (`eyes`).

mod trail;
mod happenings;
mod eyes;

use super::actor::Class;
use super::cameras::DemoCamera;
use super::watch::{WatchRule, What};
use eyes::Eyes;
use happenings::{Cast, Happening};
use trail::Lens;

/// Something that happens once per period.
#[derive(Clone, Debug, PartialEq)]
pub struct TruthEvent {
    /// Which camera sees it.
    pub camera: &'static str,
    /// The contract's word for it.
    pub kind: &'static str,
    /// The rule that waits for it; absent for what speaks of the stream.
    pub rule: Option<&'static str>,
    /// The zone or line.
    pub figure: Option<&'static str>,
    /// Whom it concerns.
    pub class: Option<Class>,
    /// Which of the scene's actors that is; for what is told of a place, who began it.
    pub actor: Option<usize>,
    /// For a crossing: from left to right.
    pub left_to_right: Option<bool>,
    /// When it begins, in seconds of the period (of the next one, where beyond it).
    pub start_s: f64,
    /// When it is to be told.
    pub due_s: f64,
    /// How far the told beginning may be from `start_s`.
    pub tolerance_s: f64,
    /// From when on one must have watched to know it; may lie in the period before (negative).
    pub watch_from_s: f64,
    /// Whether a slightly different look might see it otherwise: neither its telling nor its not being told is wrong.
    pub doubtful: bool,
}

/// All events of a camera in one period, in order of time.
pub fn events(camera: &DemoCamera) -> Vec<TruthEvent> {
    let cast = Cast::of(camera);
    let mut found: Vec<TruthEvent> = camera.watch.rules.iter().flat_map(|rule| of_rule(camera, &cast, rule)).collect();
    let mut eyes = Eyes::new(camera);
    for event in &mut found {
        event.doubtful |= !eyes.see_beginning(event);
    }
    found.extend(loss(camera));
    found.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    found
}

/// When the loss of a stream is to be told: as configured, and the time in which it is noticed.
const VIDEO_LOSS_AFTER_S: f64 = 5.0;

fn loss(camera: &DemoCamera) -> Option<TruthEvent> {
    let start_s = f64::from(camera.outage_s?[0]);
    Some(TruthEvent {
        camera: camera.id,
        kind: "video_loss",
        rule: None,
        figure: None,
        class: None,
        actor: None,
        left_to_right: None,
        start_s,
        due_s: start_s + VIDEO_LOSS_AFTER_S,
        tolerance_s: 2.0,
        watch_from_s: start_s - 2.0,
        doubtful: false,
    })
}

fn of_rule(camera: &DemoCamera, cast: &Cast<'_>, rule: &WatchRule) -> Vec<TruthEvent> {
    let tolerance_s = tolerance_s(rule.what);
    let looks: Vec<Vec<Happening>> = Lens::ALL.iter().map(|lens| cast.happenings(rule, lens)).collect();
    let same = |a: &Happening, b: &Happening| (a.who == b.who || !a.alone) && (a.start - b.start).abs() <= tolerance_s;
    let mut events: Vec<(Happening, bool)> = Vec::new();
    for (number, look) in looks.iter().enumerate() {
        for happening in look {
            if events.iter().any(|(known, _)| same(known, happening)) {
                continue;
            }
            // The first look is the plain one; what only another sees is doubtful, and so is what another does not see.
            let in_all = looks.iter().all(|other| other.iter().any(|h| same(h, happening)));
            events.push((*happening, number > 0 || !in_all));
        }
    }
    events.into_iter().map(|(happening, doubtful)| event(camera, cast, rule, &happening, doubtful)).collect()
}

/// A box trembles with the walk, and is seen five times a second; a thing on its way out is still near its place for a moment.
const fn tolerance_s(what: What) -> f64 {
    match what {
        // Whoever comes in through the picture's edge is only a sliver at first.
        What::ZonePresence { .. }
        | What::ObjectPresent { .. }
        | What::Crowd { .. }
        // What comes to rest rolls on for a moment.
        | What::ObjectRemoved { .. } | What::ObjectAbandoned { .. } | What::VehicleStopped { .. } => 2.0,
        _ => 1.2,
    }
}

fn event(camera: &DemoCamera, cast: &Cast<'_>, rule: &WatchRule, happening: &Happening, doubtful: bool) -> TruthEvent {
    TruthEvent {
        camera: camera.id,
        kind: rule.what.kind(),
        rule: Some(rule.id),
        figure: rule.what.figure(),
        class: cast.class(happening.who).or(rule.classes.first().copied()),
        actor: (happening.who != usize::MAX).then_some(happening.who),
        left_to_right: rule.what.left_to_right(),
        start_s: happening.start,
        due_s: happening.due,
        tolerance_s: tolerance_s(rule.what),
        watch_from_s: happening.watch_from,
        doubtful,
    }
}
