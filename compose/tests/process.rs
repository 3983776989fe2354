//! The process backend, under the conformance suite and in what only it does.

#[macro_use]
mod conformance;

use std::sync::Arc;
use std::time::{Duration, Instant};

use compose::servers::ServerError;
use compose::topology::named_system;
use compose::{
    Backend, BackendRegistry, BalancerKind, Error, Family, Host, ProcessBackend, System, SystemSpec, UpOptions,
};
use conformance::available::stand_in;
use conformance::bench::{guarded, instance, names, pair, tell};
use conformance::{can_start_postgres, can_start_redis, connect, number, stored};
use contract::Program;
use url::Url;

fn backend() -> Arc<dyn Backend> {
    BackendRegistry::new(stand_in()).get("process").unwrap()
}

conformance_suite!(backend, conformance::available::always);

/// A backend for which this is all that there is to know of servers of others.
fn backend_with(host: Host) -> ProcessBackend {
    ProcessBackend::new(stand_in()).unwrap().with_host(host)
}

fn backend_with_external(redis: &Url) -> ProcessBackend {
    backend_with(Host::default().with("REDIS_URL", redis.as_str()))
}

/// Whether the error is that there is no such server.
fn is_absent(error: &Error, server: Program) -> bool {
    matches!(error, Error::Server(ServerError::Absent { program, .. }) if *program == server)
}

fn options(folder: &std::path::Path) -> UpOptions {
    UpOptions::new("run", folder.join("run"), folder.join("state"))
}

async fn up(folder: &std::path::Path, spec: SystemSpec, stop_timeout: Duration) -> Result<Arc<dyn System>, Error> {
    let mut options = UpOptions::new("run", folder.join("run"), folder.join("state"));
    options.stop_timeout = stop_timeout;
    backend().up(spec, options).await
}

#[tokio::test]
async fn a_missing_program_is_an_error_of_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no-lab");
    let options = UpOptions::new("run", folder.path().join("run"), folder.path().join("state"));
    let error = ProcessBackend::new(&missing)
        .unwrap()
        .up(named_system("users").unwrap(), options)
        .await
        .err()
        .unwrap();
    assert_eq!(error.family(), Family::Environment);
    assert!(error.to_string().contains(missing.to_str().unwrap()), "{error}");
    assert!(
        compose::records(&folder.path().join("state"))
            .unwrap()
            .systems
            .is_empty()
    );
}

#[tokio::test]
async fn an_instance_that_ignores_the_request_to_end_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = named_system("users").unwrap();
    spec.services[0].env.insert("IGNORE_TERM".into(), "1".into());
    let system = up(folder.path(), spec, Duration::from_millis(50)).await.unwrap();
    system.down().await.unwrap();
    assert!(
        system
            .instances()
            .await
            .iter()
            .all(|instance| !instance.state.is_running())
    );
}

#[tokio::test]
async fn an_instance_that_never_listens_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = named_system("users").unwrap();
    spec.services[0].env.insert("SILENT".into(), "1".into());
    let mut options = UpOptions::new("run", folder.path().join("run"), folder.path().join("state"));
    options.ready_timeout = Duration::from_millis(300);
    let error = backend().up(spec, options).await.err().unwrap();
    assert!(
        error.to_string().contains("users-1 has not said on which port"),
        "{error}"
    );
}

#[tokio::test]
async fn a_start_that_is_given_up_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = named_system("users").unwrap();
    spec.services[1].env.insert("SILENT".into(), "1".into());
    let state = folder.path().join("state");
    let record = {
        let mut start = std::pin::pin!(up(folder.path(), spec, Duration::from_secs(2)));
        loop {
            // Dropped half-way: users listens, the gateway never will.
            let _ = tokio::time::timeout(Duration::from_millis(5), &mut start).await;
            let found = compose::records(&state).unwrap().systems;
            if let Some(record) = found.into_iter().find(|record| record.instances.len() == 2) {
                break record;
            }
        }
    };
    compose::settle(Duration::from_secs(20)).await;
    assert_eq!(
        backend().running(&record).await.unwrap(),
        Vec::<String>::new(),
        "processes stayed"
    );
    assert!(compose::records(&state).unwrap().systems.is_empty());
}

#[tokio::test]
async fn a_folder_with_blanks_and_odd_characters_is_no_problem() {
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join("a run?#%20 ü");
    let system = up(&odd, named_system("users").unwrap(), Duration::from_secs(2))
        .await
        .unwrap();
    system.down().await.unwrap();
}

/// Nothing was started, so nothing can be left behind.
#[track_caller]
fn nothing_was_begun(folder: &std::path::Path) {
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
}

#[tokio::test]
async fn without_the_redis_that_is_asked_for_nothing_is_started_and_both_ways_to_get_one_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let backend = backend_with(Host::default());
    let mut system = guarded();
    system.services[1] = system.services[1].clone().with_env("REDIS_SERVER", "program");
    let error = backend.up(system, options(folder.path())).await.err().unwrap();
    assert!(is_absent(&error, Program::Redis), "{error}");
    assert_eq!(error.family(), Family::Environment);
    nothing_was_begun(folder.path());

    let system = backend.up(named_system("users").unwrap(), options(folder.path())).await;
    system
        .expect("who needs none is not told to get one")
        .down()
        .await
        .unwrap();
}

#[tokio::test]
async fn without_any_nginx_nothing_is_started_and_how_to_get_one_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let backend = backend_with(Host::default());
    let mut spec = pair();
    spec.services[0] = spec.services[0].clone().balanced_by(BalancerKind::Nginx);
    let error = backend.up(spec, options(folder.path())).await.err().unwrap();
    assert_eq!(error.family(), Family::Environment);
    assert!(error.to_string().contains("apt-get install nginx-light"), "{error}");
    nothing_was_begun(folder.path());
}

#[tokio::test]
async fn a_redis_of_somebody_else_that_does_not_answer_is_an_error_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing listens on port 1.
    let backend = backend_with_external(&"redis://:secret@127.0.0.1:1".parse().unwrap());
    let error = backend.up(guarded(), options(folder.path())).await.err().unwrap();
    assert_eq!(error.family(), Family::Environment);
    let message = error.to_string();
    assert!(
        message.contains("127.0.0.1:1") && message.contains("unset REDIS_URL"),
        "{message}"
    );
    assert!(!message.contains("secret"), "{message}");
    nothing_was_begun(folder.path());
}

#[tokio::test]
async fn a_redis_of_somebody_else_is_used_left_running_and_left_clean() {
    if !can_start_redis() {
        return;
    }
    let folders = ["owner", "one", "two"].map(|_| tempfile::tempdir().unwrap());
    let [owner, one, two] = folders.each_ref().map(tempfile::TempDir::path);
    let owner = backend().up(guarded(), options(owner)).await.unwrap();
    let redis = owner.front_door("redis").unwrap();
    assert_eq!(tell(&redis, "SET foreign 1").await, "+OK");

    // Two users with the same run id, as on two machines.
    let backend = backend_with_external(&redis);
    let mut detached = options(one);
    detached.detach = true;
    let one_system = backend.up(guarded(), detached).await.unwrap();
    let two_system = backend.up(guarded(), options(two)).await.unwrap();
    assert_eq!(names(&one_system).await, ["inventory-1"]);
    assert_eq!(one_system.front_door("redis").unwrap(), redis);
    let record = compose::records(&one.join("state")).unwrap().systems.remove(0);
    let attached = backend_with(Host::default()).attach(record).await.unwrap();
    attached.restart("inventory-1").await.expect("it is wired as before");
    for error in [
        one_system.kill("redis-1").await.unwrap_err(),
        attached.restart("redis-1").await.unwrap_err(),
        attached.log("redis-1", 0).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::External { .. }), "{error}");
        assert_eq!(error.family(), Family::Usage);
    }
    assert!(matches!(
        one_system.kill("redis-2").await.unwrap_err(),
        Error::UnknownInstance { .. }
    ));

    let mut prefixes = Vec::new();
    for system in [&one_system, &two_system] {
        let environment = environment(instance(system, "inventory-1").await.pid.unwrap());
        assert!(environment.contains(&format!("REDIS_URL={redis}")), "{environment:?}");
        let prefix = environment
            .iter()
            .find_map(|variable| variable.strip_prefix("REDIS_PREFIX="));
        prefixes.push(prefix.unwrap().to_owned());
    }
    assert!(
        prefixes.iter().all(|prefix| prefix.starts_with("lab:run:")),
        "{prefixes:?}"
    );
    assert_ne!(prefixes[0], prefixes[1]);
    for prefix in &prefixes {
        assert_eq!(tell(&redis, &format!("SET {prefix}lock:seat 1")).await, "+OK");
    }
    attached.down().await.unwrap();
    assert_eq!(tell(&redis, &format!("EXISTS {}lock:seat", prefixes[0])).await, ":0");
    assert_eq!(
        tell(&redis, &format!("EXISTS foreign {}lock:seat", prefixes[1])).await,
        ":2"
    );
    two_system.down().await.unwrap();
    assert_eq!(tell(&redis, "DBSIZE").await, ":1", "what is somebody else's stays");
    owner.down().await.unwrap();
}

#[tokio::test]
async fn without_any_postgres_nothing_is_started_and_every_way_to_get_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let backend = backend_with(Host::default());
    let error = backend.up(stored(), options(folder.path())).await.err().unwrap();
    assert!(is_absent(&error, Program::Postgres), "{error}");
    assert_eq!(error.family(), Family::Environment);
    nothing_was_begun(folder.path());
}

fn with_external_postgres(url: &Url) -> ProcessBackend {
    backend_with(Host::default().with("POSTGRES_URL", url.as_str()))
}

#[tokio::test]
async fn a_postgres_of_somebody_else_that_does_not_answer_is_an_error_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let backend = with_external_postgres(&"postgres://me:secret@127.0.0.1:1".parse().unwrap());
    let error = backend.up(stored(), options(folder.path())).await.err().unwrap();
    assert_eq!(error.family(), Family::Environment);
    let message = error.to_string();
    assert!(
        message.contains("127.0.0.1:1") && message.contains("unset POSTGRES_URL"),
        "{message}"
    );
    assert!(!message.contains("secret"), "{message}");
    nothing_was_begun(folder.path());
}

#[tokio::test]
async fn a_postgres_of_somebody_else_is_used_left_running_and_left_clean() {
    if !can_start_postgres() {
        return;
    }
    let folders = ["owner", "one", "two"].map(|_| tempfile::tempdir().unwrap());
    let [owner, one, two] = folders.each_ref().map(tempfile::TempDir::path);
    let owner = backend().up(stored(), options(owner)).await.unwrap();
    let postgres = owner.front_door("postgres").unwrap();
    let mut server = connect(&postgres, "postgres").await.unwrap();
    let count = "SELECT count(*) FROM pg_database";
    let before = number(&mut server, count).await.unwrap();

    // Two users with the same run id, as on two machines.
    let backend = with_external_postgres(&postgres);
    let one_system = backend.up(stored(), options(one)).await.unwrap();
    let two_system = backend.up(stored(), options(two)).await.unwrap();
    assert_eq!(
        names(&one_system).await,
        ["users-1", "users-2", "users-balancer", "inventory-1"]
    );
    assert_eq!(one_system.front_door("postgres").unwrap(), postgres);
    assert_eq!(number(&mut server, count).await.unwrap(), before + 4);
    let error = one_system.kill("postgres-1").await.unwrap_err();
    assert!(matches!(error, Error::External { .. }), "{error}");
    assert!(error.to_string().contains("POSTGRES_URL"), "{error}");

    let mut databases = Vec::new();
    for name in ["users-1", "users-2"] {
        let environment = environment(instance(&one_system, name).await.pid.unwrap());
        let own = environment
            .iter()
            .find_map(|variable| variable.strip_prefix("DATABASE_URL="));
        databases.push(own.unwrap().to_owned());
    }
    assert_eq!(
        databases[0], databases[1],
        "instances of one service share its database"
    );
    assert!(databases[0].starts_with(&format!("{postgres}/lab_")), "{databases:?}");
    let database: Url = databases[0].parse().unwrap();
    let stays = connect(&postgres, database.path().trim_start_matches('/'))
        .await
        .unwrap();
    one_system.down().await.unwrap();
    drop(stays);
    assert_eq!(number(&mut server, count).await.unwrap(), before + 2);
    two_system.down().await.unwrap();
    assert_eq!(
        number(&mut server, count).await.unwrap(),
        before,
        "what is somebody else's stays"
    );
    owner.down().await.unwrap();
}

#[tokio::test]
async fn who_reaches_a_postgres_cannot_become_its_ruler() {
    if !can_start_postgres() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let system = backend().up(stored(), options(folder.path())).await.unwrap();
    let mut url = system.front_door("postgres").unwrap();
    let mut own = connect(&url, "postgres").await.unwrap();
    let rules = "SELECT count(*) FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolcreaterole)";
    assert_eq!(number(&mut own, rules).await.unwrap(), 0);
    url.set_username("postgres").unwrap();
    let refused = connect(&url, "postgres").await.unwrap_err();
    assert!(refused.to_string().contains("pg_hba.conf"), "{refused}");
    drop(own);
    system.down().await.unwrap();
}

/// The blocks of the kernel's shared memory that a process has made (proc(5)).
#[cfg(target_os = "linux")]
fn blocks_of(pid: u32) -> usize {
    let blocks = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
    let made_by = |line: &str| line.split_ascii_whitespace().nth(4) == Some(&pid.to_string());
    blocks.lines().filter(|line| made_by(line)).count()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_killed_postgres_leaves_neither_files_nor_memory() {
    if !can_start_postgres() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for dropped in [false, true] {
        let system = backend().up(stored(), options(folder.path())).await.unwrap();
        let pid = instance(&system, "postgres-1").await.pid.unwrap();
        let data = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap();
        assert!(data.join("postmaster.pid").is_file(), "{}", data.display());
        assert_eq!(blocks_of(pid), 1);
        system.kill("postgres-1").await.unwrap();
        if dropped {
            drop(system);
            compose::settle(Duration::from_secs(20)).await;
        } else {
            system.down().await.unwrap();
        }
        assert_eq!(blocks_of(pid), 0);
        assert!(!data.parent().unwrap().exists(), "{}", data.display());
    }
}

/// What a process was started with.
fn environment(pid: u32) -> Vec<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/environ")).unwrap();
    text.split('\0').map(str::to_owned).collect()
}

#[tokio::test]
#[ignore = "a measurement, for an idle machine"]
async fn start_up_time_of_the_full_system() {
    for round in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let spec = named_system("full").unwrap();
        let (start, processes) = (Instant::now(), spec.process_count());
        let system = up(folder.path(), spec, Duration::from_secs(2)).await.unwrap();
        let (up_time, start) = (start.elapsed(), Instant::now());
        system.down().await.unwrap();
        println!(
            "round {round}: {processes} processes up in {up_time:?}, down in {:?}",
            start.elapsed()
        );
    }
}
