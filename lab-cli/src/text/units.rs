//! Where a line may break: at blanks, but not between a number and its unit.

use textwrap::WordSeparator;
use textwrap::core::Word;

/// What belongs to the number before it.
const UNITS: [&str; 11] = ["%", "s", "ms", "µs", "ns", "min", "h", "KiB", "MiB", "GiB", "MB"];
/// What may stand behind a unit.
const PUNCTUATION: [char; 8] = ['.', ',', ';', ':', '!', '?', ')', '"'];

/// The words of a line, for [`textwrap`]: a number and the unit behind it are one.
pub(super) fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let mut words = Vec::new();
    let (mut from, mut to) = (0, 0);
    let mut pieces = WordSeparator::AsciiSpace.find_words(line).peekable();
    while let Some(piece) = pieces.next() {
        to += piece.word.len() + piece.whitespace.len();
        let goes_on = pieces
            .peek()
            .is_some_and(|next| piece.whitespace == " " && belong_together(piece.word, next.word));
        if !goes_on {
            words.push(Word::from(&line[from..to]));
            from = to;
        }
    }
    Box::new(words.into_iter())
}

/// The same text with no-break spaces between numbers and their units, for what breaks lines by itself.
pub fn joined(text: &str) -> String {
    let mut joined = String::with_capacity(text.len() + 8);
    let mut pieces = text.split(' ').peekable();
    while let Some(piece) = pieces.next() {
        joined.push_str(piece);
        match pieces.peek() {
            Some(next) if belong_together(piece, next) => joined.push('\u{a0}'),
            Some(_) => joined.push(' '),
            None => {}
        }
    }
    joined
}

fn belong_together(number: &str, unit: &str) -> bool {
    number.ends_with(|last: char| last.is_ascii_digit()) && UNITS.contains(&unit.trim_end_matches(PUNCTUATION))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_and_its_unit_are_one_word() {
        let line = "At 95 %, 3 of 100 took 1.5 s (or 20 ms).";
        let found: Vec<&str> = words(line).map(|word| word.word).collect();
        assert_eq!(
            found,
            ["At", "95 %,", "3", "of", "100", "took", "1.5 s", "(or", "20 ms)."]
        );
        assert_eq!(joined(line), "At 95\u{a0}%, 3 of 100 took 1.5\u{a0}s (or 20\u{a0}ms).");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(line in "[a-z0-9% .]{0,60}") {
            let again: String = words(&line).flat_map(|word| [word.word, word.whitespace]).collect();
            prop_assert_eq!(&again, &line);
            prop_assert_eq!(joined(&line).replace('\u{a0}', " "), line);
        }
    }
}
