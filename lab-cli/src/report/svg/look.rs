//! What all charts have in common.

/// Width of every chart in its own units; the page scales it.
pub(super) const WIDTH: f64 = 560.0;
/// As many series look different by colour and dash.
pub(super) const STYLES: usize = 7;
