//! Notes what a request does, and when.

use std::sync::{Mutex, PoisonError};

use contract::{Step, StepKind};
use rustix::time::{ClockId, clock_gettime};

/// The steps of one request; noted only if they were asked for.
#[derive(Debug, Default)]
pub struct Steps(Option<Mutex<Vec<Step>>>);

impl Steps {
    /// Notes steps, or does not.
    #[must_use]
    pub fn new(asked: bool) -> Self {
        Self(asked.then(Mutex::default))
    }

    /// Notes a step, as done now.
    pub fn note(&self, what: StepKind, value: Option<i64>) {
        self.note_at(monotonic_ns(), what, value);
    }

    /// Notes a step, as done at the given time.
    pub fn note_at(&self, at_ns: u64, what: StepKind, value: Option<i64>) {
        if let Some(steps) = &self.0 {
            let mut steps = steps.lock().unwrap_or_else(PoisonError::into_inner);
            steps.push(Step { at_ns, what, value });
        }
    }

    /// The steps so far, oldest first; `None` unless they were asked for.
    #[must_use]
    pub fn into_list(self) -> Option<Vec<Step>> {
        self.0
            .map(|steps| steps.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Nanoseconds of the machine's monotonic clock, which is the same for all processes of a machine.
#[must_use]
pub fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_noted_in_order_and_only_when_asked_for() {
        let silent = Steps::new(false);
        silent.note(StepKind::Read, Some(1));
        assert_eq!(silent.into_list(), None);
        let steps = Steps::new(true);
        for value in 0..10 {
            steps.note(StepKind::Read, Some(value));
        }
        let list = steps.into_list().unwrap();
        assert!(list.is_sorted_by_key(|step| (step.at_ns, step.value)));
        assert_eq!(list.len(), 10);
    }
}
