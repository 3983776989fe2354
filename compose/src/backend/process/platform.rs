//! How the process backend starts instances.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use contract::Program;
use serde_json::Value;
use url::Url;

use super::handle::Handle;
use super::tools::{NAME, Tools};
use super::{cleanup, keeper, launch, recorded};
use crate::backend::core::record::{InstanceRecord, SystemRecord};
use crate::backend::core::{Environment, LaunchRequest, Launched, Platform, Renewal, Sources, address, remember};
use crate::error::Error;
use crate::kafka::{self, BrokerKind, KafkaSource};
use crate::nginx;
use crate::postgres::PostgresSource;
use crate::redis::RedisSource;
use crate::stamp::ProcessStamp;
use crate::topology::SystemSpec;

/// How long a server that the user named may take to give a sign of life.
const EXTERNAL_TIMEOUT: Duration = Duration::from_secs(3);

impl Tools {
    async fn external_redis(&self, spec: &SystemSpec) -> Result<Option<Url>, Error> {
        if !spec.has(Program::Redis) {
            return Ok(None);
        }
        match self.redis.find()? {
            RedisSource::Server { .. } => Ok(None),
            RedisSource::Url(url) => {
                crate::redis::answers(&url, EXTERNAL_TIMEOUT).await?;
                Ok(Some(url))
            }
        }
    }

    async fn external_postgres(&self, spec: &SystemSpec) -> Result<Option<Url>, Error> {
        if !spec.has(Program::Postgres) {
            return Ok(None);
        }
        match self.postgres.find()? {
            PostgresSource::Server { .. } => Ok(None),
            PostgresSource::Url(url) => {
                crate::postgres::answers(&url, EXTERNAL_TIMEOUT).await?;
                Ok(Some(url))
            }
        }
    }

    async fn kafka_source(&self, spec: &SystemSpec) -> Result<Option<KafkaSource>, Error> {
        if !spec.has(Program::Kafka) {
            return Ok(None);
        }
        let source = self.kafka.find(BrokerKind::of_system(spec)?)?;
        if let KafkaSource::Brokers(brokers) = &source {
            kafka::answers(brokers, EXTERNAL_TIMEOUT).await?;
        }
        Ok(Some(source))
    }
}

impl Platform for Tools {
    type Handle = Handle;

    fn name(&self) -> &'static str {
        NAME
    }

    fn place(&self) -> Value {
        Value::Null
    }

    fn http(&self) -> &reqwest::Client {
        &self.http
    }

    async fn sources(&self, spec: &SystemSpec) -> Result<Sources, Error> {
        Ok(Sources {
            redis: self.external_redis(spec).await?,
            postgres: self.external_postgres(spec).await?,
            kafka: self.kafka_source(spec).await?,
        })
    }

    fn has_names(&self) -> bool {
        false
    }

    async fn prepare(&self, record: &SystemRecord) -> Result<(), Error> {
        keeper::entrust(&self.program, record);
        Ok(())
    }

    fn surroundings(&self, instance: &str, _program: Program, port: u16) -> Environment {
        launch::surroundings(instance, port)
    }

    /// From the run's folder, in which instances are started: whatever bytes lead there, none of them is in the address.
    fn database(&self, _record: &SystemRecord, service: &str) -> String {
        format!("sqlite://data/{service}.db")
    }

    fn inner_url(&self, _name: &str, program: Program, port: Option<u16>) -> Option<Url> {
        Some(address(program, "127.0.0.1", port?))
    }

    fn link_address(&self, _link: &str, port: Option<u16>) -> Option<(String, u16)> {
        Some(("127.0.0.1".to_owned(), port?))
    }

    async fn launch(&self, request: LaunchRequest) -> Result<Launched<Handle>, Error> {
        Ok(Launched {
            handle: Handle::Own(self.spawn(request)?),
            port: None,
        })
    }

    async fn renew(&self, handle: &Handle, renewal: &Renewal) -> Result<(), Error> {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, renewal.port));
        let (run, stamp) = (&renewal.record.folder, Some(renewal.stamp.as_str()));
        nginx::write(run, &renewal.name, listen, &renewal.environment, stamp)?;
        handle.reload(&renewal.name)
    }

    async fn running(&self, system: &SystemRecord) -> Result<Vec<String>, Error> {
        cleanup::running(system)
    }

    async fn take_up(&self, _system: &SystemRecord, record: &InstanceRecord) -> Handle {
        // No process of this machine has the id 0.
        let nobody = || ProcessStamp {
            pid: 0,
            started: String::new(),
        };
        Handle::Foreign(recorded::stamp_of(record).unwrap_or_else(|_| nobody()))
    }

    /// Processes write their logs themselves.
    async fn settle_log(&self, _handle: &Handle, _log: &Path, _log_start: u64) -> Result<(), Error> {
        Ok(())
    }

    async fn forget(&self, _handle: &Handle) -> Result<(), Error> {
        Ok(())
    }

    async fn finish(&self, record: &SystemRecord) -> Result<(), Error> {
        cleanup::forget(record).await
    }

    fn let_go(&self, record: SystemRecord, handles: Vec<Handle>) {
        for handle in handles {
            // Nobody is left to tell of an error; with the lab's own end the kernel ends the child.
            let _ = handle.end();
            if let Handle::Own(child) = handle {
                // The thread that waits for the child sees its end.
                remember(async move { child.exited().await });
            }
        }
        cleanup::forget_later(record);
    }
}
