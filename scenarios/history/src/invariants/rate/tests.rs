//! What the law of rates says, against models that try everything.

use super::*;
use crate::invariants::fixture::{ok, with_outcome};
use crate::judgement::InvariantVerdict::{Holds, Violated};
use proptest::prelude::*;

const S: u64 = 1_000_000_000;

/// Operations of one client, each from its invocation to its answer.
fn judge(most: usize, window_ns: u64, times: &[(u64, u64)]) -> Judgement {
    let operations = (1..)
        .zip(times)
        .map(|(id, (from, to))| ok(id, "client 7", *from, *to))
        .collect();
    rate(&History::new(operations), Limit { most, window_ns })
}

/// The least limit that some choice of instants keeps, found by trying all: the instants are whole numbers, as all
/// bounds are.
fn least(window: u64, times: &[(u64, u64)]) -> usize {
    fn choose(window: u64, times: &[(u64, u64)], chosen: &mut Vec<u64>) -> usize {
        let [(from, to), rest @ ..] = times else {
            let most = |start: &u64| {
                chosen
                    .iter()
                    .filter(|at| (*start..start + window).contains(*at))
                    .count()
            };
            return chosen.iter().map(most).max().unwrap_or(0);
        };
        let tried = (*from..=*to).map(|at| {
            chosen.push(at);
            let found = choose(window, rest, chosen);
            chosen.pop();
            found
        });
        tried.min().unwrap_or(usize::MAX)
    }
    choose(window, times, &mut Vec::new())
}

#[test]
fn twice_the_limit_at_the_edge_of_a_fixed_window_is_proved_by_one_more_than_the_limit() {
    let edge = [9_700, 9_750, 9_800, 10_100, 10_150, 10_200];
    let times: Vec<(u64, u64)> = edge.iter().map(|ms| (ms * S / 1_000, ms * S / 1_000 + 5)).collect();
    let judgement = judge(3, 10 * S, &times);
    assert_eq!((judgement.verdict, judgement.most), (Violated, Some(6)));
    assert_eq!(judgement.violations[0].operations, [1, 2, 3, 4]);
    assert_eq!(
        judgement.violations[0].message,
        "client 7: 6 were admitted within 0.500 s, and at most 3 may be in any 10 s."
    );
}

#[test]
fn a_window_is_half_open_and_instants_are_chosen_in_favour_of_the_limiter() {
    let apart = judge(1, 10, &[(0, 0), (10, 10), (20, 20)]);
    assert_eq!((apart.verdict, apart.most), (Holds, Some(1)));
    assert_eq!(judge(1, 10, &[(0, 0), (9, 9)]).verdict, Violated);
    assert_eq!(judge(1, 10, &[(0, 5), (7, 12)]).verdict, Holds);
    // First the one that was answered first, although it was invoked later.
    assert_eq!(judge(1, 10, &[(0, 30), (5, 5)]).verdict, Holds);
}

#[test]
fn what_no_window_shows_alone_several_may_show_together() {
    let judgement = judge(1, 10, &[(0, 1), (9, 11), (18, 19)]);
    assert_eq!((judgement.verdict, judgement.most), (Violated, Some(2)));
    assert_eq!(judgement.violations[0].operations, [1, 2, 3]);
}

#[test]
fn other_clients_and_whoever_was_refused_or_has_no_answer_do_not_count() {
    let of = |id, key: &str, outcome| with_outcome(ok(id, key, id, id), outcome);
    let history = History::new(vec![
        of(1, "client 1", Completion::Ok),
        of(2, "client 2", Completion::Ok),
        of(3, "client 1", Completion::Fail),
        of(4, "client 1", Completion::Unknown),
    ]);
    let judgement = rate(&history, Limit { most: 1, window_ns: 10 });
    assert_eq!((judgement.verdict, judgement.most), (Holds, Some(1)));
    assert_eq!((judgement.checked, judgement.unknown), (4, 1));
}

proptest! {
    #[test]
    fn the_most_is_the_least_limit_that_some_choice_of_instants_keeps_and_each_proof_breaks_it(
        times in prop::collection::vec((0_u64..14, 0_u64..7), 1..6),
        window in 1_u64..9,
        limit in 1_usize..4,
    ) {
        let times: Vec<(u64, u64)> = times.into_iter().map(|(from, took)| (from, from + took)).collect();
        let judgement = judge(limit, window, &times);
        let least = least(window, &times);
        prop_assert_eq!(judgement.most, Some(least as u64));
        prop_assert_eq!(judgement.verdict, if least > limit { Violated } else { Holds });
        for violation in &judgement.violations {
            let part: Vec<(u64, u64)> = violation.operations.iter().map(|id| times[*id as usize - 1]).collect();
            prop_assert!(self::least(window, &part) > limit, "{:?}", part);
            for left_out in 0..part.len() {
                let mut without = part.clone();
                without.remove(left_out);
                prop_assert!(self::least(window, &without) <= limit, "{:?} without {}", part, left_out);
            }
        }
    }
}

/// The most of these operations in one window, from its start up to and without its end, counted window by window. A
/// fullest window can be moved on until it starts with the first operation in it.
fn most_in_a_window(window: u64, times: &[(u64, u64)]) -> usize {
    let inside = |start: u64| {
        let is_inside = |(from, to): &&(u64, u64)| start <= *from && *to < start + window;
        times.iter().filter(is_inside).count()
    };
    times.iter().map(|(from, _)| inside(*from)).max().unwrap_or(0)
}

#[test]
fn an_answer_at_the_end_of_a_window_is_not_in_it_and_one_before_is() {
    assert_eq!(judge(1, 10, &[(0, 0), (3, 10)]).most, Some(1));
    assert_eq!(judge(1, 10, &[(0, 0), (3, 9)]).most, Some(2));
    // The start is in the window: whoever came at the end of one is in the next.
    let next = judge(1, 10, &[(0, 0), (10, 10), (19, 19)]);
    assert_eq!((next.verdict, next.most), (Violated, Some(2)));
    assert_eq!(next.violations[0].operations, [2, 3]);
    assert_eq!(judge(1, 10, &[(0, 0), (10, 10), (20, 20)]).most, Some(1));
}

#[test]
fn where_nobody_was_admitted_the_most_is_none_at_all_and_without_a_history_nothing_is_known() {
    let refused = with_outcome(ok(1, "client 7", 0, 1), Completion::Fail);
    let limit = Limit { most: 1, window_ns: 10 };
    let judgement = rate(&History::new(vec![refused]), limit);
    assert_eq!((judgement.verdict, judgement.most), (Holds, Some(0)));
    assert_eq!(rate(&History::new(Vec::new()), limit).most, None);
}

proptest! {
    #[test]
    fn of_operations_that_took_no_time_the_most_is_what_counting_every_window_gives(
        instants in prop::collection::vec(0_u64..200, 1..80),
        window in 1_u64..60,
        limit in 1_usize..12,
    ) {
        let times: Vec<(u64, u64)> = instants.into_iter().map(|at| (at, at)).collect();
        let judgement = judge(limit, window, &times);
        let most = most_in_a_window(window, &times);
        prop_assert_eq!(judgement.most, Some(most as u64));
        prop_assert_eq!(judgement.verdict, if most > limit { Violated } else { Holds });
        for violation in &judgement.violations {
            let proof: Vec<(u64, u64)> = violation.operations.iter().map(|id| times[*id as usize - 1]).collect();
            prop_assert_eq!(proof.len(), limit + 1, "the smallest proof");
            prop_assert_eq!(most_in_a_window(window, &proof), limit + 1, "{:?} lie in one window", proof);
        }
    }

    #[test]
    fn the_most_is_never_more_than_was_really_admitted_nor_less_than_any_window_shows(
        admitted in prop::collection::vec((0_u64..300, 0_u64..40, 0_u64..40), 1..40),
        window in 1_u64..60,
        limit in 1_usize..8,
    ) {
        let around = |(at, before, after): &(u64, u64, u64)| (at.saturating_sub(*before), at + after);
        let times: Vec<(u64, u64)> = admitted.iter().map(around).collect();
        let instants: Vec<(u64, u64)> = admitted.iter().map(|(at, ..)| (*at, *at)).collect();
        let judgement = judge(limit, window, &times);
        let most = judgement.most.unwrap() as usize;
        let really = most_in_a_window(window, &instants);
        prop_assert!(most_in_a_window(window, &times) <= most && most <= really);
        if really <= limit {
            prop_assert_eq!(judgement.verdict, Holds, "a limiter that kept its limit is never convicted");
        }
    }
}
