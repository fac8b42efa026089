//! Every kind's JSON against both schemas and against the examples that were published: those must validate for ever.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lightbar::contract::alert_state_v1::{About, Change};
use lightbar::contract::{AlertStateV1, AlertV1, CameraHealthV1, Stamp, asyncapi, cloudevents};
use lightbar::domain::alert::{AlertKind, AlertObject, Phase};
use lightbar::domain::detection::ObjectClass;
use lightbar::domain::geometry::BBox;
use lightbar::domain::ids::TrackId;
use lightbar::domain::lifecycle::{Action, Disposition, Lifecycle, Request, Role, Timer};
use lightbar::domain::scene::BlindCause;
use lightbar::pipeline::evidence::{Piece, PieceKind, PieceRole, Sealed};
use lightbar::pipeline::ports::Decided;
use serde_json::{Value, json};

use crate::play;
use crate::script::Script;
use crate::support::facts::{EIGHT, camera, decided, ended, site};
use crate::support::schemas::{complaints, validator};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/schemas/examples")
}

fn alert(decided: &Decided) -> AlertV1 {
    AlertV1::new(decided, &site(), decided.detected_at.plus(Duration::from_millis(5)))
}

/// Compares with the published example; `UPDATE_GOLDEN=1` writes it.
fn golden(name: &str, value: &Value) {
    let path = examples().join(name);
    let text = serde_json::to_string_pretty(value).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(examples()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert_eq!(text, published, "{name} differs from what was published");
}

#[test]
fn every_kind_is_as_its_published_example() {
    for kind in AlertKind::ALL {
        let json: Value = serde_json::from_str(&alert(&decided(kind, "gate-north", 0)).to_json()).unwrap();
        golden(&format!("{}.opened.json", kind.as_str()), &json);
    }
    let over = alert(&ended("gate-north", 0, Duration::from_secs(95)));
    golden("loitering.ended.json", &serde_json::from_str(&over.to_json()).unwrap());
    let restarted = alert(&decided(AlertKind::Loitering, "gate-north", 0))
        .ended_by_restart(EIGHT.plus(Duration::from_mins(1)), EIGHT.plus(Duration::from_mins(5)));
    golden("loitering.ended-by-restart.json", &serde_json::from_str(&restarted.to_json()).unwrap());
    let sealed = [("snapshot.jpg", PieceKind::Snapshot), ("clip.mp4", PieceKind::Clip)].map(|(name, kind)| Sealed {
        piece: Piece {
            name: name.to_owned(),
            kind,
            role: PieceRole::Trigger,
            captured_at: EIGHT,
            sample_times_ms: if kind == PieceKind::Clip { vec![0, 40, 80] } else { Vec::new() },
            cut: false,
            masked: false,
        },
        path: format!("gate-north/00000001/{name}"),
        size_bytes: 1_234_567,
        sha256: "3b".repeat(32),
    });
    let shown = over.with_evidence(&sealed, EIGHT.plus(Duration::from_secs(101)));
    golden("loitering.evidence.json", &serde_json::from_str(&shown.to_json()).unwrap());
    let closed = alert(&decided(AlertKind::Manual, "gate-north", 0))
        .ended_by_people(EIGHT.plus(Duration::from_mins(12)), EIGHT.plus(Duration::from_mins(12)));
    golden("manual.ended.json", &serde_json::from_str(&closed.to_json()).unwrap());
}

#[test]
fn many_objects_speeds_and_zones_are_as_their_published_examples() {
    let mut crowd = decided(AlertKind::Crowd, "gate-north", 0);
    let objects = (0..3u32).map(|i| {
        let first = &crowd.change.objects[0];
        let bbox = BBox::new(0.1 + 0.2 * f64::from(i), 0.5, 0.06, 0.3);
        AlertObject { track: TrackId(7 + u64::from(i)), class: ObjectClass::Person, bbox, ..first.clone() }
    });
    crowd.change.objects = objects.collect();
    crowd.change.count = 48;
    (crowd.change.revision, crowd.change.phase) = (2, Phase::Updated);
    golden("crowd.updated.json", &serde_json::from_str(&alert(&crowd).to_json()).unwrap());

    let mut fast = decided(AlertKind::FastMove, "gate-north", 0);
    fast.change.objects[0].class = ObjectClass::Motorcycle;
    fast.change.objects[0].speed = Some(11.416);
    golden("fast_move.with-ground.json", &serde_json::from_str(&alert(&fast).to_json()).unwrap());

    // Over a line it says which way; in a zone, which zone.
    let mut lane = decided(AlertKind::WrongWay, "gate-north", 0);
    lane.change.crossing = None;
    lane.change.zone = decided(AlertKind::ZoneEnter, "gate-north", 0).change.zone;
    golden("wrong_way.in-zone.json", &serde_json::from_str(&alert(&lane).to_json()).unwrap());
}

#[test]
fn the_binary_prints_what_it_promises() {
    for published in lightbar::contract::schema::ALL {
        let printed = Command::new(env!("CARGO_BIN_EXE_lightbar")).args(["schema", published.name]).output().unwrap();
        assert_eq!(String::from_utf8(printed.stdout).unwrap(), published.text, "{}", published.name);
    }
    let printed = Command::new(env!("CARGO_BIN_EXE_lightbar")).args(["schema", "asyncapi"]).output().unwrap();
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), asyncapi::PUBLISHED);
}

#[test]
fn the_asyncapi_document_and_the_topics_that_are_made_are_the_same() {
    let document = asyncapi::document(&site());
    for spec in lightbar::kafka::topics::wanted(&site(), 3) {
        let channel =
            document["channels"].as_object().unwrap().values().find(|channel| channel["address"] == spec.name);
        let channel = channel.unwrap_or_else(|| panic!("{} is in no channel", spec.name));
        let configuration = &channel["bindings"]["kafka"]["topicConfiguration"];
        let cleanup = if spec.compact { "compact" } else { "delete" };
        assert_eq!(configuration["cleanup.policy"][0], cleanup, "{}", spec.name);
        if !spec.compact {
            assert_eq!(configuration["retention.ms"], json!(spec.keep.as_millis() as u64), "{}", spec.name);
        }
    }
}

#[test]
fn a_record_from_the_future_passes_the_open_schema_only() {
    let mut value: Value =
        serde_json::from_str(&alert(&decided(AlertKind::ObjectRemoved, "gate-north", 0)).to_json()).unwrap();
    value["schema_version"] = json!("1.7");
    value["kind"] = json!("drone_seen");
    value["weather"] = json!({"rain": true});
    value["objects"][0]["class"] = json!("drone");
    value["objects"][0]["height_m"] = json!(12.5);
    value["camera"]["floor"] = json!(3);
    value["text"]["fr"] = json!({"headline": "un drone"});
    golden("from-the-future.json", &value);
    assert_eq!(complaints(&validator("alert-open"), &value), [""; 0]);
    assert!(complaints(&validator("alert"), &value).len() >= 5);
    // And our own reader takes it.
    let read: AlertV1 = serde_json::from_value(value).unwrap();
    assert_eq!(read.kind, "drone_seen");
}

#[test]
fn the_open_schema_still_refuses_what_breaks_a_promise() {
    type Spoil = fn(&mut Value);
    let good: Value = serde_json::from_str(&alert(&decided(AlertKind::Loitering, "gate-north", 0)).to_json()).unwrap();
    let open = validator("alert-open");
    let broken: [(&str, Spoil); 5] = [
        ("a version 2", |v| v["schema_version"] = json!("2.0")),
        ("an identification", |v| v["privacy"]["identification"] = json!("face")),
        ("a box outside the picture", |v| v["objects"][0]["bbox"]["x"] = json!(1.5)),
        ("an end without a reason", |v| v["phase"] = json!("ended")),
        ("no id", |v| drop(v.as_object_mut().unwrap().remove("alert_id"))),
    ];
    for (what, spoil) in broken {
        let mut value = good.clone();
        spoil(&mut value);
        assert!(!open.is_valid(&value), "{what} was let through");
    }
}

#[test]
fn the_same_event_has_the_same_bytes_and_headers() {
    let decided = decided(AlertKind::LineCross, "gate-north", 3);
    let (one, two) = (alert(&decided), alert(&decided));
    assert_eq!(one.to_json(), two.to_json());
    let stamp = Stamp { sequence: 42, epoch: "0123456789abcdef0123456789abcdef" };
    let headers = cloudevents::alert_headers(&one, &site(), stamp);
    assert_eq!(headers, cloudevents::alert_headers(&two, &site(), stamp));
    golden("line_cross.opened.headers.json", &serde_json::to_value(&headers).unwrap());
    // What was read back is written as it was.
    let read: AlertV1 = serde_json::from_str(&one.to_json()).unwrap();
    assert_eq!(read.to_json(), one.to_json());
}

/// What dispatch systems are shown is what is understood.
#[test]
fn published_answers_are_understood() {
    for name in ["accepted", "resolved", "refused"] {
        let text = std::fs::read_to_string(examples().join(format!("dispatch-status.{name}.json"))).unwrap();
        let answer = lightbar::contract::dispatch_status_v1::Answer::read(text.as_bytes());
        assert!(answer.is_ok(), "{name}: {answer:?}");
    }
    let text = std::fs::read_to_string(examples().join("alert-state.acknowledged.json")).unwrap();
    let state: lightbar::contract::AlertStateV1 = serde_json::from_str(&text).unwrap();
    let again: Value = serde_json::from_str(&state.to_json()).unwrap();
    assert_eq!(again, serde_json::from_str::<Value>(&text).unwrap());
    let headers = cloudevents::alert_state_headers(&state, &site());
    golden("alert-state.acknowledged.headers.json", &serde_json::to_value(&headers).unwrap());
}

/// One alert's way with all that a record of its state can say.
#[test]
fn states_are_as_their_published_examples() {
    let id = decided(AlertKind::WrongWay, "gate-north", 0).change.id;
    let about = About {
        alert: id,
        kind: "wrong_way",
        camera: Some("gate-north"),
        priority: 2,
        expires_at: EIGHT.plus(Duration::from_mins(10)),
        incident: Some(id),
    };
    let after = |seconds| EIGHT.plus(Duration::from_secs(seconds));
    let mut life = Lifecycle::new(EIGHT);
    let mut revision = 0;
    let mut says = |name: &str, life: &Lifecycle, change| {
        revision += 1;
        let said = AlertStateV1::new(&about, life, revision, change);
        let value: Value = serde_json::from_str(&said.to_json()).unwrap();
        assert_eq!(complaints(&validator("alert-state"), &value), [""; 0], "{name}");
        golden(&format!("alert-state.{name}.json"), &value);
    };
    says("incident", &life, Change::incident(after(1)));
    let asked = |number: u64, action, (actor, role): (&str, Role), at| Request {
        id: format!("{}-{number}", if role == Role::Patrol { "county-110" } else { "console" }),
        action,
        actor: actor.to_owned(),
        role,
        at,
        reason: None,
        disposition: None,
        recipient: None,
    };
    let told_at = |life: &mut Lifecycle, request: Request, now| {
        Change::transition(&life.apply(request, now, Duration::from_mins(5)).unwrap().0)
    };
    let does = |life: &mut Lifecycle, request: Request| {
        let now = request.at.plus(Duration::from_millis(100));
        told_at(life, request, now)
    };
    let desk = ("wang", Role::Operator);
    does(&mut life, asked(1, Action::Acknowledge, desk, after(20)));
    does(&mut life, asked(2, Action::Verify, desk, after(40)));
    let sent = Request { recipient: Some("unit-7".to_owned()), ..asked(3, Action::Dispatch, desk, after(60)) };
    let sent = does(&mut life, sent);
    says("dispatched", &life, sent);
    let raised = life.escalate(Timer::Accept, 3, after(180), after(181));
    says("overdue", &life, Change::escalation(&raised));
    let patrol = ("unit-7", Role::Patrol);
    does(&mut life, asked(5, Action::Arrive, patrol, after(300)));
    let late = told_at(&mut life, asked(4, Action::Accept, patrol, after(200)), after(310));
    says("late", &life, late);
    let done = Request {
        reason: Some("the driver was turned back".to_owned()),
        disposition: Some(Disposition::Handled),
        ..asked(6, Action::Resolve, patrol, after(900))
    };
    let done = does(&mut life, done);
    says("resolved", &life, done);
}

#[test]
fn camera_health_is_as_its_published_examples() {
    let id = camera("gate-north");
    let at = EIGHT.plus(Duration::from_secs(1));
    golden(
        "camera-health.online.json",
        &serde_json::from_str(&CameraHealthV1::new(&id, None, EIGHT, at).to_json()).unwrap(),
    );
    let unreachable = CameraHealthV1::new(&id, Some(BlindCause::Unreachable), EIGHT, at);
    let stamp = Stamp { sequence: 42, epoch: "0123456789abcdef0123456789abcdef" };
    let headers = cloudevents::camera_health_headers(&unreachable, &site(), stamp);
    golden("camera-health.offline.headers.json", &serde_json::to_value(&headers).unwrap());
    for cause in BlindCause::ALL {
        let health = CameraHealthV1::new(&id, Some(cause), EIGHT, at);
        let value: Value = serde_json::from_str(&health.to_json()).unwrap();
        assert_eq!(complaints(&validator("camera-health"), &value), [""; 0], "{cause:?}");
        if cause == BlindCause::Unreachable {
            golden("camera-health.offline.json", &value);
        }
    }
}

#[test]
fn every_alert_of_every_scene_is_good_on_the_wire() {
    let strict = validator("alert");
    let mut kinds = BTreeSet::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenes");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|file| file.extension().is_some_and(|extension| extension == "scene")) {
        let script = Script::parse(&std::fs::read_to_string(&file).unwrap()).unwrap();
        for change in play::play(&script, script.fps[0], 0, 0) {
            let about = decided(change.kind, "gate-north", 0);
            let recorded_at = change.captured_at;
            kinds.insert(change.kind.as_str());
            let told = Decided { change, detected_at: recorded_at, ..about };
            let alert = AlertV1::new(&told, &site(), recorded_at);
            let value: Value = serde_json::from_str(&alert.to_json()).unwrap();
            let name = format!("{}: {}", file.display(), alert.to_json());
            assert_eq!(complaints(&strict, &value), [""; 0], "{name}");
            let said = alert.text.unwrap();
            assert!(!said.en.headline.contains("alert of kind"), "{name}");
            assert!(said.zh_cn.headline.chars().any(|c| c > '\u{4e00}'), "{name}");
        }
    }
    assert!(kinds.len() >= 12, "scenes raised only {kinds:?}");
}
