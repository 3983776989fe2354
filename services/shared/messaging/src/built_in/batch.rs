//! Record batches, which this broker keeps as they came (format 2, `magic` in Kafka's source).
//!
//! ```text
//!      0  first offset      23  last offset - first       43  producer's id       57  number of records
//!      8  length of rest    27  first timestamp           51  producer's epoch    61  records
//!     12  leader's epoch    35  newest timestamp          53  first sequence number
//!     16  format   17  CRC-32C of what follows   21  attributes
//! ```

use super::code::Code;

/// The longest batch that is taken, as in Apache Kafka.
pub(super) const BATCH_BYTES_MAX: usize = 1024 * 1024 + 12;

const HEAD_BYTES: usize = 61;
const FORMAT: u8 = 2;
/// Attributes: which compression, whose timestamps, and what belongs to transactions.
const COMPRESSION: i16 = 0b111;
const ZSTD: i16 = 4;
const APPEND_TIME: i16 = 1 << 3;
const TRANSACTIONAL: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;

/// A batch that was checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batch<'a> {
    bytes: &'a [u8],
    pub(super) records: u32,
    pub(super) newest: i64,
    /// The idempotent producer that sent it.
    pub(super) producer: Option<Sender>,
}

/// An idempotent producer, and where a batch stands in what it sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sender {
    pub(super) id: i64,
    pub(super) epoch: i16,
    /// The number of the batch's first record.
    pub(super) sequence: i32,
}

/// A number of the head.
fn number<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("the head was measured")
}

impl<'a> Batch<'a> {
    /// Checks what a producer sent for one partition: exactly one batch, as it must be.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Code> {
        if bytes.len() < HEAD_BYTES {
            // An older format may be as short.
            let is_older = bytes.get(16).is_some_and(|format| *format < FORMAT);
            return Err(if is_older {
                Code::UnsupportedForMessageFormat
            } else {
                Code::CorruptMessage
            });
        }
        if bytes[16] != FORMAT {
            return Err(Code::UnsupportedForMessageFormat);
        }
        if bytes.len() > BATCH_BYTES_MAX {
            return Err(Code::MessageTooLarge);
        }
        let length = i32::from_be_bytes(number(bytes, 8));
        if usize::try_from(length).is_ok_and(|length| length < bytes.len() - 12) {
            return Err(Code::InvalidRecord);
        }
        let is_whole = usize::try_from(length).is_ok_and(|length| length == bytes.len() - 12);
        if !is_whole || crc32c::crc32c(&bytes[21..]) != u32::from_be_bytes(number(bytes, 17)) {
            return Err(Code::CorruptMessage);
        }
        Self {
            bytes,
            records: u32::try_from(i32::from_be_bytes(number(bytes, 57))).map_err(|_| Code::InvalidRecord)?,
            newest: i64::from_be_bytes(number(bytes, 35)),
            producer: None,
        }
        .checked()
    }

    fn checked(mut self) -> Result<Self, Code> {
        let attributes = self.attributes();
        let last = i32::from_be_bytes(number(self.bytes, 23));
        if attributes & (TRANSACTIONAL | CONTROL) != 0
            || self.records == 0
            || i64::from(last) + 1 != i64::from(self.records)
        {
            return Err(Code::InvalidRecord);
        }
        if attributes & APPEND_TIME != 0 {
            return Err(Code::InvalidTimestamp);
        }
        match attributes & COMPRESSION {
            0 => self.check_records()?,
            1..=ZSTD => {}
            _ => return Err(Code::UnsupportedCompression),
        }
        let id = i64::from_be_bytes(number(self.bytes, 43));
        if id >= 0 {
            let sender = Sender {
                id,
                epoch: i16::from_be_bytes(number(self.bytes, 51)),
                sequence: i32::from_be_bytes(number(self.bytes, 53)),
            };
            if sender.epoch < 0 || sender.sequence < 0 {
                return Err(Code::InvalidRecord);
            }
            self.producer = Some(sender);
        }
        Ok(self)
    }

    fn attributes(&self) -> i16 {
        i16::from_be_bytes(number(self.bytes, 21))
    }

    /// Whether it is packed with Zstandard, which only newer versions of requests may carry.
    pub(super) fn is_zstd(&self) -> bool {
        self.attributes() & COMPRESSION == ZSTD
    }

    /// Walks over records that are not compressed. Those that are stay opaque: consumers unpack them.
    fn check_records(&self) -> Result<(), Code> {
        let mut rest = &self.bytes[HEAD_BYTES..];
        for offset in 0..self.records {
            let record = Record::read(&mut rest).ok_or(Code::InvalidRecord)?;
            if record.offset != i64::from(offset) {
                return Err(Code::InvalidRecord);
            }
        }
        if rest.is_empty() {
            Ok(())
        } else {
            Err(Code::InvalidRecord)
        }
    }

    /// The batch as consumers get it, from this offset on.
    pub(super) fn stored(&self, first: i64) -> Box<[u8]> {
        let mut bytes: Box<[u8]> = self.bytes.into();
        bytes[..8].copy_from_slice(&first.to_be_bytes());
        // One broker leads for ever, and says so with the epoch that stands for none.
        bytes[12..16].copy_from_slice(&(-1_i32).to_be_bytes());
        bytes
    }
}

/// The first record of a stored batch that is not older than this: how far it is from the first offset, and its
/// timestamp. Within a compressed batch it is the first record.
pub(super) fn first_since(stored: &[u8], since: i64) -> (i64, i64) {
    let start = i64::from_be_bytes(number(stored, 27));
    if i16::from_be_bytes(number(stored, 21)) & COMPRESSION != 0 {
        return (0, start);
    }
    let mut rest = &stored[HEAD_BYTES..];
    while let Some(record) = Record::read(&mut rest) {
        let timestamp = start.saturating_add(record.timestamp);
        if timestamp >= since {
            return (record.offset, timestamp);
        }
    }
    (0, start)
}

/// What matters here of a record.
struct Record {
    /// After the batch's first, in milliseconds.
    timestamp: i64,
    /// After the batch's first.
    offset: i64,
}

impl Record {
    /// Reads a record and everything in it from the front.
    fn read(rest: &mut &[u8]) -> Option<Self> {
        let length = usize::try_from(varint(rest)?).ok()?;
        let (mut record, after) = rest.split_at_checked(length)?;
        *rest = after;
        let (_attributes, mut fields) = record.split_first()?;
        let (timestamp, offset) = (varint(&mut fields)?, varint(&mut fields)?);
        record = fields;
        skip(&mut record)?;
        skip(&mut record)?;
        for _ in 0..u32::try_from(varint(&mut record)?).ok()? {
            // A header has a name; its value may be absent.
            (record.first()? & 1 == 0).then(|| skip(&mut record))??;
            skip(&mut record)?;
        }
        record.is_empty().then_some(Self { timestamp, offset })
    }
}

/// Bytes with their length before them, or -1 for none.
fn skip(from: &mut &[u8]) -> Option<()> {
    match varint(from)? {
        -1 => {}
        length => *from = from.split_at_checked(usize::try_from(length).ok()?)?.1,
    }
    Some(())
}

/// A signed number of variable size, its sign in the lowest bit.
fn varint(from: &mut &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn put_varint(out: &mut Vec<u8>, value: i64) {
        let mut value = ((value << 1) ^ (value >> 63)) as u64;
        while value >= 0x80 {
            out.push(0x80 | (value & 0x7f) as u8);
            value >>= 7;
        }
        out.push(value as u8);
    }

    /// A batch of records with these timestamps, as a producer sends it.
    pub(in crate::built_in) fn batch(timestamps: &[i64], sender: Option<Sender>) -> Vec<u8> {
        let start = timestamps[0];
        let mut records = Vec::new();
        for (offset, timestamp) in timestamps.iter().enumerate() {
            let mut record = vec![0];
            put_varint(&mut record, timestamp - start);
            put_varint(&mut record, i64::try_from(offset).unwrap());
            // No key, a value, a header without a value.
            put_varint(&mut record, -1);
            put_varint(&mut record, 5);
            record.extend(b"value");
            put_varint(&mut record, 1);
            put_varint(&mut record, 4);
            record.extend(b"name");
            put_varint(&mut record, -1);
            put_varint(&mut records, i64::try_from(record.len()).unwrap());
            records.extend(record);
        }
        let count = i32::try_from(timestamps.len()).unwrap();
        let (id, epoch, sequence) = sender.map_or((-1, -1, -1), |sender| (sender.id, sender.epoch, sender.sequence));
        let rest = [
            &0_i16.to_be_bytes()[..],
            &(count - 1).to_be_bytes(),
            &start.to_be_bytes(),
            &timestamps.iter().max().unwrap().to_be_bytes(),
            &id.to_be_bytes(),
            &epoch.to_be_bytes(),
            &sequence.to_be_bytes(),
            &count.to_be_bytes(),
            &records,
        ]
        .concat();
        let mut batch = vec![0; 8];
        batch.extend(i32::try_from(rest.len() + 9).unwrap().to_be_bytes());
        batch.extend([0, 0, 0, 0, FORMAT]);
        batch.extend(crc32c::crc32c(&rest).to_be_bytes());
        batch.extend(rest);
        batch
    }

    /// The batch after a change of what its check sum covers.
    fn resealed(mut batch: Vec<u8>, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        change(&mut batch);
        let sum = crc32c::crc32c(&batch[21..]);
        batch[17..21].copy_from_slice(&sum.to_be_bytes());
        batch
    }

    fn refused(bytes: &[u8]) -> Code {
        Batch::read(bytes).expect_err("it is not a good batch")
    }

    #[test]
    fn a_good_batch_is_read_and_stored_under_its_offset() {
        let sender = Sender {
            id: 9,
            epoch: 1,
            sequence: 4,
        };
        let bytes = batch(&[1000, 1005, 1003], Some(sender));
        let read = Batch::read(&bytes).unwrap();
        assert_eq!((read.records, read.newest, read.producer), (3, 1005, Some(sender)));
        let stored = read.stored(77);
        assert_eq!(stored[..8], 77_i64.to_be_bytes());
        assert_eq!(stored[16..], bytes[16..]);
        assert_eq!(first_since(&stored, 1001), (1, 1005));
    }

    #[test]
    fn what_is_damaged_or_says_something_else_than_it_holds_is_refused() {
        let good = batch(&[1000, 1001], None);
        for at in [9, 17, 22, 61, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(Batch::read(&bad).is_err(), "byte {at}");
        }
        assert_eq!(refused(&good[..good.len() - 1]), Code::CorruptMessage);
        assert_eq!(refused(&[&good[..], &good[..]].concat()), Code::InvalidRecord);
        let change = |at: usize, to: u8| resealed(good.clone(), |batch| batch[at] = to);
        // Transactional, control, log append time, an unknown compression, another number of records, another record.
        for (at, to, code) in [
            (22, 1 << 4, Code::InvalidRecord),
            (22, 1 << 5, Code::InvalidRecord),
            (22, 1 << 3, Code::InvalidTimestamp),
            (22, 7, Code::UnsupportedCompression),
            (26, 2, Code::InvalidRecord),
            (60, 0, Code::InvalidRecord),
            (61, 120, Code::InvalidRecord),
        ] {
            assert_eq!(refused(&change(at, to)), code, "byte {at}");
        }
        assert!(Batch::read(&change(22, 2)).is_ok(), "what is compressed is opaque");
    }

    #[test]
    fn older_formats_and_long_batches_have_codes_of_their_own() {
        let mut older = batch(&[1], None);
        older[16] = 1;
        assert_eq!(refused(&older), Code::UnsupportedForMessageFormat);
        assert_eq!(refused(&older[..34]), Code::UnsupportedForMessageFormat);
        assert_eq!(refused(&[]), Code::CorruptMessage);
        let mut long = batch(&[1], None);
        long.resize(BATCH_BYTES_MAX + 1, 0);
        assert_eq!(refused(&long), Code::MessageTooLarge);
    }
}
