//! Helps to test what needs a Redis: a real server of the test's own.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// Tries to find a port that is still free when the server takes it.
const TRIES: u32 = 5;

/// A running `redis-server` on a port of 127.0.0.1, with nothing on disk; killed when dropped.
#[derive(Debug)]
pub struct RedisServer {
    child: Child,
    port: u16,
}

impl RedisServer {
    /// Starts one, or says loudly that there is none.
    ///
    /// # Panics
    /// When it is not installed although all tests are required, or does not start.
    #[must_use]
    #[track_caller]
    pub fn start() -> Option<Self> {
        if let Err(error) = Command::new("redis-server")
            .arg("--version")
            .stdout(Stdio::null())
            .status()
        {
            testing::skip(format_args!(
                "redis-server cannot be run ({error}): apt-get install redis-server"
            ));
            return None;
        }
        let started = (0..TRIES).find_map(|_| {
            let port = free_port();
            launch(port).map(|child| Self { child, port })
        });
        Some(started.expect("redis-server starts on a free port"))
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it at once; all that it knew is gone.
    pub fn kill(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again, empty, on the same port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&mut self) {
        self.kill();
        self.child = launch(self.port).expect("redis-server starts again on its port");
    }

    /// Stops it without ending it: connections stay, and nothing is answered.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the server is a child of this process");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there is a free port");
    listener.local_addr().expect("a bound listener has an address").port()
}

/// `None` when it ended instead of listening.
fn launch(port: u16) -> Option<Child> {
    let mut child = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server can be run");
    let output = child.stdout.as_mut().expect("its output was asked for");
    let listening = BufReader::new(output)
        .lines()
        .map_while(Result::ok)
        .any(|line| line.contains("Ready to accept connections"));
    if listening {
        return Some(child);
    }
    let _ = child.wait();
    None
}
