//! How the Docker backend starts instances, and what the instances of a system share.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use bollard::Docker;
use bollard::models::{NetworkCreateRequest, VolumeCreateRequest};
use bollard::query_parameters::RemoveContainerOptionsBuilder;
use contract::{Program, environment};
use serde_json::Value;
use url::Url;

use super::container::{Container, Identity, LogKeeper};
use super::engine::{is_missing, run};
use super::image::ServerImage;
use super::labels::{self, Names};
use super::launch::{Made, launch};
use super::ports::{LINK_PORT, inner_port};
use super::recorded::{self, Start};
use super::tools::{NAME, Tools};
use super::{cleanup, logs, nginx};
use crate::backend::core::record::{InstanceRecord, SystemRecord};
use crate::backend::core::{Environment, Handle, LaunchRequest, Launched, Platform, Renewal, Sources, address};
use crate::error::Error;
use crate::kafka::{self, ApacheKafka, BrokerKind, KafkaSource};
use crate::postgres::{self, PostgresSource};
use crate::redis::{self, RedisSource};
use crate::topology::SystemSpec;
use contract::redact;

/// How long a server that the user named may take to give a sign of life.
const EXTERNAL_TIMEOUT: Duration = Duration::from_secs(3);

impl Tools {
    /// The Redis that the user named for instances to use. Containers have a 127.0.0.1 of their own.
    pub(super) fn redis_of_user(&self) -> Result<Option<Url>, Error> {
        if self.redis.url.as_deref().is_none_or(|url| url.trim().is_empty()) {
            return Ok(None);
        }
        let RedisSource::Url(url) = self.redis.find()? else {
            return Ok(None);
        };
        // The host of an address that is no web address is but text.
        if is_of_this_machine(url.host_str().unwrap_or_default()) {
            return Err(Error::RedisUnusable {
                url: redact(url.as_str()),
                reason: "containers do not reach this machine's own 127.0.0.1".to_owned(),
            });
        }
        Ok(Some(url))
    }

    async fn external_redis(&self, spec: &SystemSpec) -> Result<Option<Url>, Error> {
        if !spec.has(Program::Redis) {
            return Ok(None);
        }
        let Some(url) = self.redis_of_user()? else {
            return Ok(None);
        };
        redis::answers(&url, EXTERNAL_TIMEOUT).await?;
        Ok(Some(url))
    }

    /// The PostgreSQL that the user named for instances to use.
    pub(super) fn postgres_of_user(&self) -> Result<Option<Url>, Error> {
        if self.postgres.url.as_deref().is_none_or(|url| url.trim().is_empty()) {
            return Ok(None);
        }
        let PostgresSource::Url(url) = self.postgres.find()? else {
            return Ok(None);
        };
        if is_of_this_machine(url.host_str().unwrap_or_default()) {
            return Err(Error::PostgresUnusable {
                url: redact(url.as_str()),
                reason: "containers do not reach this machine's own 127.0.0.1".to_owned(),
            });
        }
        Ok(Some(url))
    }

    async fn external_postgres(&self, spec: &SystemSpec) -> Result<Option<Url>, Error> {
        if !spec.has(Program::Postgres) {
            return Ok(None);
        }
        let Some(url) = self.postgres_of_user()? else {
            return Ok(None);
        };
        postgres::answers(&url, EXTERNAL_TIMEOUT).await?;
        Ok(Some(url))
    }

    /// The Kafka that the user named, else one in a container of its own: Apache Kafka where it is asked for, or where the
    /// user named one to pack, and else the built-in one.
    async fn kafka_source(&self, spec: &SystemSpec) -> Result<Option<KafkaSource>, Error> {
        if !spec.has(Program::Kafka) {
            return Ok(None);
        }
        let Some(brokers) = self.kafka_of_user()? else {
            if !self.wants_apache_kafka(spec)? {
                return Ok(Some(KafkaSource::BuiltIn));
            }
            let kafka = match self.images.kafka(None).await? {
                ServerImage::Packed(_) => self.kafka.apache()?,
                ServerImage::Official(name) => ApacheKafka::of_image(name),
            };
            return Ok(Some(KafkaSource::Apache(kafka)));
        };
        kafka::answers(&brokers, EXTERNAL_TIMEOUT).await?;
        Ok(Some(KafkaSource::Brokers(brokers)))
    }

    /// Whether a system with a Kafka has an Apache Kafka in a container.
    pub(super) fn wants_apache_kafka(&self, spec: &SystemSpec) -> Result<bool, Error> {
        if self.kafka_of_user()?.is_some() {
            return Ok(false);
        }
        Ok(match BrokerKind::of_system(spec)? {
            BrokerKind::BuiltIn => false,
            BrokerKind::Any => self.kafka.home.is_some(),
            BrokerKind::Apache => true,
        })
    }

    /// The Kafka that the user named for instances to use.
    pub(super) fn kafka_of_user(&self) -> Result<Option<String>, Error> {
        let named = self
            .kafka
            .brokers
            .as_deref()
            .is_some_and(|brokers| !brokers.trim().is_empty());
        if !named {
            return Ok(None);
        }
        let KafkaSource::Brokers(brokers) = self.kafka.find(BrokerKind::Any)? else {
            return Ok(None);
        };
        let host = |address: &str| address.rsplit_once(':').map(|(host, _)| is_of_this_machine(host));
        if brokers.split(',').any(|address| host(address) == Some(true)) {
            return Err(Error::KafkaUnusable {
                what: format!("KAFKA_BROKERS={brokers}"),
                reason: "containers do not reach this machine's own 127.0.0.1".to_owned(),
            });
        }
        Ok(Some(brokers))
    }
}

/// Whether an instance of Kafka was noted to be an Apache Kafka.
fn asks_for_apache(request: &LaunchRequest) -> bool {
    request.environment.get(environment::KAFKA_BROKER).map(String::as_str) == Some("apache")
}

/// Whether a host is this machine as only it sees itself. Containers have a 127.0.0.1 of their own.
fn is_of_this_machine(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Platform for Tools {
    type Handle = Container;

    fn name(&self) -> &'static str {
        NAME
    }

    /// Where the engine is.
    fn place(&self) -> Value {
        self.engine.address().into()
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
        true
    }

    /// Makes the networks and the volumes.
    async fn prepare(&self, record: &SystemRecord) -> Result<(), Error> {
        let (names, labels) = (Names::of(record), labels::of_system(record));
        let data = NetworkCreateRequest {
            name: names.data_network(),
            // Nothing leaves it and nothing comes in: that is what the other network is for.
            internal: Some(true),
            labels: Some(labels.clone()),
            ..NetworkCreateRequest::default()
        };
        let separate = ("com.docker.network.bridge.enable_icc".to_owned(), "false".to_owned());
        let control = NetworkCreateRequest {
            name: names.control_network(),
            options: Some(HashMap::from([separate])),
            labels: Some(labels.clone()),
            ..NetworkCreateRequest::default()
        };
        let of_postgres = record.spec.has(Program::Postgres).then(|| names.database_volume());
        let volumes: Vec<_> = std::iter::once(names.volume())
            .chain(of_postgres)
            .map(|name| VolumeCreateRequest {
                name: Some(name),
                labels: Some(labels.clone()),
                ..VolumeCreateRequest::default()
            })
            .collect();
        let (engine, gate, run_id) = (
            self.engine.clone(),
            self.gates.of(&record.token()),
            record.run_id.clone(),
        );
        let make = |docker: Docker| async move {
            docker.create_network(data).await?;
            docker.create_network(control).await?;
            for volume in volumes {
                docker.create_volume(volume).await?;
            }
            Ok(())
        };
        // To its end, even when this start is given up meanwhile: the removal waits until nobody is within.
        run(async move {
            let _open = gate.enter(&run_id).await?;
            engine.call("make a network", make).await
        })
        .await
    }

    fn surroundings(&self, instance: &str, program: Program, _port: u16) -> Environment {
        let own = [
            (environment::PORT, inner_port(program).to_string()),
            (environment::HOST, "0.0.0.0".to_owned()),
            (environment::INSTANCE, instance.to_owned()),
            // A broker tells its clients where it is; other programs have no use for it.
            (environment::KAFKA_ADVERTISED_HOST, instance.to_owned()),
        ];
        let link = (environment::LINK_PORT, LINK_PORT.to_string());
        let link = Some(link).filter(|_| program == Program::Link);
        own.into_iter()
            .filter(|(name, _)| program == Program::Kafka || *name != environment::KAFKA_ADVERTISED_HOST)
            .chain(link)
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn database(&self, _record: &SystemRecord, service: &str) -> String {
        format!("sqlite:///data/{service}.db")
    }

    fn inner_url(&self, name: &str, program: Program, _port: Option<u16>) -> Option<Url> {
        Some(address(program, name, inner_port(program)))
    }

    fn link_address(&self, link: &str, _port: Option<u16>) -> Option<(String, u16)> {
        Some((link.to_owned(), LINK_PORT))
    }

    async fn launch(&self, request: LaunchRequest) -> Result<Launched<Container>, Error> {
        let made = match request.program {
            Program::Redis => Made::Redis(self.images.redis(None).await?),
            Program::Nginx => Made::Nginx(self.images.nginx(None).await?),
            Program::Postgres => Made::Postgres(self.images.postgres(None).await?),
            Program::Kafka if asks_for_apache(&request) => Made::Kafka(self.images.kafka(None).await?),
            _ => Made::Own(self.images.own(None).await?),
        };
        let gate = self.gates.of(&request.record.token());
        run(launch(self.engine.clone(), gate, made, request)).await
    }

    async fn renew(&self, handle: &Container, renewal: &Renewal) -> Result<(), Error> {
        let archive = nginx::configuration(&renewal.name, &renewal.environment, Some(&renewal.stamp))?;
        let id = handle.id().to_owned();
        let put = |docker: Docker| async move { nginx::put(&docker, &id, archive).await };
        self.engine.call("give a container its configuration", put).await?;
        handle.reload().await
    }

    async fn running(&self, system: &SystemRecord) -> Result<Vec<String>, Error> {
        cleanup::running(&self.engine, system).await
    }

    async fn take_up(&self, system: &SystemRecord, record: &InstanceRecord) -> Container {
        // No container has an empty id.
        let Start { id, started } = recorded::start_of(record).unwrap_or_default();
        let mut aliases = vec![record.name.clone()];
        let service = system.spec.service(&record.service);
        if service.is_some_and(|service| service.front_door_name() == record.name) {
            aliases.push(record.service.clone());
        }
        let identity = Identity {
            engine: self.engine.clone(),
            id: id.clone(),
            network: Names::of(system).data_network(),
            aliases,
            keeper: if system.detached {
                LogKeeper::Fetch
            } else {
                LogKeeper::Other
            },
        };
        let inspect = |docker: Docker| async move {
            match docker.inspect_container(&id, None).await {
                Ok(shown) => Ok(Some(shown)),
                Err(fault) if is_missing(&fault) => Ok(None),
                Err(fault) => Err(fault),
            }
        };
        let shown = self.engine.call("look at a container", inspect).await.ok().flatten();
        let container = match shown {
            Some(shown) => Container::seen(identity, shown),
            None => Container::gone(identity, started),
        };
        if container.exit().is_none()
            && let Ok(docker) = self.engine.docker()
        {
            container.watch(docker, None, None);
        }
        container
    }

    async fn settle_log(&self, handle: &Container, log: &Path, log_start: u64) -> Result<(), Error> {
        match handle.keeper() {
            LogKeeper::Fetch => logs::fetch(&self.engine, handle.id(), log, log_start).await,
            // What follows the log has written it all before the end of the container is told.
            LogKeeper::Follow | LogKeeper::Other => Ok(()),
        }
    }

    async fn forget(&self, handle: &Container) -> Result<(), Error> {
        let id = handle.id().to_owned();
        let remove = |docker: Docker| async move {
            let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
            match docker.remove_container(&id, Some(options)).await {
                Err(fault) if !is_missing(&fault) => Err(fault),
                _ => Ok(()),
            }
        };
        self.engine.call("remove a container", remove).await
    }

    async fn finish(&self, record: &SystemRecord) -> Result<(), Error> {
        let token = record.token();
        self.gates.of(&token).close().await;
        cleanup::remove_system(&self.engine, &token).await?;
        self.gates.forget(&token);
        Ok(())
    }

    fn let_go(&self, record: SystemRecord, _handles: Vec<Container>) {
        let (engine, token) = (self.engine.clone(), record.token());
        let gate = self.gates.of(&token);
        cleanup::remove_later(engine, token, gate, move || {
            // Where it stays, the next lab finds nothing by it and removes it.
            let _ = record.remove_files().and_then(|()| record.remove());
        });
    }
}
