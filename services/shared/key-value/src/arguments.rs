//! Reads the arguments of commands.

use crate::protocol::{Failure, float_of, integer_of};

/// A command: its name, and what follows.
pub(crate) type Arguments<'a> = &'a [Vec<u8>];

pub(crate) const SYNTAX: Failure = Failure::of("ERR syntax error");
pub(crate) const NOT_AN_INTEGER: Failure = Failure::of("ERR value is not an integer or out of range");
const NOT_A_FLOAT: Failure = Failure::of("ERR value is not a valid float");
pub(crate) const NOT_POSITIVE: Failure = Failure::of("ERR value is out of range, must be positive");

pub(crate) fn wrong_number(name: &str) -> Failure {
    Failure::new(format!("ERR wrong number of arguments for '{name}' command"))
}

pub(crate) fn integer(text: &[u8]) -> Result<i64, Failure> {
    integer_of(text).ok_or(NOT_AN_INTEGER)
}

pub(crate) fn float(text: &[u8]) -> Result<f64, Failure> {
    float_of(text).ok_or(NOT_A_FLOAT)
}

/// A number of things that may be left out, and may be zero.
pub(crate) fn count(text: Option<&Vec<u8>>) -> Result<Option<usize>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let count = integer_of(text).and_then(|count| usize::try_from(count).ok());
    count.map(Some).ok_or(NOT_POSITIVE)
}

/// Whether a word of a command is this one, in capitals or not.
pub(crate) fn is(word: &[u8], name: &str) -> bool {
    word.eq_ignore_ascii_case(name.as_bytes())
}

/// The elements from one position to another one, both included and counted from the end where they are negative.
pub(crate) fn span(length: usize, first: i64, last: i64) -> std::ops::Range<usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let absolute = |position: i64| {
        if position < 0 {
            (position + length).max(0)
        } else {
            position
        }
    };
    let is_before = last < 0 && last + length < 0;
    let (first, end) = (absolute(first), absolute(last).min(length - 1) + 1);
    if is_before || first >= end {
        return 0..0;
    }
    // Both are between nothing and the length, which came from such a number.
    usize::try_from(first).unwrap_or(0)..usize::try_from(end).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_counts_from_either_end() {
        for ((first, last), span_of_five) in [
            ((0, -1), 0..5),
            ((1, 2), 1..3),
            ((-2, -1), 3..5),
            ((-9, 9), 0..5),
            ((3, 2), 0..0),
            ((5, 9), 0..0),
            ((0, -6), 0..0),
            ((i64::MIN + 6, i64::MAX), 0..5),
        ] {
            assert_eq!(span(5, first, last), span_of_five, "{first} to {last}");
        }
        assert_eq!(span(0, 0, -1), 0..0);
    }
}
