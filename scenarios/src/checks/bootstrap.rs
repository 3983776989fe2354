//! How far a measured value could have come out differently.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::expression::{Expression, Functions, Path, Scope};
use crate::summary::{Drawn, Measured, draw};

/// How many times the measurement is drawn again.
pub(crate) const DRAWS: u64 = 2_000;

/// A measurement that was drawn again many times, for the expressions that read it.
pub(crate) struct Bootstrap<'a> {
    /// What was measured.
    scope: &'a Scope,
    /// What came out differently in the draws.
    drawn: Drawn,
}

impl<'a> Bootstrap<'a> {
    /// Draws, once for all these expressions, what they read; the same seed gives the same draws.
    pub(crate) fn of<'e>(
        measured: &Measured<'_>,
        scope: &'a Scope,
        expressions: impl IntoIterator<Item = &'e Expression>,
        seed: u64,
    ) -> Self {
        let places: BTreeSet<Path> = expressions.into_iter().flat_map(Expression::paths).collect();
        Self {
            scope,
            drawn: draw(measured, scope, &places, DRAWS, seed),
        }
    }

    /// The value of one of the expressions in each draw, none where it has no value there; nothing when all that it reads is
    /// the same in every draw (a count).
    pub(crate) fn values(&self, expression: &Expression) -> Option<Vec<Option<f64>>> {
        let paths = expression.paths();
        let is_read = |place: &&Path| paths.iter().any(|path| place.starts_with(path));
        let drawn: Vec<(&Path, &Vec<Option<f64>>)> = self.drawn.iter().filter(|(place, _)| is_read(place)).collect();
        if drawn.is_empty() {
            return None;
        }
        let functions = Functions::new().ok()?;
        let mut scope = pruned(self.scope, &paths);
        let value = |draw: usize| {
            for (place, values) in &drawn {
                if let Some(slot) = slot(&mut scope, place) {
                    *slot = values[draw].into();
                }
            }
            expression.number_with(&functions, &scope).ok()
        };
        Some((0..DRAWS as usize).map(value).collect())
    }

    /// The 95 % percentile interval of an expression, widened to hold the value itself.
    ///
    /// None when the value is the same in every draw.
    ///
    /// # Errors
    /// When too few draws gave a value: so little was measured that nobody knows how far it could have come out differently.
    pub(super) fn interval(&self, expression: &Expression, value: f64) -> Result<Option<(f64, f64)>, String> {
        let Some(drawn) = self.values(expression) else {
            return Ok(None);
        };
        let (low, high) =
            middle(drawn).ok_or("too little was measured: had it been measured again, it would often have no value")?;
        let (low, high) = (low.min(value), high.max(value));
        Ok((low < high).then_some((low, high)))
    }
}

/// The middle 95 % of the values of all draws; none where fewer than half of the draws have one.
pub(crate) fn middle(drawn: Vec<Option<f64>>) -> Option<(f64, f64)> {
    let draws = drawn.len();
    let mut values: Vec<f64> = drawn.into_iter().flatten().collect();
    if values.is_empty() || values.len() < draws / 2 {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    Some((at(0.025), at(0.975)))
}

/// Of a scope only what lies at or below these places.
fn pruned(scope: &Scope, paths: &BTreeSet<Path>) -> Scope {
    let mut kept = Scope::new();
    for path in paths {
        keep(scope, path, &mut kept);
    }
    kept
}

fn keep(from: &Scope, path: &[String], kept: &mut Scope) {
    let [name, below @ ..] = path else { return };
    match (from.get(name), below) {
        (Some(value), []) => drop(kept.insert(name.clone(), value.clone())),
        (Some(Value::Object(map)), below) => {
            let inner = kept.entry(name.clone()).or_insert_with(|| Value::Object(Scope::new()));
            if let Value::Object(inner) = inner {
                keep(map, below, inner);
            }
        }
        _ => {}
    }
}

fn slot<'a>(scope: &'a mut Scope, place: &Path) -> Option<&'a mut Value> {
    let (first, fields) = place.split_first()?;
    let first = scope.get_mut(first)?;
    fields.iter().try_fold(first, |value, field| value.get_mut(field))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_expression_reads_is_kept_and_nothing_else() {
        let Value::Object(scope) = json!({ "a": { "b": { "c": 1.0, "d": 2.0 }, "e": 3.0 }, "f": 4.0 }) else {
            panic!("it is an object")
        };
        let path = |text: &str| text.split('.').map(str::to_owned).collect::<Path>();
        let kept = |paths: &[&str]| Value::Object(pruned(&scope, &paths.iter().map(|text| path(text)).collect()));
        assert_eq!(
            kept(&["a.b.c", "f", "x.y"]),
            json!({ "a": { "b": { "c": 1.0 } }, "f": 4.0 })
        );
        assert_eq!(
            kept(&["a", "a.e"]),
            json!({ "a": { "b": { "c": 1.0, "d": 2.0 }, "e": 3.0 } })
        );
    }

    #[test]
    fn the_middle_needs_a_value_in_half_of_the_draws() {
        let values = |some: usize| (0..100).map(|at| (at < some).then_some(at as f64)).collect::<Vec<_>>();
        assert_eq!(middle(values(100)), Some((2.0, 97.0)));
        assert!(middle(values(49)).is_none() && middle(values(50)).is_some());
    }
}
