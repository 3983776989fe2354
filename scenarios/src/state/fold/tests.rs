use compose::{LinkConditions, Passage};

use super::*;
use crate::action::Command;
use crate::catalog;
use crate::event::{EVENT_VERSION, Machine, RunInfo};
use crate::format::ActionVerb;
use crate::plan::{ActionSpec, LinkChange, Options, Plan};
use crate::verdict::Verdict;

fn started() -> EventKind {
    let scenario = catalog::scenario("cpu-blocking").unwrap();
    let plan = Plan::make(
        &scenario,
        &Options {
            cores: 2,
            ..Options::default()
        },
    )
    .unwrap();
    EventKind::RunStarted(Box::new(RunInfo {
        version: EVENT_VERSION,
        run: "r".to_owned(),
        started: "2026-01-01T00:00:00Z".to_owned(),
        backend: "process".to_owned(),
        machine: Machine {
            cores: 2,
            os: "x".to_owned(),
            lab: "0".to_owned(),
        },
        plan,
        expected: None,
    }))
}

fn sample(ok: u64) -> EventKind {
    let slice = load::Slice {
        index: 3,
        ok,
        ..load::Slice::default()
    };
    let class = load::ClassSample {
        class: "bystander".to_owned(),
        ok,
        slices: vec![slice],
        ..Default::default()
    };
    EventKind::Sample(Box::new(load::Sample {
        at_s: 0.5,
        classes: vec![class],
        ..Default::default()
    }))
}

fn numbered(kinds: Vec<EventKind>) -> Vec<RunEvent> {
    (0..)
        .zip(kinds)
        .map(|(seq, kind)| RunEvent {
            seq,
            elapsed_ms: seq * 10,
            kind,
        })
        .collect()
}

#[test]
fn samples_of_a_turn_add_up_and_those_of_another_stand_apart() {
    let state = RunState::of(&numbered(vec![
        started(),
        EventKind::TurnStarted { turn: 0 },
        sample(2),
        sample(3),
        EventKind::TurnEnded,
        EventKind::TurnStarted { turn: 1 },
        sample(7),
    ]));
    let ok = |arm: usize| state.arms[arm].rounds[0].classes["bystander"].ok;
    assert_eq!((ok(0), ok(1)), (5, 7));
    let slices = &state.arms[0].rounds[0].classes["bystander"].slices;
    assert_eq!((slices.len(), slices[&(3, String::new())].ok), (1, 5));
    assert_eq!((state.turns_done, state.now.as_ref().map(|now| now.arm)), (1, Some(1)));
    assert!(state.arms[0].rounds[0].complete && !state.arms[1].rounds[0].complete);
}

#[test]
fn an_instance_that_died_unasked_is_remembered() {
    let dead = |crash: Option<&str>| {
        EventKind::Instance(InstanceInfo {
            name: "gateway-1".to_owned(),
            service: "gateway".to_owned(),
            state: InstanceState::Dead,
            crash: crash.map(str::to_owned),
        })
    };
    let state = RunState::of(&numbered(vec![
        started(),
        EventKind::TurnStarted { turn: 0 },
        dead(None),
        dead(Some("it exited with status 1")),
    ]));
    assert_eq!(
        state.arms[0].rounds[0].crashes,
        ["gateway-1 died on its own: it exited with status 1"]
    );
}

#[test]
fn a_link_is_as_the_last_action_that_was_done_made_it() {
    let change = |verb, passage, failure: Option<&str>| {
        let link = LinkChange {
            from: "gateway".to_owned(),
            to: "users".to_owned(),
            conditions: LinkConditions::of(passage),
        };
        EventKind::Action(Box::new(Acted {
            number: Some(0),
            command: Command::Act(ActionSpec {
                at_s: 1.0,
                verb,
                target: link.way(),
                instances: None,
                policy: None,
                cpus: None,
                slowness: None,
                link: Some(link),
            }),
            planned_s: 1.0,
            began_s: 1.0,
            done_s: 1.0,
            failure: failure.map(str::to_owned),
        }))
    };
    let state = RunState::of(&numbered(vec![
        started(),
        EventKind::TurnStarted { turn: 0 },
        change(ActionVerb::Reset, Passage::Reset, None),
        change(ActionVerb::Partition, Passage::BlackHole, None),
        change(ActionVerb::Heal, Passage::Open, Some("its proxy is dead")),
    ]));
    let links = &state.arms[0].rounds[0].links;
    assert_eq!(links["gateway->users"].passage, Passage::BlackHole);
}

#[test]
fn a_gap_in_the_stream_is_counted() {
    let mut events = numbered(vec![started(), sample(1), sample(1), sample(1)]);
    events.remove(2);
    assert_eq!(RunState::of(&events).missing_events, 1);
}

#[test]
fn every_event_survives_being_written_and_read() {
    let events = numbered(vec![
        started(),
        EventKind::TurnStarted { turn: 0 },
        sample(4),
        EventKind::RunEnded {
            verdict: Verdict::Pass,
            interrupted: false,
            failure: None,
            fault: None,
        },
    ]);
    for event in &events {
        let text = serde_json::to_string(event).unwrap();
        assert_eq!(&serde_json::from_str::<RunEvent>(&text).unwrap(), event, "{text}");
    }
}

#[test]
fn nothing_before_the_first_event_and_nothing_out_of_order_breaks_it() {
    let state = RunState::of(&numbered(vec![
        sample(1),
        EventKind::TurnStarted { turn: 9 },
        EventKind::TurnEnded,
    ]));
    assert!(state.info.is_none() && state.arms.is_empty());
}
