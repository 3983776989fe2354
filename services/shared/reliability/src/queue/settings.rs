//! A queue as a team writes it.

use super::discipline::Discipline;
use super::policies::REGISTRY;
use crate::config::{SettingsError, Words, find};

/// An empty queue, written as `fifo length=100` or `codel length=100 target=5ms interval=100ms`: the discipline's name, how
/// many may wait (none is possible), and its settings.
///
/// # Errors
/// When no discipline has that name, or its settings are not understood.
pub fn queue(text: &str) -> Result<Box<dyn Discipline>, SettingsError> {
    let (kind, rest) = find("queue discipline", REGISTRY, text)?;
    let mut words = Words::of(rest)?;
    let length = words.take("length", 100_u32)? as usize;
    let queue = (kind.build)(&mut words, length)?;
    words.end()?;
    Ok(queue)
}
