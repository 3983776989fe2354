//! Where partitions begin and end, and what lies at a time.

use super::{NO_EPOCH, NO_THROTTLE};
use crate::built_in::api::Head;
use crate::built_in::broker::Broker;
use crate::built_in::code::{Code, code_of};
use crate::built_in::wire::{Malformed, Reader};

/// What stands in the place of a time.
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const HIGHEST_TIME: i64 = -3;

/// `ListOffsets`.
pub(in crate::built_in) fn answer(
    broker: &Broker,
    head: &Head<'_>,
    mut body: Reader<'_>,
) -> Result<Vec<u8>, Malformed> {
    let version = head.version;
    let _replica = body.i32()?;
    if version >= 2 {
        let _isolation = body.i8()?;
    }
    let topics = body.array(|body| {
        let name = body.text()?;
        let parts = body.array(|body| {
            let partition = body.i32()?;
            if version >= 4 {
                let _leaders_epoch = body.i32()?;
            }
            let time = body.i64()?;
            body.tags()?;
            Ok((partition, time))
        })?;
        body.tags()?;
        Ok((name, parts))
    })?;
    body.end()?;
    let mut out = head.answer();
    if version >= 2 {
        out.i32(NO_THROTTLE);
    }
    out.array(topics, |out, (topic, parts)| {
        out.text(topic);
        out.array(parts, |out, (partition, time)| {
            let found = find(broker, version, topic, partition, time);
            let (offset, timestamp) = found.unwrap_or((-1, -1));
            out.i32(partition);
            out.i16(code_of(&found).number());
            out.i64(timestamp);
            out.i64(offset);
            if version >= 4 {
                out.i32(NO_EPOCH);
            }
            out.tags();
        });
        out.tags();
    });
    out.tags();
    Ok(out.into_bytes())
}

/// The offset at a time, and the time of what lies there; -1 for what is not there.
fn find(broker: &Broker, version: i16, topic: &str, partition: i32, time: i64) -> Result<(i64, i64), Code> {
    let log = broker.log.borrow();
    let partition = log.partition(topic, partition)?;
    match time {
        LATEST => Ok((partition.end(), -1)),
        EARLIEST => Ok((partition.start(), -1)),
        HIGHEST_TIME if version >= 7 => Ok(partition.newest().unwrap_or((-1, -1))),
        time if time >= 0 => Ok(partition.since(time).unwrap_or((-1, -1))),
        _ => Err(Code::InvalidRequest),
    }
}
