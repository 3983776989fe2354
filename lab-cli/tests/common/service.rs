//! One service in the foreground: `lab serve NAME`.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use rustix::process::{Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::Value;

use super::{LAB, finish, pid, until, wait};
use super::{Said, http};

/// A running service; killed when dropped.
pub struct Service {
    child: Child,
    pub port: u16,
    lines: Arc<Mutex<Vec<String>>>,
}

/// The command that serves, with nothing in its environment but what is given.
pub fn command(name: &str, folder: &Path, environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(LAB);
    command
        .args(["serve", name])
        .current_dir(folder)
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::null());
    command
}

/// A service that is expected to end at once.
#[track_caller]
pub fn refused(name: &str, folder: &Path, environment: &[(&str, &str)]) -> Said {
    finish(command(name, folder, environment))
}

impl Service {
    /// Starts a service in a folder, where its database will lie, and waits until it listens.
    #[track_caller]
    pub fn start(name: &str, folder: &Path, environment: &[(&str, &str)]) -> Self {
        Self::run(name, command(name, folder, environment))
    }

    /// The same at a port that it had before; 0 is any.
    #[track_caller]
    pub fn start_at(name: &str, folder: &Path, environment: &[(&str, &str)], port: u16) -> Self {
        Self::run_at(name, command(name, folder, environment), port)
    }

    /// The same with a command of the test's own, which ends up as the service.
    #[track_caller]
    pub fn run(name: &str, command: Command) -> Self {
        Self::run_at(name, command, 0)
    }

    #[track_caller]
    fn run_at(name: &str, mut command: Command, port: u16) -> Self {
        let port = port.to_string();
        let mut child = command.env("PORT", port).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let heard = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in std::io::BufRead::lines(std::io::BufReader::new(stdout)) {
                let Ok(line) = line else { break };
                heard.lock().unwrap().push(line);
            }
        });
        let mut service = Self { child, port: 0, lines };
        let mut port = None;
        until(&format!("{name} listens"), || {
            let lines = service.log();
            let listening = lines.iter().find(|line| line["message"] == "listening");
            port = listening.and_then(|line| line["port"].as_u64());
            assert!(
                port.is_some() || service.child.try_wait().unwrap().is_none(),
                "{name} ended: {lines:?}"
            );
            port.is_some()
        });
        service.port = u16::try_from(port.unwrap()).unwrap();
        service
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether its process has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Its base address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Everything it has logged so far; a line that is no JSON is a defect.
    #[track_caller]
    pub fn log(&self) -> Vec<Value> {
        let lines = self.lines.lock().unwrap();
        lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect()
    }

    /// Requests that it works on right now; the question itself does not count.
    #[track_caller]
    pub fn in_flight(&self) -> f64 {
        let metrics = http::get(self.port, "/metrics").body;
        let value = metrics
            .lines()
            .find_map(|line| line.strip_prefix("http_requests_in_flight "));
        value.unwrap().parse().unwrap()
    }

    /// Lets it have so many files and connections open from now on.
    pub fn limit_descriptors(&self, most: u64) {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        prlimit(Some(pid(self.child.id())), Resource::Nofile, limit).unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(pid(self.child.id()), signal).unwrap();
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        wait(&mut self.child)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
