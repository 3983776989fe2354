//! A PostgreSQL server of this machine as an instance of a system.

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, lchown};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use contract::Program;

use super::memory::{self, CLUSTER};
use super::source::initdb_of;
use crate::error::Error;
use crate::host;
use crate::takeover;

/// Whom the services connect as: somebody who owns databases and rules nothing else.
pub(super) const USER: &str = "lab";
/// What a server of the lab's own is told beyond what it does by itself. There may be many instances, each with a pool of
/// connections, and memory that processes share lies in the data folder, so that nothing of it stays behind elsewhere.
///
/// Nothing here makes a commit cheaper: each waits for the disk, as it would in production. What a transaction costs is a
/// part of what is measured.
pub(super) const SETTINGS: [&str; 2] = ["max_connections=400", "dynamic_shared_memory_type=mmap"];

/// The accounts under which the server may run where the lab is root, which the server refuses to be; the first that this
/// machine has is taken.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];
/// Lies in the data folder once the databases in it can be used.
const MADE: &str = "made";
/// Who reaches the server may be the services' user, without a password, and nobody else: so nobody becomes the one who
/// may run programs as this account. It listens on 127.0.0.1, or on a network of the system's own.
const ACCESS: &str = "host all lab all trust\n";
/// How long those that a killed server has left may take to notice.
const EARLIER_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes the data folder, and lets a process of root become another account from then on, because the server refuses to
/// run as root. To be called before any other thread is started, and before the process's life is bound to its parent's:
/// the kernel unbinds it when the account changes.
///
/// # Errors
/// An environment error where the folder cannot be made or belongs to somebody else, and where there is no such account.
pub(super) fn step_down(data: &Path) -> Result<(), Error> {
    let failed = |source| Error::file("make", data)(source);
    if let Some(parent) = data.parent() {
        fs::create_dir_all(parent).map_err(Error::file("make", parent))?;
    }
    match fs::DirBuilder::new().mode(0o700).create(data) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    let own = rustix::process::geteuid();
    if !own.is_root() {
        return Ok(());
    }
    let accounts = fs::read_to_string("/etc/passwd").map_err(Error::file("read", Path::new("/etc/passwd")))?;
    let (user, group) = ACCOUNTS
        .iter()
        .find_map(|name| account_in(&accounts, name))
        .ok_or_else(|| failed(io::Error::other("there is no account `postgres` to run the server as")))?;
    let found = fs::symlink_metadata(data).map_err(failed)?;
    if !found.is_dir() || ![user, own.as_raw()].contains(&found.uid()) {
        return Err(failed(io::Error::other("it is there and belongs to somebody else")));
    }
    lchown(data, Some(user), Some(group)).map_err(failed)?;
    become_account(user, group).map_err(failed)
}

#[cfg(target_os = "linux")]
fn become_account(user: u32, group: u32) -> io::Result<()> {
    use rustix::process::{Gid, Uid};
    use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};

    let group = Gid::from_raw(group);
    set_thread_groups(&[group])?;
    set_thread_gid(group)?;
    Ok(set_thread_uid(Uid::from_raw(user))?)
}

#[cfg(not(target_os = "linux"))]
fn become_account(_user: u32, _group: u32) -> io::Result<()> {
    Err(io::Error::other(
        "the server does not run as root; run the lab as somebody else",
    ))
}

/// The ids of an account and of its group (passwd(5)).
fn account_in(accounts: &str, name: &str) -> Option<(u32, u32)> {
    let mut lines = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let fields = lines.find(|fields| fields.first() == Some(&name))?;
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}

/// Turns this process into a PostgreSQL server: same process id, same parent, same log. It listens at `address`, where
/// port 0 is any free one, and says so as every service does. It keeps its data in `data`, which is made ready first where
/// it is empty; what an earlier start left there is still known, also when that was killed.
///
/// Returns only when it failed, with an environment error.
pub(super) fn become_server(program: &Path, instance: &str, address: SocketAddr, data: &Path) -> Error {
    // Its programs go back to the folder that they were started in, which their account may not enter.
    let data = match data.canonicalize() {
        Ok(data) => data,
        Err(source) => return Error::file("find", data)(source),
    };
    if let Err(source) = make_ready(program, &data) {
        return Error::Program {
            instance: instance.to_owned(),
            program: program.to_owned(),
            source,
        };
    }
    takeover::become_server(instance, Program::Postgres, program, address, |address| {
        Ok(server(program, address, &data))
    })
}

/// Makes a cluster of databases that belongs to nobody who can connect, and in it the services' user, unless an earlier
/// start has. An attempt that did not come to its end is made anew.
fn make_ready(program: &Path, data: &Path) -> io::Result<()> {
    let cluster = data.join(CLUSTER);
    if data.join(MADE).exists() {
        return memory::make_way(data, EARLIER_TIMEOUT);
    }
    if cluster.exists() {
        fs::remove_dir_all(&cluster)?;
    }
    let made = apart(&initdb_of(program))
        .args(["--username=postgres", "--encoding=UTF8", "--locale=C"])
        // When the machine itself breaks down now, there is nothing yet to be lost.
        .args(["--auth=reject", "--no-sync", "--no-instructions", "--pgdata"])
        .arg(&cluster)
        .current_dir(data)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()?;
    ended_well("initdb", made)?;
    fs::write(cluster.join("pg_hba.conf"), ACCESS)?;
    make_user(program, data, &cluster)?;
    fs::write(data.join(MADE), "")
}

/// A program in a session of its own, where this machine has the means. Else, when a lab is killed while this stands still,
/// the kernel sends HUP to it; ended by that, it leaves shared memory behind that nobody finds.
fn apart(program: &Path) -> Command {
    let Some(setsid) = host::find_program("setsid", &host::program_folders()) else {
        return Command::new(program);
    };
    let mut command = Command::new(setsid);
    command.arg(program);
    command
}

/// A server that nobody can connect to yet takes statements from its standard input.
fn make_user(program: &Path, data: &Path, cluster: &Path) -> io::Result<()> {
    let mut single = apart(program)
        .arg("--single")
        .arg("-D")
        .arg(cluster)
        .arg("postgres")
        .current_dir(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    let told = match single.stdin.take() {
        Some(mut input) => input.write_all(format!("CREATE ROLE {USER} LOGIN CREATEDB;\n").as_bytes()),
        None => Ok(()),
    };
    ended_well("the first start", single.wait()?).and(told)
}

fn ended_well(what: &str, status: ExitStatus) -> io::Result<()> {
    match status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!("{what} ended with {status}"))),
    }
}

fn server(program: &Path, address: SocketAddr, data: &Path) -> Command {
    let listening = [
        format!("listen_addresses={}", address.ip()),
        format!("port={}", address.port()),
        "unix_socket_directories=".to_owned(),
    ];
    let mut command = Command::new(program);
    command.arg("-D").arg(data.join(CLUSTER)).current_dir(data);
    for setting in listening.iter().map(String::as_str).chain(SETTINGS) {
        command.args(["-c", setting]);
    }
    command
}

/// The version that a server says it has, such as `15.8`; `None` when it does not say one in time.
pub(super) async fn version(program: &Path) -> Option<String> {
    let output = host::version_output(program, "--version").await?;
    version_in(&String::from_utf8_lossy(&output.stdout))
}

fn version_in(text: &str) -> Option<String> {
    let (_, after) = text.split_once("(PostgreSQL) ")?;
    after.split_ascii_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_with_its_group() {
        let accounts =
            "root:x:0:0:root:/root:/bin/sh\npostgres:x:106:113:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(account_in(accounts, "postgres"), Some((106, 113)));
        assert_eq!(account_in(accounts, "nobody"), None);
    }

    #[test]
    fn a_server_listens_where_it_is_told_and_nowhere_else() {
        let command = server(
            Path::new("/bin/postgres"),
            ([127, 0, 0, 1], 4711).into(),
            Path::new("/data"),
        );
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        for word in [
            "listen_addresses=127.0.0.1",
            "port=4711",
            "unix_socket_directories=",
            "/data/cluster",
        ] {
            assert!(words.iter().any(|found| found == word), "{word} is not in {words:?}");
        }
        assert!(
            !words
                .iter()
                .any(|word| word.contains("fsync") || word.contains("commit"))
        );
    }

    #[test]
    fn the_version_is_read_from_what_the_program_says() {
        let text = "postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)\n";
        assert_eq!(version_in(text).as_deref(), Some("15.8"));
        assert_eq!(version_in("usage: postgres\n"), None);
    }
}
