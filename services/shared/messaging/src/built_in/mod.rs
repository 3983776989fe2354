//! A small broker for machines without Kafka.
//!
//! It speaks Kafka's protocol, keeps everything in memory, and is one broker that leads every partition and looks after
//! every group. What it does not do is in [`BUILT_IN_LIMITS`](contract::events::BUILT_IN_LIMITS). It offers those
//! requests and versions that it speaks (`api`); every request is read whole before anything is done, and whatever is
//! not one closes its connection. Everything that a client can make it keep has a bound.
//!
//! ```text
//!     connection ── frames ──► api (head) ──► answer/… ──► log (topics, partitions, batches)
//!                                                  └─────► group (members, rounds, offsets)
//! ```

mod answer;
mod api;
mod batch;
mod broker;
mod code;
mod connection;
mod dispatch;
mod frames;
mod group;
mod log;
mod memory;
mod wire;

use std::rc::Rc;
use std::time::{Duration, Instant};

use chassis::{ServeError, Settings, Shutdown, bind};
use contract::environment::KAFKA_ADVERTISED_HOST;
use tokio::net::TcpListener;
use tokio::task::LocalSet;
use tokio::time::MissedTickBehavior;

use broker::Broker;

/// How often groups are looked at for members that are silent or late.
const TICK: Duration = Duration::from_millis(50);

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
    let broker = Rc::new(Broker::new(host, port));
    let serving = async {
        tokio::select! {
            () = shutdown.requested() => {}
            () = connection::accept(&broker, listener) => {}
            () = pass_time(&broker) => {}
        }
    };
    LocalSet::new().run_until(serving).await;
    Ok(())
}

async fn pass_time(broker: &Broker) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        broker.groups.borrow_mut().pass_time(Instant::now());
    }
}
