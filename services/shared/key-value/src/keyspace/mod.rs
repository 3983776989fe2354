//! Keys, their values and when they expire.
//!
//! Time stands still while a command, a script or a transaction runs: [`Keyspace::pass_time`] is called before each, and
//! takes out whatever has expired. Nothing else has to think of expiry.

mod sorted;
mod value;

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use indexmap::IndexMap;

pub(crate) use sorted::{Scores, SortedSet};
pub(crate) use value::{Hash, Kind, List, Set, Text, Value, WRONG_TYPE};

use crate::clock::Now;
use crate::protocol::Failure;

#[derive(Debug)]
struct Entry {
    value: Value,
    /// When it expires, in milliseconds since the server started.
    deadline: Option<i64>,
}

/// Tells a client that something which it watches has changed.
pub(crate) type Changed = Rc<Cell<bool>>;

/// One of the numbered databases.
#[derive(Debug, Default)]
pub(crate) struct Keyspace {
    entries: IndexMap<Vec<u8>, Entry>,
    /// The deadlines of all entries that have one.
    deadlines: BTreeSet<(i64, Vec<u8>)>,
    watchers: HashMap<Vec<u8>, Vec<Changed>>,
    now: Now,
    expired: u64,
}

impl Keyspace {
    /// Sets the time, and takes out what has expired.
    pub(crate) fn pass_time(&mut self, now: Now) {
        self.now = now;
        while self
            .deadlines
            .first()
            .is_some_and(|(deadline, _)| *deadline <= now.passed_ms)
        {
            if let Some((_, key)) = self.deadlines.pop_first() {
                self.entries.swap_remove(&key);
                self.expired += 1;
                self.touch(&key);
            }
        }
    }

    pub(crate) fn now(&self) -> Now {
        self.now
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many keys have a deadline.
    pub(crate) fn expiring(&self) -> usize {
        self.deadlines.len()
    }

    /// How many keys have expired since the start.
    pub(crate) fn expired(&self) -> u64 {
        self.expired
    }

    pub(crate) fn has(&self, key: &[u8]) -> bool {
        self.entries.contains_key(key)
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&Value> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// The value of a key, which must be of this kind where there is one.
    pub(crate) fn read<K: Kind>(&self, key: &[u8]) -> Result<Option<&K>, Failure> {
        self.get(key).map(|value| K::of(value).ok_or(WRONG_TYPE)).transpose()
    }

    /// Gives a key a value that does not expire.
    pub(crate) fn set(&mut self, key: &[u8], value: Value) {
        self.expire(key, None);
        self.replace(key, value);
    }

    /// Gives a key a value, and leaves its deadline as it is.
    pub(crate) fn replace(&mut self, key: &[u8], value: Value) {
        match self.entries.get_mut(key) {
            Some(entry) => entry.value = value,
            None => {
                self.entries.insert(key.to_vec(), Entry { value, deadline: None });
            }
        }
        self.touch(key);
    }

    /// Changes the value of a key in its place. `change` says also whether there is a difference. What was not there is
    /// made, and a collection that is empty afterwards is taken out.
    pub(crate) fn edit<K: Kind, R>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(&mut K) -> (R, bool),
    ) -> Result<R, Failure> {
        let (answer, differs, is_gone) = match self.entries.get_mut(key) {
            Some(entry) => {
                let value = K::of_mut(&mut entry.value).ok_or(WRONG_TYPE)?;
                let (answer, differs) = change(value);
                (answer, differs, value.is_gone())
            }
            None => {
                let mut value = K::default();
                let (answer, differs) = change(&mut value);
                if value.is_gone() {
                    return Ok(answer);
                }
                self.replace(key, value.into_value());
                (answer, differs, false)
            }
        };
        if is_gone {
            self.remove(key);
        } else if differs {
            self.touch(key);
        }
        Ok(answer)
    }

    /// Takes a key out, with its value.
    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<Value> {
        self.expire(key, None);
        let entry = self.entries.swap_remove(key)?;
        self.touch(key);
        Some(entry.value)
    }

    pub(crate) fn clear(&mut self) {
        let watched: Vec<Vec<u8>> = self.watchers.keys().filter(|key| self.has(key)).cloned().collect();
        for key in watched {
            self.touch(&key);
        }
        self.entries = IndexMap::new();
        self.deadlines = BTreeSet::new();
    }

    /// The deadline of a key, where it has one.
    pub(crate) fn deadline(&self, key: &[u8]) -> Option<i64> {
        self.entries.get(key)?.deadline
    }

    /// Sets or takes away the deadline of a key, if that is there.
    pub(crate) fn expire(&mut self, key: &[u8], deadline: Option<i64>) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        if let Some(old) = std::mem::replace(&mut entry.deadline, deadline) {
            self.deadlines.remove(&(old, key.to_vec()));
        }
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, key.to_vec()));
        }
    }

    /// The key at a position. A removal moves the last key to the place of the removed one, so who walks from the end
    /// to the beginning misses none that stays.
    pub(crate) fn at(&self, position: usize) -> Option<(&[u8], &Value)> {
        let (key, entry) = self.entries.get_index(position)?;
        Some((key, &entry.value))
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.keys().map(Vec::as_slice)
    }

    /// Lets a client know when the value of a key changes.
    pub(crate) fn watch(&mut self, key: &[u8], changed: &Changed) {
        let watchers = self.watchers.entry(key.to_vec()).or_default();
        if !watchers.iter().any(|known| Rc::ptr_eq(known, changed)) {
            watchers.push(Rc::clone(changed));
        }
    }

    pub(crate) fn unwatch(&mut self, key: &[u8], changed: &Changed) {
        if let Some(watchers) = self.watchers.get_mut(key) {
            watchers.retain(|known| !Rc::ptr_eq(known, changed));
            if watchers.is_empty() {
                self.watchers.remove(key);
            }
        }
    }

    /// Tells those who watch a key that it has changed.
    pub(crate) fn touch(&self, key: &[u8]) {
        // A look-up costs as much as many a command, and hardly ever is anything watched.
        if self.watchers.is_empty() {
            return;
        }
        for changed in self.watchers.get(key).into_iter().flatten() {
            changed.set(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Now {
        Now {
            passed_ms: ms,
            ..Now::default()
        }
    }

    #[test]
    fn what_has_expired_is_gone_and_its_watchers_know() {
        let mut keys = Keyspace::default();
        for (key, deadline) in [("a", Some(10)), ("b", Some(20)), ("c", None)] {
            keys.set(key.as_bytes(), Value::Text(b"x".to_vec()));
            keys.expire(key.as_bytes(), deadline);
        }
        let changed = Changed::default();
        keys.watch(b"a", &changed);
        keys.pass_time(at(9));
        assert_eq!((keys.len(), changed.get()), (3, false));
        keys.pass_time(at(10));
        assert!(!keys.has(b"a") && keys.has(b"b") && changed.get());
        keys.set(b"b", Value::Text(b"y".to_vec()));
        keys.pass_time(at(1_000));
        assert_eq!((keys.len(), keys.expiring(), keys.expired()), (2, 0, 1));
    }

    #[test]
    fn an_empty_collection_is_no_value() {
        let mut keys = Keyspace::default();
        let popped = keys.edit(b"l", |list: &mut List| (list.pop_front(), true)).unwrap();
        assert_eq!((popped, keys.len()), (None, 0));
        keys.edit(b"l", |list: &mut List| (list.push_back(b"a".to_vec()), true))
            .unwrap();
        assert_eq!(keys.edit(b"l", |set: &mut Set| (set.len(), false)), Err(WRONG_TYPE));
        keys.edit(b"l", |list: &mut List| (list.clear(), true)).unwrap();
        assert_eq!(keys.len(), 0);
    }
}
