//! Groups: who reads what, and how far they have come.

mod classic;
mod member;
mod offsets;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Instant;

use super::code::Code;
use super::memory::Memory;

pub(super) use classic::{Group, SyncRequest};
pub(super) use member::{JoinRequest, Joined, Synced};

/// Groups that are remembered.
const GROUPS_MAX: usize = 1000;
/// The longest name of a group.
const NAME_BYTES_MAX: usize = 255;
/// What all members and offsets may take.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// All groups, by name.
#[derive(Debug)]
pub(super) struct Groups {
    groups: BTreeMap<String, Group>,
    memory: Memory,
}

impl Groups {
    pub(super) fn new() -> Self {
        Self {
            groups: BTreeMap::new(),
            memory: Memory::of(BYTES_MAX),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Group> {
        self.groups.get(name)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Group> {
        self.groups.get_mut(name)
    }

    /// The group of this name, which is made if need be.
    pub(super) fn make(&mut self, name: &str) -> Result<&mut Group, Code> {
        if !(1..=NAME_BYTES_MAX).contains(&name.len()) {
            return Err(Code::InvalidGroupId);
        }
        if !self.groups.contains_key(name) {
            if self.groups.len() == GROUPS_MAX {
                return Err(Code::GroupMaxSizeReached);
            }
            self.groups.insert(name.to_owned(), Group::new(self.memory.clone()));
        }
        self.groups.get_mut(name).ok_or(Code::InvalidGroupId)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Group)> {
        self.groups.iter().map(|(name, group)| (name.as_str(), group))
    }

    /// Removes a group without members.
    pub(super) fn remove(&mut self, name: &str) -> Result<(), Code> {
        let group = self.groups.get(name).ok_or(Code::GroupIdNotFound)?;
        if !group.members.is_empty() {
            return Err(Code::NonEmptyGroup);
        }
        self.groups.remove(name);
        Ok(())
    }

    /// Forgets how far groups have come in a topic that is gone.
    pub(super) fn forget_topic(&mut self, topic: &str) {
        for group in self.groups.values_mut() {
            group.offsets.forget(topic);
        }
    }

    /// Lets time pass for all groups, and forgets those with which nothing is lost.
    pub(super) fn pass_time(&mut self, now: Instant) {
        self.groups.retain(|_, group| {
            group.pass_time(now);
            !group.is_forgettable()
        });
    }
}
