//! Whether a system description can be run.

use std::collections::BTreeSet;

use contract::{Program, Validate, environment};

use super::spec::{ServiceSpec, SystemSpec};
use super::spec_error::{ALIAS_CHARS_MAX, INSTANCES_MAX, SpecError, WEIGHT_MAX};

/// The longest name of a host without dots, in characters (RFC 1035, section 2.3.4).
const HOST_NAME_CHARS_MAX: usize = 63;

impl SystemSpec {
    /// Checks the description.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn validate(&self) -> Result<(), SpecError> {
        if self.services.is_empty() {
            return Err(SpecError::NoServices {
                system: self.name.clone(),
            });
        }
        let mut seen = BTreeSet::new();
        for service in &self.services {
            if !seen.insert(service.name.as_str()) {
                return Err(SpecError::DuplicateName {
                    service: service.name.clone(),
                });
            }
            service.validate()?;
        }
        self.validate_entry()?;
        self.services
            .iter()
            .try_for_each(|service| self.callees(service).map(drop))?;
        self.validate_links()
    }

    fn validate_links(&self) -> Result<(), SpecError> {
        let ways = self.ways()?;
        let mut names = BTreeSet::new();
        for link in &self.links {
            let bad = |reason: String| SpecError::BadLink {
                from: link.from.clone(),
                to: link.to.clone(),
                reason,
            };
            if !ways.iter().any(|(from, to)| *from == link.from && *to == link.to) {
                let ways: Vec<_> = ways.iter().map(|(from, to)| format!("{from}->{to}")).collect();
                return Err(bad(format!(
                    "the one does not call the other in this system; calls go {}",
                    ways.join(", ")
                )));
            }
            if link.name().len() > HOST_NAME_CHARS_MAX {
                return Err(bad(format!(
                    "its name would be longer than {HOST_NAME_CHARS_MAX} characters"
                )));
            }
            if let Err(violations) = link.conditions.validate() {
                let violations: Vec<_> = violations.iter().map(ToString::to_string).collect();
                return Err(bad(violations.join("; ")));
            }
            if !names.insert(link.name()) {
                return Err(bad(format!("there is a `{}` already", link.name())));
            }
        }
        Ok(())
    }

    fn validate_entry(&self) -> Result<(), SpecError> {
        let system = self.name.clone();
        let entry = self.entry.clone();
        match self.service(&self.entry) {
            None => Err(SpecError::UnknownEntry {
                system,
                entry,
                known: self.services.iter().map(|service| service.name.clone()).collect(),
            }),
            Some(service) if service.service.is_server() => Err(SpecError::EntryIsServer {
                system,
                entry,
                program: service.service,
            }),
            Some(_) => Ok(()),
        }
    }
}

impl ServiceSpec {
    fn validate(&self) -> Result<(), SpecError> {
        let service = || self.name.clone();
        if !is_alias(&self.name) {
            return Err(SpecError::BadName { service: service() });
        }
        match self.service {
            program if program.is_balancer() => return Err(SpecError::BalancerAsService { service: service() }),
            Program::Link => return Err(SpecError::LinkAsService { service: service() }),
            _ => {}
        }
        check_instances(self, self.instances)?;
        if self
            .balancer
            .as_ref()
            .is_some_and(|balancer| balancer.policy.trim().is_empty())
        {
            return Err(SpecError::NoPolicy { service: service() });
        }
        let mut weights = self.balancer.iter().flat_map(|balancer| &balancer.weights);
        if let Some(weight) = weights.find(|weight| !(1..=WEIGHT_MAX).contains(*weight)) {
            return Err(SpecError::BadWeight {
                service: service(),
                weight: *weight,
            });
        }
        self.validate_limits()?;
        for (variable, value) in &self.env {
            if let Some(reason) = variable_problem(variable, value) {
                return Err(SpecError::BadVariable {
                    service: service(),
                    variable: variable.clone(),
                    reason,
                });
            }
        }
        Ok(())
    }
}

impl ServiceSpec {
    /// The least are those of Docker's engine.
    fn validate_limits(&self) -> Result<(), SpecError> {
        let too_limited = |limit: String, least| SpecError::TooLimited {
            service: self.name.clone(),
            limit,
            least,
        };
        let limits = self.limits.unwrap_or_default();
        match (limits.cpu_milli, limits.memory_mib) {
            (Some(milli @ ..10), _) => Err(too_limited(format!("{milli} thousandths of a core"), "10")),
            (_, Some(mib @ ..6)) => Err(too_limited(format!("{mib} MiB of memory"), "6 MiB")),
            _ => Ok(()),
        }
    }
}

/// Checks a number of instances; used for the description and again when a running service is scaled.
///
/// # Errors
/// 0, too many, more than one without a balancer, and anything but one of what is there once.
pub(crate) fn check_instances(spec: &ServiceSpec, instances: u32) -> Result<(), SpecError> {
    let service = spec.name.clone();
    let is_one = instances == 1 && spec.balancer.is_none();
    match instances {
        0 => Err(SpecError::NoInstances { service }),
        _ if spec.service.is_server() && !is_one => Err(SpecError::NotOne {
            service,
            program: spec.service,
        }),
        2.. if spec.balancer.is_none() => Err(SpecError::NoBalancer { service, instances }),
        _ if instances > INSTANCES_MAX => Err(SpecError::TooManyInstances { service, instances }),
        _ => Ok(()),
    }
}

fn is_alias(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.len() <= ALIAS_CHARS_MAX
        && name
            .chars()
            .all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-')
}

fn variable_problem(name: &str, value: &str) -> Option<&'static str> {
    if name.is_empty() || name.contains(['=', '\0']) {
        Some("a variable's name is not empty and holds no `=`")
    } else if value.contains('\0') {
        Some("a variable's value holds no NUL")
    } else if [environment::PORT, environment::HOST, environment::INSTANCE].contains(&name) {
        Some("the lab sets it itself")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use contract::LinkConditions;

    use super::*;
    use crate::topology::{BalancerSpec, LinkSpec};

    fn shop() -> SystemSpec {
        SystemSpec {
            name: "shop".into(),
            services: vec![ServiceSpec::new(Program::Users), ServiceSpec::new(Program::Gateway)],
            entry: "gateway".into(),
            links: Vec::new(),
        }
    }

    #[test]
    fn a_good_system_passes() {
        assert_eq!(shop().validate(), Ok(()));
    }

    #[test]
    fn an_unknown_entry_names_the_services_there_are() {
        let message = SystemSpec {
            entry: "gatway".into(),
            ..shop()
        }
        .validate()
        .unwrap_err()
        .to_string();
        assert!(
            message.contains("`gatway`") && message.contains("users, gateway"),
            "{message}"
        );
    }

    #[test]
    fn instances_are_at_least_one_and_several_need_a_balancer() {
        let mut system = shop();
        system.services[1].instances = 0;
        assert!(matches!(system.validate(), Err(SpecError::NoInstances { .. })));
        system.services[1].instances = 3;
        assert!(matches!(
            system.validate(),
            Err(SpecError::NoBalancer { instances: 3, .. })
        ));
        system.services[1].balancer = Some(BalancerSpec::new("round_robin"));
        assert_eq!(system.validate(), Ok(()));
        system.services[1].instances = INSTANCES_MAX + 1;
        assert!(matches!(system.validate(), Err(SpecError::TooManyInstances { .. })));
    }

    #[test]
    fn weights_are_at_least_one_and_the_last_one_is_that_of_all_further_instances() {
        let mut system = shop();
        let with = |weights: &[u32]| system.services[1].clone().balanced(3, "random").weighted(weights);
        let balancer = with(&[1, 20]).balancer.unwrap();
        assert_eq!([1, 2, 3].map(|index| balancer.weight(index)), [1, 20, 20]);
        assert_eq!(with(&[]).balancer.unwrap().weight(1), 1);
        let (wrong, none) = (with(&[3, 0]), with(&[3, 1]));
        system.services[1] = wrong;
        assert!(matches!(system.validate(), Err(SpecError::BadWeight { weight: 0, .. })));
        system.services[1] = none;
        assert_eq!(system.validate(), Ok(()));
    }

    #[test]
    fn names_are_unique_and_fit_into_file_names() {
        let mut system = shop();
        system.services.push(ServiceSpec::new(Program::Users));
        assert_eq!(
            system.validate(),
            Err(SpecError::DuplicateName {
                service: "users".into()
            })
        );
        for bad in ["", "Users", "../users", "1users", "us ers", &"a".repeat(41)] {
            system.services[2].name = bad.to_owned();
            assert_eq!(
                system.validate(),
                Err(SpecError::BadName {
                    service: bad.to_owned()
                })
            );
        }
    }

    #[test]
    fn a_balancer_is_not_a_service_of_its_own() {
        for program in [Program::Balancer, Program::Nginx] {
            let mut system = shop();
            system.services.push(ServiceSpec::new(program));
            assert!(matches!(system.validate(), Err(SpecError::BalancerAsService { .. })));
        }
    }

    #[test]
    fn a_link_lies_between_a_caller_and_its_callee_once() {
        let with = |links: &[LinkSpec]| {
            let mut system = shop();
            system.links = links.to_vec();
            system.validate().map_err(|error| error.to_string())
        };
        let link = LinkSpec::new("gateway", "users");
        assert_eq!(with(std::slice::from_ref(&link)), Ok(()));
        let twice = with(&[link.clone(), link.clone()]).unwrap_err();
        assert!(twice.contains("`gateway-users-link` already"), "{twice}");
        for (from, to) in [("users", "gateway"), ("gateway", "orders"), ("gatway", "users")] {
            let message = with(&[LinkSpec::new(from, to)]).unwrap_err();
            assert!(
                message.contains(&format!("from `{from}` to `{to}`")) && message.contains("calls go gateway->users"),
                "{message}"
            );
        }
        let lossy = LinkConditions {
            loss: 1.0,
            ..LinkConditions::default()
        };
        let message = with(&[LinkSpec {
            conditions: lossy,
            ..link
        }]);
        assert!(message.unwrap_err().contains("loss must be between"));
        let mut system = shop();
        system.services.push(ServiceSpec::new(Program::Link));
        assert!(matches!(system.validate(), Err(SpecError::LinkAsService { .. })));
    }

    #[test]
    fn a_redis_is_there_once_without_a_balancer_and_takes_no_load() {
        let mut system = shop();
        system.services.push(ServiceSpec::new(Program::Redis));
        assert_eq!(system.validate(), Ok(()));
        for wrong in [
            ServiceSpec::new(Program::Redis).balanced(1, "round_robin"),
            ServiceSpec::new(Program::Redis).balanced(3, "round_robin"),
            ServiceSpec {
                instances: 2,
                ..ServiceSpec::new(Program::Redis)
            },
        ] {
            system.services[2] = wrong;
            assert!(matches!(system.validate(), Err(SpecError::NotOne { .. })));
        }
        system.services[2] = ServiceSpec::new(Program::Redis).named("memory");
        system.entry = "memory".into();
        let message = system.validate().unwrap_err().to_string();
        assert!(
            message.contains("`memory`") && message.contains("redis server"),
            "{message}"
        );
    }

    #[test]
    fn two_services_that_could_be_meant_are_an_error_unless_one_has_the_plain_name() {
        let mut system = shop();
        system.services[0].name = "users-a".into();
        system.services.push(ServiceSpec::new(Program::Users).named("users-b"));
        assert!(matches!(system.validate(), Err(SpecError::AmbiguousDependency { .. })));
        system.services[0].name = "users".into();
        assert_eq!(system.validate(), Ok(()));
        system.services[0].name = "users-a".into();
        system.services[1]
            .env
            .insert("USERS_URL".into(), "http://127.0.0.1:1".into());
        assert_eq!(system.validate(), Ok(()));
    }

    #[test]
    fn the_wiring_cannot_be_overruled_where_the_lab_relies_on_it() {
        for variable in ["PORT", "INSTANCE", "A=B", ""] {
            let mut system = shop();
            system.services[0].env.insert(variable.into(), "1".into());
            assert!(
                matches!(system.validate(), Err(SpecError::BadVariable { .. })),
                "{variable}"
            );
        }
    }
}
