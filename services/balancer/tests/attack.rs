//! Broken and hostile bytes, from clients and from instances: the balancer lives, stays in step, and keeps its head.

mod common;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, Once};

use attack::Attack;
use balancer::{HEAD_TIMEOUT_MS, IDLE_TIMEOUT_MS, STALL_TIMEOUT_MS};
use common::Front;
use common::answers::check_answers;
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Mutations of each kind, in CI.
const INPUTS: u64 = 5_000;
/// Inputs that are under way at once; then it is seen whether all is as it was.
const BATCH: usize = 64;
/// How much more memory than after the first batches may be in use at the end, in KiB.
const GROWTH_KIB_MAX: u64 = 200 << 10;
/// Inputs that end inside a message are given up soon. Instances are not: on a busy machine a good one may be late.
const LIMITS: [(&str, &str); 3] = [
    (IDLE_TIMEOUT_MS, "100"),
    (HEAD_TIMEOUT_MS, "100"),
    (STALL_TIMEOUT_MS, "100"),
];

/// Panics of all threads, which a runtime swallows.
fn panics() -> usize {
    static HOOK: Once = Once::new();
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    HOOK.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.fetch_add(1, Relaxed);
            print(info);
        }));
    });
    PANICS.load(Relaxed)
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix("kB").unwrap().trim().parse().unwrap()
}

/// An instance that reads as the balancer should have written, answers each request with its target, and keeps what it cannot make
/// sense of.
struct Recorder {
    url: String,
    wrong: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let wrong = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&wrong);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(record(stream, Arc::clone(&kept)));
            }
        });
        Self { url, wrong }
    }

    fn wrong(&self) -> Vec<String> {
        std::mem::take(&mut self.wrong.lock().unwrap())
    }
}

async fn record(mut stream: TcpStream, wrong: Arc<Mutex<Vec<String>>>) {
    let mut bytes = Vec::new();
    loop {
        match common::answers::request(&bytes) {
            Err(why) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                wrong.lock().unwrap().push(format!("{why}: {text}"));
                return;
            }
            Ok(Some((target, length))) => {
                bytes.drain(..length);
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{target}", target.len());
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
            Ok(None) => {
                if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                    return;
                }
            }
        }
    }
}

/// Sends `input`, with a request behind it that ends the connection, and reads what comes.
async fn throw(address: SocketAddr, input: &[u8]) -> Result<Vec<u8>, String> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let end = b"GET /end HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let mut answers = Vec::new();
    let (mut read, mut write) = stream.split();
    let exchange = async {
        // It may refuse to read on, or close in either way.
        let write = async {
            let _ = write.write_all(input).await;
            let _ = write.write_all(end).await;
        };
        let _ = tokio::join!(write, read.read_to_end(&mut answers));
    };
    let ended = tokio::time::timeout(attack::PATIENCE, exchange).await;
    ended.map_err(|_| "neither an answer nor the end of the connection".to_owned())?;
    Ok(answers)
}

/// A request of a client that does nothing wrong: its answer must be its own.
async fn mark(front: &Front, target: &str, expected: &str) -> Result<(), String> {
    let mut client = front.client().await;
    client.get(target).await;
    let (head, body) = client.answer().await;
    let body = String::from_utf8_lossy(&body).into_owned();
    match head.starts_with("http/1.1 200 ") && body == expected {
        true => Ok(()),
        false => Err(format!("the answer to {target} is {head} {body}")),
    }
}

fn attack(name: &str) -> Attack {
    let attack = Attack::new(name, env!("CARGO_MANIFEST_DIR"));
    [
        "\r\n",
        "\n",
        "\r",
        "\0",
        " ",
        "\t",
        ":",
        ",",
        ";",
        "\r\n\r\n",
        "0\r\n\r\n",
        "HTTP/1.0",
        "HTTP/0.9",
        "HTTP/2.0",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "transfer-encoding: \x0bchunked\r\n",
        "Content-Length: 0\r\n",
        "Content-Length: 5\r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Content-Length: 1, 1\r\n",
        "Connection: close\r\n",
        "Connection: content-length, host, via\r\n",
        "Host: b\r\n",
        "Expect: 100-continue\r\n",
        "Upgrade: h2c\r\n",
        "Trailer: via\r\n",
        "TE: trailers\r\n",
        "Via: 1.1 balancer\r\n",
        "ffffffffffffffff\r\n",
        "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    ]
    .into_iter()
    .fold(attack, Attack::word)
}

#[tokio::test]
async fn attack_request_bytes() {
    let recorder = Recorder::start().await;
    let front = Front::start(&format!("a={}", recorder.url), &LIMITS).await;
    let attack = [
        "GET /a?b=c HTTP/1.1\r\nhost: shop\r\nx: y\r\n\r\n",
        "GET /a HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
        "GET http://b:80/x HTTP/1.1\r\nhost: a\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nhost: a\r\nmax-forwards: 1\r\n\r\n",
        "POST /b HTTP/1.1\r\nhost: a\r\ncontent-length: 11\r\nexpect: 100-continue\r\n\r\nhello world",
        "PUT /c HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n5;a=b\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n",
        "POST /d HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n1\r\nZ\r\n0\r\n\r\n",
        "POST /e HTTP/1.1\r\nhost: a\r\ncontent-length: 44\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: x\r\nvia: 1.1 e\r\n\r\nGET /f HTTP/1.1\r\nhost: a\r\n\r\n",
        "PUT /_balancer/policy HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 24\r\n\r\n{\"policy\":\"round_robin\"}\n",
    ]
    .into_iter()
    .fold(attack("request_bytes"), Attack::input);
    let mut number = 0;
    run(
        &attack,
        async |input| check_answers(&throw(front.address, input).await?, false),
        async || {
            number += 1;
            let target = format!("/marker/{number}");
            mark(&front, &target, &target).await?;
            match &recorder.wrong()[..] {
                [] => Ok(()),
                wrong => Err(format!("the instance got {wrong:#?}")),
            }
        },
    )
    .await;
}

#[tokio::test]
async fn attack_answer_bytes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let front = Front::start(&format!("a=http://{}", listener.local_addr().unwrap()), &LIMITS).await;
    let next = Arc::new(Mutex::new(Vec::<Vec<u8>>::new()));
    tokio::spawn(answer_with(listener, Arc::clone(&next)));
    let attack = [
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx: y\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n5;a=b\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nuntil the end",
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nconnection: close, x\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nhi",
    ]
    .into_iter()
    .fold(attack("answer_bytes"), Attack::input);
    run(
        &attack,
        async |input| {
            next.lock().unwrap().push(input.to_vec());
            let to_head = input.len() % 4 == 0;
            let method = if to_head { "HEAD" } else { "GET" };
            let request = format!("{method} / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
            check_answers(&throw(front.address, request.as_bytes()).await?, to_head)
        },
        async || mark(&front, "/_balancer/health", "{\"status\":\"ok\"}").await,
    )
    .await;
}

/// Answers the first request of each connection with bytes that wait for it.
async fn answer_with(listener: TcpListener, next: Arc<Mutex<Vec<Vec<u8>>>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let next = Arc::clone(&next);
        tokio::spawn(async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.unwrap_or(0) > 0 {}
            let bytes = next.lock().unwrap().pop().unwrap_or_default();
            let _ = stream.write_all(&bytes).await;
        });
    }
}

/// Throws inputs, some at once. After each batch the balancer must be alive, in step and as large as before. Where it is not, the
/// batch's inputs are thrown one by one, and the one that does it is kept.
async fn run(
    attack: &Attack,
    throw: impl AsyncFn(&[u8]) -> Result<(), String>,
    mut look: impl AsyncFnMut() -> Result<(), String>,
) {
    let before = panics();
    let mut check = async |thrown: Vec<Result<(), String>>| {
        thrown.into_iter().collect::<Result<(), String>>()?;
        look().await?;
        match panics() == before {
            true => Ok(()),
            false => Err("something panicked".to_owned()),
        }
    };
    let mut inputs = attack.inputs(INPUTS);
    let mut at_first = None;
    loop {
        let batch: Vec<_> = inputs.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        let thrown = join_all(batch.iter().map(|input| throw(input))).await;
        if let Err(why) = check(thrown).await {
            for input in batch {
                let thrown = throw(&input).await;
                if let Err(why) = check(vec![thrown]).await {
                    panic!("{why}; the input is kept as {}", attack.keep(&input).display());
                }
            }
            panic!("{why}; no single input does it");
        }
        at_first.get_or_insert_with(resident_kib);
    }
    let grown = resident_kib().saturating_sub(at_first.unwrap_or_default());
    assert!(grown < GROWTH_KIB_MAX, "{grown} KiB more than at first");
}
