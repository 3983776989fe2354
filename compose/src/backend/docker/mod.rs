//! Systems of containers on a Docker engine of this machine.
//!
//! Each instance is the lab's own program in a container of its own. The instances find one another by name on a data
//! network, where a service has the same address for one instance and for many. The lab reaches them through ports that
//! are published on 127.0.0.1 over a second network, so an instance that is cut off from the others can still be asked.
//! Everything is labelled with its system, and what a lab that died has left is removed by that label.

mod cleanup;
mod configuration;
mod container;
mod context;
mod ending;
mod engine;
mod error;
mod exit;
mod gates;
mod image;
mod labels;
mod launch;
mod logs;
mod platform;
mod recorded;
mod signing;
mod tools;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) use tools::NAME;

use self::engine::Engine;
use self::gates::Gates;
use self::image::Images;
use self::tools::Tools;
use super::core::record::SystemRecord;
use super::core::{RunningSystem, client};
use super::{Backend, BoxFuture, ProgressSink, Requirement, System, UpOptions};
use crate::capability::Capability;
use crate::error::Error;
use crate::host::Host;
use crate::servers;
use crate::topology::SystemSpec;

/// Runs systems as containers.
pub struct DockerBackend {
    program: PathBuf,
    tools: Arc<Tools>,
}

impl DockerBackend {
    /// A backend whose containers run `program serve SERVICE`, on the user's engine: the one at `DOCKER_HOST`, else
    /// that of the context in use, else at the usual socket. Whether it answers shows when it is used.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(program: impl AsRef<Path>) -> io::Result<Self> {
        Self::on(program, Engine::usual(), Host::of_process())
    }

    /// As [`DockerBackend::new`], on the engine at this address (`unix:///…`), which looks for servers of others there.
    ///
    /// # Errors
    /// As [`DockerBackend::new`].
    pub fn at(program: impl AsRef<Path>, address: &str, host: Host) -> io::Result<Self> {
        Self::on(program, Engine::at(address), host)
    }

    fn on(program: impl AsRef<Path>, engine: Engine, host: Host) -> io::Result<Self> {
        let program = program.as_ref();
        Ok(Self {
            program: program.to_owned(),
            tools: Arc::new(Tools {
                images: Images::new(engine.clone(), program.to_owned(), host.clone()),
                engine,
                gates: Gates::default(),
                host,
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

    /// Where the engine is looked for, and who says so.
    #[must_use]
    pub fn engine_address(&self) -> String {
        self.tools.engine.described()
    }
}

impl Backend for DockerBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn engine(&self) -> Option<String> {
        Some(format!("the Docker engine at {}", self.engine_address()))
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
            for (server, told) in specs.iter().flat_map(servers::within) {
                let is_named = self.tools.named(server)?.is_some();
                if !is_named && !server.stands_in(&self.tools.host, told)? {
                    self.tools.images.of(server, progress.as_ref()).await?;
                }
            }
            Ok(())
        })
    }

    fn up(&self, spec: SystemSpec, options: UpOptions) -> BoxFuture<'_, Result<Arc<dyn System>, Error>> {
        Box::pin(async move {
            spec.validate()?;
            self.prepare(std::slice::from_ref(&spec), None).await?;
            let system = RunningSystem::start(Arc::clone(&self.tools), spec, options).await?;
            Ok(Arc::new(system) as Arc<dyn System>)
        })
    }

    fn attach(&self, record: SystemRecord) -> BoxFuture<'_, Result<Arc<dyn System>, Error>> {
        Box::pin(async move {
            // It runs where it was started, whichever engine is the user's now.
            let engine = Engine::of(&record);
            let tools = match engine.address() == self.tools.engine.address() {
                true => Arc::clone(&self.tools),
                false => {
                    let host = self.tools.host.clone();
                    let there = Self::on(&self.program, engine, host).map_err(Error::file("use", &self.program))?;
                    there.tools
                }
            };
            let system = RunningSystem::attach(tools, record).await?;
            Ok(Arc::new(system) as Arc<dyn System>)
        })
    }

    fn running<'a>(&'a self, record: &'a SystemRecord) -> BoxFuture<'a, Result<Vec<String>, Error>> {
        Box::pin(async { cleanup::running(&Engine::of(record), record).await })
    }

    fn clean<'a>(&'a self, record: &'a SystemRecord) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { cleanup::clean(&Engine::of(record), record).await })
    }

    fn clean_unrecorded<'a>(&'a self, state_folder: &'a Path) -> BoxFuture<'a, Result<Option<String>, Error>> {
        Box::pin(async move {
            let removed = cleanup::remove_unrecorded(&self.tools.engine, state_folder).await?;
            Ok((removed > 0)
                .then(|| format!("removed the containers of {removed} systems that had no record any more")))
        })
    }

    fn requirement(&self) -> BoxFuture<'_, Option<Requirement>> {
        Box::pin(async {
            let version = self.engine_version().await;
            Some(Requirement {
                name: "Docker",
                found: version.map(|version| format!("engine {version} at {}", self.engine_address())),
            })
        })
    }

    fn exported_with_default_secret(&self) -> BoxFuture<'_, Vec<String>> {
        Box::pin(async {
            let gateways = signing::gateways_with_default_secret(&self.tools.engine).await;
            gateways.unwrap_or_default()
        })
    }
}
