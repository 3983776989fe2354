//! Where the servers are that instances and services share.

use std::time::Duration;

use contract::{Secret, environment as names};

use crate::{Environment, SettingsError};

/// The shortest session that heartbeats can keep up, and the longest that Kafka allows by default.
const SESSION_MS_MIN: u64 = 1_000;
const SESSION_MS_MAX: u64 = 1_800_000;

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

impl RedisSettings {
    pub(super) fn read(env: &Environment) -> Option<Self> {
        env.get(names::REDIS_URL).map(|url| Self {
            url: Secret::address(url),
            prefix: env.get(names::REDIS_PREFIX).unwrap_or("lab:").to_owned(),
        })
    }
}

impl KafkaSettings {
    pub(super) fn read(env: &Environment, instance: &str) -> Result<Option<Self>, SettingsError> {
        let session = env.milliseconds(names::KAFKA_SESSION_MS, 6_000, SESSION_MS_MIN, SESSION_MS_MAX)?;
        let known = env.choice(names::KAFKA_STATIC_MEMBERS, &[("false", false), ("true", true)])?;
        let brokers = env.get(names::KAFKA_BROKERS);
        // It would be a part of the host's name to the Kafka library, which logs such names.
        if brokers.is_some_and(|brokers| brokers.contains('@')) {
            let allowed = "host:port, with commas between several, without user and password";
            return Err(env.refuse(names::KAFKA_BROKERS, allowed));
        }
        Ok(brokers.map(|brokers| Self {
            brokers: brokers.to_owned(),
            prefix: env.get(names::KAFKA_PREFIX).unwrap_or_default().to_owned(),
            session,
            member: known.then(|| instance.to_owned()),
        }))
    }
}
