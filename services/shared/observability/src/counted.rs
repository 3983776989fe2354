//! The counters of requests, and how long they took.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use metrics::{Counter, Histogram};

/// Metric handles by route, then by method and status. Looking one up formats nothing and allocates nothing.
#[derive(Default)]
pub(crate) struct Counted {
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

impl Counted {
    /// Counts a request that took so long.
    pub(crate) fn count(&self, route: &str, method: &'static str, status: u16, took: Duration) {
        let handles = self.handles(route, method, status);
        handles.total.increment(1);
        handles.duration.record(took.as_secs_f64());
    }

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
