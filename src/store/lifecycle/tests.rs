mod reports;

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::contract::Site;
use crate::domain::alert::{AlertChange, AlertKind, Certainty, Cue, Phase, Status};
use crate::domain::camera::{CameraCard, Privacy, Purpose};
use crate::domain::ids::{CameraId, NodeId};
use crate::domain::lifecycle::{Adjacency, Disposition, Neighbours, Place, Refused, State};
use crate::domain::rules::Deliver;
use crate::pipeline::answers::{AnswerStore as _, Consumed, Taken};
use crate::pipeline::lifecycle::{DispatchSystem, Policy};
use crate::pipeline::packet::{CaptureClock, ClockQuality};
use crate::pipeline::ports::{Fact, FactStore as _, Outbox as _, OutboxRecord};
use crate::store::{Options, Store, Writer};

const TOPIC: &str = "lightbar.dispatch-status.v1";

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_772_352_000_000).plus(Duration::from_secs(seconds))
}

fn id(n: u64) -> AlertId {
    AlertId::new(at(n), u128::from(n))
}

fn decided(camera: &str, n: u64) -> Decided {
    let camera = CameraId::parse(camera).unwrap();
    let (severity, urgency) = AlertKind::Loitering.defaults();
    let change = AlertChange {
        id: id(n),
        revision: 1,
        phase: Phase::Opened,
        status: Status::Actual,
        deliver: Deliver::Alert,
        held_back: false,
        watched: None,
        kind: AlertKind::Loitering,
        cues: vec![Cue::Detector],
        camera: camera.clone(),
        rule: None,
        zone: None,
        captured_at: at(n),
        started_at: at(n),
        ended_at: None,
        end_reason: None,
        severity,
        urgency,
        certainty: Certainty::Likely,
        confidence: None,
        count: 1,
        objects: Vec::new(),
        crossing: None,
    };
    let privacy = Privacy { purpose: Purpose::PublicOrder, basis: None, mask_rev: 0, retention_days: 30 };
    let card = CameraCard {
        id: camera,
        name: None,
        address: None,
        position: None,
        gb_id: None,
        place_code: None,
        org_code: None,
        grid_code: None,
        site_id: None,
        playback_url: None,
        privacy,
    };
    let clock = ClockQuality { source: CaptureClock::Arrival, error_ms: None, offset_ms: None };
    Decided { change, camera: Arc::new(card), clock, detected_at: at(n), frame: None, model: None, explanation: None }
}

fn policy() -> Policy {
    let mut policy = Policy::default();
    // Loitering has priority 4, which has no deadlines otherwise.
    policy.deadlines.acknowledge[3] = Some(Duration::from_mins(1));
    policy.systems = vec![DispatchSystem { id: "county".to_owned(), roles: vec![Role::Patrol] }];
    let place = |camera: &str| Place { camera: CameraId::parse(camera).unwrap(), zone: None };
    policy.adjacency =
        Adjacency(vec![Neighbours { places: vec![place("gate"), place("lane")], within: Duration::from_secs(30) }]);
    policy
}

struct Desk {
    folder: tempfile::TempDir,
    store: Store,
    writer: Writer,
    lives: StoredLifecycles,
}

fn desk() -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Options::default()).unwrap();
    let (site, policy) = (Arc::new(Site::new("county", NodeId::parse("node-1").unwrap())), Arc::new(policy()));
    let writer = store.writer(Arc::clone(&site)).unwrap().with_policy(Arc::clone(&policy));
    let lives = store.lifecycles(site, policy).unwrap();
    Desk { folder, store, writer, lives }
}

impl Desk {
    fn open(&mut self, camera: &str, n: u64) -> AlertId {
        self.writer.record(&[Fact::Alert(Box::new(decided(camera, n)))], at(n)).unwrap();
        id(n)
    }

    fn answers(&self) -> StoredAnswers {
        let site = Arc::new(Site::new("county", NodeId::parse("node-1").unwrap()));
        self.store.answers(site, Arc::new(policy())).unwrap()
    }

    fn does(&self, alert: AlertId, request: &str, action: Action, when: u64) -> Outcome {
        self.lives.apply(alert, asked(request, action, when), None, at(when)).unwrap()
    }

    fn dispatched(&mut self, n: u64) -> AlertId {
        let alert = self.open("hall", n);
        for action in [Action::Acknowledge, Action::Verify, Action::Dispatch] {
            assert!(matches!(self.does(alert, action.as_str(), action, n), Outcome::Done(_, Fate::Applied, ..)));
        }
        alert
    }

    fn state(&self, alert: AlertId) -> State {
        self.lives.standing(alert).unwrap().unwrap().life.state()
    }

    fn unsent(&self, topic: &str) -> Vec<OutboxRecord> {
        let all = self.store.outbox().unwrap().unsent(0, 1000).unwrap();
        all.into_iter().filter(|record| record.topic == topic).collect()
    }
}

fn asked(request: &str, action: Action, when: u64) -> Request {
    Request {
        id: request.to_owned(),
        action,
        actor: "anna".to_owned(),
        role: Role::Operator,
        at: at(when),
        reason: None,
        disposition: matches!(action, Action::Dismiss | Action::Close).then_some(Disposition::Handled),
        recipient: None,
    }
}

fn answer(offset: i64, alert: AlertId, number: &str, status: &str, when: u64) -> Consumed {
    let value = json!({
        "schema_version": "1.0", "status_id": number, "alert_id": alert.to_string(), "status": status, "system": "county",
        "actor": "unit-7", "role": "patrol", "at": crate::contract::time::rfc3339(at(when)),
    });
    Consumed { offset, value: Some(value.to_string().into_bytes()), ..record(b"") }
}

fn record(value: &[u8]) -> Consumed {
    Consumed { topic: TOPIC.to_owned(), value: Some(value.to_vec()), ..Consumed::default() }
}

fn reason(taken: &Taken) -> &'static str {
    match taken {
        Taken::Dead { reason, .. } => reason,
        Taken::Applied(..) => "applied",
        Taken::Late(..) => "late",
        Taken::Repeated => "repeated",
    }
}

#[test]
fn a_transition_its_record_and_its_outbox_row_are_one() {
    let mut desk = desk();
    let alert = desk.open("hall", 1);
    assert_eq!((desk.state(alert), desk.unsent("lightbar.alert-state.v1").len()), (State::New, 0), "new is not said");
    let Outcome::Done(entry, Fate::Applied, standing, _) = desk.does(alert, "r1", Action::Acknowledge, 2) else {
        panic!()
    };
    assert_eq!((entry.number, standing.state_revision, standing.alert_revision), (1, 1, 1));
    let sent = desk.unsent("lightbar.alert-state.v1");
    let change = &desk.lives.changes_after(0, 10).unwrap()[0];
    assert_eq!(
        (sent.len(), sent[0].key.as_str(), sent[0].value.as_slice()),
        (1, &*alert.to_string(), change.json.as_bytes())
    );
    let header = |name: &str| sent[0].headers.iter().find(|(known, _)| known == name).unwrap().1.clone();
    assert_eq!(header("ce_id"), format!("{alert}.state.1"));
    assert_eq!(header("ce_source"), "urn:lightbar:county:camera:hall");
    assert_eq!(header("ce_expirytime"), "2026-03-01T08:10:01.000Z");
    // Again, and after a restart: done once.
    assert!(matches!(desk.does(alert, "r1", Action::Acknowledge, 9), Outcome::Done(_, Fate::Repeated, ..)));
    let Desk { folder, store, writer, lives } = desk;
    drop((store, writer, lives));
    let store = Store::open(folder.path(), Options::default()).unwrap();
    let lives =
        store.lifecycles(Arc::new(Site::new("county", NodeId::parse("node-1").unwrap())), Arc::default()).unwrap();
    let again = lives.apply(alert, asked("r1", Action::Acknowledge, 3), None, at(99)).unwrap();
    let Outcome::Done(before, Fate::Repeated, ..) = again else { panic!("{again:?}") };
    assert_eq!(before, entry, "as it was kept");
    assert_eq!(lives.last_change().unwrap(), 1);
}

#[test]
fn what_is_refused_unknown_or_stale_changes_nothing() {
    let mut desk = desk();
    let alert = desk.open("hall", 1);
    let refused = desk.does(alert, "r1", Action::Dispatch, 2);
    assert!(matches!(refused, Outcome::Refused(Refused::Illegal { .. }, _)), "{refused:?}");
    assert!(matches!(desk.does(id(77), "r1", Action::Acknowledge, 2), Outcome::Unknown));
    let stale = desk.lives.apply(alert, asked("r1", Action::Acknowledge, 2), Some((1, 3)), at(2)).unwrap();
    assert!(matches!(stale, Outcome::Stale(_)), "{stale:?}");
    assert_eq!(desk.lives.last_change().unwrap(), 0);
    let good = desk.lives.apply(alert, asked("r1", Action::Acknowledge, 2), Some((1, 0)), at(2)).unwrap();
    assert!(matches!(good, Outcome::Done(_, Fate::Applied, ..)));
    let lost_answer = desk.lives.apply(alert, asked("r1", Action::Acknowledge, 2), Some((1, 0)), at(2)).unwrap();
    assert!(matches!(lost_answer, Outcome::Done(_, Fate::Repeated, ..)), "told again, with what was known then");
}

#[test]
fn what_was_done_cannot_be_changed() {
    let mut desk = desk();
    let alert = desk.dispatched(1);
    let connection = desk.lives.connection();
    let error = connection.execute("UPDATE transitions SET actor = 'bert'", []).unwrap_err();
    assert!(error.to_string().contains("never changed"), "{error}");
    drop(connection);
    assert_eq!(desk.state(alert), State::Dispatched);
}

#[test]
fn answers_and_their_offset_are_one_and_none_is_applied_twice() {
    let mut desk = desk();
    let alert = desk.dispatched(1);
    let mut answers = desk.answers();
    let batch = [
        answer(0, alert, "a1", "accepted", 5),
        answer(1, alert, "a1", "accepted", 5),
        answer(2, alert, "a3", "on_scene", 9),
        answer(3, alert, "a2", "en_route", 7),
    ];
    let taken = answers.take(&batch, at(10)).unwrap();
    assert_eq!(taken.iter().map(reason).collect::<Vec<_>>(), ["applied", "repeated", "applied", "late"]);
    assert_eq!(answers.offsets(TOPIC).unwrap()[&0], 4);
    let before = desk.lives.standing(alert).unwrap();
    // The commit's answer was lost, or an old reader wakes up: the same records again.
    let again = answers.take(&batch, at(11)).unwrap();
    assert!(again.iter().all(|taken| *taken == Taken::Repeated));
    assert_eq!(desk.lives.standing(alert).unwrap(), before);
    assert_eq!((desk.state(alert), desk.unsent("lightbar.dead-letters.v1").len()), (State::OnScene, 0));
    answers.restart(TOPIC, 0, 0).unwrap();
    assert_eq!(
        answers.take(&[answer(0, alert, "a4", "resolved", 12)], at(12)).unwrap().iter().map(reason).collect::<Vec<_>>(),
        ["applied"]
    );
}

#[test]
fn what_cannot_be_used_is_buried_byte_for_byte_with_its_reason() {
    let mut desk = desk();
    let alert = desk.dispatched(1);
    let fresh = desk.open("hall", 2);
    let mut foreign = answer(3, alert, "a1", "accepted", 5);
    let said: Value = serde_json::from_slice(foreign.value.as_deref().unwrap()).unwrap();
    let with = |field: &str, value: &str| {
        let mut said = said.clone();
        said[field] = value.into();
        Some(said.to_string().into_bytes())
    };
    foreign.value = with("system", "stranger");
    let garbage = Consumed {
        key: Some(vec![0xff, 0x00]),
        headers: vec![
            ("ce_id".to_owned(), Some(b"7".to_vec())),
            ("odd".to_owned(), Some(vec![0xfe])),
            ("none".to_owned(), None),
        ],
        ..record(b"\x00\xff no json")
    };
    let records = [
        garbage,
        Consumed { offset: 1, value: None, ..record(b"") },
        Consumed { offset: 2, ..answer(2, id(99), "a1", "accepted", 5) },
        foreign,
        Consumed { offset: 4, value: with("role", "dispatcher"), ..record(b"") },
        answer(5, alert, "a1", "accepted", 999),
        answer(6, fresh, "a1", "accepted", 5),
    ];
    let taken = desk.answers().take(&records, at(10)).unwrap();
    let reasons =
        ["malformed", "malformed", "unknown_alert", "unauthorized", "unauthorized", "from_the_future", "illegal"];
    assert_eq!(taken.iter().map(reason).collect::<Vec<_>>(), reasons, "{taken:?}");
    let dead = desk.unsent("lightbar.dead-letters.v1");
    assert_eq!(dead.len(), records.len());
    for (letter, record) in dead.iter().zip(&records) {
        assert_eq!(letter.value, record.value.clone().unwrap_or_default(), "byte for byte");
        let header =
            |name: &str| letter.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!(header("dead_offset"), Some(record.offset.to_string().as_str()));
        assert!(header("dead_detail").is_some_and(|detail| !detail.is_empty()));
    }
    let all: Vec<String> = dead[0].headers.iter().map(|(name, value)| format!("{name}={value}")).collect();
    for wanted in ["dead_key_hex=ff00", "ce_id=7", "dead_hex_odd=fe", "dead_null_none=", "dead_reason=malformed"] {
        assert!(all.iter().any(|header| header == wanted), "{wanted}: {all:?}");
    }
    assert_eq!((desk.state(alert), desk.state(fresh)), (State::Dispatched, State::New));
}

#[test]
fn deadlines_escalate_and_an_alert_that_nobody_touched_expires() {
    let mut desk = desk();
    let (idle, taken) = (desk.open("hall", 1), desk.dispatched(2));
    assert_eq!(desk.lives.due(at(60), 10).unwrap(), []);
    assert_eq!(
        desk.lives.due(at(61), 10).unwrap(),
        [Noticed::Overdue(idle, crate::domain::lifecycle::Timer::Acknowledge)]
    );
    assert_eq!(desk.lives.due(at(61), 10).unwrap(), [], "told once");
    let told: Value = serde_json::from_str(&desk.lives.states(&[idle]).unwrap()[0].json).unwrap();
    assert_eq!(
        (&told["state"], &told["change"]["what"], &told["overdue"]["timer"]),
        (&json!("new"), &json!("escalation"), &json!("acknowledge"))
    );
    assert_eq!(desk.lives.due(at(700), 10).unwrap(), [Noticed::Expired(idle)]);
    assert_eq!((desk.state(idle), desk.state(taken)), (State::Expired, State::Dispatched));
    assert_eq!(desk.lives.due(at(9999), 10).unwrap(), []);
}

#[test]
fn what_two_cameras_see_is_one_incident() {
    let mut desk = desk();
    let (first, other, second) = (desk.open("gate", 10), desk.open("hall", 12), desk.open("lane", 25));
    let incident = desk.lives.incident(first).unwrap().unwrap();
    assert_eq!((incident.kind.as_str(), incident.began_at, incident.last_at), ("loitering", at(10), at(25)));
    assert_eq!(incident.sightings.iter().map(|seen| seen.alert).collect::<Vec<_>>(), [first, second]);
    assert_eq!(desk.lives.standing(other).unwrap().unwrap().incident, None);
    let third = desk.open("gate", 50);
    assert_eq!(desk.lives.standing(third).unwrap().unwrap().incident, Some(first), "by way of the second");
    let said: Value = serde_json::from_str(&desk.lives.states(&[third]).unwrap()[0].json).unwrap();
    assert_eq!((&said["incident_id"], &said["change"]["what"]), (&json!(first.to_string()), &json!("incident")));
    assert_eq!(desk.unsent("lightbar.alerts.v1").len(), 4, "each alert is published all the same");
    assert_eq!(desk.lives.incidents(None, 10).unwrap().len(), 1);
    assert_eq!(desk.lives.incidents(Some(first), 10).unwrap(), []);
}

#[test]
fn a_report_told_again_is_one_alert() {
    let desk = desk();
    let first = desk.lives.report("key-1", &decided("hall", 1), at(1)).unwrap();
    let again = desk.lives.report("key-1", &decided("hall", 2), at(2)).unwrap();
    assert_eq!((first.row, first.alert, &first.json), (again.row, again.alert, &again.json));
    assert_eq!(desk.unsent("lightbar.alerts.v1").len(), 1);
    assert_eq!(desk.state(first.alert), State::New);
}

#[test]
fn a_restart_ends_what_the_service_watched_and_not_what_a_person_raised() {
    let mut desk = desk();
    let mut raised = decided("hall", 1);
    raised.change.kind = AlertKind::Manual;
    desk.lives.report("key-1", &raised, at(1)).unwrap();
    let watched = desk.open("hall", 2);
    let ended: Vec<AlertId> = desk.writer.recover(at(9), &[]).unwrap().ended.iter().map(|end| end.alert).collect();
    assert_eq!(ended, [watched]);
    assert_eq!((desk.state(watched), desk.state(raised.change.id)), (State::New, State::New), "states are people's");
}
