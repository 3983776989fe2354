//! Systems of child processes on 127.0.0.1.
//!
//! Each instance is the lab's own program, started as `PROGRAM serve SERVICE`, with its log going straight to a file.
//! It takes a free port and says so in its log, so two labs never meet. Children of a run die with the lab, however
//! it ends; a detached system lives on and is taken up again from its [`SystemRecord`].
//!
//! A server of others is started the same way and then becomes the host's own program, or stays the lab's stand-in for it.
//! Where the user names one that runs already, none is started: instances are given that address, and keys, databases or
//! topics of the system's own.

mod admission;
mod child;
mod cleanup;
mod error;
mod handle;
mod keeper;
mod launch;
mod marker;
mod own_data;
mod platform;
mod recorded;
mod segments;
mod tools;

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub use admission::is_recorded;
pub use keeper::{dismiss_keeper, keep};
pub(super) use tools::NAME;

use self::child::Spawner;
use self::tools::Tools;
use super::core::record::SystemRecord;
use super::core::{Platform, RunningSystem, client};
use super::{Backend, BoxFuture, ProgressSink, System, UpOptions};
use crate::capability::Capability;
use crate::error::Error;
use crate::host::Host;
use crate::servers;
use crate::topology::SystemSpec;

/// Runs systems as child processes.
pub struct ProcessBackend {
    tools: Tools,
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
                host: Host::of_process(),
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

    /// The same backend, which looks for servers of others only there.
    #[must_use]
    pub fn with_host(mut self, host: Host) -> Self {
        self.tools.host = host;
        self
    }
}

impl Backend for ProcessBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> BTreeSet<Capability> {
        let of_containers = [Capability::Limits, Capability::Disconnect, Capability::Images];
        let all = Capability::ALL.into_iter();
        all.filter(|capability| !of_containers.contains(capability))
            .filter(|capability| *capability != Capability::Stats || cfg!(target_os = "linux"))
            .collect()
    }

    fn find_servers(&self, spec: &SystemSpec) -> Result<(), Error> {
        for (server, told) in servers::within(spec) {
            servers::locate(server, &self.tools.host, told)?;
        }
        Ok(())
    }

    /// Needs nothing but the programs themselves.
    fn prepare<'a>(
        &'a self,
        specs: &'a [SystemSpec],
        _progress: Option<ProgressSink>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { specs.iter().try_for_each(|spec| self.find_servers(spec)) })
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

    fn running<'a>(&'a self, record: &'a SystemRecord) -> BoxFuture<'a, Result<Vec<String>, Error>> {
        Box::pin(self.tools.running(record))
    }

    fn clean<'a>(&'a self, record: &'a SystemRecord) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(cleanup::clean(record))
    }

    fn clean_unrecorded<'a>(&'a self, state_folder: &'a Path) -> BoxFuture<'a, Result<Option<String>, Error>> {
        Box::pin(async move {
            let ended = cleanup::end_unrecorded(state_folder).await?;
            Ok((ended > 0).then(|| format!("ended {ended} processes of systems that had no record any more")))
        })
    }
}
