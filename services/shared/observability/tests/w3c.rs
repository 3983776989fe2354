//! The cases that the W3C publishes for its Trace Context, levels 1 and 2 (`w3c/trace-context`, `test/test.py`), and some
//! more of their kind: what a service that got these headers sends on.

use std::collections::HashSet;

use http::{HeaderMap, HeaderName, HeaderValue};
use observability::TraceContext;

const TRACE: &str = "12345678901234567890123456789012";
const SPAN: &str = "1234567890123456";
const PARENT: (&str, &str) = ("traceparent", "00-12345678901234567890123456789012-1234567890123456-00");

/// The headers that a service sends on when it got these: `traceparent` and, where there is one, `tracestate`.
fn sent_on(received: &[(&str, &str)]) -> (String, Option<String>) {
    let mut headers = HeaderMap::new();
    for (name, value) in received {
        // The white space around a value is not part of it (RFC 9110, 5.5): an HTTP server takes it off.
        let value = HeaderValue::from_str(value.trim_matches([' ', '\t'])).expect(value);
        headers.append(HeaderName::from_bytes(name.as_bytes()).expect(name), value);
    }
    let mut sent = HeaderMap::new();
    TraceContext::from_headers(&headers).write_headers(&mut sent);
    let text = |name: &str| {
        let values: Vec<_> = sent.get_all(name).iter().collect();
        assert!(values.len() <= 1, "{name}: {values:?}");
        values.first().map(|value| value.to_str().unwrap().to_owned())
    };
    (
        text("traceparent").expect("there is always a trace"),
        text("tracestate"),
    )
}

/// Trace id, span id and flags, provided that the value is well formed.
fn parts(traceparent: &str) -> (String, String, u8) {
    let [version, trace, span, flags] = traceparent.split('-').collect::<Vec<_>>()[..] else {
        panic!("{traceparent}");
    };
    assert_eq!(
        (version, trace.len(), span.len(), flags.len()),
        ("00", 32, 16, 2),
        "{traceparent}"
    );
    assert!(
        traceparent
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-')),
        "{traceparent}"
    );
    assert!(
        trace.contains(|c| c != '0') && span.contains(|c| c != '0'),
        "{traceparent}"
    );
    (
        trace.to_owned(),
        span.to_owned(),
        u8::from_str_radix(flags, 16).unwrap(),
    )
}

fn continues(received: &[(&str, &str)]) -> bool {
    let (trace, span, _) = parts(&sent_on(received).0);
    assert_ne!(span, SPAN, "{received:?}: the span of the caller");
    trace == TRACE
}

fn state(lists: &[&str]) -> Option<String> {
    let mut received = vec![PARENT];
    received.extend(lists.iter().map(|list| ("tracestate", *list)));
    assert!(continues(&received), "{lists:?}: a state never ends a trace");
    sent_on(&received).1
}

#[test]
fn a_traceparent_is_continued_or_a_new_trace_begins() {
    let with = |before: &str, after: &str| format!("{before}{TRACE}-{SPAN}{after}");
    for (value, is_continued) in [
        (with("00-", "-01"), true),
        (with("00-", "-01."), false),
        (with("00-", "-01-what-the-future-will-be-like"), false),
        (with("cc-", "-01"), true),
        (with("cc-", "-01-what-the-future-will-be-like"), true),
        (with("cc-", "-01.what-the-future-will-be-like"), false),
        (with("01-", "-01-"), true),
        (with("ff-", "-01"), false),
        (with(".0-", "-01"), false),
        (with("0.-", "-01"), false),
        (with("CC-", "-01"), false),
        (with("000-", "-01"), false),
        (with("0000-", "-01"), false),
        (with("0-", "-01"), false),
        (format!("00-{}-{SPAN}-01", "0".repeat(32)), false),
        (format!("00-.2345678901234567890123456789012-{SPAN}-01"), false),
        (format!("00-1234567890123456789012345678901.-{SPAN}-01"), false),
        (format!("00-123456789012345678901234567890123-{SPAN}-01"), false),
        (format!("00-1234567890123456789012345678901-{SPAN}-01"), false),
        (format!("00-{TRACE}-{}-01", "0".repeat(16)), false),
        (format!("00-{TRACE}-.234567890123456-01"), false),
        (format!("00-{TRACE}-123456789012345.-01"), false),
        (format!("00-{TRACE}-12345678901234567-01"), false),
        (format!("00-{TRACE}-123456789012345-01"), false),
        (with("00-", "-.0"), false),
        (with("00-", "-0."), false),
        (with("00-", "-001"), false),
        (with("00-", "-1"), false),
        (with(" 00-", "-01"), true),
        (with("\t00-", "-01"), true),
        (with("00-", "-01 "), true),
        (with("00-", "-01\t"), true),
        (with("\t 00-", "-01 \t"), true),
        (
            with("00-", "-01, 00-11111111111111111111111111111111-1111111111111111-01"),
            false,
        ),
        (String::new(), false),
    ] {
        assert_eq!(continues(&[("traceparent", &value)]), is_continued, "{value:?}");
    }
}

#[test]
fn without_one_traceparent_a_new_trace_begins_and_the_state_is_dropped() {
    let other = "00-12345678901234567890123456789011-1234567890123456-01";
    for received in [
        &[][..],
        &[("trace-parent", PARENT.1)],
        &[("trace.parent", PARENT.1)],
        &[("traceparent", other), PARENT, ("tracestate", "foo=1")],
        &[PARENT, PARENT, ("tracestate", "foo=1")],
        &[("traceparent", "00-1-2-03"), ("tracestate", "foo=1")],
        &[("tracestate", "foo=1,bar=2")],
    ] {
        let (traceparent, tracestate) = sent_on(received);
        let (trace, _, flags) = parts(&traceparent);
        assert!(!trace.starts_with("1234567890"), "{received:?}");
        assert_eq!((flags, tracestate), (0b11, None), "{received:?}: recorded, and random");
    }
}

#[test]
fn names_of_headers_have_no_case() {
    for (parent, state) in [
        ("TraceParent", "TraceState"),
        ("TrAcEpArEnT", "TrAcEsTaTe"),
        ("TRACEPARENT", "TRACESTATE"),
    ] {
        let received = [(parent, PARENT.1), (state, "foo=1")];
        assert!(continues(&received));
        assert_eq!(sent_on(&received).1.as_deref(), Some("foo=1"));
    }
}

#[test]
fn flags_that_are_known_are_sent_on_and_no_others() {
    for (flags, sent) in [
        ("00", 0),
        ("01", 1),
        ("02", 2),
        ("03", 3),
        ("04", 0),
        ("ff", 3),
        ("fe", 2),
    ] {
        for version in ["00", "cc"] {
            let value = format!("{version}-{TRACE}-{SPAN}-{flags}");
            assert_eq!(parts(&sent_on(&[("traceparent", &value)]).0).2, sent, "{value}");
        }
    }
}

#[test]
fn each_request_is_a_span_of_its_own() {
    let spans: HashSet<_> = (0..3).map(|_| parts(&sent_on(&[PARENT]).0).1).collect();
    assert_eq!(spans.len(), 3);
}

#[test]
fn a_state_is_sent_on_joined_and_in_order() {
    let wide: Vec<String> = (1..=32).map(|n| format!("bar{n:02}={n:02}")).collect();
    let key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
    let chars = |range: std::ops::RangeInclusive<u8>| range.map(char::from).collect::<String>();
    let value = format!("{}{}{}", chars(b' '..=b'+'), chars(b'-'..=b'<'), chars(b'>'..=b'~'));
    let everything = format!("{key}={value},{key}@a-z0-9_-*/={value}");
    let long = |key: String| format!("foo=1,{key}=1");
    for (lists, sent) in [
        (&["foo=1,bar=2"][..], "foo=1,bar=2"),
        (
            &["foo=1,bar=2", "rojo=1,congo=2", "baz=3"],
            "foo=1,bar=2,rojo=1,congo=2,baz=3",
        ),
        (&["foo=1", ""], "foo=1"),
        (&["", "foo=1"], "foo=1"),
        (&["foo=1,,bar=2,"], "foo=1,bar=2"),
        (&["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
        (&["foo=1\t \t,\t \tbar=2,\t \tbaz=3"], "foo=1,bar=2,baz=3"),
        (&["\t foo=1 \t"], "foo=1"),
        (&["foo=1,foo=1"], "foo=1"),
        (&["foo=1,foo=2"], "foo=1"),
        (&["foo=1", "foo=2"], "foo=1"),
        (&["foo@=1,bar=2"], "foo@=1,bar=2"),
        (&["foo@@bar=1,bar=2"], "foo@@bar=1,bar=2"),
        (&["foo@bar@baz=1,bar=2"], "foo@bar@baz=1,bar=2"),
        (&["0a=1"], "0a=1"),
        (&[&everything], &everything),
        (&[&long("z".repeat(256))], &long("z".repeat(256))),
        (
            &[&long(format!("{}@{}", "t".repeat(241), "v".repeat(14)))],
            &long(format!("{}@{}", "t".repeat(241), "v".repeat(14))),
        ),
        (
            &[&long(format!("{}@v", "t".repeat(242)))],
            &long(format!("{}@v", "t".repeat(242))),
        ),
        (
            &[&long(format!("t@{}", "v".repeat(15)))],
            &long(format!("t@{}", "v".repeat(15))),
        ),
        (
            &[&wide[..10].join(","), &wide[10..20].join(","), &wide[20..].join(",")],
            &wide.join(","),
        ),
        (
            &[&format!("foo={}", "v".repeat(256))],
            &format!("foo={}", "v".repeat(256)),
        ),
    ] {
        assert_eq!(state(lists).as_deref(), Some(sent), "{lists:?}");
    }
}

#[test]
fn a_state_that_breaks_a_rule_is_dropped_whole_and_the_trace_goes_on() {
    let many: Vec<String> = (1..=33).map(|n| format!("bar{n:02}={n:02}")).collect();
    for lists in [
        &[""][..],
        &["foo =1"],
        &["FOO=1"],
        &["foo.bar=1"],
        &["@foo=1,bar=2"],
        &["foo=bar=baz"],
        &["foo=,bar=3"],
        &["foo"],
        &["foo=1\t2"],
        &["foo=1;bar", "=2"],
        &["foo=1", &format!("{}=1", "z".repeat(257))],
        &[&format!("foo={}", "v".repeat(257))],
        &[&many.join(",")],
        &[&many[..20].join(","), &many[20..].join(",")],
    ] {
        assert_eq!(state(lists), None, "{lists:?}");
    }
    for name in ["trace-state", "trace.state"] {
        assert_eq!(sent_on(&[PARENT, (name, "foo=1")]).1, None);
    }
}
