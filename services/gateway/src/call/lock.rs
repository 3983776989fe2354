//! The lock around what calls share.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A policy that calls share. It is never held across an await.
pub(crate) fn lock<T>(policy: &Mutex<T>) -> MutexGuard<'_, T> {
    policy.lock().unwrap_or_else(PoisonError::into_inner)
}
