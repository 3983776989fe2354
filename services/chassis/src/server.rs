//! Serving, and ending in time.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as HyperService, service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::Service;

use crate::{Listener, Settings, SettingsError, Shutdown, bind};

/// How long requests that were begun may take to finish once the end is asked for.
pub const GRACE: Duration = Duration::from_millis(900);
const PATIENCE: Patience = Patience {
    first: Duration::from_secs(30),
    next: Duration::from_secs(75),
};

/// How long a connection is kept on which no request begins. A request has begun when its whole head is there.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// From the start of the connection.
    first: Duration,
    /// Later. The connection goes at the second look that finds nothing new, so after one to two times this long; that is
    /// longer than the lab's own clients and nginx keep idle connections, so none of them sends on one that goes.
    next: Duration,
}

/// Why a service did not come up.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A setting is wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {source}{}", hint(source))]
    Bind {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The runtime or its signal handlers could not be had.
    #[error("cannot start the runtime: {0}")]
    Runtime(#[source] io::Error),
    /// Something that the service needs from the start could not be had.
    #[error("cannot open {what}: {source}")]
    Start {
        /// What it was.
        what: String,
        /// Why not.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl ServeError {
    /// Something that the service needs from the start could not be had.
    pub fn start(what: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Start {
            what: what.into(),
            source: source.into(),
        }
    }
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; choose another PORT, or 0 for any free one",
        io::ErrorKind::AddrNotAvailable => "; HOST must be an address of this machine",
        io::ErrorKind::PermissionDenied => "; ports below 1024 may need more rights",
        _ => "",
    }
}

/// Listens where the settings say, answers with `router` until the end is asked for, and then finishes what was begun,
/// for [`GRACE`] at most.
///
/// Handlers find the client's address in `ConnectInfo<SocketAddr>`.
///
/// # Errors
/// When the address cannot be had.
pub async fn serve(router: Router, settings: &Settings) -> Result<(), ServeError> {
    let listener = bind(settings.host, settings.port).await?;
    let port = listener.local_addr().map_err(ServeError::Runtime)?.port();
    let probes = observability::spawn_probes();
    tracing::info!(port, host = %settings.host, pid = std::process::id(), "listening");
    let make_service = |peer| {
        let router = router.clone();
        service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer));
            router.clone().call(request.map(Body::new))
        })
    };
    let unfinished = serve_connections(listener, |stream| stream, make_service, &settings.shutdown).await;
    probes.abort();
    if unfinished > 0 {
        tracing::warn!(
            connections = unfinished,
            "closed with requests that did not finish in time"
        );
    }
    Ok(())
}

/// Serves HTTP/1.1 on every connection, read and written through what `make_stream` makes of it, until `shutdown`, then finishes
/// what was begun, for [`GRACE`] at most. Gives the number of connections that had to be left unfinished.
///
/// A connection on which no whole head of a request comes for some time is closed.
pub async fn serve_connections<S, B, I>(
    listener: TcpListener,
    make_stream: impl Fn(TcpStream) -> I,
    make_service: impl Fn(SocketAddr) -> S,
    shutdown: &Shutdown,
) -> usize
where
    S: HyperService<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send + 'static,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    serve_patiently(listener, make_stream, make_service, shutdown, PATIENCE).await
}

async fn serve_patiently<S, B, I>(
    listener: TcpListener,
    make_stream: impl Fn(TcpStream) -> I,
    make_service: impl Fn(SocketAddr) -> S,
    shutdown: &Shutdown,
    patience: Patience,
) -> usize
where
    S: HyperService<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send + 'static,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut listener = Listener::from(listener);
    // Every connection holds a receiver, so the sender knows when the last one is gone.
    let (open, held) = watch::channel(());
    let mut end = pin!(shutdown.requested());
    loop {
        let (stream, peer) = tokio::select! {
            biased;
            () = &mut end => break,
            accepted = listener.accept() => accepted,
        };
        // Without it, small answers would wait for the acknowledgement of the one before. Losing it loses only time.
        let _ = stream.set_nodelay(true);
        let connection = connection(make_stream(stream), make_service(peer), shutdown.clone(), patience);
        let held = held.clone();
        tokio::spawn(async move {
            connection.await;
            drop(held);
        });
    }
    drop((listener, held));
    match tokio::time::timeout(GRACE, open.closed()).await {
        Ok(()) => 0,
        Err(_) => open.receiver_count(),
    }
}

async fn connection<S, B>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    service: S,
    shutdown: Shutdown,
    patience: Patience,
) where
    S: HyperService<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let requests = Arc::new(AtomicU32::new(0));
    let service = Counted {
        service,
        requests: Arc::clone(&requests),
    };
    // Head and body are copied into one buffer and written in one piece, not as a list of pieces: most answers are short.
    let mut server = http1::Builder::new();
    let connection = server.writev(false).serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = shutdown.requested() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = quiet(&requests, patience) => {
            // An orderly end would wait for the rest of a first head. A request that is under way gets its answer.
            if requests.load(Ordering::Relaxed) == 0 {
                return;
            }
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Waits until no request has begun for as long as the patience lasts. Requests are counted and not timed, so that they
/// pay next to nothing for it.
async fn quiet(requests: &AtomicU32, patience: Patience) {
    let mut before = 0;
    let mut wait = patience.first;
    loop {
        tokio::time::sleep(wait).await;
        let now = requests.load(Ordering::Relaxed);
        if now == before {
            return;
        }
        (before, wait) = (now, patience.next);
    }
}

/// A service that counts its requests.
struct Counted<S> {
    service: S,
    requests: Arc<AtomicU32>,
}

impl<S: HyperService<Request<Incoming>>> HyperService<Request<Incoming>> for Counted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, request: Request<Incoming>) -> S::Future {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.service.call(request)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::IpAddr;
    use std::process::{Command, Stdio};

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn what_was_begun_is_finished_and_nothing_new_is_accepted() {
        let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let handler = {
            let (entered, leave) = (Arc::clone(&entered), Arc::clone(&leave));
            move || async move {
                entered.notify_one();
                leave.notified().await;
                "finished"
            }
        };
        let router = Router::new().route("/", get(handler));
        let listener = bind(IpAddr::from([127, 0, 0, 1]), 0).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (trigger, shutdown) = Shutdown::new();
        let server = tokio::spawn(async move {
            let make = |_| {
                let router = router.clone();
                service_fn(move |request: Request<Incoming>| router.clone().call(request.map(Body::new)))
            };
            serve_connections(listener, |stream| stream, make, &shutdown).await
        });

        // An idle connection must not hold up the end either.
        let _idle = TcpStream::connect(address).await.unwrap();
        let mut busy = TcpStream::connect(address).await.unwrap();
        busy.write_all(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
        entered.notified().await;
        trigger.request();
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        leave.notify_one();
        let mut answer = String::new();
        busy.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("finished"),
            "{answer}"
        );
        assert_eq!(server.await.unwrap(), 0);
    }

    const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const SHORT: Patience = Patience {
        first: Duration::from_millis(50),
        next: Duration::from_millis(50),
    };

    async fn answering(listener: TcpListener, shutdown: Shutdown) {
        let router = Router::new().route("/", get(|| async { "here" }));
        let make = |_| {
            let router = router.clone();
            service_fn(move |request: Request<Incoming>| router.clone().call(request.map(Body::new)))
        };
        serve_patiently(listener, |stream| stream, make, &shutdown, SHORT).await;
    }

    #[tokio::test]
    async fn a_connection_without_a_whole_head_is_closed() {
        let listener = bind(LOCAL, 0).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(answering(listener, Shutdown::never()));
        let whole = "GET / HTTP/1.1\r\nhost: test\r\n\r\n";
        for (sent, answers) in [
            (String::new(), 0),
            (whole[..20].to_owned(), 0),
            (whole.to_owned(), 1),
            (format!("{whole}{}", &whole[..20]), 1),
            (whole.repeat(2), 2),
        ] {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(sent.as_bytes()).await.unwrap();
            let mut received = Vec::new();
            // It ends because the server closes it: this side never does.
            let _ = client.read_to_end(&mut received).await;
            let received = String::from_utf8(received).unwrap();
            assert_eq!(received.matches("200 OK").count(), answers, "{sent:?}: {received:?}");
        }
        server.abort();
    }

    #[tokio::test]
    async fn a_request_under_way_is_answered_however_long_it_takes() {
        let enough = Arc::new(Notify::new());
        let handler = {
            let enough = Arc::clone(&enough);
            move || async move {
                enough.notified().await;
                "late"
            }
        };
        let router = Router::new().route("/", get(handler));
        let (client, server) = tokio::io::duplex(1_000);
        let service = service_fn(move |request: Request<Incoming>| router.clone().call(request.map(Body::new)));
        let at_once = Patience {
            first: Duration::ZERO,
            next: Duration::ZERO,
        };
        let (mut client, request) = (client, b"GET / HTTP/1.1\r\nhost: test\r\n\r\n");
        // The head is there before the first look.
        client.write_all(request).await.unwrap();
        let served = tokio::spawn(connection(server, service, Shutdown::never(), at_once));
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        enough.notify_one();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("late"),
            "{answer}"
        );
        served.await.unwrap();
    }

    /// Serves with as few descriptors as the parent allows, and says where; until the parent closes its input.
    #[test]
    #[ignore = "the other half of the test below, run by it in a process of its own"]
    fn with_few_descriptors() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = bind(LOCAL, 0).await.unwrap();
            println!("\nport {}", listener.local_addr().unwrap().port());
            let (trigger, shutdown) = Shutdown::new();
            std::thread::spawn(move || {
                let _ = std::io::stdin().read_to_end(&mut Vec::new());
                trigger.request();
            });
            answering(listener, shutdown).await;
        });
    }

    #[test]
    fn idle_connections_that_use_up_all_descriptors_do_not_end_the_service() {
        let mut server = Command::new("sh")
            .args([
                "-c",
                "ulimit -n 64; exec \"$0\" --exact server::tests::with_few_descriptors --ignored --nocapture",
            ])
            .arg(std::env::current_exe().unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Kept open to the end, for the other half goes on to write.
        let mut lines = BufReader::new(server.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let port = lines.find_map(|line| line.strip_prefix("port ")?.parse::<u16>().ok());
        let connect = || std::net::TcpStream::connect((LOCAL, port.expect("the server listens"))).unwrap();
        let idle: Vec<_> = (0..200).map(|_| connect()).collect();
        let mut client = connect();
        client
            .write_all(b"GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        drop((idle, server.stdin.take()));
        assert!(server.wait().unwrap().success());
    }
}
