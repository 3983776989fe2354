//! Distributions over one another on one latency axis: the picture of the comparison.

use crate::report::words;

use super::axes::{self, Area};
use super::bins::Bins;
use super::canvas::{Anchor, Canvas, Path, bare_swatch, box_swatch, mark_swatch};
use super::look::shortened;
use super::scale::Scale;
use super::{Entry, Figure, STYLES, Series, extent};

/// Height of a row, of which the upper part holds two lines of words.
const ROW: f64 = 92.0;
const WORDS: f64 = 46.0;
/// Longer labels would not fit on a phone.
const LABEL_CHARS: usize = 44;

/// One row for each series; none when no series has a good answer.
pub(in crate::report) fn ridges(title: &str, series: &[Series<'_>]) -> Option<Figure> {
    let (low, high) = extent(series.iter().map(|one| one.response))?;
    let area = Area {
        left: 10.0,
        right: super::WIDTH - 10.0,
        top: 4.0,
        bottom: 4.0 + ROW * series.len() as f64,
    };
    let x = Scale::log(low, high, area.across());
    let bins: Vec<Bins> = series
        .iter()
        .map(|one| Bins::of(one.response, x.low(), x.high()))
        .collect();
    let highest = bins.iter().map(Bins::highest).fold(0.0, f64::max).max(1e-9);

    let said: Vec<String> = series
        .iter()
        .map(|one| format!("{}: {}", one.label, figures(one)))
        .collect();
    let mut canvas = Canvas::new(area.bottom + 42.0, title, &said.join("; "));
    area.x_axis(&mut canvas, &x, "latency from the intended start (log scale)", axes::ms);
    for (row, (one, bins)) in series.iter().zip(&bins).enumerate() {
        let base = area.top + ROW * (row + 1) as f64;
        canvas.line("axis", (area.left, base), (area.right, base));
        canvas.path(
            &format!("ridge f{0} s{0}", one.style % STYLES),
            &shape(bins, &x, base, highest),
        );
        quantiles(&mut canvas, one, &x, base);
        canvas.text(
            "strong halo",
            (area.left + 2.0, base - ROW + 18.0),
            Anchor::Start,
            &shortened(&one.label, LABEL_CHARS),
        );
        canvas.text(
            "tick halo",
            (area.left + 2.0, base - ROW + 38.0),
            Anchor::Start,
            &figures(one),
        );
    }
    Some(Figure {
        title: title.to_owned(),
        caption: "Height is the square root of the share of answers, so that rare slow answers can be seen.".to_owned(),
        legend: legend(),
        svg: canvas.finish_for_phones(),
    })
}

fn figures(one: &Series<'_>) -> String {
    if one.response.is_empty() {
        return "no good answer".to_owned();
    }
    let of = |q| words::ms(one.response.quantile_ms(q));
    format!(
        "p50 {} · p99 {} · max {}",
        of(0.5),
        of(0.99),
        words::ms(one.response.max_ms())
    )
}

fn shape(bins: &Bins, x: &Scale, base: f64, highest: f64) -> Path {
    let mut path = Path::default();
    for (bin, share) in bins.shares.iter().enumerate() {
        let y = base - (ROW - WORDS) * (share / highest).sqrt();
        let (from, to) = (x.at(bins.begin_ms(bin)), x.at(bins.begin_ms(bin + 1)));
        if bin == 0 {
            path.go((from, base));
        }
        path.go((from, y));
        path.go((to, y));
        if bin + 1 == bins.shares.len() {
            path.go((to, base));
        }
    }
    path.close();
    path
}

fn quantiles(canvas: &mut Canvas, one: &Series<'_>, x: &Scale, base: f64) {
    for (class, quantile) in [("p50", 0.5), ("p99", 0.99)] {
        if let Some(ms) = one.response.quantile_ms(quantile) {
            canvas.line(class, (x.at(ms), base - ROW + WORDS), (x.at(ms), base));
        }
    }
    if let Some(ms) = one.response.max_ms() {
        canvas.marker(one.style, (x.at(ms), base));
    }
}

fn legend() -> Vec<Entry> {
    vec![
        Entry {
            swatch: box_swatch("ridge f0 s0"),
            label: "share of answers".to_owned(),
        },
        Entry {
            swatch: bare_swatch("p50"),
            label: "p50: half were faster".to_owned(),
        },
        Entry {
            swatch: bare_swatch("p99"),
            label: "p99: one in a hundred was slower".to_owned(),
        },
        Entry {
            swatch: mark_swatch(0),
            label: "slowest answer".to_owned(),
        },
    ]
}
