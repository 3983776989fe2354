//! In which order a system starts, and which addresses each service is given.

use contract::Program;

use super::spec::SystemSpec;
use super::spec_error::SpecError;
use crate::servers;

/// What follows from a valid description: start levels and wiring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartPlan {
    /// Indices into [`SystemSpec::services`]. All services of a level can start at once; each one calls only services
    /// of earlier levels.
    pub levels: Vec<Vec<usize>>,
    /// For each service, in the order of the description, the variables that hold the addresses of those it calls.
    pub wiring: Vec<Vec<UrlVariable>>,
}

/// A variable such as `USERS_URL` and whose front door's address it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlVariable {
    /// The variable's name.
    pub variable: &'static str,
    /// The alias of the service that is called.
    pub callee: String,
}

impl StartPlan {
    /// Derives the plan. A dependency that the system does not have is not wired.
    ///
    /// # Errors
    /// When the description is invalid.
    pub fn new(spec: &SystemSpec) -> Result<Self, SpecError> {
        spec.validate()?;
        let mut wiring = Vec::with_capacity(spec.services.len());
        for service in &spec.services {
            let variables = spec.callees(service)?.into_iter().map(|(name, callee)| UrlVariable {
                variable: Program::url_variable(name),
                callee: callee.name.clone(),
            });
            wiring.push(variables.collect::<Vec<_>>());
        }
        Ok(Self {
            levels: levels(spec, &wiring),
            wiring,
        })
    }
}

fn levels(spec: &SystemSpec, wiring: &[Vec<UrlVariable>]) -> Vec<Vec<usize>> {
    let mut levels: Vec<Vec<usize>> = Vec::new();
    let mut waiting: Vec<usize> = (0..spec.services.len()).collect();
    while !waiting.is_empty() {
        let is_waiting = |alias: &str| waiting.iter().any(|&index| spec.services[index].name == alias);
        let watches = |index: usize| servers::watches(spec.services[index].service);
        let is_later = |index: usize| watches(index) && waiting.iter().any(|&other| !watches(other));
        let (next, later): (Vec<usize>, Vec<usize>) = waiting
            .iter()
            .copied()
            .partition(|&index| !is_later(index) && !wiring[index].iter().any(|variable| is_waiting(&variable.callee)));
        // Who calls whom is fixed in the contract, which has no cycle and whose tests prove it.
        assert!(!next.is_empty(), "the contract's calls form a cycle");
        levels.push(next);
        waiting = later;
    }
    levels
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::topology::{ServiceSpec, named_system};

    #[test]
    fn the_full_system_starts_from_the_bottom() {
        let full = named_system("full").unwrap();
        let plan = StartPlan::new(&full).unwrap();
        let names = |level: &Vec<usize>| {
            level
                .iter()
                .map(|&index| full.services[index].name.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            plan.levels.iter().map(names).collect::<Vec<_>>(),
            [
                vec!["users", "payments", "inventory", "analytics"],
                vec!["orders"],
                vec!["gateway"]
            ]
        );
    }

    #[test]
    fn a_dependency_that_is_not_there_is_not_wired() {
        let system = SystemSpec {
            name: "small".into(),
            services: vec![
                ServiceSpec::new(Program::Gateway),
                ServiceSpec::new(Program::Users).named("people"),
            ],
            entry: "gateway".into(),
            links: Vec::new(),
        };
        let plan = StartPlan::new(&system).unwrap();
        assert_eq!(plan.levels, [vec![1], vec![0]]);
        assert_eq!(
            plan.wiring[0],
            [UrlVariable {
                variable: "USERS_URL",
                callee: "people".into()
            }]
        );
        assert!(plan.wiring[1].is_empty());
    }

    #[test]
    fn a_redis_starts_first_and_is_wired_to_those_that_can_use_it() {
        let system = named_system("locks").unwrap();
        let plan = StartPlan::new(&system).unwrap();
        assert_eq!(plan.levels, [vec![0], vec![1, 2]]);
        let redis = [UrlVariable {
            variable: "REDIS_URL",
            callee: "redis".into(),
        }];
        assert_eq!(plan.wiring, [vec![], redis.to_vec(), redis.to_vec()]);
    }

    #[test]
    fn who_watches_starts_after_all_others() {
        let mut system = named_system("users").unwrap();
        system.services.insert(0, ServiceSpec::new(Program::Prometheus));
        let plan = StartPlan::new(&system).unwrap();
        assert_eq!(plan.levels, [vec![1], vec![2], vec![0]]);
        assert!(plan.wiring[0].is_empty());
    }

    /// Everything that can be a service of a system.
    fn programs() -> Vec<Program> {
        let all = Program::ALL.into_iter();
        all.filter(|program| !program.is_balancer() && *program != Program::Link)
            .collect()
    }

    proptest! {
        #[test]
        fn every_service_starts_once_and_after_all_that_it_calls(
            chosen in proptest::sample::subsequence(programs(), 1..=7).prop_shuffle()
        ) {
            let entry = chosen.iter().find(|program| !program.is_server());
            prop_assume!(entry.is_some());
            let entry = entry.map(ToString::to_string).unwrap_or_default();
            let services: Vec<_> = chosen.into_iter().map(ServiceSpec::new).collect();
            let system = SystemSpec { name: "any".into(), entry, services, links: Vec::new() };
            let plan = StartPlan::new(&system).unwrap();
            let level_of = |alias: &str| {
                let holds = |level: &&Vec<usize>| level.iter().any(|&index| system.services[index].name == alias);
                prop_assert_eq!(plan.levels.iter().filter(holds).count(), 1);
                Ok(plan.levels.iter().position(|level| holds(&level)).unwrap())
            };
            for (service, variables) in system.services.iter().zip(&plan.wiring) {
                let own = level_of(&service.name)?;
                for variable in variables {
                    prop_assert!(level_of(&variable.callee)? < own);
                }
            }
        }
    }
}
