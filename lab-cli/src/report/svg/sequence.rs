//! A space-time diagram: one lane for each actor, time flows down, arrows go between lanes.

use history::{Diagram, Event, EventKind};

use super::canvas::{Anchor, Canvas, Path};
use super::look::shortened;
use super::{Figure, WIDTH, action_entry};

/// Room for the times at the left.
const MARGIN: f64 = 74.0;
/// Height of the lanes' names.
const HEAD: f64 = 44.0;
/// Height of one event.
const ROW: f64 = 30.0;
/// Half the length of an arrow's head.
const BARB: f64 = 5.0;
/// About how wide a letter is.
const LETTER: f64 = 6.6;

/// The picture of a violation.
pub(in crate::report) fn sequence(title: &str, caption: &str, diagram: &Diagram) -> Option<Figure> {
    if diagram.lanes.is_empty() || diagram.events.is_empty() {
        return None;
    }
    let bottom = HEAD + ROW * (diagram.events.len() as f64 + 0.5);
    let mut canvas = Canvas::new(bottom + 6.0, title, &said(diagram));
    let lanes = diagram.lanes.len();
    let x = |lane: usize| MARGIN + (WIDTH - MARGIN) * (lane as f64 + 0.5) / lanes as f64;
    let room = ((WIDTH - MARGIN) / lanes as f64 / LETTER) as usize;
    for (index, lane) in diagram.lanes.iter().enumerate() {
        canvas.text("strong", (x(index), 14.0), Anchor::Middle, &shortened(&lane.name, room));
        canvas.text(
            "tick",
            (x(index), 30.0),
            Anchor::Middle,
            &shortened(&lane.instances.join(", "), room),
        );
        canvas.line("axis", (x(index), HEAD - 6.0), (x(index), bottom));
    }
    for (lane, from, to) in pauses(diagram) {
        canvas.line("standstill", (x(lane), at(from)), (x(lane), to.map_or(bottom, at)));
    }
    for (row, event) in diagram.events.iter().enumerate() {
        let y = at(row);
        let time = format!("{:.1} ms", event.at_ns as f64 / 1e6);
        canvas.text("tick", (MARGIN - 12.0, y + 4.0), Anchor::End, &time);
        match event.arrow {
            Some(way) => arrow(&mut canvas, (x(way.from), x(way.to)), y, event),
            None => point(&mut canvas, x(event.lane), y, event),
        }
    }
    Some(Figure {
        title: title.to_owned(),
        caption: caption.to_owned(),
        legend: diagram.actions().into_iter().map(action_entry).collect(),
        svg: canvas.finish_for_phones(),
    })
}

/// Where the row of an event is.
fn at(row: usize) -> f64 {
    HEAD + ROW * (row as f64 + 0.7)
}

/// Lanes that stand still: lane, the row where it stops, and the row where it goes on, if it does.
fn pauses(diagram: &Diagram) -> Vec<(usize, usize, Option<usize>)> {
    let turns = diagram
        .events
        .iter()
        .enumerate()
        .filter_map(|(row, event)| match event.kind {
            EventKind::Action(kind) => Some((row, event.lane, kind.stills()?)),
            _ => None,
        });
    let end = |row: usize, lane: usize| {
        let mut later = turns
            .clone()
            .filter(|(later, other, stills)| *later > row && *other == lane && !stills);
        later.next().map(|(later, ..)| later)
    };
    let stops = turns.clone().filter(|(.., stills)| *stills);
    stops.map(|(row, lane, _)| (lane, row, end(row, lane))).collect()
}

/// Whether an event is where things went wrong or were stopped.
fn class(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Action(_) | EventKind::Refused | EventKind::Fail => "act",
        _ => "",
    }
}

fn arrow(canvas: &mut Canvas, (from, to): (f64, f64), y: f64, event: &Event) {
    let Event { kind, label, .. } = event;
    let back = if to > from { -BARB } else { BARB };
    canvas.line(
        if class(*kind).is_empty() { "message" } else { "goal" },
        (from, y),
        (to, y),
    );
    canvas.path(
        "head",
        &Path::through([(to + back, y - BARB), (to, y), (to + back, y + BARB)]),
    );
    canvas.text(
        &format!("halo {}", class(*kind)),
        (f64::midpoint(from, to), y - 5.0),
        Anchor::Middle,
        label,
    );
}

fn point(canvas: &mut Canvas, x: f64, y: f64, event: &Event) {
    let label = event.label.as_str();
    let class = class(event.kind);
    match event.kind {
        EventKind::Action(kind) => {
            canvas.text("halo act", (x, y + 4.0), Anchor::Middle, &kind.sign(false).to_string());
        }
        _ => canvas.marker(if class.is_empty() { 0 } else { 1 }, (x, y)),
    }
    // Beside the lane on the side where there is room.
    let room = WIDTH - x > label.chars().count() as f64 * LETTER + 10.0;
    let (anchor, at) = if room {
        (Anchor::Start, x + 9.0)
    } else {
        (Anchor::End, x - 9.0)
    };
    canvas.text(&format!("halo {class}"), (at, y + 4.0), anchor, label);
}

/// The picture in words.
fn said(diagram: &Diagram) -> String {
    let lane = |index: usize| diagram.lanes.get(index).map_or("", |lane| lane.name.as_str());
    let events = diagram.events.iter().map(|event| {
        format!(
            "{:.1} ms: {}: {}",
            event.at_ns as f64 / 1e6,
            lane(event.lane),
            event.label
        )
    });
    events.collect::<Vec<_>>().join("; ")
}
