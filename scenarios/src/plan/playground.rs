//! A plan for playing: one arm of a scenario under steady load, with no end of its own and nothing to decide.

use std::collections::BTreeMap;

use compose::SystemSpec;
use contract::environment::{WORK_CONTROL, WORK_CPU_MS, WORK_WAIT_MS};

use super::{ArmPlan, LoadSpec, PaceSpec, Plan, PlanError, RequestSpec, SearchSpec, Turn};
use crate::format::suggestion;

/// The longest that a playground goes on, seconds: whoever forgot it gets the machine back.
const LENGTH_S: f64 = 2.0 * 3600.0;
/// How much of the measurement is kept, seconds.
const KEEP_S: f64 = 60.0;
/// A request without an answer has failed after this, seconds.
const TIMEOUT_S: f64 = 10.0;
/// Connections of a load that was a search.
const CONNECTIONS_MAX: usize = 1024;

impl Plan {
    /// The plan of a playground on this arm (none: the first) of this plan's scenario. Its streams of open loops go on at
    /// their first rate; a search becomes a stream at the rate that it would begin with. Everything else is left out.
    ///
    /// # Errors
    /// When there is no such arm, or nothing in it has a rate.
    pub fn into_playground(mut self, arm: Option<&str>) -> Result<Self, PlanError> {
        let index = match arm {
            None => 0,
            Some(name) => {
                let known = || self.arms.iter().map(|arm| arm.name.as_str());
                known()
                    .position(|known| known == name)
                    .ok_or_else(|| PlanError::UnknownArm {
                        name: name.to_owned(),
                        hint: suggestion(name, known()),
                    })?
            }
        };
        let arm = playable(self.arms.swap_remove(index));
        if arm.loads.is_empty() {
            return Err(PlanError::NothingSteady {
                scenario: self.scenario,
            });
        }
        self.arms = vec![arm];
        self.turns = vec![Turn { round: 1, arm: 0 }];
        self.rounds = 1;
        self.keep_s = Some(KEEP_S);
        self.predict = None;
        self.checks = Vec::new();
        self.left_out = Vec::new();
        self.simulations = Vec::new();
        self.undecided = Vec::new();
        Ok(self)
    }
}

impl Plan {
    /// A plan for watching a system that somebody else drives: one arm without load, of which the last minutes are kept.
    pub fn watching(question: &str, class: &str, system: SystemSpec) -> Self {
        let request = RequestSpec {
            method: String::new(),
            path: String::new(),
            json: None,
            headers: BTreeMap::new(),
            keys: None,
        };
        let load = LoadSpec {
            class: class.to_owned(),
            service: system.entry.clone(),
            request,
            pace: PaceSpec::At(Vec::new()),
            timeout_s: 0.0,
            slow_over_ms: None,
            collect: None,
        };
        let arm = ArmPlan {
            loads: vec![load],
            ..nothing_but(system)
        };
        Self {
            scenario: "watch".to_owned(),
            title: "A system that runs".to_owned(),
            question: question.to_owned(),
            phase: 7,
            params: BTreeMap::new(),
            overridden: BTreeMap::new(),
            quick: false,
            seed: 0,
            rounds: 1,
            cores: 1.0,
            lateness_p99_ms_max: 0.0,
            error_share_max: 1.0,
            settle_s: 0.0,
            arms: vec![arm],
            left_out: Vec::new(),
            simulations: Vec::new(),
            turns: vec![Turn { round: 1, arm: 0 }],
            keep_s: Some(2.0 * KEEP_S),
            predict: None,
            checks: Vec::new(),
            undecided: Vec::new(),
        }
    }
}

fn playable(arm: ArmPlan) -> ArmPlan {
    let mut loads: Vec<LoadSpec> = arm.loads.iter().filter_map(steady).collect();
    if loads.is_empty() {
        loads.extend(arm.searches.iter().map(|search| at_its_first_rate(search, &arm)));
    }
    let mut system = arm.system;
    for service in &mut system.services {
        let works = [WORK_WAIT_MS, WORK_CPU_MS]
            .iter()
            .any(|name| service.env.contains_key(*name));
        if works {
            service.env.insert(WORK_CONTROL.to_owned(), "on".to_owned());
        }
    }
    ArmPlan {
        name: arm.name,
        label: arm.label,
        duration_s: LENGTH_S,
        loads,
        ..nothing_but(system)
    }
}

/// An arm in which nothing happens to a system.
fn nothing_but(system: SystemSpec) -> ArmPlan {
    ArmPlan {
        name: "watched".to_owned(),
        label: system.name.clone(),
        system,
        warmup_s: 0.0,
        duration_s: 0.0,
        loads: Vec::new(),
        clients: Vec::new(),
        clients_s: 0.0,
        beside_s: 0.0,
        settle_s: None,
        invariants: Vec::new(),
        searches: Vec::new(),
        actions: Vec::new(),
        windows: Vec::new(),
        probes: Vec::new(),
        stories: Vec::new(),
        revived: Vec::new(),
        stands_in: None,
        liveness: Vec::new(),
    }
}

/// The stream at its first rate; none for one without a rate.
fn steady(load: &LoadSpec) -> Option<LoadSpec> {
    let PaceSpec::Open {
        arrivals,
        stages,
        connections_max,
    } = &load.pace
    else {
        return None;
    };
    let (rate, _, _) = stages.first()?;
    Some(LoadSpec {
        pace: PaceSpec::Open {
            arrivals: *arrivals,
            stages: vec![(*rate, *rate, LENGTH_S)],
            connections_max: *connections_max,
        },
        // Collected values would only heap up.
        collect: None,
        ..load.clone()
    })
}

fn at_its_first_rate(search: &SearchSpec, arm: &ArmPlan) -> LoadSpec {
    LoadSpec {
        class: search.class.clone(),
        service: arm.system.entry.clone(),
        request: search.request.clone(),
        pace: PaceSpec::Open {
            arrivals: search.arrivals,
            stages: vec![(search.from_rate_per_s, search.from_rate_per_s, LENGTH_S)],
            connections_max: CONNECTIONS_MAX,
        },
        timeout_s: TIMEOUT_S,
        slow_over_ms: Some(search.within_ms),
        collect: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;
    use crate::plan::Options;

    fn plan(name: &str) -> Plan {
        Plan::make(&catalog::scenario(name).unwrap(), &Options::default()).unwrap()
    }

    #[test]
    fn only_the_steady_streams_of_one_arm_are_left() {
        let whole = plan("cpu-blocking");
        let play = whole.clone().into_playground(Some("round_robin")).unwrap();
        assert_eq!((play.arms.len(), play.turns.len(), play.checks.len()), (1, 1, 0));
        assert_eq!(play.arms[0].system, whole.arms[1].system);
        let classes: Vec<&str> = play.arms[0].loads.iter().map(|load| load.class.as_str()).collect();
        assert_eq!(classes, ["bystander"], "single requests have no rate");
        assert!(play.arms[0].actions.is_empty() && play.keep_s.is_some());
    }

    #[test]
    fn a_search_becomes_a_stream_and_declared_work_can_be_slowed() {
        let play = plan("scaling").into_playground(None).unwrap();
        assert!(matches!(play.arms[0].loads[0].pace, PaceSpec::Open { .. }));
        assert_eq!(play.arms[0].system.services[0].env[WORK_CONTROL], "on");
    }

    #[test]
    fn what_cannot_be_played_is_said() {
        let unknown = plan("scaling").into_playground(Some("cpu_on")).unwrap_err().to_string();
        assert!(unknown.contains("`cpu_on`") && unknown.contains("cpu_one"), "{unknown}");
        let histories = plan("race-condition").into_playground(None).unwrap_err().to_string();
        assert!(histories.contains("race-condition has no steady stream"), "{histories}");
    }
}
