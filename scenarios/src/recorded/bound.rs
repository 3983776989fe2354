//! The sizes that numbers of a recording may have: far beyond any run, and small enough for the sums over one.

use load::Histogram;

/// Whether it may be so; else what is wrong, in one sentence.
pub(super) type Checked = Result<(), String>;

/// The most of anything that is counted. A sum over a recording of a billion numbers fits.
const COUNT_MAX: u64 = 10_000_000_000;
/// The longest time, seconds: a year.
const SECONDS_MAX: f64 = 366.0 * 86_400.0;
/// The largest number that stands for anything else.
const NUMBER_MAX: f64 = 1e15;

/// A number of things.
pub(super) fn count(what: &str, number: u64) -> Checked {
    at_most(what, number, COUNT_MAX)
}

/// A whole number up to another.
pub(super) fn at_most(what: &str, number: u64, max: u64) -> Checked {
    if number <= max {
        Ok(())
    } else {
        Err(format!("{what} is {number}, and at most {max} can be"))
    }
}

/// A place in a list.
pub(super) fn index(what: &str, index: usize, length: usize) -> Checked {
    if index < length {
        Ok(())
    } else {
        Err(format!("{what} is {index}, and there are {length}, counted from 0"))
    }
}

/// A number between two others.
pub(super) fn within(what: &str, number: f64, min: f64, max: f64) -> Checked {
    if (min..=max).contains(&number) {
        Ok(())
    } else {
        Err(format!("{what} is {number:e}, and must be from {min:e} to {max:e}"))
    }
}

/// A time that passed, in seconds.
pub(super) fn seconds(what: &str, seconds: f64) -> Checked {
    within(what, seconds, 0.0, SECONDS_MAX)
}

/// A time that passed, in milliseconds.
pub(super) fn ms(what: &str, ms: f64) -> Checked {
    within(what, ms, 0.0, SECONDS_MAX * 1e3)
}

/// The same as a whole number.
pub(super) fn time_ms(what: &str, ms: u64) -> Checked {
    at_most(what, ms, (SECONDS_MAX * 1e3) as u64)
}

/// A time in nanoseconds.
pub(super) fn time_ns(what: &str, ns: u64) -> Checked {
    at_most(what, ns, (SECONDS_MAX * 1e9) as u64)
}

/// A share of a whole.
pub(super) fn share(what: &str, share: f64) -> Checked {
    within(what, share, 0.0, 1.0)
}

/// A number that is not below zero: a rate, a figure.
pub(super) fn figure(what: &str, number: f64) -> Checked {
    within(what, number, 0.0, NUMBER_MAX)
}

/// Any number of a sensible size.
pub(super) fn number(what: &str, number: f64) -> Checked {
    within(what, number, -NUMBER_MAX, NUMBER_MAX)
}

/// One that may be missing.
pub(super) fn maybe<T>(check: fn(&str, T) -> Checked, what: &str, number: Option<T>) -> Checked {
    number.map_or(Ok(()), |number| check(what, number))
}

/// The counts of a histogram.
pub(super) fn histogram(what: &str, histogram: &Histogram) -> Checked {
    count(what, histogram.count())
}
