//! What each format says, read back from what it wrote.

use std::collections::BTreeMap;

use scenarios::event::RunEvent;
use scenarios::state::RunState;
use scenarios::summary::RunSummary;
use serde_json::Value;

use crate::display::plain;
use crate::recording::Recording;
use crate::report::fixture::{folded, material};
use crate::report::{csv, html, json, markdown, render};
use crate::tui;

/// Columns in which no cell of a table has to be broken.
const WIDE: usize = 200;
/// Columns and rows of a screen on which a whole page has room.
const SCREEN: (u16, u16) = (112, 300);

/// What a person sees of a run: all of it with one blank where there are several, and the cells of each row of its tables.
pub(super) struct Seen {
    pub(super) format: &'static str,
    pub(super) text: String,
    rows: Vec<Vec<String>>,
}

impl Seen {
    fn of(format: &'static str, text: &str, rows: Vec<Vec<String>>) -> Self {
        let plain = |text: &str| unmarked(text).split_whitespace().collect::<Vec<_>>().join(" ");
        let cells = |row: Vec<String>| row.iter().map(|cell| plain(cell)).collect();
        Self {
            format,
            text: plain(text),
            rows: rows.into_iter().map(cells).collect(),
        }
    }

    pub(super) fn says(&self, words: &str) {
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            self.text.contains(&words),
            "{} lacks {words}: {}",
            self.format,
            self.text
        );
    }

    /// One row is of this arm and has all of these cells.
    pub(super) fn has_row(&self, label: &str, cells: &[String]) {
        let fits = |row: &&Vec<String>| {
            row.iter()
                .any(|cell| cell == label || cell.starts_with(&format!("{label} · ")))
                && cells.iter().all(|cell| row.contains(cell))
        };
        let format = self.format;
        assert!(
            self.rows.iter().any(|row| fits(&row)),
            "{format} has no row of {label} with {cells:?}: {:?}",
            self.rows
        );
    }
}

/// Without what stands for a sign that has a meaning of its own in the format.
pub(super) fn unmarked(text: &str) -> String {
    let marks = [
        ("\\", ""),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#x2f;", "/"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    marks
        .iter()
        .fold(text.to_owned(), |text, (mark, meant)| text.replace(mark, meant))
}

pub(super) fn for_people(events: &[RunEvent]) -> [Seen; 4] {
    let state = folded(events);
    [
        on_terminal(&state),
        on_screen(events),
        in_markdown(&state),
        on_page(&state),
    ]
}

fn on_terminal(state: &RunState) -> Seen {
    console::set_colors_enabled(false);
    let text = crate::text::within(WIDE, || plain::report(&RunSummary::of(state), None));
    // Two cells of a row have two blanks between them.
    let rows = text.lines().map(|line| {
        line.split("  ")
            .filter(|cell| !cell.trim().is_empty())
            .map(str::to_owned)
            .collect()
    });
    Seen::of("the terminal", &text, rows.collect())
}

/// The screen at the end of the recording: tables that the terminal has, in fewer columns.
fn on_screen(events: &[RunEvent]) -> Seen {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _inside = runtime.enter();
    let folder = tempfile::tempdir().unwrap();
    let recording = Recording {
        folder: folder.path().to_owned(),
        events: events.to_vec(),
    };
    let buffer = tui::drawn(Some(recording), None, SCREEN, folder.path().to_owned()).unwrap();
    let line = |y: u16| (0..SCREEN.0).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    let text: Vec<String> = (0..SCREEN.1).map(line).collect();
    Seen::of("the screen", &text.join("\n"), Vec::new())
}

fn in_markdown(state: &RunState) -> Seen {
    let text = render(&markdown::FORMAT, &material(state)).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| "));
    let rows = rows.map(|line| line.trim_matches(['|', ' ']).split(" | ").map(str::to_owned).collect());
    Seen::of("Markdown", &text, rows.collect())
}

pub(super) fn on_page(state: &RunState) -> Seen {
    let text = render(&html::FORMAT, &material(state)).unwrap();
    let row = |row: &str| {
        let row = row.split("</tr>").next().unwrap_or_default();
        let cells = row
            .split("</td>")
            .map(|cell| cell.rsplit('>').next().unwrap_or_default().to_owned());
        cells.collect()
    };
    Seen::of("the page", &text, text.split("<tr>").skip(1).map(row).collect())
}

pub(super) fn json(state: &RunState) -> Value {
    serde_json::from_str(&render(&json::FORMAT, &material(state)).unwrap()).unwrap()
}

pub(super) fn table(state: &RunState) -> Vec<BTreeMap<String, String>> {
    let csv = render(&csv::FORMAT, &material(state)).unwrap();
    let mut lines = csv.lines().map(cells);
    let head = lines.next().unwrap();
    lines.map(|row| head.iter().cloned().zip(row).collect()).collect()
}

/// The cells of a line of CSV, without their quotes.
fn cells(line: &str) -> Vec<String> {
    let mut quoted = false;
    let mut cells = vec![String::new()];
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cells.last_mut().expect("there is a first cell").push(other),
        }
    }
    cells
}

/// The exit code that a program takes from the figures.
pub(super) fn exit_of_json(report: &Value) -> u8 {
    match (&report["interrupted"], &report["failure"], report["verdict"].as_str()) {
        (Value::Bool(true), ..) => 130,
        (_, Value::String(_), _) => 4,
        (.., Some("pass")) => 0,
        (.., Some("fail")) => 1,
        _ => 3,
    }
}

/// The exit code that continuous integration takes from the cases.
pub(super) fn exit_of_junit(text: &str) -> u8 {
    let end = text.split("the run went on to its end").nth(1).unwrap_or_default();
    match () {
        () if end.contains("interrupted by hand") => 130,
        () if end.contains("<error") => 4,
        () if end.contains("<skipped") => 3,
        () if text.contains("<failure") => 1,
        () if text.contains("<skipped") => 3,
        () => 0,
    }
}
