//! The heat map: how many requests had which latency, over the time at which they were meant to start.

use scenarios::event::SLICES_PER_S;
use scenarios::state::ClassState;

use crate::report::words;

use super::axes::{self, Area};
use super::canvas::{Canvas, Path, box_swatch};
use super::marks::Marks;
use super::scale::Scale;
use super::{Entry, Figure, extent};

const COLUMNS_MAX: u32 = 120;
const ROWS: usize = 26;
/// Shades, from few to many.
const SHADES: usize = 5;
/// Height of the strip for failed requests.
const STRIP: f64 = 10.0;

/// The picture of one class in one arm, all rounds together; none when it had no result at all.
pub(in crate::report) fn heat(
    title: &str,
    classes: &[&ClassState],
    marks: &Marks,
    end_s: f64,
    over_all_ms: (f64, f64),
) -> Option<Figure> {
    let slices = || classes.iter().flat_map(|class| &class.slices);
    let last = slices().map(|((index, _), _)| *index + 1).max()?;
    let end_s = end_s.max(f64::from(last) / f64::from(SLICES_PER_S));
    let top = marks.height() + STRIP + 6.0;
    let area = Area::new(top, top + 200.0);
    let x = Scale::linear(0.0, end_s, area.across());
    let y = Scale::log(over_all_ms.0, over_all_ms.1, area.upwards());
    let per_column = ((end_s * f64::from(SLICES_PER_S)).ceil() as u32)
        .div_ceil(COLUMNS_MAX)
        .max(1);
    let column_s = f64::from(per_column) / f64::from(SLICES_PER_S);

    let mut grid = Grid::default();
    for ((index, _), slice) in slices() {
        let column = index / per_column;
        for (value_us, count) in slice.response.iter() {
            let height = (area.bottom - y.at(value_us as f64 / 1000.0)) / (area.bottom - area.top);
            grid.add(column, ((height * ROWS as f64) as usize).min(ROWS - 1), count);
        }
        grid.fail(column, slice.errors.values().sum());
    }
    let mut canvas = Canvas::new(area.bottom + 42.0, title, &format!("{}{}", said(classes), marks.said()));
    marks.draw_windows(&mut canvas, &area, &x, area.top - STRIP);
    area.x_axis(
        &mut canvas,
        &x,
        "intended start of the request, seconds of load",
        axes::seconds,
    );
    area.y_axis(&mut canvas, &y, "latency (log scale)", axes::ms);
    grid.draw(&mut canvas, &area, &x, column_s);
    marks.draw_actions(&mut canvas, &area, &x, area.top - STRIP);
    Some(Figure {
        title: title.to_owned(),
        caption: format!(
            "Each column holds the requests that were meant to start within {}, all rounds together; \
             vertical lines are what was done to the system.",
            axes::ms(column_s * 1000.0)
        ),
        legend: grid.legend().into_iter().chain(marks.legend()).collect(),
        svg: canvas.finish(),
    })
}

fn said(classes: &[&ClassState]) -> String {
    let totals: Vec<_> = classes.iter().map(|class| &class.total).collect();
    let range = extent(totals.iter().map(|total| &total.response));
    let failed: u64 = classes.iter().map(|class| class.failed()).sum();
    let answers: u64 = classes.iter().map(|class| class.ok).sum();
    match range {
        Some((low, high)) => format!(
            "{} good answers between {} and {}, {} failed requests.",
            words::count(answers),
            words::ms(Some(low)),
            words::ms(Some(high)),
            words::count(failed)
        ),
        None => format!("No good answer, {} failed requests.", words::count(failed)),
    }
}

/// Counts by column and row.
#[derive(Default)]
struct Grid {
    cells: std::collections::BTreeMap<(u32, usize), u64>,
    failed: std::collections::BTreeMap<u32, u64>,
}

impl Grid {
    fn add(&mut self, column: u32, row: usize, count: u64) {
        *self.cells.entry((column, row)).or_default() += count;
    }

    fn fail(&mut self, column: u32, count: u64) {
        if count > 0 {
            *self.failed.entry(column).or_default() += count;
        }
    }

    fn most(&self) -> u64 {
        self.cells.values().copied().max().unwrap_or(1)
    }

    /// Shade of a count: logarithmic, so that a single slow request can be seen beside a thousand fast ones.
    fn shade(&self, count: u64) -> usize {
        let most = (self.most() as f64).ln().max(1e-9);
        (((count as f64).ln() / most * SHADES as f64) as usize).min(SHADES - 1)
    }

    fn draw(&self, canvas: &mut Canvas, area: &Area, x: &Scale, column_s: f64) {
        let mut paths: Vec<Path> = (0..SHADES).map(|_| Path::default()).collect();
        let height = (area.bottom - area.top) / ROWS as f64;
        let width = x.at(column_s) - x.at(0.0);
        for ((column, row), count) in &self.cells {
            let corner = (
                x.at(f64::from(*column) * column_s),
                area.bottom - height * (row + 1) as f64,
            );
            paths[self.shade(*count)].rect(corner, (width, height));
        }
        for (shade, path) in paths.iter().enumerate() {
            canvas.path(&format!("heat h{shade}"), path);
        }
        let mut failures = Path::default();
        for column in self.failed.keys() {
            failures.rect(
                (x.at(f64::from(*column) * column_s), area.top - STRIP),
                (width, STRIP - 3.0),
            );
        }
        canvas.path("failed", &failures);
    }

    fn legend(&self) -> Vec<Entry> {
        let most = self.most();
        let bound = |shade: usize| (most as f64).powf(shade as f64 / SHADES as f64).ceil() as u64;
        let mut legend: Vec<Entry> = (0..SHADES)
            .filter_map(|shade| {
                let from = bound(shade);
                let to = if shade + 1 == SHADES {
                    most
                } else {
                    bound(shade + 1).saturating_sub(1).max(from)
                };
                let used = self.cells.values().any(|count| self.shade(*count) == shade);
                let label = if from == to {
                    words::count(from)
                } else {
                    format!("{}–{}", words::count(from), words::count(to))
                };
                used.then(|| Entry {
                    swatch: box_swatch(&format!("heat h{shade}")),
                    label,
                })
            })
            .collect();
        if let Some(last) = legend.last_mut() {
            last.label.push_str(" requests");
        }
        if !self.failed.is_empty() {
            legend.push(Entry {
                swatch: box_swatch("failed"),
                label: "failed requests (strip on top)".to_owned(),
            });
        }
        legend
    }
}
