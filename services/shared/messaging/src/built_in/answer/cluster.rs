//! What there is: versions, brokers, topics, coordinators.

use std::collections::BTreeSet;

use contract::events::topics;

use super::{NO_EPOCH, NO_THROTTLE, OPERATIONS_UNKNOWN};
use crate::built_in::api::{Api, Head, SPOKEN};
use crate::built_in::broker::{Broker, NODE};
use crate::built_in::code::{Code, code_of};
use crate::built_in::log::Log;
use crate::built_in::wire::{Malformed, Reader, Writer};

/// The name of the cluster.
const CLUSTER: &str = "lab-built-in";

/// `ApiVersions`. A version that is not spoken is answered in version 0, with those of `ApiVersions` itself (KIP-511).
pub(in crate::built_in) fn versions(head: &Head<'_>, mut body: Reader<'_>) -> Result<Vec<u8>, Malformed> {
    let own = SPOKEN.iter().find(|spoken| spoken.api == Api::Versions);
    let is_spoken = own.is_some_and(|own| (own.oldest..=own.newest).contains(&head.version));
    let mut code = Code::UnsupportedVersion;
    if is_spoken {
        code = Code::None;
        if head.version >= 3 {
            let (name, version) = (body.text()?, body.text()?);
            if !is_name_of_software(name) || !is_name_of_software(version) {
                code = Code::InvalidRequest;
            }
        }
        body.end()?;
    }
    let version = if is_spoken { head.version } else { 0 };
    let mut out = head.answer();
    out.i16(code.number());
    let shown: Vec<_> = SPOKEN
        .iter()
        .filter(|spoken| is_spoken || spoken.api == Api::Versions)
        .collect();
    out.array(shown, |out, spoken| {
        out.i16(spoken.key);
        out.i16(spoken.oldest);
        out.i16(spoken.newest);
        out.tags();
    });
    if version >= 1 {
        out.i32(NO_THROTTLE);
    }
    out.tags();
    Ok(out.into_bytes())
}

/// Kafka's rule: letters and digits, with dots and hyphens between them.
fn is_name_of_software(name: &str) -> bool {
    let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    name.bytes().all(is_legal) && ends(name.bytes().next()) && ends(name.bytes().last())
}

/// `Metadata`. Topics that are asked for by name are made if the client allows that, as in Apache Kafka.
pub(in crate::built_in) fn metadata(
    broker: &Broker,
    head: &Head<'_>,
    mut body: Reader<'_>,
) -> Result<Vec<u8>, Malformed> {
    let version = head.version;
    let name = |body: &mut Reader<'_>| {
        let name = body.text()?.to_owned();
        body.tags()?;
        Ok(name)
    };
    let named = if version == 0 {
        Some(body.array(name)?)
    } else {
        body.maybe_array(name)?
    };
    let may_make = version < 4 || body.bool()?;
    if version >= 8 {
        let (_of_cluster, _of_topics) = (body.bool()?, body.bool()?);
    }
    body.end()?;
    let mut log = broker.log.borrow_mut();
    let is_all = named.as_ref().is_none_or(|named| version == 0 && named.is_empty());
    let topics: Vec<(String, Code)> = if is_all {
        log.topics().map(|(name, _)| (name.to_owned(), Code::None)).collect()
    } else {
        // Each once, however often it is named, so that short questions have no endless answers.
        let named: BTreeSet<String> = named.into_iter().flatten().collect();
        named
            .into_iter()
            .map(|name| {
                let code = have(&mut log, &name, may_make);
                (name, code)
            })
            .collect()
    };
    let mut out = head.answer();
    if version >= 3 {
        out.i32(NO_THROTTLE);
    }
    out.array([NODE], |out, node| {
        put_node(out, broker, node);
        if version >= 1 {
            out.maybe_text(None);
        }
        out.tags();
    });
    if version >= 2 {
        out.text(CLUSTER);
    }
    if version >= 1 {
        out.i32(NODE);
    }
    out.array(topics, |out, (name, code)| put_topic(out, version, &name, code, &log));
    if version >= 8 {
        out.i32(OPERATIONS_UNKNOWN);
    }
    out.tags();
    Ok(out.into_bytes())
}

/// Whether there is such a topic, which is made if that is allowed.
fn have(log: &mut Log, name: &str, may_make: bool) -> Code {
    match log.topic(name) {
        Some(_) => Code::None,
        None if may_make => code_of(&log.make(name, topics::PARTITIONS)),
        None => match crate::built_in::log::check_name(name) {
            Ok(()) => Code::UnknownTopicOrPartition,
            Err(code) => code,
        },
    }
}

fn put_topic(out: &mut Writer, version: i16, name: &str, code: Code, log: &Log) {
    out.i16(code.number());
    out.text(name);
    if version >= 1 {
        let is_internal = false;
        out.bool(is_internal);
    }
    let partitions = log.topic(name).map_or(0, <[_]>::len);
    out.array(0..partitions, |out, partition| {
        out.i16(Code::None.number());
        out.i32(i32::try_from(partition).expect("partitions are bounded"));
        out.i32(NODE);
        if version >= 7 {
            out.i32(NO_EPOCH);
        }
        // Replicas, those in sync, those that are away.
        out.array([NODE], Writer::i32);
        out.array([NODE], Writer::i32);
        if version >= 5 {
            out.array([], Writer::i32);
        }
        out.tags();
    });
    if version >= 8 {
        out.i32(OPERATIONS_UNKNOWN);
    }
    out.tags();
}

fn put_node(out: &mut Writer, broker: &Broker, node: i32) {
    out.i32(node);
    out.text(&broker.address.host);
    out.i32(broker.address.port);
}

/// `FindCoordinator`: this broker looks after all groups, and after no transactions.
pub(in crate::built_in) fn find_coordinator(
    broker: &Broker,
    head: &Head<'_>,
    mut body: Reader<'_>,
) -> Result<Vec<u8>, Malformed> {
    const GROUP: i8 = 0;
    const TRANSACTION: i8 = 1;
    let version = head.version;
    let mut keys = Vec::new();
    if version < 4 {
        keys.push(body.text()?);
    }
    let kind = if version >= 1 { body.i8()? } else { GROUP };
    if version >= 4 {
        keys = body.array(Reader::text)?;
    }
    body.end()?;
    let (code, message) = match kind {
        GROUP => (Code::None, None),
        // Clients take any other code for something that passes, and ask again until they run out of time.
        TRANSACTION => (
            Code::TransactionalIdAuthorizationFailed,
            Some("the built-in broker has no transactions"),
        ),
        _ => (
            Code::InvalidRequest,
            Some("the built-in broker has groups, and no transactions"),
        ),
    };
    let mut out = head.answer();
    if version >= 1 {
        out.i32(NO_THROTTLE);
    }
    if version >= 4 {
        out.array(keys, |out, key| {
            out.text(key);
            put_node(out, broker, NODE);
            out.i16(code.number());
            out.maybe_text(message);
            out.tags();
        });
    } else {
        out.i16(code.number());
        if version >= 1 {
            out.maybe_text(message);
        }
        put_node(&mut out, broker, NODE);
    }
    out.tags();
    Ok(out.into_bytes())
}
