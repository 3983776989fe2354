//! A search for the highest rate over all rounds of an arm.

use serde::Serialize;

use crate::plan::SearchSpec;
use crate::state::SearchState;

/// One search of an arm.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchSummary<'a> {
    /// What was planned.
    pub plan: &'a SearchSpec,
    /// (round, what it found), as far as it ran.
    pub rounds: Vec<(u32, &'a SearchState)>,
    /// What it found over all rounds.
    pub found: Found,
}

/// What a search found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Found {
    /// The highest rate within the objective: the geometric mean of the brackets of all rounds. Known only where every round
    /// found both ends: the rounds that found one would speak for those that did not, and a rate that was only seen to be
    /// served is no limit.
    pub max_rate_per_s: Option<f64>,
    /// The lowest of the rates that were seen to hold; none where a round saw none.
    pub within_per_s: Option<f64>,
    /// The highest of the rates that were seen not to hold; none where a round saw none.
    pub beyond_per_s: Option<f64>,
    /// 1 where every round found a rate that does not hold, 0 where one did not; none where nothing was tried.
    pub bracketed: Option<f64>,
}

impl Found {
    /// What the rounds of a search found; one that did not search is none.
    pub fn of(rounds: &[Option<&SearchState>]) -> Self {
        let ends = |end: fn(&SearchState) -> Option<f64>| -> Option<Vec<f64>> {
            rounds.iter().map(|search| end((*search)?)).collect()
        };
        let (within, beyond) = (ends(|search| search.within_per_s), ends(|search| search.beyond_per_s));
        let tried = !rounds.is_empty() && rounds.iter().flatten().all(|search| !search.steps.is_empty());
        let brackets = brackets(rounds);
        let log_sum: f64 = brackets.iter().map(|bracket| inside(*bracket, 0.5).ln()).sum();
        Self {
            max_rate_per_s: (!brackets.is_empty()).then(|| (log_sum / brackets.len() as f64).exp()),
            within_per_s: within.into_iter().flatten().reduce(f64::min),
            bracketed: tried.then(|| f64::from(u8::from(beyond.is_some()))),
            beyond_per_s: beyond.into_iter().flatten().reduce(f64::max),
        }
    }

    /// Whether it says anything of a highest rate.
    pub fn is_nothing(&self) -> bool {
        self.within_per_s.is_none() && self.beyond_per_s.is_none()
    }
}

/// The bracket of each round; nothing where a round has none.
pub(super) fn brackets(rounds: &[Option<&SearchState>]) -> Vec<(f64, f64)> {
    let bracket = |search: &Option<&SearchState>| Some(((*search)?.within_per_s?, (*search)?.beyond_per_s?));
    let all: Option<Vec<(f64, f64)>> = rounds.iter().map(bracket).collect();
    all.unwrap_or_default()
}

/// A rate inside of a bracket: at 0 its lower end, at 1 its upper one, between them on a logarithmic scale.
pub(super) fn inside((within, beyond): (f64, f64), share: f64) -> f64 {
    within * (beyond / within).powf(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(within_per_s: Option<f64>, beyond_per_s: Option<f64>) -> SearchState {
        SearchState {
            within_per_s,
            beyond_per_s,
            ..SearchState::default()
        }
    }

    #[test]
    fn the_highest_rate_is_the_geometric_mean_and_known_only_where_each_round_has_both_ends() {
        let (one, other) = (search(Some(100.0), Some(400.0)), search(Some(50.0), Some(200.0)));
        let both = Found::of(&[Some(&one), Some(&other)]);
        let rate = both.max_rate_per_s.unwrap();
        assert!((rate - (200.0_f64 * 100.0).sqrt()).abs() < 1e-9, "{rate}");
        assert_eq!((both.within_per_s, both.beyond_per_s), (Some(50.0), Some(400.0)));
        let open = search(Some(100.0), None);
        let half = Found::of(&[Some(&one), Some(&open)]);
        assert_eq!(
            (half.max_rate_per_s, half.within_per_s, half.beyond_per_s),
            (None, Some(100.0), None)
        );
        let missing = Found::of(&[Some(&one), None]);
        assert_eq!((missing.max_rate_per_s, missing.is_nothing()), (None, true));
        assert!(Found::of(&[]).is_nothing());
    }
}
