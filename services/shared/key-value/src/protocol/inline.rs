//! A command as a line of words, as somebody types it into telnet.

/// The words of a line, or `None` where a quote is not closed or not followed by a space. A byte that is zero ends the
/// line, as it does in C.
pub(crate) fn words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line.split(|byte| *byte == 0).next().unwrap_or_default();
    loop {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return Some(words);
        }
        let (word, after) = first_word(rest)?;
        words.push(word);
        rest = after;
    }
}

fn first_word(line: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    let mut rest = line;
    while let [first, after @ ..] = rest {
        rest = match first {
            b'"' | b'\'' => {
                let after = quoted(*first, after, &mut word)?;
                return after
                    .first()
                    .is_none_or(u8::is_ascii_whitespace)
                    .then_some((word, after));
            }
            space if space.is_ascii_whitespace() => break,
            other => {
                word.push(*other);
                after
            }
        };
    }
    Some((word, rest))
}

/// Takes up to the closing quote, and gives what follows it.
fn quoted<'a>(quote: u8, text: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    let mut rest = text;
    loop {
        let (byte, after) = match (quote, rest) {
            (_, [first, after @ ..]) if *first == quote => return Some(after),
            (b'"', [b'\\', b'x', high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digits = [*high, *low];
                (u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?, after)
            }
            (b'"', [b'\\', escaped, after @ ..]) => (unescaped(*escaped), after),
            (b'\'', [b'\\', b'\'', after @ ..]) => (b'\'', after),
            (_, [first, after @ ..]) => (*first, after),
            (_, []) => return None,
        };
        word.push(byte);
        rest = after;
    }
}

fn unescaped(letter: u8) -> u8 {
    match letter {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_at_spaces_and_quotes_hold_them_together() {
        let words = |line: &str| words(line.as_bytes());
        let are = |expected: &[&[u8]]| Some(expected.iter().map(|word| word.to_vec()).collect::<Vec<_>>());
        assert_eq!(words("  SET a\t'b c' "), are(&[b"SET", b"a", b"b c"]));
        assert_eq!(words(r#""a\x41\n\"" '\'' "" "#), are(&[b"aA\n\"", b"'", b""]));
        assert_eq!(words(""), are(&[]));
        assert_eq!(words("a \0b"), are(&[b"a"]));
        for open in ["\"a", "'a\0'", "'a", "\"a\"b", "'a'b", "\"a\\"] {
            assert_eq!(words(open), None, "{open}");
        }
    }
}
