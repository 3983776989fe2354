//! What a queue discipline is.

use std::fmt::Debug;
use std::time::Duration;

use crate::config::{Kind, SettingsError, Words};

/// Somebody who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiter {
    /// The number under which its user knows it. No two that wait have the same.
    pub id: u64,
    /// Since when it waits.
    pub since: Duration,
}

/// Decides who is served next. Times must not run backwards.
pub trait Discipline: Send + Debug {
    /// Somebody comes at `now`, and waits. When there is no room, somebody is turned away: that one, or another.
    fn push(&mut self, id: u64, now: Duration) -> Option<Waiter>;

    /// Somebody can be served at `now`: who? Those that it turns away on the way are added to `shed`.
    fn pop(&mut self, now: Duration, shed: &mut Vec<Waiter>) -> Option<Waiter>;

    /// Somebody does not want to wait any longer. Whether it was still here.
    fn remove(&mut self, id: u64) -> bool;

    /// How many wait.
    fn len(&self) -> usize;

    /// Whether nobody waits.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A discipline that can be built from the settings behind its name, and how many may wait.
pub type DisciplineKind = Kind<fn(&mut Words<'_>, usize) -> Result<Box<dyn Discipline>, SettingsError>>;
