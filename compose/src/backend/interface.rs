//! What a place where systems run offers, and what can be done to a system.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use contract::LinkConditions;
use url::Url;

use super::core::record::SystemRecord;
use super::instance::{Instance, InstanceStats, LogChunk};
use super::options::{ProgressSink, UpOptions};
use crate::capability::Capability;
use crate::error::Error;
use crate::topology::SystemSpec;

/// A boxed future, so that [`Backend`] and [`System`] can be used as trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A place where systems run.
pub trait Backend: Send + Sync {
    /// The name that people choose it by: `process`.
    fn name(&self) -> &'static str;

    /// What its systems run on and where that is, in words that follow "on": `the Docker engine at unix:///run/docker.sock`;
    /// none where the lab itself carries them.
    fn engine(&self) -> Option<String> {
        None
    }

    /// What it needs of the machine before anything can run on it, as that is found; none where it needs nothing.
    fn requirement(&self) -> BoxFuture<'_, Option<Requirement>> {
        Box::pin(async { None })
    }

    /// What systems on this backend can do.
    fn capabilities(&self) -> BTreeSet<Capability>;

    /// Says at once whether this machine has the servers of others that a system of this kind is made of, for a backend that
    /// takes them from the machine and has no other way to get them.
    ///
    /// # Errors
    /// An environment error that says what is missing and how to get it.
    fn find_servers(&self, _spec: &SystemSpec) -> Result<(), Error> {
        Ok(())
    }

    /// Makes ready what systems of these kinds need before any of them can start, such as images, and tells of its
    /// progress. [`Backend::up`] does the same without a word where it was not done before.
    ///
    /// # Errors
    /// An environment error that says what is missing and how to get it.
    fn prepare<'a>(
        &'a self,
        specs: &'a [SystemSpec],
        progress: Option<ProgressSink>,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Starts a system and returns once every instance is ready.
    ///
    /// When this fails, or when the future is dropped before it ends, everything that it started is ended again.
    ///
    /// # Errors
    /// An invalid specification or option is a usage error; a program that is missing, a port that is taken, an
    /// instance that exits or is not ready in time are environment errors.
    fn up(&self, spec: SystemSpec, options: UpOptions) -> BoxFuture<'_, Result<Arc<dyn System>, Error>>;

    /// Takes up a system that another process started, from the record which that process wrote.
    ///
    /// # Errors
    /// An environment error when nothing of the system runs any more.
    fn attach(&self, record: SystemRecord) -> BoxFuture<'_, Result<Arc<dyn System>, Error>>;

    /// The names of the instances of a recorded system that still run.
    ///
    /// # Errors
    /// An environment error when what the system runs on does not answer.
    fn running<'a>(&'a self, record: &'a SystemRecord) -> BoxFuture<'a, Result<Vec<String>, Error>>;

    /// Ends exactly what is left of a recorded system, with what that has started, and removes what it kept here. Logs stay,
    /// and so does the record.
    ///
    /// # Errors
    /// When something cannot be ended or removed, or what the system runs on does not answer.
    fn clean<'a>(&'a self, record: &'a SystemRecord) -> BoxFuture<'a, Result<(), Error>>;

    /// Removes what was started from a state folder and belongs to none of its records: what is left when somebody deletes
    /// the records themselves. Says what that was; none where there was nothing, or nobody answers.
    ///
    /// # Errors
    /// When the records cannot be read, or something cannot be removed.
    fn clean_unrecorded<'a>(&'a self, state_folder: &'a Path) -> BoxFuture<'a, Result<Option<String>, Error>>;

    /// What runs of exported systems where this backend can see it, and signs its tokens with the secret that everybody
    /// knows; by name.
    fn exported_with_default_secret(&self) -> BoxFuture<'_, Vec<String>> {
        Box::pin(async { Vec::new() })
    }
}

/// Something that a backend needs of the machine.
#[derive(Debug)]
pub struct Requirement {
    /// What people call it.
    pub name: &'static str,
    /// What was found, in words; otherwise what is wrong and how to get it.
    pub found: Result<String, Error>,
}

/// A running system.
///
/// A system that is dropped without [`System::down`] is ended at once, except a detached one and one that was
/// attached to: those outlive the value on purpose.
pub trait System: Send + Sync {
    /// The run's id, as given in [`UpOptions::run_id`].
    fn run_id(&self) -> String;

    /// The name of the backend that it runs on.
    fn backend(&self) -> &'static str;

    /// The specification as it stands now: scaling and policy changes are reflected in it.
    fn spec(&self) -> SystemSpec;

    /// The address that callers of a service use: its balancer if there is one, else its only instance.
    ///
    /// # Errors
    /// A usage error when no service has this alias.
    fn front_door(&self, service: &str) -> Result<Url, Error>;

    /// The addresses of a service that the user named and the lab did not start; none of one that it started.
    fn named_by_the_user(&self, service: &str) -> Vec<Url>;

    /// The address of the entry service's front door.
    fn entry(&self) -> Url;

    /// Every instance, in the order of the specification: of each service the instances, then its balancer, then the
    /// links that begin at it.
    fn instances(&self) -> BoxFuture<'_, Vec<Instance>>;

    /// What every running instance has used so far. Figures that the platform does not give are `None`.
    fn stats(&self) -> BoxFuture<'_, Vec<InstanceStats>>;

    /// Running instances that stand still now though nobody asked this system to pause them: stopped by a signal, or
    /// frozen by the engine that runs them. What a service is made of counts: an nginx stands still with its worker.
    fn standing_still(&self) -> BoxFuture<'_, Vec<String>>;

    /// What an instance has written to its log, from byte `from` on; call again with [`LogChunk::next`] to follow.
    ///
    /// # Errors
    /// A usage error for an unknown instance.
    fn log<'a>(&'a self, instance: &'a str, from: u64) -> BoxFuture<'a, Result<LogChunk, Error>>;

    /// Changes how many instances of a service run. New ones are ready before the balancer hears of them; those that
    /// go are taken from the balancer's list, finish what they have, and are then asked to end.
    ///
    /// # Errors
    /// A usage error for an unknown service, for 0, and for more than 1 without a balancer.
    fn scale<'a>(&'a self, service: &'a str, instances: u32) -> BoxFuture<'a, Result<(), Error>>;

    /// Freezes an instance where it stands, connections open: what a long garbage collection or a stalled host does.
    ///
    /// # Errors
    /// A usage error for an unknown instance or one that does not run.
    fn pause<'a>(&'a self, instance: &'a str) -> BoxFuture<'a, Result<(), Error>>;

    /// Lets a paused instance go on.
    ///
    /// # Errors
    /// A usage error for an unknown instance or one that does not run.
    fn resume<'a>(&'a self, instance: &'a str) -> BoxFuture<'a, Result<(), Error>>;

    /// Ends an instance with no chance to clean up: what a crash or a lost machine does.
    ///
    /// # Errors
    /// A usage error for an unknown instance or one that does not run.
    fn kill<'a>(&'a self, instance: &'a str) -> BoxFuture<'a, Result<(), Error>>;

    /// Ends an instance if it runs, in good order, and starts it again at the same address.
    ///
    /// # Errors
    /// A usage error for an unknown instance; an environment error when it does not become ready.
    fn restart<'a>(&'a self, instance: &'a str) -> BoxFuture<'a, Result<(), Error>>;

    /// Limits the processor time of a running instance to this many cores; `None` takes the limit away. A restart
    /// brings back what the specification says.
    ///
    /// # Errors
    /// A usage error for an unknown instance, one that does not run, and a backend that cannot do it.
    fn limit_cpu<'a>(&'a self, instance: &'a str, cores: Option<f64>) -> BoxFuture<'a, Result<(), Error>>;

    /// Takes a running instance off the network that the instances of the system share (`false`), or puts it back.
    /// Whoever drives the load still reaches it.
    ///
    /// # Errors
    /// A usage error for an unknown instance, one that does not run, and a backend that cannot do it.
    fn connect<'a>(&'a self, instance: &'a str, connected: bool) -> BoxFuture<'a, Result<(), Error>>;

    /// Changes what the link from one service to another does to connections, also to those that are open. The system's
    /// specification has to have that link.
    ///
    /// # Errors
    /// A usage error for an unknown link and for conditions that cannot be; an unexpected one when its proxy does not
    /// do as told.
    fn set_link<'a>(
        &'a self,
        from: &'a str,
        to: &'a str,
        conditions: LinkConditions,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Changes the policy of the balancer in front of a service while it runs.
    ///
    /// # Errors
    /// A usage error for an unknown service, a service without a balancer, and a policy that the balancer rejects.
    fn set_policy<'a>(&'a self, service: &'a str, policy: &'a str) -> BoxFuture<'a, Result<(), Error>>;

    /// Ends everything, front first, within a bounded time, and forgets the system's record. A second call does
    /// nothing.
    ///
    /// # Errors
    /// An unexpected error when a process outlives even SIGKILL or the record cannot be removed.
    fn down(&self) -> BoxFuture<'_, Result<(), Error>>;
}
