//! What a playground remembers beside the run: which instance is selected, what the rate is, how it was before.

use std::collections::BTreeSet;

use balance::REGISTRY;
use compose::SystemSpec;
use load::Histogram;
use scenarios::action::Command;
use scenarios::event::{EventKind, InstanceState, RunEvent};
use scenarios::format::ActionVerb;
use scenarios::plan::{ActionSpec, PaceSpec, Plan};
use scenarios::state::{LiveInstance, RunState};

use crate::tui::keys::Action;
use crate::tui::panels::latencies_since;

/// How long a burn lasts, milliseconds of processor time.
const BURN_MS: u64 = 2_000;
/// How much longer the work of a slowed instance takes.
const SLOWNESS: f64 = 10.0;
/// Rates that can be asked for, requests per second.
const RATES: (f64, f64) = (1.0, 20_000.0);
/// The most instances that can be asked for.
const INSTANCES_MAX: u32 = 9;

/// The playground's own state.
pub struct Playing {
    class: String,
    rate_per_s: f64,
    system: Box<SystemSpec>,
    policy: Option<String>,
    selected: usize,
    slowed: BTreeSet<String>,
    before: Option<(String, Histogram)>,
}

impl Playing {
    /// How far back its histogram looks, seconds.
    pub const LAST_S: f64 = 5.0;

    /// A playground with this plan, before anything has happened.
    pub fn new(plan: &Plan) -> Self {
        let arm = &plan.arms[0];
        let rate = |pace: &PaceSpec| match pace {
            PaceSpec::Open { stages, .. } => stages.first().map(|(rate, _, _)| *rate),
            _ => None,
        };
        let load = arm
            .loads
            .iter()
            .find_map(|load| Some((load.class.clone(), rate(&load.pace)?)));
        let (class, rate_per_s) = load.unwrap_or_default();
        let entry = arm.system.service(&arm.system.entry);
        Self {
            class,
            rate_per_s,
            system: Box::new(arm.system.clone()),
            policy: entry
                .and_then(|service| service.balancer.as_ref())
                .map(|balancer| balancer.policy.clone()),
            selected: 0,
            slowed: BTreeSet::new(),
            before: None,
        }
    }

    /// Keeps the picture of before each change.
    pub fn take(&mut self, state: &RunState, event: &RunEvent) {
        let EventKind::Action(acted) = &event.kind else {
            return;
        };
        let Some(class) = state.round_now().and_then(|round| round.classes.get(&self.class)) else {
            return;
        };
        let now_s = state.round_now().map_or(0.0, |round| round.load_s);
        let latencies = latencies_since(class, now_s - Self::LAST_S);
        if !latencies.is_empty() {
            self.before = Some((format!("before: {}", acted.words()), latencies));
        }
    }

    /// What the histogram is compared with.
    pub fn before(&self) -> Option<(&str, &Histogram)> {
        self.before.as_ref().map(|(name, latencies)| (name.as_str(), latencies))
    }

    /// The selected instance.
    pub fn selected<'a>(&self, state: &'a RunState) -> Option<&'a str> {
        self.instance(state).map(|instance| instance.name.as_str())
    }

    fn instance<'a>(&self, state: &'a RunState) -> Option<&'a LiveInstance> {
        let instances = self.instances(state);
        instances
            .get(self.selected.min(instances.len().saturating_sub(1)))
            .copied()
    }

    /// The instances that do the work, in order.
    fn instances<'a>(&self, state: &'a RunState) -> Vec<&'a LiveInstance> {
        let Some(round) = state.round_now() else {
            return Vec::new();
        };
        let works = |instance: &&LiveInstance| {
            instance.service == self.system.entry
                && self.system.does_work(&instance.name)
                && instance.state != InstanceState::Stopped
        };
        round.instances.iter().filter(works).collect()
    }

    /// What a key asks for, as a command; none for one that only selects, or that cannot be done now.
    pub fn command(&mut self, action: Action, state: &RunState) -> Option<Command> {
        let count = self.instances(state).len();
        match action {
            Action::NextInstance => self.selected = (self.selected + 1).min(count.saturating_sub(1)),
            Action::PreviousInstance => self.selected = self.selected.min(count.saturating_sub(1)).saturating_sub(1),
            Action::Faster => return self.rate(self.rate_per_s * 1.25),
            Action::Slower => return self.rate(self.rate_per_s / 1.25),
            Action::Grow => return self.scale(count as u32 + 1),
            Action::Shrink => return self.scale((count as u32).saturating_sub(1)),
            Action::NextPolicy => return self.next_policy(),
            _ => {}
        }
        let instance = self.instance(state)?;
        let name = instance.name.clone();
        match action {
            Action::PauseInstance if instance.state == InstanceState::Paused => Some(act(ActionVerb::Resume, name)),
            Action::PauseInstance => Some(act(ActionVerb::Pause, name)),
            Action::KillInstance => Some(act(ActionVerb::Kill, name)),
            Action::RestartInstance => {
                self.slowed.remove(&name);
                Some(act(ActionVerb::Restart, name))
            }
            Action::SlowInstance => {
                let slowness = if self.slowed.remove(&name) {
                    1.0
                } else {
                    self.slowed.insert(name.clone());
                    SLOWNESS
                };
                Some(Command::Slow {
                    instance: name,
                    slowness,
                })
            }
            Action::Burn => Some(Command::Burn {
                instance: name,
                ms: BURN_MS,
            }),
            _ => None,
        }
    }

    fn rate(&mut self, per_s: f64) -> Option<Command> {
        let per_s = per_s.round().clamp(RATES.0, RATES.1);
        (per_s != self.rate_per_s).then(|| {
            self.rate_per_s = per_s;
            Command::Rate {
                class: self.class.clone(),
                per_s,
            }
        })
    }

    fn scale(&self, to: u32) -> Option<Command> {
        ((1..=INSTANCES_MAX).contains(&to) && self.policy.is_some()).then(|| {
            let mut action = spec(ActionVerb::Scale, self.system.entry.clone());
            action.instances = Some(to);
            Command::Act(action)
        })
    }

    fn next_policy(&mut self) -> Option<Command> {
        let policy = self.policy.as_mut()?;
        let now = REGISTRY.iter().position(|kind| kind.name() == policy.as_str());
        let next = REGISTRY[now.map_or(0, |now| (now + 1) % REGISTRY.len())].name();
        next.clone_into(policy);
        let mut action = spec(ActionVerb::Policy, self.system.entry.clone());
        action.policy = Some(next.to_owned());
        Some(Command::Act(action))
    }
}

fn act(verb: ActionVerb, target: String) -> Command {
    Command::Act(spec(verb, target))
}

fn spec(verb: ActionVerb, target: String) -> ActionSpec {
    ActionSpec {
        at_s: 0.0,
        verb,
        target,
        instances: None,
        policy: None,
        cpus: None,
        slowness: None,
        link: None,
    }
}

#[cfg(test)]
mod tests {
    use scenarios::catalog;
    use scenarios::plan::Options;

    use super::*;

    fn playing() -> Playing {
        let plan = Plan::make(&catalog::playground_scenario(), &Options::default()).unwrap();
        Playing::new(&plan.into_playground(None).unwrap())
    }

    #[test]
    fn rates_go_up_and_down_and_stay_within_bounds() {
        let mut playing = playing();
        let state = RunState::default();
        let mut rate = |action| match playing.command(action, &state) {
            Some(Command::Rate { per_s, .. }) => Some(per_s),
            _ => None,
        };
        assert_eq!((rate(Action::Faster), rate(Action::Slower)), (Some(375.0), Some(300.0)));
        for _ in 0..60 {
            rate(Action::Slower);
        }
        assert_eq!(rate(Action::Slower), None, "one request a second is the least");
    }

    #[test]
    fn every_policy_gets_its_turn() {
        let mut playing = playing();
        let state = RunState::default();
        let mut seen = BTreeSet::new();
        for _ in REGISTRY {
            let Some(Command::Act(action)) = playing.command(Action::NextPolicy, &state) else {
                panic!("a balancer stands in front");
            };
            seen.insert(action.policy);
        }
        assert_eq!(seen.len(), REGISTRY.len());
    }

    #[test]
    fn without_an_instance_nothing_is_done_to_one() {
        let mut playing = playing();
        for action in [Action::KillInstance, Action::Burn, Action::SlowInstance] {
            assert_eq!(playing.command(action, &RunState::default()), None);
        }
    }
}
