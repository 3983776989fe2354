//! The contract of every service, as a process: `lab serve NAME`.

mod bodies;
#[path = "../common/mod.rs"]
mod common;
mod framing;
mod storage;
mod tokens;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use common::http::{get, get_with, post_with, receive, send};
use common::service::{Service, refused};
use common::until;
use contract::Program;
use contract::routes::ROUTES;
use rustix::process::Signal;
use tempfile::tempdir;

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT: (&str, &str) = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");

/// The names of all services.
fn services() -> impl Iterator<Item = &'static str> {
    let services = Program::ALL.into_iter().filter(|program| program.is_service());
    services.map(Program::as_str)
}

#[test]
fn every_service_listens_says_so_answers_and_ends_when_told() {
    for name in services() {
        let folder = tempdir().unwrap();
        let mut service = Service::start(name, folder.path(), &[("INSTANCE", "one-of-them")]);
        for (path, is_json) in [("/health", true), ("/ready", true), ("/metrics", false)] {
            let answer = get(service.port, path);
            assert_eq!(answer.status, 200, "{name} {path}: {answer:?}");
            assert_eq!(answer.headers["x-instance"], "one-of-them");
            if is_json {
                answer.json();
            } else {
                assert!(
                    answer.body.contains("# TYPE http_requests_total counter"),
                    "{}",
                    answer.body
                );
                assert!(answer.headers["content-type"].starts_with("text/plain; version=0.0.4"));
            }
        }
        let nowhere = get(service.port, "/nowhere");
        assert_eq!(
            (nowhere.status, nowhere.headers["content-type"].as_str()),
            (404, "application/problem+json")
        );
        for route in ROUTES
            .iter()
            .filter(|route| route.of.as_str() == name && route.only.is_empty())
        {
            let answer = receive(send(service.port, "PATCH", &route.path.replace(['{', '}'], ""), &[], "").unwrap());
            let allowed: BTreeSet<&str> = answer.headers["allow"]
                .split(',')
                .filter(|method| *method != "HEAD")
                .collect();
            let declared: BTreeSet<&str> = route.methods.iter().copied().collect();
            assert_eq!((answer.status, allowed), (405, declared), "{name} {}", route.path);
        }
        service.signal(Signal::TERM);
        assert_eq!(service.wait().code(), Some(0), "{name}: {:?}", service.log());
        for line in service.log() {
            for field in ["timestamp", "level", "target", "message"] {
                assert!(line[field].is_string(), "{name}: no {field} in {line}");
            }
            assert_eq!(
                (&line["service"], &line["instance"]),
                (&name.into(), &"one-of-them".into())
            );
        }
        let listening = service
            .log()
            .iter()
            .filter(|line| line["message"] == "listening")
            .count();
        assert_eq!(listening, 1);
    }
}

#[test]
fn the_balancer_keeps_the_same_contract_under_its_own_paths() {
    let folder = tempdir().unwrap();
    let users = Service::start("users", folder.path(), &[]);
    let mut empty = Service::start("balancer", folder.path(), &[]);
    assert_eq!(get(empty.port, "/_balancer/health").status, 200);
    assert_eq!(get(empty.port, "/_balancer/ready").status, 503, "nobody to send to");
    assert_eq!(get(empty.port, "/users").status, 503);
    empty.signal(Signal::TERM);
    assert_eq!(empty.wait().code(), Some(0));

    let upstreams = format!("users-1={}", users.url());
    let mut balancer = Service::start(
        "balancer",
        folder.path(),
        &[("UPSTREAMS", &upstreams), ("INSTANCE", "door")],
    );
    for path in ["/_balancer/health", "/_balancer/ready", "/_balancer/metrics"] {
        let answer = get(balancer.port, path);
        assert_eq!(
            (answer.status, answer.headers["x-instance"].as_str()),
            (200, "door"),
            "{path}"
        );
    }
    let answer = get(balancer.port, "/users/1");
    assert_eq!((answer.status, answer.headers["x-instance"].as_str()), (200, "users-1"));
    assert_eq!(answer.json()["id"], 1);
    balancer.signal(Signal::TERM);
    assert_eq!(balancer.wait().code(), Some(0));
}

#[test]
fn a_request_in_flight_is_finished_before_the_end() {
    let folder = tempdir().unwrap();
    let work = [("WORK_WAIT_MS", "300"), ("WORK_DISTRIBUTION", "constant")];
    for signal in [Signal::TERM, Signal::INT] {
        let mut service = Service::start("users", folder.path(), &work);
        let answer = send(service.port, "GET", "/users", &[], "").unwrap();
        until("the request is being worked on", || service.in_flight() >= 1.0);
        service.signal(signal);
        assert_eq!(receive(answer).status, 200, "{signal:?}");
        assert_eq!(service.wait().code(), Some(0));
    }
}

#[test]
fn a_request_that_never_finishes_does_not_hold_up_the_end() {
    let folder = tempdir().unwrap();
    // Beyond the patience of every wait here: were it waited for, this test would fail.
    let mut waiting = Service::start(
        "users",
        folder.path(),
        &[("WORK_WAIT_MS", "600000"), ("WORK_DISTRIBUTION", "constant")],
    );
    let _answer = send(waiting.port, "GET", "/users", &[], "").unwrap();
    until("the request is being worked on", || waiting.in_flight() >= 1.0);
    waiting.signal(Signal::TERM);
    assert_eq!(waiting.wait().code(), Some(0));

    // An event loop that is busy does not look up; the process ends all the same.
    let mut burning = Service::start("gateway", folder.path(), &[]);
    let started = send(burning.port, "GET", "/api/blocking?ms=60000", &[], "").unwrap();
    until("the event loop is held", || {
        let mut probe = send(burning.port, "GET", "/health", &[], "").unwrap();
        probe
            .set_read_timeout(Some(std::time::Duration::from_millis(50)))
            .unwrap();
        std::io::Read::read(&mut probe, &mut [0]).is_err()
    });
    burning.signal(Signal::TERM);
    let status = burning.wait();
    assert!(status.code().is_some(), "it ended by itself: {status}");
    drop(started);
}

#[test]
fn wrong_settings_are_refused_by_name() {
    let folder = tempdir().unwrap();
    for name in services().chain(["balancer"]) {
        for (variable, value) in [
            ("PORT", "eighty"),
            ("PORT", "65536"),
            ("PORT", "-1"),
            ("HOST", "nowhere.example"),
            ("LOG_LEVEL", "loud"),
            ("WORKERS", "0"),
            ("WORK_WAIT_MS", "-1"),
            ("WORK_DISTRIBUTION", "normal"),
        ] {
            let said = refused(name, folder.path(), &[(variable, value)]).code(2);
            assert!(
                said.stderr.contains(variable) && said.stderr.contains(value),
                "{name}: {}",
                said.stderr
            );
        }
    }
    for name in ["orders", "gateway"] {
        refused(name, folder.path(), &[("USERS_URL", "not a url")])
            .code(2)
            .complains(&["USERS_URL", "not a url"]);
    }
    let said = refused("balancer", folder.path(), &[("POLICY", "fair")]);
    assert!(
        said.stderr.contains("POLICY") && said.stderr.contains("round_robin"),
        "{said:?}"
    );
    said.code(2);
    assert_eq!(common::files(folder.path()).len(), 0, "nothing was opened");
}

#[test]
fn a_taken_port_is_an_error_of_the_environment() {
    let folder = tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for name in services().chain(["balancer"]) {
        let said = refused(name, folder.path(), &[("PORT", &port)])
            .code(4)
            .complains(&[&port, "choose another PORT"]);
        assert!(!said.stdout.contains("listening"), "{}", said.stdout);
    }
}

#[test]
fn a_database_that_cannot_be_opened_is_named() {
    let folder = tempdir().unwrap();
    let said = refused(
        "users",
        folder.path(),
        &[("PORT", "0"), ("DATABASE_URL", "sqlite://no/such/folder/users.db")],
    );
    assert!(said.stderr.contains("database"), "{}", said.stderr);
    said.code(4);
    let said = refused(
        "users",
        folder.path(),
        &[("PORT", "0"), ("DATABASE_URL", "mysql://localhost/x")],
    );
    assert!(said.stderr.contains("sqlite"), "{}", said.stderr);
    assert!(matches!(said.code, Some(2 | 4)), "{said:?}");
}

/// Ids of the traces that a service's log lines belong to.
fn traces(service: &Service) -> Vec<String> {
    let log = service.log();
    let ids = log.iter().filter_map(|line| line["trace_id"].as_str());
    ids.map(str::to_owned).collect()
}

#[test]
fn a_failed_request_can_be_found_in_the_logs_of_all_that_it_passed() {
    let folder = tempdir().unwrap();
    let debug = ("LOG_LEVEL", "debug");
    // Nobody listens where the users should be.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let users_url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let inventory = Service::start("inventory", folder.path(), &[debug]);
    let orders = Service::start(
        "orders",
        folder.path(),
        &[debug, ("USERS_URL", &users_url), ("INVENTORY_URL", &inventory.url())],
    );
    let gateway = Service::start(
        "gateway",
        folder.path(),
        &[debug, ("USERS_URL", &users_url), ("ORDERS_URL", &orders.url())],
    );

    let answer = get_with(gateway.port, "/api/users", &[TRACEPARENT]);
    assert_eq!(
        (answer.status, &answer.json()["trace_id"]),
        (502, &TRACE_ID.into()),
        "{answer:?}"
    );
    until("the gateway has logged it", || {
        traces(&gateway).contains(&TRACE_ID.to_owned())
    });

    let order = r#"{"user_id": 1, "product_id": 1, "quantity": 1}"#;
    let answer = post_with(gateway.port, "/api/orders", &[TRACEPARENT], order);
    assert_eq!(
        (answer.status, &answer.json()["trace_id"]),
        (502, &TRACE_ID.into()),
        "{answer:?}"
    );
    until("the orders have logged it", || {
        traces(&orders).contains(&TRACE_ID.to_owned())
    });

    // Without a trace of the client's own, each request gets one.
    let answer = get(gateway.port, "/api/users");
    let own = answer.json()["trace_id"].as_str().unwrap().to_owned();
    assert!(own.len() == 32 && own != TRACE_ID, "{own}");
    until("the gateway has logged it", || traces(&gateway).contains(&own));
}

#[test]
fn a_trace_is_carried_to_the_called_service() {
    let folder = tempdir().unwrap();
    let users = TcpListener::bind("127.0.0.1:0").unwrap();
    let users_url = format!("http://{}", users.local_addr().unwrap());
    let called = std::thread::spawn(move || {
        let (mut stream, _) = users.accept().unwrap();
        let head: Vec<String> = BufReader::new(stream.try_clone().unwrap())
            .lines()
            .map(Result::unwrap)
            .take_while(|line| !line.is_empty())
            .collect();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n[]")
            .unwrap();
        head
    });
    let gateway = Service::start("gateway", folder.path(), &[("USERS_URL", &users_url)]);
    let answer = get_with(gateway.port, "/api/users?limit=3", &[TRACEPARENT]);
    assert_eq!((answer.status, answer.body.as_str()), (200, "[]"));
    let head = called.join().unwrap();
    assert_eq!(head[0], "GET /users?limit=3 HTTP/1.1");
    let carried: Vec<&str> = head
        .iter()
        .filter_map(|line| line.to_lowercase().starts_with("traceparent:").then_some(line.as_str()))
        .collect();
    assert_eq!(carried.len(), 1, "{head:?}");
    let parts: Vec<&str> = carried[0].split_once(": ").unwrap().1.split('-').collect();
    assert_eq!((parts[0], parts[1], parts[3]), ("00", TRACE_ID, "01"));
    assert!(
        parts[2].len() == 16 && parts[2] != "00f067aa0ba902b7",
        "a span of its own: {parts:?}"
    );
}

#[test]
fn a_balanced_request_keeps_its_trace() {
    let folder = tempdir().unwrap();
    let users = Service::start("users", folder.path(), &[]);
    let upstreams = format!("users-1={}", users.url());
    let balancer = Service::start("balancer", folder.path(), &[("UPSTREAMS", &upstreams)]);
    let answer = get_with(balancer.port, "/users/999999", &[TRACEPARENT]);
    assert_eq!(
        (answer.status, &answer.json()["trace_id"]),
        (404, &TRACE_ID.into()),
        "{answer:?}"
    );
}

/// A gateway behind a balancer, both with what is given.
fn gateway_behind_a_balancer(folder: &std::path::Path, environment: &[(&str, &str)]) -> (Service, Service) {
    let gateway = Service::start("gateway", folder, environment);
    let upstreams = format!("gateway-1={}", gateway.url());
    let balancer = Service::start("balancer", folder, &[("UPSTREAMS", &upstreams)]);
    (gateway, balancer)
}

#[test]
fn a_client_does_not_choose_for_whom_the_limit_counts() {
    let folder = tempdir().unwrap();
    let (gateway, balancer) = gateway_behind_a_balancer(folder.path(), &[]);
    let statuses: Vec<u16> = (0..8)
        .map(|count| {
            let reported = format!("10.0.0.{count}");
            let headers = [
                ("x-forwarded-for", reported.as_str()),
                ("x-real-ip", reported.as_str()),
                ("forwarded", "for=10.0.0.9"),
            ];
            let port = if count % 2 == 0 { balancer.port } else { gateway.port };
            get_with(port, "/api/limited", &headers).status
        })
        .collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429, 429]);
}

#[test]
fn a_balancer_that_is_trusted_tells_clients_apart_and_they_cannot_lie() {
    let folder = tempdir().unwrap();
    let (_gateway, balancer) = gateway_behind_a_balancer(folder.path(), &[("TRUSTED_PROXIES", "127.0.0.1/32")]);
    // Clients with addresses of their own, which all of 127.0.0.0/8 are on Linux.
    let ask = |client: [u8; 4], reported: &str| {
        let socket =
            rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM, None).unwrap();
        rustix::net::bind(&socket, &std::net::SocketAddr::from((client, 0))).unwrap();
        let balancer = std::net::SocketAddr::from(([127, 0, 0, 1], balancer.port));
        rustix::net::connect(&socket, &balancer).unwrap();
        let mut stream = std::net::TcpStream::from(socket);
        let request =
            format!("GET /api/limited HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-forwarded-for: {reported}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        receive(stream)
    };
    for count in 0..5 {
        let answer = ask([127, 0, 0, 2], &format!("10.0.0.{count}"));
        assert_eq!((answer.status, &answer.json()["client"]), (200, &"127.0.0.2".into()));
    }
    assert_eq!(ask([127, 0, 0, 2], "10.0.0.99").status, 429);
    assert_eq!(ask([127, 0, 0, 3], "127.0.0.2").status, 200);
}

#[test]
fn a_trace_with_its_state_goes_through_the_balancer_and_the_gateway_to_what_they_call() {
    let folder = tempdir().unwrap();
    let users = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", users.local_addr().unwrap());
    let (_gateway, balancer) = gateway_behind_a_balancer(folder.path(), &[("USERS_URL", &url)]);
    let headers = [TRACEPARENT, ("tracestate", "foo=1 , bar=2"), ("TraceState", "baz=3")];
    let answer = send(balancer.port, "GET", "/api/users/1", &headers, "").unwrap();
    let (mut called, _) = users.accept().unwrap();
    let head: Vec<String> = BufReader::new(&called)
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    called
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        .unwrap();
    assert_eq!(receive(answer).status, 200);
    let values = |name: &str| -> Vec<&str> {
        let lines = head.iter().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    };
    assert_eq!(values("tracestate"), ["foo=1,bar=2,baz=3"]);
    let [parent] = values("traceparent")[..] else {
        panic!("{head:?}")
    };
    assert!(
        parent.starts_with(&format!("00-{TRACE_ID}-")) && parent != TRACEPARENT.1,
        "{parent}"
    );
}

#[test]
fn a_gateway_warns_once_that_its_tokens_are_signed_with_a_known_secret() {
    let folder = tempdir().unwrap();
    for (environment, warnings) in [(&[][..], 1), (&[("JWT_SECRET", "of my own")], 0)] {
        let mut gateway = Service::start("gateway", folder.path(), environment);
        for account in ["admin", "customer"] {
            let body = format!(r#"{{"username":"{account}","password":"{account}"}}"#);
            let json = [("content-type", "application/json")];
            assert_eq!(post_with(gateway.port, "/api/login", &json, &body).status, 200);
        }
        gateway.signal(Signal::TERM);
        gateway.wait();
        let log = gateway.log();
        let about =
            |line: &&serde_json::Value| line["message"].as_str().is_some_and(|text| text.contains("JWT_SECRET"));
        assert_eq!(log.iter().filter(about).count(), warnings, "{log:?}");
        assert!(!format!("{log:?}").contains("of my own"));
    }
}

#[test]
fn passwords_are_not_told_when_a_setting_is_refused() {
    let folder = tempdir().unwrap();
    for (service, variable, value) in [
        ("gateway", "USERS_URL", "http://u:s3cret@127.0.0.1:1"),
        ("gateway", "USERS_URL", "http://u:s3cret@127.0.0.1:bad"),
        ("gateway", "REDIS_URL", "http://u:s3cret@127.0.0.1"),
        ("users", "DATABASE_URL", "mysql://u:s3cret@127.0.0.1/db"),
        ("users", "DATABASE_URL", "postgres://u:s3cret@127.0.0.1:1/db"),
        ("users", "DATABASE_URL", "postgres://u@127.0.0.1:bad/db?password=s3cret"),
        ("orders", "KAFKA_BROKERS", "u:s3cret@127.0.0.1:1"),
        ("balancer", "UPSTREAMS", "a=http://u:s3cret@127.0.0.1:1"),
    ] {
        let said = refused(service, folder.path(), &[(variable, value), ("COUNT_IN", "redis")]);
        let all = format!("{said:?}");
        assert!(
            said.code != Some(0) && !all.contains("s3cret"),
            "{service} {variable}={value}: {all}"
        );
        assert!(all.contains("***"), "{service} {variable}={value}: {all}");
    }
}
