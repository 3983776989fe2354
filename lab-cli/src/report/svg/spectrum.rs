//! The percentile spectrum: latency over 1/(1 − quantile), both on log axes, as HdrHistogram plots it.

use load::Histogram;

use crate::report::words;

use super::axes::{self, Area};
use super::canvas::{Anchor, Canvas, Path, bare_swatch, line_class};
use super::scale::Scale;
use super::{Entry, Figure, STYLES, Series, extent, line_legend};

/// Points of a curve for each factor of ten.
const POINTS_PER_DECADE: f64 = 24.0;
/// From this ratio of p99 on, the latency from the actual send is drawn too.
const APART: f64 = 1.5;

/// The picture; none when nothing was answered.
pub(in crate::report) fn spectrum(title: &str, series: &[Series<'_>]) -> Option<Figure> {
    let (low, high) = extent(series.iter().flat_map(|one| [one.response, one.service]))?;
    let most = series.iter().map(|one| one.response.count()).max().unwrap_or(1);
    let area = Area::new(10.0, 300.0);
    let x = Scale::log(1.0, (most as f64).max(10.0), area.across());
    let y = Scale::log(low, high, area.upwards());

    let said: Vec<String> = series.iter().map(said).collect();
    let mut canvas = Canvas::new(area.bottom + 42.0, title, &said.join("; "));
    quantile_axis(&mut canvas, &area, &x);
    area.y_axis(&mut canvas, &y, "latency (log scale)", axes::ms);
    let mut apart = false;
    for one in series {
        if uncorrected(one) {
            apart = true;
            canvas.path(&format!("thin s{}", one.style % STYLES), &curve(one.service, &x, &y));
        }
        canvas.path(&line_class(one.style), &curve(one.response, &x, &y));
        for quantile in [0.5, 0.9, 0.99, 0.999] {
            let enough = one.response.count() as f64 * (1.0 - quantile) >= 1.0;
            if let Some(ms) = one.response.quantile_ms(quantile).filter(|_| enough) {
                canvas.marker(one.style, (x.at(1.0 / (1.0 - quantile)), y.at(ms)));
            }
        }
    }
    let mut legend = line_legend(series);
    if apart {
        legend.push(Entry {
            swatch: bare_swatch("thin s0"),
            label: "thin: from the actual send, which forgets the wait before it".to_owned(),
        });
    }
    Some(Figure {
        title: title.to_owned(),
        caption: "Read it from left to right: the latency that all but ever fewer requests stayed within. \
                  The right-hand end of a curve is a single request."
            .to_owned(),
        legend,
        svg: canvas.finish(),
    })
}

fn said(one: &Series<'_>) -> String {
    let of = |q| words::ms(one.response.quantile_ms(q));
    format!(
        "{}: p50 {}, p90 {}, p99 {}, p99.9 {}",
        one.label,
        of(0.5),
        of(0.9),
        of(0.99),
        of(0.999)
    )
}

fn uncorrected(one: &Series<'_>) -> bool {
    match (one.response.quantile_ms(0.99), one.service.quantile_ms(0.99)) {
        (Some(response), Some(service)) => response > service * APART,
        _ => false,
    }
}

fn curve(latencies: &Histogram, x: &Scale, y: &Scale) -> Path {
    let count = latencies.count() as f64;
    let points = (count.log10() * POINTS_PER_DECADE).ceil().max(1.0) as u32;
    let reach = |point: u32| count.powf(f64::from(point) / f64::from(points));
    let at = |reach: f64| {
        latencies
            .quantile_ms(1.0 - 1.0 / reach)
            .map(|ms| (x.at(reach), y.at(ms)))
    };
    Path::through((0..=points).filter_map(|point| at(reach(point))))
}

fn quantile_axis(canvas: &mut Canvas, area: &Area, x: &Scale) {
    let mut tail = 1.0;
    let ticks = std::iter::once((1.0, "0 %".to_owned()))
        .chain([(2.0, "50 %".to_owned())])
        .chain((1..8).map(|nines| {
            tail /= 10.0;
            (
                10_f64.powi(nines),
                format!("{:.*} %", (nines - 2).max(0) as usize, 100.0 * (1.0 - tail)),
            )
        }));
    for (reach, text) in ticks.collect::<Vec<_>>() {
        if reach <= x.high() {
            canvas.line("grid", (x.at(reach), area.top), (x.at(reach), area.bottom));
            canvas.tick_below((x.at(reach), area.bottom + 16.0), &text);
        }
    }
    canvas.line("axis", (area.left, area.bottom), (area.right, area.bottom));
    let middle = f64::midpoint(area.left, area.right);
    canvas.text(
        "label",
        (middle, area.bottom + 34.0),
        Anchor::Middle,
        "share of answers that were at least as fast",
    );
}
