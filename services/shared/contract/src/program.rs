//! The programs that instances of a system run, and who calls whom.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A program that an instance of a system runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Program {
    /// Who buys.
    Users,
    /// What was ordered.
    Orders,
    /// What was paid.
    Payments,
    /// What there is to sell, and how much is left.
    Inventory,
    /// How often each kind of event happened.
    Analytics,
    /// The one door for clients.
    Gateway,
    /// Spreads requests over the instances of another service.
    Balancer,
    /// Stands between two other services and makes the way from one to the other slow, narrow, lossy or cut.
    Link,
    /// Remembers locks and counters for all instances of all services: a real Redis server, not a program of this house.
    Redis,
    /// Spreads requests as the balancer does, to compare the two: a real nginx, not a program of this house.
    Nginx,
    /// Carries events from service to service: a Kafka broker, not a program of this house (or a small stand-in for one).
    Kafka,
    /// Keeps what services store, each in a database of its own: a real PostgreSQL server, not a program of this house.
    Postgres,
    /// Collects the metrics of every instance, for people: a real Prometheus, not a program of this house.
    Prometheus,
}

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
    /// Every program.
    pub const ALL: [Self; 13] = [
        Self::Users,
        Self::Orders,
        Self::Payments,
        Self::Inventory,
        Self::Analytics,
        Self::Gateway,
        Self::Balancer,
        Self::Link,
        Self::Redis,
        Self::Nginx,
        Self::Kafka,
        Self::Postgres,
        Self::Prometheus,
    ];

    /// The name as written in commands, logs and topologies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Orders => "orders",
            Self::Payments => "payments",
            Self::Inventory => "inventory",
            Self::Analytics => "analytics",
            Self::Gateway => "gateway",
            Self::Balancer => "balancer",
            Self::Link => "link",
            Self::Redis => "redis",
            Self::Nginx => "nginx",
            Self::Kafka => "kafka",
            Self::Postgres => "postgres",
            Self::Prometheus => "prometheus",
        }
    }

    /// What it is.
    #[must_use]
    pub const fn kind(self) -> ProgramKind {
        match self {
            Self::Users | Self::Orders | Self::Payments | Self::Inventory | Self::Analytics | Self::Gateway => {
                ProgramKind::Service
            }
            Self::Balancer | Self::Link => ProgramKind::Tool,
            Self::Redis | Self::Nginx | Self::Kafka | Self::Postgres | Self::Prometheus => ProgramKind::Server,
        }
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
        match self {
            Self::Gateway => &[
                Self::Users,
                Self::Orders,
                Self::Payments,
                Self::Inventory,
                Self::Analytics,
                Self::Redis,
            ],
            Self::Orders => &[
                Self::Users,
                Self::Inventory,
                Self::Analytics,
                Self::Kafka,
                Self::Postgres,
            ],
            Self::Payments | Self::Inventory => &[Self::Redis, Self::Kafka, Self::Postgres],
            Self::Analytics => &[Self::Kafka, Self::Postgres],
            Self::Users => &[Self::Postgres],
            Self::Balancer
            | Self::Link
            | Self::Redis
            | Self::Nginx
            | Self::Kafka
            | Self::Postgres
            | Self::Prometheus => &[],
        }
    }

    /// The environment variable in which callers find the address of this service, such as `USERS_URL`. That of Kafka
    /// holds addresses without a scheme, as every Kafka client takes them: `KAFKA_BROKERS`. That of PostgreSQL leads to
    /// the caller's own database: `DATABASE_URL`.
    #[must_use]
    pub const fn url_variable(self) -> &'static str {
        match self {
            Self::Users => "USERS_URL",
            Self::Orders => "ORDERS_URL",
            Self::Payments => "PAYMENTS_URL",
            Self::Inventory => "INVENTORY_URL",
            Self::Analytics => "ANALYTICS_URL",
            Self::Gateway => "GATEWAY_URL",
            Self::Balancer => "BALANCER_URL",
            Self::Link => "LINK_URL",
            Self::Redis => crate::environment::REDIS_URL,
            Self::Nginx => "NGINX_URL",
            Self::Kafka => crate::environment::KAFKA_BROKERS,
            Self::Postgres => crate::environment::DATABASE_URL,
            Self::Prometheus => "PROMETHEUS_URL",
        }
    }

    /// Whether the service keeps data in a database of its own.
    #[must_use]
    pub const fn has_database(self) -> bool {
        self.is_service() && !matches!(self, Self::Gateway)
    }

    /// Whether it stands in front of the instances of another service, rather than being one.
    #[must_use]
    pub const fn is_balancer(self) -> bool {
        matches!(self, Self::Balancer | Self::Nginx)
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
    fn whoever_keeps_data_can_keep_it_in_postgresql() {
        for service in Program::ALL {
            let can = service.dependencies().contains(&Program::Postgres);
            assert_eq!(can, service.has_database(), "{service}");
        }
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
