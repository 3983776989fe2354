//! How a service shows what it does: log lines (JSON), traces (W3C Trace Context) and metrics (Prometheus).
//!
//! What happens on every request is kept cheap: no line is logged, no string is formatted for a metric, and the trace
//! context travels in a task-local value instead of a span.

mod counted;
mod exposition;
mod lag;
mod logs;
mod metrics;
mod observe;
mod seconds;
mod standstill;
mod trace;
mod tracestate;

pub use lag::spawn_probes;
pub use logs::{LogGuard, init_logs};
pub use metrics::{PROMETHEUS_TEXT, install, render, render_with};
pub use observe::{ObserveLayer, ObserveService};
pub use seconds::SecondsTotal;
pub use trace::{InvalidTraceparent, TRACEPARENT, TRACESTATE, TraceContext};
