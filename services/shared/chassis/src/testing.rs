//! Helps to test a service in one process: requests without a network, and stand-ins for called services.

use std::net::{IpAddr, Ipv4Addr};

use axum::Router;
use axum::body::Body;
use contract::{Allowed, Program, Step, StepKind, Strategy};
use futures_util::future::join_all;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request};
use hyper::body::Incoming;
use hyper::service::service_fn;
use serde::Serialize;
use serde_json::Value;
use tower::{Service, ServiceExt};

use crate::{Limits, Settings, Shutdown, bind, serve_connections};

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, which must be text.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The steps that it tells, of a request that asked for them.
    ///
    /// # Panics
    /// When it tells none.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        serde_json::from_value(self.json()["steps"].clone()).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// What these steps are.
    ///
    /// # Panics
    /// When it tells none.
    #[must_use]
    pub fn step_kinds(&self) -> Vec<StepKind> {
        self.steps().iter().map(|step| step.what).collect()
    }
}

/// Settings with the given variables and nothing from the process' own environment.
///
/// # Panics
/// When a variable holds what it may not hold.
#[must_use]
pub fn settings(service: Program, variables: &[(&str, &str)]) -> Settings {
    Settings::new(service, variables.iter().copied().collect()).expect("the test's own variables are right")
}

/// Asserts that a program reads variables as they are declared: at the edges of what they may hold, and beyond them.
/// `reads` says whether it takes the value of a variable.
///
/// # Panics
/// When it takes what is declared to be refused, or refuses what is declared to be taken.
pub fn assert_read_as_declared(variables: &[&str], reads: impl Fn(&str, &str) -> bool) {
    for &variable in variables {
        let allowed = Allowed::of(variable);
        for value in edges(allowed) {
            let (is, should) = (reads(variable, &value), allowed.accepts(&value));
            assert_eq!(is, should, "{variable}={value}: it must be {allowed}");
        }
    }
}

/// Values at the edges of what is allowed, and beyond them.
fn edges(allowed: Allowed) -> Vec<String> {
    let mut edges: Vec<String> = ["x", "-1", "1.5", "NaN", "=", "/x", "header:x", "users-1=2"]
        .map(str::to_owned)
        .into();
    match allowed {
        Allowed::Whole(min, max) => {
            edges.extend([min, max].map(|edge| edge.to_string()));
            edges.extend(min.checked_sub(1).map(|below| below.to_string()));
            edges.push((u128::from(max) + 1).to_string());
        }
        Allowed::Number(min, max) => edges.extend([min, max, min - 0.01, max + 0.01].map(|edge| edge.to_string())),
        Allowed::Words(words) => edges.extend(words.iter().map(ToString::to_string)),
        Allowed::Strategy => edges.extend(Strategy::ALL.map(|strategy| strategy.to_string())),
        Allowed::Form(..) | Allowed::Text => {}
    }
    edges
}

/// Sends a request with a body.
///
/// # Panics
/// When the request cannot be built or the answer is no text.
pub async fn send(router: &Router, method: Method, path: &str, content_type: Option<&str>, body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(content_type) = content_type {
        request = request.header(CONTENT_TYPE, content_type);
    }
    answer(
        router,
        request
            .body(Body::from(body.to_owned()))
            .expect("the test's own request is well formed"),
    )
    .await
}

/// Sends any request.
///
/// # Panics
/// When the answer is no text.
pub async fn answer(router: &Router, request: Request<Body>) -> Answer {
    let response = match router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX)
        .await
        .expect("the body arrives whole");
    let body = String::from_utf8(body.to_vec()).expect("the body is text");
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body,
    }
}

/// Sends a GET.
pub async fn get_from(router: &Router, path: &str) -> Answer {
    send(router, Method::GET, path, None, "").await
}

/// Sends a POST with a body as it is.
pub async fn post_raw(router: &Router, path: &str, content_type: Option<&str>, body: &str) -> Answer {
    send(router, Method::POST, path, content_type, body).await
}

/// Sends a POST with a JSON body.
pub async fn post_to(router: &Router, path: &str, body: &(impl Serialize + Sync)) -> Answer {
    let body = serde_json::to_string(body).expect("the test's own body is JSON");
    post_raw(router, path, Some("application/json"), &body).await
}

/// Sends a JSON body with headers of its own.
///
/// # Panics
/// When the request cannot be built or the answer is no text.
pub async fn send_with(
    router: &Router,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &(impl Serialize + Sync),
) -> Answer {
    let body = serde_json::to_vec(body).expect("the test's own body is JSON");
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .body(Body::from(body))
        .expect("the test's own request is well formed");
    answer(router, request).await
}

/// The same POST by as many clients at once, spread over the instances; the answers in the order of the clients.
///
/// # Panics
/// As [`send_with`].
pub async fn rush(
    instances: &[Router],
    clients: usize,
    path: &str,
    headers: &[(&str, &str)],
    body: &(impl Serialize + Sync),
) -> Vec<Answer> {
    let posts = instances
        .iter()
        .cycle()
        .take(clients)
        .map(|instance| send_with(instance, Method::POST, path, headers, body));
    join_all(posts).await
}

/// How many answers have this status.
#[must_use]
pub fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

/// Bodies that every route that takes JSON refuses, each with its content type and the status of the answer.
#[must_use]
pub fn refused_bodies() -> Vec<(Option<&'static str>, String, u16)> {
    let json = Some("application/json");
    vec![
        (json, String::new(), 400),
        (json, "{".to_owned(), 400),
        (json, "[]".to_owned(), 422),
        (json, "{\"surely_unknown\":1}".to_owned(), 422),
        (Some("text/plain"), "{}".to_owned(), 415),
        (None, "{}".to_owned(), 415),
        (json, " ".repeat(contract::limits::BODY_BYTES_MAX + 1), 413),
    ]
}

/// Asserts that a route refuses every one of [`refused_bodies`] with a problem.
///
/// # Panics
/// When it does not.
pub async fn assert_refuses_bodies(router: &Router, path: &str) {
    for (content_type, body, status) in refused_bodies() {
        let answer = post_raw(router, path, content_type, &body).await;
        assert_problem(&answer, status);
    }
}

/// Asserts that an answer is a problem of this status.
///
/// # Panics
/// When it is not.
pub fn assert_problem(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.headers[CONTENT_TYPE], contract::Problem::MEDIA_TYPE);
    assert_eq!(answer.json()["status"], status);
}

/// Serves a router on a free port of this machine, for as long as the runtime lives, and gives its address.
///
/// # Panics
/// When there is no free port.
pub async fn spawn(router: Router) -> String {
    let listener = bind(IpAddr::V4(Ipv4Addr::LOCALHOST), 0).await.expect("a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    tokio::spawn(async move {
        let make = |stream, _| {
            let router = router.clone();
            let service = service_fn(move |request: Request<Incoming>| router.clone().call(request.map(Body::new)));
            (stream, service)
        };
        serve_connections(listener, Limits::USUAL, make, &Shutdown::never()).await
    });
    format!("http://{address}")
}
