//! A patrol that is played: what a dispatch system would answer to alerts that were dispatched. Pure, and the same for the same
//! seed; time comes in, answers go out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::contract::AlertStateV1;
use crate::contract::dispatch_status_v1::DispatchStatusV1;
use crate::contract::time::rfc3339;
use crate::domain::time::Timestamp;

/// How it behaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Manners {
    /// As what it answers.
    pub system: String,
    /// Chooses what is left to chance.
    pub seed: u64,
    /// Time from one answer to the next.
    pub pace: Duration,
    /// Share of alerts that it refuses, 0 to 1.
    pub refuse: f64,
    /// Share of answers that it sends twice.
    pub repeat: f64,
    /// Share of alerts whose answers it sends in another order.
    pub reorder: f64,
    /// Share of alerts at which it goes silent after it has accepted.
    pub silent: f64,
    /// Share of answers before which it sends something that is none.
    pub garble: f64,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            system: "simulated".to_owned(),
            seed: 1,
            pace: Duration::from_secs(5),
            refuse: 0.0,
            repeat: 0.0,
            reorder: 0.0,
            silent: 0.0,
            garble: 0.0,
        }
    }
}

/// Something to send: key and value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saying {
    /// The alert's id.
    pub alert: String,
    /// What is said; none: the value is garbled.
    pub status: Option<DispatchStatusV1>,
    /// The value.
    pub value: Vec<u8>,
}

/// The patrol.
#[derive(Debug)]
pub struct Patrol {
    manners: Manners,
    chance: fastrand::Rng,
    /// Dispatches that were taken on, by alert and state revision.
    known: BTreeSet<(String, u32)>,
    /// What will be said when, in the order of its time.
    plans: BTreeMap<(Timestamp, u64), Saying>,
    counter: u64,
}

impl Patrol {
    /// A patrol that waits for orders.
    pub fn new(manners: Manners) -> Self {
        let chance = fastrand::Rng::with_seed(manners.seed);
        Self { manners, chance, known: BTreeSet::new(), plans: BTreeMap::new(), counter: 0 }
    }

    /// Hears of a state: one that is dispatched is taken on, once.
    pub fn hears(&mut self, state: &AlertStateV1, now: Timestamp) {
        let is_order = state.state == "dispatched" && state.change.to.as_deref() == Some("dispatched");
        if !is_order || !self.known.insert((state.alert_id.clone(), state.state_revision)) {
            return;
        }
        let mut answers: Vec<(&str, Option<&str>)> =
            vec![("accepted", None), ("en_route", None), ("on_scene", None), ("resolved", None)];
        if self.happens(self.manners.refuse) {
            answers = vec![("refused", Some("no unit is free"))];
        } else if self.happens(self.manners.silent) {
            answers.truncate(1);
        } else if self.happens(self.manners.reorder) {
            // The last stays the last: what is resolved is over for the patrol.
            answers.swap(0, 2);
        }
        let mut at = now;
        for (n, (status, reason)) in answers.into_iter().enumerate() {
            at = at.plus(self.manners.pace);
            self.plan(at, state, (n, status, reason));
        }
    }

    /// What is to be said by now, oldest first.
    pub fn says(&mut self, now: Timestamp) -> Vec<Saying> {
        let later = self.plans.split_off(&(now.plus(Duration::from_nanos(1)), 0));
        std::mem::replace(&mut self.plans, later).into_values().collect()
    }

    /// Answers that wait for their time.
    pub fn planned(&self) -> usize {
        self.plans.len()
    }

    fn plan(&mut self, at: Timestamp, state: &AlertStateV1, (n, status, reason): (usize, &str, Option<&str>)) {
        let said = DispatchStatusV1 {
            schema_version: "1.0".into(),
            // The same for the same order, however often the simulation is begun anew: then it is done once.
            status_id: format!("{}.{}.{n}", state.alert_id, state.state_revision),
            alert_id: state.alert_id.clone(),
            status: status.to_owned().into(),
            system: self.manners.system.clone(),
            actor: format!("unit-{}", 1 + state.alert_id.bytes().map(u64::from).sum::<u64>() % 9),
            role: "patrol".into(),
            at: rfc3339(at),
            reason: reason.map(str::to_owned),
            disposition: (status == "resolved").then(|| "handled".into()),
        };
        let value = said.to_json().into_bytes();
        if self.happens(self.manners.garble) {
            let garbled = value[..value.len() / 2].to_vec();
            self.put(at, Saying { alert: state.alert_id.clone(), status: None, value: garbled });
        }
        let saying = Saying { alert: state.alert_id.clone(), status: Some(said), value };
        if self.happens(self.manners.repeat) {
            self.put(at, saying.clone());
        }
        self.put(at, saying);
    }

    fn put(&mut self, at: Timestamp, saying: Saying) {
        self.counter += 1;
        self.plans.insert((at, self.counter), saying);
    }

    fn happens(&mut self, share: f64) -> bool {
        self.chance.f64() < share
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::alert_state_v1::{About, Change};
    use crate::domain::ids::AlertId;
    use crate::domain::lifecycle::{Action, Lifecycle, Request, Role, UNDO_DEFAULT};

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_772_352_000_000).plus(Duration::from_secs(seconds))
    }

    fn order(n: u128) -> AlertStateV1 {
        let alert = AlertId::new(at(0), n);
        let mut life = Lifecycle::new(at(0));
        let mut last = None;
        for action in [Action::Acknowledge, Action::Verify, Action::Dispatch] {
            let request = Request {
                id: action.to_string(),
                action,
                actor: "anna".to_owned(),
                role: Role::Operator,
                at: at(0),
                reason: None,
                disposition: None,
                recipient: None,
            };
            last = Some(life.apply(request, at(0), UNDO_DEFAULT).unwrap().0);
        }
        let about =
            About { alert, kind: "loitering", camera: Some("gate"), priority: 4, expires_at: at(600), incident: None };
        AlertStateV1::new(&about, &life, 3, Change::transition(&last.unwrap()))
    }

    fn said(manners: &Manners, orders: u128) -> Vec<String> {
        let mut patrol = Patrol::new(manners.clone());
        for n in 0..orders {
            patrol.hears(&order(n), at(0));
            patrol.hears(&order(n), at(0));
        }
        let all = patrol.says(at(1000));
        assert_eq!(patrol.planned(), 0);
        all.iter()
            .map(|s| s.status.as_ref().map_or_else(|| "garbled".to_owned(), |said| said.status.to_string()))
            .collect()
    }

    #[test]
    fn it_goes_its_way_once_and_at_its_pace() {
        let mut patrol = Patrol::new(Manners::default());
        patrol.hears(&order(1), at(0));
        assert_eq!(patrol.says(at(4)), []);
        assert_eq!(patrol.says(at(10)).len(), 2);
        assert_eq!(said(&Manners::default(), 1), ["accepted", "en_route", "on_scene", "resolved"]);
    }

    #[test]
    fn its_manners_show_and_the_same_seed_says_the_same() {
        let of = |manners: Manners| said(&manners, 1);
        assert_eq!(of(Manners { refuse: 1.0, ..Manners::default() }), ["refused"]);
        assert_eq!(of(Manners { silent: 1.0, ..Manners::default() }), ["accepted"]);
        assert_eq!(
            of(Manners { reorder: 1.0, ..Manners::default() }),
            ["on_scene", "en_route", "accepted", "resolved"]
        );
        assert_eq!(of(Manners { repeat: 1.0, ..Manners::default() }).len(), 8);
        assert_eq!(of(Manners { garble: 1.0, ..Manners::default() })[..2], ["garbled", "accepted"]);
        let some = Manners { refuse: 0.5, repeat: 0.3, garble: 0.3, seed: 7, ..Manners::default() };
        assert_eq!(said(&some, 20), said(&some, 20));
        assert_ne!(said(&some, 20), said(&Manners { seed: 8, ..some.clone() }, 20));
    }
}
