//! Errors of a scenario folder: where, what, and what to write instead.

use std::fmt;
use std::ops::Range;

use super::read::ReadError;

/// One thing that is wrong in a scenario file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where in the file, in bytes; none when the whole file is meant.
    pub span: Option<Range<usize>>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem at a place.
    pub fn at(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span: Some(span),
            message: message.into(),
            hint: None,
        }
    }

    /// A hidden character. Its name is written, never the character itself.
    pub fn hidden(span: Range<usize>, character: char) -> Self {
        Self::at(
            span,
            format!("the text holds the hidden character U+{:04X}", u32::from(character)),
        )
        .hint("remove it: what is shown of a scenario must be what is in it")
    }

    /// A problem of the whole file.
    pub fn whole(message: impl Into<String>) -> Self {
        Self {
            span: None,
            message: message.into(),
            hint: None,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds "did you mean", or the list of what exists.
    #[must_use]
    pub fn suggest<'a>(self, wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let hint = suggestion(wrong, known);
        self.hint(hint)
    }
}

/// The longest name that near ones are looked for, in bytes: the work grows with the product of two lengths.
const NAME_MAX: usize = 100;

/// "did you mean `x`?" when one of the known names is close, else the list of them.
pub fn suggestion<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let closest = known
        .iter()
        .filter(|name| wrong.len().max(name.len()) <= NAME_MAX)
        .map(|name| (strsim::damerau_levenshtein(wrong, name), *name))
        .min()
        .filter(|(distance, name)| *distance <= 1 + name.len() / 3);
    match closest {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None if known.is_empty() => "there is none to choose from".to_owned(),
        None => format!("there is: {}", known.join(", ")),
    }
}

/// A scenario folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// A file that cannot be read, or is no text.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// A file that says something wrong.
    #[error("{}", Located(file, text, problems))]
    Invalid {
        /// Name of the file, as shown to people.
        file: String,
        /// Its text, so that the place can be shown.
        text: String,
        /// What is wrong with it; at least one.
        problems: Vec<Problem>,
    },
}

/// Line and column, both from 1, of a byte offset.
pub fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(offset)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

struct Located<'a>(&'a str, &'a str, &'a [Problem]);

impl fmt::Display for Located<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(file, text, problems) = self;
        for (index, problem) in problems.iter().enumerate() {
            if index > 0 {
                writeln!(formatter)?;
            }
            write!(formatter, "{file}")?;
            if let Some(span) = &problem.span {
                let (line, column) = line_and_column(text, span.start);
                write!(formatter, ":{line}:{column}")?;
            }
            write!(formatter, ": {}", problem.message)?;
            if let Some(hint) = &problem.hint {
                write!(formatter, " ({hint})")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_and_column_count_from_one_and_in_characters() {
        let text = "a = 1\nü = \"x\"\n";
        assert_eq!(line_and_column(text, 0), (1, 1));
        assert_eq!(line_and_column(text, text.find('x').unwrap()), (2, 6));
        assert_eq!(line_and_column(text, 9999), (3, 1));
    }

    #[test]
    fn a_near_miss_is_suggested_and_a_far_one_lists_what_there_is() {
        assert_eq!(
            suggestion("round-robin", ["round_robin", "random"]),
            "did you mean `round_robin`?"
        );
        assert_eq!(
            suggestion("zzz", ["round_robin", "random"]),
            "there is: round_robin, random"
        );
    }
}
