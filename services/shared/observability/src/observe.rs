//! The middleware around every request: its trace, its metrics, and the name of the instance that answered.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use metrics::Gauge;
use tower::{Layer, Service};

use crate::TraceContext;
use crate::counted::Counted;

const X_INSTANCE: HeaderName = HeaderName::from_static("x-instance");
/// Label of requests that no route is for; their paths are unbounded.
const NO_ROUTE: &str = "none";
/// Status of requests whose client left before there was an answer: nobody was sent one. nginx has the same.
const ABANDONED: u16 = 499;

/// Adds the observation to a router: `Router::layer(ObserveLayer::new("orders-1"))`.
#[derive(Clone)]
pub struct ObserveLayer {
    shared: Arc<Shared>,
}

struct Shared {
    instance: HeaderValue,
    in_flight: Gauge,
    counted: Counted,
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
                counted: Counted::default(),
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
        let trace = TraceContext::from_headers(request.headers());
        let observed = Observed::begin(&self.shared, &request);
        let answer = trace.scope(self.inner.call(request));
        Box::pin(async move {
            let mut response = answer.await?;
            let instance = observed.shared.instance.clone();
            response.headers_mut().insert(X_INSTANCE, instance);
            observed.answered(response.status());
            Ok(response)
        })
    }
}

/// A request until it is answered or its client has gone, which drops this; then it is counted, in either case.
struct Observed {
    shared: Arc<Shared>,
    method: &'static str,
    route: Option<MatchedPath>,
    started: Instant,
    status: u16,
}

impl Observed {
    fn begin(shared: &Arc<Shared>, request: &Request) -> Self {
        let observed = Self {
            shared: Arc::clone(shared),
            method: method_label(request.method()),
            route: request.extensions().get::<MatchedPath>().cloned(),
            started: Instant::now(),
            status: ABANDONED,
        };
        if !observed.is_scrape() {
            shared.in_flight.increment(1.0);
        }
        observed
    }

    fn answered(mut self, status: StatusCode) {
        self.status = status.as_u16();
    }

    fn route(&self) -> &str {
        self.route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str)
    }

    /// Whoever asks how many requests are in flight does not mean its own.
    fn is_scrape(&self) -> bool {
        self.route().ends_with("/metrics")
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        if !self.is_scrape() {
            self.shared.in_flight.decrement(1.0);
        }
        let took = self.started.elapsed();
        self.shared.counted.count(self.route(), self.method, self.status, took);
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

    /// The value of a series in a text of metrics.
    fn value(text: &str, series: &str) -> u64 {
        let start = format!("{series} ");
        let found = text.lines().find_map(|line| line.strip_prefix(&start));
        found.unwrap_or_else(|| panic!("{series} in {text}")).parse().unwrap()
    }

    #[tokio::test]
    async fn requests_are_counted_by_route_not_by_path() {
        ask("/observed/7", None).await;
        ask("/observed/8", None).await;
        ask("/elsewhere", None).await;
        let text = render();
        let count = |labels: &str| value(&text, &format!("http_requests_total{{{labels}}}"));
        assert!(count(r#"method="GET",route="/observed/{id}",status="200""#) >= 2);
        assert!(count(r#"method="GET",route="none",status="404""#) >= 1);
        assert!(text.contains("http_request_duration_seconds_bucket{"));
        assert!(!text.contains("/observed/7"), "{text}");
    }
    #[test]
    fn a_request_that_is_given_up_is_counted_and_a_scrape_is_not_in_flight() {
        // Of its own, for what other tests have in flight is in that of the process.
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let shown = {
            let handle = handle.clone();
            move || std::future::ready(handle.render())
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        metrics::with_local_recorder(&recorder, || {
            runtime.block_on(async {
                let app = Router::new()
                    .route("/never", get(std::future::pending::<()>))
                    .route("/metrics", get(shown))
                    .layer(ObserveLayer::new("orders-1"));
                let ask = |path| app.clone().oneshot(Request::get(path).body(Body::empty()).unwrap());
                let scrape = || async {
                    let body = ask("/metrics").await.unwrap().into_body();
                    let text = axum::body::to_bytes(body, 100_000).await.unwrap();
                    String::from_utf8(text.to_vec()).unwrap()
                };
                assert_eq!(value(&scrape().await, "http_requests_in_flight"), 0);
                let mut given_up = Box::pin(ask("/never"));
                tokio::select! {
                    biased;
                    _ = &mut given_up => unreachable!("it has no answer"),
                    () = std::future::ready(()) => {}
                }
                assert_eq!(value(&scrape().await, "http_requests_in_flight"), 1);
                drop(given_up);
                let text = scrape().await;
                assert_eq!(value(&text, "http_requests_in_flight"), 0);
                let labels = r#"{method="GET",route="/never",status="499"}"#;
                assert_eq!(value(&text, &format!("http_requests_total{labels}")), 1);
                assert_eq!(value(&text, &format!("http_request_duration_seconds_count{labels}")), 1);
            });
        });
    }
}
