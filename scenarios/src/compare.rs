//! Two runs beside each other: what differs beyond noise.
//!
//! Both runs are drawn again by the bootstrap, and each figure's ratio is formed draw by draw. A difference is claimed
//! when the 95 % interval of the ratio lies wholly beyond the noise threshold: two runs of one machine differ by a few
//! percent for reasons that no interval of a single run holds.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::checks::bootstrap::{Bootstrap, DRAWS, middle};
use crate::doubt;
use crate::expression::{Expression, Scope};
use crate::plan::Plan;
use crate::state::RunState;
use crate::summary::Measured;
use crate::unit::Unit;

/// Ratios nearer to 1 than this are noise, whatever their interval.
pub const NOISE: f64 = 0.05;
/// What is compared of each class of requests.
const FIGURES: [(&str, Unit); 5] = [
    ("p50", Unit::Ms),
    ("p99", Unit::Ms),
    ("rate_per_s", Unit::PerS),
    ("error_share", Unit::Share),
    ("max_rate_per_s", Unit::PerS),
];

/// What can be said of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The second is higher, beyond noise.
    Higher,
    /// The second is lower, beyond noise.
    Lower,
    /// They are the same within the noise threshold.
    Same,
    /// Nobody can say: the interval is too wide, or something disturbed one of the measurements.
    Unclear,
}

/// One figure of both runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Name of the arm.
    pub arm: String,
    /// Name of the class of requests.
    pub class: String,
    /// Name of the figure.
    pub figure: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// Its value in the first run.
    pub first: f64,
    /// Its value in the second run.
    pub second: f64,
    /// Second over first; none when the first is zero.
    pub ratio: Option<f64>,
    /// The ratio's 95 % interval; none where there is no ratio.
    pub interval: Option<(f64, f64)>,
    /// What can be said.
    pub finding: Finding,
}

/// A run as it is compared.
#[derive(Clone, Copy)]
pub struct Compared<'a> {
    /// Its plan.
    pub plan: &'a Plan,
    /// What was measured.
    pub state: &'a RunState,
}

/// Every figure that both runs measured, in the order of the first one's plan.
pub fn differences(first: Compared<'_>, second: Compared<'_>) -> Vec<Difference> {
    let figures = figures(first.plan);
    let measured = [first, second].map(|run| Measured::of(run.plan, run.state));
    let scopes = [&measured[0], &measured[1]].map(Measured::scope);
    // Runs of one seed are independent measurements all the same, and so must their draws be.
    let seeds = [first.plan.seed, second.plan.seed.wrapping_add(DRAWS)];
    let bootstraps = [0, 1].map(|run| {
        let read = figures.iter().map(|figure| &figure.expression);
        Bootstrap::of(&measured[run], &scopes[run], read, seeds[run])
    });
    let in_doubt = [first, second].map(in_doubt);
    let mut found = Vec::new();
    for figure in &figures {
        if let Some(measured) = compared(&figure.expression, &scopes, &bootstraps) {
            let mut difference = difference(figure, &measured);
            // What was disturbed is no difference of the systems.
            if in_doubt.iter().any(|names| names.contains(&figure.arm)) {
                difference.finding = Finding::Unclear;
            }
            found.push(difference);
        }
    }
    found
}

/// What is compared.
struct Figure {
    arm: String,
    class: String,
    name: &'static str,
    unit: Unit,
    expression: Expression,
}

/// Every figure of every class of a plan.
fn figures(plan: &Plan) -> Vec<Figure> {
    let mut all = Vec::new();
    for arm in &plan.arms {
        let loads = arm.loads.iter().map(|load| load.class.as_str());
        let searches = arm.searches.iter().map(|search| search.class.as_str());
        let mut seen = BTreeSet::new();
        for class in loads.chain(searches).filter(|class| seen.insert(*class)) {
            all.extend(FIGURES.into_iter().filter_map(|(name, unit)| {
                Some(Figure {
                    arm: arm.name.clone(),
                    class: class.to_owned(),
                    name,
                    unit,
                    expression: Expression::compile(&format!("{}.{class}.{name}", arm.name)).ok()?,
                })
            }));
        }
    }
    all
}

/// The arms of a run in which something disturbed what was measured.
fn in_doubt(run: Compared<'_>) -> Vec<String> {
    let doubts = doubt::doubts(run.plan, run.state);
    let arms = run.plan.arms.iter().zip(doubts);
    arms.filter_map(|(arm, doubt)| doubt.map(|_| arm.name.clone()))
        .collect()
}

/// The values of both runs, and their ratio's interval.
struct Values {
    first: f64,
    second: f64,
    interval: Option<(f64, f64)>,
}

/// None where one of the runs has no such value.
fn compared(expression: &Expression, scopes: &[Scope; 2], bootstraps: &[Bootstrap<'_>; 2]) -> Option<Values> {
    let first = expression.number(&scopes[0]).ok()?;
    let second = expression.number(&scopes[1]).ok()?;
    let drawn = |run: usize, value: f64| {
        let same = || vec![Some(value); DRAWS as usize];
        bootstraps[run].values(expression).unwrap_or_else(same)
    };
    let ratios = drawn(0, first)
        .into_iter()
        .zip(drawn(1, second))
        .map(|(first, second)| {
            let ratio = second? / first?;
            ratio.is_finite().then_some(ratio)
        });
    Some(Values {
        first,
        second,
        interval: middle(ratios.collect()),
    })
}

fn difference(figure: &Figure, values: &Values) -> Difference {
    let Values {
        first,
        second,
        interval,
    } = *values;
    Difference {
        arm: figure.arm.clone(),
        class: figure.class.clone(),
        figure: figure.name,
        unit: figure.unit,
        first,
        second,
        ratio: (first != 0.0).then(|| second / first),
        interval,
        finding: finding(first, second, interval),
    }
}

fn finding(first: f64, second: f64, interval: Option<(f64, f64)>) -> Finding {
    match interval {
        Some((low, _)) if low > 1.0 + NOISE => Finding::Higher,
        Some((_, high)) if high < 1.0 - NOISE => Finding::Lower,
        Some((low, high)) if low >= 1.0 - NOISE && high <= 1.0 + NOISE => Finding::Same,
        None if first == second => Finding::Same,
        _ => Finding::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_claimed_only_beyond_the_threshold() {
        for (interval, expected) in [
            (Some((1.2, 1.5)), Finding::Higher),
            (Some((0.5, 0.8)), Finding::Lower),
            (Some((0.98, 1.03)), Finding::Same),
            (Some((1.01, 1.5)), Finding::Unclear),
            (Some((0.5, 2.0)), Finding::Unclear),
        ] {
            assert_eq!(finding(1.0, 1.0, interval), expected, "{interval:?}");
        }
        assert_eq!(
            finding(0.0, 0.0, None),
            Finding::Same,
            "no failure then, no failure now"
        );
        assert_eq!(finding(0.0, 0.1, None), Finding::Unclear);
    }
}
