//! Histograms of a class on a log axis: all arms overlaid, or one picture each when they are many.

use crate::report::words;

use super::axes::{self, Area};
use super::bins::Bins;
use super::canvas::{Canvas, Path, bare_swatch, line_class};
use super::scale::Scale;
use super::{Entry, Figure, STYLES, Series, extent, line_legend};

/// As many outlines can be told apart in one picture.
const OVERLAID_MAX: usize = 4;

/// The pictures; none when nothing was answered.
pub(in crate::report) fn histograms(title: &str, series: &[Series<'_>]) -> Vec<Figure> {
    let Some((low, high)) = extent(series.iter().map(|one| one.response)) else {
        return Vec::new();
    };
    if series.len() <= OVERLAID_MAX {
        return vec![picture(title, series, None, (low, high))];
    }
    let one_each = |(index, one): (usize, &Series<'_>)| {
        picture(&format!("{title}: {}", one.label), series, Some(index), (low, high))
    };
    series
        .iter()
        .enumerate()
        .filter(|(_, one)| !one.response.is_empty())
        .map(one_each)
        .collect()
}

/// All series, or one of them before the others' outlines in grey.
fn picture(title: &str, series: &[Series<'_>], chosen: Option<usize>, (low, high): (f64, f64)) -> Figure {
    let area = Area::new(10.0, if chosen.is_some() { 180.0 } else { 240.0 });
    let x = Scale::log(low, high, area.across());
    let bins: Vec<Bins> = series
        .iter()
        .map(|one| Bins::of(one.response, x.low(), x.high()))
        .collect();
    let highest = bins.iter().map(Bins::highest).fold(0.0, f64::max);
    let y = Scale::linear(0.0, highest * 100.0, area.upwards());

    let said: Vec<String> = series
        .iter()
        .enumerate()
        .filter(|(index, _)| chosen.is_none_or(|chosen| chosen == *index))
        .map(|(_, one)| {
            format!(
                "{}: most answers near {}",
                one.label,
                words::ms(one.response.quantile_ms(0.5))
            )
        })
        .collect();
    let mut canvas = Canvas::new(area.bottom + 42.0, title, &said.join("; "));
    area.x_axis(&mut canvas, &x, "latency from the intended start (log scale)", axes::ms);
    area.y_axis(&mut canvas, &y, "share of answers", |percent| {
        format!("{} %", axes::number(percent))
    });
    let order = (0..series.len()).filter(|index| chosen != Some(*index)).chain(chosen);
    for index in order {
        let outline = outline(&bins[index], &x, &y);
        let style = series[index].style;
        if chosen.is_some_and(|chosen| chosen != index) {
            canvas.path("ghost", &outline);
        } else {
            canvas.path(&format!("tint f{}", style % STYLES), &outline);
            canvas.path(&line_class(style), &outline);
        }
    }
    let legend = match chosen {
        None => line_legend(series),
        Some(index) => vec![
            Entry {
                swatch: bare_swatch(&line_class(series[index].style)),
                label: series[index].label.clone(),
            },
            Entry {
                swatch: bare_swatch("ghost"),
                label: "the others".to_owned(),
            },
        ],
    };
    let caption = "Share of good answers by latency; each step is as wide as the next on the log axis.";
    Figure {
        title: title.to_owned(),
        caption: caption.to_owned(),
        legend,
        svg: canvas.finish(),
    }
}

fn outline(bins: &Bins, x: &Scale, y: &Scale) -> Path {
    let first = bins.shares.iter().position(|share| *share > 0.0);
    let last = bins.shares.iter().rposition(|share| *share > 0.0);
    let (Some(first), Some(last)) = (first, last) else {
        return Path::default();
    };
    let mut path = Path::through([(x.at(bins.begin_ms(first)), y.at(0.0))]);
    for (bin, share) in bins.shares.iter().enumerate().take(last + 1).skip(first) {
        path.go((x.at(bins.begin_ms(bin)), y.at(share * 100.0)));
        path.go((x.at(bins.begin_ms(bin + 1)), y.at(share * 100.0)));
    }
    path.go((x.at(bins.begin_ms(last + 1)), y.at(0.0)));
    path
}
