//! A PostgreSQL server of the test's own: a data folder in a temporary place, a socket and a port on 127.0.0.1.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use testing::skip;

/// A running server; stopped when dropped.
pub struct Postgres {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
}

impl Postgres {
    /// Starts one, or says loudly that there is none.
    #[track_caller]
    pub fn start() -> Option<Self> {
        if !is_installed() {
            return None;
        }
        let programs = programs()?;
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind(("127.0.0.1", 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let server = Self { programs, folder, port };
        if as_root() {
            // The server refuses to run as root: the package's own user does it.
            run(Command::new("chown").arg("postgres").arg(server.folder.path()));
        }
        let data = server.data();
        run(server
            .program("initdb")
            .args(["--auth=trust", "--username=lab", "--no-sync", "--pgdata"])
            .arg(&data));
        let options = format!(
            "-p {port} -k {} -c listen_addresses=127.0.0.1 -c fsync=off",
            server.folder.path().display()
        );
        run(server
            .program("pg_ctl")
            .args(["start", "--wait", "--options", &options, "--pgdata"])
            .arg(&data));
        Some(server)
    }

    /// The address of a new, empty database.
    #[track_caller]
    pub fn database(&self, name: &str) -> String {
        let port = self.port.to_string();
        run(self
            .program("createdb")
            .args(["-h", "127.0.0.1", "-U", "lab", "-p", &port, name]));
        format!("postgres://lab@127.0.0.1:{port}/{name}")
    }

    /// Ends it as a crash would, and starts it again where it was.
    #[track_caller]
    pub fn restart(&self) {
        let mut restart = self.program("pg_ctl");
        run(restart
            .args(["restart", "--wait", "--mode=immediate", "--pgdata"])
            .arg(self.data()));
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if as_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir(self.folder.path());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.data();
        let mut stop = self.program("pg_ctl");
        stop.args(["stop", "--mode=immediate", "--pgdata"]).arg(data);
        let _ = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// Whether there is one; says loudly that there is none.
#[track_caller]
pub fn is_installed() -> bool {
    let is_there = programs().is_some();
    if !is_there {
        skip("PostgreSQL is not installed (apt-get install postgresql)");
    }
    is_there
}

/// Debian keeps the server's programs out of PATH, by version.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    let debian = versions.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).collect::<Vec<_>>();
    debian
        .chain(in_path)
        .find(|folder: &PathBuf| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
}

fn as_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[track_caller]
fn run(command: &mut Command) {
    let log = tempfile::NamedTempFile::new().unwrap();
    // A file and not a pipe: the server inherits it and would hold a pipe open.
    let (out, err) = (log.reopen().unwrap(), log.reopen().unwrap());
    let status = command.stdin(Stdio::null()).stdout(out).stderr(err).status().unwrap();
    assert!(status.success(), "{command:?}: {}", read(log.path()));
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
