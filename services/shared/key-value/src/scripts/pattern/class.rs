//! What one letter may be: a letter itself, any, a class such as `%d`, or a set such as `[^%s,-]`.

use super::{Fault, at};

/// Where the part that stands for one letter ends.
pub(super) fn end_of(pattern: &[u8], start: usize) -> Result<usize, Fault> {
    match at(pattern, start) {
        b'%' if at(pattern, start + 1) == 0 => Err(Fault::Malformed("malformed pattern (ends with '%')")),
        b'%' => Ok(start + 2),
        b'[' => end_of_set(pattern, start),
        _ => Ok(start + 1),
    }
}

fn end_of_set(pattern: &[u8], start: usize) -> Result<usize, Fault> {
    let mut next = start + 1 + usize::from(at(pattern, start + 1) == b'^');
    // A bracket that comes first is one of the set.
    loop {
        match at(pattern, next) {
            0 => return Err(Fault::Malformed("malformed pattern (missing ']')")),
            b'%' if at(pattern, next + 1) != 0 => next += 2,
            _ => next += 1,
        }
        if at(pattern, next) == b']' {
            return Ok(next + 1);
        }
    }
}

/// Whether a letter is what a part of a pattern stands for.
pub(super) fn takes(part: &[u8], letter: u8) -> bool {
    match part {
        b"." => true,
        [b'%', class] => is_of(letter, *class),
        [b'[', set @ .., b']'] => is_in(set, letter),
        [own] => *own == letter,
        _ => false,
    }
}

/// Whether a letter is in a set, given without its brackets.
pub(super) fn is_in(set: &[u8], letter: u8) -> bool {
    let (members, is_turned) = match set {
        [b'^', members @ ..] => (members, true),
        members => (members, false),
    };
    let mut rest = members;
    let is_in = loop {
        let (is_it, after) = match rest {
            [] => break false,
            [b'%', class, after @ ..] => (is_of(letter, *class), after),
            [low, b'-', high, after @ ..] => ((*low..=*high).contains(&letter), after),
            [own, after @ ..] => (*own == letter, after),
        };
        if is_it {
            break true;
        }
        rest = after;
    };
    is_in != is_turned
}

/// As the C library has it without a locale: only ASCII belongs to a class.
fn is_of(letter: u8, class: u8) -> bool {
    let is_it = match class.to_ascii_lowercase() {
        b'a' => letter.is_ascii_alphabetic(),
        b'c' => letter.is_ascii_control(),
        b'd' => letter.is_ascii_digit(),
        b'l' => letter.is_ascii_lowercase(),
        b'p' => letter.is_ascii_punctuation(),
        b's' => matches!(letter, b' ' | 9..=13),
        b'u' => letter.is_ascii_uppercase(),
        b'w' => letter.is_ascii_alphanumeric(),
        b'x' => letter.is_ascii_hexdigit(),
        b'z' => letter == 0,
        _ => return class == letter,
    };
    is_it != class.is_ascii_uppercase()
}
