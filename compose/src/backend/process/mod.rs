//! Systems of child processes on 127.0.0.1.
//!
//! Each instance is the lab's own program, started as `PROGRAM serve SERVICE`, with its log going straight to a file.
//! It takes a free port and says so in its log, so two labs never meet. Children of a run die with the lab, however
//! it ends; a detached system lives on and is taken up again from its [`SystemRecord`].
//!
//! A Redis is started the same way and then becomes the host's own server. Where the user names one in `REDIS_URL`,
//! none is started: instances are given that address, and keys that begin with the system's own prefix.

mod admin;
mod attach;
mod child;
mod command;
mod control;
mod handle;
mod identity;
mod launch;
mod log;
mod readiness;
mod record;
mod scale;
mod slot;
mod start;
mod stop;
mod system;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use identity::ProcessStamp;
pub use record::{InstanceRecord, Leftover, Records, SystemRecord, leftovers, records};

use super::{Backend, BoxFuture, Capability, System, UpOptions};
use crate::error::Error;
use crate::redis::RedisLookup;
use crate::topology::SystemSpec;
use child::Spawner;
use system::ProcessSystem;

/// Runs systems as child processes.
pub struct ProcessBackend {
    tools: Tools,
}

/// What every system of this backend uses.
#[derive(Clone)]
struct Tools {
    program: PathBuf,
    redis: RedisLookup,
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
        let http = admin::client().map_err(io::Error::other)?;
        Ok(Self {
            tools: Tools {
                program,
                redis: RedisLookup::of_process(),
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
}

impl Backend for ProcessBackend {
    fn name(&self) -> &'static str {
        "process"
    }

    fn capabilities(&self) -> BTreeSet<Capability> {
        let all = Capability::ALL.into_iter();
        all.filter(|capability| *capability != Capability::Stats || cfg!(target_os = "linux"))
            .collect()
    }

    fn up(&self, spec: SystemSpec, options: UpOptions) -> BoxFuture<'_, Result<Arc<dyn System>, Error>> {
        Box::pin(async move {
            let system = ProcessSystem::start(self.tools.clone(), spec, options).await?;
            Ok(Arc::new(system) as Arc<dyn System>)
        })
    }

    fn attach(&self, record: SystemRecord) -> BoxFuture<'_, Result<Arc<dyn System>, Error>> {
        Box::pin(async move {
            let system = ProcessSystem::attach(self.tools.clone(), record)?;
            Ok(Arc::new(system) as Arc<dyn System>)
        })
    }
}
