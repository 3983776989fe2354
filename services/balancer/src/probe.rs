//! Active health: each instance is asked every now and then whether it is ready.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::HOST;
use http::{Method, Request};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::Balancer;
use crate::connection::UpstreamConnection;
use crate::options::Probes;
use crate::upload::RequestBody;
use crate::upstream::Upstream;

/// Probes all instances, round by round, for as long as it is polled. A round ends when its last answer is in or timed out, so
/// rounds never overlap.
pub async fn probe(balancer: Arc<Balancer>, probes: Probes) {
    let mut rounds = interval(probes.every);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        // One that leaves the list is probed once more at most.
        let mut round = JoinSet::new();
        for upstream in balancer.routing.upstreams() {
            let probes = probes.clone();
            let connect_timeout = balancer.connect_timeout;
            round.spawn(async move {
                let well = timeout(probes.timeout, is_well(&upstream, &probes, connect_timeout))
                    .await
                    .unwrap_or(false);
                (upstream, well)
            });
        }
        while let Some(probed) = round.join_next().await {
            if let Ok((upstream, well)) = probed {
                let now = Instant::now() - balancer.started;
                upstream.probed(well, now, &balancer.options.health);
            }
        }
    }
}

/// On a connection of its own: one from the pool would say that the instance was well when it was opened.
async fn is_well(upstream: &Upstream, probes: &Probes, connect_timeout: Duration) -> bool {
    let Ok(mut connection) = UpstreamConnection::open(upstream.address(), connect_timeout).await else {
        return false;
    };
    let mut request = Request::new(RequestBody::Empty);
    *request.method_mut() = Method::GET;
    request.uri_mut().clone_from(&probes.path);
    request.headers_mut().insert(HOST, upstream.host().clone());
    connection
        .send(request, None)
        .await
        .is_ok_and(|response| response.status().is_success())
}
