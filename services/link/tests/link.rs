//! A whole link between sockets of this machine: what comes out of it, and when nothing does.

use std::io;
use std::time::Duration;

use chassis::Shutdown;
use contract::{LinkConditions, Passage, Program};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// The bound of every wait; far beyond what any of them needs.
const PATIENCE: Duration = Duration::from_secs(30);

/// A link in this process, to a callee that this test plays.
struct Bench {
    callee: TcpListener,
    port: u16,
    control: u16,
    _end: chassis::ShutdownTrigger,
    serving: JoinHandle<()>,
}

/// A port that is free now; another may take it the next moment.
async fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    listener.local_addr().unwrap().port()
}

impl Bench {
    async fn start(conditions: LinkConditions) -> Self {
        loop {
            if let Some(bench) = Self::try_start(conditions).await {
                return bench;
            }
        }
    }

    /// `None` where another has taken a port in between.
    async fn try_start(conditions: LinkConditions) -> Option<Self> {
        let callee = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (port, control) = (free_port().await, free_port().await);
        let instance = format!("link-{port}-{control}");
        let variables = [
            ("INSTANCE", instance.clone()),
            ("PORT", control.to_string()),
            ("LINK_PORT", port.to_string()),
            ("LINK_TO", callee.local_addr().unwrap().to_string()),
            ("LINK_CONDITIONS", serde_json::to_string(&conditions).unwrap()),
        ];
        let environment = variables.into_iter().collect();
        let mut settings = chassis::Settings::new(Program::Link, environment).unwrap();
        let (end, shutdown) = Shutdown::new();
        settings.shutdown = shutdown;
        let bench = Self {
            callee,
            port,
            control,
            _end: end,
            serving: tokio::spawn(async move { drop(link::serve(settings).await) }),
        };
        let started = Instant::now();
        loop {
            assert!(started.elapsed() < PATIENCE);
            if bench.serving.is_finished() {
                return None;
            }
            match bench.control("GET", "/health", "").await {
                Ok((_, body)) if body.contains(&instance) => return Some(bench),
                _ => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        }
    }

    /// One request to the control interface; the answer's first line and body.
    async fn control(&self, method: &str, path: &str, body: &str) -> io::Result<(String, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.control)).await?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: link\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let status = answer.lines().next().unwrap_or_default().to_owned();
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned();
        Ok((status, body))
    }

    async fn set(&self, conditions: LinkConditions) {
        let body = serde_json::to_string(&conditions).unwrap();
        let (status, _) = self.control("PUT", "/conditions", &body).await.unwrap();
        assert!(status.contains("200"), "{status}");
    }

    async fn call(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    async fn accept(&self) -> TcpStream {
        timeout(PATIENCE, self.callee.accept()).await.unwrap().unwrap().0
    }

    /// A connection and its other end.
    async fn pair(&self) -> (TcpStream, TcpStream) {
        let caller = self.call().await;
        (caller, self.accept().await)
    }

    async fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.control("GET", "/metrics", "").await.unwrap();
        let of_metric = text.lines().filter(|line| line.starts_with(name));
        of_metric
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            .sum()
    }
}

async fn read_exactly(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    timeout(PATIENCE, stream.read_exact(&mut bytes)).await.unwrap().unwrap();
    bytes
}

async fn read_to_end(mut stream: impl tokio::io::AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap()?;
    Ok(bytes)
}

/// Whether nothing comes. Not a race: what is held cannot come, however long this waits.
async fn is_silent(stream: &mut TcpStream) -> bool {
    timeout(Duration::from_millis(60), stream.read_u8()).await.is_err()
}

fn black_hole() -> LinkConditions {
    LinkConditions::of(Passage::BlackHole)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Both ways at once, whatever the conditions: every byte, in order, and the end of each way by itself.
    #[test]
    fn no_byte_is_lost_or_reordered(
        up in proptest::collection::vec(any::<u8>(), 0..100_000),
        down in proptest::collection::vec(any::<u8>(), 0..100_000),
        latency_ms in 0.0..20.0_f64,
        jitter_ms in 0.0..20.0_f64,
        loss in prop_oneof![Just(0.0), 0.0..0.02_f64],
        kib_per_s in proptest::option::of(2_000.0..100_000.0_f64),
    ) {
        let conditions = LinkConditions { latency_ms, jitter_ms, loss, kib_per_s, passage: Passage::Open };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::start(conditions).await;
            let (mut caller, mut callee) = bench.pair().await;
            let (from_caller, mut to_caller) = callee.split();
            let (from_callee, mut to_callee) = caller.split();
            let send_up = async {
                to_callee.write_all(&up).await.unwrap();
                to_callee.shutdown().await.unwrap();
            };
            let send_down = async {
                to_caller.write_all(&down).await.unwrap();
                to_caller.shutdown().await.unwrap();
            };
            let (came_up, came_down, (), ()) =
                tokio::join!(read_to_end(from_caller), read_to_end(from_callee), send_up, send_down);
            assert!(came_up.unwrap() == up && came_down.unwrap() == down);
        });
    }
}

#[tokio::test]
async fn half_of_a_connection_may_end_while_the_other_goes_on() {
    let bench = Bench::start(LinkConditions::default()).await;
    let (mut caller, mut callee) = bench.pair().await;
    caller.write_all(b"all of it").await.unwrap();
    caller.shutdown().await.unwrap();
    assert_eq!(read_exactly(&mut callee, 9).await, b"all of it");
    assert_eq!(
        callee.read(&mut [0; 1]).await.unwrap(),
        0,
        "the end of one way came through"
    );
    callee.write_all(b"thanks").await.unwrap();
    assert_eq!(read_exactly(&mut caller, 6).await, b"thanks");
    drop(callee);
    assert!(read_to_end(caller).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_slow_link_takes_its_time_each_way_and_for_the_handshake() {
    let slow = LinkConditions {
        latency_ms: 40.0,
        ..LinkConditions::default()
    };
    let bench = Bench::start(slow).await;
    let started = Instant::now();
    let (mut caller, mut callee) = bench.pair().await;
    assert!(
        started.elapsed() >= Duration::from_millis(80),
        "a handshake is a round trip"
    );
    let started = Instant::now();
    caller.write_all(b"?").await.unwrap();
    read_exactly(&mut callee, 1).await;
    assert!(started.elapsed() >= Duration::from_millis(40));
    callee.write_all(b"!").await.unwrap();
    read_exactly(&mut caller, 1).await;
    assert!(started.elapsed() >= Duration::from_millis(80));
    bench.set(LinkConditions::default()).await;
    let (_, shown) = bench.control("GET", "/conditions", "").await.unwrap();
    assert!(serde_json::from_str::<LinkConditions>(&shown).unwrap().is_plain());
}

#[tokio::test]
async fn a_narrow_link_lets_no_more_through_than_it_is_wide() {
    let narrow = LinkConditions {
        kib_per_s: Some(200.0),
        ..LinkConditions::default()
    };
    let bench = Bench::start(narrow).await;
    let (mut caller, mut callee) = bench.pair().await;
    let started = Instant::now();
    caller.write_all(&[7; 40 << 10]).await.unwrap();
    read_exactly(&mut callee, 40 << 10).await;
    assert!(started.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_black_hole_is_silent_and_gives_everything_back_when_it_is_healed() {
    let bench = Bench::start(LinkConditions::default()).await;
    let (mut caller, mut callee) = bench.pair().await;
    bench.set(black_hole()).await;
    caller.write_all(b"lost?").await.unwrap();
    callee.write_all(b"me too?").await.unwrap();
    assert!(is_silent(&mut callee).await && is_silent(&mut caller).await);
    // It takes new connections, and does not make them to the callee.
    let mut late = bench.call().await;
    late.write_all(b"late").await.unwrap();
    assert!(is_silent(&mut late).await);
    assert!(timeout(Duration::from_millis(60), bench.callee.accept()).await.is_err());

    bench.set(LinkConditions::default()).await;
    assert_eq!(read_exactly(&mut callee, 5).await, b"lost?");
    assert_eq!(read_exactly(&mut caller, 7).await, b"me too?");
    let mut late_callee = bench.accept().await;
    assert_eq!(read_exactly(&mut late_callee, 4).await, b"late");
}

#[tokio::test]
async fn who_gives_up_on_a_black_hole_was_never_there() {
    let bench = Bench::start(black_hole()).await;
    let mut caller = bench.call().await;
    caller.write_all(b"anybody?").await.unwrap();
    drop(caller);
    bench.set(LinkConditions::default()).await;
    let (mut caller, mut callee) = bench.pair().await;
    caller.write_all(b"me").await.unwrap();
    assert_eq!(
        read_exactly(&mut callee, 2).await,
        b"me",
        "the first that comes is the second caller"
    );
}

#[tokio::test]
async fn a_reset_breaks_open_connections_and_new_ones() {
    let bench = Bench::start(LinkConditions::default()).await;
    let (caller, callee) = bench.pair().await;
    bench.set(LinkConditions::of(Passage::Reset)).await;
    for end in [caller, callee] {
        assert_eq!(
            read_to_end(end).await.unwrap_err().kind(),
            io::ErrorKind::ConnectionReset
        );
    }
    // The reset may come before connecting has ended, or after.
    let new = TcpStream::connect(("127.0.0.1", bench.port)).await;
    let read = match new {
        Ok(new) => read_to_end(new).await,
        Err(error) => Err(error),
    };
    assert_eq!(read.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    bench.set(LinkConditions::default()).await;
    let (mut caller, mut callee) = bench.pair().await;
    caller.write_all(b"x").await.unwrap();
    assert_eq!(read_exactly(&mut callee, 1).await, b"x");
}

#[tokio::test]
async fn what_one_side_breaks_off_is_broken_off_for_the_other() {
    let bench = Bench::start(LinkConditions::default()).await;
    let (caller, callee) = bench.pair().await;
    callee.set_zero_linger().unwrap();
    drop(callee);
    assert_eq!(
        read_to_end(caller).await.unwrap_err().kind(),
        io::ErrorKind::ConnectionReset
    );
}

#[tokio::test]
async fn what_goes_over_it_is_counted() {
    let bench = Bench::start(LinkConditions::default()).await;
    let (mut caller, mut callee) = bench.pair().await;
    // The counters are the process's, which other tests share.
    let before = bench.metric("link_bytes_total{direction=\"up\"}").await;
    caller.write_all(&[1; 1000]).await.unwrap();
    read_exactly(&mut callee, 1000).await;
    let started = Instant::now();
    while bench.metric("link_bytes_total{direction=\"up\"}").await < before + 1000.0 {
        assert!(started.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn conditions_that_cannot_be_are_refused() {
    let bench = Bench::start(LinkConditions::default()).await;
    for wrong in ["{\"loss\": 1.0}", "{\"latency_ms\": -1.0}", "{\"speed\": 1}"] {
        let (status, body) = bench.control("PUT", "/conditions", wrong).await.unwrap();
        assert!(status.contains("422"), "{status} {body}");
    }
}
