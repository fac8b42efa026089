//! The sentences of alerts, in both languages.

use super::*;
use crate::contract::alert_v1::{Bbox, Camera, Codes, Crossing, Object, Privacy, Timing, Zone};

fn alert(kind: &'static str, classes: &[(&'static str, Option<&str>)]) -> AlertV1 {
    let object = |&(class, label): &(&'static str, Option<&str>)| Object {
        track_id: "t1".to_owned(),
        class: class.into(),
        label: label.map(str::to_owned),
        confidence: 0.9,
        bbox: Bbox { x: 0.0, y: 0.0, w: 0.1, h: 0.1 },
        first_seen_at: None,
        last_seen_at: None,
        dwell_s: None,
        velocity: None,
        speed_mps: None,
    };
    AlertV1 {
        schema_version: "1.0".into(),
        alert_id: String::new(),
        revision: 1,
        phase: "opened".into(),
        deliver: None,
        status: "Actual".into(),
        kind: kind.into(),
        cues: vec!["detector".into()],
        camera: Some(Camera { id: "gate-north".to_owned(), name: Some("北门".to_owned()), ..Camera::default() }),
        node: None,
        rule: None,
        zone: Some(Zone { id: "rack".to_owned(), rev: 1, name: Some("车棚".to_owned()), category: None }),
        timing: Timing {
            captured_at: "2026-03-01T08:00:00.000Z".to_owned(),
            detected_at: "2026-03-01T08:00:00.000Z".to_owned(),
            recorded_at: "2026-03-01T08:00:00.000Z".to_owned(),
            started_at: Some("2026-03-01T08:00:00.000Z".to_owned()),
            ended_at: None,
            capture_clock: None,
            clock_error_ms: None,
            clock_offset_ms: None,
        },
        end_reason: None,
        severity: "Minor".into(),
        urgency: "Expected".into(),
        certainty: "Likely".into(),
        priority: 4,
        confidence: Some(0.9),
        count: Some(u32::try_from(classes.len()).expect("few")),
        suppressed_count: None,
        objects: Some(classes.iter().map(object).collect()),
        crossing: None,
        frame: None,
        model: None,
        evidence: None,
        privacy: Privacy {
            identification: "none".into(),
            purpose: "public_order".into(),
            basis: None,
            mask_rev: 0,
            retention_until: "2026-03-31T08:00:00.000Z".to_owned(),
        },
        codes: Codes::default(),
        text: None,
    }
}

fn lines(alert: &AlertV1) -> (String, String) {
    let texts = of(alert);
    (texts.zh_cn.headline, texts.en.headline)
}

#[test]
fn the_bicycle_story() {
    let (zh, en) = lines(&alert("object_removed", &[("bicycle", None)]));
    assert_eq!(zh, "北门：“车棚”内 1 辆自行车被移走");
    assert_eq!(en, "北门: 1 bicycle gone from 车棚");
}

#[test]
fn a_crossing_says_which_line_and_which_way() {
    let mut alert = alert("line_cross", &[("person", None), ("person", None), ("bicycle", None)]);
    alert.crossing = Some(Crossing { line: "kerb".to_owned(), direction: "right_to_left".into() });
    let (zh, en) = lines(&alert);
    assert_eq!(zh, "北门：2 人、1 辆自行车越过界线 kerb（从右到左）");
    assert_eq!(en, "北门: 2 people and 1 bicycle crossed line kerb from right to left");
}

#[test]
fn loitering_says_how_long_and_an_end_says_why() {
    let mut alert = alert("loitering", &[("person", None)]);
    alert.objects.as_mut().expect("set")[0].dwell_s = Some(125.4);
    alert.phase = "ended".into();
    alert.end_reason = Some("left".into());
    alert.timing.ended_at = Some("2026-03-01T09:03:00.000Z".to_owned());
    let (zh, en) = lines(&alert);
    assert_eq!(zh, "北门：1 人在“车棚”内徘徊，已停留 2 分 5 秒（已结束，持续 1 小时 3 分，情况已消失）");
    assert_eq!(en, "北门: 1 person staying in 车棚 for 2 min 5 s (over after 1 h 3 min, no longer so)");
}

#[test]
fn a_speed_is_said_where_it_is_known() {
    let mut alert = alert("fast_move", &[("person", None)]);
    assert_eq!(lines(&alert).1, "北门: 1 person moving fast in 车棚");
    alert.objects.as_mut().expect("set")[0].speed_mps = Some(4.26);
    assert_eq!(lines(&alert).0, "北门：1 人在“车棚”内快速移动，4.3 米/秒");
    assert_eq!(lines(&alert).1, "北门: 1 person moving fast in 车棚, 4.3 m/s");
}

#[test]
fn a_thing_the_contract_has_no_class_for_goes_by_its_label() {
    let (zh, en) = lines(&alert("object_removed", &[("other", Some("bottle"))]));
    assert_eq!(zh, "北门：“车棚”内 1 个物体（bottle）被移走");
    assert_eq!(en, "北门: 1 bottle gone from 车棚");
}

#[test]
fn every_kind_has_a_sentence_in_both_languages_and_fits() {
    for kind in AlertKind::ALL {
        let mut alert = alert(kind.as_str(), &[("person", None)]);
        alert.camera.as_mut().expect("set").name = Some("名".repeat(100));
        alert.zone.as_mut().expect("set").name = Some("zone ".repeat(30));
        let (zh, en) = lines(&alert);
        assert!(!en.contains("alert of kind") && !zh.contains("类型为"), "{kind:?}");
        assert!(zh.chars().count() <= MAX_CHARS && en.chars().count() <= MAX_CHARS, "{kind:?}");
    }
}

#[test]
fn a_kind_from_the_future_is_named() {
    assert_eq!(lines(&alert("drone_seen", &[])).1, "北门: alert of kind drone_seen");
}
