//! A real engine that stops in the middle of a run and comes back: one of the test's own, in a network of its own, so that no
//! other engine of this machine, and nothing that runs on one, has a part in it.

mod common;

use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::{Lab, Lines, finish, pid, until, wait};
use rustix::process::{Signal, kill_process};
use tempfile::TempDir;

/// Whether this machine can start an engine; says so loudly where it cannot, and fails where all tests are required.
#[track_caller]
fn can_start_an_engine() -> bool {
    let folders = compose::host::program_folders();
    let needed = ["dockerd", "docker", "unshare", "nsenter", "ip"];
    let absent = needed
        .into_iter()
        .find(|name| compose::host::find_program(name, &folders).is_none());
    let reason = match absent {
        Some(program) => format!("there is no {program} (apt-get install docker.io util-linux iproute2)"),
        None if !rustix::process::geteuid().is_root() => "an engine of its own needs root".to_owned(),
        None => return true,
    };
    common::skip(&reason);
    false
}

/// A program that is killed when it is dropped.
struct Kept(Child);

impl Kept {
    fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A place for an engine. The network stays while the engine comes and goes.
struct Place {
    network: Kept,
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let network = Kept::start(Command::new("unshare").args(["--net", "sleep", "infinity"]));
        let place = Self {
            network,
            folder: tempfile::tempdir_in("/var/tmp").unwrap(),
        };
        // Until the network is another one, this would change that of the machine; there, it is up already.
        until("the network is its own", || {
            place.namespace("self") != place.namespace(&place.network.0.id().to_string())
        });
        let mut ip = Command::new("ip");
        ip.args(["link", "set", "lo", "up"]);
        assert_eq!(finish(place.inside(&ip)).code, Some(0));
        place
    }

    fn namespace(&self, process: &str) -> Option<std::path::PathBuf> {
        std::fs::read_link(format!("/proc/{process}/ns/net")).ok()
    }

    fn address(&self) -> String {
        format!("unix://{}", self.folder.path().join("engine.sock").display())
    }

    /// A command, with its surroundings, as it runs in the network of this place with the engine that is there.
    fn inside(&self, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        inside
            .args(["--target", &self.network.0.id().to_string(), "--net", "--"])
            .arg(command.get_program())
            .args(command.get_args())
            .env("DOCKER_HOST", self.address());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            inside.current_dir(folder);
        }
        inside
    }

    /// What the engine's own tool answers.
    #[track_caller]
    fn docker(&self, arguments: &str) -> String {
        let mut docker = Command::new("docker");
        docker.args(arguments.split_ascii_whitespace());
        let said = finish(self.inside(&docker));
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        said.stdout
    }
}

/// A running engine; ended in good order when dropped, so that nothing stays mounted.
struct Engine(Child);

impl Engine {
    fn start(place: &Place) -> Self {
        let at = |name: &str| place.folder.path().join(name);
        let log = std::fs::File::create(at("log")).unwrap();
        let mut dockerd = Command::new("dockerd");
        dockerd
            .args(["--bridge", "none", "--host", &place.address()])
            .arg("--data-root")
            .arg(at("data"))
            .arg("--exec-root")
            .arg(at("exec"))
            .arg("--pidfile")
            .arg(at("pid"));
        let mut command = place.inside(&dockerd);
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let mut engine = Self(command.spawn().unwrap());
        until("the engine answers", || {
            let ended = engine.0.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?}: {}", read(&at("log")));
            let mut version = Command::new("docker");
            version.arg("version");
            finish(place.inside(&version)).code == Some(0)
        });
        engine
    }

    fn end(&mut self) {
        if self.0.try_wait().unwrap().is_none() {
            kill_process(pid(self.0.id()), Signal::TERM).unwrap();
            wait(&mut self.0);
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.end();
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn an_engine_that_stops_ends_the_run_and_what_is_left_is_removed_when_it_is_back() {
    if !can_start_an_engine() {
        return;
    }
    let place = Place::new();
    let mut engine = Engine::start(&place);
    let lab = Lab::new();
    let stderr = lab.folder().join("stderr");
    let mut command = place.inside(&lab.command([
        "run",
        "scaling",
        "--quick",
        "--yes",
        "--backend",
        "docker",
        "--ui",
        "json",
        "--out",
        "run",
    ]));
    command
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&stderr).unwrap());
    let mut run = Kept::start(&mut command);
    let lines = Lines::of(run.0.stdout.take().unwrap());
    lines.event("sample");
    place.docker("network create not-the-labs");
    place.docker("volume create not-the-labs");

    engine.end();
    let status = wait(&mut run.0);
    let said = read(&stderr);
    assert_eq!(status.code(), Some(4), "{said}");
    assert!(
        said.contains("does not answer any more") && said.contains("lab clean"),
        "{said}"
    );
    let last = lines.rest().pop().unwrap();
    assert!(last.contains("run_ended") && last.contains(&place.address()), "{last}");
    let without = finish(place.inside(&lab.command(["clean"])));
    assert_eq!(without.code, Some(4), "{}{}", without.stdout, without.stderr);

    let engine = Engine::start(&place);
    assert_ne!(
        place.docker("ps -aq").lines().count(),
        0,
        "the containers came back with the engine"
    );
    let cleaned = finish(place.inside(&lab.command(["clean"])));
    assert_eq!(cleaned.code, Some(0), "{}", cleaned.stderr);
    for listing in [
        "ps -aq",
        "network ls -q --filter label=lab.run",
        "volume ls -q --filter label=lab.run",
    ] {
        assert_eq!(place.docker(listing), "", "{listing}");
    }
    for listing in ["network ls", "volume ls"] {
        assert!(place.docker(listing).contains("not-the-labs"), "{listing}");
    }
    assert!(common::files(&lab.state().join("systems")).is_empty());
    drop(engine);
}
