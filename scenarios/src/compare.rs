//! Two runs beside each other: what differs beyond noise.
//!
//! Both runs are drawn again by the bootstrap, and each figure's ratio is formed draw by draw. A difference is claimed
//! when the 95 % interval of the ratio lies wholly beyond the noise threshold: two runs of one machine differ by a few
//! percent for reasons that no interval of a single run holds.

use serde::Serialize;

use crate::checks::{bootstrap, doubt};
use crate::expression::{Expression, Scope};
use crate::plan::Plan;
use crate::state::RunState;
use crate::unit::Unit;
use crate::values;

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
    let scopes = [first, second].map(|run| values::scope(run.plan, run.state));
    // Runs of one seed are independent measurements all the same, and so must their draws be.
    let draws = [(first, 0), (second, bootstrap::DRAWS)]
        .map(|(run, later)| bootstrap::draws(run.plan, run.state, run.plan.seed.wrapping_add(later)));
    let in_doubt = [first, second].map(in_doubt);
    let mut found = Vec::new();
    for arm in &first.plan.arms {
        let is_in_doubt = in_doubt.iter().any(|names| names.contains(&arm.name));
        let mut classes: Vec<&str> = arm.loads.iter().map(|load| load.class.as_str()).collect();
        classes.extend(arm.searches.iter().map(|search| search.class.as_str()));
        classes.dedup();
        for class in classes {
            for (figure, unit) in FIGURES {
                let path = format!("{}.{class}.{figure}", arm.name);
                if let Some(measured) = measured(&path, &scopes, &draws) {
                    let mut difference = difference(&arm.name, class, (figure, unit), &measured);
                    // What was disturbed is no difference of the systems.
                    if is_in_doubt {
                        difference.finding = Finding::Unclear;
                    }
                    found.push(difference);
                }
            }
        }
    }
    found
}

/// The arms of a run in which something disturbed what was measured.
fn in_doubt(run: Compared<'_>) -> Vec<String> {
    let doubts = doubt::doubts(run.plan, run.state);
    let arms = run.plan.arms.iter().zip(doubts);
    arms.filter_map(|(arm, doubt)| doubt.map(|_| arm.name.clone()))
        .collect()
}

/// The values of both runs, and their ratio's interval.
struct Measured {
    first: f64,
    second: f64,
    interval: Option<(f64, f64)>,
}

/// None where one of the runs has no such value.
fn measured(path: &str, scopes: &[Scope; 2], draws: &[Vec<Scope>; 2]) -> Option<Measured> {
    let expression = Expression::compile(path).ok()?;
    let first = expression.number(&scopes[0]).ok()?;
    let second = expression.number(&scopes[1]).ok()?;
    let mut ratios: Vec<f64> = draws[0]
        .iter()
        .zip(&draws[1])
        .filter_map(|(first, second)| {
            let ratio = expression.number(second).ok()? / expression.number(first).ok()?;
            ratio.is_finite().then_some(ratio)
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    let at = |share: f64| ratios[((ratios.len() - 1) as f64 * share).round() as usize];
    let interval = (ratios.len() > draws[0].len() / 2).then(|| (at(0.025), at(0.975)));
    Some(Measured {
        first,
        second,
        interval,
    })
}

fn difference(arm: &str, class: &str, (figure, unit): (&'static str, Unit), measured: &Measured) -> Difference {
    let Measured {
        first,
        second,
        interval,
    } = *measured;
    Difference {
        arm: arm.to_owned(),
        class: class.to_owned(),
        figure,
        unit,
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
