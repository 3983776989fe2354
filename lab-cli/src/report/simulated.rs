//! What a run simulated beside what it measured.

use scenarios::event::SimulatedPoint;
use scenarios::format::{Figure, SimulationKind};
use scenarios::plan::SimulationSpec;
use scenarios::state::RunState;
use scenarios::unit::{Unit, in_unit};

use super::words;

/// One simulation that was played.
pub struct Simulation<'a> {
    /// What was played.
    pub spec: &'a SimulationSpec,
    /// What came of it.
    pub points: &'a [SimulatedPoint],
}

/// What theory predicts: its name, and the prediction for a number of servers.
type Theory = (&'static str, fn(f64) -> f64);

/// What theory says of the fullest of n bins after n balls (M. Mitzenmacher, 2001), without the constant that it leaves open.
pub const THEORIES: [Theory; 2] = [
    ("log n / log log n", |n| n.ln() / n.ln().ln()),
    ("log log n / log 2", |n| n.ln().ln() / std::f64::consts::LN_2),
];

/// The simulations of a run, in the order of its plan.
pub fn simulations(state: &RunState) -> Vec<Simulation<'_>> {
    let planned = state.info.iter().flat_map(|info| &info.plan.simulations);
    let played = planned.filter_map(|spec| {
        let found = state.simulated.iter().find(|simulated| simulated.name == spec.name)?;
        let points = &found.points;
        Some(Simulation { spec, points })
    });
    played.collect()
}

impl Simulation<'_> {
    /// What it shows, for the head of a table or a picture.
    pub fn title(&self) -> String {
        format!("Simulated, {}: {}", self.spec.label, self.spec.shows.words())
    }

    /// How it was played, in a sentence.
    pub fn words(&self) -> String {
        match self.spec.kind {
            SimulationKind::Queues => format!("{} requests each.", words::count(self.spec.requests)),
            SimulationKind::Bins => format!(
                "As many requests as servers and no answers; the mean of {} repetitions.",
                words::count(self.spec.requests)
            ),
        }
    }

    /// The heading of each column: the policy, then the numbers of servers.
    pub fn head(&self) -> Vec<String> {
        let servers = self
            .spec
            .servers
            .iter()
            .map(|servers| format!("{} servers", words::count(u64::from(*servers))));
        std::iter::once("policy".to_owned()).chain(servers).collect()
    }

    /// A row for each policy, and for balls into bins one for each theory.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let policies = self.spec.policies.iter().map(|policy| {
            let cells = self
                .spec
                .servers
                .iter()
                .map(|servers| self.shown(self.value(policy, *servers)));
            std::iter::once(policy.clone()).chain(cells).collect()
        });
        let mut rows: Vec<Vec<String>> = policies.collect();
        if self.spec.kind == SimulationKind::Bins {
            for (name, theory) in THEORIES {
                let cells = self
                    .spec
                    .servers
                    .iter()
                    .map(|servers| self.shown(Some(theory(f64::from(*servers)))));
                rows.push(std::iter::once(format!("theory: {name}")).chain(cells).collect());
            }
        }
        rows
    }

    /// The figure of one policy with one number of servers.
    pub fn value(&self, policy: &str, servers: u32) -> Option<f64> {
        let mut points = self.points.iter();
        let point = points.find(|point| point.policy == policy && point.servers == servers)?;
        point.figure(self.spec.shows)
    }

    /// A value of its figure.
    fn shown(&self, value: Option<f64>) -> String {
        match (self.spec.shows, value) {
            (_, None) => words::NOTHING.to_owned(),
            (Figure::Lost, Some(value)) => format!("{:.2} %", value * 100.0),
            (Figure::MeanMs | Figure::P99Ms, Some(value)) => in_unit(value, Unit::Ms),
            (Figure::BusiestOverMean, Some(value)) => in_unit(value, Unit::Ratio),
            (Figure::Fullest, Some(value)) => format!("{value:.1}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_stands_beside_balls_in_bins() {
        let [blind, two] = THEORIES.map(|(_, theory)| theory(10_000.0));
        assert!(
            (blind - 4.148).abs() < 0.01 && (two - 3.203).abs() < 0.01,
            "{blind} {two}"
        );
    }
}
