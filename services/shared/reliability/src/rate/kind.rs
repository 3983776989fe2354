//! What is known of a policy without building it.

use super::limit::{Quota, RateLimit};
use crate::config::Kind;

/// What all scripts share.
const PRELUDE: &str = include_str!("policies/prelude.lua");

/// Whether a request at a time is admitted, told from all that were admitted before.
#[cfg(test)]
pub(super) type Specification = fn(&Quota, &[std::time::Duration], std::time::Duration) -> bool;

/// What builds a policy, and its promise.
#[derive(Clone, Copy)]
pub struct Build {
    pub(super) most: fn(&Quota) -> u64,
    pub(super) fresh: fn(Quota) -> Box<dyn RateLimit>,
    /// The same policy for Redis, which goes on where the prelude ends.
    pub(super) script: &'static str,
    #[cfg(test)]
    pub(super) specification: Specification,
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

    /// The same policy as a script in Lua, with its state in Redis under the one key that it is given. Its head says what it
    /// takes and what it answers.
    #[must_use]
    pub fn script(&self) -> String {
        format!("{PRELUDE}{}", self.build.script)
    }
}
