//! Lines of Prometheus text, for what the recorder does not write. Writing to a string does not fail.

use std::fmt::Write as _;

/// The lines above the values of a metric.
pub(crate) fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// The value of a series, whose labels are in braces or nothing.
pub(crate) fn value(text: &mut String, name: &str, labels: &str, value: f64) {
    let _ = writeln!(text, "{name}{labels} {value}");
}
