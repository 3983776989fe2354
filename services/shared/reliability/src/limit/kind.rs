//! What is known of a policy without building it.

use std::fmt;

use super::observe::ConcurrencyLimit;
use crate::config::{Named, SettingsError, Words};

/// What builds a policy from its settings.
type Build = fn(&mut Words<'_>) -> Result<Box<dyn ConcurrencyLimit>, SettingsError>;

/// A policy that can be built: its name as written in settings, what it does in one line, and its constructor.
#[derive(Clone, Copy)]
pub struct LimitKind {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) build: Build,
}

impl LimitKind {
    /// The name as people write it, such as `gradient`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What the policy does, in one line for a list.
    #[must_use]
    pub const fn summary(&self) -> &'static str {
        self.summary
    }
}

impl Named for LimitKind {
    const WHAT: &'static str = "limit of concurrency";

    fn name(&self) -> &'static str {
        self.name
    }
}

impl fmt::Debug for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LimitKind").field(&self.name).finish()
    }
}
