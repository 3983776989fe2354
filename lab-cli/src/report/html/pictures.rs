//! Which charts a run gets.

use scenarios::state::{ClassState, RoundState, RunState};
use scenarios::summary::{ArmSummary, ClassSummary, all_classes};
use serde::Serialize;

use crate::report::histories::{self, Proof};
use crate::report::simulated::simulations;
use crate::report::svg::{self, Figure, Marks, Series};

/// A window gets a comparison of its own while there are so few.
const WINDOWS_COMPARED_MAX: usize = 2;

/// The charts by their place on the page.
#[derive(Serialize)]
pub(super) struct Pictures {
    /// The first violation of each law in each arm, step by step.
    proofs: Vec<Figure>,
    /// What happened to single orders.
    stories: Vec<Figure>,
    /// Distributions over one another, and searches: the answer at a glance.
    comparison: Vec<Figure>,
    /// What was simulated.
    simulated: Vec<Figure>,
    /// Percentile spectra and histograms.
    distributions: Vec<Figure>,
    /// Heat maps, throughput and errors.
    over_time: Vec<Figure>,
    /// Who answered.
    shares: Vec<Figure>,
}

/// A distribution of fewer answers is no picture: they are in the tables.
const ANSWERS_DRAWN_MIN: u64 = 20;

/// All charts of a run.
pub(super) fn pictures(state: &RunState, arms: &[ArmSummary<'_>]) -> Pictures {
    let classes = all_classes(arms);
    let mut comparison = Vec::new();
    for class in searched(arms) {
        comparison.extend(svg::searches(&format!("{class}: steps of the search"), &class, arms));
    }
    let mut distributions = Vec::new();
    for class in &classes {
        comparison.extend(compared(class, arms));
        let series = by_arm(class, arms);
        distributions.extend(svg::spectrum(&format!("{class}: percentile spectrum"), &series));
        distributions.extend(svg::histograms(&format!("{class}: histogram"), &series));
    }
    let over_time = arms.iter().flat_map(|arm| over_time(arm, &classes, arms)).collect();
    let shares = svg::shares("Answers by instance", arms).into_iter().collect();
    let drawn = |proofs: &[Proof<'_>]| {
        let sequence = |proof: &Proof<'_>| svg::sequence(&proof.title, proof.message, proof.diagram);
        proofs.iter().filter_map(sequence).collect()
    };
    Pictures {
        proofs: drawn(&histories::proofs(state)),
        stories: drawn(&histories::stories(state)),
        comparison,
        simulated: simulations(state).iter().filter_map(svg::simulated).collect(),
        distributions,
        over_time,
        shares,
    }
}

fn searched(arms: &[ArmSummary<'_>]) -> Vec<String> {
    let mut classes: Vec<String> = Vec::new();
    for search in arms.iter().flat_map(|arm| &arm.searches) {
        if !classes.contains(&search.plan.class) {
            classes.push(search.plan.class.clone());
        }
    }
    classes
}

/// The figures of a class in every arm that measured enough of it, with the arm's place as its style.
fn measured<'a>(class: &str, arms: &'a [ArmSummary<'_>]) -> Vec<(usize, &'a str, &'a ClassSummary)> {
    arms.iter()
        .enumerate()
        .filter_map(|(index, arm)| {
            let figures = arm.class(class)?;
            (figures.whole.total.response.count() >= ANSWERS_DRAWN_MIN).then_some((
                index,
                arm.plan.label.as_str(),
                figures,
            ))
        })
        .collect()
}

fn by_arm<'a>(class: &str, arms: &'a [ArmSummary<'_>]) -> Vec<Series<'a>> {
    let series = |(style, label, figures): (usize, &str, &'a ClassSummary)| Series {
        label: label.to_owned(),
        style,
        response: &figures.whole.total.response,
        service: &figures.whole.total.service,
    };
    measured(class, arms).into_iter().map(series).collect()
}

/// Comparisons of one class: its arms within each window and over the whole load, or the windows of a single arm.
fn compared(class: &str, arms: &[ArmSummary<'_>]) -> Vec<Figure> {
    let measured = measured(class, arms);
    let windows: Vec<&str> = arms
        .first()
        .map(|arm| arm.plan.windows.iter().map(|window| window.name.as_str()).collect())
        .unwrap_or_default();
    if let [(_, label, figures)] = measured[..]
        && figures.windows.len() > 1
    {
        let windows = figures.windows.iter().enumerate();
        let series: Vec<Series<'_>> = windows
            .map(|(style, window)| Series {
                label: window.name.clone(),
                style,
                response: &window.total.response,
                service: &window.total.service,
            })
            .collect();
        return svg::ridges(&format!("{class}: {label}, by window"), &series)
            .into_iter()
            .collect();
    }
    let mut figures = Vec::new();
    for window in windows.iter().filter(|_| windows.len() <= WINDOWS_COMPARED_MAX) {
        let series: Vec<Series<'_>> = measured
            .iter()
            .filter_map(|(style, label, class)| {
                let window = class.windows.iter().find(|known| known.name == *window)?;
                Some(Series {
                    label: (*label).to_owned(),
                    style: *style,
                    response: &window.total.response,
                    service: &window.total.service,
                })
            })
            .collect();
        figures.extend(svg::ridges(&format!("{class}: during \"{window}\""), &series));
    }
    figures.extend(svg::ridges(&format!("{class}: the whole load"), &by_arm(class, arms)));
    figures
}

/// Heat maps of one arm's classes, then its throughput.
fn over_time(arm: &ArmSummary<'_>, classes: &[String], arms: &[ArmSummary<'_>]) -> Vec<Figure> {
    let marks = Marks::of(&arm.plan.windows, arm.rounds);
    let end_s = arm.plan.duration_s;
    let mut figures = Vec::new();
    for class in &arm.classes {
        let title = format!("{}: {}", arm.plan.label, class.name);
        let range = measured(&class.name, arms)
            .iter()
            .filter_map(|(_, _, figures)| {
                Some((
                    figures.whole.total.response.min_ms()?,
                    figures.whole.total.response.max_ms()?,
                ))
            })
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        if let Some(range) = range.filter(|_| class.answered() >= ANSWERS_DRAWN_MIN) {
            figures.extend(svg::heat(
                &title,
                &states(arm.rounds, &class.name),
                &marks,
                end_s,
                range,
            ));
        }
    }
    let styled: Vec<(usize, String)> = arm
        .classes
        .iter()
        .filter_map(|class| Some((classes.iter().position(|name| *name == class.name)?, class.name.clone())))
        .collect();
    let title = format!("{}: throughput and errors", arm.plan.label);
    figures.extend(svg::rates(&title, &styled, arm.rounds, &marks, end_s));
    figures
}

/// What the rounds measured of a class.
fn states<'a>(rounds: &'a [RoundState], class: &str) -> Vec<&'a ClassState> {
    rounds.iter().filter_map(|round| round.classes.get(class)).collect()
}
