//! The one door for clients: routing, aggregation, tokens, limits, and the endpoints that the lessons put load on.

mod auth;
mod call;
mod claims;
mod client;
mod clock;
mod counter;
mod cpu;
mod dashboard;
mod events;
mod instance;
mod limit;
mod pay;
mod proxy;
mod refusal;
mod resilience;
mod services;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};
use chassis::{App, ServeError, Settings};

use crate::counter::Counter;
use crate::cpu::Cpu;
use crate::events::Events;
use crate::instance::Instance;
use crate::limit::Limiter;
use crate::services::Services;
use crate::token::Tokens;

/// What the handlers share.
#[derive(Clone, FromRef)]
struct Gateway {
    instance: Instance,
    services: Arc<Services>,
    events: Events,
    tokens: Arc<Tokens>,
    limiter: Arc<Limiter>,
    counter: Arc<Counter>,
    cpu: Cpu,
}

/// The whole service. To be called within a runtime.
///
/// # Errors
/// When a setting is wrong, or the Redis that it needs is not named.
pub fn app(settings: &Settings) -> Result<Router, ServeError> {
    let app = App::new(settings);
    let services = Arc::new(Services::from_settings(settings)?);
    let counter = Counter::from_settings(settings)?;
    let limiter = Limiter::from_settings(settings)?;
    let app = app
        .checks(services.checks())
        .checks(counter.check())
        .checks(limiter.check())
        .metrics_at("/api/metrics")
        .of_now({
            let services = Arc::clone(&services);
            move || services.record()
        })
        .plain(resilience::routes(Arc::clone(&services), settings)?);
    let gateway = Gateway {
        instance: Instance(settings.instance.clone()),
        events: Events::new(services.analytics.clone()),
        services,
        tokens: Arc::new(Tokens::from_settings(settings)?),
        limiter: Arc::new(limiter),
        counter: Arc::new(counter),
        cpu: Cpu::new(settings.cpu_work),
    };
    Ok(app.business(routes().with_state(gateway)).into_router())
}

fn routes() -> Router<Gateway> {
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
