//! How far groups have come: said, and asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::{NO_EPOCH, NO_THROTTLE};
use crate::built_in::api::Head;
use crate::built_in::broker::Broker;
use crate::built_in::code::{Code, code_of};
use crate::built_in::group::Group;
use crate::built_in::wire::{Malformed, Reader, Writer};

/// Where a group goes on in a partition, as it says.
struct Commit<'a> {
    partition: i32,
    offset: i64,
    metadata: &'a str,
}

/// `OffsetCommit`.
pub(in crate::built_in) fn commit(
    broker: &Broker,
    head: &Head<'_>,
    mut body: Reader<'_>,
) -> Result<Vec<u8>, Malformed> {
    let version = head.version;
    let (group, generation, member) = (body.text()?, body.i32()?, body.text()?);
    let instance = if version >= 7 { body.maybe_text()? } else { None };
    if version <= 4 {
        let _kept_for = body.i64()?;
    }
    let topics = body.array(|body| {
        let name = body.text()?;
        let parts = body.array(|body| {
            let (partition, offset) = (body.i32()?, body.i64()?);
            if version >= 6 {
                let _epoch = body.i32()?;
            }
            let metadata = body.maybe_text()?.unwrap_or_default();
            body.tags()?;
            Ok(Commit {
                partition,
                offset,
                metadata,
            })
        })?;
        body.tags()?;
        Ok((name, parts))
    })?;
    body.end()?;
    let log = broker.log.borrow();
    let mut groups = broker.groups.borrow_mut();
    // Whoever is no member may commit for a group that is not there yet, too: tools do.
    let group = if generation < 0 {
        groups.make(group)
    } else {
        groups.get_mut(group).ok_or(Code::IllegalGeneration)
    };
    let mut group = group.and_then(|group| {
        group.may_commit(member, instance, generation, Instant::now())?;
        Ok(group)
    });
    let mut out = head.answer();
    if version >= 3 {
        out.i32(NO_THROTTLE);
    }
    out.array(topics, |out, (topic, parts)| {
        out.text(topic);
        out.array(parts, |out, part| {
            let committed = match &mut group {
                Err(code) => Err(*code),
                Ok(group) => log
                    .partition(topic, part.partition)
                    .and_then(|_| group.offsets.commit(topic, part.partition, part.offset, part.metadata)),
            };
            out.i32(part.partition);
            out.i16(code_of(&committed).number());
            out.tags();
        });
        out.tags();
    });
    out.tags();
    Ok(out.into_bytes())
}

/// Partitions by topic. Each is answered once, however often it is named, so that short questions have no endless
/// answers.
type Partitions<'a> = BTreeMap<&'a str, BTreeSet<i32>>;
/// Groups and the partitions that are asked for; `None`: all that the group has committed.
type Asked<'a> = BTreeMap<&'a str, Option<Partitions<'a>>>;

/// `OffsetFetch`: of one group, or from version 8 on of any number of them.
pub(in crate::built_in) fn fetch(broker: &Broker, head: &Head<'_>, mut body: Reader<'_>) -> Result<Vec<u8>, Malformed> {
    let version = head.version;
    let asked: Asked<'_> = if version >= 8 {
        let groups = body.array(|body| {
            let asked = (body.text()?, partitions(body)?);
            body.tags()?;
            Ok(asked)
        })?;
        groups.into_iter().collect()
    } else {
        let group = body.text()?;
        let partitions = partitions(&mut body)?;
        if version < 2 && partitions.is_none() {
            return Err(Malformed("an array is missing"));
        }
        BTreeMap::from([(group, partitions)])
    };
    if version >= 7 {
        let _only_stable = body.bool()?;
    }
    body.end()?;
    let groups = broker.groups.borrow();
    let mut out = head.answer();
    if version >= 3 {
        out.i32(NO_THROTTLE);
    }
    if version >= 8 {
        out.array(asked, |out, (group, topics)| {
            out.text(group);
            put_offsets(out, version, groups.get(group), topics);
            out.i16(Code::None.number());
            out.tags();
        });
    } else {
        for (group, topics) in asked {
            put_offsets(&mut out, version, groups.get(group), topics);
        }
        if version >= 2 {
            out.i16(Code::None.number());
        }
    }
    out.tags();
    Ok(out.into_bytes())
}

fn partitions<'a>(body: &mut Reader<'a>) -> Result<Option<Partitions<'a>>, Malformed> {
    let topics = body.maybe_array(|body| {
        let topic = (body.text()?, body.array(Reader::i32)?);
        body.tags()?;
        Ok(topic)
    })?;
    Ok(topics.map(|topics| {
        let mut partitions = Partitions::new();
        for (topic, numbers) in topics {
            partitions.entry(topic).or_default().extend(numbers);
        }
        partitions
    }))
}

fn put_offsets(out: &mut Writer, version: i16, group: Option<&Group>, asked: Option<Partitions<'_>>) {
    let all = || {
        let topics = group.into_iter().flat_map(|group| group.offsets.topics());
        topics
            .map(|(topic, partitions)| (topic, partitions.keys().copied().collect()))
            .collect()
    };
    out.array(asked.unwrap_or_else(all), |out, (topic, partitions)| {
        out.text(topic);
        out.array(partitions, |out, partition| {
            let committed = group.and_then(|group| group.offsets.get(topic, partition));
            out.i32(partition);
            out.i64(committed.map_or(-1, |committed| committed.offset));
            if version >= 5 {
                out.i32(NO_EPOCH);
            }
            out.text(committed.map_or("", |committed| &committed.metadata));
            out.i16(Code::None.number());
            out.tags();
        });
        out.tags();
    });
}
