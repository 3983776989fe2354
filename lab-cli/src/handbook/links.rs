//! Whether every link of the handbook and of the front pages leads somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::{files_below, house};

/// The pages in front of the house, from its folder on.
const FRONT: [&str; 3] = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"];
const BOOK: &str = "docs/src";

/// What a page offers and what it asks for.
#[derive(Default)]
struct Page {
    /// Names of its headings, as mdBook and GitHub make them.
    anchors: BTreeSet<String>,
    links: Vec<String>,
}

impl Page {
    fn read(path: &Path) -> Self {
        let text = with_includes(path);
        let mut page = Self::default();
        let mut seen = BTreeMap::<String, usize>::new();
        let mut heading: Option<String> = None;
        for event in Parser::new(&text) {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let anchor = anchor_of(&heading.take().unwrap_or_default());
                    let before = seen.entry(anchor.clone()).or_default();
                    page.anchors.insert(match *before {
                        0 => anchor,
                        several => format!("{anchor}-{several}"),
                    });
                    *before += 1;
                }
                Event::Text(words) | Event::Code(words) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&words);
                    }
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.into_string());
                }
                _ => {}
            }
        }
        page
    }
}

/// A page as mdBook reads it: `{{#include file:part}}` is that part of that file.
fn with_includes(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut whole = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("{{#include ") {
        let (included, after) = after.split_once("}}").expect("an include ends");
        whole.push_str(before);
        whole.push_str(&part(path, included));
        rest = after;
    }
    whole + rest
}

fn part(page: &Path, included: &str) -> String {
    let (file, part) = included.split_once(':').unwrap_or((included, ""));
    let file = page.with_file_name("").join(file);
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    if part.is_empty() {
        return text;
    }
    let cut = || {
        let (_, from) = text.split_once(&format!("ANCHOR: {part} -->"))?;
        Some(from.split_once(&format!("ANCHOR_END: {part} "))?.0)
    };
    let cut = cut().unwrap_or_else(|| panic!("{} has no part {part}", file.display()));
    // What is left of the mark at its end is no text.
    cut.trim_end_matches("<!-- ").to_owned()
}

/// The name of a heading: lower case, a hyphen for each blank, and nothing but letters, digits, `-` and `_`.
pub(super) fn anchor_of(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|c| match c {
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
        c if c.is_whitespace() => Some('-'),
        _ => None,
    });
    kept.flat_map(char::to_lowercase).collect()
}

/// A path without `.` and `..`, so that one file has one name.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// What is wrong with a link of a page, if anything is.
fn wrong(from: &Path, link: &str, pages: &BTreeMap<PathBuf, Page>) -> Option<String> {
    // Addresses of others are not asked: a test needs no network.
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = match file {
        "" => from.to_owned(),
        file => plain(&from.with_file_name("").join(file)),
    };
    let about = |what: &str| Some(format!("{}: {link}: {what}", from.display()));
    if !target.exists() {
        return about("there is no such file");
    }
    match pages.get(&target) {
        Some(page) if !anchor.is_empty() && !page.anchors.contains(anchor) => about("the page has no such heading"),
        _ => None,
    }
}

#[test]
fn every_link_leads_somewhere_and_every_page_is_in_the_summary() {
    let house = plain(&house().canonicalize().unwrap());
    let book = house.join(BOOK);
    let front = FRONT.map(|page| house.join(page));
    let files = files_below(&book, "md").into_iter().chain(front);
    let pages: BTreeMap<PathBuf, Page> = files
        .map(|file| {
            let page = Page::read(&file);
            (file, page)
        })
        .collect();
    let mut problems: Vec<String> = pages
        .iter()
        .flat_map(|(from, page)| page.links.iter().filter_map(|link| wrong(from, link, &pages)))
        .collect();
    let summary = book.join("SUMMARY.md");
    let listed: BTreeSet<PathBuf> = pages[&summary]
        .links
        .iter()
        .map(|link| plain(&book.join(link)))
        .collect();
    let unlisted = pages
        .keys()
        .filter(|page| page.starts_with(&book) && **page != summary && !listed.contains(*page));
    problems.extend(unlisted.map(|page| format!("{}: not in SUMMARY.md", page.display())));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let links: usize = pages.values().map(|page| page.links.len()).sum();
    assert!(links > 100, "the links are not found any more: {links}");
}

#[test]
fn headings_are_named_as_mdbook_names_them() {
    for (heading, name) in [
        ("Two commands", "two-commands"),
        ("Little's law", "littles-law"),
        ("M/M/1", "mm1"),
        ("Who waits, and for how long?", "who-waits-and-for-how-long"),
        ("`--quick` is quick", "--quick-is-quick"),
    ] {
        assert_eq!(anchor_of(&heading.replace('`', "")), name);
    }
}
