//! How much memory connections may use, all together.

use std::cell::Cell;
use std::rc::Rc;

/// A number of bytes that may be in use. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Memory(Rc<Cell<usize>>);

/// Bytes that are in use until this is dropped.
#[derive(Debug)]
pub(super) struct Charge {
    memory: Memory,
    bytes: usize,
}

impl Memory {
    pub(super) fn of(bytes: usize) -> Self {
        Self(Rc::new(Cell::new(bytes)))
    }

    /// Bytes that are still to be had.
    pub(super) fn left(&self) -> usize {
        self.0.get()
    }

    /// Nothing yet, to be changed by [`Charge::set`].
    pub(super) fn nothing(&self) -> Charge {
        Charge {
            memory: self.clone(),
            bytes: 0,
        }
    }

    /// This many bytes, if they are still to be had.
    pub(super) fn charge(&self, bytes: usize) -> Option<Charge> {
        let mut charge = self.nothing();
        charge.set(bytes).then_some(charge)
    }
}

impl Charge {
    /// Changes how many bytes are in use; `false`, and nothing is changed, when there are not so many.
    pub(super) fn set(&mut self, bytes: usize) -> bool {
        let Some(left) = (self.memory.left() + self.bytes).checked_sub(bytes) else {
            return false;
        };
        self.memory.0.set(left);
        self.bytes = bytes;
        true
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_use_is_given_back_and_never_more_than_there_is() {
        let memory = Memory::of(100);
        let mut one = memory.charge(60).unwrap();
        assert!(memory.charge(41).is_none());
        assert!(!one.set(101) && one.set(100));
        assert_eq!(memory.left(), 0);
        drop(one);
        assert_eq!(memory.left(), 100);
    }
}
