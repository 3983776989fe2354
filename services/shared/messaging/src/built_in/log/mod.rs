//! The topics and what was published to them, in memory.

mod partition;
mod producers;

use std::collections::BTreeMap;

use super::batch::Batch;
use super::code::Code;

pub(super) use partition::Partition;

/// What a partition keeps.
const PARTITION_BYTES_MAX: usize = 5 * 1024 * 1024;
/// What all partitions keep together.
const LOG_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Partitions of all topics together.
pub(super) const PARTITIONS_MAX: usize = 2000;
/// The longest name of a topic.
const NAME_BYTES_MAX: usize = 249;

/// All topics.
#[derive(Debug, Default)]
pub(super) struct Log {
    topics: BTreeMap<String, Vec<Partition>>,
    partitions: usize,
    bytes: usize,
    /// Batches that were ever appended: the age of each tells which one is oldest.
    appended: u64,
}

impl Log {
    /// The topics and their partitions, by name.
    pub(super) fn topics(&self) -> impl ExactSizeIterator<Item = (&str, &[Partition])> {
        self.topics
            .iter()
            .map(|(name, partitions)| (name.as_str(), partitions.as_slice()))
    }

    pub(super) fn topic(&self, name: &str) -> Option<&[Partition]> {
        self.topics.get(name).map(Vec::as_slice)
    }

    pub(super) fn partition(&self, topic: &str, number: i32) -> Result<&Partition, Code> {
        let partition = self
            .topic(topic)
            .and_then(|partitions| partitions.get(usize::try_from(number).ok()?));
        partition.ok_or(Code::UnknownTopicOrPartition)
    }

    pub(super) fn partition_mut(&mut self, topic: &str, number: i32) -> Result<&mut Partition, Code> {
        let partitions = self.topics.get_mut(topic);
        let partition = partitions.and_then(|partitions| partitions.get_mut(usize::try_from(number).ok()?));
        partition.ok_or(Code::UnknownTopicOrPartition)
    }

    /// Whether a topic of this name and this many partitions may be made.
    pub(super) fn check_new(&self, name: &str, partitions: i32) -> Result<usize, Code> {
        check_name(name)?;
        if self.topics.contains_key(name) {
            return Err(Code::TopicAlreadyExists);
        }
        // Apache Kafka's metrics cannot tell these apart, and so it refuses the second one.
        let plain = |name: &str| name.replace('.', "_");
        if name.contains(['.', '_']) && self.topics.keys().any(|other| plain(other) == plain(name)) {
            return Err(Code::InvalidTopic);
        }
        let wanted = usize::try_from(partitions)
            .ok()
            .filter(|wanted| *wanted > 0)
            .ok_or(Code::InvalidPartitions)?;
        if wanted > PARTITIONS_MAX - self.partitions {
            return Err(Code::PolicyViolation);
        }
        Ok(wanted)
    }

    /// Makes a topic.
    pub(super) fn make(&mut self, name: &str, partitions: i32) -> Result<(), Code> {
        let wanted = self.check_new(name, partitions)?;
        let mut made = Vec::new();
        made.resize_with(wanted, Partition::default);
        self.partitions += wanted;
        self.topics.insert(name.to_owned(), made);
        Ok(())
    }

    /// Removes a topic and what is in it.
    pub(super) fn remove(&mut self, name: &str) -> Result<(), Code> {
        let removed = self.topics.remove(name).ok_or(Code::UnknownTopicOrPartition)?;
        self.partitions -= removed.len();
        self.bytes -= removed.iter().map(Partition::bytes).sum::<usize>();
        Ok(())
    }

    /// Appends a batch; gives the offset of its first record, and where the partition begins then.
    pub(super) fn append(&mut self, topic: &str, number: i32, batch: &Batch<'_>) -> Result<(i64, i64), Code> {
        let appended = self.appended + 1;
        let partition = self.partition_mut(topic, number)?;
        let before = partition.bytes();
        let offset = partition.append(batch, appended)?;
        while partition.bytes() > PARTITION_BYTES_MAX {
            partition.drop_oldest();
        }
        let (after, start) = (partition.bytes(), partition.start());
        self.bytes = self.bytes + after - before;
        self.appended = appended;
        self.make_room();
        Ok((offset, start))
    }

    /// Drops what is oldest of all while there is too much of everything: a topic that is being read now is seldom that.
    fn make_room(&mut self) {
        while self.bytes > LOG_BYTES_MAX {
            let partitions = self.topics.values_mut().flatten();
            let filled = partitions.filter_map(|partition| Some((partition.oldest()?, partition)));
            let Some((_, oldest)) = filled.min_by_key(|(appended, _)| *appended) else {
                return;
            };
            self.bytes -= oldest.drop_oldest();
        }
    }
}

/// Kafka's rules for the names of topics.
pub(super) fn check_name(name: &str) -> Result<(), Code> {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_good =
        (1..=NAME_BYTES_MAX).contains(&name.len()) && name != "." && name != ".." && name.bytes().all(is_legal);
    if is_good { Ok(()) } else { Err(Code::InvalidTopic) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::built_in::batch::tests::batch;
    use crate::built_in::batch::{BATCH_BYTES_MAX, Sender};

    fn log(topics: &[(&str, i32)]) -> Log {
        let mut log = Log::default();
        for (name, partitions) in topics {
            log.make(name, *partitions).unwrap();
        }
        log
    }

    fn append(log: &mut Log, topic: &str, bytes: &[u8]) -> Result<(i64, i64), Code> {
        log.append(topic, 0, &Batch::read(bytes).unwrap())
    }

    fn read(log: &Log, offset: i64, bytes_max: usize) -> Result<Vec<i64>, Code> {
        let mut out = Vec::new();
        log.partition("t", 0)?.read(offset, bytes_max, true, &mut out)?;
        let one = batch(&[1, 2, 3], None).len();
        Ok(out
            .chunks(one)
            .map(|batch| i64::from_be_bytes(batch[..8].try_into().unwrap()))
            .collect())
    }

    #[test]
    fn batches_are_read_from_the_one_with_the_offset_on() {
        let mut log = log(&[("t", 1)]);
        let bytes = batch(&[1, 2, 3], None);
        for number in 0..4 {
            assert_eq!(append(&mut log, "t", &bytes), Ok((number * 3, 0)));
        }
        let one = bytes.len();
        assert_eq!(read(&log, 0, usize::MAX), Ok(vec![0, 3, 6, 9]));
        assert_eq!(read(&log, 5, usize::MAX), Ok(vec![3, 6, 9]));
        assert_eq!(read(&log, 5, one * 2), Ok(vec![3, 6]));
        assert_eq!(read(&log, 5, 1), Ok(vec![3]), "at least one");
        assert_eq!(read(&log, 12, usize::MAX), Ok(vec![]));
        assert_eq!(read(&log, 13, usize::MAX), Err(Code::OffsetOutOfRange));
        assert_eq!(read(&log, -1, usize::MAX), Err(Code::OffsetOutOfRange));
    }

    #[test]
    fn records_are_found_by_time() {
        let mut log = log(&[("t", 1)]);
        for start in [100, 200, 150] {
            append(&mut log, "t", &batch(&[start, start + 1], None)).unwrap();
        }
        let partition = log.partition("t", 0).unwrap();
        assert_eq!(partition.since(0), Some((0, 100)));
        assert_eq!(partition.since(101), Some((1, 101)));
        assert_eq!(partition.since(102), Some((2, 200)));
        assert_eq!(partition.since(202), None);
        assert_eq!(partition.newest(), Some((3, 201)));
    }

    #[test]
    fn a_batch_that_comes_again_is_stored_once() {
        let mut log = log(&[("t", 1)]);
        let sender = |sequence| Sender {
            id: 5,
            epoch: 0,
            sequence,
        };
        assert_eq!(append(&mut log, "t", &batch(&[1, 2], Some(sender(0)))), Ok((0, 0)));
        assert_eq!(append(&mut log, "t", &batch(&[1, 2], Some(sender(0)))), Ok((0, 0)));
        assert_eq!(append(&mut log, "t", &batch(&[3], Some(sender(2)))), Ok((2, 0)));
        assert_eq!(
            append(&mut log, "t", &batch(&[9], Some(sender(9)))),
            Err(Code::OutOfOrderSequence)
        );
        assert_eq!(log.partition("t", 0).unwrap().end(), 3);
    }

    #[test]
    fn a_partition_and_all_of_them_keep_a_bounded_number_of_bytes() {
        let mut log = log(&[("t", 1)]);
        let timestamps = vec![1; 40_000];
        let bytes = batch(&timestamps, None);
        assert!((500_000..BATCH_BYTES_MAX).contains(&bytes.len()), "{}", bytes.len());
        for _ in 0..20 {
            append(&mut log, "t", &bytes).unwrap();
        }
        let full = log.partition("t", 0).unwrap();
        assert!(full.bytes() <= PARTITION_BYTES_MAX && full.bytes() > PARTITION_BYTES_MAX - 2 * bytes.len());
        assert!(full.start() > 0);
        for number in 0..14 {
            let topic = format!("more-{number}");
            log.make(&topic, 1).unwrap();
            for _ in 0..20 {
                append(&mut log, &topic, &bytes).unwrap();
            }
        }
        let sum = |log: &Log| log.topics.values().flatten().map(Partition::bytes).sum::<usize>();
        assert!(log.bytes <= LOG_BYTES_MAX);
        assert_eq!(log.bytes, sum(&log));
        let newest = log.partition("more-13", 0).unwrap();
        assert!(
            newest.bytes() > PARTITION_BYTES_MAX - 2 * bytes.len(),
            "the newest stays"
        );
        assert_eq!(log.partition("t", 0).unwrap().bytes(), 0, "the oldest goes");
        log.remove("t").unwrap();
        assert_eq!(log.bytes, sum(&log));
    }

    #[test]
    fn names_follow_kafkas_rules() {
        let mut log = log(&[("a.b", 1)]);
        let longest = "x".repeat(NAME_BYTES_MAX);
        for good in ["orders", "Orders-2_x.y", "...", &longest] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in ["", ".", "..", "a b", "a/b", "größe", &format!("{longest}x")] {
            assert_eq!(check_name(bad), Err(Code::InvalidTopic), "{bad}");
        }
        assert_eq!(log.make("a_b", 1), Err(Code::InvalidTopic), "it collides");
        assert_eq!(log.make("a.b", 1), Err(Code::TopicAlreadyExists));
    }

    #[test]
    fn partitions_are_bounded() {
        let mut log = Log::default();
        for none in [0, -1, i32::MIN] {
            assert_eq!(log.make("t", none), Err(Code::InvalidPartitions));
        }
        assert_eq!(log.make("t", 0x7f7f_0000), Err(Code::PolicyViolation));
        let most = i32::try_from(PARTITIONS_MAX).unwrap();
        log.make("t", most).unwrap();
        assert_eq!(log.make("u", 1), Err(Code::PolicyViolation));
        log.remove("t").unwrap();
        assert_eq!(log.make("u", 1), Ok(()));
        assert_eq!(log.partition("u", 1).err(), Some(Code::UnknownTopicOrPartition));
        assert_eq!(log.partition("u", -1).err(), Some(Code::UnknownTopicOrPartition));
    }
}
