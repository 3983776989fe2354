//! The programs that instances of a system run, and who calls whom.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::declared::*;
use crate::environment::{DATABASE_URL, KAFKA_BROKERS, REDIS_URL};

/// What a program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramKind {
    /// A service of the shop.
    Service,
    /// A server of others that services use, or that stands in front of one.
    Server,
    /// A tool of the lab, which stands in front of services or between two.
    Tool,
}

/// What there is to know of a program.
struct Row {
    name: &'static str,
    kind: ProgramKind,
    is_balancer: bool,
    url_variable: &'static str,
    dependencies: &'static [Program],
    declared: &'static [&'static [&'static str]],
}

const fn is_any(words: &[&str]) -> bool {
    !words.is_empty()
}

/// Makes [`Program`] of its table.
macro_rules! programs {
    ($(
        $(#[$doc:meta])*
        $program:ident: $kind:ident $(in $front:ident)? $name:literal at $url:expr, calls [$($callee:ident),*], declares [$($group:ident),*];
    )*) => {
        /// A program that an instance of a system runs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "lowercase")]
        pub enum Program {
            $($(#[$doc])* $program,)*
        }

        impl Program {
            /// Every program.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$program),*];

            const fn row(self) -> &'static Row {
                match self {
                    $(Self::$program => &Row {
                        name: $name,
                        kind: ProgramKind::$kind,
                        is_balancer: const { is_any(&[$(stringify!($front))?]) },
                        url_variable: $url,
                        dependencies: &[$(Program::$callee),*],
                        declared: &[$(&$group),*],
                    },)*
                }
            }
        }
    };
}

// To add a program, add a row: its kind, and whether it stands in front of others, its name, the variable in which callers find it, whom it calls where the system has
// them, and the groups of variables that it declares. Those of tools and servers are part of what a lesson compares, or
// belong to whoever starts them.
programs! {
    /// Who buys.
    Users: Service "users" at "USERS_URL",
        calls [Postgres], declares [OF_SERVICES, OF_BALANCERS];
    /// What was ordered.
    Orders: Service "orders" at "ORDERS_URL",
        calls [Users, Inventory, Analytics, Kafka, Postgres], declares [OF_SERVICES, OF_BALANCERS, OF_EVENTS, OF_ORDERS];
    /// What was paid.
    Payments: Service "payments" at "PAYMENTS_URL",
        calls [Redis, Kafka, Postgres], declares [OF_SERVICES, OF_BALANCERS, OF_EVENTS, OF_GUARDS, OF_PAYMENTS];
    /// What there is to sell, and how much is left.
    Inventory: Service "inventory" at "INVENTORY_URL",
        calls [Redis, Kafka, Postgres], declares [OF_SERVICES, OF_BALANCERS, OF_EVENTS, OF_GUARDS];
    /// How often each kind of event happened.
    Analytics: Service "analytics" at "ANALYTICS_URL",
        calls [Kafka, Postgres], declares [OF_SERVICES, OF_BALANCERS, OF_EVENTS, OF_ANALYTICS];
    /// The one door for clients.
    Gateway: Service "gateway" at "GATEWAY_URL",
        calls [Users, Orders, Payments, Inventory, Analytics, Redis], declares [OF_SERVICES, OF_BALANCERS, OF_GATEWAYS];
    /// Who answers, and what reached it: shows what balancers and gateways on the way do to a request.
    Whoami: Service "whoami" at "WHOAMI_URL",
        calls [], declares [OF_SERVICES, OF_BALANCERS];
    /// Spreads requests over the instances of another service.
    Balancer: Tool in front "balancer" at "BALANCER_URL", calls [], declares [];
    /// Stands between two other services and makes the way from one to the other slow, narrow, lossy or cut.
    Link: Tool "link" at "LINK_URL", calls [], declares [];
    /// Remembers locks and counters for all instances of all services: a real Redis server, not a program of this house.
    Redis: Server "redis" at REDIS_URL, calls [], declares [OF_REDIS];
    /// Spreads requests as the balancer does, to compare the two: a real nginx, not a program of this house.
    Nginx: Server in front "nginx" at "NGINX_URL", calls [], declares [];
    /// Carries events from service to service: a Kafka broker, not a program of this house (or a small stand-in for one).
    Kafka: Server "kafka" at KAFKA_BROKERS, calls [], declares [OF_KAFKA];
    /// Keeps what services store, each in a database of its own: a real PostgreSQL server, not a program of this house.
    Postgres: Server "postgres" at DATABASE_URL, calls [], declares [];
    /// Collects the metrics of every instance, for people: a real Prometheus, not a program of this house.
    Prometheus: Server "prometheus" at "PROMETHEUS_URL", calls [], declares [];
}

/// A name that no program has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownProgram {
    /// The name as given.
    pub name: String,
}

impl fmt::Display for UnknownProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Program::ALL.map(Program::as_str).join(", ");
        write!(f, "there is no service named {:?}; the services are {known}", self.name)
    }
}

impl std::error::Error for UnknownProgram {}

impl Program {
    /// The name as written in commands, logs and topologies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// What it is.
    #[must_use]
    pub const fn kind(self) -> ProgramKind {
        self.row().kind
    }

    /// Whether it is a service of the shop.
    #[must_use]
    pub const fn is_service(self) -> bool {
        matches!(self.kind(), ProgramKind::Service)
    }

    /// Whether it is a server of others.
    #[must_use]
    pub const fn is_server(self) -> bool {
        matches!(self.kind(), ProgramKind::Server)
    }

    /// The services that this one calls, where the system has them.
    #[must_use]
    pub const fn dependencies(self) -> &'static [Self] {
        self.row().dependencies
    }

    /// The environment variable in which callers find the address of this service, such as `USERS_URL`. That of Kafka
    /// holds addresses without a scheme, as every Kafka client takes them: `KAFKA_BROKERS`. That of PostgreSQL leads to
    /// the caller's own database: `DATABASE_URL`.
    #[must_use]
    pub const fn url_variable(self) -> &'static str {
        self.row().url_variable
    }

    /// Whether the service keeps data in a database of its own: an SQLite file, unless the system has a PostgreSQL.
    #[must_use]
    pub fn has_database(self) -> bool {
        self.dependencies().contains(&Self::Postgres)
    }

    /// Whether it stands in front of the instances of another service, rather than being one.
    #[must_use]
    pub const fn is_balancer(self) -> bool {
        self.row().is_balancer
    }

    /// The variables that a description of a system may set for this program and the balancer in front of it, in
    /// alphabetical order.
    #[must_use]
    pub fn declared_variables(self) -> Vec<&'static str> {
        let mut variables = self.row().declared.concat();
        variables.sort_unstable();
        variables
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Program {
    type Err = UnknownProgram;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|service| service.as_str() == name)
            .ok_or_else(|| UnknownProgram { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::Program;

    #[test]
    fn names_are_read_back_and_agree_with_serde_and_variables() {
        for service in Program::ALL {
            assert_eq!(service.as_str().parse(), Ok(service));
            assert_eq!(serde_json::to_value(service).unwrap(), service.as_str());
            let variable = match service {
                Program::Kafka => "KAFKA_BROKERS".to_owned(),
                Program::Postgres => "DATABASE_URL".to_owned(),
                _ => format!("{}_URL", service.as_str().to_uppercase()),
            };
            assert_eq!(service.url_variable(), variable);
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = "user".parse::<Program>().unwrap_err().to_string();
        assert!(error.contains("\"user\"") && error.contains("users, orders"), "{error}");
    }

    #[test]
    fn those_that_stand_in_front_of_others_are_told_apart() {
        let in_front = Program::ALL.into_iter().filter(|program| program.is_balancer());
        assert_eq!(in_front.collect::<Vec<_>>(), [Program::Balancer, Program::Nginx]);
    }

    #[test]
    fn services_that_keep_data_have_a_database() {
        use Program::{Analytics, Inventory, Orders, Payments, Users};
        let with_data: Vec<Program> = Program::ALL
            .into_iter()
            .filter(|program| program.has_database())
            .collect();
        assert_eq!(with_data, [Users, Orders, Payments, Inventory, Analytics]);
    }

    #[test]
    fn calls_form_no_cycle() {
        fn visit(service: Program, path: &mut Vec<Program>) {
            assert!(!path.contains(&service), "{path:?} comes back to {service}");
            path.push(service);
            for callee in service.dependencies() {
                visit(*callee, path);
            }
            path.pop();
        }
        for service in Program::ALL {
            visit(service, &mut Vec::new());
        }
    }
}
