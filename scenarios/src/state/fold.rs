//! The fold itself: one event into the state. Pure: no clock, no disk, no terminal.

use super::{ArmState, Ended, LiveInstance, LogLine, Now, RoundState, RunState};
use crate::action::Acted;
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
            EventKind::Action(acted) => self.acted(acted),
            EventKind::Sample(sample) => {
                self.on_round(|round| round.add(sample));
                self.forget(sample.at_s);
            }
            EventKind::Operations { operations } => {
                self.on_round(|round| round.operations.extend(operations.iter().cloned()));
            }
            EventKind::Quiescent { class, readings } => self.on_round(|round| {
                round.quiescent.insert(class.clone(), readings.clone());
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
                self.on_round(|round| {
                    round.complete = true;
                    round.ended_ms = Some(event.elapsed_ms);
                });
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
                fault,
            } => {
                self.now = None;
                self.ended = Some(Ended {
                    verdict: *verdict,
                    interrupted: *interrupted,
                    failure: failure.clone(),
                    fault: *fault,
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

    fn acted(&mut self, acted: &Acted) {
        let words = acted.words();
        self.say(match &acted.failure {
            Some(why) => format!("{words} failed: {why}"),
            None => words,
        });
        self.on_round(|round| {
            if let (Some((way, conditions)), None) = (acted.command.link(), &acted.failure) {
                round.links.insert(way, conditions);
            }
            round.actions.push(acted.clone());
        });
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
            round.actions.retain(|action| action.done_s >= from_s);
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
mod tests;
