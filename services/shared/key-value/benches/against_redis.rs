//! How fast the built-in server is, as a share of what a real Redis does on the same machine in the same run.
//!
//! `redis-benchmark` asks both, one after the other, and as often as is said here.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use chassis::Shutdown;
use store::testing::RedisServer;

const REQUESTS: &str = "100000";
const TESTS: &str = "set,get,incr,lpush,lpop,sadd,hset,zadd,lrange_100,mset";
/// Commands that are sent together.
const TOGETHER: [&str; 2] = ["1", "16"];

fn main() {
    let Some(real) = RedisServer::start() else { return };
    let (built_in, real) = (built_in(), real_address(&real));
    for together in TOGETHER {
        println!("{together} together: built-in, Redis (requests a second), and their ratio");
        let (ours, theirs) = (measure(built_in, together), measure(real, together));
        assert_eq!(ours.len(), theirs.len(), "redis-benchmark finds every command on both");
        for ((name, ours), (_, theirs)) in ours.iter().zip(&theirs) {
            println!("{name:60} {ours:10.0} {theirs:10.0} {:6.2}", ours / theirs);
        }
    }
}

fn real_address(real: &RedisServer) -> SocketAddr {
    let url = real.url();
    url.trim_start_matches("redis://").parse().expect("it is an address")
}

fn built_in() -> SocketAddr {
    let (told, address) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
            told.send(listener.local_addr().expect("an address"))
                .expect("it is waited for");
            key_value::run(listener, &Shutdown::never()).await.expect("it serves");
        });
    });
    address.recv().expect("it listens")
}

/// What each of the tests came to.
fn measure(address: SocketAddr, together: &str) -> Vec<(String, f64)> {
    let output = Command::new("redis-benchmark")
        .args(["-h", "127.0.0.1", "-p", &address.port().to_string()])
        .args(["-n", REQUESTS, "-t", TESTS, "-P", together, "-q", "--csv"])
        .output()
        .expect("redis-benchmark is installed along with Redis");
    let text = String::from_utf8_lossy(&output.stdout);
    let rows = text
        .lines()
        .map(|line| line.split("\",\"").map(|cell| cell.trim_matches('"').to_owned()));
    rows.filter_map(|mut cells| Some((cells.next()?, cells.next()?.parse().ok()?)))
        .collect()
}
