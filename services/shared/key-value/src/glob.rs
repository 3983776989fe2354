//! Patterns of keys: `*`, `?`, `[a-z]`, `[^a]` and `\` before what is meant as it is.

/// Whether a text matches a pattern. It takes at most as many steps as their lengths multiplied.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    // Where to go on if the last star takes one byte more.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        if let [b'*', after @ ..] = pattern {
            retry = Some((after, text));
            pattern = after;
            continue;
        }
        if let Some((after, rest)) = one(pattern, text) {
            (pattern, text) = (after, rest);
            continue;
        }
        if pattern.is_empty() && text.is_empty() {
            return true;
        }
        let Some((after, [_, rest @ ..])) = retry else {
            return false;
        };
        (pattern, text) = (after, rest);
        retry = Some((after, rest));
    }
}

/// Matches one byte; gives what is left of both.
fn one<'p, 't>(pattern: &'p [u8], text: &'t [u8]) -> Option<(&'p [u8], &'t [u8])> {
    let (byte, rest) = text.split_first()?;
    let (fits, after) = match pattern {
        [b'?', after @ ..] => (true, after),
        [b'[', after @ ..] => class(after, *byte),
        [b'\\', literal, after @ ..] | [literal, after @ ..] => (literal == byte, after),
        [] => (false, pattern),
    };
    fits.then_some((after, rest))
}

/// Whether a byte is in a class, and what follows the class, which may lack its end.
fn class(pattern: &[u8], byte: u8) -> (bool, &[u8]) {
    let (negated, mut rest) = match pattern {
        [b'^', after @ ..] => (true, after),
        _ => (false, pattern),
    };
    let mut found = false;
    loop {
        let (low, high, after) = match rest {
            [] => break,
            [b']', after @ ..] => {
                rest = after;
                break;
            }
            [b'\\', literal, after @ ..] => (*literal, *literal, after),
            [low, b'-', high, after @ ..] => (*low.min(high), *low.max(high), after),
            [literal, after @ ..] => (*literal, *literal, after),
        };
        found |= (low..=high).contains(&byte);
        rest = after;
    }
    (found != negated, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_redis() {
        for (pattern, text) in [
            ("*", ""),
            ("a*", "abc"),
            ("*c", "abc"),
            ("a?c", "abc"),
            ("a[b-d]c", "acc"),
            ("a[d-b]c", "acc"),
            ("[^a]", "b"),
            ("\\*", "*"),
            ("h[ae]llo", "hello"),
            ("a*b*c", "a1b2b3c"),
            ("[ab", "a"),
            ("**", "x"),
            ("[\\]]", "]"),
        ] {
            assert!(matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("", "a"),
            ("a", ""),
            ("?", ""),
            ("[^a]", "a"),
            ("a*b", "ac"),
            ("\\*", "a"),
            ("a", "ab"),
        ] {
            assert!(!matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_long_time() {
        assert!(!matches(
            &[b"a*".repeat(1_000), b"b".to_vec()].concat(),
            &[b'a'; 10_000]
        ));
    }
}
