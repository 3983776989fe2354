//! A small HTTP server whose every misbehaviour a test can choose.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use load::{LoadPlan, Pace, Request, Running, Sample, Stream, Totals};
use url::Url;

/// What the server knows of the request that it is to answer.
pub struct Asked {
    /// Number of the request over all connections, from 1.
    pub number: usize,
    /// Number of the request on its connection, from 1.
    pub on_connection: usize,
    /// Its head.
    pub head: String,
    /// Length of its body.
    pub body_len: usize,
}

/// What it does about it.
pub enum Answer {
    /// Writes the bytes and waits for the next request.
    Keep(String),
    /// Writes the bytes and closes the connection.
    Close(String),
    /// Says nothing and keeps the connection open.
    Silence,
}

/// A server on a free port of 127.0.0.1; its threads end with the test process.
pub struct Server {
    pub url: Url,
    pub requests: Arc<AtomicUsize>,
    pub connections: Arc<AtomicUsize>,
}

impl Server {
    pub fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let (requests, connections) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let server = Self {
            url,
            requests: Arc::clone(&requests),
            connections: Arc::clone(&connections),
        };
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                connections.fetch_add(1, Ordering::SeqCst);
                let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
                std::thread::spawn(move || serve(socket, &*answer, &requests));
            }
        });
        server
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn serve(mut socket: TcpStream, answer: &dyn Fn(&Asked) -> Answer, requests: &AtomicUsize) {
    socket.set_nodelay(true).unwrap();
    let mut on_connection = 0;
    let mut silenced = Vec::new();
    while let Some((head, body_len)) = read_request(&mut socket) {
        on_connection += 1;
        let number = requests.fetch_add(1, Ordering::SeqCst) + 1;
        match answer(&Asked {
            number,
            on_connection,
            head,
            body_len,
        }) {
            Answer::Keep(text) => {
                if socket.write_all(text.as_bytes()).is_err() {
                    return;
                }
            }
            Answer::Close(text) => {
                let _ = socket.write_all(text.as_bytes());
                let _ = socket.shutdown(Shutdown::Both);
                return;
            }
            Answer::Silence => silenced.push(socket.try_clone()),
        }
    }
}

/// Head and length of the body of the next request; none at the end of the connection.
fn read_request(socket: &mut TcpStream) -> Option<(String, usize)> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |value| value.parse::<usize>().unwrap());
    let mut body = vec![0; length];
    socket.read_exact(&mut body).ok()?;
    Some((head, body.len()))
}

/// A whole answer with a status, further header lines (each ended) and a body.
pub fn answer(status: u16, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A stream of `GET /` of class `reads` with a long timeout.
pub fn stream(target: &Url, pace: Pace) -> Stream {
    Stream {
        class: "reads".into(),
        target: target.clone(),
        request: Request::get("/"),
        pace,
        timeout: Duration::from_secs(60),
        slow_over_ms: None,
        collect: None,
        seed: 1,
        start_s: 0.0,
    }
}

/// One user after another answer, `requests` times.
pub fn closed(connections: usize, requests: u64) -> Pace {
    Pace::Closed {
        connections,
        think_ms: 0.0,
        for_s: 600.0,
        requests_max: Some(requests),
    }
}

pub fn post(body: impl Into<String>) -> Request {
    Request {
        method: "POST".into(),
        body: Some(body.into()),
        ..Request::get("/")
    }
}

/// Runs a plan to its end and gives all samples and the sum.
pub fn run(plan: LoadPlan) -> (Vec<Sample>, Totals) {
    let mut running = load::start(plan).unwrap();
    let samples = drain(&mut running);
    (samples, running.join())
}

pub fn drain(running: &mut Running) -> Vec<Sample> {
    let mut samples = running.samples();
    std::iter::from_fn(|| samples.blocking_recv()).collect()
}

/// Runs one stream to its end.
pub fn run_one(stream: Stream) -> Totals {
    run(LoadPlan::new(vec![stream])).1
}
