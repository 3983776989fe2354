//! What can be seen of locks in the metrics.

use std::time::Duration;

use metrics::{counter, describe_counter, describe_histogram, histogram};

use crate::{LockError, Release};

/// Value of the label `lock` for locks in Redis.
pub(crate) const REDIS: &str = "redis";
/// Value of the label `lock` for locks in the memory of the instance.
pub(crate) const LOCAL: &str = "local";

/// Has the process record metrics, and explains those of locks.
pub(crate) fn describe() {
    observability::install();
    describe_counter!("lock_acquisitions_total", "Locks that were wanted, by how that ended.");
    describe_counter!("lock_contention_total", "Tries that found the lock held by another.");
    describe_counter!(
        "lock_releases_total",
        "Locks in Redis that were given back, by what that did."
    );
    describe_counter!(
        "lock_stale_tokens_total",
        "Reads and writes that the storage refused for a stale token."
    );
    describe_histogram!("lock_wait_seconds", "From wanting a lock to having it or giving up.");
    describe_histogram!("lock_hold_seconds", "From having a lock to giving it back.");
}

pub(crate) fn acquisition(lock: &'static str, error: Option<&LockError>, waited: Duration) {
    let result = match error {
        None => "won",
        Some(LockError::Held { .. }) => "held",
        Some(LockError::Unavailable { .. }) => "unavailable",
    };
    counter!("lock_acquisitions_total", "lock" => lock, "result" => result).increment(1);
    histogram!("lock_wait_seconds", "lock" => lock).record(waited);
}

pub(crate) fn contended(lock: &'static str) {
    counter!("lock_contention_total", "lock" => lock).increment(1);
}

pub(crate) fn held(lock: &'static str, held: Duration) {
    histogram!("lock_hold_seconds", "lock" => lock).record(held);
}

/// `None`: Redis did not answer.
pub(crate) fn release(release: Option<&Release>) {
    let result = match release {
        Some(Release::Released) => "released",
        Some(Release::NotOwner) => "not_owner",
        Some(Release::DeletedForeign) => "deleted_foreign",
        None => "unavailable",
    };
    counter!("lock_releases_total", "result" => result).increment(1);
}

pub(crate) fn stale_token() {
    counter!("lock_stale_tokens_total").increment(1);
}
