//! From a service's routes to the whole of what it answers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::future::join_all;
use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{Method, Uri};
use observability::{ObserveLayer, PROMETHEUS_TEXT};
use serde_json::json;
use tower_http::catch_panic::CatchPanicLayer;

use crate::deadline_layer::DeadlineLayer;
use crate::{Failure, Json, Readiness, Settings, Work, expired, work_control};

/// How long a dependency has to answer a readiness check.
const CHECK_TIMEOUT: Duration = Duration::from_millis(500);

/// Records metrics of one moment.
type OfNow = Arc<dyn Fn() + Send + Sync>;

type CheckFuture = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// A dependency without which a service is not ready.
#[derive(Clone)]
pub struct Check {
    name: Arc<str>,
    owned: bool,
    ask: Arc<dyn Fn() -> CheckFuture + Send + Sync>,
}

impl Check {
    /// `ask` finds out whether the dependency `name` answers, or says why not.
    pub fn new<F>(name: &str, ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self {
            name: name.into(),
            owned: false,
            ask: Arc::new(move || Box::pin(ask())),
        }
    }

    /// The same for a dependency that the service owns, such as its database; others are shared with other services.
    #[must_use]
    pub fn owned(mut self) -> Self {
        self.owned = true;
        self
    }

    /// `None` when it answers, else its name and the reason.
    async fn complaint(&self) -> Option<String> {
        let reason = match tokio::time::timeout(CHECK_TIMEOUT, (self.ask)()).await {
            Ok(Ok(())) => return None,
            Ok(Err(reason)) => reason,
            Err(_) => format!("no answer within {} ms", CHECK_TIMEOUT.as_millis()),
        };
        Some(format!("{}: {reason}", self.name))
    }
}

/// Collects what a service answers.
pub struct App<'a> {
    settings: &'a Settings,
    business: Router,
    plain: Router,
    checks: Vec<Check>,
    of_now: OfNow,
    metrics_at: Vec<&'static str>,
}

impl<'a> App<'a> {
    /// A service without routes of its own. From now on its metrics are counted: make this before whatever registers some.
    #[must_use]
    pub fn new(settings: &'a Settings) -> Self {
        observability::install();
        Self {
            settings,
            business: Router::new(),
            plain: Router::new(),
            checks: Vec::new(),
            of_now: Arc::new(|| {}),
            metrics_at: Vec::new(),
        }
    }

    /// Adds routes that cost what the settings declare as work.
    #[must_use]
    pub fn business(mut self, routes: Router) -> Self {
        self.business = self.business.merge(routes);
        self
    }

    /// Adds routes that cost nothing but themselves.
    #[must_use]
    pub fn plain(mut self, routes: Router) -> Self {
        self.plain = self.plain.merge(routes);
        self
    }

    /// Adds dependencies without which the service is not ready.
    #[must_use]
    pub fn checks(mut self, checks: impl IntoIterator<Item = Check>) -> Self {
        self.checks.extend(checks);
        self
    }

    /// Has `record` record metrics each time that somebody asks for them: those of parts that come and go. A series that it does not
    /// record is gone, where those of the whole process stay for as long as that lives.
    #[must_use]
    pub fn of_now(mut self, record: impl Fn() + Send + Sync + 'static) -> Self {
        self.of_now = Arc::new(record);
        self
    }

    /// Shows the metrics under another path, too.
    #[must_use]
    pub fn metrics_at(mut self, path: &'static str) -> Self {
        self.metrics_at.push(path);
        self
    }

    /// The whole: the routes, `/health`, `/ready`, `/metrics`, and problem answers to everything else.
    pub fn into_router(self) -> Router {
        let mut business = self.business;
        let mut plain = self.plain;
        if let Some(work) = Work::new(&self.settings.work)
            && business.has_routes()
        {
            let work = Arc::new(work);
            if self.settings.work.control {
                plain = plain.merge(work_control::routes(Arc::clone(&work)));
            }
            business = business.route_layer(middleware::from_fn_with_state(work, perform));
        }
        if self.settings.work.broken && business.has_routes() {
            business = business.route_layer(middleware::from_fn(refuse));
        }
        let readiness = self.settings.readiness;
        let asked = |check: &Check| readiness == Readiness::Deep || check.owned;
        let checks: Arc<[Check]> = self.checks.into_iter().filter(asked).collect();
        let alive = json!({"status": "ok", "service": self.settings.service, "instance": self.settings.instance});
        let mut own = Router::new()
            .route("/health", get(move || std::future::ready(Json(alive))))
            .route("/ready", get(ready).with_state(checks))
            .route("/metrics", get(metrics).with_state(Arc::clone(&self.of_now)));
        for path in self.metrics_at {
            own = own.route(path, get(metrics).with_state(Arc::clone(&self.of_now)));
        }
        business
            .merge(plain)
            .merge(own)
            .fallback(no_route)
            .method_not_allowed_fallback(wrong_method)
            .layer(CatchPanicLayer::custom(Failure::panicked))
            .layer(DeadlineLayer::new(self.settings.deadline))
            .layer(ObserveLayer::new(&self.settings.instance))
    }
}

async fn perform(State(work): State<Arc<Work>>, request: Request, next: Next) -> Response {
    let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
    let Ok(effort) = work.perform(path).await else {
        return expired::failure().into_response();
    };
    let response = next.run(request).await;
    effort.answered();
    response
}

/// What a broken instance does: it fails, and fast.
async fn refuse(_: Request, _: Next) -> Failure {
    Failure::unavailable("this instance is broken, because WORK_BROKEN says so")
}

async fn ready(State(checks): State<Arc<[Check]>>) -> Response {
    let complaints: Vec<String> = join_all(checks.iter().map(Check::complaint))
        .await
        .into_iter()
        .flatten()
        .collect();
    if complaints.is_empty() {
        return Json(json!({"status": "ready"})).into_response();
    }
    Failure::unavailable(format!("not ready, missing {}", complaints.join("; ")))
        .with_causes(complaints)
        .into_response()
}

async fn metrics(State(of_now): State<OfNow>) -> impl IntoResponse {
    (
        [(CONTENT_TYPE, PROMETHEUS_TEXT)],
        observability::render_with(|| of_now()),
    )
}

async fn no_route(method: Method, uri: Uri) -> Failure {
    Failure::not_found(format!("there is nothing at {method} {}", uri.path()))
}

async fn wrong_method(method: Method, uri: Uri) -> Failure {
    Failure::method_not_allowed(format!("{} does not know the method {method}", uri.path()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use axum::routing::post;
    use contract::{NewReservation, Program};

    use super::*;
    use crate::testing::{Answer, get_from, post_raw, post_to, send, settings};

    fn router() -> Router {
        let settings = settings(Program::Inventory, &[]);
        let routes = Router::new()
            .route(
                "/echo",
                post(|Json(body): Json<NewReservation>| async move { Json(body) }),
            )
            .route("/panic", get(|| async { panic!("on purpose") as &'static str }));
        App::new(&settings).business(routes).into_router()
    }

    fn problem(answer: &Answer, status: u16) {
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert_eq!(answer.headers["x-instance"], "inventory-1");
        let document = answer.json();
        assert_eq!(document["status"], status);
        assert!(
            document["title"].is_string() && document["detail"].is_string(),
            "{document}"
        );
        assert_eq!(document["trace_id"].as_str().map(str::len), Some(32), "{document}");
    }

    #[tokio::test]
    async fn every_wrong_request_is_answered_with_a_problem() {
        let json = Some("application/json");
        for (content_type, body, status) in [
            (json, "{", 400),
            (json, "", 400),
            (json, "{\"quantity\":1} x", 400),
            (json, "\u{7f}", 400),
            (json, "{\"quantity\":\"1\"}", 422),
            (json, "{\"quantity\":1.5}", 422),
            (json, "{\"quantity\":-1}", 422),
            (json, "{\"quantity\":1,\"extra\":2}", 422),
            (json, "{}", 422),
            (json, "[]", 422),
            (None, "{\"quantity\":1}", 415),
            (Some("text/plain"), "{\"quantity\":1}", 415),
        ] {
            problem(&post_raw(&router(), "/echo", content_type, body).await, status);
        }
        let oversized = format!("{{\"quantity\":{}1}}", " ".repeat(contract::limits::BODY_BYTES_MAX));
        problem(&post_raw(&router(), "/echo", json, &oversized).await, 413);
        problem(&get_from(&router(), "/nowhere").await, 404);
        problem(&get_from(&router(), "/panic").await, 500);
        let wrong_method = get_from(&router(), "/echo").await;
        problem(&wrong_method, 405);
        assert_eq!(wrong_method.headers["allow"], "POST");
        problem(&send(&router(), Method::POST, "/health", None, "").await, 405);
    }

    #[tokio::test]
    async fn a_right_request_is_answered() {
        let answer = post_to(&router(), "/echo", &json!({"quantity": 3})).await;
        assert_eq!((answer.status, answer.json()), (200, json!({"quantity": 3})));
        assert_eq!(answer.headers["content-type"], "application/json");
    }

    #[tokio::test]
    async fn health_and_metrics_are_there() {
        let health = get_from(&router(), "/health").await;
        assert_eq!(
            (health.status, &health.json()["instance"]),
            (200, &json!("inventory-1"))
        );
        let metrics = get_from(&router(), "/metrics").await;
        assert_eq!(metrics.status, 200);
        assert!(metrics.body.contains("http_requests_total{"), "{}", metrics.body);
    }

    #[tokio::test]
    async fn readiness_names_what_is_missing_and_does_not_hang() {
        let settings = settings(Program::Orders, &[]);
        let broken = Arc::new(AtomicU32::new(1));
        let seen = Arc::clone(&broken);
        let router = App::new(&settings)
            .checks([
                Check::new("database", move || {
                    let answer = if seen.load(Ordering::Relaxed) > 0 {
                        Err("is locked".to_owned())
                    } else {
                        Ok(())
                    };
                    std::future::ready(answer)
                }),
                Check::new("users", || async { Ok(()) }),
            ])
            .into_router();
        let answer = get_from(&router, "/ready").await;
        problem_503(&answer, &json!(["database: is locked"]));
        broken.store(0, Ordering::Relaxed);
        assert_eq!(get_from(&router, "/ready").await.status, 200);

        let hanging = App::new(&settings)
            .checks([Check::new("inventory", std::future::pending)])
            .into_router();
        problem_503(
            &get_from(&hanging, "/ready").await,
            &json!(["inventory: no answer within 500 ms"]),
        );
    }

    #[tokio::test]
    async fn a_shallow_readiness_asks_only_what_the_service_owns() {
        let failing = |name| Check::new(name, || async { Err("is gone".to_owned()) });
        for (ready, owned, status) in [("shallow", false, 200), ("shallow", true, 503), ("deep", false, 503)] {
            let settings = settings(Program::Orders, &[("READY", ready)]);
            let check = failing("something");
            let router = App::new(&settings)
                .checks([if owned { check.owned() } else { check }])
                .into_router();
            assert_eq!(get_from(&router, "/ready").await.status, status, "{ready} {owned}");
        }
    }

    fn problem_503(answer: &Answer, causes: &serde_json::Value) {
        assert_eq!((answer.status, &answer.json()["causes"]), (503, causes));
    }

    #[tokio::test]
    async fn work_is_done_for_business_routes_only() {
        let variables = [
            ("WORK_WAIT_MS", "60000"),
            ("WORK_DISTRIBUTION", "constant"),
            ("WORK_LIMIT", "1"),
        ];
        let settings = settings(Program::Users, &variables);
        let answer = || async { "done" };
        let router = App::new(&settings)
            .business(Router::new().route("/slow", get(answer)))
            .plain(Router::new().route("/quick", get(answer)))
            .into_router();
        let slow = tokio::time::timeout(Duration::from_millis(5), get_from(&router, "/slow")).await;
        assert!(slow.is_err());
        for path in ["/quick", "/health", "/ready", "/metrics"] {
            assert_eq!(get_from(&router, path).await.status, 200, "{path}");
        }
        assert_eq!(get_from(&router, "/nowhere").await.status, 404);
    }
}
