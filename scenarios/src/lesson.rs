//! A lesson: `lesson.md`, with fixed sections and places that the run's own numbers fill.
//!
//! Two sections speak of a run and are templates (minijinja): "What happened" and "Why". All others are plain
//! Markdown, so that the handbook can show the same file.

use minijinja::value::{Serde, Value};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};

use crate::checks::in_unit;
use crate::expression::Scope;
use crate::format::{Problem, Unit};

/// The headings of a lesson, in order.
pub const HEADINGS: [&str; 7] = [
    "Question",
    "The idea",
    "What to watch",
    "What happened",
    "Why",
    "Try next",
    "Sources",
];
/// The headings whose text is a template.
const TEMPLATES: [&str; 2] = ["What happened", "Why"];

/// A lesson, section by section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lesson {
    /// The text of each section, in the order of [`HEADINGS`].
    sections: Vec<String>,
    /// Where each section begins in the file, in bytes.
    starts: Vec<usize>,
}

impl Lesson {
    /// Takes a lesson apart.
    ///
    /// # Errors
    /// When a heading is missing, unknown or out of order, or a section is empty or no template.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut lesson = Self {
            sections: Vec::new(),
            starts: Vec::new(),
        };
        let found = headings(text);
        for (index, expected) in HEADINGS.iter().enumerate() {
            match found.get(index) {
                Some((span, heading)) if heading == expected => {
                    let end = found.get(index + 1).map_or(text.len(), |(next, _)| next.start);
                    let body = without_anchors(&text[span.end..end]);
                    if body.trim().is_empty() {
                        problems.push(Problem::at(
                            span.clone(),
                            format!("the section \"{expected}\" is empty"),
                        ));
                    }
                    lesson.sections.push(body.trim().to_owned());
                    lesson.starts.push(span.start);
                }
                other => {
                    let span = other.map_or(text.len()..text.len(), |(span, _)| span.clone());
                    let order = HEADINGS.map(|heading| format!("## {heading}")).join(", ");
                    return Err(vec![
                        Problem::at(span, format!("here the section \"## {expected}\" is expected"))
                            .hint(format!("a lesson has these sections in this order: {order}")),
                    ]);
                }
            }
        }
        if let Some((span, heading)) = found.get(HEADINGS.len()) {
            problems.push(Problem::at(
                span.clone(),
                format!("a lesson has no section \"{heading}\""),
            ));
        }
        if problems.is_empty() { Ok(lesson) } else { Err(problems) }
    }

    /// The Markdown of a section that is not a template.
    ///
    /// # Panics
    /// When there is no such heading: headings are constants of this module.
    pub fn section(&self, heading: &str) -> &str {
        &self.sections[index_of(heading)]
    }

    /// The Markdown of a section with a run's numbers in their places.
    ///
    /// # Errors
    /// When the template refers to something that was not measured; one line, with the template's own line.
    pub fn told(&self, heading: &str, scope: &Scope) -> Result<String, String> {
        environment()
            .render_str(&self.sections[index_of(heading)], Value::from(Serde(scope)))
            .map_err(|error| in_plain_words(&error))
    }

    /// Problems of the templates against a scope that has everything a run can measure.
    pub(crate) fn problems(&self, scope: &Scope) -> Vec<Problem> {
        TEMPLATES
            .iter()
            .filter_map(|heading| {
                let why = self.told(heading, scope).err()?;
                let start = self.starts[index_of(heading)];
                Some(Problem::at(start..start, format!("in \"{heading}\": {why}")))
            })
            .collect()
    }
}

fn index_of(heading: &str) -> usize {
    HEADINGS
        .iter()
        .position(|known| *known == heading)
        .expect("headings are constants of this module")
}

/// The second-level headings outside of code, with their places.
fn headings(text: &str) -> Vec<(std::ops::Range<usize>, String)> {
    let mut found = Vec::new();
    let mut offset = 0;
    let mut in_code = false;
    for line in text.split_inclusive('\n') {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if let (false, Some(heading)) = (in_code, line.strip_prefix("## ")) {
            found.push((offset..offset + line.len(), heading.trim().to_owned()));
        }
        offset += line.len();
    }
    found
}

/// Drops the marks by which the handbook takes a part of the file.
fn without_anchors(text: &str) -> String {
    text.lines()
        .filter(|line| !line.starts_with("<!-- ANCHOR"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, unit) in [
        ("ms", Unit::Ms),
        ("share", Unit::Share),
        ("per_s", Unit::PerS),
        ("times", Unit::Ratio),
        ("count", Unit::Count),
    ] {
        environment.add_filter(name, move |value: Value| written(&value, unit));
    }
    environment
}

fn written(value: &Value, unit: Unit) -> Result<String, Error> {
    if value.is_none() {
        return Ok("(not measured)".to_owned());
    }
    f64::try_from(value.clone())
        .map(|number| in_unit(number, unit))
        .map_err(|_| Error::new(ErrorKind::InvalidOperation, format!("{value} is not a number")))
}

fn in_plain_words(error: &Error) -> String {
    let place = error
        .line()
        .map(|line| format!("line {line} of the section: "))
        .unwrap_or_default();
    format!(
        "{place}{}",
        error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(happened: &str) -> String {
        HEADINGS
            .map(|heading| {
                let body = if heading == "What happened" { happened } else { "Words." };
                format!("## {heading}\n\n{body}\n")
            })
            .join("\n")
    }

    fn scope() -> Scope {
        serde_json::from_value(json!({ "one": { "work": { "p99": 2917.0, "p50": null } } })).unwrap()
    }

    #[test]
    fn numbers_of_the_run_fill_the_places() {
        let lesson = Lesson::parse(&text("It took {{ one.work.p99 | ms }}, half {{ one.work.p50 | ms }}.")).unwrap();
        assert_eq!(
            lesson.told("What happened", &scope()).unwrap(),
            "It took 2.92 s, half (not measured)."
        );
        assert_eq!(lesson.section("Why"), "Words.");
    }

    #[test]
    fn an_unknown_place_is_an_error() {
        let lesson = Lesson::parse(&text("{{ one.wrok.p99 | ms }}")).unwrap();
        assert!(lesson.told("What happened", &scope()).is_err());
        assert_eq!(lesson.problems(&scope()).len(), 1);
    }

    #[test]
    fn a_missing_section_is_named_with_the_order() {
        let broken = text("x").replace("## Why", "## Because");
        let problems = Lesson::parse(&broken).unwrap_err();
        assert!(problems[0].message.contains("\"## Why\"") && problems[0].hint.as_ref().unwrap().contains("Sources"));
    }

    #[test]
    fn headings_in_code_do_not_count() {
        assert!(Lesson::parse(&text("```\n## not a heading\n```")).is_ok());
    }
}
