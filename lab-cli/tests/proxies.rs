//! Proxies of the user's environment have no part in what the lab asks of its own instances.

mod common;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Lab, finish};

/// All spellings by which programs know proxies.
const VARIABLES: [&str; 6] = [
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
];

/// A proxy that answers nonsense, and counts who came.
struct Proxy {
    url: String,
    came: Arc<AtomicUsize>,
}

impl Proxy {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let came = Arc::new(AtomicUsize::new(0));
        let count = came.clone();
        std::thread::spawn(move || {
            for mut socket in listener.incoming().map_while(Result::ok) {
                count.fetch_add(1, Ordering::SeqCst);
                let _ = socket.read(&mut [0; 1024]);
                let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nnonsense");
            }
        });
        Self { url, came }
    }

    /// Tells a command to use it, for every address.
    fn around(&self, mut command: Command) -> Command {
        for variable in VARIABLES {
            command.env(variable, &self.url);
        }
        command
            .env("no_proxy", "")
            .env("NO_PROXY", "")
            .env_remove("REQUEST_METHOD");
        command
    }

    #[track_caller]
    fn assert_nobody_came(&self) {
        assert_eq!(self.came.load(Ordering::SeqCst), 0, "somebody asked the proxy");
    }
}

#[test]
fn a_proxy_changes_no_verdict() {
    let proxy = Proxy::new();
    let lab = Lab::new();
    // Histories of clients, probes, readings at rest, stories, settling: everything that the engine asks.
    for scenario in ["overdraft", "saga"] {
        let run = ["run", scenario, "--quick", "--yes", "--ui", "plain", "--seed", "1"];
        let with = finish(proxy.around(lab.command(run)));
        proxy.assert_nobody_came();
        let report = lab.say("report last --format json").code(0).json();
        assert_eq!((with.code, &report["verdict"]), (Some(0), &"pass".into()), "{with:?}");
    }
}

#[test]
fn a_proxy_reaches_no_system_that_is_up_and_nobody_who_watches_it() {
    let proxy = Proxy::new();
    let lab = Lab::new();
    for arguments in [
        "up shop --scale gateway=2",
        "scale gateway=3",
        "restart gateway-1",
        "watch --ui plain --for 1",
        "ps --json",
        "doctor --json",
        "down",
    ] {
        let said = finish(proxy.around(lab.command(arguments.split(' '))));
        said.code(0);
        proxy.assert_nobody_came();
    }
}

#[test]
fn what_is_watched_at_an_address_is_asked_directly() {
    let (proxy, target) = (Proxy::new(), Proxy::new());
    let lab = Lab::new();
    let address = target.url.replace("127.0.0.1", "localhost");
    let said = finish(proxy.around(lab.command(["watch", &address, "--ui", "plain", "--for", "1"])));
    // It answers nonsense, but it is the one that was asked.
    said.code(2);
    proxy.assert_nobody_came();
    assert!(target.came.load(Ordering::SeqCst) > 0);
}
