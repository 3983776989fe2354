//! Services with more connections than they can take at once: no file descriptors are left, or nobody accepts.

mod common;

use std::io::Write;
use std::net::{SocketAddr, TcpStream};

use common::http::get;
use common::service::Service;
use common::{PATIENCE, skip};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use tempfile::tempdir;

#[test]
fn idle_connections_make_room_when_descriptors_run_out() {
    const DESCRIPTORS: u64 = 64;
    for (name, health) in [("balancer", "/_balancer/health"), ("users", "/health")] {
        let folder = tempdir().unwrap();
        let service = Service::start(name, folder.path(), &[]);
        service.limit_descriptors(DESCRIPTORS);
        let idle: Vec<TcpStream> = (0..3 * DESCRIPTORS)
            .map(|number| {
                let mut stream = TcpStream::connect(("127.0.0.1", service.port)).unwrap();
                if number % 2 == 0 {
                    // It may be closed by now.
                    let _ = stream.write_all(b"GET /health HTTP/1.1\r\nx-half");
                }
                stream
            })
            .collect();
        for _ in 0..3 {
            assert_eq!(get(service.port, health).status, 200, "{name}");
        }
        let complaints = service
            .log()
            .iter()
            .filter(|line| {
                line["message"]
                    .as_str()
                    .is_some_and(|text| text.contains("not accepted"))
            })
            .count();
        assert!((1..=2).contains(&complaints), "{name}: {complaints} lines");
        drop(idle);
    }
}

/// So many connections wait at once; more than what a service is content with that asks for nothing.
const WAITING: usize = 2_000;
/// Descriptors that the test has besides.
const SPARED: u64 = 100;

/// Lets this process hold so many connections, where the system allows it.
fn may_hold(connections: usize) -> bool {
    let limit = getrlimit(Resource::Nofile);
    let wanted = connections as u64 + SPARED;
    limit.current.is_none_or(|current| current >= wanted)
        || setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(wanted),
                ..limit
            },
        )
        .is_ok()
}

#[test]
fn thousands_may_wait_until_they_are_accepted() {
    let allowed = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap_or_default();
    if allowed.trim().parse().unwrap_or(0) < WAITING || !may_hold(WAITING) {
        return skip(format_args!("{WAITING} connections may not wait here"));
    }
    let folder = tempdir().unwrap();
    for (name, health) in [("users", "/health"), ("balancer", "/_balancer/health")] {
        let service = Service::start(name, folder.path(), &[]);
        let address = SocketAddr::from(([127, 0, 0, 1], service.port));
        service.signal(Signal::STOP);
        // The system itself takes them, as long as there is room; where there is none, it does not answer.
        let waiting: Vec<TcpStream> = (0..WAITING)
            .map_while(|_| TcpStream::connect_timeout(&address, PATIENCE / 10).ok())
            .collect();
        assert_eq!(waiting.len(), WAITING, "{name}: so many may wait");
        drop(waiting);
        service.signal(Signal::CONT);
        assert_eq!(get(service.port, health).status, 200, "{name}");
    }
}
