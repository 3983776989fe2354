//! The middleware around every request: its trace, its metrics, and the name of the instance that answered.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use http::{HeaderName, HeaderValue, Method};
use metrics::{Counter, Gauge, Histogram};
use tower::{Layer, Service};

use crate::TraceContext;

const X_INSTANCE: HeaderName = HeaderName::from_static("x-instance");
/// Label of requests that no route is for; their paths are unbounded.
const NO_ROUTE: &str = "none";

/// Adds the observation to a router: `Router::layer(ObserveLayer::new("orders-1"))`.
#[derive(Clone)]
pub struct ObserveLayer {
    shared: Arc<Shared>,
}

struct Shared {
    instance: HeaderValue,
    in_flight: Gauge,
    /// Metric handles by route, then by method and status. Looking one up formats nothing and allocates nothing.
    routes: RwLock<HashMap<String, Vec<Series>>>,
}

struct Series {
    method: &'static str,
    status: u16,
    handles: Handles,
}

#[derive(Clone)]
struct Handles {
    total: Counter,
    duration: Histogram,
}

impl ObserveLayer {
    /// Answers will carry `x-instance: <instance>`; characters that a header cannot hold become `?`.
    #[must_use]
    pub fn new(instance: &str) -> Self {
        let printable: String = instance
            .chars()
            .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
            .collect();
        let instance = HeaderValue::from_str(&printable).expect("printable ASCII is allowed in a header");
        let in_flight = metrics::gauge!("http_requests_in_flight");
        Self {
            shared: Arc::new(Shared {
                instance,
                in_flight,
                routes: RwLock::default(),
            }),
        }
    }
}

impl<S> Layer<S> for ObserveLayer {
    type Service = ObserveService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ObserveService {
            inner,
            shared: Arc::clone(&self.shared),
        }
    }
}

/// See [`ObserveLayer`].
#[derive(Clone)]
pub struct ObserveService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> Service<Request> for ObserveService<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let started = Instant::now();
        let trace = TraceContext::from_headers(request.headers());
        let method = method_label(request.method());
        let route = request.extensions().get::<MatchedPath>().cloned();
        let in_flight = InFlight::enter(&self.shared);
        let answer = trace.scope(self.inner.call(request));
        Box::pin(async move {
            let mut response = answer.await?;
            let shared = &in_flight.0;
            response.headers_mut().insert(X_INSTANCE, shared.instance.clone());
            let route = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
            let handles = shared.handles(route, method, response.status().as_u16());
            handles.total.increment(1);
            handles.duration.record(started.elapsed().as_secs_f64());
            Ok(response)
        })
    }
}

impl Shared {
    fn handles(&self, route: &str, method: &'static str, status: u16) -> Handles {
        let find = |routes: &HashMap<String, Vec<Series>>| {
            let series = routes
                .get(route)?
                .iter()
                .find(|series| series.method == method && series.status == status)?;
            Some(series.handles.clone())
        };
        if let Some(found) = find(&self.routes.read().unwrap_or_else(PoisonError::into_inner)) {
            return found;
        }
        let handles = Handles::register(route, method, status);
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        let series = Series {
            method,
            status,
            handles: handles.clone(),
        };
        routes.entry(route.to_owned()).or_default().push(series);
        handles
    }
}

impl Handles {
    fn register(route: &str, method: &'static str, status: u16) -> Self {
        let labels = [
            ("method", method.to_owned()),
            ("route", route.to_owned()),
            ("status", status.to_string()),
        ];
        Self {
            total: metrics::counter!("http_requests_total", &labels),
            duration: metrics::histogram!("http_request_duration_seconds", &labels),
        }
    }
}

/// Counts a request until it is answered or its client has gone.
struct InFlight(Arc<Shared>);

impl InFlight {
    fn enter(shared: &Arc<Shared>) -> Self {
        shared.in_flight.increment(1.0);
        Self(Arc::clone(shared))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.decrement(1.0);
    }
}

/// Clients may invent methods; a label must not grow with them.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;
    use crate::{TRACEPARENT, install, render};

    fn app() -> Router {
        install();
        let current = || async {
            TraceContext::current()
                .map(|context| context.to_string())
                .unwrap_or_default()
        };
        Router::new()
            .route("/observed/{id}", get(current))
            .layer(ObserveLayer::new("orders-1"))
    }

    async fn ask(path: &str, traceparent: Option<&str>) -> (Response, String) {
        let mut request = Request::get(path);
        if let Some(value) = traceparent {
            request = request.header(TRACEPARENT, value);
        }
        let mut response = app().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let body = axum::body::to_bytes(std::mem::take(response.body_mut()), 1_000)
            .await
            .unwrap();
        (response, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_handler_runs_within_the_callers_trace() {
        let parent = TraceContext::start();
        let (response, body) = ask("/observed/1", Some(&parent.to_string())).await;
        let inside: TraceContext = body.parse().unwrap();
        assert_eq!(inside.trace_id, parent.trace_id);
        assert_eq!(response.headers()["x-instance"], "orders-1");
        assert!(TraceContext::current().is_none());
    }

    #[tokio::test]
    async fn requests_are_counted_by_route_not_by_path() {
        ask("/observed/7", None).await;
        ask("/observed/8", None).await;
        ask("/elsewhere", None).await;
        let text = render();
        let count = |labels: &str| {
            let start = format!("http_requests_total{{{labels}}} ");
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(&start))
                .unwrap_or_else(|| panic!("{text}"));
            line.parse::<u64>().unwrap()
        };
        assert!(count(r#"method="GET",route="/observed/{id}",status="200""#) >= 2);
        assert!(count(r#"method="GET",route="none",status="404""#) >= 1);
        assert!(text.contains("http_request_duration_seconds_bucket{"));
        assert!(!text.contains("/observed/7"), "{text}");
    }
}
