//! Where lessons are listed: the README, the handbook's summary, the pages of phases, and a page for each lesson.
//!
//! A page of a phase gives the order: a scenario that is new comes last in the table of its phase, and its line may be
//! moved to where it belongs.

use std::fs;

use super::{END, Page, between, glossary, house, marked, start_of, table, text_of};
use crate::catalogue;

/// The folder of the handbook's text.
const BOOK: &str = "docs/src";

struct Lesson {
    name: &'static str,
    title: String,
    question: String,
    phase: u8,
}

/// A page of the handbook on a phase, with its lessons in order.
struct Phase {
    /// The page, from the handbook's folder on.
    file: String,
    title: String,
    text: String,
    part: String,
    lessons: Vec<Lesson>,
}

/// Everything that lists lessons.
pub fn pages() -> Vec<Page> {
    let phases = phases();
    let mut pages = vec![readme(&phases), summary(&phases)];
    for phase in &phases {
        let questions = phase.lessons.iter().map(|lesson| {
            let link = format!("[`{0}`](../scenarios/{0}.md)", lesson.name);
            [link, lesson.question.clone()]
        });
        let made = table(["Scenario", "Question"], questions);
        let text = marked(&phase.text, &phase.part, &format!("\n{made}\n"));
        pages.push((format!("{BOOK}/{}", phase.file), text));
        pages.extend(phase.lessons.iter().map(lesson_page));
    }
    pages
}

fn lessons() -> Vec<Lesson> {
    let lesson = |name| {
        let document = catalogue::open(name).expect("the catalogue is sound").document;
        Lesson {
            name,
            title: document.title,
            question: document.question,
            phase: document.phase,
        }
    };
    scenarios::catalog::names().into_iter().map(lesson).collect()
}

/// The phases that have lessons, each with the page that speaks of it.
fn phases() -> Vec<Phase> {
    let mut files: Vec<String> = fs::read_dir(house().join(BOOK).join("phases"))
        .expect("the pages are there")
        .map(|entry| format!("phases/{}", entry.unwrap().file_name().display()))
        .collect();
    files.sort();
    let mut all = lessons();
    let mut phases = Vec::new();
    for number in 0..=u8::MAX {
        let mut lessons: Vec<Lesson> = all.extract_if(.., |lesson| lesson.phase == number).collect();
        if lessons.is_empty() {
            continue;
        }
        let part = format!("lessons of phase {number}");
        let (file, text) = files
            .iter()
            .map(|file| (file.clone(), text_of(&format!("{BOOK}/{file}"))))
            .find(|(_, text)| text.contains(&start_of(&part)))
            .unwrap_or_else(|| panic!("no page in {BOOK}/phases has the mark {}", start_of(&part)));
        let old = text.split_once(&start_of(&part)).map_or("", |(_, rest)| rest);
        let old = old.split_once(END).map_or("", |(old, _)| old).to_owned();
        lessons.sort_by_key(|lesson| old.find(&format!("`{}`", lesson.name)).unwrap_or(usize::MAX));
        let title = text
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("# ")
            .to_owned();
        phases.push(Phase {
            file,
            title,
            text,
            part,
            lessons,
        });
    }
    phases
}

fn readme(phases: &[Phase]) -> Page {
    let lessons = phases.iter().flat_map(|phase| &phase.lessons);
    let questions = lessons.map(|lesson| [format!("`{}`", lesson.name), lesson.question.clone()]);
    let made = table(["scenario", "question"], questions);
    let file = "README.md".to_owned();
    let text = marked(&text_of(&file), "lessons", &format!("\n{made}\n"));
    (file, text)
}

fn summary(phases: &[Phase]) -> Page {
    let mut made = String::new();
    for phase in phases {
        made.push_str(&format!("- [{}]({})\n", phase.title, phase.file));
        for lesson in &phase.lessons {
            made.push_str(&format!("  - [{}](scenarios/{}.md)\n", lesson.title, lesson.name));
        }
    }
    let file = format!("{BOOK}/SUMMARY.md");
    let text = between(&text_of(&file), "# Lessons\n\n", "\n# ", &made);
    (file, text)
}

/// The page of a lesson: the lesson itself as it can be told before a run.
fn lesson_page(lesson: &Lesson) -> Page {
    let (name, title) = (lesson.name, &lesson.title);
    let words = match glossary::words_of(name) {
        words if words.is_empty() => String::new(),
        words => format!("In the glossary: {}.\n\n", words.join(" · ")),
    };
    let text = format!(
        "# {title}

{{{{#include ../../../scenarios/catalog/{name}/lesson.md:before}}}}
## Run it

`lab run {name}`, or `lab run {name} --quick`. The report then continues this lesson with the sections \"What happened\" and
\"Why\", filled with the figures of your run.

{words}{{{{#include ../../../scenarios/catalog/{name}/lesson.md:after}}}}
"
    );
    (format!("{BOOK}/scenarios/{name}.md"), text)
}

#[test]
fn no_page_is_left_of_a_scenario_that_is_gone() {
    let names = scenarios::catalog::names();
    for entry in fs::read_dir(house().join(BOOK).join("scenarios")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.trim_end_matches(".md");
        assert!(
            names.contains(&name),
            "remove {BOOK}/scenarios/{file}: there is no such scenario"
        );
    }
}
