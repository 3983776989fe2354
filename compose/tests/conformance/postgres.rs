//! A PostgreSQL as one of the services of a system.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use compose::ProcessStamp;
use compose::servers::Backing;
use compose::servers::postgres::Postgres;
use compose::{Family, InstanceState, ServiceSpec, System, SystemSpec};
use contract::Program;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Executor};
use tokio::time::timeout;
use url::Url;

use super::bench::*;

/// The bound of a question that is expected to be answered.
const ANSWERED: Duration = Duration::from_secs(20);
/// The bound of a question that cannot be answered, however long it waits.
const UNANSWERED: Duration = Duration::from_millis(50);

/// Whether there is a PostgreSQL that this test can start, pause and kill; says so loudly where there is none.
#[track_caller]
pub fn can_start_postgres() -> bool {
    can_start(&Postgres)
}

/// Two instances that keep their data in one database, beside a service that has another.
pub fn stored() -> SystemSpec {
    SystemSpec {
        name: "stored".into(),
        services: vec![
            ServiceSpec::new(Program::Users).balanced(2, "round_robin"),
            ServiceSpec::new(Program::Inventory),
            ServiceSpec::new(Program::Postgres),
        ],
        entry: "users".into(),
        links: Vec::new(),
    }
}

pub const STORED_NAMES: [&str; 5] = ["users-1", "users-2", "users-balancer", "inventory-1", "postgres-1"];

/// Connects to a database of a server.
pub async fn connect(server: &Url, database: &str) -> Result<PgConnection, sqlx::Error> {
    let options: PgConnectOptions = server.as_str().parse().unwrap();
    options.database(database).disable_statement_logging().connect().await
}

/// The one number that a statement gives.
pub async fn number(connection: &mut PgConnection, statement: &'static str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(statement).fetch_one(connection).await
}

async fn write_down(system: &Arc<dyn System>) {
    let server = system.front_door("postgres").unwrap();
    let mut users = connect(&server, "users").await.unwrap();
    users.execute("CREATE TABLE kept (value BIGINT)").await.unwrap();
    users.execute("INSERT INTO kept VALUES (42)").await.unwrap();
}

async fn what_was_kept(system: &Arc<dyn System>) -> i64 {
    let server = system.front_door("postgres").unwrap();
    let mut users = connect(&server, "users").await.unwrap();
    number(&mut users, "SELECT value FROM kept").await.unwrap()
}

pub async fn a_postgres_comes_up_with_a_database_for_each_service(bench: Bench) {
    if !can_start_postgres() {
        return;
    }
    let system = bench.backend.up(stored(), bench.options("run")).await.unwrap();
    assert_eq!(names(&system).await, STORED_NAMES);
    let postgres = instance(&system, "postgres-1").await;
    let url = postgres.url.unwrap();
    assert_eq!((url.scheme(), url.port()), ("postgres", postgres.port));
    assert_eq!(system.front_door("postgres").unwrap(), url);
    assert_eq!(postgres.state, InstanceState::Ready);
    Postgres.ping(&url, ANSWERED).await.unwrap();
    bench.came_up_in_order("postgres-1");
    for service in ["users", "inventory"] {
        let mut database = connect(&url, service).await.unwrap();
        assert_eq!(number(&mut database, "SELECT 1::BIGINT").await.unwrap(), 1, "{service}");
    }
    // They are ready only when their database answers them.
    for service in ["users", "inventory"] {
        assert_eq!(
            ask(&system.front_door(service).unwrap(), "/ready").await.unwrap().0,
            200
        );
    }
    until_logged(&system, "postgres-1", 0, "ready to accept connections").await;
    let error = system.scale("postgres", 2).await.unwrap_err();
    assert_eq!(error.family(), Family::Usage);
    assert!(error.to_string().contains("1 instance"), "{error}");
    system.down().await.unwrap();
}

pub async fn a_killed_postgres_comes_back_with_its_data_at_its_address(bench: Bench) {
    if !can_start_postgres() {
        return;
    }
    let system = bench.backend.up(stored(), bench.options("run")).await.unwrap();
    let url = system.front_door("postgres").unwrap();
    write_down(&system).await;
    system.kill("postgres-1").await.unwrap();
    assert_eq!(state(&system, "postgres-1").await, InstanceState::Killed);
    Postgres.ping(&url, ANSWERED).await.unwrap_err();

    system.restart("postgres-1").await.unwrap();
    assert_eq!(state(&system, "postgres-1").await, InstanceState::Ready);
    assert_eq!(system.front_door("postgres").unwrap(), url);
    assert_eq!(
        what_was_kept(&system).await,
        42,
        "a crash loses nothing that was committed"
    );
    until("its user is ready again", async || {
        ask(&system.entry(), "/ready").await.unwrap().0 == 200
    })
    .await;

    system.restart("postgres-1").await.unwrap();
    assert_eq!(what_was_kept(&system).await, 42, "nor does an orderly end");
    system.restart("users-1").await.expect("its database is there already");
    assert_eq!(what_was_kept(&system).await, 42);
    system.down().await.unwrap();
}

pub async fn a_paused_postgres_answers_once_it_goes_on(bench: Bench) {
    if !can_start_postgres() {
        return;
    }
    let system = bench.backend.up(stored(), bench.options("run")).await.unwrap();
    let url = system.front_door("postgres").unwrap();
    let mut open = connect(&url, "users").await.unwrap();
    system.pause("postgres-1").await.unwrap();
    assert_eq!(state(&system, "postgres-1").await, InstanceState::Paused);
    Postgres.ping(&url, UNANSWERED).await.unwrap_err();
    let mut answer = std::pin::pin!(number(&mut open, "SELECT 7::BIGINT"));
    let silent = timeout(UNANSWERED, &mut answer).await;
    assert!(silent.is_err(), "who is connected already gets no answer either");
    system.resume("postgres-1").await.unwrap();
    assert_eq!(timeout(ANSWERED, answer).await.unwrap().unwrap(), 7);
    Postgres.ping(&url, ANSWERED).await.unwrap();
    system.down().await.unwrap();
}

pub async fn a_postgres_goes_down_in_order(bench: Bench) {
    if !can_start_postgres() {
        return;
    }
    let system = bench.backend.up(stored(), bench.options("run")).await.unwrap();
    let processes = processes(&system).await;
    assert_eq!(processes.len(), STORED_NAMES.len());
    let server = instance(&system, "postgres-1").await;
    // A client that stays must not hold it up.
    let stays = connect(&server.url.unwrap(), "users").await.unwrap();
    system.down().await.unwrap();
    drop(stays);
    assert!(!processes.iter().any(ProcessStamp::is_alive));
    TcpListener::bind(("127.0.0.1", server.port.unwrap())).expect("the port is free again");
    assert!(bench.records().is_empty());
    bench.ended_in_order("postgres-1");
}

pub async fn a_crash_of_the_lab_takes_its_postgres_along(bench: Bench) {
    if !can_start_postgres() {
        return;
    }
    let mut driver = bench.start_driver(stored(), false);
    let record = bench.records().remove(0);
    let system = bench.backend.attach(record.clone()).await.unwrap();
    let (processes, url) = (processes(&system).await, system.front_door("postgres").unwrap());
    assert_eq!(processes.len(), STORED_NAMES.len());
    Postgres.ping(&url, ANSWERED).await.unwrap();
    driver.kill();
    if ends_with_its_lab(&record) {
        until_gone(&processes).await;
    }
    registry().clean(&the_leftover(&bench).await.record).await.unwrap();
    until_gone(&processes).await;
    Postgres.ping(&url, ANSWERED).await.unwrap_err();
    assert!(bench.records().is_empty());
}
