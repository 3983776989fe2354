//! The fold itself: one event into the state. Pure: no clock, no disk, no terminal.

use super::{ActionMark, ArmState, Ended, LiveInstance, LogLine, Now, RoundState, RunState};
use crate::event::{EventKind, InstanceInfo, InstanceState, Phase, RunEvent};

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
            EventKind::TurnStarted { turn } => self.start_turn(*turn, event.elapsed_ms),
            EventKind::Phase { phase, expected_s } => {
                if let Some(now) = &mut self.now {
                    now.phase = *phase;
                    now.phase_began_ms = event.elapsed_ms;
                    now.phase_expected_s = *expected_s;
                }
            }
            EventKind::Instance(info) => self.instance(info),
            EventKind::SystemReady { startup_ms } => {
                self.on_round(|round| round.startup_ms = Some(*startup_ms));
                self.say(format!("system ready after {startup_ms:.0} ms"));
            }
            EventKind::Action {
                done_s,
                words,
                failure,
                ..
            } => {
                let mark = ActionMark {
                    at_s: *done_s,
                    words: words.clone(),
                    failure: failure.clone(),
                };
                self.on_round(|round| round.actions.push(mark));
                self.say(
                    failure
                        .as_ref()
                        .map_or_else(|| words.clone(), |why| format!("{words} failed: {why}")),
                );
            }
            EventKind::Sample(sample) => self.on_round(|round| round.add(sample)),
            EventKind::Stats { instances } => self.on_round(|round| round.add_stats(instances)),
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
            EventKind::TurnEnded => {
                self.on_round(|round| round.complete = true);
                self.turns_done += 1;
                self.now = None;
            }
            EventKind::Warning { text } => {
                self.warnings.push(text.clone());
                self.say(text.clone());
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
        self.on_round(|round| {
            match round
                .instances
                .iter_mut()
                .find(|known| known.name == info.name)
            {
                Some(known) => known.state = info.state,
                None => round.instances.push(LiveInstance {
                    name: info.name.clone(),
                    service: info.service.clone(),
                    state: info.state,
                    stats: None,
                    resident_bytes_max: 0,
                }),
            }
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

    fn say(&mut self, text: String) {
        self.log.push(LogLine {
            at_ms: self.elapsed_ms,
            text,
        });
    }
}
