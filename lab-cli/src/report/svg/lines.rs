//! Numbers over numbers: one line for each thing that is compared.

use super::axes::Area;
use super::canvas::{Canvas, Path, bare_swatch, line_class, line_swatch};
use super::scale::Scale;
use super::{Entry, Figure};

/// A line of the chart.
pub(in crate::report) struct Line {
    /// What people read.
    pub(in crate::report) label: String,
    /// Which style it has; none for what theory says.
    pub(in crate::report) style: Option<usize>,
    /// Its points, from left to right.
    pub(in crate::report) points: Vec<(f64, f64)>,
}

/// What an axis means.
#[derive(Clone, Copy)]
pub(in crate::report) struct Axis<'a> {
    /// In words, with the unit.
    pub(in crate::report) label: &'a str,
    /// Whether its steps are factors.
    pub(in crate::report) log: bool,
    /// A value at a tick.
    pub(in crate::report) text: fn(f64) -> String,
}

impl Axis<'_> {
    fn scale(&self, values: impl Iterator<Item = f64>, range: (f64, f64)) -> Scale {
        let values = values.filter(|value| value.is_finite() && (!self.log || *value > 0.0));
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        match self.log {
            true => Scale::log(low, high, range),
            false => Scale::linear(0.0, high, range),
        }
    }
}

/// The picture; none when no line has two points.
pub(in crate::report) fn lines(
    (title, caption): (&str, &str),
    x_axis: Axis<'_>,
    y_axis: Axis<'_>,
    lines: &[Line],
) -> Option<Figure> {
    lines.iter().find(|line| line.points.len() > 1)?;
    let points = || lines.iter().flat_map(|line| &line.points);
    let area = Area::new(10.0, 260.0);
    let x = x_axis.scale(points().map(|point| point.0), area.across());
    let y = y_axis.scale(points().map(|point| point.1), area.upwards());
    let said: Vec<String> = lines.iter().map(|line| said(line, y_axis)).collect();
    let mut canvas = Canvas::new(area.bottom + 42.0, title, &said.join("; "));
    area.x_axis(&mut canvas, &x, x_axis.label, x_axis.text);
    area.y_axis(&mut canvas, &y, y_axis.label, y_axis.text);
    for line in lines {
        let places = || line.points.iter().map(|(at, value)| (x.at(*at), y.at(*value)));
        match line.style {
            None => canvas.path("ghost", &Path::through(places())),
            Some(style) => {
                canvas.path(&line_class(style), &Path::through(places()));
                places().for_each(|place| canvas.marker(style, place));
            }
        }
    }
    let legend = lines.iter().map(|line| Entry {
        swatch: line.style.map_or_else(|| bare_swatch("ghost"), line_swatch),
        label: line.label.clone(),
    });
    Some(Figure {
        title: title.to_owned(),
        caption: caption.to_owned(),
        legend: legend.collect(),
        svg: canvas.finish(),
    })
}

/// A line for those who cannot see it: where it ends.
fn said(line: &Line, y_axis: Axis<'_>) -> String {
    let end = line.points.last().map(|(_, value)| (y_axis.text)(*value));
    format!("{} ends at {}", line.label, end.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(log: bool) -> Axis<'static> {
        Axis {
            label: "servers",
            log,
            text: |value| value.to_string(),
        }
    }

    fn line(style: Option<usize>, points: &[(f64, f64)]) -> Line {
        Line {
            label: "one".to_owned(),
            style,
            points: points.to_vec(),
        }
    }

    #[test]
    fn a_line_has_its_markers_and_theory_has_none() {
        let points = [(10.0, 2.0), (100.0, 3.0)];
        let both = [line(Some(1), &points), line(None, &points)];
        let figure = lines(("title", "caption"), axis(true), axis(false), &both).unwrap();
        assert_eq!(figure.svg.matches("class=\"mark f1\"").count(), 2);
        assert_eq!(figure.svg.matches("class=\"ghost\"").count(), 1);
        assert!(figure.svg.contains("one ends at 3"));
    }

    #[test]
    fn a_single_point_is_no_line_and_zero_is_no_value_of_a_log_axis() {
        assert!(lines(("t", "c"), axis(true), axis(true), &[line(Some(0), &[(1.0, 1.0)])]).is_none());
        let zero = [line(Some(0), &[(1.0, 0.0), (2.0, 0.0)])];
        assert!(
            !lines(("t", "c"), axis(true), axis(true), &zero)
                .unwrap()
                .svg
                .contains("NaN")
        );
    }
}
