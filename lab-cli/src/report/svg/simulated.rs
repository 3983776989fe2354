//! What was simulated over the number of servers, with what theory says of it.

use scenarios::format::{Figure as Shown, SimulationKind};
use scenarios::unit::{Unit, in_unit};

use super::lines::{Axis, Line, lines};
use super::{Figure, axes};
use crate::report::simulated::{Simulation, THEORIES};
use crate::report::words;

/// The picture of one simulation; none where it had one number of servers only.
pub(in crate::report) fn simulated(simulation: &Simulation<'_>) -> Option<Figure> {
    let spec = simulation.spec;
    let over_servers = |value: &dyn Fn(u32) -> Option<f64>| {
        let points = spec
            .servers
            .iter()
            .filter_map(|servers| Some((f64::from(*servers), value(*servers)?)));
        points.collect::<Vec<_>>()
    };
    let mut all: Vec<Line> = spec
        .policies
        .iter()
        .enumerate()
        .map(|(style, policy)| Line {
            label: policy.clone(),
            style: Some(style),
            points: over_servers(&|servers| simulation.value(policy, servers)),
        })
        .collect();
    if spec.kind == SimulationKind::Bins {
        all.extend(THEORIES.iter().map(|(name, theory)| Line {
            label: format!("theory: {name}"),
            style: None,
            points: over_servers(&|servers| Some(theory(f64::from(servers)))),
        }));
    }
    let x = Axis {
        label: "servers (log scale)",
        log: true,
        text: axes::number,
    };
    let (log, text): (bool, fn(f64) -> String) = match spec.shows {
        Shown::MeanMs | Shown::P99Ms => (true, axes::ms),
        Shown::Lost => (false, words::share),
        Shown::BusiestOverMean => (false, |value| in_unit(value, Unit::Ratio)),
        Shown::Fullest => (false, axes::number),
    };
    let label = if log {
        format!("{} (log scale)", spec.shows.words())
    } else {
        spec.shows.words().to_owned()
    };
    let y = Axis {
        label: &label,
        log,
        text,
    };
    lines((&simulation.title(), &simulation.words()), x, y, &all)
}
