//! How far groups have come.

use std::collections::BTreeMap;

use crate::built_in::code::Code;
use crate::built_in::memory::{Charge, Memory};

/// What clients may note beside an offset, as in Apache Kafka.
const METADATA_BYTES_MAX: usize = 4096;
/// What an offset costs beside its texts.
const OVERHEAD_BYTES: usize = 192;

/// Where a group goes on in one partition.
#[derive(Debug)]
pub(in crate::built_in) struct Committed {
    pub(in crate::built_in) offset: i64,
    pub(in crate::built_in) metadata: String,
    _memory: Charge,
}

/// What a group has committed.
#[derive(Debug)]
pub(in crate::built_in) struct Offsets {
    topics: BTreeMap<String, BTreeMap<i32, Committed>>,
    memory: Memory,
}

impl Offsets {
    pub(super) const fn new(memory: Memory) -> Self {
        Self {
            topics: BTreeMap::new(),
            memory,
        }
    }

    pub(in crate::built_in) fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    /// Remembers where the group goes on in a partition that exists.
    pub(in crate::built_in) fn commit(
        &mut self,
        topic: &str,
        partition: i32,
        offset: i64,
        metadata: &str,
    ) -> Result<(), Code> {
        if metadata.len() > METADATA_BYTES_MAX {
            return Err(Code::OffsetMetadataTooLarge);
        }
        let cost = OVERHEAD_BYTES + topic.len() + metadata.len();
        let memory = self.memory.charge(cost).ok_or(Code::PolicyViolation)?;
        let committed = Committed {
            offset,
            metadata: metadata.to_owned(),
            _memory: memory,
        };
        match self.topics.get_mut(topic) {
            Some(partitions) => {
                partitions.insert(partition, committed);
            }
            None => {
                self.topics
                    .insert(topic.to_owned(), BTreeMap::from([(partition, committed)]));
            }
        }
        Ok(())
    }

    pub(in crate::built_in) fn get(&self, topic: &str, partition: i32) -> Option<&Committed> {
        self.topics.get(topic)?.get(&partition)
    }

    /// Every topic and its partitions.
    pub(in crate::built_in) fn topics(&self) -> impl ExactSizeIterator<Item = (&str, &BTreeMap<i32, Committed>)> {
        self.topics
            .iter()
            .map(|(topic, partitions)| (topic.as_str(), partitions))
    }

    /// Forgets a topic that is gone.
    pub(super) fn forget(&mut self, topic: &str) {
        self.topics.remove(topic);
    }
}
