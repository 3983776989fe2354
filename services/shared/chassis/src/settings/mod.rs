//! How one instance is configured.

mod called;
mod shared;
#[cfg(test)]
mod tests;
mod work;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use contract::{Program, Secret, environment as names};
use http::uri::Authority;
use tracing::level_filters::LevelFilter;

pub use self::shared::{KafkaSettings, RedisSettings};
pub use self::work::{Abandoned, Distribution, TailOf, WorkSettings};
use crate::{Environment, SettingsError, Shutdown};

const WORKERS_MAX: usize = 256;
const TIMEOUT_MS_MAX: u64 = 3_600_000;

/// Where CPU work that a client asks for is burnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CpuWork {
    /// On the event loop, which serves nobody else meanwhile.
    Inline,
    /// On a thread for blocking work.
    Offloaded,
}

/// What an instance asks before it says that it is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Everything that it needs.
    Deep,
    /// What it owns itself: one that is dead makes nobody else unready.
    Shallow,
}

/// How one instance of a service is configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which service it is.
    pub service: Program,
    /// Name of this instance.
    pub instance: String,
    /// Address to listen on.
    pub host: IpAddr,
    /// Port to listen on; 0 takes any free one.
    pub port: u16,
    /// Least severe level that is logged.
    pub log_level: LevelFilter,
    /// Threads that run the event loop.
    pub workers: usize,
    /// Where its data is.
    pub database_url: Secret,
    /// The Redis that instances share; a system without one has none.
    pub redis: Option<RedisSettings>,
    /// The Kafka that services share; a system without one has none.
    pub kafka: Option<KafkaSettings>,
    /// Where the services are that it calls; one that is not part of this system is absent.
    pub upstreams: BTreeMap<Program, Authority>,
    /// Longest wait for an answer of a called service.
    pub upstream_timeout: Duration,
    /// How long the answer to a request is waited for that does not say so itself; `None` is for ever.
    pub deadline: Option<Duration>,
    /// What it asks before it says that it is ready.
    pub readiness: Readiness,
    /// Its declared capacity.
    pub work: WorkSettings,
    /// Where asked-for CPU work is burnt.
    pub cpu_work: CpuWork,
    /// Everything else, for what a single service has in addition.
    pub environment: Environment,
    /// Says when to end.
    pub shutdown: Shutdown,
}

impl Settings {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// For the first variable that holds what it may not hold.
    pub fn from_env(service: Program) -> Result<Self, SettingsError> {
        Self::new(service, Environment::of_process())
    }

    /// The Redis that this instance cannot do without, because `reason` holds.
    ///
    /// # Errors
    /// When the system has none.
    pub fn required_redis(&self, reason: &str) -> Result<&RedisSettings, SettingsError> {
        let allowed = format!("the address of a Redis such as redis://127.0.0.1:6379, because {reason}");
        self.redis
            .as_ref()
            .ok_or_else(|| self.environment.refuse(names::REDIS_URL, &allowed))
    }

    /// The Kafka that this instance cannot do without, because `reason` holds.
    ///
    /// # Errors
    /// When the system has none.
    pub fn required_kafka(&self, reason: &str) -> Result<&KafkaSettings, SettingsError> {
        let allowed = format!("the address of a Kafka broker such as 127.0.0.1:9092, because {reason}");
        self.kafka
            .as_ref()
            .ok_or_else(|| self.environment.refuse(names::KAFKA_BROKERS, &allowed))
    }

    /// Reads the given environment.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn new(service: Program, environment: Environment) -> Result<Self, SettingsError> {
        let env = &environment;
        let instance = env
            .get(names::INSTANCE)
            .map_or_else(|| format!("{service}-1"), str::to_owned);
        Ok(Self {
            service,
            host: env.parse(
                names::HOST,
                IpAddr::V4(Ipv4Addr::LOCALHOST),
                "an IP address such as 127.0.0.1",
                |_| true,
            )?,
            port: env.parse(names::PORT, 0, "a port from 0 (any free one) to 65535", |_| true)?,
            log_level: log_level(env)?,
            workers: env.parse(
                names::WORKERS,
                1,
                &format!("a number of threads from 1 to {WORKERS_MAX}"),
                |workers| (1..=WORKERS_MAX).contains(workers),
            )?,
            database_url: env
                .get(names::DATABASE_URL)
                .map_or_else(|| Secret::address(format!("sqlite://{service}.db")), Secret::address),
            upstreams: called::read(service, env)?,
            redis: RedisSettings::read(env),
            kafka: KafkaSettings::read(env, &instance)?,
            upstream_timeout: env.milliseconds(names::UPSTREAM_TIMEOUT_MS, 10_000, 1, TIMEOUT_MS_MAX)?,
            deadline: Some(env.milliseconds(names::DEADLINE_MS, 0, 0, TIMEOUT_MS_MAX)?).filter(|time| !time.is_zero()),
            readiness: env.choice(
                names::READY,
                &[("deep", Readiness::Deep), ("shallow", Readiness::Shallow)],
            )?,
            work: WorkSettings::read(env, &instance)?,
            cpu_work: env.choice(
                names::CPU_WORK,
                &[("inline", CpuWork::Inline), ("offloaded", CpuWork::Offloaded)],
            )?,
            instance,
            shutdown: Shutdown::never(),
            environment,
        })
    }
}

fn log_level(env: &Environment) -> Result<LevelFilter, SettingsError> {
    env.choice(
        names::LOG_LEVEL,
        &[
            ("info", LevelFilter::INFO),
            ("error", LevelFilter::ERROR),
            ("warn", LevelFilter::WARN),
            ("debug", LevelFilter::DEBUG),
            ("trace", LevelFilter::TRACE),
        ],
    )
}
