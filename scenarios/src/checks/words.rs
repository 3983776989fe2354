//! What a check allows and what it found, in words.

use crate::plan::Bounds;
use crate::unit::{Unit, in_unit};

pub(super) fn expected(bounds: Bounds, unit: Unit) -> String {
    match (bounds.at_least, bounds.at_most) {
        (Some(low), Some(high)) if low == high => format!("exactly {}", in_unit(low, unit)),
        (Some(low), Some(high)) => format!("{} to {}", in_unit(low, unit), in_unit(high, unit)),
        (Some(low), None) => format!("at least {}", in_unit(low, unit)),
        (None, Some(high)) => format!("at most {}", in_unit(high, unit)),
        (None, None) => "any".to_owned(),
    }
}

pub(super) fn measured(value: f64, interval: Option<(f64, f64)>, unit: Unit) -> String {
    let text = in_unit(value, unit);
    match interval {
        Some((low, high)) => format!("{text} ({} to {})", in_unit(low, unit), in_unit(high, unit)),
        None => text,
    }
}
