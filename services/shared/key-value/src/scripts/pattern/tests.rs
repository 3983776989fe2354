use super::*;

/// What is found of a pattern: the text, and what was caught.
fn found(text: &str, pattern: &str) -> Result<Option<(String, Vec<String>)>, String> {
    let told = |range: std::ops::Range<usize>| text[range].to_owned();
    let may_go_on = || Ok(());
    match search(text.as_bytes(), pattern.as_bytes(), 0, true, &mut Pace::new(&may_go_on)) {
        Ok(found) => Ok(found.map(|found| {
            let captures = found.captures.into_iter().map(|capture| match capture {
                Capture::Text(range) => told(range),
                Capture::Place(place) | Capture::Open(place) => place.to_string(),
            });
            (told(found.whole), captures.collect())
        })),
        Err(Fault::Malformed(why)) => Err(why.to_owned()),
        Err(Fault::Stopped(error)) => Err(error.to_string()),
    }
}

#[test]
fn patterns_match_what_the_manual_says() {
    for (text, pattern, expected, captures) in [
        ("hello world", "o w", Some("o w"), &[][..]),
        ("key = 12", "(%w+)%s*=%s*(%d+)", Some("key = 12"), &["key", "12"]),
        ("key = x", "(%w+)%s*=%s*(%d+)", None, &[]),
        ("aXb", "%u", Some("X"), &[]),
        ("f(a(b)c)d", "%b()", Some("(a(b)c)"), &[]),
        ("THE (quick) fox", "%f[%a]%a+", Some("THE"), &[]),
        ("say 'a \"b'", "([\"'])(.-)%1", Some("'a \"b'"), &["'", "a \"b"]),
        ("aaa", "^a-$", Some("aaa"), &[]),
        ("aab", "a-b", Some("aab"), &[]),
        ("aab", "a*()b", Some("aab"), &["2"]),
        ("ab", "^(a?)(a?)b", Some("ab"), &["a", ""]),
        ("aaab", "a?a?a?aaab", Some("aaab"), &[]),
        ("1-2]", "[]%-]+", Some("-"), &[]),
        ("x^y", "[x^]+", Some("x^"), &[]),
        ("a.b", "[^%w]", Some("."), &[]),
        ("a-c", "[a-]+", Some("a-"), &[]),
        ("$5", "$%d", Some("$5"), &[]),
        ("abc", "((a)(b))", Some("ab"), &["ab", "a", "b"]),
        ("abcabd", "(abc?)d", Some("abd"), &["ab"]),
        ("", "", Some(""), &[]),
        ("", "^$", Some(""), &[]),
    ] {
        let expected = expected.map(|text| (text.to_owned(), captures.iter().map(ToString::to_string).collect()));
        assert_eq!(found(text, pattern), Ok(expected), "{pattern} in {text}");
    }
}

#[test]
fn what_is_no_pattern_is_refused_in_the_words_of_lua() {
    for (pattern, why) in [
        ("%", "malformed pattern (ends with '%')"),
        ("[a", "malformed pattern (missing ']')"),
        ("[]", "malformed pattern (missing ']')"),
        ("%f", "missing '[' after '%f' in pattern"),
        ("%b", "unbalanced pattern"),
        ("%1", "invalid capture index"),
        ("(%1)", "invalid capture index"),
        ("%0", "invalid capture index"),
        ("a)", "invalid pattern capture"),
        ("(a", "unfinished capture"),
        (&"()".repeat(33), "too many captures"),
    ] {
        assert_eq!(found("a", pattern), Err(why.to_owned()), "{pattern}");
    }
}

#[test]
fn no_pattern_takes_the_stack_or_more_time_than_it_is_given() {
    assert_eq!(
        found(&"x".repeat(1_000_000), &"x?".repeat(1_000_000)),
        Err("pattern too complex".to_owned())
    );
    let stopped = || Err(mlua::Error::runtime("stopped"));
    for (text, pattern) in [
        ("a".repeat(100_000), format!("{}b", ".-".repeat(8))),
        ("(".repeat(1_000_000), "%b()".repeat(100)),
        ("a".repeat(100_000), format!("[{}]", "b".repeat(100_000))),
        ("a".repeat(100_000), format!("({})%1b", ".*".repeat(9))),
    ] {
        let searched = search(text.as_bytes(), pattern.as_bytes(), 0, true, &mut Pace::new(&stopped));
        assert!(matches!(searched, Err(Fault::Stopped(_))), "{}", &pattern[..9]);
    }
    let (text, wanted) = ("a".repeat(100_000), format!("{}b", "a".repeat(50_000)));
    let searched = find_text(text.as_bytes(), wanted.as_bytes(), 0, &mut Pace::new(&stopped));
    assert!(matches!(searched, Err(Fault::Stopped(_))));
}
