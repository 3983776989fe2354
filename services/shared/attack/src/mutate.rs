//! Mutations of good inputs: a few random changes, each of a kind that breaks parsers.

use rand::{Rng, RngExt};

/// The most changes that one input gets.
const CHANGES_MAX: usize = 6;
/// No mutation grows beyond this: length fields may lie, inputs need not be large for it.
const BYTES_MAX: usize = 64 * 1024;
/// Numbers at the edges of their types.
const EDGES: [i64; 12] = [
    0,
    1,
    -1,
    127,
    128,
    255,
    i16::MAX as i64,
    u16::MAX as i64,
    i32::MAX as i64,
    u32::MAX as i64,
    i64::MAX,
    i64::MIN,
];

#[derive(Default)]
pub(crate) struct Mutator {
    pub(crate) good: Vec<Vec<u8>>,
    pub(crate) words: Vec<Vec<u8>>,
}

impl Mutator {
    /// One of the good inputs (or nothing, where there is none) with one to six changes.
    pub(crate) fn mutation(&self, rng: &mut impl Rng) -> Vec<u8> {
        let mut bytes = pick(&self.good, rng).cloned().unwrap_or_default();
        for _ in 0..rng.random_range(1..=CHANGES_MAX) {
            self.change(&mut bytes, rng);
            bytes.truncate(BYTES_MAX);
        }
        bytes
    }

    fn change(&self, bytes: &mut Vec<u8>, rng: &mut impl Rng) {
        match rng.random_range(0..10) {
            0 => flip_a_bit(bytes, rng),
            1 => overwrite(bytes, &[rng.random()], rng),
            2 => insert(bytes, &[rng.random()], rng),
            3 => drop(bytes.drain(range(bytes.len(), rng))),
            4 => bytes.truncate(rng.random_range(0..=bytes.len())),
            5 => repeat(bytes, rng),
            6 => overwrite(bytes, &edge(rng), rng),
            7 => replace_a_number(bytes, rng),
            8 => self.splice(bytes, rng),
            _ => self.insert_a_word(bytes, rng),
        }
    }

    /// The beginning of one input, the end of another.
    fn splice(&self, bytes: &mut Vec<u8>, rng: &mut impl Rng) {
        if let Some(other) = pick(&self.good, rng) {
            bytes.truncate(rng.random_range(0..=bytes.len()));
            bytes.extend_from_slice(&other[rng.random_range(0..=other.len())..]);
        }
    }

    fn insert_a_word(&self, bytes: &mut Vec<u8>, rng: &mut impl Rng) {
        if let Some(word) = pick(&self.words, rng) {
            insert(bytes, word, rng);
        }
    }
}

fn pick<'a, T>(of: &'a [T], rng: &mut impl Rng) -> Option<&'a T> {
    (!of.is_empty()).then(|| &of[rng.random_range(0..of.len())])
}

fn range(length: usize, rng: &mut impl Rng) -> std::ops::Range<usize> {
    let start = rng.random_range(0..=length);
    start..rng.random_range(start..=length.min(start + 64))
}

fn flip_a_bit(bytes: &mut [u8], rng: &mut impl Rng) {
    if !bytes.is_empty() {
        let at = rng.random_range(0..bytes.len());
        bytes[at] ^= 1 << rng.random_range(0..8);
    }
}

fn overwrite(bytes: &mut [u8], with: &[u8], rng: &mut impl Rng) {
    let at = rng.random_range(0..=bytes.len());
    for (old, new) in bytes[at..].iter_mut().zip(with) {
        *old = *new;
    }
}

fn insert(bytes: &mut Vec<u8>, what: &[u8], rng: &mut impl Rng) {
    let at = rng.random_range(0..=bytes.len());
    bytes.splice(at..at, what.iter().copied());
}

fn repeat(bytes: &mut Vec<u8>, rng: &mut impl Rng) {
    let part = bytes[range(bytes.len(), rng)].to_vec();
    let times = rng.random_range(1..=32);
    insert(bytes, &part.repeat(times), rng);
}

/// An edge number as one to eight bytes, in either order.
fn edge(rng: &mut impl Rng) -> Vec<u8> {
    let number = EDGES[rng.random_range(0..EDGES.len())];
    let width = [1, 2, 4, 8][rng.random_range(0..4)];
    if rng.random() {
        number.to_be_bytes()[8 - width..].to_vec()
    } else {
        number.to_le_bytes()[..width].to_vec()
    }
}

/// Puts an edge number in the place of a run of digits, for formats of text.
fn replace_a_number(bytes: &mut Vec<u8>, rng: &mut impl Rng) {
    let from = rng.random_range(0..=bytes.len());
    let Some(start) = bytes[from..].iter().position(u8::is_ascii_digit).map(|at| from + at) else {
        return;
    };
    let digits = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = EDGES[rng.random_range(0..EDGES.len())].to_string();
    bytes.splice(start..start + digits, number.bytes());
}
