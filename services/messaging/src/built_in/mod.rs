//! A small broker for machines without Kafka: the mock cluster of librdkafka behind a front of its own.
//!
//! The mock cluster speaks Kafka's protocol, but only on a port of its own choice, and it lets nobody make topics. The
//! front listens where it is told, passes everything on, puts its own address into the answers that tell clients where
//! to go, and makes topics when asked. What it does not do is in
//! [`BUILT_IN_LIMITS`](contract::events::BUILT_IN_LIMITS).

mod front;
mod protocol;

use std::rc::Rc;

use chassis::{ServeError, Settings, Shutdown, bind};
use contract::environment::KAFKA_ADVERTISED_HOST;
use rdkafka::mocking::MockCluster;
use tokio::net::TcpListener;
use tokio::task::LocalSet;

use front::Front;

/// Runs the broker until the end is asked for.
///
/// # Errors
/// When its address cannot be had.
pub async fn serve(settings: Settings) -> Result<(), ServeError> {
    let listener = bind(settings.host, settings.port).await?;
    let address = listener.local_addr().map_err(ServeError::Runtime)?;
    let advertised = match settings.environment.get(KAFKA_ADVERTISED_HOST) {
        Some(host) => host.to_owned(),
        None if address.ip().is_unspecified() => "127.0.0.1".to_owned(),
        None => address.ip().to_string(),
    };
    tracing::info!(port = address.port(), host = %settings.host, pid = std::process::id(), "listening");
    run(listener, advertised, &settings.shutdown).await
}

/// Runs it on a socket that is listened on.
pub(crate) async fn run(listener: TcpListener, host: String, shutdown: &Shutdown) -> Result<(), ServeError> {
    let port = listener.local_addr().map_err(ServeError::Runtime)?.port();
    let cluster = MockCluster::new(1).map_err(|error| ServeError::start("the mock cluster", error))?;
    let front = Rc::new(Front::new(cluster, host, port));
    let serving = async {
        tokio::select! {
            () = shutdown.requested() => {}
            () = front.accept(listener) => {}
        }
    };
    LocalSet::new().run_until(serving).await;
    Ok(())
}
