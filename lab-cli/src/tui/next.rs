//! What a lesson suggests to try next, as something that a key starts.

use clap::Parser;

use crate::arguments::{Arguments, Command, Play, Run};

/// One suggestion.
pub enum Suggestion {
    /// A run.
    Run(Box<Run>),
    /// A playground.
    Play(Play),
}

/// The commands that a text in Markdown suggests, in order: bullets that begin with one.
pub fn suggestions(markdown: &str) -> Vec<Suggestion> {
    markdown.lines().filter_map(command).filter_map(parse).collect()
}

/// The same text, its suggestions numbered.
pub fn numbered(markdown: &str) -> String {
    let mut number = 0;
    let lines = markdown.lines().map(|line| {
        if command(line).and_then(parse).is_some() {
            number += 1;
            format!("{number}. {}", line.trim_start_matches(['-', ' ']))
        } else {
            line.to_owned()
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The command at the start of a bullet.
fn command(line: &str) -> Option<&str> {
    line.strip_prefix("- `")?.split_once('`').map(|(command, _)| command)
}

fn parse(command: &str) -> Option<Suggestion> {
    match Arguments::try_parse_from(command.split_whitespace()).ok()?.command? {
        Command::Run(run) => Some(Suggestion::Run(Box::new(run))),
        Command::Play(play) => Some(Suggestion::Play(play)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use scenarios::catalog;

    use super::*;
    use crate::backends::backend;
    use crate::job::planned::jobs;
    use crate::{catalogue, needs};

    const TEXT: &str =
        "Some words.\n\n- `lab run scaling --set instances=5`: more\n  of them.\n- read a book\n- `lab play`: play.";

    #[test]
    fn bullets_with_a_command_are_numbered_and_the_others_stay() {
        assert_eq!(suggestions(TEXT).len(), 2);
        let numbered = numbered(TEXT);
        assert!(
            numbered.contains("1. `lab run") && numbered.contains("2. `lab play`"),
            "{numbered}"
        );
        assert!(numbered.contains("- read a book"), "{numbered}");
    }

    #[test]
    fn every_command_that_a_lesson_suggests_can_be_run() {
        for name in catalog::names() {
            let scenario = catalog::scenario(name).unwrap();
            let next = scenario.lesson.section("Try next");
            let written = next
                .lines()
                .filter_map(command)
                .filter(|command| command.starts_with("lab run"))
                .count();
            let found = suggestions(next);
            let runs: Vec<&Run> = found
                .iter()
                .filter_map(|suggestion| match suggestion {
                    Suggestion::Run(run) => Some(run.as_ref()),
                    Suggestion::Play(_) => None,
                })
                .collect();
            assert!(
                written > 0 && runs.len() == written,
                "{name}: {} of {written}",
                runs.len()
            );
            for run in runs {
                let backend = backend(&run.backend).expect("it is registered");
                // A machine may lack what the scenario says that it needs, and nothing else may be wrong.
                let lacks = run.names.iter().find_map(|name| {
                    let scenario = catalogue::open(name).expect("it is in the catalogue");
                    needs::met(&scenario, backend.as_ref())
                        .err()
                        .map(|failure| failure.words())
                });
                assert_eq!(jobs(run).err().map(|failure| failure.words()), lacks, "{name}");
            }
        }
    }
}
