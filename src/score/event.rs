//! What is compared: what happened, and what was told.

use std::time::Duration;

use crate::domain::time::Timestamp;

/// Something that happened in front of a camera.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Which camera saw it.
    pub camera: String,
    /// The contract's word for it.
    pub kind: String,
    /// The rule that waits for it; none: any rule of the kind may tell.
    pub rule: Option<String>,
    /// What it concerns (the contract's word); none: anything.
    pub class: Option<String>,
    /// For a crossing: which way; none: either.
    pub direction: Option<String>,
    /// When it began.
    pub start: Timestamp,
    /// When it was to be told: its beginning and the rule's own time (a dwell).
    pub due: Timestamp,
    /// When it was over, where it lasts: it may be told as having begun at any moment until then.
    pub end: Option<Timestamp>,
    /// How far the told beginning may be off.
    pub tolerance: Duration,
    /// From when on one must have watched to know it.
    pub watch_from: Timestamp,
    /// Whether it counts neither way when it is told, nor when it is not.
    pub optional: bool,
    /// For people: what it is ("red car").
    pub name: Option<String>,
}

/// An alert, as far as it is judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Its id.
    pub alert_id: String,
    /// Which camera.
    pub camera: String,
    /// What.
    pub kind: String,
    /// Which rule; none for what speaks of the stream.
    pub rule: Option<String>,
    /// The CAP word: `Actual`, `Exercise`, `System`, `Test`.
    pub status: String,
    /// The classes of the objects concerned.
    pub classes: Vec<String>,
    /// Which way a line was crossed.
    pub direction: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// Capture time of the frame that raised it.
    pub captured_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// The anchors (bottom centres) of the objects concerned, 0..1 from the top left.
    pub anchors: Vec<(f64, f64)>,
}

/// A time in which a camera was looked at, and its truth is whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Watched {
    /// Which camera.
    pub camera: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// Where and when an alert that tells of no event is not false either.
#[derive(Clone, Debug, PartialEq)]
pub struct Ignored {
    /// Which camera.
    pub camera: String,
    /// From when until when; none: always.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Only alerts of this kind.
    pub kind: Option<String>,
    /// Only alerts of objects that stand in this polygon.
    pub region: Option<Vec<(f64, f64)>>,
}

/// All that is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Truth {
    /// What happened.
    pub events: Vec<Event>,
    /// When it was looked at; a camera without such a time is taken as looked at for as long as its alerts and events reach.
    pub watched: Vec<Watched>,
    /// What is not to be judged.
    pub ignored: Vec<Ignored>,
}

impl Event {
    /// Whether the alert speaks of such an event, the time aside. A class that the alert does not know (`unknown`: a cue spoke)
    /// contradicts nothing.
    pub fn is_told_by(&self, told: &Told) -> bool {
        let class = self.class.as_ref().is_none_or(|class| {
            told.classes.is_empty() || told.classes.iter().any(|told| told == class || told == "unknown")
        });
        self.camera == told.camera
            && self.kind == told.kind
            && self.rule.as_ref().is_none_or(|rule| told.rule.as_ref() == Some(rule))
            && self.direction.as_ref().is_none_or(|way| told.direction.as_ref().is_none_or(|told| told == way))
            && class
    }

    /// How far the told beginning is off; none where it is too far.
    pub fn off_by(&self, told: &Told) -> Option<Duration> {
        let at = told.started_at;
        let last = self.end.unwrap_or(self.start).max(self.start);
        (at >= self.start.minus(self.tolerance) && at <= last.plus(self.tolerance))
            .then(|| at.since(self.start).max(self.start.since(at)))
    }
}

impl Truth {
    /// Whether there is any word of the camera.
    pub fn knows(&self, camera: &str) -> bool {
        self.events.iter().any(|e| e.camera == camera) || self.watched.iter().any(|w| w.camera == camera)
    }

    /// The camera's watched times; none where nothing is said of them.
    pub fn watched_of(&self, camera: &str) -> Option<Vec<&Watched>> {
        let spans: Vec<&Watched> = self.watched.iter().filter(|w| w.camera == camera).collect();
        (!spans.is_empty()).then_some(spans)
    }
}

impl Ignored {
    /// Whether an alert that tells of no event is not to be judged.
    pub fn covers(&self, told: &Told) -> bool {
        let within = |at: Timestamp, (from, until): (Timestamp, Timestamp)| at >= from && at <= until;
        self.camera == told.camera
            && self.kind.as_ref().is_none_or(|kind| *kind == told.kind)
            && self.span.is_none_or(|span| within(told.started_at, span) || within(told.captured_at, span))
            && self.region.as_ref().is_none_or(|region| told.anchors.iter().any(|&anchor| is_inside(region, anchor)))
    }
}

/// Even-odd rule; on purpose not the service's own.
fn is_inside(polygon: &[(f64, f64)], (x, y): (f64, f64)) -> bool {
    let mut inside = false;
    for (i, &(x1, y1)) in polygon.iter().enumerate() {
        let (x2, y2) = polygon[(i + 1) % polygon.len()];
        if (y1 > y) != (y2 > y) && x < (x2 - x1) * (y - y1) / (y2 - y1) + x1 {
            inside = !inside;
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_has_an_inside() {
        let square = [(0.1, 0.1), (0.5, 0.1), (0.5, 0.5), (0.1, 0.5)];
        assert!(is_inside(&square, (0.3, 0.3)));
        assert!(!is_inside(&square, (0.6, 0.3)));
        assert!(!is_inside(&square, (0.3, 0.05)));
    }
}
