//! Wing and Gong's search for an order of calls that explains their answers, with Lowe's memory of dead ends.

use std::collections::HashSet;

use super::{Answer, Asked, Operation};

/// What is kept under the key: the number of a record, or nothing.
type State = Option<usize>;

/// Whether the calls, in some order that respects which ended before which began, have these answers. There is
/// nothing under the key at first.
pub(super) fn is_linearizable(history: &[Operation]) -> bool {
    assert!(
        history.len() <= 64,
        "the calls that are done are the bits of one number"
    );
    search(history, 0, None, &mut HashSet::new())
}

fn search(
    history: &[Operation],
    done: u64,
    state: State,
    dead_ends: &mut HashSet<(u64, State)>,
) -> bool {
    let open = || {
        let all = history.iter().enumerate();
        all.filter(move |(number, _)| done & (1 << number) == 0)
    };
    // What is unknown need never have happened.
    if open().all(|(_, one)| one.answer == Answer::Unknown) {
        return true;
    }
    if !dead_ends.insert((done, state)) {
        return false;
    }
    let first_end = open().map(|(_, one)| end(one)).min().unwrap_or(u64::MAX);
    open()
        .filter(|(_, one)| one.began < first_end)
        .any(|(number, one)| {
            after(state, one)
                .is_some_and(|state| search(history, done | (1 << number), state, dead_ends))
        })
}

/// When the call has happened at the latest; one that was cut off may happen long after.
const fn end(operation: &Operation) -> u64 {
    match operation.answer {
        Answer::Unknown => u64::MAX,
        _ => operation.ended,
    }
}

/// What the contract says is there after this call with this answer; `None` if it never answers so.
fn after(state: State, operation: &Operation) -> Option<State> {
    let (answer, next) = match (operation.asked, state) {
        (Asked::Load, None) => (Answer::Nothing, state),
        (Asked::Load, Some(there)) => (Answer::Found(there), state),
        (Asked::Create(number), None) => (Answer::Done, Some(number)),
        (Asked::Create(_), Some(_)) => (Answer::KeyTaken, state),
        (Asked::Replace { .. } | Asked::Delete { .. }, None) => (Answer::Nothing, state),
        (Asked::Replace { seen, by }, Some(there)) if seen == there => (Answer::Done, Some(by)),
        (Asked::Delete { seen }, Some(there)) if seen.is_none_or(|seen| seen == there) => {
            (Answer::Done, None)
        }
        (Asked::Replace { .. } | Asked::Delete { .. }, Some(there)) => {
            (Answer::Found(there), state)
        }
    };
    (operation.answer == answer || operation.answer == Answer::Unknown).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(began: u64, ended: u64, asked: Asked, answer: Answer) -> Operation {
        Operation {
            began,
            ended,
            asked,
            answer,
        }
    }

    #[test]
    fn calls_at_the_same_time_may_have_any_order() {
        let created = call(0, 3, Asked::Create(1), Answer::Done);
        for answer in [Answer::Nothing, Answer::Found(1)] {
            assert!(is_linearizable(&[created, call(1, 2, Asked::Load, answer)]));
        }
        assert!(!is_linearizable(&[
            created,
            call(1, 2, Asked::Load, Answer::Found(0))
        ]));
    }

    #[test]
    fn what_ended_before_came_first() {
        let created = call(0, 1, Asked::Create(1), Answer::Done);
        assert!(is_linearizable(&[
            created,
            call(2, 3, Asked::Load, Answer::Found(1))
        ]));
        assert!(!is_linearizable(&[
            created,
            call(2, 3, Asked::Load, Answer::Nothing)
        ]));
    }

    #[test]
    fn a_lost_change_has_no_order() {
        let replace = |began, by| {
            call(
                began,
                began + 4,
                Asked::Replace { seen: 0, by },
                Answer::Done,
            )
        };
        let created = call(0, 1, Asked::Create(0), Answer::Done);
        assert!(is_linearizable(&[created, replace(2, 1)]));
        assert!(!is_linearizable(&[created, replace(2, 1), replace(3, 2)]));
    }

    #[test]
    fn what_was_deleted_does_not_come_back() {
        let created = call(0, 1, Asked::Create(0), Answer::Done);
        let deleted = call(2, 3, Asked::Delete { seen: None }, Answer::Done);
        let replaced = call(4, 5, Asked::Replace { seen: 0, by: 1 }, Answer::Done);
        assert!(!is_linearizable(&[created, deleted, replaced]));
    }

    #[test]
    fn what_is_unknown_happened_once_or_never_and_perhaps_late() {
        let created = call(0, 1, Asked::Create(0), Answer::Done);
        let cut_off = call(2, 3, Asked::Delete { seen: None }, Answer::Unknown);
        let found = call(4, 5, Asked::Load, Answer::Found(0));
        let nothing = call(6, 7, Asked::Load, Answer::Nothing);
        let again = call(8, 9, Asked::Load, Answer::Found(0));
        assert!(is_linearizable(&[created, cut_off, found]));
        assert!(is_linearizable(&[created, cut_off, found, nothing]));
        assert!(!is_linearizable(&[created, cut_off, found, nothing, again]));
        let before = call(0, 1, Asked::Load, Answer::Nothing);
        let unknown = call(2, 3, Asked::Create(0), Answer::Unknown);
        assert!(!is_linearizable(&[
            before,
            call(0, 1, Asked::Load, Answer::Found(0)),
            unknown
        ]));
    }

    #[test]
    fn one_s_own_order_is_kept_whatever_the_others_do() {
        let history = [
            call(0, 10, Asked::Create(0), Answer::Done),
            call(1, 2, Asked::Load, Answer::Found(0)),
            call(3, 4, Asked::Load, Answer::Nothing),
        ];
        assert!(!is_linearizable(&history));
    }
}
