//! Listening, serving, and ending in time.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::Service;

use crate::{Settings, SettingsError, Shutdown};

/// How long requests that were begun may take to finish once the end is asked for.
pub const GRACE: Duration = Duration::from_millis(900);
/// Pause after the system refused a connection, for want of descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

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

/// Listens.
///
/// # Errors
/// When the address cannot be had.
pub async fn bind(host: IpAddr, port: u16) -> Result<TcpListener, ServeError> {
    let address = SocketAddr::new(host, port);
    TcpListener::bind(address)
        .await
        .map_err(|source| ServeError::Bind { address, source })
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
pub async fn serve_connections<S, B, I>(
    listener: TcpListener,
    make_stream: impl Fn(TcpStream) -> I,
    make_service: impl Fn(SocketAddr) -> S,
    shutdown: &Shutdown,
) -> usize
where
    S: HttpService<Incoming, ResBody = B, Error = Infallible> + Send + 'static,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // Every connection holds a receiver, so the sender knows when the last one is gone.
    let (open, held) = watch::channel(());
    let mut end = pin!(shutdown.requested());
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut end => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Without it, small answers would wait for the acknowledgement of the one before. Losing it loses only time.
                let _ = stream.set_nodelay(true);
                let connection = connection(make_stream(stream), make_service(peer), shutdown.clone());
                let held = held.clone();
                tokio::spawn(async move {
                    connection.await;
                    drop(held);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
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
    B: http_body::Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
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
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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

    #[tokio::test]
    async fn a_taken_port_is_an_error_that_says_what_to_do() {
        let host = IpAddr::from([127, 0, 0, 1]);
        let taken = bind(host, 0).await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = bind(host, port).await.unwrap_err().to_string();
        assert!(
            error.contains(&port.to_string()) && error.contains("choose another PORT"),
            "{error}"
        );
    }
}
