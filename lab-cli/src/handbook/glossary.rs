//! The glossary: its words, and those that belong to a lesson.

use std::collections::BTreeSet;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::links::anchor_of;
use super::text_of;

/// The page of the glossary, from the handbook's folder on.
const GLOSSARY: &str = "reference/glossary.md";

/// A word of the glossary, and what it says about it.
struct Word {
    title: String,
    text: String,
}

/// The words of a lesson as links, in the order of the glossary: those that point to the lesson, and those that the
/// lesson emphasises before its run.
pub fn words_of(lesson: &str) -> Vec<String> {
    let page = format!("../scenarios/{lesson}.md");
    let source = text_of(&format!("scenarios/catalog/{lesson}/lesson.md"));
    let (before, _) = source
        .split_once("## What happened")
        .expect("a lesson has all sections");
    let emphasised = emphasised(before);
    let belongs = |word: &Word| word.text.contains(&page) || emphasised.contains(&word.title.to_lowercase());
    let words = words().into_iter().filter(belongs);
    words
        .map(|Word { title, .. }| format!("[{title}](../{GLOSSARY}#{})", anchor_of(&title)))
        .collect()
}

fn words() -> Vec<Word> {
    let glossary = text_of(&format!("docs/src/{GLOSSARY}"));
    let words = glossary.split("\n## ").skip(1).map(|entry| {
        let (title, text) = entry.split_once('\n').expect("a word has an explanation");
        Word {
            title: title.to_owned(),
            text: text.to_owned(),
        }
    });
    words.collect()
}

/// What stands in `*…*`, in lower case, in the singular too.
fn emphasised(markdown: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut under_way: Option<String> = None;
    for event in Parser::new(markdown) {
        match event {
            Event::Start(Tag::Emphasis) => under_way = Some(String::new()),
            Event::End(TagEnd::Emphasis) => {
                let words = under_way.take().unwrap_or_default().to_lowercase();
                found.extend(words.strip_suffix('s').map(str::to_owned));
                found.insert(words);
            }
            Event::Text(text) => {
                if let Some(words) = &mut under_way {
                    words.push_str(&text);
                }
            }
            Event::SoftBreak => {
                if let Some(words) = &mut under_way {
                    words.push(' ');
                }
            }
            _ => {}
        }
    }
    found
}

#[test]
fn the_words_are_in_the_order_of_the_alphabet() {
    let letters = |word: &Word| -> String {
        let kept = word.title.chars().filter(|c| c.is_alphanumeric() || *c == ' ');
        kept.flat_map(char::to_lowercase).collect()
    };
    assert!(words().is_sorted_by_key(letters));
}

#[test]
fn a_lesson_has_the_words_that_point_to_it_and_those_that_it_emphasises() {
    let words = words_of("fencing");
    for link in [
        "[Fencing token](../reference/glossary.md#fencing-token)",
        "[Stale write](../reference/glossary.md#stale-write)",
    ] {
        assert!(words.iter().any(|word| word == link), "{link} not in {words:?}");
    }
    let of_another = |word: &String| word.starts_with("[Sinkhole]");
    assert!(!words.iter().any(of_another), "{words:?}");
    assert!(words_of("sinkhole").iter().any(of_another));
}

#[test]
fn emphasis_is_found_over_a_line_break_and_in_the_plural() {
    let found = emphasised("A *fencing\ntoken*, several *leases*; `code *is* not` meant.");
    assert!(found.contains("fencing token") && found.contains("lease"), "{found:?}");
    assert!(!found.contains("is"));
}
