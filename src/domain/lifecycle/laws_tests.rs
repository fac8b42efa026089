//! What holds whatever people, patrols and clocks do.

use std::time::Duration;

use proptest::prelude::*;

use super::words::{Action, Disposition, Role, State};
use super::{Deadlines, Due, Fate, Lifecycle, Refused, Request, table};
use crate::domain::time::Timestamp;

const UNDO: Duration = Duration::from_mins(5);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_772_352_000_000 + seconds * 1000)
}

fn request(id: &str, action: Action, role: Role, seconds: i64) -> Request {
    let concludes = matches!(action, Action::Dismiss | Action::Close | Action::Resolve);
    Request {
        id: id.to_owned(),
        action,
        actor: role.to_string(),
        role,
        at: at(seconds),
        reason: matches!(action, Action::Refuse | Action::Note).then(|| "so".to_owned()),
        disposition: concludes.then_some(Disposition::Handled),
        recipient: matches!(action, Action::Transfer).then(|| "the county".to_owned()),
    }
}

/// Does these in order, each a second after the other; gives the lifecycle and where it stands.
fn done(steps: &[(Action, Role)]) -> Lifecycle {
    let mut life = Lifecycle::new(at(0));
    for (n, &(action, role)) in (1..).zip(steps) {
        life.apply(request(&n.to_string(), action, role, n), at(n), UNDO).unwrap_or_else(|e| panic!("{action}: {e}"));
    }
    life
}

const SENT: [(Action, Role); 3] =
    [(Action::Acknowledge, Role::Operator), (Action::Verify, Role::Operator), (Action::Dispatch, Role::Operator)];

#[test]
fn the_whole_way() {
    let mut way = SENT.to_vec();
    way.extend([Action::Accept, Action::Depart, Action::Arrive, Action::Resolve].map(|action| (action, Role::Patrol)));
    way.push((Action::Close, Role::Operator));
    let life = done(&way);
    assert_eq!((life.state(), life.disposition()), (State::Closed, Some(Disposition::Handled)));
    let states: Vec<&str> = life.entries().iter().map(|entry| entry.to.as_str()).collect();
    assert_eq!(
        states,
        ["acknowledged", "verified", "dispatched", "accepted", "en_route", "on_scene", "resolved", "closed"]
    );
}

#[test]
fn what_is_illegal_names_what_is_legal() {
    let mut life = done(&[]);
    let refused = life.apply(request("x", Action::Dispatch, Role::Operator, 1), at(1), UNDO).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "an alert that is new cannot be told to dispatch; legal now: acknowledge, dismiss, transfer, note"
    );
    let refused = life.apply(request("x", Action::Acknowledge, Role::Patrol, 1), at(1), UNDO).unwrap_err();
    assert_eq!(refused.to_string(), "a patrol may not acknowledge an alert that is new; who may: operator, supervisor");
    assert_eq!(life.entries().len(), 0, "what is refused leaves no trace");
}

#[test]
fn a_refusal_gives_the_alert_back_and_a_late_answer_changes_nothing() {
    let mut life = done(&SENT);
    life.apply(request("a", Action::Arrive, Role::Patrol, 10), at(10), UNDO).unwrap();
    let (entry, fate) = life.apply(request("b", Action::Accept, Role::Patrol, 8), at(11), UNDO).unwrap();
    assert_eq!((fate, entry.late, life.state()), (Fate::Late, true, State::OnScene));
    let mut life = done(&SENT);
    life.apply(request("a", Action::Refuse, Role::Patrol, 10), at(10), UNDO).unwrap();
    assert_eq!(life.state(), State::Verified);
    let before = life.apply(request("b", Action::Accept, Role::Patrol, 9), at(11), UNDO).unwrap();
    assert_eq!(before.1, Fate::Late, "said before the refusal, heard after it");
    let after = life.apply(request("c", Action::Accept, Role::Patrol, 12), at(12), UNDO).unwrap_err();
    assert!(matches!(after, Refused::Illegal { .. }), "nobody asked them: {after}");
}

#[test]
fn an_answer_of_an_earlier_round_does_not_move_the_next() {
    let mut life = done(&SENT);
    for (id, action, role, when) in [
        ("a", Action::Resolve, Role::Patrol, 100),
        ("b", Action::Reopen, Role::Supervisor, 5000),
        ("c", Action::Verify, Role::Operator, 5001),
        ("d", Action::Dispatch, Role::Operator, 5002),
    ] {
        life.apply(request(id, action, role, when), at(when), UNDO).unwrap();
    }
    assert_eq!(life.apply(request("e", Action::Arrive, Role::Patrol, 90), at(5003), UNDO).unwrap().1, Fate::Late);
    assert_eq!(life.state(), State::Dispatched);
    assert_eq!(life.disposition(), None, "of the round before");
    life.apply(request("f", Action::Arrive, Role::Patrol, 5004), at(5004), UNDO).unwrap();
    assert_eq!(life.state(), State::OnScene);
}

#[test]
fn a_dismissal_is_undone_by_its_maker_for_a_while_and_by_a_supervisor_always() {
    let dismissed = [(Action::Acknowledge, Role::Operator), (Action::Dismiss, Role::Operator)];
    let undo = |role: Role, actor: &str, after: i64| {
        let mut life = done(&dismissed);
        let asked = Request { actor: actor.to_owned(), ..request("u", Action::Undo, role, after) };
        life.apply(asked, at(after), UNDO).map(|_| life.state())
    };
    assert_eq!(undo(Role::Operator, "operator", 300), Ok(State::Acknowledged));
    assert!(matches!(undo(Role::Operator, "operator", 303), Err(Refused::UndoOver { .. })));
    assert!(matches!(undo(Role::Operator, "another", 10), Err(Refused::UndoOver { .. })));
    assert_eq!(undo(Role::Supervisor, "another", 9999), Ok(State::Acknowledged));
}

#[test]
fn deadlines_escalate_once_each_and_change_nothing() {
    let deadlines = Deadlines::default();
    let expires = at(600);
    let mut life = done(&[]);
    let Some(Due::Escalate { timer, after, at: due }) = life.next_due(2, &deadlines, expires) else { panic!() };
    assert_eq!((timer.as_str(), after, due), ("acknowledge", 0, at(120)));
    life.escalate(timer, after, due, at(121));
    assert_eq!((life.state(), life.overdue().is_some()), (State::New, true));
    assert_eq!(life.next_due(2, &deadlines, expires), Some(Due::Expire { at: expires }));
    assert_eq!(done(&[]).next_due(4, &deadlines, expires), Some(Due::Expire { at: expires }), "no deadline for 4");
    let mut sent = done(&SENT);
    assert_eq!(sent.overdue(), None);
    assert_eq!(sent.next_due(1, &deadlines, expires).map(Due::at), Some(at(3 + 60)), "accept");
    sent.apply(request("a", Action::Accept, Role::Patrol, 10), at(10), UNDO).unwrap();
    sent.apply(request("b", Action::Depart, Role::Patrol, 20), at(20), UNDO).unwrap();
    assert_eq!(sent.next_due(1, &deadlines, expires).map(Due::at), Some(at(10 + 600)), "arrive, from the acceptance");
    assert_eq!(done(&[(Action::Acknowledge, Role::Operator)]).next_due(1, &deadlines, expires), None);
}

fn any_request() -> impl Strategy<Value = (Request, i64)> {
    let pick = |n: usize| 0..n;
    (0..40u32, pick(Action::ALL.len()), pick(Role::ALL.len()), pick(3), -200i64..400, 0..3usize, any::<(bool, bool)>())
        .prop_map(|(id, action, role, actor, skew, disposition, (says, sends))| {
            let asked = Request {
                id: id.to_string(),
                action: Action::ALL[action],
                actor: ["anna", "bert", "unit-7"][actor].to_owned(),
                role: Role::ALL[role],
                at: at(skew),
                reason: says.then(|| "so".to_owned()),
                disposition: [None, Some(Disposition::Handled), Some(Disposition::FalseModel)][disposition],
                recipient: sends.then(|| "unit-7".to_owned()),
            };
            (asked, skew)
        })
}

proptest! {
    /// Whatever comes: each step of the history is in the tables, what is refused leaves no trace, entries count up by one.
    #[test]
    fn no_sequence_of_requests_reaches_an_impossible_state(requests in prop::collection::vec(any_request(), 0..60)) {
        let mut life = Lifecycle::new(at(0));
        for (n, (asked, skew)) in (0i64..).zip(requests) {
            let before = life.clone();
            let asked = Request { at: at(n * 10 + skew), ..asked };
            match life.apply(asked.clone(), at(n * 10), UNDO) {
                Err(refused) => {
                    prop_assert_eq!(&life, &before);
                    prop_assert!(!refused.to_string().is_empty() && !refused.field().is_empty());
                    if let Refused::Illegal { legal, .. } = refused {
                        prop_assert_eq!(legal, table::legal(before.state(), asked.role));
                    }
                }
                Ok((entry, Fate::Repeated)) => {
                    prop_assert_eq!(&life, &before);
                    prop_assert_eq!(entry.request.action, asked.action);
                }
                Ok((entry, fate)) => {
                    prop_assert_eq!(entry.from, before.state());
                    prop_assert_eq!(entry.to, life.state());
                    prop_assert_eq!(entry.number as usize, before.entries().len() + 1);
                    prop_assert!(table::may(asked.role, asked.action, entry.from));
                    if fate == Fate::Late {
                        prop_assert!(entry.late && !entry.changes() && asked.action.is_answer());
                    } else if asked.action == Action::Undo {
                        prop_assert_eq!(entry.from, State::Dismissed);
                        prop_assert!(!matches!(entry.to, State::Dismissed | State::Closed));
                    } else {
                        prop_assert_eq!(table::next(entry.from, asked.action), Some(entry.to));
                    }
                }
            }
            // The patrol's way is only ever entered by a dispatch.
            if table::progress(life.state()).is_some() {
                prop_assert!(life.entries().iter().any(|entry| entry.to == State::Dispatched));
            }
            prop_assert_eq!(life.state() == State::Expired || life.state() == State::Suppressed,
                life.changes().next_back().is_some_and(|e| matches!(e.to, State::Expired | State::Suppressed)));
        }
    }

    /// Everything told twice, in any order of the copies after their first: the same history.
    #[test]
    fn telling_it_again_changes_nothing(requests in prop::collection::vec(any_request(), 1..30), again in prop::collection::vec(0..30usize, 0..30)) {
        let mut once = Lifecycle::new(at(0));
        let taken: Vec<Request> = requests.into_iter().map(|(asked, _)| asked)
            .filter(|asked| once.apply(asked.clone(), at(0), UNDO).is_ok_and(|(_, fate)| fate != Fate::Repeated)).collect();
        let told = once.clone();
        for index in again {
            if let Some(asked) = taken.get(index) {
                let (_, fate) = once.apply(asked.clone(), at(99), UNDO).expect("it was done before");
                prop_assert_eq!(fate, Fate::Repeated);
            }
        }
        prop_assert_eq!(once, told);
    }

    /// The answers of a patrol in any order end where the farthest of them leads.
    #[test]
    fn reordered_answers_end_where_the_farthest_leads(order in Just(vec![Action::Accept, Action::Depart, Action::Arrive, Action::Resolve]).prop_shuffle(), heard in 1..=4usize) {
        let mut life = done(&SENT);
        let mut farthest = 0;
        for (n, action) in (10i64..).zip(order.into_iter().take(heard)) {
            life.apply(request(action.as_str(), action, Role::Patrol, n), at(n), UNDO).expect("applied or late");
            farthest = farthest.max(match action { Action::Accept => 1, Action::Depart => 2, Action::Arrive => 3, _ => 4 });
            prop_assert_eq!(table::progress(life.state()), Some(farthest));
        }
        prop_assert_eq!(life.entries().len(), 3 + heard, "each is written down");
    }
}
