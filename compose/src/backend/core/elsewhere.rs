//! What a system has on servers of somebody else: where they are, under which names it keeps things there, and how those
//! go away.

use std::time::Duration;

use contract::Program;
use url::Url;

use super::record::SystemRecord;
use crate::kafka::KafkaSource;
use crate::topology::ServiceSpec;
use crate::{postgres, redis};

/// How long the removal of what a system kept may take where somebody else's server keeps it.
const FORGET_TIMEOUT: Duration = Duration::from_secs(2);

/// The same for databases: a server writes everything to the disk before each that it drops.
const DROP_TIMEOUT: Duration = Duration::from_secs(20);

impl SystemRecord {
    /// The address of a service that somebody else runs; of several brokers the first.
    pub(in crate::backend) fn external(&self, service: &ServiceSpec) -> Option<Url> {
        match service.service {
            Program::Redis => self.external_redis.clone(),
            Program::Postgres => self.external_postgres.clone(),
            Program::Kafka => {
                let brokers = self.external_kafka()?;
                let first = brokers.split(',').next()?;
                Url::parse(&format!("kafka://{first}")).ok()
            }
            _ => None,
        }
    }

    /// The brokers that somebody else runs and the system uses.
    pub(super) fn external_kafka(&self) -> Option<String> {
        match KafkaSource::noted_in(&self.spec)? {
            KafkaSource::Brokers(brokers) => Some(brokers),
            _ => None,
        }
    }

    /// What all topics and groups of the system begin with in the Kafka of somebody else; nothing in its own.
    pub(super) fn kafka_prefix(&self) -> String {
        match self.external_kafka() {
            Some(_) => format!("lab.{}.{:x}.", self.run_id, self.started.unix_timestamp_nanos()),
            None => String::new(),
        }
    }

    /// What all keys of the system begin with in its Redis. A run's id is unique on one machine only, and one Redis may
    /// serve several, so the moment of the start is a part of it.
    pub(super) fn redis_prefix(&self) -> String {
        format!("lab:{}:", self.token())
    }

    /// The database of a service on the PostgreSQL of this system. On that of somebody else, its name says to which system
    /// it belongs, by the moment of the start, because names are short there.
    pub(super) fn database(&self, service: &str) -> String {
        match self.external_postgres {
            Some(_) => format!("lab_{:x}_{service}", self.started.unix_timestamp_nanos()),
            None => service.to_owned(),
        }
    }

    /// The databases of the services that keep their data in this PostgreSQL of the system.
    pub(super) fn databases_in(&self, postgres: &str) -> Vec<String> {
        let ways = self.spec.ways().unwrap_or_default().into_iter();
        ways.filter(|(_, to)| *to == postgres)
            .map(|(from, _)| self.database(from))
            .collect()
    }

    /// Removes what the system kept on servers of somebody else.
    pub(in crate::backend) async fn forget_elsewhere(&self) {
        if let Some(url) = &self.external_redis {
            // Not worth failing for: nobody else's keys begin like these, and a Redis that is gone keeps none.
            if let Err(reason) = redis::forget(url, &self.redis_prefix(), FORGET_TIMEOUT).await {
                tracing::warn!(reason, "the keys of {} stay in Redis", self.run_id);
            }
        }
        if let Some(url) = &self.external_postgres {
            let mut servers = self.spec.services.iter();
            let server = servers.find(|service| service.service == Program::Postgres);
            let names = server.map_or_else(Vec::new, |server| self.databases_in(&server.name));
            if let Err(reason) = postgres::drop_databases(url, &names, DROP_TIMEOUT).await {
                tracing::warn!(reason, "the databases of {} stay in PostgreSQL", self.run_id);
            }
        }
    }
}
