//! One operation of a client: asked, answered or not, and what is known of it afterwards.

use std::time::{Duration, Instant};

use compose::http;
use contract::{Problem, STEPS_HEADER, kind};
use history::{Completion, Operation, Step};
use serde_json::Value;
use url::Url;

use super::error::RunError;
use crate::plan::{ClientsSpec, RequestSpec};

/// How long the preparation of a wave may take.
const PREPARE_TIMEOUT: Duration = Duration::from_secs(5);

/// The clock of a history. Services on this machine read the same one (CLOCK_MONOTONIC), so that their steps and the
/// clients' times stand on one axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    began: Instant,
    began_ns: u64,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            began: Instant::now(),
            began_ns: monotonic_ns(),
        }
    }

    pub(super) fn began(self) -> Instant {
        self.began
    }

    /// Nanoseconds since the history began.
    fn now_ns(self) -> u64 {
        monotonic_ns().saturating_sub(self.began_ns)
    }

    /// A moment that a service told, on the axis of the history.
    fn on_axis(self, at_ns: u64) -> u64 {
        at_ns.saturating_sub(self.began_ns)
    }
}

fn monotonic_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let part = |number: i64| u64::try_from(number).unwrap_or(0);
    part(now.tv_sec)
        .saturating_mul(1_000_000_000)
        .saturating_add(part(now.tv_nsec))
}

/// Puts the questions of one group of clients.
pub(super) struct Asker {
    http: reqwest::Client,
    clock: Clock,
}

impl Asker {
    pub(super) fn new(spec: &ClientsSpec, clock: Clock) -> Result<Self, RunError> {
        let http = http::client(Duration::from_secs_f64(spec.timeout_s))
            .map_err(|error| RunError::Unexpected(format!("cannot make an HTTP client: {error}")))?;
        Ok(Self { http, clock })
    }

    /// What is asked before a wave, which must succeed.
    pub(super) async fn prepare(&self, door: &Url, ask: &RequestSpec, wave: u32) -> Result<(), String> {
        let request = self.request(door, ask, 1, wave)?.timeout(PREPARE_TIMEOUT);
        let answer = request.send().await.map_err(|error| said(&error))?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(format!("the answer was {}", answer.status()))
    }

    /// One operation from its invocation to what is known of it.
    pub(super) async fn operate(&self, door: &Url, spec: &ClientsSpec, client: u32, wave: u32) -> Operation {
        let mut operation = Operation {
            id: 0,
            actor: spec.actor(client),
            instance: None,
            class: spec.class.clone(),
            key: ClientsSpec::fill(&spec.key, client, wave),
            input: spec
                .request
                .json
                .as_ref()
                .and_then(|json| serde_json::from_str(&ClientsSpec::fill(json, client, wave)).ok())
                .unwrap_or(Value::Null),
            output: Value::Null,
            invoked_ns: self.clock.now_ns(),
            completed_ns: None,
            outcome: Completion::Unknown,
            error: None,
            steps: Vec::new(),
        };
        let answer = match self.request(door, &spec.request, client, wave) {
            Ok(request) => request.header(STEPS_HEADER, "1").send().await,
            Err(why) => {
                operation.outcome = Completion::Fail;
                operation.error = Some(why);
                return operation;
            }
        };
        match answer {
            Ok(answer) => self.answered(&mut operation, answer).await,
            Err(error) => {
                // A request that never found somebody to read it cannot have done anything.
                operation.outcome = if error.is_connect() {
                    Completion::Fail
                } else {
                    Completion::Unknown
                };
                operation.error = Some(said(&error));
            }
        }
        if operation.outcome != Completion::Unknown {
            operation.completed_ns = Some(self.clock.now_ns());
        }
        operation
    }

    async fn answered(&self, operation: &mut Operation, answer: reqwest::Response) {
        let status = answer.status();
        operation.instance = answer
            .headers()
            .get("x-instance")
            .and_then(|name| name.to_str().ok())
            .map(str::to_owned);
        let mut body: Value = match http::json(answer).await {
            Ok(body) => body,
            Err(error) if status.is_success() => {
                operation.error = Some(error.to_string());
                return;
            }
            Err(_) => Value::Null,
        };
        if let Some(steps) = body.as_object_mut().and_then(|body| body.remove("steps")) {
            operation.steps = serde_json::from_value::<Vec<Step>>(steps).unwrap_or_default();
            for step in &mut operation.steps {
                step.at_ns = self.clock.on_axis(step.at_ns);
            }
        }
        operation.outcome = if status.is_success() {
            Completion::Ok
        } else if status.is_client_error() || kind::of(&body).is_some_and(kind::changes_nothing) {
            Completion::Fail
        } else {
            Completion::Unknown
        };
        if !status.is_success() {
            operation.error = Some(refusal(status.as_u16(), &body));
        }
        operation.output = body;
    }

    fn request(
        &self,
        door: &Url,
        ask: &RequestSpec,
        client: u32,
        wave: u32,
    ) -> Result<reqwest::RequestBuilder, String> {
        let path = ClientsSpec::fill(&ask.path, client, wave);
        let url = door.join(&path).map_err(|error| format!("{path}: {error}"))?;
        let method = ask
            .method
            .parse()
            .map_err(|_| format!("{} is not an HTTP method", ask.method))?;
        let mut request = self.http.request(method, url);
        for (name, value) in &ask.headers {
            request = request.header(name, ClientsSpec::fill(value, client, wave));
        }
        if let Some(json) = &ask.json {
            request = request
                .header("content-type", "application/json")
                .body(ClientsSpec::fill(json, client, wave));
        }
        Ok(request)
    }
}

/// Why the service did not do it, in its own words.
fn refusal(status: u16, body: &Value) -> String {
    match serde_json::from_value::<Problem>(body.clone()) {
        Ok(problem) if !problem.detail.is_empty() => problem.detail,
        _ => format!("answered with status {status}"),
    }
}

/// What went wrong, in a word.
fn said(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_connect() {
        "nobody listens".to_owned()
    } else {
        "the connection broke".to_owned()
    }
}
