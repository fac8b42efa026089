//! Why an alert was raised, and what became of it: the JSON that the store keeps beside an alert, `lightbar explain` prints and
//! `/api/v1/alerts/{id}/explanation` gives. Not on Kafka: it is for looking into one alert, not for acting on it.
//!
//! Also read back; unknown words are tolerated then, so words are texts. Fields may come, none changes its meaning.

use serde::{Deserialize, Serialize};

use super::alert_v1::{Crossing, Rule, Word, Zone};
use super::time::rfc3339;
use super::words;
use crate::domain::alert::{AlertChange, Phase};
use crate::domain::time::Timestamp;
use crate::domain::trace::{Explanation, Moment, Trail, What};

/// An explanation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExplanationV1 {
    /// The form's version.
    pub form: u32,
    /// Which alert.
    pub alert_id: String,
    /// Its kind.
    pub kind: Word,
    /// Its camera.
    pub camera: String,
    /// The rule, its revision and its threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// The zone it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<Zone>,
    /// The line it is about, and which way it was crossed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crossing: Option<Crossing>,
    /// When the condition began.
    pub started_at: String,
    /// When the alert was raised: the threshold was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raised_at: Option<String>,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Why it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_reason: Option<Word>,
    /// The tracks of its objects.
    pub tracks: Vec<TrackStory>,
}

/// What mattered to one track.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrackStory {
    /// Its number.
    pub track_id: String,
    /// What it is.
    pub class: Word,
    /// When it was first seen.
    pub first_seen_at: String,
    /// What mattered, in order of time.
    pub moments: Vec<MomentV1>,
    /// Moments that gave way to later ones.
    pub moments_dropped: u32,
    /// Where its bottom centre was, 0..1 from the top left; thinned.
    pub path: Vec<PathPoint>,
}

/// Something that mattered. Which of the fields are there depends on `what`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct MomentV1 {
    pub at: String,
    pub what: Word,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Word>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_before: Option<Word>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Word>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Word>,
}

/// A point of a path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct PathPoint {
    pub at: String,
    pub x: f64,
    pub y: f64,
}

impl From<&Explanation> for ExplanationV1 {
    fn from(explanation: &Explanation) -> Self {
        let alert = &explanation.alert;
        Self {
            form: 1,
            alert_id: alert.id.to_string(),
            kind: alert.kind.as_str().into(),
            camera: alert.camera.to_string(),
            rule: alert.rule.as_ref().map(|rule| Rule {
                id: rule.id.to_string(),
                rev: rule.rev,
                threshold: rule.threshold,
                schedule_id: rule.hours.as_ref().map(ToString::to_string),
                expires_after_s: rule.expires_after.map(|after| after.as_secs_f64()),
            }),
            zone: alert.zone.as_ref().map(|zone| Zone {
                id: zone.id.to_string(),
                rev: zone.rev,
                name: zone.name.clone(),
                category: zone.category.clone(),
            }),
            crossing: alert.crossing.as_ref().map(|crossing| Crossing {
                line: crossing.line.to_string(),
                direction: words::direction(crossing.direction).into(),
            }),
            started_at: rfc3339(alert.started_at),
            raised_at: raised_at(explanation).map(rfc3339),
            ended_at: alert.ended_at.map(rfc3339),
            end_reason: alert.end_reason.map(|reason| words::end_reason(reason).into()),
            tracks: explanation.trails.iter().map(TrackStory::from).collect(),
        }
    }
}

impl ExplanationV1 {
    /// The JSON; one line, the same bytes each time.
    pub fn to_json(&self) -> String {
        // Texts, integers and finite numbers only.
        serde_json::to_string(self).unwrap_or_else(|e| unreachable!("an explanation is always JSON: {e}"))
    }
}

/// When the alert was raised: the moment it opened, or what a track remembers of it.
fn raised_at(explanation: &Explanation) -> Option<Timestamp> {
    let AlertChange { id, phase, captured_at, .. } = &explanation.alert;
    if *phase == Phase::Opened {
        return Some(*captured_at);
    }
    let is_raising = |moment: &&Moment| matches!(&moment.what, What::Raised { alert, .. } if alert == id);
    explanation.trails.iter().flat_map(|trail| &trail.moments).find(is_raising).map(|moment| moment.at)
}

impl From<&Trail> for TrackStory {
    fn from(trail: &Trail) -> Self {
        let point = |(at, place): &(Timestamp, crate::domain::geometry::Point)| PathPoint {
            at: rfc3339(*at),
            x: rounded(place.x),
            y: rounded(place.y),
        };
        Self {
            track_id: trail.track.to_string(),
            class: trail.class.as_str().into(),
            first_seen_at: rfc3339(trail.first_seen),
            moments: trail.moments.iter().map(moment).collect(),
            moments_dropped: trail.dropped,
            path: trail.path.iter().map(point).collect(),
        }
    }
}

fn moment(moment: &Moment) -> MomentV1 {
    let plain = |what: &'static str| MomentV1 { at: rfc3339(moment.at), what: what.into(), ..MomentV1::default() };
    match &moment.what {
        What::Confirmed(class) => MomentV1 { class: Some(class.as_str().into()), ..plain("confirmed") },
        What::Renamed { from, to } => {
            MomentV1 { class: Some(to.as_str().into()), class_before: Some(from.as_str().into()), ..plain("renamed") }
        }
        What::Hidden => plain("hidden"),
        What::OutOfSight => plain("out_of_sight"),
        What::SeenAgain => plain("seen_again"),
        What::Rested => plain("rested"),
        What::Moved => plain("moved"),
        What::Gone => plain("gone"),
        What::Raised { alert, kind, rule, since, threshold } => MomentV1 {
            alert_id: Some(alert.to_string()),
            kind: Some(kind.as_str().into()),
            rule: rule.as_ref().map(ToString::to_string),
            since: Some(rfc3339(*since)),
            threshold: *threshold,
            ..plain("raised")
        },
        What::HeldBack { rule, by } => {
            MomentV1 { rule: Some(rule.to_string()), reason: Some(by.as_str().into()), ..plain("held_back") }
        }
        What::Updated { alert, revision } => {
            MomentV1 { alert_id: Some(alert.to_string()), revision: Some(*revision), ..plain("updated") }
        }
        What::Ended { alert, reason } => MomentV1 {
            alert_id: Some(alert.to_string()),
            reason: Some(words::end_reason(*reason).into()),
            ..plain("ended")
        },
    }
}

/// Five places: a fifth of a pixel of the widest picture.
fn rounded(value: f64) -> f64 {
    (value * 1e5).round() / 1e5
}
