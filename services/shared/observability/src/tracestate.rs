//! The `tracestate` header: what the tracing systems that a request came through keep in it. It is handed on unchanged.

use std::collections::HashSet;
use std::sync::Arc;

/// Members that a list may have.
const MEMBERS_MAX: usize = 32;
/// How much of a list is handed on, in bytes; the standard asks for 512 at least.
const STATE_BYTES_MAX: usize = 4_096;
/// Members longer than this go first where a list is too long, in bytes.
const MEMBER_BYTES_LONG: usize = 128;
/// Longest key, and longest value, in bytes.
const PART_BYTES_MAX: usize = 256;

/// A list that was read, or nothing. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TraceState(Option<Arc<str>>);

impl TraceState {
    /// Reads the list that several headers hold together, in their order. A list that breaks a rule of the standard
    /// counts as none; of two members with the same key, the first one stays.
    pub(crate) fn read<'a>(headers: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let members = members(headers).filter(|members| (1..=MEMBERS_MAX).contains(&members.len()));
        Self(members.map(|members| shortened(members).join(",").into()))
    }

    /// The list in one piece.
    pub(crate) fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// The members, or `None` when one of them is not well formed.
fn members<'a>(headers: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<&'a str>> {
    let mut members = Vec::new();
    let mut keys = HashSet::new();
    for header in headers {
        let list = std::str::from_utf8(header).ok()?;
        // Empty members are allowed and mean nothing.
        for member in list.split(',').map(trimmed).filter(|member| !member.is_empty()) {
            let (key, value) = member.split_once('=')?;
            if !is_key(key) || !is_value(value) {
                return None;
            }
            if keys.insert(key) {
                members.push(member);
            }
        }
    }
    Some(members)
}

/// Without the optional white space of HTTP around it.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Level 2, section 3.3.1.3.1.
fn is_key(key: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    key.len() <= PART_BYTES_MAX
        && key.bytes().next().is_some_and(plain)
        && key
            .bytes()
            .all(|byte| plain(byte) || matches!(byte, b'_' | b'-' | b'*' | b'/' | b'@'))
}

/// Section 3.3.1.3.2. The end of a member is trimmed, so a value does not end with a blank.
fn is_value(value: &str) -> bool {
    let allowed = |byte: u8| (b' '..=b'~').contains(&byte) && !matches!(byte, b',' | b'=');
    (1..=PART_BYTES_MAX).contains(&value.len()) && value.bytes().all(allowed)
}

/// Takes members out of a list that is too long, as section 3.3.1.5 says: long ones first, then from the end.
fn shortened(mut members: Vec<&str>) -> Vec<&str> {
    let length = |members: &[&str]| members.iter().map(|member| member.len() + 1).sum::<usize>() - 1;
    while length(&members) > STATE_BYTES_MAX {
        let long = members.iter().rposition(|member| member.len() > MEMBER_BYTES_LONG);
        members.remove(long.unwrap_or(members.len() - 1));
    }
    members
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_list_that_is_too_long_loses_its_long_members_first_and_from_the_end() {
        let long: Vec<String> = (0..20).map(|n| format!("long{n:02}={}", "x".repeat(250))).collect();
        let text = format!("first=1,{},last=1", long.join(","));
        let state = TraceState::read([text.as_bytes()]);
        let state = state.as_str().unwrap();
        assert!(
            state.len() <= STATE_BYTES_MAX && state.len() > STATE_BYTES_MAX - 300,
            "{}",
            state.len()
        );
        assert!(
            state.starts_with("first=1,long00=") && state.ends_with(",last=1"),
            "{state}"
        );
        assert!(!state.contains("long19"), "{state}");
    }

    proptest! {
        #[test]
        fn what_is_handed_on_is_read_as_the_same(list in "[a-c@=, \t~1]{0,60}") {
            let state = TraceState::read([list.as_bytes()]);
            prop_assert_eq!(TraceState::read(state.as_str().map(str::as_bytes)), state);
        }
    }
}
