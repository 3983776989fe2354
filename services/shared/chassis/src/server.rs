//! Serving, and ending in time.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{Request, Response};
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{HttpService, Service as HyperService, service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::Service;

use crate::patient::{Limits, Patient};
use crate::stage::{Connections, Stage, staged};
use crate::{Listener, ServeError, Settings, Shutdown, bind};

/// How long requests that were begun may take to finish once the end is asked for.
pub const GRACE: Duration = Duration::from_millis(900);
/// Longest head of a request, in bytes. A target of its own longest, which hyper sets at 64 KiB, fits in: it is refused with 414,
/// and what is longer than this with 431.
const HEAD_BYTES_MAX: usize = 128 << 10;

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
    let make = |stream, peer| {
        let router = router.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer));
            router.clone().call(request.map(Body::new))
        });
        (stream, service)
    };
    let unfinished = serve_connections(listener, Limits::USUAL, make, &settings.shutdown).await;
    probes.abort();
    if unfinished > 0 {
        tracing::warn!(
            connections = unfinished,
            "closed with requests that did not finish in time"
        );
    }
    Ok(())
}

/// Serves, with work of the service's own beside it that ends when the end is asked for, too.
///
/// # Errors
/// As [`serve`].
pub async fn serve_beside(
    work: impl Future<Output = ()>,
    router: Router,
    settings: &Settings,
) -> Result<(), ServeError> {
    let (served, ()) = tokio::join!(serve(router, settings), work);
    served
}

/// Serves HTTP/1.1 on every connection until `shutdown`, then finishes what was begun, for [`GRACE`] at most. Gives the number of
/// connections that had to be left unfinished.
///
/// `make` gives the stream through which a connection is read and written, and the service that answers on it. A client that
/// exceeds the `limits` is closed; so are some that wait for nothing, the oldest first, when the system has no descriptors left.
pub async fn serve_connections<S, B, I>(
    listener: TcpListener,
    limits: Limits,
    make: impl Fn(TcpStream, SocketAddr) -> (I, S),
    shutdown: &Shutdown,
) -> usize
where
    S: HyperService<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send + 'static,
    S::Future: Send,
    B: HttpBody + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // Every connection holds a receiver, so the sender knows when the last one is gone.
    let (open, held) = watch::channel(());
    let mut listener = Listener::from(listener);
    let mut connections = Connections::default();
    let mut end = pin!(shutdown.requested());
    loop {
        let (stream, peer) = tokio::select! {
            biased;
            () = &mut end => break,
            accepted = listener.accept_or(|| connections.make_room()) => accepted,
        };
        // Without it, small answers would wait for the acknowledgement of the one before. Losing it loses only time.
        let _ = stream.set_nodelay(true);
        let stage = Arc::new(Stage::default());
        let (stream, service) = make(stream, peer);
        let stream = Patient::new(stream, Arc::clone(&stage), limits);
        let connection = connection(stream, staged(service, Arc::clone(&stage)), shutdown.clone());
        let held = held.clone();
        let task = tokio::spawn(async move {
            connection.await;
            drop(held);
        });
        connections.add(stage, task.abort_handle());
    }
    drop((listener, held));
    match tokio::time::timeout(GRACE, open.closed()).await {
        Ok(()) => 0,
        Err(_) => open.receiver_count(),
    }
}

async fn connection<S, B>(stream: impl AsyncRead + AsyncWrite + Unpin, service: S, shutdown: Shutdown)
where
    S: HttpService<Incoming, ResBody = B, Error = Infallible>,
    B: HttpBody + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    // Head and body are copied into one buffer and written in one piece, not as a list of pieces: most answers are short.
    let mut server = http1::Builder::new();
    let connection = server
        .writev(false)
        .max_header_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = shutdown.requested() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
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
            let make = |stream, _| {
                let router = router.clone();
                let service = service_fn(move |request: Request<Incoming>| router.clone().call(request.map(Body::new)));
                (stream, service)
            };
            serve_connections(listener, Limits::USUAL, make, &shutdown).await
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
    const SHORT: Limits = Limits {
        idle: Duration::from_millis(50),
        head: Duration::from_millis(50),
        stall: Duration::from_millis(50),
    };

    async fn answering(listener: TcpListener, shutdown: Shutdown) {
        let router = Router::new().route("/", get(|| async { "here" }));
        let make = |stream, _| {
            let router = router.clone();
            let service = service_fn(move |request: Request<Incoming>| router.clone().call(request.map(Body::new)));
            (stream, service)
        };
        serve_connections(listener, SHORT, make, &shutdown).await;
    }

    #[tokio::test]
    async fn a_connection_without_a_whole_head_is_closed() {
        let listener = bind(LOCAL, 0).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(answering(listener, Shutdown::never()));
        let whole = "GET / HTTP/1.1\r\nhost: test\r\n\r\n";
        for (sent, answers, late) in [
            (String::new(), 0, 0),
            (whole[..20].to_owned(), 0, 1),
            (whole.to_owned(), 1, 0),
            // What came with the request before is not seen to begin a head: the connection counts as idle.
            (format!("{whole}{}", &whole[..20]), 1, 0),
            (whole.repeat(2), 2, 0),
        ] {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(sent.as_bytes()).await.unwrap();
            let mut received = Vec::new();
            // It ends because the server closes it: this side never does.
            let _ = client.read_to_end(&mut received).await;
            let received = String::from_utf8(received).unwrap();
            assert_eq!(received.matches("200 OK").count(), answers, "{sent:?}: {received:?}");
            assert_eq!(
                received.matches("HTTP/1.1 408 ").count(),
                late,
                "{sent:?}: {received:?}"
            );
            if late > 0 {
                let (head, body) = received[received.find("HTTP/1.1 408").unwrap()..]
                    .split_once("\r\n\r\n")
                    .unwrap();
                assert!(
                    head.contains(&format!("content-length: {}", body.len())),
                    "{received:?}"
                );
                let problem: contract::Problem = serde_json::from_str(body).unwrap();
                assert_eq!(problem.status, 408);
            }
        }
        server.abort();
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
