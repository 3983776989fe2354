//! How far a measured value could have come out differently.

use crate::expression::{Expression, Scope};
use crate::plan::Plan;
use crate::state::RunState;
use crate::values::{Resample, resampled_scope};

/// How many times the measurement is drawn again.
pub(crate) const DRAWS: u64 = 200;

/// The scopes of all draws from a seed, made once for all checks of a run.
pub(crate) fn draws(plan: &Plan, state: &RunState, seed: u64) -> Vec<Scope> {
    (0..DRAWS)
        .map(|draw| resampled_scope(plan, state, &Resample::draw(plan, state, seed.wrapping_add(draw))))
        .collect()
}

/// The 95 % percentile interval of an expression over the draws, widened to hold the value itself.
///
/// None when the value is the same in every draw (a count).
///
/// # Errors
/// When too few draws gave a value: so little was measured that nobody knows how far it could have come out differently.
pub(super) fn interval(expression: &Expression, value: f64, draws: &[Scope]) -> Result<Option<(f64, f64)>, String> {
    let mut values: Vec<f64> = draws.iter().filter_map(|scope| expression.number(scope).ok()).collect();
    if values.len() < draws.len() / 2 {
        return Err("too little was measured: had it been measured again, it would often have no value".to_owned());
    }
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    let (low, high) = (at(0.025).min(value), at(0.975).max(value));
    Ok((low < high).then_some((low, high)))
}
