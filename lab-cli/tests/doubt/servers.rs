//! Servers that the user named are not the lab's instances, and a run rests on them all the same.

use std::net::TcpStream;

use rustix::process::Signal;

use crate::common::postgres::Postgres;
use crate::common::scenario::Tiny;
use crate::common::service::Service;
use crate::common::watched::{Watched, assert_told, assert_undecided};
use crate::common::{Lab, redis, until};
use crate::{STOP, tiny};

/// Long enough for a server to come back.
const RUN_S: f64 = 6.0;

fn with(server: &str) -> Tiny {
    let system =
        format!("entry = \"users\"\n[[system.service]]\nname = \"users\"\n[[system.service]]\nname = \"{server}\"");
    Tiny {
        duration_s: RUN_S,
        system: system.leak(),
        ..tiny()
    }
}

/// A server of the user's, in a folder of its own.
struct Own {
    name: &'static str,
    folder: tempfile::TempDir,
    server: Option<Service>,
    port: u16,
}

impl Own {
    fn start(name: &'static str) -> Self {
        let mut own = Self {
            name,
            folder: tempfile::tempdir().unwrap(),
            server: None,
            port: 0,
        };
        own.start_again();
        own
    }

    fn server(&self) -> &Service {
        self.server.as_ref().unwrap()
    }

    fn end(&mut self) {
        self.server = None;
    }

    /// Starts it again where it was.
    fn start_again(&mut self) {
        let path = std::env::var("PATH").unwrap();
        let server = Service::start_at(self.name, self.folder.path(), &[("PATH", &path)], self.port);
        self.port = server.port;
        // A program that takes the process over listens only after its port is told.
        until(&format!("{} answers", self.name), || {
            TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        });
        self.server = Some(server);
    }

    fn run<'a>(&self, lab: &'a Lab) -> Watched<'a> {
        let (variable, address) = match self.name {
            "redis" => ("REDIS_URL", format!("redis://127.0.0.1:{}", self.port)),
            _ => ("KAFKA_BROKERS", format!("127.0.0.1:{}", self.port)),
        };
        let scenario = with(self.name).write(lab.folder());
        let run = Watched::start_with(lab, &scenario, &[], &[(variable, &address)]);
        run.lines.event("sample");
        run
    }
}

/// Waits until a run tells that this became of a server.
#[track_caller]
fn until_told(run: &Watched<'_>, who: &str, what: &str) {
    while run.lines.disturbance_of(who)["kind"]["what"] != what {}
}

#[track_caller]
fn decides_nothing_when_started_again(mut own: Own) {
    let lab = Lab::new();
    let run = own.run(&lab);
    own.end();
    own.start_again();
    let who = format!("your {}", own.name);
    until_told(&run, &who, "restarted");
    let (report, code) = run.finish();
    assert_undecided(&report, code, &who);
    assert_told(&report, &format!("{who} was started again"));
    lab.assert_nothing_runs();
}

#[track_caller]
fn decides_nothing_when_stopped(own: &Own) {
    let lab = Lab::new();
    let run = own.run(&lab);
    own.server().signal(Signal::STOP);
    let who = format!("your {}", own.name);
    until_told(&run, &who, "stood_still");
    std::thread::sleep(STOP);
    own.server().signal(Signal::CONT);
    let (report, code) = run.finish();
    assert_undecided(&report, code, &format!("{who} stood still for"));
    // It is the same one as before.
    assert!(
        !report["disturbances"].to_string().contains("started again"),
        "{report:#}"
    );
    lab.assert_nothing_runs();
}

#[test]
fn a_redis_that_is_started_again_decides_nothing() {
    if redis::is_installed() {
        decides_nothing_when_started_again(Own::start("redis"));
    }
}

#[test]
fn a_redis_that_is_stopped_decides_nothing() {
    if redis::is_installed() {
        decides_nothing_when_stopped(&Own::start("redis"));
    }
}

#[test]
fn a_kafka_that_another_replaces_decides_nothing() {
    decides_nothing_when_started_again(Own::start("kafka"));
}

#[test]
fn a_kafka_that_is_stopped_decides_nothing() {
    decides_nothing_when_stopped(&Own::start("kafka"));
}

#[test]
fn a_kafka_that_goes_away_decides_nothing_and_is_not_waited_for() {
    let mut own = Own::start("kafka");
    let lab = Lab::new();
    let run = own.run(&lab);
    own.end();
    until_told(&run, "your kafka", "stood_still");
    let (report, code) = run.finish();
    assert_undecided(&report, code, "your kafka stood still for");
    lab.assert_nothing_runs();
}

#[test]
fn a_postgresql_that_is_started_again_decides_nothing() {
    let Some(postgres) = Postgres::start() else { return };
    let lab = Lab::new();
    let scenario = with("postgres").write(lab.folder());
    let url = postgres.database("of_the_user");
    let run = Watched::start_with(&lab, &scenario, &[], &[("POSTGRES_URL", &url)]);
    run.lines.event("sample");
    postgres.restart();
    until_told(&run, "your postgres", "restarted");
    let (report, code) = run.finish();
    assert_undecided(&report, code, "your postgres");
    assert_told(&report, "your postgres was started again");
    lab.assert_nothing_runs();
}
