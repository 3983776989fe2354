//! Requests that are answered without being done, since their deadline was over.

use crate::Failure;

const EXPIRED: &str = "http_requests_expired_total";

pub(crate) fn describe() {
    metrics::describe_counter!(
        EXPIRED,
        "Requests that were answered without being done, since their deadline was over."
    );
}

/// Counts one; `at` says where that was noticed.
pub(crate) fn count(at: &'static str) {
    metrics::counter!(EXPIRED, "at" => at).increment(1);
}

/// The answer to it.
pub(crate) fn failure() -> Failure {
    Failure::deadline_over("the deadline was over before the work began, so it was not done")
}
