//! Both ends of the balancer in one hand: a test writes and reads as the client and as the instance, in lockstep, so that what it
//! proves does not hang on timing.

#![allow(dead_code)] // Each test program uses a part of it.

pub mod answers;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use balancer::{Balancer, Config};
use chassis::{Shutdown, ShutdownTrigger};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Far above what any step takes; a test that waits for ever fails with this instead.
const STEP_MAX: Duration = Duration::from_secs(20);

/// Fails the test when `step` takes for ever.
pub async fn within<T>(what: &str, step: impl Future<Output = T>) -> T {
    match tokio::time::timeout(STEP_MAX, step).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain: {what}"),
    }
}

/// A running balancer.
pub struct Front {
    pub address: SocketAddr,
    trigger: ShutdownTrigger,
    task: JoinHandle<usize>,
}

impl Front {
    /// Starts one with `UPSTREAMS` and further variables.
    pub async fn start(upstreams: &str, variables: &[(&str, &str)]) -> Self {
        let listed = [(balancer::UPSTREAMS, upstreams)];
        let environment = variables.iter().copied().chain(listed).collect();
        let config = Config::read(&environment).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let balancer = Arc::new(Balancer::new(&config, "balancer-1").unwrap());
        let (trigger, shutdown) = Shutdown::new();
        let task = tokio::spawn(async move { balancer::run(balancer, listener, &shutdown).await });
        Self { address, trigger, task }
    }

    /// One that has a single scripted instance named `a`.
    pub async fn before(instance: &Instance) -> Self {
        Self::start(&format!("a={}", instance.url()), &[]).await
    }

    pub async fn client(&self) -> Peer {
        Peer(BufReader::new(TcpStream::connect(self.address).await.unwrap()))
    }

    /// Tells it to stop; `ended` waits until it has.
    pub fn stop(&self) {
        self.trigger.request();
    }

    /// The number of clients that were cut off.
    pub async fn ended(self) -> usize {
        within("the balancer to end", self.task).await.unwrap()
    }

    /// One request on a connection of its own: status and JSON body.
    pub async fn call(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let mut client = self.client().await;
        let length = body.len();
        client
            .send(format!(
                "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
            ))
            .await;
        let (head, body) = client.answer().await;
        (status(&head), serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// The entry of instance `name` in the list.
    pub async fn upstream(&self, name: &str) -> Value {
        let (status, list) = self.call("GET", "/_balancer/upstreams", "").await;
        assert_eq!(status, 200);
        let list = list.as_array().unwrap().clone();
        list.into_iter().find(|upstream| upstream["name"] == name).unwrap()
    }
}

/// An instance whose every byte the test writes itself.
pub struct Instance(TcpListener);

impl Instance {
    pub async fn listen() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    /// The next connection from the balancer.
    pub async fn accept(&self) -> Peer {
        let (stream, _) = within("a connection from the balancer", self.0.accept()).await.unwrap();
        Peer(BufReader::new(stream))
    }
}

/// An instance that answers every request without a body by itself: its name in `x-instance`, the path as the body.
pub struct Echo {
    pub url: String,
    connections: Arc<AtomicUsize>,
}

impl Echo {
    pub async fn start(name: &'static str) -> Self {
        let instance = Instance::listen().await;
        let url = instance.url();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = instance.0.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(echo(name, Peer(BufReader::new(stream))));
            }
        });
        Self { url, connections }
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

async fn echo(name: &str, mut peer: Peer) {
    while let Some(head) = peer.next_head().await {
        let path = head.split(' ').nth(1).unwrap();
        let length = path.len();
        let answer = format!("HTTP/1.1 200 OK\r\nx-instance: {name}\r\ncontent-length: {length}\r\n\r\n{path}");
        if peer.0.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// One end of a connection, read and written by hand.
pub struct Peer(BufReader<TcpStream>);

impl Peer {
    pub async fn send(&mut self, text: impl AsRef<[u8]>) {
        within("the other end to read", self.0.write_all(text.as_ref()))
            .await
            .unwrap();
    }

    /// The next head in lower case, without its empty line.
    pub async fn head(&mut self) -> String {
        within("a head", self.next_head()).await.expect("a head before the end")
    }

    async fn next_head(&mut self) -> Option<String> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            // Both "closed" and "reset" are the end.
            if self.0.read_line(&mut head).await.unwrap_or(0) == 0 {
                assert_eq!(head, "", "the connection ended inside a head");
                return None;
            }
        }
        head.truncate(head.len() - 2);
        Some(head.to_ascii_lowercase())
    }

    pub async fn exact(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        within("bytes", self.0.read_exact(&mut bytes)).await.unwrap();
        bytes
    }

    /// The next chunk of a chunked body; empty at its end.
    pub async fn chunk(&mut self) -> String {
        let mut size = String::new();
        within("a chunk", self.0.read_line(&mut size)).await.unwrap();
        let length = usize::from_str_radix(size.trim(), 16).unwrap();
        let mut bytes = self.exact(length + 2).await;
        bytes.truncate(length);
        String::from_utf8(bytes).unwrap()
    }

    /// The next answer that states its length.
    pub async fn answer(&mut self) -> (String, Vec<u8>) {
        let head = self.head().await;
        let length = field(&head, "content-length").map_or(0, |length| length.parse().unwrap());
        let body = self.exact(length).await;
        (head, body)
    }

    /// What comes until the other end closes or resets.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = within("the end of the connection", self.0.read_to_end(&mut bytes)).await;
        bytes
    }

    pub async fn get(&mut self, path: &str) {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: shop\r\n\r\n")).await;
    }

    pub async fn ok(&mut self, body: &str) {
        let length = body.len();
        self.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}"))
            .await;
    }

    pub fn into_halves(self) -> (tokio::net::tcp::OwnedReadHalf, tokio::net::tcp::OwnedWriteHalf) {
        assert!(self.0.buffer().is_empty());
        self.0.into_inner().into_split()
    }
}

pub fn status(head: &str) -> u16 {
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

/// The value of a field, if the head has it; several are joined.
pub fn field(head: &str, name: &str) -> Option<String> {
    let values: Vec<_> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value.trim())
        .collect();
    (!values.is_empty()).then(|| values.join("|"))
}

/// A balancer, its instance, its client, and the instance's end of a connection on which the head of this request was read.
pub async fn asked(request: &str) -> (Front, Instance, Peer, Peer) {
    let instance = Instance::listen().await;
    let front = Front::before(&instance).await;
    let mut client = front.client().await;
    client.send(request).await;
    let mut peer = instance.accept().await;
    peer.head().await;
    (front, instance, client, peer)
}

/// The same, of a plain GET.
pub async fn asked_for(path: &str) -> (Front, Instance, Peer, Peer) {
    asked(&format!("GET {path} HTTP/1.1\r\nhost: shop\r\n\r\n")).await
}
