//! Systems of child processes on 127.0.0.1.
//!
//! Each instance is the lab's own program, started as `PROGRAM serve SERVICE`, with its log going straight to a file.
//! It takes a free port and says so in its log, so two labs never meet. Children of a run die with the lab, however
//! it ends; a detached system lives on and is taken up again from its [`SystemRecord`].
//!
//! A Redis, an nginx or a PostgreSQL is started the same way and then becomes the host's own server; a Kafka is the
//! built-in broker, or becomes the host's Apache Kafka. Where the user names one in `REDIS_URL`, `POSTGRES_URL` or
//! `KAFKA_BROKERS`, none is started: instances are given that address, and keys, databases or topics of the system's own.

mod child;
mod handle;
mod identity;
mod keeper;
mod launch;
mod marker;
mod postgres;
mod segments;

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use contract::Program;
use tokio::time::Instant;
use url::Url;

pub use identity::ProcessStamp;
pub use keeper::{dismiss_keeper, keep};

use super::core::record::{InstanceRecord, PlatformId, SystemRecord};
use super::core::{
    Environment, LaunchRequest, Launched, Platform, Renewal, RunningSystem, Sources, address, client, remember,
};
use super::{Backend, BoxFuture, Capability, ProgressSink, System, UpOptions};
use crate::error::Error;
use crate::kafka::{self, BrokerKind, KafkaLookup, KafkaSource};
use crate::nginx::{self, NginxLookup};
use crate::postgres::{PostgresLookup, PostgresSource};
use crate::redis::{RedisLookup, RedisSource};
use crate::topology::SystemSpec;
use child::Spawner;
use handle::{Handle, signal_foreign};
pub(super) use postgres::forget as forget_databases;

/// The backend's name.
pub(super) const NAME: &str = "process";
/// How long a killed process may take to vanish.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a server that the user named may take to give a sign of life.
const EXTERNAL_TIMEOUT: Duration = Duration::from_secs(3);

/// Runs systems as child processes.
pub struct ProcessBackend {
    tools: Tools,
}

/// What every system of this backend uses.
#[derive(Clone)]
struct Tools {
    program: PathBuf,
    redis: RedisLookup,
    postgres: PostgresLookup,
    kafka: KafkaLookup,
    nginx: NginxLookup,
    spawner: Arc<Spawner>,
    http: reqwest::Client,
}

impl ProcessBackend {
    /// A backend that starts `program serve SERVICE`.
    ///
    /// # Errors
    /// When a thread or the HTTP client cannot be set up.
    pub fn new(program: impl AsRef<Path>) -> io::Result<Self> {
        // Instances run in another folder, where a relative path would mean something else.
        let program = std::path::absolute(program)?;
        let http = client().map_err(io::Error::other)?;
        Ok(Self {
            tools: Tools {
                program,
                redis: RedisLookup::of_process(),
                postgres: PostgresLookup::of_process(),
                kafka: KafkaLookup::of_process(),
                nginx: NginxLookup::of_process(),
                spawner: Arc::new(Spawner::new()?),
                http,
            },
        })
    }

    /// A backend that starts this very program.
    ///
    /// # Errors
    /// As [`ProcessBackend::new`], and when the program cannot be told.
    pub fn of_current_program() -> io::Result<Self> {
        Self::new(std::env::current_exe()?)
    }

    /// The same backend, which looks for a Redis only there.
    #[must_use]
    pub fn with_redis(mut self, lookup: RedisLookup) -> Self {
        self.tools.redis = lookup;
        self
    }

    /// The same backend, which looks for a PostgreSQL only there.
    #[must_use]
    pub fn with_postgres(mut self, lookup: PostgresLookup) -> Self {
        self.tools.postgres = lookup;
        self
    }

    /// The same backend, which looks for an nginx only there.
    #[must_use]
    pub fn with_nginx(mut self, lookup: NginxLookup) -> Self {
        self.tools.nginx = lookup;
        self
    }

    /// The same backend, which looks for a Kafka only there.
    #[must_use]
    pub fn with_kafka(mut self, lookup: KafkaLookup) -> Self {
        self.tools.kafka = lookup;
        self
    }
}

impl Backend for ProcessBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> BTreeSet<Capability> {
        let of_containers = [Capability::Limits, Capability::Disconnect];
        let all = Capability::ALL.into_iter();
        all.filter(|capability| !of_containers.contains(capability))
            .filter(|capability| *capability != Capability::Stats || cfg!(target_os = "linux"))
            .collect()
    }

    /// Needs nothing but the programs themselves.
    fn prepare<'a>(
        &'a self,
        specs: &'a [SystemSpec],
        _progress: Option<ProgressSink>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async {
            if specs.iter().any(|spec| spec.has(Program::Nginx)) {
                self.tools.nginx.program()?;
            }
            if specs.iter().any(|spec| spec.has(Program::Postgres)) {
                self.tools.postgres.find()?;
            }
            Ok(())
        })
    }

    fn up(&self, spec: SystemSpec, options: UpOptions) -> BoxFuture<'_, Result<Arc<dyn System>, Error>> {
        Box::pin(async move {
            if spec.services.iter().any(|service| service.limits.is_some()) {
                return Err(Error::Unsupported {
                    backend: NAME,
                    capability: Capability::Limits,
                });
            }
            self.prepare(std::slice::from_ref(&spec), None).await?;
            let system = RunningSystem::start(Arc::new(self.tools.clone()), spec, options).await?;
            Ok(Arc::new(system) as Arc<dyn System>)
        })
    }

    fn attach(&self, record: SystemRecord) -> BoxFuture<'_, Result<Arc<dyn System>, Error>> {
        Box::pin(async move {
            let system = RunningSystem::attach(Arc::new(self.tools.clone()), record).await?;
            Ok(Arc::new(system) as Arc<dyn System>)
        })
    }
}

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

    fn engine(&self) -> Option<String> {
        None
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

    async fn take_up(&self, _system: &SystemRecord, record: &InstanceRecord) -> Handle {
        match &record.platform_id {
            PlatformId::Process(stamp) => Handle::Foreign(stamp.clone()),
            // The record of another backend: no process of this machine has this id.
            PlatformId::Container { .. } => Handle::Foreign(ProcessStamp {
                pid: 0,
                started: String::new(),
            }),
        }
    }

    /// Processes write their logs themselves.
    async fn settle_log(&self, _handle: &Handle, _log: &Path, _log_start: u64) -> Result<(), Error> {
        Ok(())
    }

    async fn forget(&self, _handle: &Handle) -> Result<(), Error> {
        Ok(())
    }

    async fn finish(&self, record: &SystemRecord) -> Result<(), Error> {
        forget_processes(record).await
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
        postgres::forget_later(record);
    }
}

/// Ends what a system still has running although nobody knows of it, and removes what its servers kept.
pub(super) async fn forget_processes(record: &SystemRecord) -> Result<(), Error> {
    let record = record.clone();
    let forgetting = move || {
        marker::end_all_of(&record);
        forget_databases(&record)
    };
    match tokio::task::spawn_blocking(forgetting).await {
        Ok(forgotten) => forgotten,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// Ends the processes of systems that were started from a state folder and have no record in it any more; how many there
/// were. Blocks.
///
/// # Errors
/// When the records cannot be read.
pub fn end_unrecorded(state_folder: &Path) -> Result<usize, Error> {
    marker::end_unrecorded(state_folder)
}

/// Kills processes and waits until they have vanished. Each comes with the name of its instance.
pub(super) async fn end_processes(processes: impl Iterator<Item = (&str, &ProcessStamp)>) -> Result<(), Error> {
    for (instance, stamp) in processes {
        let handle = Handle::Foreign(stamp.clone());
        let failed = |source| Error::Process {
            instance: instance.to_owned(),
            pid: stamp.pid,
            action: "kill",
            source,
        };
        handle.end().map_err(failed)?;
        if !handle.has_exited_by(Instant::now() + KILL_TIMEOUT).await {
            return Err(failed(io::ErrorKind::TimedOut.into()));
        }
    }
    Ok(())
}
