//! The one door for clients: routing, aggregation, tokens, limits, and the endpoints that the lessons put load on.

mod auth;
mod client;
mod counter;
mod cpu;
mod dashboard;
mod limit;
mod pay;
mod proxy;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use chassis::{App, Client, ServeError, Settings, Upstream};
use contract::Program;

use crate::counter::Counter;
use crate::cpu::Cpu;
use crate::limit::Limiter;
use crate::proxy::Events;
use crate::token::Tokens;

/// What the handlers share.
struct Gateway {
    instance: String,
    users: Upstream,
    orders: Upstream,
    payments: Upstream,
    inventory: Upstream,
    analytics: Upstream,
    events: Events,
    tokens: Tokens,
    limiter: Limiter,
    counter: Counter,
    cpu: Cpu,
}

type Shared = axum::extract::State<Arc<Gateway>>;

/// The whole service. To be called within a runtime.
///
/// # Errors
/// When a setting is wrong, or the Redis that it needs is not named.
pub fn app(settings: &Settings) -> Result<Router, ServeError> {
    let client = Client::new();
    let upstream = |service| client.upstream(service, settings);
    let analytics = upstream(Program::Analytics);
    let gateway = Gateway {
        instance: settings.instance.clone(),
        users: upstream(Program::Users),
        orders: upstream(Program::Orders),
        payments: upstream(Program::Payments),
        inventory: upstream(Program::Inventory),
        events: Events::new(analytics.clone()),
        analytics,
        tokens: Tokens::new(&settings.environment),
        limiter: Limiter::from_settings(settings)?,
        counter: Counter::from_settings(settings)?,
        cpu: Cpu::new(settings.cpu_work),
    };
    let called = [
        &gateway.users,
        &gateway.orders,
        &gateway.payments,
        &gateway.inventory,
        &gateway.analytics,
    ];
    let called = called.into_iter().filter_map(Upstream::check);
    let checks: Vec<_> = called.chain(gateway.counter.check()).collect();
    let router = App::new(settings)
        .business(routes().with_state(Arc::new(gateway)))
        .plain(Router::new().route("/api/metrics", get(chassis::metrics)))
        .checks(checks)
        .into_router();
    Ok(router)
}

fn routes() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/api/users", get(proxy::users))
        .route("/api/users/{id}", get(proxy::users))
        .route("/api/orders", get(proxy::orders).post(proxy::place_order))
        .route("/api/orders/{id}", get(proxy::orders))
        .route("/api/products", get(proxy::products))
        .route("/api/products/{id}", get(proxy::products))
        .route("/api/dashboard", get(dashboard::show))
        .route("/api/pay", post(pay::once))
        .route("/api/pay-with-retry", post(pay::with_retry))
        .route("/api/login", post(auth::login))
        .route("/api/secure", get(auth::secure))
        .route("/api/limited", get(limit::limited))
        .route("/api/blocking", get(cpu::blocking))
        .route("/api/cpu-bound", get(cpu::cpu_bound))
        .route("/api/non-blocking", get(cpu::non_blocking))
        .route("/api/count", get(counter::read).post(counter::increment))
}

/// Runs the service until it is asked to end.
///
/// # Errors
/// When a setting is wrong, or its address cannot be had.
pub async fn serve(settings: Settings) -> Result<(), ServeError> {
    chassis::serve(app(&settings)?, &settings).await
}
