//! What rules share, in scripts: hours as spans of the scene's time, orders, limits.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lightbar::domain::arming::{Arming, Order};
use lightbar::domain::hours::{Hours, SharedHours};
use lightbar::domain::ids::RuleId;
use lightbar::domain::time::Timestamp;

use crate::script::{seconds, spans};

/// Hours of a script: seconds of the scene, moved with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScriptHours {
    pub(crate) spans: Vec<(f64, f64)>,
}

#[derive(Debug)]
struct SceneHours {
    text: String,
    spans: Vec<(Timestamp, Timestamp)>,
}

impl ScriptHours {
    /// As a scene takes them that is played at `stamp`.
    pub(crate) fn shared(&self, stamp: impl Fn(f64) -> Timestamp) -> SharedHours {
        let mut text = String::new();
        for (from, to) in &self.spans {
            write!(text, "{from}..{to} ").unwrap();
        }
        SharedHours::new(SceneHours { text, spans: self.spans.iter().map(|&(a, b)| (stamp(a), stamp(b))).collect() })
    }
}

impl Hours for SceneHours {
    fn name(&self) -> &'static str {
        "scene"
    }

    fn text(&self) -> &str {
        &self.text
    }

    fn holds(&self, at: Timestamp) -> bool {
        self.spans.iter().any(|(from, to)| (*from..*to).contains(&at))
    }

    fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        self.spans.iter().flat_map(|&(from, to)| [from, to]).filter(|edge| *edge > at).min()
    }
}

/// The hours that a rule of a script names.
#[derive(Clone, Debug, Default)]
pub(crate) struct RuleHours {
    pub(crate) hours: Option<ScriptHours>,
    pub(crate) armed: Option<ScriptHours>,
}

/// Takes the hours of a rule; its other keys are the configuration's.
pub(crate) fn take(given: &mut BTreeMap<String, String>) -> Result<RuleHours, String> {
    let mut hours =
        |key: &str| given.remove(key).map(|text| spans(&text).map(|spans| ScriptHours { spans })).transpose();
    Ok(RuleHours { hours: hours("hours")?, armed: hours("armed")? })
}

/// An order of a script.
#[derive(Clone)]
pub(crate) struct ScriptOrder {
    pub(crate) state: Arming,
    pub(crate) rule: Option<RuleId>,
    pub(crate) until: Option<f64>,
}

impl ScriptOrder {
    /// From `armed rule=r until=20s`.
    pub(crate) fn parse(state: &str, mut fields: BTreeMap<String, String>) -> Result<Self, String> {
        let state = Arming::from_word(state).ok_or_else(|| format!("unknown order {state:?}"))?;
        let rule = fields.remove("rule").map(|id| RuleId::parse(&id).map_err(|e| e.to_string())).transpose()?;
        let until = fields.remove("until").map(|t| seconds(&t)).transpose()?;
        Ok(Self { state, rule, until })
    }

    /// As a scene takes it that is played at `stamp`.
    pub(crate) fn order(&self, stamp: impl Fn(f64) -> Timestamp) -> Order {
        Order { rule: self.rule.clone(), state: self.state, until: self.until.map(stamp) }
    }
}
