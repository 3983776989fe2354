//! Charts as inline SVG. Colours are CSS variables of the page, so that one picture suits dark, light and paper;
//! series differ by dash and marker too, so that grey suffices.

mod axes;
mod bins;
mod canvas;
mod heat;
mod histogram;
mod lines;
mod look;
mod marks;
mod rates;
mod ridges;
mod rungs;
mod scale;
mod searches;
mod sequence;
mod shares;
mod simulated;
mod spectrum;

pub(super) use axes::{ms, number};
pub(super) use heat::heat;
pub(super) use histogram::histograms;
pub(super) use lines::{Axis, Line, lines};
pub(super) use marks::Marks;
pub(super) use rates::rates;
pub(super) use ridges::ridges;
pub(super) use rungs::{Rung, rungs};
pub(super) use searches::searches;
pub(super) use sequence::sequence;
pub(super) use shares::shares;
pub(super) use simulated::simulated;
pub(super) use spectrum::spectrum;

use history::ActionKind;
use load::Histogram;
use serde::Serialize;

use look::{STYLES, WIDTH};

/// A chart with the words around it.
#[derive(Debug, Serialize)]
pub(super) struct Figure {
    /// What it shows.
    pub(super) title: String,
    /// How to read it.
    pub(super) caption: String,
    /// What each line or colour means.
    pub(super) legend: Vec<Entry>,
    /// The picture.
    pub(super) svg: String,
}

/// An entry of a legend.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    /// A small picture of the line or colour; decoration, hidden from screen readers.
    pub(super) swatch: String,
    /// What it means.
    pub(super) label: String,
}

/// A distribution to draw.
pub(super) struct Series<'a> {
    /// What people read.
    pub(super) label: String,
    /// Which style it has, from 0; the same arm has the same in every chart.
    pub(super) style: usize,
    /// Latency of good answers from the intended start.
    pub(super) response: &'a Histogram,
    /// The same from the actual send.
    pub(super) service: &'a Histogram,
}

/// The legend of line charts.
fn line_legend(series: &[Series<'_>]) -> Vec<Entry> {
    series
        .iter()
        .map(|one| Entry {
            swatch: canvas::line_swatch(one.style),
            label: one.label.clone(),
        })
        .collect()
}

/// A kind of action in a legend.
fn action_entry(kind: ActionKind) -> Entry {
    Entry {
        swatch: canvas::sign_swatch(kind.sign(false)),
        label: kind.name().to_owned(),
    }
}

/// The smallest and largest latency of all series, milliseconds; none when all are empty.
fn extent<'a>(all: impl Iterator<Item = &'a Histogram>) -> Option<(f64, f64)> {
    all.filter_map(|one| Some((one.min_ms()?, one.max_ms()?)))
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}
