//! The figures of a measurement drawn again: what the bootstrap evaluates.
//!
//! What is asked for is indexed once, by part. A draw is then a list of weights, and its figures come from weighted sums:
//! nothing of the measurement is copied.

use std::collections::{BTreeMap, BTreeSet};

use load::{Histogram, Pool, Slice};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::Value;

use super::arm::ArmSummary;
use super::class::{InFlight, WindowSummary, in_flight_over};
use super::driven::whole;
use super::figures::{Figures, Sums};
use super::measured::Measured;
use super::parts::Parts;
use super::scope::is_planned;
use super::search::{brackets, inside};
use crate::event::SLICES_PER_S;
use crate::expression::{Path, Scope};
use crate::plan::WindowSpec;

/// The values that figures have in each draw, by their place in the scope. What is not among them is the same in all draws.
pub(crate) type Drawn = BTreeMap<Path, Vec<Option<f64>>>;

/// Draws the measurement again, with replacement, and gives the figures that lie at or below these places; the same seed
/// gives the same draws.
pub(crate) fn draw(measured: &Measured<'_>, scope: &Scope, places: &BTreeSet<Path>, draws: u64, seed: u64) -> Drawn {
    let mut drawn = Drawn::new();
    for (index, arm) in measured.arms.iter().enumerate() {
        let of_arm = places.iter().filter(|place| place[0] == arm.plan.name);
        let wanted: BTreeSet<Path> = of_arm.flat_map(|place| leaves(scope, place)).collect();
        let parts = Parts::of(arm.plan, arm.rounds);
        let series = series(arm, &parts, &wanted);
        let rates = rates(arm, &wanted);
        let recoveries = recoveries(arm, &wanted);
        if series.is_empty() && rates.is_empty() && recoveries.is_empty() {
            continue;
        }
        let mut columns: Vec<(&Path, Vec<Option<f64>>)> = series
            .iter()
            .flat_map(|series| series.wanted.iter().map(|(path, _)| path))
            .chain(rates.iter().map(|(path, _)| path))
            .chain(recoveries.iter().map(|(path, _)| path))
            .map(|path| (path, Vec::with_capacity(draws as usize)))
            .collect();
        for draw in 0..draws {
            let chance = Chance::of(&parts, seed.wrapping_add(draw), index);
            let figures = series.iter().flat_map(|series| series.drawn(&chance.weights));
            let rates = rates
                .iter()
                .map(|(_, brackets)| Some(inside(*chance.one_of(brackets), chance.share)));
            let recoveries = recoveries.iter().map(|(_, rounds)| *chance.one_of(rounds));
            for ((_, column), value) in columns.iter_mut().zip(figures.chain(rates).chain(recoveries)) {
                column.push(value);
            }
        }
        drawn.extend(columns.into_iter().map(|(path, column)| (path.clone(), column)));
    }
    drawn
}

/// What chance says in one draw of one arm.
struct Chance {
    /// Of what rounds found, the finding of which round.
    which: f64,
    /// Where in the bracket of a search.
    share: f64,
    /// How often each part counts.
    weights: Vec<u64>,
}

impl Chance {
    /// Each arm has a chance of its own, whatever is asked of the others.
    fn of(parts: &Parts, seed: u64, arm: usize) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(seed ^ ((arm as u64) << 48));
        Self {
            which: rng.random(),
            share: rng.random(),
            weights: parts.draw(&mut rng),
        }
    }

    /// What one of the rounds found, of which there is at least one.
    fn one_of<'a, T>(&self, rounds: &'a [T]) -> &'a T {
        let round = (self.which * rounds.len() as f64) as usize;
        &rounds[round.min(rounds.len() - 1)]
    }
}

/// One class of requests in one window, by the parts that are drawn.
struct Series {
    /// Places of figures in the scope, and what of the place is below the class or window.
    wanted: Vec<(Path, Path)>,
    load_s: f64,
    measured: bool,
    /// By part: how many slices it has, and their sums.
    slices: Vec<u64>,
    sums: Vec<Slice>,
    in_flight: Vec<InFlight>,
    response: Pool,
    service: Pool,
    lateness: Pool,
    failure: Pool,
}

impl Series {
    fn of(
        arm: &ArmSummary<'_>,
        parts: &Parts,
        (class, window): (&str, &str),
        wanted: Vec<(Path, Path)>,
    ) -> Option<Self> {
        let summary = arm.class(class)?;
        let summed = match window {
            "" => &summary.whole,
            window => summary.windows.iter().find(|known| known.name == window)?,
        };
        let spec = match window {
            "" => whole(arm.plan),
            window => arm.plan.windows.iter().find(|known| known.name == window)?.clone(),
        };
        let mut series = Self::empty(summed, parts.len(), wanted);
        series.fill(arm, parts, class, &spec);
        let is_wanted = |name: &str| series.wanted.iter().any(|(_, figure)| figure[0] == name);
        let pool = |wanted: bool, latencies: fn(&Slice) -> &Histogram| match wanted {
            true => Pool::of(series.sums.iter().map(latencies)),
            false => Pool::default(),
        };
        let response = series.wanted.iter().any(|(_, figure)| figure.len() == 1);
        let pools = [
            pool(response, |slice| &slice.response),
            pool(is_wanted("service"), |slice| &slice.service),
            pool(is_wanted("lateness"), |slice| &slice.lateness),
            pool(is_wanted("failed_p50") || is_wanted("failed_p99"), |slice| {
                &slice.failed
            }),
        ];
        [series.response, series.service, series.lateness, series.failure] = pools;
        Some(series)
    }

    fn empty(summed: &WindowSummary, parts: usize, wanted: Vec<(Path, Path)>) -> Self {
        Self {
            wanted,
            load_s: summed.load_s,
            measured: summed.figures.n.is_some(),
            slices: vec![0; parts],
            sums: vec![Slice::default(); parts],
            in_flight: vec![InFlight::default(); parts],
            response: Pool::default(),
            service: Pool::default(),
            lateness: Pool::default(),
            failure: Pool::default(),
        }
    }

    fn fill(&mut self, arm: &ArmSummary<'_>, parts: &Parts, class: &str, window: &WindowSpec) {
        for (round, measured) in arm.rounds.iter().enumerate() {
            let Some(state) = measured.classes.get(class) else {
                continue;
            };
            for ((index, name), slice) in &state.slices {
                let within = window.name.is_empty() || *name == window.name;
                if let Some(part) = parts.of_slice(round, name, *index).filter(|_| within) {
                    self.slices[part] += 1;
                    self.sums[part].merge(slice);
                }
            }
            for (name, middle_s, counted) in in_flight_over(arm.plan, window, state) {
                let index = (middle_s * f64::from(SLICES_PER_S)) as u32;
                if let Some(part) = parts.of_slice(round, name, index) {
                    self.in_flight[part].add(counted, 1);
                }
            }
        }
    }

    /// The wanted figures of one draw.
    fn drawn(&self, weights: &[u64]) -> impl Iterator<Item = Option<f64>> {
        let figures = self.figures(weights);
        let wanted = self.wanted.iter();
        wanted.map(move |(_, figure)| figures.get(figure).flatten())
    }

    fn figures(&self, weights: &[u64]) -> Figures {
        let sum =
            |counts: &mut dyn Iterator<Item = u64>| counts.zip(weights).map(|(count, weight)| count * weight).sum();
        let drawn: u64 = sum(&mut self.slices.iter().copied());
        let all: u64 = self.slices.iter().sum();
        let mut in_flight = InFlight::default();
        for (part, weight) in self.in_flight.iter().zip(weights) {
            in_flight.add(*part, *weight);
        }
        Figures::of(&Sums {
            ok: sum(&mut self.sums.iter().map(|slice| slice.ok)),
            failed: sum(&mut self.sums.iter().map(|slice| slice.errors.values().sum())),
            slow: sum(&mut self.sums.iter().map(|slice| slice.slow)),
            response: self.response.sum(weights),
            service: self.service.sum(weights),
            lateness: self.lateness.sum(weights),
            failure: self.failure.sum(weights),
            // A draw may hold more or fewer slices than were measured; a rate must not mistake that for traffic.
            load_s: self.load_s * drawn as f64 / all.max(1) as f64,
            measured: self.measured,
            in_flight_mean: in_flight.mean(),
        })
    }
}

/// The places of single values at or below a place.
fn leaves(scope: &Scope, place: &Path) -> Vec<Path> {
    let mut value = scope.get(&place[0]);
    for field in &place[1..] {
        value = value.and_then(|value| value.get(field));
    }
    let mut found = Vec::new();
    if let Some(value) = value {
        collect(value, place, &mut found);
    }
    found
}

fn collect(value: &Value, place: &Path, found: &mut Vec<Path>) {
    match value {
        Value::Object(map) => {
            for (field, value) in map {
                let below = [place.as_slice(), std::slice::from_ref(field)].concat();
                collect(value, &below, found);
            }
        }
        _ => found.push(place.clone()),
    }
}

/// The classes and windows that have any of these figures.
fn series(arm: &ArmSummary<'_>, parts: &Parts, wanted: &BTreeSet<Path>) -> Vec<Series> {
    let mut by_window: BTreeMap<(&str, &str), Vec<(Path, Path)>> = BTreeMap::new();
    for path in wanted {
        let [_, class, below @ ..] = path.as_slice() else {
            continue;
        };
        if !is_load(arm, class) {
            continue;
        }
        let windows = arm.plan.windows.iter().map(|window| window.name.as_str());
        let window = windows
            .into_iter()
            .find(|window| below.first().is_some_and(|field| field == window));
        let figure = if window.is_some() { &below[1..] } else { below };
        if Figures::default().get(figure).is_some() {
            let of_window = by_window.entry((class, window.unwrap_or_default())).or_default();
            of_window.push((path.clone(), figure.to_vec()));
        }
    }
    let series = by_window.into_iter();
    series
        .filter_map(|(key, wanted)| Series::of(arm, parts, key, wanted))
        .collect()
}

/// Whether the values of this name are those of a load's requests.
fn is_load(arm: &ArmSummary<'_>, class: &str) -> bool {
    let acted = arm.operations.iter().any(|operations| operations.class == class);
    let held = arm.invariants.iter().any(|law| law.plan.name == class);
    let asked = arm.facts.iter().any(|(name, _)| *name == class);
    is_planned(arm.plan, class) && arm.search(class).is_none() && !acted && !held && !asked
}

/// The highest rates of searches among these figures, with the bracket of each round.
fn rates(arm: &ArmSummary<'_>, wanted: &BTreeSet<Path>) -> Vec<(Path, Vec<(f64, f64)>)> {
    let rates = wanted.iter().filter_map(|path| match path.as_slice() {
        [_, class, figure] if figure == "max_rate_per_s" => {
            let search = arm.search(class)?;
            let rounds = arm.rounds.iter();
            let found: Vec<_> = rounds.map(|round| round.searches.get(&search.plan.class)).collect();
            Some((path.clone(), brackets(&found)))
        }
        _ => None,
    });
    rates.filter(|(_, brackets)| !brackets.is_empty()).collect()
}

/// The recoveries among these figures, round by round. What happens after an action happens once in a round: of parts that
/// are drawn in any order there is no first half second, so a draw is what one of the rounds found.
fn recoveries(arm: &ArmSummary<'_>, wanted: &BTreeSet<Path>) -> Vec<(Path, Vec<Option<f64>>)> {
    let recoveries = wanted.iter().filter_map(|path| match path.as_slice() {
        [_, class, figure] if figure == "recovered_s" && is_load(arm, class) => {
            let rounds = &arm.class(class)?.recovery.as_ref()?.rounds;
            Some((path.clone(), rounds.clone()))
        }
        _ => None,
    });
    recoveries.filter(|(_, rounds)| !rounds.is_empty()).collect()
}

#[cfg(test)]
mod tests;
