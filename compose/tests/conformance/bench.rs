//! What the tests of the suite share.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Lines};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use compose::ProcessStamp;
use compose::servers::{self, Found, Server};
use compose::{
    Backend, BackendRegistry, Capability, Environment, Host, Instance, InstanceEvent, InstanceEventKind, InstanceState,
    Leftover, LinkSpec, LogChunk, ServiceSpec, System, SystemRecord, SystemSpec, UpOptions,
};
use contract::Program;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use url::Url;

/// The bound of every wait; far beyond what any of them needs.
const PATIENCE: Duration = Duration::from_secs(60);
/// Set for the process that runs [`drive`]: a [`Task`] as JSON.
const DRIVER: &str = "COMPOSE_DRIVER";

/// What the process that runs [`drive`] is to do.
#[derive(Serialize, Deserialize)]
struct Task {
    folder: PathBuf,
    detached: bool,
    spec: SystemSpec,
}

/// A backend and a folder for what it leaves behind.
pub struct Bench {
    pub backend: Arc<dyn Backend>,
    folder: TempDir,
    /// The test that is the body of a driver, as the harness names it.
    driver: &'static str,
    events: Arc<Mutex<Vec<InstanceEvent>>>,
}

impl Bench {
    /// `driver` is the path of the test whose body is [`drive`], with the crate in front.
    pub fn new(backend: Arc<dyn Backend>, driver: &'static str) -> Self {
        Self {
            backend,
            driver: driver.split_once("::").map_or(driver, |(_, test)| test),
            folder: tempfile::tempdir().unwrap(),
            events: Arc::default(),
        }
    }

    pub fn state_folder(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub fn options(&self, run_id: &str) -> UpOptions {
        let events = Arc::clone(&self.events);
        let mut options = UpOptions::new(run_id, self.folder.path().join(run_id), self.state_folder());
        options.events = Some(Arc::new(move |event| events.lock().unwrap().push(event)));
        options.ready_timeout = PATIENCE;
        options.stop_timeout = PATIENCE;
        options
    }

    pub async fn up(&self) -> Arc<dyn System> {
        self.backend.up(pair(), self.options("run")).await.unwrap()
    }

    /// Whether the backend declares that it can do this.
    pub fn can(&self, capability: Capability) -> bool {
        self.backend.capabilities().contains(&capability)
    }

    /// Freezes an instance, on a backend that can.
    pub async fn pause_if_it_can(&self, system: &Arc<dyn System>, instance: &str) {
        if self.can(Capability::Pause) {
            system.pause(instance).await.unwrap();
        }
    }

    pub fn events_of(&self, instance: &str) -> Vec<InstanceEvent> {
        self.events
            .lock()
            .unwrap()
            .iter()
            .filter(|event| event.instance == instance)
            .cloned()
            .collect()
    }

    /// An instance has been started, has listened and has become ready, and no more happened to it. Its start is told with the
    /// number of its process, where it has one on this machine.
    #[track_caller]
    pub fn came_up_in_order(&self, instance: &str) {
        let kinds: Vec<_> = self.events_of(instance).into_iter().map(|event| event.kind).collect();
        let rest = match kinds.as_slice() {
            [InstanceEventKind::Started { .. }, rest @ ..] => rest,
            rest => rest,
        };
        let up = matches!(
            rest,
            [InstanceEventKind::Listening { .. }, InstanceEventKind::Ready { .. }]
        );
        assert!(up, "{kinds:?}");
    }

    /// Whether the start of an instance was told.
    pub fn has_told_start(&self, instance: &str) -> bool {
        let events = self.events_of(instance);
        let is_start = |event: &InstanceEvent| matches!(event.kind, InstanceEventKind::Started { .. });
        events.iter().any(is_start)
    }

    /// An instance was asked to end, and did so well.
    #[track_caller]
    pub fn ended_in_order(&self, instance: &str) {
        let orderly = InstanceEventKind::Exited {
            code: Some(0),
            signal: None,
            expected: true,
        };
        let events = self.events_of(instance);
        assert!(events.iter().any(|event| event.kind == orderly), "{events:?}");
    }

    pub fn records(&self) -> Vec<SystemRecord> {
        let records = compose::records(&self.state_folder()).unwrap();
        assert!(records.unreadable.is_empty(), "{:?}", records.unreadable);
        records.systems
    }

    /// Starts another process that brings a system up as run `driven`, and waits until it has.
    pub fn start_driver(&self, spec: SystemSpec, detached: bool) -> Driver {
        let task = Task {
            folder: self.folder.path().to_owned(),
            detached,
            spec,
        };
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([self.driver, "--exact", "--nocapture", "--test-threads=1"])
            .env(DRIVER, serde_json::to_string(&task).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        let is_up = output
            .by_ref()
            .map_while(Result::ok)
            .any(|line| line.contains("driver: up"));
        assert!(is_up, "the driver ended: {:?}", process.wait());
        Driver { process, output }
    }
}

impl Drop for Bench {
    /// A test that failed half-way may have left a system running, which nobody else would end.
    fn drop(&mut self) {
        let state_folder = self.state_folder();
        let cleaned = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                for record in compose::records(&state_folder).unwrap_or_default().systems {
                    if let Err(error) = registry().clean(&record).await {
                        eprintln!("cannot clean up after a test: {error}");
                    }
                }
            });
        });
        let _ = cleaned.join();
    }
}

/// A process that drives a system; killed when dropped.
pub struct Driver {
    process: Child,
    /// Held open: a test harness that cannot write its result fails.
    output: Lines<BufReader<ChildStdout>>,
}

impl Driver {
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Lets it end in good order: it does so when nobody can write to it any more.
    pub fn finish(&mut self) {
        drop(self.process.stdin.take());
        self.output.by_ref().for_each(drop);
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The body of the test `driver`: does nothing unless it runs in a process that [`Bench::start_driver`] started.
pub fn drive(backend: fn() -> Arc<dyn Backend>) {
    let Ok(task) = std::env::var(DRIVER) else {
        return;
    };
    let Task { folder, detached, spec } = serde_json::from_str(&task).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut options = UpOptions::new("driven", folder.join("driven"), folder.join("state"));
        options.detach = detached;
        let system = backend().up(spec, options).await.unwrap();
        println!("\ndriver: up");
        tokio::task::spawn_blocking(|| std::io::stdin().lines().count())
            .await
            .unwrap();
        drop(system);
        compose::settle(PATIENCE).await;
    });
}

/// Holds a port below those that the system hands out by itself, so that nobody else gets it once it is let go.
pub fn hold_a_port() -> TcpListener {
    let first = 10_000 + u16::try_from(std::process::id() % 20_000).unwrap();
    (first..first + 1_000)
        .find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok())
        .expect("one of a thousand ports is free")
}

/// Two gateways behind a balancer, and one service that they call.
pub fn pair() -> SystemSpec {
    SystemSpec {
        name: "pair".into(),
        services: vec![
            ServiceSpec::new(Program::Gateway).balanced(2, "round_robin"),
            ServiceSpec::new(Program::Users),
        ],
        entry: "gateway".into(),
        links: Vec::new(),
    }
}

pub const PAIR_NAMES: [&str; 4] = ["gateway-1", "gateway-2", "gateway-balancer", "users-1"];

/// A service that cannot do without the Redis that it shares.
pub fn guarded() -> SystemSpec {
    SystemSpec {
        name: "guarded".into(),
        services: vec![
            ServiceSpec::new(Program::Inventory).with_env("STRATEGY", "redis-lock"),
            ServiceSpec::new(Program::Redis),
        ],
        entry: "inventory".into(),
        links: Vec::new(),
    }
}

pub const GUARDED_NAMES: [&str; 2] = ["inventory-1", "redis-1"];

/// The pair, with a link from the gateways to the users.
pub fn linked() -> SystemSpec {
    SystemSpec {
        links: vec![LinkSpec::new("gateway", "users")],
        ..pair()
    }
}

pub const LINKED_NAMES: [&str; 5] = [
    "gateway-1",
    "gateway-2",
    "gateway-balancer",
    "gateway-users-link",
    "users-1",
];

pub async fn instance(system: &Arc<dyn System>, name: &str) -> Instance {
    let instances = system.instances().await;
    instances
        .into_iter()
        .find(|instance| instance.name == name)
        .unwrap_or_else(|| panic!("no {name}"))
}

pub async fn names(system: &Arc<dyn System>) -> Vec<String> {
    system
        .instances()
        .await
        .into_iter()
        .map(|instance| instance.name)
        .collect()
}

pub async fn state(system: &Arc<dyn System>, name: &str) -> InstanceState {
    instance(system, name).await.state
}

/// Whether everything of a system ends with its lab by itself. Containers do not: the next lab removes them.
pub fn ends_with_its_lab(record: &SystemRecord) -> bool {
    record
        .instances
        .iter()
        .all(|instance| instance.platform_id.get("process").is_some())
}

/// The backends by which records are looked at and cleaned up, which start nothing.
pub fn registry() -> BackendRegistry {
    BackendRegistry::of_current_program().unwrap()
}

/// What a dead lab left, which is one system.
pub async fn the_leftover(bench: &Bench) -> Leftover {
    let mut left = registry().leftovers(&bench.state_folder()).await.unwrap();
    assert_eq!(left.len(), 1);
    left.remove(0)
}

/// Stamps of all processes that run for a system now.
pub async fn processes(system: &Arc<dyn System>) -> Vec<ProcessStamp> {
    let instances = system.instances().await;
    instances
        .iter()
        .filter_map(|instance| ProcessStamp::of(instance.pid?))
        .collect()
}

pub async fn until_gone(processes: &[ProcessStamp]) {
    until("all processes have ended", async || {
        !processes.iter().any(ProcessStamp::is_alive)
    })
    .await;
}

/// Waits for a condition.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < PATIENCE, "in vain waited until {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Follows the log of an instance from a byte on until it contains this text; gives what it read and where to go on.
pub async fn until_logged(system: &Arc<dyn System>, name: &str, from: u64, text: &str) -> LogChunk {
    let (mut bytes, mut next) = (Vec::new(), from);
    until(&format!("{name} has logged {text}"), async || {
        let chunk = system.log(name, next).await.unwrap();
        bytes.extend(chunk.bytes);
        next = chunk.next;
        String::from_utf8_lossy(&bytes).contains(text)
    })
    .await;
    LogChunk { bytes, next }
}

pub fn client() -> reqwest::Client {
    // One for each question, so no connection is kept: each request shows what the address does now.
    compose::http::client(PATIENCE).unwrap()
}

pub fn at(mut url: Url, path: &str) -> Url {
    url.set_path(path);
    url
}

/// The status and the name of the instance that answered.
pub async fn ask(url: &Url, path: &str) -> Result<(u16, String), reqwest::Error> {
    let response = client().get(at(url.clone(), path)).send().await?;
    let instance = response
        .headers()
        .get("x-instance")
        .map(|name| name.to_str().unwrap().to_owned());
    Ok((response.status().as_u16(), instance.unwrap_or_default()))
}

/// Asks a service's front door until exactly these instances have answered, and none else in a row of requests.
pub async fn until_answered_by(system: &Arc<dyn System>, service: &str, expected: &[&str]) {
    let door = system.front_door(service).unwrap();
    let expected: BTreeSet<String> = expected.iter().map(ToString::to_string).collect();
    until(&format!("{expected:?} answer"), async || {
        let mut seen = BTreeSet::new();
        for _ in 0..3 * expected.len() {
            if let Ok((200, instance)) = ask(&door, "/health").await {
                seen.insert(instance);
            }
        }
        seen == expected
    })
    .await;
}

/// The policy that a service's balancer says it follows.
pub async fn policy(system: &Arc<dyn System>, service: &str) -> String {
    let url = at(system.front_door(service).unwrap(), "/_balancer/policy");
    let answer: serde_json::Value = client().get(url).send().await.unwrap().json().await.unwrap();
    answer["policy"].as_str().unwrap().to_owned()
}

/// Sends a Redis one command and gives the first line of its answer (<https://redis.io/docs/reference/protocol-spec/>).
pub async fn tell(redis: &Url, command: &str) -> String {
    let address = (redis.host_str().unwrap(), redis.port().unwrap());
    let mut stream = BufStream::new(TcpStream::connect(address).await.unwrap());
    stream.write_all(format!("{command}\r\n").as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    line.trim_end().to_owned()
}

/// Whether there is a server of this kind that a test can start, pause and kill; says so loudly where there is none.
#[track_caller]
pub fn can_start(server: &dyn Server) -> bool {
    can_start_told(server, &Environment::new())
}

/// The same for a server whose instance is told this.
#[track_caller]
pub fn can_start_told(server: &dyn Server, told: &Environment) -> bool {
    let reason = match servers::locate(server, &Host::of_process(), told) {
        Ok(Found::Named(address)) => format!("{address} belongs to somebody else"),
        Ok(_) => return true,
        Err(error) => error.to_string(),
    };
    testing::skip(format_args!("{}: {reason}", server.name()));
    false
}
