//! Axes as mathematics: where a value lies, and which values get a tick.

/// Maps values to positions. Positions are finite for every input: what lies outside is drawn at the edge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    log: bool,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

/// The smallest value of a logarithmic axis.
const LOG_MIN: f64 = 1e-6;
/// The largest value of any axis: beyond it steps would be lost to rounding.
const MAX: f64 = 1e15;

impl Scale {
    /// A linear axis from `low` to `high`, drawn between the positions of `range`.
    pub(super) fn linear(low: f64, high: f64, range: (f64, f64)) -> Self {
        let low = if low.is_finite() { low.clamp(-MAX, MAX) } else { 0.0 };
        let high = if high.is_finite() && high.min(MAX) > low {
            high.min(MAX)
        } else {
            low + 1.0
        };
        Self {
            log: false,
            low,
            high,
            from: range.0,
            to: range.1,
        }
    }

    /// A logarithmic axis that holds `low` to `high` and begins and ends at 1, 2 or 5 times a power of ten.
    pub(super) fn log(low: f64, high: f64, range: (f64, f64)) -> Self {
        let low = if low.is_finite() { low.clamp(LOG_MIN, MAX) } else { 1.0 };
        let high = if high.is_finite() { high.min(MAX).max(low) } else { low };
        let low = steps(&[1.0, 2.0, 5.0], low / 10.0, low * 1.000_001)
            .last()
            .copied()
            .unwrap_or(low);
        let first_above = steps(&[1.0, 2.0, 5.0], high * 0.999_999, high * 11.0).first().copied();
        let high = first_above.filter(|above| *above > low).unwrap_or(low * 10.0);
        Self {
            log: true,
            low,
            high,
            from: range.0,
            to: range.1,
        }
    }

    /// The position of a value.
    pub(super) fn at(&self, value: f64) -> f64 {
        let share = if self.log {
            (value.max(LOG_MIN) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        self.from + share * (self.to - self.from)
    }

    /// Where the axis begins.
    pub(super) fn low(&self) -> f64 {
        self.low
    }

    /// Where it ends.
    pub(super) fn high(&self) -> f64 {
        self.high
    }

    /// The values that get a tick: round ones, some four to nine.
    pub(super) fn ticks(&self) -> Vec<f64> {
        if !self.log {
            return self.linear_ticks();
        }
        let (low, high) = (self.low * 0.999_999, self.high * 1.000_001);
        let decades = (self.high / self.low).log10();
        let mantissas: &[f64] = if decades <= 2.4 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let ticks = steps(mantissas, low, high);
        let every = ticks.len().div_ceil(9).max(1);
        ticks.into_iter().step_by(every).collect()
    }

    fn linear_ticks(&self) -> Vec<f64> {
        let rough = (self.high - self.low) / 5.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|by| by * power)
            .into_iter()
            .find(|step| *step >= rough * 0.999);
        let step = step.unwrap_or(rough);
        let first = (self.low / step).ceil();
        (0..12)
            .map(|n| (first + f64::from(n)) * step)
            .take_while(|tick| *tick <= self.high + step * 1e-9)
            .collect()
    }
}

/// The given multiples of powers of ten between two positive values.
fn steps(mantissas: &[f64], low: f64, high: f64) -> Vec<f64> {
    let first = low.log10().floor() as i32;
    let last = high.log10().ceil() as i32;
    (first..=last)
        .flat_map(|power| mantissas.iter().map(move |by| by * 10_f64.powi(power)))
        .filter(|value| *value >= low && *value <= high)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EXTREMES: &[f64] = &[
        f64::MIN,
        -1.0,
        -0.0,
        0.0,
        f64::MIN_POSITIVE,
        1e-300,
        1.0,
        1e15,
        1e300,
        f64::MAX,
        f64::INFINITY,
        f64::NAN,
    ];

    fn near(ticks: &[f64], expected: &[f64]) -> bool {
        ticks.len() == expected.len() && ticks.iter().zip(expected).all(|(a, b)| (a / b - 1.0).abs() < 1e-9)
    }

    #[test]
    fn ticks_are_round() {
        let narrow = Scale::log(3.0, 40.0, (0.0, 100.0));
        assert!(
            near(&narrow.ticks(), &[2.0, 5.0, 10.0, 20.0, 50.0]),
            "{:?}",
            narrow.ticks()
        );
        let wide = Scale::log(0.3, 2900.0, (0.0, 100.0));
        assert!(near(&wide.ticks(), &[1.0, 10.0, 100.0, 1000.0]), "{:?}", wide.ticks());
        assert!(near(
            &Scale::linear(0.0, 24.0, (0.0, 1.0)).ticks()[1..],
            &[5.0, 10.0, 15.0, 20.0]
        ));
    }

    #[test]
    fn a_decade_is_a_decade() {
        let scale = Scale::log(1.0, 100.0, (0.0, 100.0));
        assert!((scale.at(10.0) - 50.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn every_value_has_a_finite_place(
            low in prop::num::f64::ANY, high in prop::num::f64::ANY, value in prop::num::f64::ANY,
        ) {
            for scale in [Scale::linear(low, high, (10.0, 90.0)), Scale::log(low, high, (10.0, 90.0))] {
                prop_assert!((10.0..=90.0).contains(&scale.at(value)));
                prop_assert!(scale.ticks().len() <= 12);
            }
        }

        #[test]
        fn extreme_ends_have_few_ticks(low in prop::sample::select(EXTREMES), high in prop::sample::select(EXTREMES)) {
            for scale in [Scale::linear(low, high, (0.0, 1.0)), Scale::log(low, high, (0.0, 1.0))] {
                prop_assert!(scale.ticks().len() <= 12 && scale.at(1.0).is_finite());
            }
        }

        #[test]
        fn a_log_axis_holds_its_values(low in 1e-3_f64..1e5, factor in 1.0_f64..1e6) {
            let scale = Scale::log(low, low * factor, (0.0, 1.0));
            prop_assert!(scale.low() <= low * 1.000_002 && scale.high() >= low * factor * 0.999_998);
            prop_assert!(scale.ticks().len() >= 2, "{:?}", scale);
        }
    }
}
