//! What people have ordered: that rules are armed or disarmed for a while, and that a standing thing is watched.
//!
//! The core takes orders as data and asks only for the moment; where they are kept and who gave them is the edges'.

use crate::domain::detection::ObjectClass;
use crate::domain::geometry::BBox;
use crate::domain::ids::RuleId;
use crate::domain::time::Timestamp;

/// An order about the rules of one camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Only this rule, or all.
    pub rule: Option<RuleId>,
    /// What is ordered.
    pub state: Arming,
    /// Until when; for good where absent.
    pub until: Option<Timestamp>,
}

/// What may be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arming {
    /// What the rule notices is an alert.
    Armed,
    /// What the rule notices is recorded, and nobody is disturbed.
    Disarmed,
    /// As the configuration says; takes earlier orders back.
    AsConfigured,
}

impl Arming {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Armed, Self::Disarmed, Self::AsConfigured];

    /// The word for it in the interface and the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Armed => "armed",
            Self::Disarmed => "disarmed",
            Self::AsConfigured => "as_configured",
        }
    }

    /// The one with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// What is ordered for a rule at a moment: the last order about it that has not run out. `orders` stand in the order in which
/// they were given, so that what was said before a passing order holds again after it.
pub fn ordered(orders: &[Order], rule: &RuleId, at: Timestamp) -> Arming {
    let concerns = |order: &&Order| {
        order.rule.as_ref().is_none_or(|named| named == rule) && order.until.is_none_or(|until| at < until)
    };
    orders.iter().rev().find(concerns).map_or(Arming::AsConfigured, |order| order.state)
}

/// A standing thing that somebody asked to watch: its removal is an alert, whatever the rule says of such.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchedThing {
    /// Which order this is.
    pub id: i64,
    /// What stands there.
    pub class: ObjectClass,
    /// Where.
    pub bbox: BBox,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(rule: Option<&str>, state: Arming, until: Option<i64>) -> Order {
        Order { rule: rule.map(|id| RuleId::parse(id).unwrap()), state, until: until.map(Timestamp::from_nanos) }
    }

    #[test]
    fn the_last_order_that_has_not_run_out_holds() {
        let (gate, yard) = (RuleId::parse("gate").unwrap(), RuleId::parse("yard").unwrap());
        let orders = [
            order(Some("gate"), Arming::Armed, None),
            order(None, Arming::Disarmed, Some(100)),
            order(Some("yard"), Arming::AsConfigured, Some(50)),
        ];
        let at = |nanos| Timestamp::from_nanos(nanos);
        assert_eq!(ordered(&orders, &gate, at(99)), Arming::Disarmed);
        assert_eq!(ordered(&orders, &gate, at(100)), Arming::Armed, "what was said before holds again");
        assert_eq!(ordered(&orders, &yard, at(49)), Arming::AsConfigured);
        assert_eq!(ordered(&orders, &yard, at(50)), Arming::Disarmed);
        assert_eq!(ordered(&orders, &yard, at(100)), Arming::AsConfigured);
    }
}
