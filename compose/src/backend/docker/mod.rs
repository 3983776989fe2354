//! Systems of containers on a Docker engine of this machine.
//!
//! Each instance is the lab's own program in a container of its own. The instances find one another by name on a data
//! network, where a service has the same address for one instance and for many. The lab reaches them through ports that
//! are published on 127.0.0.1 over a second network, so an instance that is cut off from the others can still be asked.
//! Everything is labelled with its system, and what a lab that died has left is removed by that label.

mod cleanup;
mod container;
mod engine;
mod gates;
mod image;
mod labels;
mod launch;
mod logs;

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use bollard::models::{NetworkCreateRequest, VolumeCreateRequest};
use contract::{ServiceName, environment};
use url::Url;

pub(super) use cleanup::{clean, running};
pub use cleanup::{remove_unrecorded, settle};

use self::container::{Container, Identity, LogKeeper};
use self::engine::{Engine, is_missing};
use self::gates::Gates;
use self::image::Images;
use self::labels::Names;
use self::launch::{Made, inner_port};
use super::core::record::{Carried, InstanceRecord, SystemRecord};
use super::core::{Carrier, Environment, Handle, Hosted, Launched, Order, client};
use super::{Backend, BoxFuture, Capability, ProgressSink, System, UpOptions};
use crate::error::Error;
use crate::redis::{RedisLookup, RedisSource, ping, without_password};
use crate::topology::SystemSpec;

/// The backend's name.
pub(super) const NAME: &str = "docker";
/// The ports that instances listen on in their containers.
const HTTP_PORT: u16 = 8080;
const REDIS_PORT: u16 = 6379;
/// How long a Redis that the user named may take to give a sign of life.
const EXTERNAL_REDIS_TIMEOUT: Duration = Duration::from_secs(3);

/// Runs systems as containers.
pub struct DockerBackend {
    tools: Arc<Tools>,
}

/// What every system of this backend uses.
struct Tools {
    engine: Engine,
    images: Images,
    gates: Gates,
    redis: RedisLookup,
    http: reqwest::Client,
}

impl DockerBackend {
    /// A backend whose containers run `program serve SERVICE`, on the user's engine: the one at `DOCKER_HOST`, else at
    /// the usual socket. Whether it answers shows when it is used.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(program: impl AsRef<Path>) -> io::Result<Self> {
        Self::at(program, &Engine::usual_address(), RedisLookup::of_process())
    }

    /// As [`DockerBackend::new`], on the engine at this address (`unix:///…`), and with this to know of Redis.
    ///
    /// # Errors
    /// As [`DockerBackend::new`].
    pub fn at(program: impl AsRef<Path>, address: &str, redis: RedisLookup) -> io::Result<Self> {
        let engine = Engine::at(address);
        let program = program.as_ref().to_owned();
        Ok(Self {
            tools: Arc::new(Tools {
                images: Images::new(engine.clone(), program, redis.clone()),
                engine,
                gates: Gates::default(),
                redis,
                http: client().map_err(io::Error::other)?,
            }),
        })
    }

    /// A backend for this very program.
    ///
    /// # Errors
    /// As [`DockerBackend::new`], and when the program cannot be told.
    pub fn of_current_program() -> io::Result<Self> {
        Self::new(std::env::current_exe()?)
    }

    /// The version of the engine, which shows that it answers.
    ///
    /// # Errors
    /// An environment error that says what to do about it.
    pub async fn engine_version(&self) -> Result<String, Error> {
        self.tools.engine.version().await
    }

    /// Where the engine is looked for.
    #[must_use]
    pub fn engine_address(&self) -> &str {
        self.tools.engine.address()
    }
}

impl Backend for DockerBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> BTreeSet<Capability> {
        Capability::ALL.into_iter().collect()
    }

    fn prepare<'a>(
        &'a self,
        specs: &'a [SystemSpec],
        progress: Option<ProgressSink>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.tools.engine.version().await?;
            self.tools.images.own(progress.as_ref()).await?;
            if specs.iter().any(|spec| spec.has(ServiceName::Redis)) && self.tools.redis_of_user()?.is_none() {
                self.tools.images.redis(progress.as_ref()).await?;
            }
            Ok(())
        })
    }

    fn up(&self, spec: SystemSpec, options: UpOptions) -> BoxFuture<'_, Result<Arc<dyn System>, Error>> {
        Box::pin(async move {
            spec.validate()?;
            self.prepare(std::slice::from_ref(&spec), None).await?;
            let system = Hosted::start(Arc::clone(&self.tools), spec, options).await?;
            Ok(Arc::new(system) as Arc<dyn System>)
        })
    }

    fn attach(&self, record: SystemRecord) -> BoxFuture<'_, Result<Arc<dyn System>, Error>> {
        Box::pin(async move {
            let system = Hosted::attach(Arc::clone(&self.tools), record).await?;
            Ok(Arc::new(system) as Arc<dyn System>)
        })
    }
}

impl Tools {
    /// The Redis that the user named for instances to use. Containers have a 127.0.0.1 of their own.
    fn redis_of_user(&self) -> Result<Option<Url>, Error> {
        if self.redis.url.as_deref().is_none_or(|url| url.trim().is_empty()) {
            return Ok(None);
        }
        let RedisSource::Url(url) = self.redis.find()? else {
            return Ok(None);
        };
        // The host of an address that is no web address is but text.
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let is_own = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if is_own {
            return Err(Error::RedisUnusable {
                url: without_password(url.as_str()),
                reason: "containers do not reach this machine's own 127.0.0.1".to_owned(),
            });
        }
        Ok(Some(url))
    }
}

impl Carrier for Tools {
    type Handle = Container;

    fn name(&self) -> &'static str {
        NAME
    }

    fn engine(&self) -> Option<String> {
        Some(self.engine.address().to_owned())
    }

    fn http(&self) -> &reqwest::Client {
        &self.http
    }

    async fn external_redis(&self, spec: &SystemSpec) -> Result<Option<Url>, Error> {
        if !spec.has(ServiceName::Redis) {
            return Ok(None);
        }
        let Some(url) = self.redis_of_user()? else {
            return Ok(None);
        };
        match ping(&url, EXTERNAL_REDIS_TIMEOUT).await {
            Ok(()) => Ok(Some(url)),
            Err(reason) => Err(Error::RedisUnusable {
                url: without_password(url.as_str()),
                reason,
            }),
        }
    }

    fn has_names(&self) -> bool {
        true
    }

    /// Makes the networks and the volume.
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
        let volume = VolumeCreateRequest {
            name: Some(names.volume()),
            labels: Some(labels),
            ..VolumeCreateRequest::default()
        };
        let gate = self.gates.of(&record.token());
        let run_id = record.run_id.clone();
        let _open = gate.enter(&run_id).await?;
        let make = |docker: Docker| async move {
            docker.create_network(data).await?;
            docker.create_network(control).await?;
            docker.create_volume(volume).await.map(drop)
        };
        self.engine.call("make a network", make).await
    }

    fn surroundings(&self, instance: &str, program: ServiceName, _port: u16) -> Environment {
        let own = [
            (environment::PORT, inner_port(program).to_string()),
            (environment::HOST, "0.0.0.0".to_owned()),
            (environment::INSTANCE, instance.to_owned()),
        ];
        own.map(|(name, value)| (name.to_owned(), value)).into()
    }

    fn database(&self, _record: &SystemRecord, service: &str) -> String {
        format!("sqlite:///data/{service}.db")
    }

    fn inner_url(&self, name: &str, program: ServiceName, _port: Option<u16>) -> Option<Url> {
        let scheme = match program {
            ServiceName::Redis => "redis",
            _ => "http",
        };
        Some(Url::parse(&format!("{scheme}://{name}:{}", inner_port(program))).expect("an alias is a host name"))
    }

    async fn launch(&self, order: Order) -> Result<Launched<Container>, Error> {
        let made = match order.program {
            ServiceName::Redis => Made::Redis(self.images.redis(None).await?),
            _ => Made::Own(self.images.own(None).await?),
        };
        let gate = self.gates.of(&order.record.token());
        engine::run(launch::launch(self.engine.clone(), gate, made, order)).await
    }

    async fn take_up(&self, system: &SystemRecord, record: &InstanceRecord) -> Container {
        let (id, started) = match &record.carried {
            Carried::Container { id, started } => (id.clone(), started.clone()),
            // The record of another backend: no container is called so.
            Carried::Process(_) => (String::new(), String::new()),
        };
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
            let options = bollard::query_parameters::RemoveContainerOptionsBuilder::default()
                .force(true)
                .v(true)
                .build();
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
            let _ = record.remove();
        });
    }
}
