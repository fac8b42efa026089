//! The two tables: what leads from which state where, and which role may do what.

use super::words::{Action, Role, State};

/// Where an action leads from a state; none: it is illegal there. Where an undo leads only the history knows: it says
/// [`State::Dismissed`] here.
#[expect(clippy::match_same_arms, reason = "in the order of the way, one line per action")]
pub const fn next(from: State, action: Action) -> Option<State> {
    use {Action as A, State as S};
    match (action, from) {
        (A::Acknowledge, S::New | S::Reopened) => Some(S::Acknowledged),
        (A::Verify, S::Acknowledged | S::Reopened) => Some(S::Verified),
        (A::Dispatch, S::Verified) => Some(S::Dispatched),
        // Along the way answers may be missing: a radio that was out of reach says only that they are there.
        (A::Accept, S::Dispatched) => Some(S::Accepted),
        (A::Depart, S::Dispatched | S::Accepted) => Some(S::EnRoute),
        (A::Arrive, S::Dispatched | S::Accepted | S::EnRoute) => Some(S::OnScene),
        (A::Resolve, S::Dispatched | S::Accepted | S::EnRoute | S::OnScene) => Some(S::Resolved),
        (A::Refuse, S::Dispatched | S::Accepted | S::EnRoute) => Some(S::Verified),
        (A::Dismiss, S::New | S::Acknowledged | S::Verified | S::Reopened | S::Suppressed | S::Expired) => {
            Some(S::Dismissed)
        }
        (A::Undo, S::Dismissed) => Some(S::Dismissed),
        (
            A::Transfer,
            S::New
            | S::Acknowledged
            | S::Verified
            | S::Dispatched
            | S::Accepted
            | S::EnRoute
            | S::OnScene
            | S::Reopened,
        ) => Some(S::Transferred),
        (
            A::Close,
            S::Verified
            | S::Dispatched
            | S::Accepted
            | S::EnRoute
            | S::OnScene
            | S::Resolved
            | S::Dismissed
            | S::Transferred
            | S::Suppressed
            | S::Expired,
        ) => Some(S::Closed),
        (A::Reopen, S::Resolved | S::Closed | S::Dismissed | S::Transferred | S::Suppressed | S::Expired) => {
            Some(S::Reopened)
        }
        (A::Suppress, S::New) => Some(S::Suppressed),
        (A::Expire, S::New) => Some(S::Expired),
        (A::Note, _) => Some(from),
        _ => None,
    }
}

/// Whether a role may do it, where it is legal at all. The service itself sets nothing but suppressed and expired; only people
/// verify, dispatch, dismiss and close.
pub const fn may(role: Role, action: Action, from: State) -> bool {
    use {Action as A, Role as R};
    let by_service = matches!(action, A::Suppress | A::Expire);
    match role {
        R::System => by_service,
        R::Supervisor => !by_service,
        R::Operator => match action {
            // What was closed, dismissed by somebody or given away is opened again by who answers for it.
            A::Reopen => matches!(from, State::Resolved | State::Suppressed | State::Expired),
            _ => !by_service && !action.is_answer(),
        },
        R::Dispatcher => action.is_answer() || matches!(action, A::Dispatch | A::Note),
        R::Patrol => action.is_answer() || matches!(action, A::Note),
    }
}

/// What a role can do from a state.
pub fn legal(from: State, role: Role) -> Vec<Action> {
    let legal = |action: &Action| next(from, *action).is_some() && may(role, *action, from);
    Action::ALL.iter().copied().filter(legal).collect()
}

/// How far along the patrol's way a state is; none: not on it.
pub(super) const fn progress(state: State) -> Option<u8> {
    match state {
        State::Dispatched => Some(0),
        State::Accepted => Some(1),
        State::EnRoute => Some(2),
        State::OnScene => Some(3),
        State::Resolved => Some(4),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_can_be_left_by_somebody_and_the_service_sets_only_its_own() {
        for &state in State::ALL {
            let people = [Role::Operator, Role::Supervisor];
            let leaves = |&role: &Role| legal(state, role).iter().any(|&action| next(state, action) != Some(state));
            assert!(people.iter().any(leaves), "{state} is a trap");
            for action in legal(state, Role::System) {
                assert!(matches!(next(state, action), Some(State::Suppressed | State::Expired)), "{state} {action}");
            }
        }
    }

    #[test]
    fn only_people_verify_dispatch_dismiss_and_close() {
        for action in [Action::Verify, Action::Dispatch, Action::Dismiss, Action::Close] {
            for &state in State::ALL {
                assert!(!may(Role::System, action, state) && !may(Role::Patrol, action, state), "{action} {state}");
            }
        }
    }

    #[test]
    fn what_a_patrol_says_is_said_on_its_way_only() {
        for &action in Action::ALL.iter().filter(|action| action.is_answer()) {
            for &state in State::ALL {
                let on_the_way = progress(state).is_some_and(|far| far < 4);
                assert!(next(state, action).is_none() || on_the_way, "{action} {state}");
            }
        }
    }
}
