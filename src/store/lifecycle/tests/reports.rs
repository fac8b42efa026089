//! What a person raised ends when people are done with it; and what nobody is told of has no state.

use super::*;

#[test]
fn what_a_person_raised_ends_when_people_are_done_with_it_and_in_one_transaction() {
    for (n, way, state) in [
        (1, &[Action::Dismiss][..], State::Dismissed),
        (2, &[Action::Acknowledge, Action::Verify, Action::Close], State::Closed),
    ] {
        let desk = desk();
        let mut raised = decided("hall", n);
        raised.change.kind = AlertKind::Manual;
        let alert = desk.lives.report("key-1", &raised, at(n)).unwrap().alert;
        let (last, before) = way.split_last().unwrap();
        for action in before {
            let Outcome::Done(.., ended) = desk.does(alert, action.as_str(), *action, 10) else { panic!("{action}") };
            assert_eq!(ended, None, "{action} ends nothing");
        }
        let rows = desk.unsent("lightbar.alert-state.v1").len();
        let Outcome::Done(_, _, standing, Some(ended)) = desk.does(alert, "over", *last, 20) else { panic!("{last}") };
        assert_eq!((standing.life.state(), standing.alert_revision), (state, 2));
        let said: Value = serde_json::from_str(&ended.json).unwrap();
        assert_eq!((&said["phase"], &said["end_reason"]), (&json!("ended"), &json!("closed")));
        assert_eq!(said["timing"]["ended_at"], "2026-03-01T08:00:20.000Z");
        let sent = desk.unsent("lightbar.alerts.v1");
        assert_eq!(sent.len(), 2);
        assert_eq!(sent[1].value, ended.json.as_bytes(), "Kafka carries what the feed shows");
        assert_eq!(desk.unsent("lightbar.alert-state.v1").len(), rows + 1);
        // Told again, opened again and closed again: over is over.
        let Outcome::Done(_, Fate::Repeated, _, None) = desk.does(alert, "over", *last, 30) else { panic!("repeated") };
        let supervisor =
            |request: &str, action, when| Request { role: Role::Supervisor, ..asked(request, action, when) };
        for (request, action) in [("again", Action::Reopen), ("done", Action::Dismiss)] {
            let done = desk.lives.apply(alert, supervisor(request, action, 40), None, at(40)).unwrap();
            assert!(matches!(done, Outcome::Done(_, Fate::Applied, _, None)), "{done:?}");
        }
        assert_eq!(desk.unsent("lightbar.alerts.v1").len(), 2);
    }
}

#[test]
fn what_a_camera_watches_is_ended_by_nobodys_hand() {
    let mut desk = desk();
    let alert = desk.open("hall", 1);
    assert!(matches!(desk.does(alert, "r1", Action::Dismiss, 2), Outcome::Done(_, Fate::Applied, _, None)));
    assert_eq!(desk.unsent("lightbar.alerts.v1").len(), 1);
}

#[test]
fn a_patrol_that_is_done_over_kafka_ends_what_a_person_raised() {
    let desk = desk();
    let mut raised = decided("hall", 1);
    raised.change.kind = AlertKind::Manual;
    let alert = desk.lives.report("key-1", &raised, at(1)).unwrap().alert;
    for action in [Action::Acknowledge, Action::Verify, Action::Dispatch] {
        desk.does(alert, action.as_str(), action, 2);
    }
    let taken =
        desk.answers().take(&[answer(0, alert, "1", "on_scene", 5), answer(1, alert, "2", "resolved", 9)], at(9));
    let taken = taken.unwrap();
    assert!(matches!(&taken[0], Taken::Applied(_, "arrive", None)), "{taken:?}");
    let Taken::Applied(_, "resolve", Some(ended)) = &taken[1] else { panic!("{taken:?}") };
    assert!(ended.json.contains("\"end_reason\":\"closed\""));
}

/// Nothing here sets `suppressed`: what a rule's limit holds back is a record, of which people are not told, so it has no state.
#[test]
fn what_is_held_back_has_no_state() {
    let mut desk = desk();
    let mut held = decided("hall", 1);
    held.change.deliver = Deliver::Record;
    held.change.held_back = true;
    desk.writer.record(&[Fact::Alert(Box::new(held))], at(1)).unwrap();
    assert!(desk.lives.standing(id(1)).unwrap().is_none());
    assert!(matches!(desk.does(id(1), "r1", Action::Reopen, 2), Outcome::Unknown));
    assert_eq!(desk.unsent("lightbar.alert-state.v1").len(), 0);
}

/// A store from before such alerts were ended: the next start makes them good.
#[test]
fn a_start_ends_what_people_were_done_with_before() {
    let mut desk = desk();
    let mut raised = decided("hall", 1);
    raised.change.kind = AlertKind::Manual;
    let alert = desk.lives.report("key-1", &raised, at(1)).unwrap().alert;
    desk.open("hall", 2);
    desk.does(alert, "r1", Action::Dismiss, 3);
    let file = rusqlite::Connection::open(desk.folder.path().join("lightbar.db")).unwrap();
    file.execute("DELETE FROM alert_changes WHERE revision = 2", []).unwrap();
    file.execute("UPDATE alerts SET is_open = 1, revision = 1, row = (SELECT row FROM alert_changes c WHERE c.alert_id = alerts.alert_id)", []).unwrap();
    let ended = desk.writer.recover(at(9), &[]).unwrap().ended;
    let said: Vec<Value> = ended.iter().map(|end| serde_json::from_str(&end.json).unwrap()).collect();
    assert_eq!(said.len(), 2);
    let manual = said.iter().find(|alert| alert["kind"] == "manual").unwrap();
    assert_eq!(
        (&manual["end_reason"], &manual["timing"]["ended_at"]),
        (&json!("closed"), &json!("2026-03-01T08:00:03.000Z"))
    );
}
