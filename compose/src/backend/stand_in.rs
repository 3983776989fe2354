//! A third backend, for tests alone: instances are tasks of the test itself, which answer every request with 200 and their
//! name. It shows what a backend needs, and that nothing outside of its module and its line in the registry knows it. What
//! tasks can do of the conformance suite is run over it.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use contract::Program;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::core::record::{InstanceRecord, Sources, SystemRecord};
use super::core::{Exit, Handle, LaunchRequest, Launched, OnExit, Platform, Renewal, RunningSystem, client};
use super::interface::{Backend, BoxFuture, System};
use super::options::{ProgressSink, UpOptions};
use super::{InstanceStats, Role};
use crate::capability::Capability;
use crate::error::Error;
use crate::topology::SystemSpec;
use crate::wiring::Environment;

/// Its name in the registry.
pub(super) const NAME: &str = "stand-in";
/// What it writes into a record of the place itself.
const PLACE: &str = "this very test";

/// How a task ends that was asked to, and one that was not.
const ENDED: Exit = Exit {
    code: Some(0),
    signal: None,
};
const KILLED: Exit = Exit {
    code: None,
    signal: Some(9),
};

/// Every task, which no lab owns: as an engine keeps containers.
static WORLD: LazyLock<Mutex<HashMap<u64, Task>>> = LazyLock::new(Mutex::default);

fn world() -> MutexGuard<'static, HashMap<u64, Task>> {
    WORLD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An instance.
#[derive(Clone)]
struct Task {
    number: u64,
    running: AbortHandle,
    exit: Arc<watch::Sender<Option<Exit>>>,
    on_exit: Arc<Mutex<Option<OnExit>>>,
}

impl Task {
    /// One that is not there any more.
    fn gone() -> Self {
        let running = tokio::spawn(async {}).abort_handle();
        let exit = Arc::new(watch::Sender::new(Some(Exit::default())));
        Self {
            number: 0,
            running,
            exit,
            on_exit: Arc::default(),
        }
    }

    fn of(instance: &InstanceRecord) -> Option<Self> {
        let number = instance.platform_id.get("task")?.as_u64()?;
        world().get(&number).cloned()
    }

    fn end(&self, exit: Exit) {
        self.running.abort();
        world().remove(&self.number);
        self.exit.send_replace(Some(exit));
        let on_exit = self.on_exit.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(on_exit) = on_exit {
            on_exit(exit, true);
        }
    }

    /// Ends it, and waits until nobody listens at its port any more.
    async fn end_and_wait(&self, exit: Exit) {
        self.end(exit);
        while !self.running.is_finished() {
            tokio::task::yield_now().await;
        }
    }
}

pub(super) struct StandIn {
    tools: Arc<Tools>,
}

struct Tools {
    http: reqwest::Client,
}

impl StandIn {
    pub(super) fn new() -> io::Result<Self> {
        let http = client().map_err(io::Error::other)?;
        Ok(Self {
            tools: Arc::new(Tools { http }),
        })
    }
}

impl Backend for StandIn {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> BTreeSet<Capability> {
        BTreeSet::from([Capability::Kill, Capability::Restart, Capability::Detach])
    }

    fn prepare<'a>(
        &'a self,
        _specs: &'a [SystemSpec],
        _progress: Option<ProgressSink>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn up(&self, spec: SystemSpec, options: UpOptions) -> BoxFuture<'_, Result<Arc<dyn System>, Error>> {
        Box::pin(async {
            let system = RunningSystem::start(Arc::clone(&self.tools), spec, options).await?;
            Ok(Arc::new(system) as Arc<dyn System>)
        })
    }

    fn attach(&self, record: SystemRecord) -> BoxFuture<'_, Result<Arc<dyn System>, Error>> {
        Box::pin(async {
            let system = RunningSystem::attach(Arc::clone(&self.tools), record).await?;
            Ok(Arc::new(system) as Arc<dyn System>)
        })
    }

    fn running<'a>(&'a self, record: &'a SystemRecord) -> BoxFuture<'a, Result<Vec<String>, Error>> {
        Box::pin(self.tools.running(record))
    }

    fn clean<'a>(&'a self, record: &'a SystemRecord) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async {
            record
                .instances
                .iter()
                .filter_map(Task::of)
                .for_each(|task| task.end(KILLED));
            Ok(())
        })
    }

    fn clean_unrecorded<'a>(&'a self, _state_folder: &'a Path) -> BoxFuture<'a, Result<Option<String>, Error>> {
        Box::pin(async { Ok(None) })
    }
}

impl Platform for Tools {
    type Handle = Task;

    fn name(&self) -> &'static str {
        NAME
    }

    fn place(&self) -> Value {
        json!({ "where": PLACE })
    }

    fn http(&self) -> &reqwest::Client {
        &self.http
    }

    async fn sources(&self, _spec: &SystemSpec) -> Result<Sources, Error> {
        Ok(Sources::default())
    }

    fn has_names(&self) -> bool {
        true
    }

    async fn prepare(&self, _record: &SystemRecord) -> Result<(), Error> {
        Ok(())
    }

    fn surroundings(&self, _instance: &str, _program: Program, _port: u16) -> Environment {
        Environment::new()
    }

    fn database(&self, _record: &SystemRecord, service: &str) -> String {
        service.to_owned()
    }

    fn inner_url(&self, name: &str, _program: Program, _port: Option<u16>) -> Option<Url> {
        Url::parse(&format!("http://{name}")).ok()
    }

    fn link_address(&self, link: &str, _port: Option<u16>) -> Option<(String, u16)> {
        Some((link.to_owned(), 1))
    }

    async fn launch(&self, request: LaunchRequest) -> Result<Launched<Task>, Error> {
        let failed = Error::file("listen for", &request.log);
        let (listener, port) = listen(request.port).await.map_err(failed)?;
        let logged = fs::File::options().create(true).append(true).open(&request.log);
        let logged = logged.and_then(|mut log| log.write_all(b"{\"message\":\"listening\"}\n"));
        logged.map_err(Error::file("write", &request.log))?;
        let running = tokio::spawn(answer(listener, request.name.clone())).abort_handle();
        let task = Task {
            number: crate::place::random() >> 1,
            running,
            exit: Arc::new(watch::Sender::new(None)),
            on_exit: Arc::new(Mutex::new(Some(request.on_exit))),
        };
        world().insert(task.number, task.clone());
        Ok(Launched {
            handle: task,
            port: Some(port),
        })
    }

    async fn renew(&self, _task: &Task, _renewal: &Renewal) -> Result<(), Error> {
        Ok(())
    }

    async fn running(&self, system: &SystemRecord) -> Result<Vec<String>, Error> {
        let running = system.instances.iter().filter(|instance| Task::of(instance).is_some());
        Ok(running.map(|instance| instance.name.clone()).collect())
    }

    async fn take_up(&self, _system: &SystemRecord, record: &InstanceRecord) -> Task {
        Task::of(record).unwrap_or_else(Task::gone)
    }

    async fn settle_log(&self, _task: &Task, _log: &Path, _log_start: u64) -> Result<(), Error> {
        Ok(())
    }

    async fn forget(&self, _task: &Task) -> Result<(), Error> {
        Ok(())
    }

    async fn finish(&self, _record: &SystemRecord) -> Result<(), Error> {
        Ok(())
    }

    fn let_go(&self, record: SystemRecord, tasks: Vec<Task>) {
        tasks.iter().for_each(|task| task.end(KILLED));
        let _ = record.remove();
    }
}

async fn listen(port: u16) -> io::Result<(TcpListener, u16)> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

async fn answer(listener: TcpListener, name: String) {
    let head = format!("HTTP/1.1 200 OK\r\nx-instance: {name}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(head.as_bytes()).await;
    }
}

impl Handle for Task {
    fn platform_id(&self) -> Value {
        json!({ "task": self.number })
    }

    fn pid(&self) -> Option<u32> {
        None
    }

    fn exit(&self) -> Option<Exit> {
        *self.exit.borrow()
    }

    async fn is_paused(&self) -> bool {
        false
    }

    async fn stands_still(&self) -> bool {
        false
    }

    async fn pause(&self, _instance: &str) -> Result<(), Error> {
        Err(lacks(Capability::Pause))
    }

    async fn resume(&self, _instance: &str) -> Result<(), Error> {
        Err(lacks(Capability::Pause))
    }

    async fn terminate(&self, _instance: &str, _program: Program) -> Result<(), Error> {
        self.end_and_wait(ENDED).await;
        Ok(())
    }

    async fn kill(&self, _instance: &str) -> Result<(), Error> {
        self.end_and_wait(KILLED).await;
        Ok(())
    }

    async fn exited_by(&self, deadline: Instant) -> bool {
        let mut exit = self.exit.subscribe();
        timeout_at(deadline, exit.wait_for(Option::is_some)).await.is_ok()
    }

    async fn processes(&self) -> Option<usize> {
        None
    }

    async fn stats(&self, instance: &str) -> InstanceStats {
        InstanceStats {
            instance: instance.to_owned(),
            cpu_ms: None,
            resident_bytes: None,
        }
    }

    async fn limit_cpu(&self, _instance: &str, _cores: Option<f64>) -> Result<(), Error> {
        Err(lacks(Capability::Limits))
    }

    async fn connect(&self, _instance: &str, _connected: bool) -> Result<(), Error> {
        Err(lacks(Capability::Disconnect))
    }
}

const fn lacks(capability: Capability) -> Error {
    Error::Unsupported {
        backend: NAME,
        capability,
    }
}

mod tests;
