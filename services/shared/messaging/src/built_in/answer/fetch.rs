//! Reading, with waiting for what is not there yet.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::NO_THROTTLE;
use crate::built_in::api::Head;
use crate::built_in::broker::Broker;
use crate::built_in::code::{Code, code_of};
use crate::built_in::log::Partition;
use crate::built_in::wire::{Malformed, Reader, Writer};

/// The most that one answer carries, whatever the client would take; at least one batch is always carried.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The longest that a client may have itself kept waiting.
const WAIT_MAX: Duration = Duration::from_secs(60);

struct Request<'a> {
    version: i16,
    bytes_min: usize,
    bytes_max: usize,
    topics: Vec<(&'a str, Vec<Part>)>,
}

struct Part {
    partition: i32,
    offset: i64,
    bytes_max: usize,
}

/// `Fetch`. Fetch sessions are not kept, which clients are told by the session's number 0.
pub(in crate::built_in) async fn answer(
    broker: &Broker,
    head: &Head<'_>,
    mut body: Reader<'_>,
) -> Result<Vec<u8>, Malformed> {
    let version = head.version;
    let _replica = body.i32()?;
    let wait = Duration::from_millis(u64::try_from(body.i32()?).unwrap_or_default()).min(WAIT_MAX);
    let (bytes_min, bytes_max) = (size(&mut body)?, size(&mut body)?);
    let _isolation = body.i8()?;
    let session = if version >= 7 { (body.i32()?, body.i32()?).0 } else { 0 };
    let topics = body.array(|body| topic(body, version))?;
    if version >= 7 {
        body.array(forgotten)?;
    }
    if version >= 11 {
        let _rack = body.text()?;
    }
    body.end()?;
    if session != 0 {
        return Ok(refused(head, Code::FetchSessionIdNotFound));
    }
    let request = Request {
        version,
        bytes_min: bytes_min.min(bytes_max),
        bytes_max,
        topics,
    };
    let until = Instant::now() + wait;
    let appended = Rc::new(Notify::new());
    let mut is_late = wait.is_zero();
    loop {
        let (answer, is_enough) = request.answer(broker, head);
        if is_enough || is_late {
            return Ok(answer);
        }
        drop(answer);
        request.each_partition(broker, |partition| partition.wake(&appended));
        is_late = timeout_at(until, appended.notified()).await.is_err();
        request.each_partition(broker, |partition| partition.wake_no_more(&appended));
    }
}

fn size(body: &mut Reader<'_>) -> Result<usize, Malformed> {
    Ok(usize::try_from(body.i32()?).unwrap_or_default())
}

fn topic<'a>(body: &mut Reader<'a>, version: i16) -> Result<(&'a str, Vec<Part>), Malformed> {
    let name = body.text()?;
    let parts = body.array(|body| {
        let partition = body.i32()?;
        if version >= 9 {
            let _leaders_epoch = body.i32()?;
        }
        let offset = body.i64()?;
        if version >= 12 {
            let _last_epoch = body.i32()?;
        }
        if version >= 5 {
            let _begin_of_follower = body.i64()?;
        }
        let bytes_max = size(body)?;
        body.tags()?;
        Ok(Part {
            partition,
            offset,
            bytes_max,
        })
    })?;
    body.tags()?;
    Ok((name, parts))
}

/// A topic that a session should forget.
fn forgotten(body: &mut Reader<'_>) -> Result<(), Malformed> {
    let _name = body.text()?;
    body.array(Reader::i32)?;
    body.tags()
}

fn refused(head: &Head<'_>, code: Code) -> Vec<u8> {
    let mut out = head.answer();
    out.i32(NO_THROTTLE);
    out.i16(code.number());
    out.i32(0);
    out.array([], Writer::i32);
    out.tags();
    out.into_bytes()
}

impl Request<'_> {
    fn each_partition(&self, broker: &Broker, mut act: impl FnMut(&mut Partition)) {
        let mut log = broker.log.borrow_mut();
        for (topic, parts) in &self.topics {
            for part in parts {
                if let Ok(partition) = log.partition_mut(topic, part.partition) {
                    act(partition);
                }
            }
        }
    }

    /// What there is now, and whether that is worth an answer: as much as was asked for, or an error.
    fn answer(&self, broker: &Broker, head: &Head<'_>) -> (Vec<u8>, bool) {
        let log = broker.log.borrow();
        let mut left = self.bytes_max.min(ANSWER_BYTES_MAX).min(broker.memory.left() / 2);
        let (mut bytes, mut failed) = (0, false);
        let mut records = Vec::new();
        let mut out = head.answer();
        out.i32(NO_THROTTLE);
        if self.version >= 7 {
            out.i16(Code::None.number());
            out.i32(0);
        }
        out.array(&self.topics, |out, (topic, parts)| {
            out.text(topic);
            out.array(parts, |out, part| {
                records.clear();
                let partition = log.partition(topic, part.partition);
                let read = partition.and_then(|partition| {
                    if self.version < 10 && partition.has_zstd() {
                        return Err(Code::UnsupportedCompression);
                    }
                    partition.read(part.offset, part.bytes_max.min(left), bytes == 0, &mut records)
                });
                failed |= read.is_err();
                bytes += records.len();
                left = left.saturating_sub(records.len());
                self.put(out, part.partition, code_of(&read), partition.ok(), &records);
            });
            out.tags();
        });
        out.tags();
        (out.into_bytes(), failed || bytes >= self.bytes_min.max(1))
    }

    fn put(&self, out: &mut Writer, number: i32, code: Code, partition: Option<&Partition>, records: &[u8]) {
        let (start, end) = partition.map_or((-1, -1), |partition| (partition.start(), partition.end()));
        out.i32(number);
        out.i16(code.number());
        // All that is there is stable.
        out.i64(end);
        out.i64(end);
        if self.version >= 5 {
            out.i64(start);
        }
        // Transactions that were taken back.
        out.no_array();
        if self.version >= 11 {
            let no_other_replica = -1;
            out.i32(no_other_replica);
        }
        out.bytes(records);
        out.tags();
    }
}
