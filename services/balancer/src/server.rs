//! Accepting clients and telling them apart by path.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chassis::Shutdown;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::proxy::Client;
use crate::{Balancer, admin, membership, probe};

/// How often idle connections to the instances are looked over.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// Serves clients until `shutdown`, then lets the requests under way end, for [`chassis::GRACE`] at most. Gives the number of
/// client connections that had to be cut off.
pub async fn run(balancer: Arc<Balancer>, listener: TcpListener, shutdown: &Shutdown) -> usize {
    // Dropped at the end, which ends them.
    let mut beside = JoinSet::new();
    beside.spawn(sweep(Arc::clone(&balancer)));
    if let Some(probes) = balancer.options.probes.clone() {
        beside.spawn(probe::probe(Arc::clone(&balancer), probes));
    }
    if let Some(path) = balancer.options.upstreams_file.clone() {
        beside.spawn(membership::follow(Arc::clone(&balancer), path));
    }
    let make_service = |address| {
        let client = Arc::new(Client::new(Arc::clone(&balancer), address));
        service_fn(move |request: Request<Incoming>| {
            let client = Arc::clone(&client);
            async move {
                Ok::<_, Infallible>(if request.uri().path().starts_with(admin::PREFIX) {
                    // Boxed: its state is large and seldom needed.
                    Box::pin(admin::answer(client.balancer(), request)).await
                } else {
                    client.forward(request).await
                })
            }
        })
    };
    chassis::serve_connections(listener, make_service, shutdown).await
}

async fn sweep(balancer: Arc<Balancer>) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    loop {
        ticks.tick().await;
        balancer.routing.sweep(Instant::now());
    }
}
