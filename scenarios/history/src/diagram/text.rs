//! Diagrams as text, for terminals, Markdown and logs.

use super::label::cut;
use super::layout::{Layout, chars};
use super::{Arrow, Diagram, Event, EventKind};

/// The characters of a diagram.
struct Pens {
    line: char,
    paused: char,
    dash: char,
    crossing: char,
    left: char,
    right: char,
}

const UNICODE: Pens = Pens {
    line: '│',
    paused: '┊',
    dash: '─',
    crossing: '┼',
    left: '◀',
    right: '▶',
};
const ASCII: Pens = Pens {
    line: '|',
    paused: ':',
    dash: '-',
    crossing: '+',
    left: '<',
    right: '>',
};

impl Diagram {
    /// Draws it in at most `width` columns: time flows down, and each lane is a column. Where there are too many lanes
    /// or too few columns for that, it is a plain list. With `ascii`, nothing of its own is beyond ASCII.
    #[must_use]
    pub fn to_text(&self, width: usize, ascii: bool) -> String {
        let plain = if ascii { self.in_ascii() } else { self.clone() };
        let page = Page {
            diagram: &plain,
            times: times(&plain.events, ascii),
            pens: if ascii { &ASCII } else { &UNICODE },
            ascii,
        };
        let mut lines = wrapped(&plain.title, width, "");
        lines.push(String::new());
        let time_chars = page.times.iter().map(|time| chars(time)).max().unwrap_or(0);
        lines.extend(match Layout::of(&plain, time_chars, width) {
            Some(layout) => page.columns(&layout, width),
            None => page.list(width),
        });
        lines.push(String::new());
        lines.extend(wrapped(&plain.caption, width, ""));
        lines.extend(legend(&plain, width, ascii));
        lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
    }

    fn in_ascii(&self) -> Self {
        let plain = |text: &mut String| *text = text.replace('→', "->").replace('…', "~");
        let mut diagram = self.clone();
        plain(&mut diagram.title);
        plain(&mut diagram.caption);
        diagram.events.iter_mut().for_each(|event| plain(&mut event.label));
        diagram
    }
}

struct Page<'a> {
    diagram: &'a Diagram,
    times: Vec<String>,
    pens: &'a Pens,
    ascii: bool,
}

impl Page<'_> {
    fn columns(&self, layout: &Layout, width: usize) -> Vec<String> {
        let mut lines = vec![self.heads(layout, width, |lane| self.diagram.lanes[lane].name.clone())];
        if self.diagram.lanes.iter().any(|lane| !lane.instances.is_empty()) {
            lines.push(self.heads(layout, width, |lane| self.diagram.lanes[lane].instances.join(", ")));
        }
        let mut paused = vec![false; self.diagram.lanes.len()];
        for (event, time) in self.diagram.events.iter().zip(&self.times) {
            if let EventKind::Action(kind) = event.kind {
                paused[event.lane] = kind.stills().unwrap_or(paused[event.lane]);
            }
            lines.push(self.row(layout, width, event, time, &paused));
        }
        lines
    }

    fn heads(&self, layout: &Layout, width: usize, text: impl Fn(usize) -> String) -> String {
        let mut row = vec![' '; width];
        for (lane, column) in layout.lanes.iter().enumerate() {
            let text = text(lane);
            write(&mut row, column.saturating_sub(chars(&text) / 2), &text);
        }
        row.into_iter().collect()
    }

    fn row(&self, layout: &Layout, width: usize, event: &Event, time: &str, paused: &[bool]) -> String {
        let mut row = vec![' '; width];
        write(&mut row, layout.time_chars - chars(time), time);
        for (column, paused) in layout.lanes.iter().zip(paused) {
            row[*column] = if *paused { self.pens.paused } else { self.pens.line };
        }
        match event.arrow {
            Some(arrow) => self.draw_arrow(&mut row, layout, arrow, event),
            None => self.draw_point(&mut row, layout, event),
        }
        row.into_iter().collect()
    }

    fn draw_arrow(&self, row: &mut [char], layout: &Layout, arrow: Arrow, event: &Event) {
        let label = &event.label;
        let (from, to) = (layout.lanes[arrow.from], layout.lanes[arrow.to]);
        let (left, right) = (from.min(to) + 1, from.max(to) - 1);
        for cell in &mut row[left..=right] {
            *cell = if *cell == ' ' {
                self.pens.dash
            } else {
                self.pens.crossing
            };
        }
        let label = format!(" {label} ");
        // Between the actor and the next lane it hides no other lane; where it is too long for that it may.
        let near = |first: usize, last: usize| last + 1 - first >= chars(&label) + 2;
        let (first, last) = match (event.lane == arrow.from.min(arrow.to), arrow.from.abs_diff(arrow.to)) {
            (true, 2..) if near(left, layout.lanes[event.lane + 1] - 1) => (left, layout.lanes[event.lane + 1] - 1),
            (false, 2..) if near(layout.lanes[event.lane - 1] + 1, right) => (layout.lanes[event.lane - 1] + 1, right),
            _ => (left, right),
        };
        write(row, first + (last + 1 - first - chars(&label)) / 2, &label);
        if from < to {
            row[right] = self.pens.right;
        } else {
            row[left] = self.pens.left;
        }
    }

    /// A point on its lane; its label stands towards the middle, where there is room.
    fn draw_point(&self, row: &mut [char], layout: &Layout, event: &Event) {
        let column = layout.lanes[event.lane];
        row[column] = self.glyph(event.kind);
        let last = self.diagram.lanes.len() - 1;
        let shared = self.diagram.lanes.iter().position(|lane| lane.shared).unwrap_or(last);
        if event.lane < shared {
            let end = layout.lanes[event.lane + 1] - 1;
            write(row, column + 2, &self.cut(&event.label, end - column - 2));
        } else {
            let start = event
                .lane
                .checked_sub(1)
                .map_or(layout.time_chars, |before| layout.lanes[before])
                + 2;
            let label = self.cut(&event.label, (column - 1).saturating_sub(start));
            write(row, column - 1 - chars(&label), &label);
        }
    }

    fn list(&self, width: usize) -> Vec<String> {
        let names: Vec<String> = self.diagram.events.iter().map(|event| self.way(event)).collect();
        let (time_chars, name_chars) = (longest(&self.times), longest(&names));
        let mut lines = Vec::new();
        for ((event, time), name) in self.diagram.events.iter().zip(&self.times).zip(&names) {
            let sign = match event.kind {
                EventKind::Action(kind) => format!("{} ", kind.sign(self.ascii)),
                _ => String::new(),
            };
            let line = format!("{time:>time_chars$}  {name:<name_chars$}  {sign}{}", event.label);
            lines.extend(wrapped(&line, width, &" ".repeat(time_chars + 2)));
        }
        lines
    }

    /// `buyer-1 (inventory-1)`, or `buyer-1 ◀─ product 1`.
    fn way(&self, event: &Event) -> String {
        let Pens { dash, left, right, .. } = *self.pens;
        let lane = &self.diagram.lanes[event.lane];
        match event.arrow {
            Some(arrow) if arrow.from == event.lane => {
                format!("{} {dash}{right} {}", lane.name, self.diagram.lanes[arrow.to].name)
            }
            Some(arrow) => format!("{} {left}{dash} {}", lane.name, self.diagram.lanes[arrow.from].name),
            None if lane.instances.is_empty() => lane.name.clone(),
            None => format!("{} ({})", lane.name, lane.instances.join(", ")),
        }
    }

    fn glyph(&self, kind: EventKind) -> char {
        let (unicode, ascii) = match kind {
            EventKind::Invoke => ('○', 'o'),
            EventKind::Fail | EventKind::Refused => ('✗', 'x'),
            EventKind::Unknown => ('?', '?'),
            EventKind::Action(kind) => return kind.sign(self.ascii),
            EventKind::Read
            | EventKind::Write
            | EventKind::Acquire
            | EventKind::Check
            | EventKind::Release
            | EventKind::Ok => ('●', '*'),
        };
        if self.ascii { ascii } else { unicode }
    }

    fn cut(&self, text: &str, chars_max: usize) -> String {
        let text = cut(text, chars_max);
        if self.ascii { text.replace('…', "~") } else { text }
    }
}

/// Writes into a row; what is beyond its end is lost.
fn write(row: &mut [char], column: usize, text: &str) {
    for (cell, character) in row.iter_mut().skip(column).zip(text.chars()) {
        *cell = character;
    }
}

fn longest(texts: &[String]) -> usize {
    texts.iter().map(|text| chars(text)).max().unwrap_or(0)
}

fn wrapped(text: &str, width: usize, indent: &str) -> Vec<String> {
    // An indent that leaves no room for words would only make it worse.
    let indent = if chars(indent) * 2 < width { indent } else { "" };
    textwrap::wrap(text, textwrap::Options::new(width.max(1)).subsequent_indent(indent))
        .into_iter()
        .map(std::borrow::Cow::into_owned)
        .collect()
}

/// What the signs of actions mean, below an empty line; nothing where there are none.
fn legend(diagram: &Diagram, width: usize, ascii: bool) -> Vec<String> {
    // A sign and its name stay on one line.
    let entries = diagram
        .actions()
        .into_iter()
        .map(|kind| kind.legend(ascii).replace(' ', "\u{a0}"));
    let entries: Vec<String> = entries.collect();
    if entries.is_empty() {
        return Vec::new();
    }
    let lines = wrapped(&entries.join("   "), width, "").into_iter();
    let lines = lines.map(|line| line.replace('\u{a0}', " "));
    std::iter::once(String::new()).chain(lines).collect()
}

/// `t + 0.8 ms`, in the unit that suits the whole span.
fn times(events: &[Event], ascii: bool) -> Vec<String> {
    let span_ns = events.iter().map(|event| event.at_ns).max().unwrap_or(0);
    let (unit, unit_ns, digits) = match span_ns {
        0..1_000_000 => (if ascii { "us" } else { "µs" }, 1e3, 1),
        1_000_000..10_000_000_000 => ("ms", 1e6, 1),
        _ => ("s", 1e9, 2),
    };
    let numbers: Vec<String> = events
        .iter()
        .map(|event| format!("{:.digits$}", event.at_ns as f64 / unit_ns))
        .collect();
    let number_chars = longest(&numbers);
    numbers
        .iter()
        .map(|number| format!("t + {number:>number_chars$} {unit}"))
        .collect()
}
