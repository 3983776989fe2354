//! Text with places that a run's own numbers fill (minijinja): sections of lessons, and answers to guesses.

use minijinja::value::{Serde, Value};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};

use crate::expression::Scope;
use crate::format::is_hidden;
use crate::unit::{Unit, in_unit};

/// What a template may cost: about so many instructions, or 64 bytes of text for each.
const FUEL: u64 = 100_000;
/// What stands in the place of a figure that the run has not.
pub(crate) const NOT_MEASURED: &str = "(not measured)";
/// How deep macros and loops may call themselves.
const DEPTH_MAX: usize = 50;

/// A template with a run's numbers in its places.
///
/// # Errors
/// When it refers to something that was not measured, takes too long or writes hidden characters.
pub(crate) fn filled(template: &str, scope: &Scope) -> Result<String, Wrong> {
    let told = environment()
        .render_str(template, Value::from(Serde(scope)))
        .map_err(|error| Wrong::from(&error))?;
    match told.chars().find(|character| is_hidden(*character)) {
        None => Ok(told),
        Some(character) => Err(Wrong {
            line: None,
            message: format!("it writes the hidden character U+{:04X}", u32::from(character)),
        }),
    }
}

/// Why a template tells nothing.
pub(crate) struct Wrong {
    /// Line of the template, from 1.
    pub(crate) line: Option<usize>,
    /// What is wrong.
    pub(crate) message: String,
}

impl From<&Error> for Wrong {
    fn from(error: &Error) -> Self {
        let message = match error.kind() {
            ErrorKind::OutOfFuel => "the template does or writes too much".to_owned(),
            kind => error.detail().map_or_else(|| kind.to_string(), str::to_owned),
        };
        Self {
            line: error.line(),
            message,
        }
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(DEPTH_MAX);
    for (name, unit) in [
        ("ms", Unit::Ms),
        ("share", Unit::Share),
        ("per_s", Unit::PerS),
        ("times", Unit::Ratio),
        ("count", Unit::Count),
    ] {
        environment.add_filter(name, move |value: Value| written(&value, unit));
    }
    environment
}

fn written(value: &Value, unit: Unit) -> Result<String, Error> {
    if value.is_none() {
        return Ok(NOT_MEASURED.to_owned());
    }
    f64::try_from(value.clone())
        // A unit stays on the line of its number.
        .map(|number| in_unit(number, unit).replace(' ', "\u{a0}"))
        .map_err(|_| Error::new(ErrorKind::InvalidOperation, format!("{value} is not a number")))
}
