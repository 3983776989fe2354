//! Makes the declared work slower while the service runs: what a noisy neighbour, a failing disk or a cold cache does to
//! one node of many.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use contract::{Validate, Violation};
use serde::{Deserialize, Serialize};

use crate::{Json, Slowness, Work};

/// The body of `PUT /work`, and what both methods answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pace {
    /// How many times as long as declared the work takes.
    slowness: f64,
}

impl Validate for Pace {
    fn validate(&self) -> Result<(), Vec<Violation>> {
        if Slowness::allows(self.slowness) {
            return Ok(());
        }
        Err(vec![Violation {
            field: "slowness",
            rule: format!("must be above 0 and at most {}, not {}", Slowness::MAX, self.slowness),
        }])
    }
}

/// `GET /work` and `PUT /work`.
pub(crate) fn routes(work: Arc<Work>) -> Router {
    Router::new().route("/work", get(show).put(change)).with_state(work)
}

async fn show(State(work): State<Arc<Work>>) -> Json<Pace> {
    Json(Pace {
        slowness: work.slowness().factor(),
    })
}

async fn change(State(work): State<Arc<Work>>, Json(pace): Json<Pace>) -> Json<Pace> {
    work.slowness().set(pace.slowness);
    tracing::info!(slowness = pace.slowness, "pace of the work changed");
    Json(pace)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use contract::Program;
    use http::Method;

    use crate::App;
    use crate::testing::{get_from, send, settings};

    fn router(variables: &[(&str, &str)]) -> Router {
        let settings = settings(Program::Users, variables);
        App::new(&settings)
            .business(Router::new().route("/users", get(|| async { "none" })))
            .into_router()
    }

    #[tokio::test]
    async fn the_pace_is_changed_where_that_is_allowed_and_nowhere_else() {
        let open = router(&[("WORK_WAIT_MS", "1"), ("WORK_CONTROL", "on")]);
        let put = |body: &'static str| send(&open, Method::PUT, "/work", Some("application/json"), body);
        assert_eq!(put("{\"slowness\": 20}").await.json()["slowness"], 20.0);
        for (wrong, status) in [
            ("{\"slowness\": 0}", 422),
            ("{\"slowness\": 1001}", 422),
            ("{\"slowness\": \"1\"}", 422),
            ("{}", 422),
            ("{", 400),
        ] {
            assert_eq!(put(wrong).await.status, status, "{wrong}");
        }
        assert_eq!(get_from(&open, "/work").await.json()["slowness"], 20.0);
        for closed in [router(&[("WORK_WAIT_MS", "1")]), router(&[("WORK_CONTROL", "on")])] {
            assert_eq!(get_from(&closed, "/work").await.status, 404);
        }
    }

    #[tokio::test]
    async fn one_instance_of_several_can_be_slow_or_broken_from_the_begin() {
        let of = |variable| {
            [
                ("WORK_WAIT_MS", "1"),
                ("WORK_CONTROL", "on"),
                ("INSTANCE", "users-2"),
                variable,
            ]
        };
        let slow =
            |list| async move { get_from(&router(&of(("WORK_SLOW", list))), "/work").await.json()["slowness"].clone() };
        assert_eq!(slow("users-1=3, users-2=20").await, 20.0);
        assert_eq!(slow("users-1=3").await, 1.0);
        for (list, status) in [("users-1,users-2", 503), ("users-1", 200), ("", 200)] {
            let router = router(&of(("WORK_BROKEN", list)));
            assert_eq!(get_from(&router, "/users").await.status, status, "{list}");
            assert_eq!(get_from(&router, "/ready").await.status, 200, "it looks well");
        }
    }

    #[test]
    fn a_list_of_slow_instances_that_cannot_be_read_is_refused() {
        for list in ["users-1", "users-1=fast", "users-1=0", "users-1=1001", "=,"] {
            let variables = [("WORK_SLOW", list)].into_iter().collect();
            let refused = crate::Settings::new(Program::Users, variables).unwrap_err().to_string();
            assert!(refused.contains("INSTANCE=FACTOR"), "{refused}");
        }
    }
}
