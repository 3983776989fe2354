//! The two things in which places differ: how an instance is started, and what can be done to one that was started.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use contract::Program;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::record::{InstanceRecord, Sources, SystemRecord};
use super::renewal::Renewal;
use crate::backend::InstanceStats;
use crate::error::Error;
use crate::topology::{Limits, SystemSpec};
use crate::wiring::Environment;

/// How an instance ended; both are `None` when that is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::backend) struct Exit {
    pub(in crate::backend) code: Option<i32>,
    pub(in crate::backend) signal: Option<i32>,
}

/// Called once, when an instance has ended; the flag says whether that was expected.
pub(in crate::backend) type OnExit = Box<dyn FnOnce(Exit, bool) + Send + Sync>;

/// An instance to start.
pub(in crate::backend) struct LaunchRequest {
    /// The system's record as it stands.
    pub(in crate::backend) record: SystemRecord,
    pub(in crate::backend) name: String,
    /// The alias of its service.
    pub(in crate::backend) service: String,
    pub(in crate::backend) program: Program,
    /// Whether callers of the service talk to this instance.
    pub(in crate::backend) is_front_door: bool,
    /// The port on this machine; 0 is any free one.
    pub(in crate::backend) port: u16,
    pub(in crate::backend) environment: Environment,
    pub(in crate::backend) limits: Option<Limits>,
    /// The file that its log is appended to.
    pub(in crate::backend) log: PathBuf,
    /// How long that file is already, in bytes.
    pub(in crate::backend) log_start: u64,
    pub(in crate::backend) on_exit: OnExit,
}

/// An instance that was started.
pub(in crate::backend) struct Launched<H> {
    pub(in crate::backend) handle: H,
    /// Its port on this machine, where that is known before it listens.
    pub(in crate::backend) port: Option<u16>,
}

/// A place that starts instances.
pub(in crate::backend) trait Platform: Send + Sync + 'static {
    /// What is known of an instance that was started here.
    type Handle: Handle;

    /// The backend's name, as records have it.
    fn name(&self) -> &'static str;

    /// What the record keeps of the place itself, so that another lab finds it again; nothing where it is this machine.
    fn place(&self) -> Value;

    /// The client for everything that is asked over HTTP.
    fn http(&self) -> &reqwest::Client;

    /// Where the servers of others that this system has come from; an error, before anything was started, where
    /// the system needs one and there is none.
    fn sources(&self, spec: &SystemSpec) -> impl Future<Output = Result<Sources, Error>> + Send;

    /// Whether instances find one another by name, so that none has to listen before another is told of it.
    fn has_names(&self) -> bool;

    /// Makes everything that the instances of a system share; its record is written already.
    fn prepare(&self, record: &SystemRecord) -> impl Future<Output = Result<(), Error>> + Send;

    /// The environment that every instance gets.
    fn surroundings(&self, instance: &str, program: Program, port: u16) -> Environment;

    /// The database of a service in a system without a server for it.
    fn database(&self, record: &SystemRecord, service: &str) -> String;

    /// Where other instances reach the one with this name (or service with this alias); `None` before it listens.
    fn inner_url(&self, name: &str, program: Program, port: Option<u16>) -> Option<Url>;

    /// Where the instances of a caller reach a link of this name, which takes connections at this port; `None` before
    /// that is known.
    fn link_address(&self, link: &str, port: Option<u16>) -> Option<(String, u16)>;

    /// Starts an instance. A place that keeps what was there under this name before removes it first.
    fn launch(&self, request: LaunchRequest) -> impl Future<Output = Result<Launched<Self::Handle>, Error>> + Send;

    /// Gives a server another configuration and asks it to read it; whether it does, shows later.
    fn renew(&self, handle: &Self::Handle, renewal: &Renewal) -> impl Future<Output = Result<(), Error>> + Send;

    /// The names of the instances of a recorded system that still run here.
    fn running(&self, system: &SystemRecord) -> impl Future<Output = Result<Vec<String>, Error>> + Send;

    /// A handle on an instance that another lab started; one that has ended when it is gone.
    fn take_up(&self, system: &SystemRecord, record: &InstanceRecord) -> impl Future<Output = Self::Handle> + Send;

    /// Makes the log file hold everything that the instance wrote so far.
    fn settle_log(
        &self,
        handle: &Self::Handle,
        log: &Path,
        log_start: u64,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Removes an instance that has ended and is not part of the system any more.
    fn forget(&self, handle: &Self::Handle) -> impl Future<Output = Result<(), Error>> + Send;

    /// Removes what the instances shared, once all of them have ended.
    fn finish(&self, record: &SystemRecord) -> impl Future<Output = Result<(), Error>> + Send;

    /// Ends everything without waiting, and removes the record once that is done: nobody is left who could wait.
    fn let_go(&self, record: SystemRecord, handles: Vec<Self::Handle>);
}

/// One started instance. Messages name it by the name that it has in the system.
pub(in crate::backend) trait Handle: Clone + Send + Sync + 'static {
    /// What the record keeps of it; equal only for the same start of the same instance.
    fn platform_id(&self) -> Value;

    fn pid(&self) -> Option<u32>;

    /// How it ended, or `None` while it runs.
    fn exit(&self) -> Option<Exit>;

    /// Tells it that the record names it now. Where an instance could get lost before, it does nothing until then.
    fn recorded(&self) {}

    /// Whether it is frozen.
    fn is_paused(&self) -> impl Future<Output = bool> + Send;

    /// Whether it, or a part of it, stands still, whoever did that.
    fn stands_still(&self) -> impl Future<Output = bool> + Send;

    fn pause(&self, instance: &str) -> impl Future<Output = Result<(), Error>> + Send;

    fn resume(&self, instance: &str) -> impl Future<Output = Result<(), Error>> + Send;

    /// Asks for an orderly end, also one that is frozen; which program it is decides how it is asked.
    fn terminate(&self, instance: &str, program: Program) -> impl Future<Output = Result<(), Error>> + Send;

    /// Ends it at once and waits for that.
    fn kill(&self, instance: &str) -> impl Future<Output = Result<(), Error>> + Send;

    /// Waits until it has ended; `false` when the deadline came first.
    fn exited_by(&self, deadline: Instant) -> impl Future<Output = bool> + Send;

    /// How many processes it is made of, where that can be told.
    fn processes(&self) -> impl Future<Output = Option<usize>> + Send;

    fn stats(&self, instance: &str) -> impl Future<Output = InstanceStats> + Send;

    /// Limits its processor time to this many cores; `None` takes the limit away.
    fn limit_cpu(&self, instance: &str, cores: Option<f64>) -> impl Future<Output = Result<(), Error>> + Send;

    /// Takes it off the network that the instances of a system share, or puts it back.
    fn connect(&self, instance: &str, connected: bool) -> impl Future<Output = Result<(), Error>> + Send;
}

/// A platform as a system holds it.
pub(super) type Shared<C> = Arc<C>;
