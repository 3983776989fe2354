//! A scenario that was read and makes sense in itself: its names, its references, the pace of its loads and the bounds of
//! its checks. What shows only when it is planned is looked at in [`crate::lint`].

mod names;
mod params;
mod predictions;
mod references;
mod rules;

use std::path::Path;

use crate::format::{Document, FORMAT_VERSION, FormatError, LESSON_FILE, Problem, SCENARIO_FILE, Source};
use crate::lesson::Lesson;

/// A scenario that was read and makes sense in itself.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What the file says.
    pub document: Document,
    /// Its lesson.
    pub lesson: Lesson,
    /// The texts it was read from, kept for the recording.
    pub source: Source,
}

impl Scenario {
    /// Reads a scenario folder.
    ///
    /// # Errors
    /// When a file is missing or says something wrong; the error shows line, column and a hint.
    pub fn read(folder: &Path) -> Result<Self, FormatError> {
        Self::parse(Source::read(folder)?)
    }

    /// Understands the texts of a scenario folder.
    ///
    /// # Errors
    /// As [`Scenario::read`].
    pub fn parse(source: Source) -> Result<Self, FormatError> {
        let scenario = Self::taken_at_its_word(source)?;
        let problems = problems(&scenario.document, &scenario.source.folder);
        if problems.is_empty() {
            Ok(scenario)
        } else {
            Err(scenario.source.invalid(SCENARIO_FILE, problems))
        }
    }

    /// The same without a look at whether it makes sense: for what is known to.
    ///
    /// # Errors
    /// When a text is not written in its format.
    pub(crate) fn taken_at_its_word(source: Source) -> Result<Self, FormatError> {
        let document = source.document()?;
        let lesson = Lesson::parse(&source.lesson).map_err(|problems| source.invalid(LESSON_FILE, problems))?;
        Ok(Self {
            document,
            lesson,
            source,
        })
    }

    /// The scenario's name.
    pub fn name(&self) -> &str {
        self.document.name.as_str()
    }
}

fn problems(document: &Document, folder: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    heading(document, folder, &mut problems);
    params::check(document, &mut problems);
    names::check(document, &mut problems);
    references::check(document, &mut problems);
    rules::check(document, &mut problems);
    predictions::check(document, &mut problems);
    problems
}

/// What a scenario is called, and by which version of the format it is written.
fn heading(document: &Document, folder: &str, problems: &mut Vec<Problem>) {
    if document.schema != FORMAT_VERSION {
        problems.push(Problem::whole(format!(
            "schema = {} is not known; this lab reads schema = {FORMAT_VERSION}",
            document.schema,
        )));
    }
    if document.name.as_str() != folder {
        problems.push(
            Problem::at(
                document.name.span(),
                format!("the name must be that of the folder, `{folder}`"),
            )
            .hint(format!("write name = \"{folder}\", or rename the folder")),
        );
    }
}
