//! Handing requests on, and answers back, without looking into them.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::{BodyBytes, Failure, Reply};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::call::Caller;
use crate::events::Events;
use crate::services::Services;

/// What the paths of the gateway have before those of the services.
const PREFIX: &str = "/api";

pub(crate) async fn users(State(services): State<Arc<Services>>, uri: Uri) -> Result<Reply, Failure> {
    read(&services.users, &uri).await
}

pub(crate) async fn orders(State(services): State<Arc<Services>>, uri: Uri) -> Result<Reply, Failure> {
    read(&services.orders, &uri).await
}

pub(crate) async fn products(State(services): State<Arc<Services>>, uri: Uri) -> Result<Reply, Failure> {
    read(&services.inventory, &uri).await
}

pub(crate) async fn place_order(
    State(services): State<Arc<Services>>,
    State(events): State<Events>,
    headers: HeaderMap,
    BodyBytes(body): BodyBytes,
) -> Result<Response, Failure> {
    let content_type = headers.get(CONTENT_TYPE).cloned();
    let reply = services
        .orders
        .send(Method::POST, "/orders", content_type, body)
        .await?;
    if reply.status == StatusCode::CREATED {
        events.tell("order.created");
    }
    Ok(reply.into_response())
}

async fn read(caller: &Caller, uri: &Uri) -> Result<Reply, Failure> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    Ok(caller.get(path.strip_prefix(PREFIX).unwrap_or(path)).await?)
}
