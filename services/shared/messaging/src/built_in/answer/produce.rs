//! Publishing.

use super::NO_THROTTLE;
use crate::built_in::api::Head;
use crate::built_in::batch::Batch;
use crate::built_in::broker::Broker;
use crate::built_in::code::{Code, code_of};
use crate::built_in::wire::{Malformed, Reader, Writer};

/// How producers want to be answered: not at all, by the leader, by all replicas.
const NO_ANSWER: i16 = 0;
const ALL_REPLICAS: i16 = -1;
const LEADER: i16 = 1;

/// What one partition is given.
struct Part<'a> {
    partition: i32,
    records: &'a [u8],
}

/// `Produce`; `None` where the producer wants no answer.
pub(in crate::built_in) fn answer(
    broker: &Broker,
    head: &Head<'_>,
    mut body: Reader<'_>,
) -> Result<Option<Vec<u8>>, Malformed> {
    let version = head.version;
    let transaction = if version >= 3 { body.maybe_text()? } else { None };
    let acknowledged = body.i16()?;
    let _timeout = body.i32()?;
    let topics = body.array(|body| {
        let name = body.text()?;
        let parts = body.array(|body| {
            let part = Part {
                partition: body.i32()?,
                records: body.maybe_bytes()?.unwrap_or_default(),
            };
            body.tags()?;
            Ok(part)
        })?;
        body.tags()?;
        Ok((name, parts))
    })?;
    body.end()?;
    let refused = if transaction.is_some() {
        Some(Code::InvalidRequest)
    } else if ![NO_ANSWER, ALL_REPLICAS, LEADER].contains(&acknowledged) {
        Some(Code::InvalidRequiredAcks)
    } else {
        None
    };
    let mut failed = false;
    let mut out = head.answer();
    out.array(topics, |out, (topic, parts)| {
        out.text(topic);
        out.array(parts, |out, part| {
            let stored = refused.map_or_else(|| store(broker, version, topic, &part), Err);
            failed |= stored.is_err();
            put_stored(out, version, part.partition, &stored);
        });
        out.tags();
    });
    if version >= 1 {
        out.i32(NO_THROTTLE);
    }
    out.tags();
    match acknowledged {
        // The only way to tell such a producer, as in Apache Kafka.
        NO_ANSWER if failed => Err(Malformed("it wants no answer, and something could not be stored")),
        NO_ANSWER => Ok(None),
        _ => Ok(Some(out.into_bytes())),
    }
}

/// Stores one batch; gives its first offset, and where the partition begins.
fn store(broker: &Broker, version: i16, topic: &str, part: &Part<'_>) -> Result<(i64, i64), Code> {
    let mut log = broker.log.borrow_mut();
    log.partition(topic, part.partition)?;
    if version < 3 {
        return Err(Code::UnsupportedForMessageFormat);
    }
    let batch = Batch::read(part.records)?;
    if batch.is_zstd() && version < 7 {
        return Err(Code::UnsupportedCompression);
    }
    log.append(topic, part.partition, &batch)
}

fn put_stored(out: &mut Writer, version: i16, partition: i32, stored: &Result<(i64, i64), Code>) {
    let (offset, start) = stored.unwrap_or((-1, -1));
    out.i32(partition);
    out.i16(code_of(stored).number());
    out.i64(offset);
    if version >= 2 {
        let append_time = -1;
        out.i64(append_time);
    }
    if version >= 5 {
        out.i64(start);
    }
    if version >= 8 {
        // Which records were wrong, and why.
        out.array([], Writer::i32);
        out.maybe_text(None);
    }
    out.tags();
}

/// `InitProducerId`: numbers for idempotent producers, and none for transactional ones.
pub(in crate::built_in) fn new_producer(
    broker: &Broker,
    head: &Head<'_>,
    mut body: Reader<'_>,
) -> Result<Vec<u8>, Malformed> {
    let transaction = body.maybe_text()?;
    let _timeout = body.i32()?;
    if head.version >= 3 {
        let (_former, _epoch) = (body.i64()?, body.i16()?);
    }
    body.end()?;
    let (code, producer, epoch) = match transaction {
        None => (Code::None, broker.new_producer(), 0),
        Some(_) => (Code::TransactionalIdAuthorizationFailed, -1, -1),
    };
    let mut out = head.answer();
    out.i32(NO_THROTTLE);
    out.i16(code.number());
    out.i64(producer);
    out.i16(epoch);
    out.tags();
    Ok(out.into_bytes())
}
