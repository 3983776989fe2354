//! Handing requests on, and answers back, without looking into them.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::{BodyBytes, Failure, Reply, Upstream, UpstreamError};
use contract::NewEvent;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode, Uri};
use tokio::sync::Semaphore;

use crate::Shared;

/// What the paths of the gateway have before those of the services.
const PREFIX: &str = "/api";
/// Events that may be under way to the analytics at once; further ones are not sent.
const EVENTS_IN_FLIGHT_MAX: usize = 32;

pub(crate) async fn users(State(gateway): Shared, uri: Uri) -> Result<Reply, Failure> {
    read(&gateway.users, &uri).await
}

pub(crate) async fn orders(State(gateway): Shared, uri: Uri) -> Result<Reply, Failure> {
    read(&gateway.orders, &uri).await
}

pub(crate) async fn products(State(gateway): Shared, uri: Uri) -> Result<Reply, Failure> {
    read(&gateway.inventory, &uri).await
}

pub(crate) async fn place_order(
    State(gateway): Shared,
    headers: HeaderMap,
    BodyBytes(body): BodyBytes,
) -> Result<Response, Failure> {
    let content_type = headers.get(CONTENT_TYPE).cloned();
    let reply = gateway.orders.send(Method::POST, "/orders", content_type, body).await?;
    if reply.status == StatusCode::CREATED {
        gateway.events.tell("order.created");
    }
    Ok(reply.into_response())
}

async fn read(upstream: &Upstream, uri: &Uri) -> Result<Reply, Failure> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    Ok(upstream.get(path.strip_prefix(PREFIX).unwrap_or(path)).await?)
}

/// Tells the analytics what happened, when it can be told: no request waits for it or fails with it.
pub(crate) struct Events {
    analytics: Upstream,
    places: Arc<Semaphore>,
}

impl Events {
    pub(crate) fn new(analytics: Upstream) -> Self {
        Self {
            analytics,
            places: Arc::new(Semaphore::new(EVENTS_IN_FLIGHT_MAX)),
        }
    }

    pub(crate) fn tell(&self, kind: &'static str) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            tracing::debug!(kind, "the analytics are too slow for this event");
            return;
        };
        let analytics = self.analytics.clone();
        tokio::spawn(async move {
            let told: Result<Reply, UpstreamError> =
                analytics.post("/events", &NewEvent { kind: kind.to_owned() }).await;
            if let Err(error) = told {
                tracing::debug!(kind, %error, "an event was not told");
            }
            drop(place);
        });
    }
}
