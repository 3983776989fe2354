//! Groups, seen from outside.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::{NO_THROTTLE, OPERATIONS_UNKNOWN};
use crate::built_in::api::Head;
use crate::built_in::broker::Broker;
use crate::built_in::code::{Code, code_of};
use crate::built_in::group::Group;
use crate::built_in::wire::{Malformed, Reader, Writer};

/// `ListGroups`, of some states where the client names them.
pub(in crate::built_in) fn list(broker: &Broker, head: &Head<'_>, mut body: Reader<'_>) -> Result<Vec<u8>, Malformed> {
    let version = head.version;
    let states = if version >= 4 {
        body.array(Reader::text)?
    } else {
        Vec::new()
    };
    body.end()?;
    let groups = broker.groups.borrow();
    let is_wanted = |group: &Group| states.is_empty() || states.contains(&group.state());
    let wanted: Vec<_> = groups.all().filter(|(_, group)| is_wanted(group)).collect();
    let mut out = head.answer();
    if version >= 1 {
        out.i32(NO_THROTTLE);
    }
    out.i16(Code::None.number());
    out.array(wanted, |out, (name, group)| {
        out.text(name);
        out.text(&group.protocol_type);
        if version >= 4 {
            out.text(group.state());
        }
        out.tags();
    });
    out.tags();
    Ok(out.into_bytes())
}

/// `DescribeGroups`.
pub(in crate::built_in) fn describe(
    broker: &Broker,
    head: &Head<'_>,
    mut body: Reader<'_>,
) -> Result<Vec<u8>, Malformed> {
    let version = head.version;
    // Each once, so that short questions have no endless answers.
    let names: BTreeSet<&str> = body.array(Reader::text)?.into_iter().collect();
    if version >= 3 {
        let _with_operations = body.bool()?;
    }
    body.end()?;
    let groups = broker.groups.borrow();
    let mut out = head.answer();
    if version >= 1 {
        out.i32(NO_THROTTLE);
    }
    out.array(names, |out, name| {
        put_group(out, version, name, groups.get(name));
        if version >= 3 {
            out.i32(OPERATIONS_UNKNOWN);
        }
        out.tags();
    });
    out.tags();
    Ok(out.into_bytes())
}

fn put_group(out: &mut Writer, version: i16, name: &str, group: Option<&Group>) {
    out.i16(Code::None.number());
    out.text(name);
    out.text(group.map_or("Dead", Group::state));
    out.text(group.map_or("", |group| &group.protocol_type));
    out.text(group.map_or("", |group| &group.protocol));
    let (protocol, members) = group.map_or(("", &[][..]), |group| (&group.protocol, &group.members));
    out.array(members, |out, member| {
        out.text(&member.id);
        if version >= 4 {
            out.maybe_text(member.instance.as_deref());
        }
        out.text(&member.client);
        out.text(&member.host);
        out.bytes(&member.metadata(protocol));
        out.bytes(&Rc::clone(&member.assignment));
        out.tags();
    });
}

/// `DeleteGroups`, which have no members.
pub(in crate::built_in) fn delete(
    broker: &Broker,
    head: &Head<'_>,
    mut body: Reader<'_>,
) -> Result<Vec<u8>, Malformed> {
    let names = body.array(Reader::text)?;
    body.end()?;
    let mut groups = broker.groups.borrow_mut();
    let mut out = head.answer();
    out.i32(NO_THROTTLE);
    out.array(names, |out, name| {
        out.text(name);
        out.i16(code_of(&groups.remove(name)).number());
        out.tags();
    });
    out.tags();
    Ok(out.into_bytes())
}
