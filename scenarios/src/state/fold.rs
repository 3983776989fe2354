//! The fold itself: one event into the state. Pure: no clock, no disk, no terminal.

use super::{ActionMark, ArmState, Ended, LiveInstance, LogLine, Now, RoundState, RunState};
use crate::disturbance::Disturbance;
use crate::event::{EventKind, InstanceInfo, InstanceState, Phase, RunEvent, Simulated};

/// Lines of the event log that a playground keeps.
const LOG_KEPT: usize = 500;

impl RunState {
    /// Takes one event in. Events of a newer kind than this build knows cannot get here: reading them fails.
    pub fn apply(&mut self, event: &RunEvent) {
        self.missing_events += event.seq.saturating_sub(self.next_seq);
        self.next_seq = event.seq + 1;
        self.elapsed_ms = self.elapsed_ms.max(event.elapsed_ms);
        match &event.kind {
            EventKind::RunStarted(info) => {
                self.arms = vec![ArmState::default(); info.plan.arms.len()];
                self.info = Some((**info).clone());
            }
            EventKind::Guessed { guess } => self.guess = Some(*guess),
            EventKind::TurnStarted { turn } => self.start_turn(*turn, event.elapsed_ms),
            EventKind::Phase { phase, expected_s } => {
                if let Some(now) = &mut self.now {
                    now.phase = *phase;
                    now.phase_began_ms = event.elapsed_ms;
                    now.phase_expected_s = *expected_s;
                }
                self.on_round(|round| round.enter(*phase, event.elapsed_ms));
            }
            EventKind::Instance(info) => self.instance(info),
            EventKind::SystemReady { startup_ms } => {
                self.on_round(|round| round.startup_ms = Some(*startup_ms));
                self.say(format!("system ready after {startup_ms:.0} ms"));
            }
            EventKind::Action {
                began_s,
                done_s,
                words,
                failure,
                link,
                ..
            } => {
                let mark = ActionMark {
                    began_s: *began_s,
                    at_s: *done_s,
                    words: words.clone(),
                    failure: failure.clone(),
                };
                self.on_round(|round| {
                    round.actions.push(mark);
                    if let (Some(link), None) = (link, failure) {
                        round.links.insert(link.way(), link.conditions);
                    }
                });
                self.say(
                    failure
                        .as_ref()
                        .map_or_else(|| words.clone(), |why| format!("{words} failed: {why}")),
                );
            }
            EventKind::Sample(sample) => {
                self.on_round(|round| round.add(sample));
                self.forget(sample.at_s);
            }
            EventKind::Operations { operations } => {
                self.on_round(|round| round.operations.extend(operations.iter().cloned()));
            }
            EventKind::AtRest { class, readings } => self.on_round(|round| {
                round.at_rest.insert(class.clone(), readings.clone());
            }),
            EventKind::Judged(judged) => {
                if let Some(violation) = judged.judgement.violations.first() {
                    self.say(violation.message.clone());
                }
                self.on_round(|round| round.judged.push((**judged).clone()));
            }
            EventKind::Stats { instances } => self.on_round(|round| round.add_stats(instances)),
            EventKind::Gauges { instances } => self.on_round(|round| round.add_gauges(instances)),
            EventKind::SearchStep(step) => {
                self.on_round(|round| {
                    round
                        .searches
                        .entry(step.class.clone())
                        .or_default()
                        .steps
                        .push(step.clone());
                });
            }
            EventKind::SearchEnded {
                class,
                within_per_s,
                beyond_per_s,
            } => self.on_round(|round| {
                let search = round.searches.entry(class.clone()).or_default();
                search.within_per_s = *within_per_s;
                search.beyond_per_s = *beyond_per_s;
            }),
            EventKind::Fact { name, values } => self.on_round(|round| {
                round.facts.insert(name.clone(), values.clone());
            }),
            EventKind::Story(story) => {
                if let Some(wrong) = &story.wrong {
                    self.say(format!("{}: {wrong}", story.diagram.title));
                }
                self.on_round(|round| round.stories.push((**story).clone()));
            }
            EventKind::TurnEnded => {
                self.on_round(|round| round.complete = true);
                self.turns_done += 1;
                self.now = None;
            }
            EventKind::Disturbance(disturbance) => self.disturbance(disturbance),
            EventKind::Note { text } => {
                if !self.notes.contains(text) {
                    self.notes.push(text.clone());
                    self.say(text.clone());
                }
            }
            EventKind::Warning { text } => {
                self.warnings.push(text.clone());
                self.say(text.clone());
            }
            EventKind::Simulated(simulated) => {
                self.say(format!("simulated: {}", self.label_of(simulated)));
                self.simulated.push(simulated.clone());
            }
            EventKind::Check(outcome) => self.checks.push(outcome.clone()),
            EventKind::RunEnded {
                verdict,
                interrupted,
                failure,
            } => {
                self.now = None;
                self.ended = Some(Ended {
                    verdict: *verdict,
                    interrupted: *interrupted,
                    failure: failure.clone(),
                });
            }
        }
    }

    /// What a simulation is about, for people.
    fn label_of(&self, simulated: &Simulated) -> String {
        let planned = self.info.iter().flat_map(|info| &info.plan.simulations);
        let mut planned = planned.filter(|spec| spec.name == simulated.name);
        planned
            .next()
            .map_or_else(|| simulated.name.clone(), |spec| spec.label.clone())
    }

    fn start_turn(&mut self, turn: usize, elapsed_ms: u64) {
        let Some(plan) = self.info.as_ref().map(|info| &info.plan) else {
            return;
        };
        let Some(planned) = plan.turns.get(turn).copied() else {
            return;
        };
        let label = plan.arms[planned.arm].label.clone();
        let round = RoundState {
            round: planned.round,
            turn,
            began_ms: elapsed_ms,
            ..RoundState::default()
        };
        self.arms[planned.arm].rounds.push(round);
        self.now = Some(Now {
            turn,
            arm: planned.arm,
            round: planned.round,
            phase: Phase::Starting,
            phase_began_ms: elapsed_ms,
            phase_expected_s: 0.0,
        });
        self.say(format!("{label}: round {}", planned.round));
    }

    /// One that goes on is told at its start and again at its end.
    fn disturbance(&mut self, told: &Disturbance) {
        self.say(told.words());
        match self.disturbances.iter_mut().find(|known| told.continues(known)) {
            Some(known) => *known = told.clone(),
            None => self.disturbances.push(told.clone()),
        }
    }

    fn instance(&mut self, info: &InstanceInfo) {
        match (info.state, &info.crash) {
            (InstanceState::Dead, Some(how)) => {
                let crash = format!("{} died on its own: {how}", info.name);
                self.on_round(|round| round.crashes.push(crash.clone()));
                self.say(crash);
            }
            (InstanceState::Dead, None) => self.say(format!("{} is dead", info.name)),
            (InstanceState::Paused, _) => self.say(format!("{} is paused", info.name)),
            _ => {}
        }
        self.on_round(|round| match round.instance_mut(&info.name) {
            Some(known) => known.state = info.state,
            None => round.instances.push(LiveInstance {
                name: info.name.clone(),
                service: info.service.clone(),
                state: info.state,
                stats: None,
                resident_bytes_max: 0,
                gauges: None,
            }),
        });
    }

    fn on_round(&mut self, change: impl FnOnce(&mut RoundState)) {
        let arm = self.now.as_ref().map(|now| now.arm);
        if let Some(round) = arm
            .and_then(|arm| self.arms.get_mut(arm))
            .and_then(|arm| arm.rounds.last_mut())
        {
            change(round);
        }
    }

    /// A playground goes on for as long as somebody plays; only its last minute is kept.
    fn forget(&mut self, now_s: f64) {
        let Some(keep_s) = self.info.as_ref().and_then(|info| info.plan.keep_s) else {
            return;
        };
        let from_s = now_s - keep_s;
        self.on_round(|round| {
            round.actions.retain(|action| action.at_s >= from_s);
            for class in round.classes.values_mut() {
                class.forget_before(from_s);
            }
        });
        let surplus = self.log.len().saturating_sub(LOG_KEPT);
        self.log.drain(..surplus);
    }

    fn say(&mut self, text: String) {
        self.log.push(LogLine {
            at_ms: self.elapsed_ms,
            text,
        });
    }
}

#[cfg(test)]
mod tests {
    use compose::{LinkConditions, Passage};

    use super::*;
    use crate::catalog;
    use crate::event::{EVENT_VERSION, Machine, RunInfo};
    use crate::format::Scenario;
    use crate::plan::{LinkChange, Options, Plan};
    use crate::verdict::Verdict;

    fn started() -> EventKind {
        let scenario = Scenario::parse(catalog::source("cpu-blocking").unwrap()).unwrap();
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
        let change = |passage, failure: Option<&str>| EventKind::Action {
            at_s: 1.0,
            began_s: 1.0,
            done_s: 1.0,
            words: "…".to_owned(),
            failure: failure.map(str::to_owned),
            link: Some(LinkChange {
                from: "gateway".to_owned(),
                to: "users".to_owned(),
                conditions: LinkConditions::of(passage),
            }),
        };
        let state = RunState::of(&numbered(vec![
            started(),
            EventKind::TurnStarted { turn: 0 },
            change(Passage::Reset, None),
            change(Passage::BlackHole, None),
            change(Passage::Open, Some("its proxy is dead")),
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
}
