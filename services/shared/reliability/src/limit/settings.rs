//! A limit of concurrency as a team writes it.

use super::observe::ConcurrencyLimit;
use super::policies::REGISTRY;
use crate::config::{SettingsError, Words, find};

/// A fresh limit, written as `static max=10` or `aimd min=1 max=100 timeout=100ms`: the policy's name, and its settings.
///
/// # Errors
/// When no policy has that name, or its settings are not understood.
pub fn limit(text: &str) -> Result<Box<dyn ConcurrencyLimit>, SettingsError> {
    let (kind, rest) = find("limit of concurrency", REGISTRY, text)?;
    let mut words = Words::of(rest)?;
    let limit = (kind.build)(&mut words)?;
    words.end()?;
    Ok(limit)
}
