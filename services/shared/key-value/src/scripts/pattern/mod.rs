//! The patterns of Lua 5.1, matched in bounded time and memory.
//!
//! The matcher of Lua itself calls itself for each choice that it may have to take back, without a bound, and looks at no
//! clock: one line of a script ends the process, or keeps it for ever. This one keeps the choices in a list of at most
//! [`CHOICES_MAX`], and asks its caller every [`STEPS`] steps whether it may go on. What matches is the same; see section
//! 5.4.1 of the [manual](https://www.lua.org/manual/5.1/manual.html#5.4.1).

mod class;
mod matcher;

pub(super) use matcher::{Capture, Found, search};

/// How many choices may be open at a time.
const CHOICES_MAX: usize = 100_000;
/// How many captures a pattern may have, as in Lua.
const CAPTURES_MAX: usize = 32;
/// How many letters are looked at between two questions whether to go on.
const STEPS: usize = 100_000;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// The pattern is none, or is too much.
    Malformed(&'static str),
    /// The caller did not let the search go on.
    Stopped(mlua::Error),
}

/// Counts the steps of a search, and asks from time to time whether it may go on.
pub(super) struct Pace<'a> {
    steps: usize,
    may_go_on: &'a dyn Fn() -> mlua::Result<()>,
}

impl<'a> Pace<'a> {
    pub(super) fn new(may_go_on: &'a dyn Fn() -> mlua::Result<()>) -> Self {
        Self { steps: 0, may_go_on }
    }

    fn step(&mut self, letters: usize) -> Result<(), Fault> {
        self.steps += letters;
        if self.steps >= STEPS {
            self.steps = 0;
            (self.may_go_on)().map_err(Fault::Stopped)?;
        }
        Ok(())
    }
}

/// Looks for text, from a place on.
///
/// # Errors
/// When it may not go on.
pub(super) fn find_text(text: &[u8], wanted: &[u8], from: usize, pace: &mut Pace<'_>) -> Result<Option<usize>, Fault> {
    let Some(first) = wanted.first() else {
        return Ok(Some(from));
    };
    let mut next = from;
    while let Some(skipped) = text[next..].iter().position(|letter| letter == first) {
        let place = next + skipped;
        let Some(candidate) = text.get(place..place + wanted.len()) else {
            break;
        };
        let equal = candidate.iter().zip(wanted).take_while(|(a, b)| a == b).count();
        if equal == wanted.len() {
            return Ok(Some(place));
        }
        pace.step(skipped + equal)?;
        next = place + 1;
    }
    Ok(None)
}

/// The letter at a place; zero behind the end, as a string of C has it.
fn at(text: &[u8], place: usize) -> u8 {
    text.get(place).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests;
