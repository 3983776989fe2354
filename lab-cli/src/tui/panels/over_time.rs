//! What happened over time: latency as a heat map, answers and failures per second, and the marks of what was done.

use history::ActionKind;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use scenarios::action::Acted;
use scenarios::event::SLICES_PER_S;
use scenarios::plan::PaceSpec;
use scenarios::state::ClassState;

use super::axis::LogAxis;
use super::{Scene, cut, frame, words};
use crate::tui::theme::{Role, Theme};

/// Columns for the words at the left.
const LEFT: u16 = 9;

/// Seconds on so many columns.
#[derive(Debug, Clone, Copy)]
struct TimeAxis {
    from_s: f64,
    span_s: f64,
    columns: usize,
}

impl TimeAxis {
    fn of(scene: &Scene<'_>, columns: usize) -> Self {
        let load_s = scene.round.load_s;
        let (from_s, span_s) = match scene.plan.keep_s {
            // A playground has no end: its last minute passes by.
            Some(keep_s) => ((load_s - keep_s).max(0.0), keep_s),
            None => (0.0, scene.arm_plan().duration_s.max(load_s).max(1.0)),
        };
        Self {
            from_s,
            span_s,
            columns: columns.max(1),
        }
    }

    fn column(&self, at_s: f64) -> Option<usize> {
        let at = (at_s - self.from_s) / self.span_s * self.columns as f64;
        (at >= 0.0 && at < self.columns as f64).then_some(at as usize)
    }

    fn column_s(&self) -> f64 {
        self.span_s / self.columns as f64
    }
}

/// What happened in one column of time.
#[derive(Debug, Clone, Default)]
struct Column {
    latencies: load::Histogram,
    ok: u64,
    failed: u64,
}

/// Draws the panel.
pub fn over_time(scene: &Scene<'_>, area: Rect, buf: &mut Buffer) {
    let theme = scene.theme;
    let what = scene.class.unwrap_or("requests");
    let inner = frame(&format!("over time, {what}"), "", area, buf, theme);
    if inner.height < 4 || inner.width < LEFT + 10 {
        return;
    }
    let chart = Rect {
        x: inner.x + LEFT,
        width: inner.width - LEFT,
        ..inner
    };
    let axis = TimeAxis::of(scene, usize::from(chart.width));
    let columns = scene
        .class_state()
        .map(|class| columns(class, &axis))
        .unwrap_or_default();
    // Below: marks, seconds. Above: the heat map gets what the rates leave.
    let rate_rows = if inner.height >= 9 { 2 } else { 1 };
    let failed = columns.iter().any(|column| column.failed > 0);
    let failed_rows = u16::from(failed);
    let heat_rows = inner.height.saturating_sub(rate_rows + failed_rows + 2);
    let mut y = inner.y;
    heat(&columns, rows(inner, y, heat_rows), chart, buf, theme);
    y += heat_rows;
    let most = rate(
        &columns,
        |column| column.ok,
        &axis,
        rows(chart, y, rate_rows),
        Role::Good,
        buf,
        theme,
    );
    label(&format!("{}/s", short(most)), inner, y, buf, theme);
    y += rate_rows;
    if failed {
        let most = rate(
            &columns,
            |column| column.failed,
            &axis,
            rows(chart, y, 1),
            Role::Bad,
            buf,
            theme,
        );
        label(&format!("{}/s", short(most)), inner, y, buf, theme);
        y += 1;
    }
    marks(scene, &axis, rows(chart, y, 1), buf);
    seconds(&axis, rows(chart, y + 1, 1), buf, theme);
}

fn rows(area: Rect, y: u16, height: u16) -> Rect {
    Rect { y, height, ..area }
}

fn label(text: &str, inner: Rect, y: u16, buf: &mut Buffer, theme: Theme) {
    buf.set_stringn(inner.x, y, text, usize::from(LEFT - 1), theme.dim());
}

/// A rate in few characters.
fn short(per_s: f64) -> String {
    if per_s >= 10_000.0 {
        format!("{:.0}k", per_s / 1000.0)
    } else {
        format!("{per_s:.0}")
    }
}

fn columns(class: &ClassState, axis: &TimeAxis) -> Vec<Column> {
    let mut columns = vec![Column::default(); axis.columns];
    let slices_per_s = f64::from(SLICES_PER_S);
    let first = (axis.from_s * slices_per_s) as u32;
    for ((index, _), slice) in class.slices.range((first, String::new())..) {
        let from = axis.column(f64::from(*index) / slices_per_s);
        let to = axis.column(f64::from(index + 1) / slices_per_s).unwrap_or(axis.columns);
        // A slice that is wider than a column shows in all of its columns.
        let Some(from) = from else { continue };
        for column in &mut columns[from..to.max(from + 1)] {
            column.latencies.merge(&slice.response);
            column.ok += slice.ok;
            column.failed += slice.errors.values().sum::<u64>();
        }
    }
    columns
}

/// How many answers at each latency in each column: slow at the top.
fn heat(columns: &[Column], area: Rect, chart: Rect, buf: &mut Buffer, theme: Theme) {
    if area.height == 0 {
        return;
    }
    let axis = LogAxis::holding(columns.iter().map(|column| &column.latencies), usize::from(area.height));
    let counts: Vec<Vec<u64>> = columns.iter().map(|column| axis.counts(&column.latencies)).collect();
    for (x, counts) in (chart.left()..).zip(&counts) {
        // Each column by its own most: what a moment looked like, however many requests it had.
        let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
        for (row, count) in counts.iter().enumerate() {
            if *count > 0 {
                let (shade, style) = theme.shade(*count as f64 / most);
                buf[(x, area.bottom() - 1 - row as u16)]
                    .set_symbol(shade)
                    .set_style(style);
            }
        }
    }
    for (cell, tick) in axis.ticks(1) {
        let y = area.bottom() - 1 - cell as u16;
        buf.set_stringn(area.x, y, words(&tick, theme), usize::from(LEFT - 1), theme.dim());
    }
}

/// Bars of a rate; gives the highest, per second.
fn rate(
    columns: &[Column],
    of: fn(&Column) -> u64,
    axis: &TimeAxis,
    area: Rect,
    role: Role,
    buf: &mut Buffer,
    theme: Theme,
) -> f64 {
    let slice_s = 1.0 / f64::from(SLICES_PER_S);
    let per_s = |column: &Column| of(column) as f64 / axis.column_s().max(slice_s);
    let most = columns.iter().map(per_s).fold(0.0, f64::max);
    if most <= 0.0 {
        return 0.0;
    }
    let rows = usize::from(area.height);
    for (x, column) in (area.left()..area.right()).zip(columns) {
        let share = per_s(column) / most;
        let eighths = if share > 0.0 {
            ((share * (rows * 8) as f64).round() as usize).max(1)
        } else {
            0
        };
        for row in 0..rows {
            let filled = eighths.saturating_sub(row * 8).min(8);
            if filled > 0 {
                let y = area.bottom() - 1 - row as u16;
                buf[(x, y)]
                    .set_symbol(theme.eighths(filled))
                    .set_style(theme.style(role));
            }
        }
    }
    most
}

/// What was done to the system, and when: a sign for each thing, and its words as far as the next sign.
fn marks(scene: &Scene<'_>, axis: &TimeAxis, area: Rect, buf: &mut Buffer) {
    let theme = scene.theme;
    let mut marks: Vec<(usize, Done)> = done(scene)
        .into_iter()
        .filter_map(|done| Some((axis.column(done.at_s)?, done)))
        .collect();
    marks.sort_by_key(|(column, _)| *column);
    marks.dedup_by(|(later_column, later), (column, first)| {
        let same = later_column == column;
        if same {
            first.join(later);
        }
        same
    });
    for (index, (column, done)) in marks.iter().enumerate() {
        let x = area.left() + *column as u16;
        let next = marks.get(index + 1).map_or(axis.columns, |(next, ..)| *next);
        let room = next - column - 1;
        let style = theme.style(done.role);
        let plain = theme.pick("▲", "^");
        let sign = done
            .kind
            .map_or_else(|| plain.to_owned(), |kind| kind.sign(theme.ascii).to_string());
        buf[(x, area.y)].set_symbol(&sign).set_style(style);
        if room > 3 {
            buf.set_string(x + 1, area.y, words(&cut(&done.words, room), theme), style);
        }
    }
}

/// Something that was done.
struct Done {
    at_s: f64,
    /// What was done to the system; none for a request at a stated time and the start of a window.
    kind: Option<ActionKind>,
    words: String,
    role: Role,
}

impl Done {
    /// Takes in what was done at about the same time. The sign is that of a failure, where there is one.
    fn join(&mut self, later: &Self) {
        if later.role == Role::Bad && self.role != Role::Bad {
            (self.kind, self.role) = (later.kind, later.role);
        }
        if self.words != later.words {
            self.words = format!("{}, {}", self.words, later.words);
        }
    }
}

/// Everything that was done: actions, requests at a stated time, starts of windows.
fn done(scene: &Scene<'_>) -> Vec<Done> {
    let failed = |acted: &Acted| acted.failure.is_some();
    let acted = scene.round.actions.iter().map(|acted| Done {
        at_s: acted.effect_s(),
        kind: Some(acted.command.kind()),
        words: acted.words(),
        role: if failed(acted) { Role::Bad } else { Role::Warn },
    });
    let other = |at_s: f64, words: &str, role| Done {
        at_s,
        kind: None,
        words: words.to_owned(),
        role,
    };
    let mut done: Vec<Done> = acted.collect();
    for load in &scene.arm_plan().loads {
        if let PaceSpec::At(times_s) = &load.pace {
            let sent = times_s.iter().filter(|at_s| **at_s <= scene.round.load_s);
            done.extend(sent.map(|at_s| other(*at_s, &load.class, Role::Warn)));
        }
    }
    let windows = scene.arm_plan().windows.iter().filter(|window| window.from_s > 0.0);
    done.extend(windows.map(|window| other(window.from_s, &window.name, Role::Before)));
    done
}

fn seconds(axis: &TimeAxis, area: Rect, buf: &mut Buffer, theme: Theme) {
    let step = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 500.0, 1000.0]
        .into_iter()
        .find(|step| step / axis.column_s() >= 10.0)
        .unwrap_or(1000.0);
    let mut at_s = (axis.from_s / step).ceil() * step;
    while let Some(column) = axis.column(at_s) {
        let text = format!("{at_s:.0} s");
        if usize::from(area.width) - column >= text.len() {
            buf.set_string(area.left() + column as u16, area.y, text, theme.dim());
        }
        at_s += step;
    }
}
