//! Being a member of a group.

use std::time::{Duration, Instant};

use super::NO_THROTTLE;
use crate::built_in::api::Head;
use crate::built_in::broker::Broker;
use crate::built_in::code::{Code, code_of};
use crate::built_in::group::{JoinRequest, Joined, SyncRequest, Synced};
use crate::built_in::wire::{Malformed, Reader};

/// Sessions that are taken.
const SESSION_MIN: Duration = Duration::from_secs(1);
const SESSION_MAX: Duration = Duration::from_secs(30 * 60);

/// `JoinGroup`: answered when all members have joined.
pub(in crate::built_in) async fn join(
    broker: &Broker,
    head: &Head<'_>,
    mut body: Reader<'_>,
    host: &str,
) -> Result<Vec<u8>, Malformed> {
    let version = head.version;
    let group = body.text()?;
    let session = milliseconds(body.i32()?);
    let rebalance = if version >= 1 {
        milliseconds(body.i32()?)
    } else {
        session
    };
    let member = body.text()?;
    let instance = if version >= 5 { body.maybe_text()? } else { None };
    let protocol_type = body.text()?;
    let protocols = body.array(|body| {
        let protocol = (body.text()?, body.bytes()?);
        body.tags()?;
        Ok(protocol)
    })?;
    if version >= 8 {
        let _reason = body.maybe_text()?;
    }
    body.end()?;
    let request = JoinRequest {
        session,
        rebalance: rebalance.clamp(SESSION_MIN, SESSION_MAX),
        member,
        instance,
        protocol_type,
        protocols,
        client: head.client,
        host,
        asks_for_id: version >= 4,
        may_skip_assignment: version >= 9,
    };
    let answered = if (SESSION_MIN..=SESSION_MAX).contains(&session) {
        let mut groups = broker.groups.borrow_mut();
        groups.make(group).map(|group| group.join(&request, Instant::now()))
    } else {
        Err(Code::InvalidSessionTimeout)
    };
    let joined = match answered {
        // Whoever is dropped while it waits is out of the group.
        Ok(answered) => answered
            .await
            .unwrap_or_else(|_| Joined::refused(Code::UnknownMemberId, member)),
        Err(code) => Joined::refused(code, member),
    };
    Ok(put_joined(head, &joined))
}

fn milliseconds(number: i32) -> Duration {
    Duration::from_millis(u64::try_from(number).unwrap_or_default())
}

fn put_joined(head: &Head<'_>, joined: &Joined) -> Vec<u8> {
    let version = head.version;
    let is_good = joined.code == Code::None;
    let mut out = head.answer();
    if version >= 2 {
        out.i32(NO_THROTTLE);
    }
    out.i16(joined.code.number());
    out.i32(joined.generation);
    if version >= 7 {
        out.maybe_text(is_good.then_some(&joined.protocol_type));
        out.maybe_text(is_good.then_some(&joined.protocol));
    } else {
        out.text(&joined.protocol);
    }
    out.text(&joined.leader);
    if version >= 9 {
        out.bool(joined.skip_assignment);
    }
    out.text(&joined.member);
    out.array(&joined.members, |out, member| {
        out.text(&member.id);
        if version >= 5 {
            out.maybe_text(member.instance.as_deref());
        }
        out.bytes(&member.metadata);
        out.tags();
    });
    out.tags();
    out.into_bytes()
}

/// `SyncGroup`: answered when the leader has assigned.
pub(in crate::built_in) async fn sync(
    broker: &Broker,
    head: &Head<'_>,
    mut body: Reader<'_>,
) -> Result<Vec<u8>, Malformed> {
    let version = head.version;
    let group = body.text()?;
    let (generation, member) = (body.i32()?, body.text()?);
    let instance = if version >= 3 { body.maybe_text()? } else { None };
    let (protocol_type, protocol) = if version >= 5 {
        (body.maybe_text()?, body.maybe_text()?)
    } else {
        (None, None)
    };
    let assignments = body.array(|body| {
        let assignment = (body.text()?, body.bytes()?);
        body.tags()?;
        Ok(assignment)
    })?;
    body.end()?;
    let request = SyncRequest {
        generation,
        member,
        instance,
        protocol_type,
        protocol,
        assignments,
    };
    let answered = {
        let mut groups = broker.groups.borrow_mut();
        groups.get_mut(group).map(|group| group.sync(&request, Instant::now()))
    };
    let refused = || Synced::refused(Code::UnknownMemberId);
    let synced = match answered {
        Some(answered) => answered.await.unwrap_or_else(|_| refused()),
        None => refused(),
    };
    let is_good = synced.code == Code::None;
    let mut out = head.answer();
    if version >= 1 {
        out.i32(NO_THROTTLE);
    }
    out.i16(synced.code.number());
    if version >= 5 {
        out.maybe_text(is_good.then_some(&synced.protocol_type));
        out.maybe_text(is_good.then_some(&synced.protocol));
    }
    out.bytes(&synced.assignment);
    out.tags();
    Ok(out.into_bytes())
}

/// `Heartbeat`.
pub(in crate::built_in) fn heartbeat(
    broker: &Broker,
    head: &Head<'_>,
    mut body: Reader<'_>,
) -> Result<Vec<u8>, Malformed> {
    let (group, generation, member) = (body.text()?, body.i32()?, body.text()?);
    let instance = if head.version >= 3 { body.maybe_text()? } else { None };
    body.end()?;
    let mut groups = broker.groups.borrow_mut();
    let beat = groups.get_mut(group).ok_or(Code::UnknownMemberId);
    let beat = beat.and_then(|group| group.heartbeat(member, instance, generation, Instant::now()));
    let mut out = head.answer();
    if head.version >= 1 {
        out.i32(NO_THROTTLE);
    }
    out.i16(code_of(&beat).number());
    out.tags();
    Ok(out.into_bytes())
}

/// `LeaveGroup`: of one member, or from version 3 on of any number of them.
pub(in crate::built_in) fn leave(broker: &Broker, head: &Head<'_>, mut body: Reader<'_>) -> Result<Vec<u8>, Malformed> {
    let version = head.version;
    let group = body.text()?;
    let members = if version < 3 {
        vec![(body.text()?, None)]
    } else {
        body.array(|body| {
            let member = (body.text()?, body.maybe_text()?);
            if version >= 5 {
                let _reason = body.maybe_text()?;
            }
            body.tags()?;
            Ok(member)
        })?
    };
    body.end()?;
    let mut groups = broker.groups.borrow_mut();
    let mut group = groups.get_mut(group);
    let mut leave = |member: &str, instance: Option<&str>| {
        let group = group.as_mut().ok_or(Code::UnknownMemberId);
        code_of(&group.and_then(|group| group.leave(member, instance, Instant::now())))
    };
    let left: Vec<_> = members
        .iter()
        .map(|(member, instance)| leave(member, *instance))
        .collect();
    let mut out = head.answer();
    if version >= 1 {
        out.i32(NO_THROTTLE);
    }
    if version < 3 {
        out.i16(left[0].number());
    } else {
        out.i16(Code::None.number());
        out.array(left.iter().zip(&members), |out, (code, (member, instance))| {
            out.text(member);
            out.maybe_text(*instance);
            out.i16(code.number());
            out.tags();
        });
    }
    out.tags();
    Ok(out.into_bytes())
}
