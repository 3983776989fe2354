//! Accepting clients and telling them apart by path.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chassis::Shutdown;
use futures_util::future::Either;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::batched::BatchedWrites;
use crate::interim::{Interims, WithInterims};
use crate::proxy::Client;
use crate::target::check_request;
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
    let make = |stream, address| {
        let interims = Interims::default();
        let stream = BatchedWrites::new(WithInterims::new(stream, interims.clone()));
        let client = Arc::new(Client::new(Arc::clone(&balancer), address, interims));
        let service = service_fn(move |mut request: Request<Incoming>| {
            let client = Arc::clone(&client);
            let checked = check_request(&mut request);
            if checked.is_err() || request.uri().path().starts_with(admin::PREFIX) {
                // Boxed: its state is large and seldom needed.
                Either::Left(Box::pin(async move {
                    let balancer = client.balancer();
                    Ok(match checked {
                        Ok(()) => admin::answer(balancer, request).await,
                        Err(failure) => balancer.sign(failure.into_response()),
                    })
                }))
            } else {
                Either::Right(client.forward(request))
            }
        });
        (stream, service)
    };
    chassis::serve_connections(listener, balancer.options.client_limits, make, shutdown).await
}

async fn sweep(balancer: Arc<Balancer>) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    loop {
        ticks.tick().await;
        balancer.routing.sweep(Instant::now());
    }
}
