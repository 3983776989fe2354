//! What is known of a policy without building it.

use std::fmt;

use super::limit::{Quota, RateLimit};
use crate::config::Named;

/// A policy that can be built: its name as written in settings, what it does in one line, its promise and its constructor.
#[derive(Clone, Copy)]
pub struct RateLimitKind {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) most: fn(&Quota) -> u64,
    pub(super) build: fn(Quota) -> Box<dyn RateLimit>,
}

impl RateLimitKind {
    /// The name as people write it, such as `sliding_log`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What the policy does, in one line for a list.
    #[must_use]
    pub const fn summary(&self) -> &'static str {
        self.summary
    }

    /// The most that it admits between any two instants less than a window apart. A client that tries gets so many.
    #[must_use]
    pub fn most(&self, quota: &Quota) -> u64 {
        (self.most)(quota)
    }

    /// A fresh limit for one client.
    #[must_use]
    pub fn build(&self, quota: Quota) -> Box<dyn RateLimit> {
        (self.build)(quota)
    }
}

impl Named for RateLimitKind {
    const WHAT: &'static str = "rate limit";

    fn name(&self) -> &'static str {
        self.name
    }
}

impl fmt::Debug for RateLimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RateLimitKind").field(&self.name).finish()
    }
}
