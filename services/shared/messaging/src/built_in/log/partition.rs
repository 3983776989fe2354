//! The log of one partition.

use std::collections::VecDeque;
use std::rc::Rc;

use tokio::sync::Notify;

use super::producers::Producers;
use crate::built_in::batch::{self, Batch};
use crate::built_in::code::Code;

/// What a batch costs beside its own bytes.
const OVERHEAD_BYTES: usize = 64;

#[derive(Debug, Default)]
pub(in crate::built_in) struct Partition {
    batches: VecDeque<Stored>,
    /// The first offset that is still there.
    start: i64,
    /// The offset that the next record gets.
    end: i64,
    bytes: usize,
    producers: Producers,
    has_zstd: bool,
    /// Whom to wake when something is appended.
    waiting: Vec<Rc<Notify>>,
}

#[derive(Debug)]
struct Stored {
    /// How many batches the whole log had been given with this one.
    appended: u64,
    first: i64,
    last: i64,
    newest: i64,
    bytes: Box<[u8]>,
}

impl Stored {
    fn cost(&self) -> usize {
        self.bytes.len() + OVERHEAD_BYTES
    }
}

impl Partition {
    pub(in crate::built_in) const fn start(&self) -> i64 {
        self.start
    }

    pub(in crate::built_in) const fn end(&self) -> i64 {
        self.end
    }

    /// Whether something in it was ever packed with Zstandard.
    pub(in crate::built_in) const fn has_zstd(&self) -> bool {
        self.has_zstd
    }

    /// Bytes of memory that it takes.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// When its oldest batch was appended, in batches of the whole log; nothing where it is empty.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.batches.front().map(|batch| batch.appended)
    }

    /// Appends a batch as the `appended`-th of the whole log, unless it is there already, and gives the offset of its
    /// first record.
    pub(super) fn append(&mut self, batch: &Batch<'_>, appended: u64) -> Result<i64, Code> {
        if let Some(sender) = batch.producer {
            if let Some(offset) = self.producers.check(sender, batch.records)? {
                return Ok(offset);
            }
            self.producers.stored(sender, batch.records, self.end);
        }
        let first = self.end;
        self.has_zstd |= batch.is_zstd();
        self.end += i64::from(batch.records);
        let stored = Stored {
            appended,
            first,
            last: self.end - 1,
            newest: batch.newest,
            bytes: batch.stored(first),
        };
        self.bytes += stored.cost();
        self.batches.push_back(stored);
        for waiting in self.waiting.drain(..) {
            waiting.notify_one();
        }
        Ok(first)
    }

    /// Drops the oldest batch, and gives the memory that it took.
    pub(super) fn drop_oldest(&mut self) -> usize {
        let Some(oldest) = self.batches.pop_front() else {
            return 0;
        };
        self.start = oldest.last + 1;
        self.bytes -= oldest.cost();
        oldest.cost()
    }

    /// Appends the batches from the one with this offset on, `bytes_max` of them at most, to `out`. With `at_least_one`
    /// the first one is given even when it is longer.
    pub(in crate::built_in) fn read(
        &self,
        offset: i64,
        bytes_max: usize,
        at_least_one: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), Code> {
        if !(self.start..=self.end).contains(&offset) {
            return Err(Code::OffsetOutOfRange);
        }
        let from = self.batches.partition_point(|batch| batch.last < offset);
        let mut left = bytes_max;
        for (number, batch) in self.batches.range(from..).enumerate() {
            let length = batch.bytes.len();
            if length > left && !(at_least_one && number == 0) {
                break;
            }
            out.extend_from_slice(&batch.bytes);
            left = left.saturating_sub(length);
        }
        Ok(())
    }

    /// The offset and timestamp of the first record that is not older than this.
    pub(in crate::built_in) fn since(&self, timestamp: i64) -> Option<(i64, i64)> {
        let batch = self.batches.iter().find(|batch| batch.newest >= timestamp)?;
        let (after, found) = batch::first_since(&batch.bytes, timestamp);
        Some((batch.first + after, found))
    }

    /// The offset and timestamp of the newest record.
    pub(in crate::built_in) fn newest(&self) -> Option<(i64, i64)> {
        let newest = self.batches.iter().map(|batch| batch.newest).max()?;
        self.since(newest)
    }

    /// Wakes this when something is appended.
    pub(in crate::built_in) fn wake(&mut self, waiting: &Rc<Notify>) {
        self.waiting.push(Rc::clone(waiting));
    }

    /// No longer wakes this.
    pub(in crate::built_in) fn wake_no_more(&mut self, waiting: &Rc<Notify>) {
        self.waiting.retain(|other| !Rc::ptr_eq(other, waiting));
    }
}
