//! Percentiles side by side: a row for each thing that is compared, with a mark for each percentile.

use super::axes::{self, Area};
use super::canvas::{Anchor, Canvas, mark_swatch};
use super::scale::Scale;
use super::{Entry, Figure, WIDTH};

/// Height of a row.
const ROW: f64 = 22.0;
/// Width of a letter of a label, about.
const LETTER: f64 = 6.6;

/// A row.
pub(in crate::report) struct Rung {
    /// What people read.
    pub(in crate::report) label: String,
    /// Its percentiles in rising order, milliseconds; those that nothing was measured for are left out.
    pub(in crate::report) marks_ms: Vec<Option<f64>>,
}

/// The picture; none when there is no time in it. `names` are those of the marks, in their order.
pub(in crate::report) fn rungs((title, caption): (&str, &str), names: &[&str], rows: &[Rung]) -> Option<Figure> {
    let times = || rows.iter().flat_map(|row| row.marks_ms.iter().flatten().copied());
    let (low, high) = times()
        .filter(|ms| *ms > 0.0)
        .fold((f64::MAX, 0.0_f64), |(low, high), ms| (low.min(ms), high.max(ms)));
    if high <= 0.0 {
        return None;
    }
    let longest = rows.iter().map(|row| row.label.chars().count()).max().unwrap_or(0);
    let area = Area {
        left: (longest as f64 * LETTER + 14.0).clamp(60.0, WIDTH * 0.5),
        right: WIDTH - 22.0,
        top: 6.0,
        bottom: 6.0 + ROW * rows.len() as f64,
    };
    let x = Scale::log(low, high, area.across());
    let said: Vec<String> = rows.iter().map(|row| said(row, names)).collect();
    let mut canvas = Canvas::new(area.bottom + 42.0, title, &said.join("; "));
    area.x_axis(&mut canvas, &x, "time of a request (log scale)", axes::ms);
    for (index, row) in rows.iter().enumerate() {
        let y = area.top + ROW * (index as f64 + 0.5);
        canvas.text("tick", (area.left - 8.0, y + 4.0), Anchor::End, &row.label);
        let places: Vec<(usize, f64)> = row
            .marks_ms
            .iter()
            .enumerate()
            .filter_map(|(mark, ms)| Some((mark, x.at((*ms)?))))
            .collect();
        if let (Some((_, first)), Some((_, last))) = (places.first(), places.last()) {
            canvas.line("axis", (*first, y), (*last, y));
        }
        for (mark, place) in places {
            canvas.marker(mark, (place, y));
        }
    }
    let legend = names.iter().enumerate().map(|(mark, name)| Entry {
        swatch: mark_swatch(mark),
        label: (*name).to_owned(),
    });
    Some(Figure {
        title: title.to_owned(),
        caption: caption.to_owned(),
        legend: legend.collect(),
        svg: canvas.finish(),
    })
}

fn said(row: &Rung, names: &[&str]) -> String {
    let marks = names.iter().zip(&row.marks_ms);
    let marks: Vec<String> = marks
        .filter_map(|(name, ms)| Some(format!("{name} {}", axes::ms((*ms)?))))
        .collect();
    format!("{}: {}", row.label, marks.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_has_its_marks_and_nothing_is_drawn_of_nothing() {
        let rung = |label: &str, marks_ms| Rung {
            label: label.to_owned(),
            marks_ms,
        };
        let rows = [
            rung("random", vec![Some(1.0), Some(30.0)]),
            rung("none", vec![None, None]),
        ];
        let figure = rungs(("title", "caption"), &["p50", "p99"], &rows).unwrap();
        assert_eq!(figure.svg.matches("class=\"mark").count(), 2);
        assert!(figure.svg.contains("random: p50 1 ms, p99 30 ms"), "{}", figure.svg);
        assert!(rungs(("t", "c"), &["p50"], &[rung("none", vec![None])]).is_none());
    }
}
