//! How one instance is configured.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use contract::{Program, Secret, environment as names};
use http::Uri;
use http::uri::Authority;
use tracing::level_filters::LevelFilter;

use crate::{Environment, SettingsError, Shutdown, Slowness};

const WORKERS_MAX: usize = 256;
const WORK_MS_MAX: f64 = 600_000.0;
const WORK_LIMIT_MAX: usize = 1_000_000;
const TIMEOUT_MS_MAX: u64 = 3_600_000;
/// The shortest session that heartbeats can keep up, and the longest that Kafka allows by default.
const SESSION_MS_MIN: u64 = 1_000;
const SESSION_MS_MAX: u64 = 1_800_000;

/// How a drawn waiting time is distributed around its mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distribution {
    /// Always the mean.
    Constant,
    /// Memoryless, as in M/M/c.
    Exponential,
}

/// Where CPU work that a client asks for is burnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CpuWork {
    /// On the event loop, which serves nobody else meanwhile.
    Inline,
    /// On a thread for blocking work.
    Offloaded,
}

/// The declared capacity of an instance: see [`Work`](crate::Work).
#[derive(Debug, Clone, PartialEq)]
pub struct WorkSettings {
    /// Mean waiting time of a request; zero is none.
    pub wait: Duration,
    /// How the waiting time is distributed.
    pub distribution: Distribution,
    /// How many requests may wait at once; `None` is no limit.
    pub limit: Option<usize>,
    /// CPU time that a request burns on the event loop; zero is none.
    pub cpu: Duration,
    /// Whether the work can be made slower from outside.
    pub control: bool,
    /// How many times as long as declared the work takes at the begin.
    pub slowness: f64,
    /// Whether every request is refused at once, as by a broken instance.
    pub broken: bool,
    /// Seed of the drawn times, the instance's name mixed in so that instances differ.
    pub seed: u64,
}

/// Where the Redis is that instances share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisSettings {
    /// Its address, such as `redis://127.0.0.1:6379`.
    pub url: Secret,
    /// What all keys begin with.
    pub prefix: String,
}

/// Where the Kafka is that services share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaSettings {
    /// Its brokers: `host:port`, with commas between several.
    pub brokers: String,
    /// What the names of all topics and groups begin with.
    pub prefix: String,
    /// How long a consumer may be silent before its group takes its partitions away.
    pub session: Duration,
    /// The name by which groups know this instance also after it was started again; `None` makes it a stranger then.
    pub member: Option<String>,
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
            upstreams: upstreams(service, env)?,
            redis: env.get(names::REDIS_URL).map(|url| RedisSettings {
                url: Secret::address(url),
                prefix: env.get(names::REDIS_PREFIX).unwrap_or("lab:").to_owned(),
            }),
            kafka: kafka(env, &instance)?,
            upstream_timeout: env.milliseconds(names::UPSTREAM_TIMEOUT_MS, 10_000, 1, TIMEOUT_MS_MAX)?,
            work: work(env, &instance)?,
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

fn kafka(env: &Environment, instance: &str) -> Result<Option<KafkaSettings>, SettingsError> {
    let session = env.milliseconds(names::KAFKA_SESSION_MS, 6_000, SESSION_MS_MIN, SESSION_MS_MAX)?;
    let known = env.choice(names::KAFKA_STATIC_MEMBERS, &[("false", false), ("true", true)])?;
    let brokers = env.get(names::KAFKA_BROKERS);
    // It would be a part of the host's name to the Kafka library, which logs such names.
    if brokers.is_some_and(|brokers| brokers.contains('@')) {
        let allowed = "host:port, with commas between several, without user and password";
        return Err(env.refuse(names::KAFKA_BROKERS, allowed));
    }
    Ok(brokers.map(|brokers| KafkaSettings {
        brokers: brokers.to_owned(),
        prefix: env.get(names::KAFKA_PREFIX).unwrap_or_default().to_owned(),
        session,
        member: known.then(|| instance.to_owned()),
    }))
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

fn work(env: &Environment, instance: &str) -> Result<WorkSettings, SettingsError> {
    let time = |variable| {
        let allowed = format!("a number of milliseconds from 0 to {WORK_MS_MAX}");
        env.parse(variable, 0.0, &allowed, |ms| (0.0..=WORK_MS_MAX).contains(ms))
            .map(|ms| Duration::from_secs_f64(ms / 1_000.0))
    };
    let limit = env.parse(
        names::WORK_LIMIT,
        0,
        &format!("a number of requests from 0 (no limit) to {WORK_LIMIT_MAX}"),
        |limit| *limit <= WORK_LIMIT_MAX,
    )?;
    let seed: u64 = env.parse(names::WORK_SEED, 1, "a whole number from 0 to 2^64 - 1", |_| true)?;
    Ok(WorkSettings {
        wait: time(names::WORK_WAIT_MS)?,
        distribution: env.choice(
            names::WORK_DISTRIBUTION,
            &[
                ("exponential", Distribution::Exponential),
                ("constant", Distribution::Constant),
            ],
        )?,
        limit: (limit > 0).then_some(limit),
        cpu: time(names::WORK_CPU_MS)?,
        control: env.choice(names::WORK_CONTROL, &[("off", false), ("on", true)])?,
        slowness: slowness(env, instance)?,
        broken: listed(env.get(names::WORK_BROKEN)).any(|broken| broken == instance),
        seed: seed ^ fnv1a(instance),
    })
}

/// The parts of a list with commas.
fn listed(list: Option<&str>) -> impl Iterator<Item = &str> {
    list.unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

fn slowness(env: &Environment, instance: &str) -> Result<f64, SettingsError> {
    let allowed = format!("INSTANCE=FACTOR with a factor above 0 and at most {}", Slowness::MAX);
    let mut slowness = 1.0;
    for part in listed(env.get(names::WORK_SLOW)) {
        let (name, factor) = part
            .split_once('=')
            .and_then(|(name, factor)| Some((name, factor.parse().ok()?)))
            .filter(|(_, factor)| Slowness::allows(*factor))
            .ok_or_else(|| env.refuse(names::WORK_SLOW, &allowed))?;
        if name == instance {
            slowness = factor;
        }
    }
    Ok(slowness)
}

fn upstreams(service: Program, env: &Environment) -> Result<BTreeMap<Program, Authority>, SettingsError> {
    let mut upstreams = BTreeMap::new();
    let called = service.dependencies().iter().filter(|callee| !callee.is_server());
    for &callee in called {
        let variable = callee.url_variable();
        let Some(url) = env.get(variable) else {
            continue;
        };
        let authority = authority(url).ok_or_else(|| {
            let allowed = "an address such as http://127.0.0.1:8080, without a path, user and password";
            env.refuse(variable, allowed)
        })?;
        upstreams.insert(callee, authority);
    }
    Ok(upstreams)
}

fn authority(url: &str) -> Option<Authority> {
    let parts = url.parse::<Uri>().ok()?.into_parts();
    let plain = parts.scheme? == http::uri::Scheme::HTTP
        && parts
            .path_and_query
            .is_none_or(|path| path.as_str().is_empty() || path.as_str() == "/");
    parts
        .authority
        .filter(|authority| plain && !authority.as_str().contains('@'))
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): a hash that stays the same from release to release.
pub(crate) fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::new(Program::Orders, variables.iter().copied().collect())
    }

    #[test]
    fn an_empty_environment_gives_the_defaults() {
        let settings = read(&[("PORT", "")]).unwrap();
        assert_eq!(
            (settings.port, settings.workers, settings.instance.as_str()),
            (0, 1, "orders-1")
        );
        assert_eq!(settings.host.to_string(), "127.0.0.1");
        assert_eq!(settings.database_url.expose(), "sqlite://orders.db");
        assert_eq!((settings.work.wait, settings.work.limit), (Duration::ZERO, None));
        assert_eq!(settings.work.distribution, Distribution::Exponential);
        assert!(settings.upstreams.is_empty());
    }

    #[test]
    fn values_are_read() {
        let settings = read(&[
            ("PORT", "8080"),
            ("WORK_WAIT_MS", "2.5"),
            ("WORK_LIMIT", "4"),
            ("WORK_DISTRIBUTION", "constant"),
            ("USERS_URL", "http://127.0.0.1:9/"),
            ("CPU_WORK", "offloaded"),
        ])
        .unwrap();
        assert_eq!((settings.port, settings.work.limit), (8080, Some(4)));
        assert_eq!(settings.work.wait, Duration::from_micros(2_500));
        assert_eq!(settings.work.distribution, Distribution::Constant);
        assert_eq!(settings.upstreams[&Program::Users], "127.0.0.1:9");
        assert_eq!(settings.cpu_work, CpuWork::Offloaded);
    }

    #[test]
    fn instances_draw_differently_and_each_the_same_again() {
        let seed = |instance| read(&[("INSTANCE", instance)]).unwrap().work.seed;
        assert_ne!(seed("orders-1"), seed("orders-2"));
        assert_eq!(seed("orders-1"), seed("orders-1"));
    }

    #[test]
    fn a_redis_is_no_called_service_and_is_missed_only_where_it_is_needed() {
        let gateway =
            |variables: &[(&str, &str)]| Settings::new(Program::Gateway, variables.iter().copied().collect()).unwrap();
        let with = gateway(&[("REDIS_URL", "redis://127.0.0.1:9")]);
        assert!(with.upstreams.is_empty());
        assert_eq!(with.required_redis("it counts").unwrap().prefix, "lab:");
        let error = gateway(&[]).required_redis("it counts").unwrap_err().to_string();
        assert!(
            error.contains("REDIS_URL") && error.contains("because it counts"),
            "{error}"
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_what_is_allowed() {
        for (variable, value, allowed) in [
            ("PORT", "65536", "0 (any free one) to 65535"),
            ("PORT", "http", "a port"),
            ("HOST", "localhost", "an IP address"),
            ("WORKERS", "0", "from 1 to 256"),
            ("LOG_LEVEL", "loud", "info, error, warn"),
            ("WORK_WAIT_MS", "-1", "from 0 to"),
            ("WORK_WAIT_MS", "NaN", "from 0 to"),
            ("WORK_LIMIT", "1.5", "a number of requests"),
            ("WORK_DISTRIBUTION", "normal", "exponential, constant"),
            ("WORK_CONTROL", "yes", "off, on"),
            ("CPU_WORK", "gpu", "inline, offloaded"),
            ("UPSTREAM_TIMEOUT_MS", "0", "from 1 to"),
            ("UPSTREAM_TIMEOUT_MS", "soon", "from 1 to"),
            ("USERS_URL", "127.0.0.1:80", "http://127.0.0.1:8080"),
            ("USERS_URL", "https://127.0.0.1:80", "http://127.0.0.1:8080"),
            ("USERS_URL", "http://127.0.0.1:80/api", "without a path"),
            ("USERS_URL", "http://u:s3cret@h:80", "http://***@h:80\", but must be"),
            ("USERS_URL", "http://u:s3cret@h:bad", "http://***@h:bad"),
            ("USERS_URL", "http://h:80/?password=s3cret", "http://h:80/?password=***"),
            ("KAFKA_BROKERS", "u:s3cret@h:9092", "***@h:9092"),
        ] {
            let error = read(&[(variable, value)]).expect_err(variable).to_string();
            assert!(error.contains(variable) && error.contains(allowed), "{error}");
            assert_eq!(error.contains(value), !value.contains("s3cret"), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn settings_are_printed_without_their_secrets() {
        let settings = read(&[
            ("DATABASE_URL", "postgres://u:s3cret@h/orders"),
            ("REDIS_URL", "redis://:s3cret@h"),
            ("POSTGRES_URL", "postgres://u:s3cret@h"),
            ("JWT_SECRET", "s3cret"),
            ("PGPASSWORD", "s3cret"),
        ]);
        let printed = format!("{:?}", settings.unwrap());
        assert!(
            !printed.contains("s3cret") && printed.contains("postgres://***@h/orders"),
            "{printed}"
        );
    }
}
