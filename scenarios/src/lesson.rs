//! A lesson: `lesson.md`, with fixed sections and places that the run's own numbers fill.
//!
//! Two sections speak of a run and are templates (minijinja): "What happened" and "Why". All others are plain
//! Markdown, so that the handbook can show the same file.

use crate::expression::Scope;
use crate::format::{Problem, first_hidden};
use crate::template::{self, Wrong};

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
    /// Where each line of each section begins in the file, in bytes.
    lines: Vec<Vec<usize>>,
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
            lines: Vec::new(),
        };
        if let Some((at, character)) = first_hidden(text) {
            return Err(vec![Problem::hidden(at..at + character.len_utf8(), character)]);
        }
        let found = headings(text);
        for (index, expected) in HEADINGS.iter().enumerate() {
            match found.get(index) {
                Some((span, heading)) if heading == expected => {
                    let end = found.get(index + 1).map_or(text.len(), |(next, _)| next.start);
                    let (lines, body) = body(text, span.end..end);
                    if body.is_empty() {
                        problems.push(Problem::at(
                            span.clone(),
                            format!("the section \"{expected}\" is empty"),
                        ));
                    }
                    lesson.sections.push(body);
                    lesson.lines.push(lines);
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
    /// When the template refers to something that was not measured, takes too long or writes hidden characters; one line,
    /// with the template's own line.
    pub fn told(&self, heading: &str, scope: &Scope) -> Result<String, String> {
        self.rendered(index_of(heading), scope)
            .map_err(|wrong| match wrong.line {
                Some(line) => format!("line {line} of the section: {}", wrong.message),
                None => wrong.message,
            })
    }

    fn rendered(&self, index: usize, scope: &Scope) -> Result<String, Wrong> {
        template::filled(&self.sections[index], scope)
    }

    /// Problems of the templates against a scope that has everything a run can measure.
    pub(crate) fn problems(&self, scope: &Scope) -> Vec<Problem> {
        TEMPLATES
            .iter()
            .filter_map(|heading| {
                let index = index_of(heading);
                let wrong = self.rendered(index, scope).err()?;
                let lines = &self.lines[index];
                let line = wrong.line.unwrap_or(1).clamp(1, lines.len().max(1)) - 1;
                let start = lines.get(line).copied().unwrap_or_default();
                Some(Problem::at(
                    start..start,
                    format!("in \"{heading}\": {}", wrong.message),
                ))
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

/// The text of a section and where each of its lines begins in the file, without empty lines around it and without the
/// marks by which the handbook takes a part of the file.
fn body(text: &str, range: std::ops::Range<usize>) -> (Vec<usize>, String) {
    let mut at = range.start;
    let mut lines: Vec<(usize, &str)> = Vec::new();
    for line in text[range].split_inclusive('\n') {
        let words = line.trim_end_matches(['\n', '\r']);
        let is_before = lines.is_empty() && words.trim().is_empty();
        if !is_before && !words.starts_with("<!-- ANCHOR") {
            lines.push((at, words));
        }
        at += line.len();
    }
    while lines.pop_if(|(_, words)| words.trim().is_empty()).is_some() {}
    let (places, words): (Vec<usize>, Vec<&str>) = lines.into_iter().unzip();
    (places, words.join("\n").trim().to_owned())
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
            "It took 2.92\u{a0}s, half (not measured)."
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
    fn a_template_that_would_take_or_write_too_much_is_refused_at_its_line() {
        for bomb in [
            "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
            "{{ 'x' * 99999999 }}",
            "{% set n = namespace(x='x') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}",
            "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
            "{{ range(99999) | map('string') | join('x') }}",
        ] {
            let lesson = Lesson::parse(&text(&format!("One.\n\n{bomb}"))).unwrap();
            let problems = lesson.problems(&scope());
            assert_eq!(problems.len(), 1, "{bomb}");
            let span = problems[0].span.clone().unwrap();
            let file = text(&format!("One.\n\n{bomb}"));
            assert!(file[span.start..].starts_with(bomb), "{bomb}: {span:?} {problems:?}");
        }
    }

    #[test]
    fn hidden_characters_are_refused_in_the_text_and_in_what_a_template_writes() {
        let problems = Lesson::parse(&text("a\u{1b}[2J")).unwrap_err();
        assert!(problems[0].message.contains("U+001B") && problems[0].span.is_some());
        let lesson = Lesson::parse(&text(r#"{{ "\x1b[2J" }}"#)).unwrap();
        assert!(lesson.told("What happened", &scope()).unwrap_err().contains("U+001B"));
        assert_eq!(lesson.problems(&scope()).len(), 1);
    }

    #[test]
    fn a_file_with_carriage_returns_reads_like_any_other() {
        let unix = text("```\n## in code\n```\n{{ one.work.p99 | ms }}");
        let lesson = Lesson::parse(&unix.replace('\n', "\r\n")).unwrap();
        let same = Lesson::parse(&unix).unwrap();
        assert_eq!(lesson.sections, same.sections);
    }

    #[test]
    fn headings_in_code_do_not_count() {
        assert!(Lesson::parse(&text("```\n## not a heading\n```")).is_ok());
    }
}
