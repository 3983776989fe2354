//! The frame of a chart: grid, ticks and what the axes mean.

use scenarios::unit::{Unit, in_unit};

use super::WIDTH;
use super::canvas::{Anchor, Canvas};
use super::scale::Scale;

/// The part of a picture that holds the data.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    /// Left edge.
    pub(super) left: f64,
    /// Right edge.
    pub(super) right: f64,
    /// Upper edge.
    pub(super) top: f64,
    /// Lower edge.
    pub(super) bottom: f64,
}

impl Area {
    /// With room for labels on the left and below.
    pub(super) fn new(top: f64, bottom: f64) -> Self {
        Self {
            left: 76.0,
            right: WIDTH - 22.0,
            top,
            bottom,
        }
    }

    /// The positions of a horizontal axis.
    pub(super) fn across(&self) -> (f64, f64) {
        (self.left, self.right)
    }

    /// The positions of a vertical axis: larger values are higher up.
    pub(super) fn upwards(&self) -> (f64, f64) {
        (self.bottom, self.top)
    }

    /// Draws a horizontal axis below the data.
    pub(super) fn x_axis(&self, canvas: &mut Canvas, scale: &Scale, label: &str, text: impl Fn(f64) -> String) {
        for tick in scale.ticks() {
            let x = scale.at(tick);
            canvas.line("grid", (x, self.top), (x, self.bottom));
            canvas.tick_below((x, self.bottom + 16.0), &text(tick));
        }
        canvas.line("axis", (self.left, self.bottom), (self.right, self.bottom));
        canvas.text(
            "label",
            (f64::midpoint(self.left, self.right), self.bottom + 34.0),
            Anchor::Middle,
            label,
        );
    }

    /// Draws a vertical axis to the left of the data.
    pub(super) fn y_axis(&self, canvas: &mut Canvas, scale: &Scale, label: &str, text: impl Fn(f64) -> String) {
        for tick in scale.ticks() {
            let y = scale.at(tick);
            canvas.line("grid", (self.left, y), (self.right, y));
            canvas.text("tick", (self.left - 6.0, y + 4.0), Anchor::End, &text(tick));
        }
        canvas.line("axis", (self.left, self.top), (self.left, self.bottom));
        canvas.text_upwards("label", (13.0, f64::midpoint(self.top, self.bottom)), label);
    }
}

/// A latency at a tick: `100 µs`, `1 ms`, `10 s`.
pub(in crate::report) fn ms(value: f64) -> String {
    in_unit(value, Unit::Ms)
}

/// A time at a tick.
pub(super) fn seconds(value: f64) -> String {
    format!("{} s", in_unit(value, Unit::Count))
}

/// A bare number at a tick.
pub(in crate::report) fn number(value: f64) -> String {
    in_unit(value, Unit::Count)
}
