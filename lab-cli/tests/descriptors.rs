//! Services that have no file descriptors left.

mod common;

use std::io::Write;
use std::net::TcpStream;

use common::http::get;
use common::service::Service;
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
