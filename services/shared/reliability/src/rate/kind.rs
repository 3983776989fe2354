//! What is known of a policy without building it.

use super::limit::{Quota, RateLimit};
use crate::config::Kind;

/// What builds a policy, and its promise.
#[derive(Clone, Copy)]
pub struct Build {
    pub(super) most: fn(&Quota) -> u64,
    pub(super) fresh: fn(Quota) -> Box<dyn RateLimit>,
}

/// A policy that can be built: its name as written in settings, what it does in one line, its promise and its constructor.
pub type RateLimitKind = Kind<Build>;

impl RateLimitKind {
    /// The most that it admits between any two instants less than a window apart. A client that tries gets so many.
    #[must_use]
    pub fn most(&self, quota: &Quota) -> u64 {
        (self.build.most)(quota)
    }

    /// A fresh limit for one client.
    #[must_use]
    pub fn build(&self, quota: Quota) -> Box<dyn RateLimit> {
        (self.build.fresh)(quota)
    }
}
