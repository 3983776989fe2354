//! Several services at one glance: asked in parallel, so it takes as long as the slowest, and shown even when some of
//! them are missing.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use chassis::{Failure, Json};
use contract::{Dashboard, DashboardPart};
use futures_util::future::join4;

use crate::call::Caller;
use crate::services::Services;

pub(crate) async fn show(State(services): State<Arc<Services>>) -> Json<Dashboard> {
    let started = Instant::now();
    let (users, orders, products, analytics) = join4(
        part(&services.users, "/users"),
        part(&services.orders, "/orders"),
        part(&services.inventory, "/products"),
        part(&services.analytics, "/summary"),
    )
    .await;
    Json(Dashboard {
        complete: [&users, &orders, &products, &analytics].iter().all(|part| part.ok),
        latency_ms: milliseconds_since(started),
        users,
        orders,
        products,
        analytics,
    })
}

async fn part(caller: &Caller, path: &str) -> DashboardPart {
    let started = Instant::now();
    let data = match caller.get(path).await {
        Ok(reply) => reply.json(),
        Err(error) => Err(Failure::from(error)),
    };
    let latency_ms = milliseconds_since(started);
    match data {
        Ok(data) => DashboardPart {
            ok: true,
            latency_ms,
            data: Some(data),
            problem: None,
        },
        Err(failure) => DashboardPart {
            ok: false,
            latency_ms,
            data: None,
            problem: Some(failure.into_problem()),
        },
    }
}

fn milliseconds_since(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1_000.0
}
