//! The law by hand-made figures: what is told apart, what is alike, what decides nothing.

use std::ops::ControlFlow;

use scenarios::event::{Simulated, SimulatedPoint};
use scenarios::format::Source;
use scenarios::lesson::HEADINGS;
use scenarios::plan::{Options, Plan};
use scenarios::scenario::Scenario;
use scenarios::state::{ArmState, RoundState, RunState};
use scenarios::swap::{Change, Declared, Examined, Fault, Seen, examine, exchanged};
use scenarios::verdict::Verdict;

/// Three arms and a fault that is planted in the last, with one probe each; `more` is checks and further parts.
fn plan(more: &str) -> Plan {
    let scenario = format!(
        r#"schema = 1
name = "law"
phase = 0
title = "A law"
question = "Which is which?"
{more}

[run]
rounds = 1
quick_rounds = 1
duration_s = 1

[system]
entry = "users"
[[system.service]]
name = "users"
env = {{ WORK_WAIT_MS = "1", WORK_LIMIT = "4" }}

[[arm]]
name = "small"
label = "the small one"

[[arm]]
name = "large"
label = "the large one"
quick = false
[[arm.service]]
name = "users"
env = {{ WORK_WAIT_MS = "2" }}

[[arm]]
name = "twin"
label = "the other large one"
[[arm.service]]
name = "users"
env = {{ WORK_WAIT_MS = "2" }}

[[planted]]
name = "broken"
label = "the other large one, broken"
stands_in = "twin"
[[planted.service]]
name = "users"
env = {{ WORK_LIMIT = "1" }}

[[load]]
class = "read"
request = {{ path = "/users/1" }}
rate_per_s = 10

[[probe]]
name = "size"
path = "/users/1"
field = "id"

[[probe]]
name = "only"
path = "/users/1"
field = "id"
arms = ["small", "large"]
"#
    );
    let source = Source {
        origin: "law".to_owned(),
        is_built_in: false,
        folder: "law".to_owned(),
        scenario,
        lesson: HEADINGS.map(|heading| format!("## {heading}\n\nWords.\n")).join("\n"),
    };
    let scenario = Scenario::parse(source).unwrap();
    let options = Options {
        cores: 2,
        quick: true,
        every_arm: true,
        ..Options::default()
    };
    Plan::make(&scenario, &options).unwrap()
}

fn check(name: &str, value: &str, bounds: &str) -> String {
    format!("[[check]]\nname = \"{name}\"\nvalue = \"{value}\"\n{bounds}\n")
}

/// A run in which the probes found these sizes.
fn measured(plan: &Plan, sizes: [f64; 4]) -> RunState {
    let arm = |(arm, size): (usize, f64)| {
        let facts = plan.arms[arm]
            .probes
            .iter()
            .map(|probe| (probe.name.clone(), vec![size]));
        let round = RoundState {
            round: 1,
            turn: arm,
            measured_ms: Some((0, Some(1_000))),
            facts: facts.collect(),
            complete: true,
            ..RoundState::default()
        };
        ArmState { rounds: vec![round] }
    };
    let mut state = RunState::default();
    state.arms = sizes.into_iter().take(plan.arms.len()).enumerate().map(arm).collect();
    state
}

/// The law of a scenario with these checks and groups, where the arms have these sizes.
fn law(checks: &[String], alike: &[&[&str]], sizes: [f64; 4]) -> Examined {
    let plan = plan(&checks.concat());
    held(&plan, &measured(&plan, sizes), alike)
}

fn held(plan: &Plan, state: &RunState, alike: &[&[&str]]) -> Examined {
    let group = |group: &&[&str]| group.iter().map(|arm| (*arm).to_owned()).collect();
    let declared = Declared {
        alike: alike.iter().map(group).collect(),
        planted: vec![pair("broken", "twin")],
    };
    examine(plan, state, &declared, |_, _| ControlFlow::Continue(())).unwrap()
}

fn small() -> String {
    check("small is small", "small.size.sum", "at_most = 1")
}

fn twin() -> String {
    check("the twin is large", "twin.size.sum", "equals = 5")
}

const PLAIN: [f64; 4] = [1.0, 5.0, 5.0, 9.0];

fn pair(one: &str, other: &str) -> [String; 2] {
    [one.to_owned(), other.to_owned()]
}

#[test]
fn a_fault_is_its_arm_with_its_own_changes_and_is_measured_for_the_law_alone() {
    let plan = plan(&small());
    let names: Vec<&str> = plan.arms.iter().map(|arm| arm.name.as_str()).collect();
    assert_eq!(
        names,
        ["small", "large", "twin", "broken"],
        "quick = false is measured, too"
    );
    let broken = &plan.arms[3];
    assert_eq!(broken.stands_in.as_deref(), Some("twin"));
    let env = &broken.system.services[0].env;
    assert_eq!((env["WORK_WAIT_MS"].as_str(), env["WORK_LIMIT"].as_str()), ("2", "1"));
    assert_eq!(plan.arms[2].system.services[0].env["WORK_LIMIT"], "4");
    let probes = |arm: usize| plan.arms[arm].probes.len();
    assert_eq!(
        [0, 1, 2, 3].map(probes),
        [2, 2, 1, 1],
        "what an arm is asked, its faults are asked"
    );
}

#[test]
fn where_every_swap_is_noticed_and_alike_arms_are_declared_the_law_is_kept() {
    let examined = law(&[small(), twin()], &[&["large", "twin"]], PLAIN);
    assert!(examined.faults().is_empty(), "{:?}", examined.faults());
    assert_eq!(examined.verdict(), Verdict::Pass, "{:?}", examined.open());
    assert_eq!(examined.disturbed(), 2);
    let planted = examined.changes.last().unwrap();
    assert!(matches!(planted.change, Change::Planted { .. }));
    assert_eq!(planted.disturbed().next(), Some((1, "9", "exactly 5")));
}

#[test]
fn two_arms_that_nothing_tells_apart_are_refused_unless_they_are_declared() {
    let examined = law(&[small(), twin()], &[], PLAIN);
    assert_eq!(examined.faults(), [Fault::Same(pair("large", "twin"))]);
    assert_eq!(examined.verdict(), Verdict::Fail);
}

#[test]
fn a_declaration_is_a_leave_and_no_duty() {
    let examined = law(&[small(), twin()], &[&["small", "large", "twin"]], PLAIN);
    assert!(examined.faults().is_empty(), "{:?}", examined.faults());
    let told = examined
        .changes
        .iter()
        .filter(|changed| changed.declared_alike && changed.is_told());
    assert_eq!(
        told.count(),
        2,
        "what chance may tell apart today need not be told apart tomorrow"
    );
}

#[test]
fn a_check_that_nothing_disturbs_and_a_fault_that_nothing_finds_are_refused() {
    let idle = check("sizes are sizes", "min(small.size.sum, twin.size.sum)", "at_least = 0");
    let blind = check("the twin is not small", "twin.size.sum", "at_least = 5");
    let examined = law(&[small(), blind, idle], &[&["large", "twin"]], PLAIN);
    assert_eq!(
        examined.faults(),
        [
            Fault::Unnoticed {
                fault: "broken".to_owned(),
                arm: "twin".to_owned()
            },
            Fault::Idle {
                check: "sizes are sizes".to_owned()
            }
        ]
    );
}

#[test]
fn an_arm_without_the_figure_does_not_pass_and_shows_nothing_of_the_check() {
    let only = check("only two are asked", "large.only.sum", "at_least = 1");
    let examined = law(&[small(), only], &[], [1.0, 5.0, 5.0, 9.0]);
    let of = |one: &str, other: &str| {
        let wanted = Change::Arms(pair(one, other));
        let mut changes = examined.changes.iter();
        changes.find(|changed| changed.change == wanted).unwrap().clone()
    };
    assert_eq!(of("large", "twin").seen, [(1, Seen::Absent)]);
    assert!(of("large", "twin").is_told());
    assert!(examined.faults().contains(&Fault::Idle {
        check: "only two are asked".to_owned()
    }));
}

#[test]
fn what_was_not_measured_or_is_in_doubt_is_open_and_no_fault() {
    let plan = plan(&[small(), twin()].concat());
    let open = |spoil: &dyn Fn(&mut RunState)| {
        let mut state = measured(&plan, PLAIN);
        spoil(&mut state);
        let examined = held(&plan, &state, &[&["large", "twin"]]);
        assert!(examined.faults().is_empty(), "{:?}", examined.faults());
        assert_eq!(examined.verdict(), Verdict::Inconclusive);
        examined.open()
    };
    let unmeasured = open(&|state| drop(state.arms[3].rounds[0].facts.remove("size")));
    assert!(
        unmeasured[0].contains("broken stands in the place of twin"),
        "{unmeasured:?}"
    );
    let crashed = open(&|state| {
        state.arms[3].rounds[0]
            .crashes
            .push("users-1 died on its own".to_owned());
    });
    assert!(crashed[0].contains("users-1 died on its own"), "{crashed:?}");
    let failed = open(&|state| {
        state.arms[0].rounds[0].facts.insert("size".to_owned(), vec![3.0]);
    });
    assert!(failed[0].contains("does not pass before any swap"), "{failed:?}");
}

#[test]
fn a_usual_run_has_no_faults_and_leaves_open_what_they_would_disturb() {
    let mut plan = plan(&[small(), twin(), check("few", "twin.size.sum", "at_most = 6")].concat());
    plan.arms.truncate(3);
    plan.turns.truncate(3);
    let examined = held(&plan, &measured(&plan, PLAIN), &[&["large", "twin"]]);
    assert!(examined.faults().is_empty(), "{:?}", examined.faults());
    assert_eq!(examined.verdict(), Verdict::Inconclusive);
    let said = "broken, which is planted in this scenario, is no part of this run";
    assert!(
        examined.open().iter().any(|open| open.contains(said)),
        "{:?}",
        examined.open()
    );
}

#[test]
fn a_premise_outside_of_its_bounds_is_as_disturbed_as_it_can_be() {
    let premise = check("premise", "small.size.sum", "at_most = 1\nrole = \"premise\"");
    let breaks = check("breaks", "twin.size.sum", "equals = 5\nrole = \"breaks\"");
    let examined = law(&[premise, breaks], &[&["large", "twin"]], PLAIN);
    assert!(examined.faults().is_empty(), "{:?}", examined.faults());
    assert_eq!(examined.disturbed(), 2);
}

#[test]
fn policies_change_places_in_simulations_that_play_both() {
    let point = |policy: &str, fullest| SimulatedPoint {
        policy: policy.to_owned(),
        servers: 10,
        fullest,
        lost: None,
        mean_ms: None,
        p99_ms: None,
        busiest_over_mean: None,
        slow_share: None,
    };
    let simulated = |name: &str, points| Simulated {
        name: name.to_owned(),
        points,
    };
    let before = [
        simulated("both", vec![point("random", 9.0), point("maglev", 3.0)]),
        simulated("one", vec![point("random", 9.0)]),
    ];
    let after = exchanged(&before, ["maglev", "random"]);
    assert_eq!(after[0].points, [point("maglev", 9.0), point("random", 3.0)]);
    assert_eq!(after[1], before[1]);
    assert_eq!(exchanged(&after, ["random", "maglev"]), before);
}

#[test]
fn whoever_listens_may_break_off() {
    let plan = plan(&small());
    let mut told = 0;
    let examined = examine(&plan, &measured(&plan, PLAIN), &Declared::default(), |_, _| {
        told += 1;
        ControlFlow::Break(())
    });
    assert!(examined.is_none() && told == 1);
}
