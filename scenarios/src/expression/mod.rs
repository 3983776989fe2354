//! Expressions of scenario files: CEL (Common Expression Language) over measured values and parameters.
//!
//! All numbers are floating point, since CEL never mixes whole and fractional numbers: write `2.0 * params.rate`.
//! What an expression may cost is bounded before it is evaluated.

mod budget;
mod paths;

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use cel::{Context, Env, ExecutionError, Program, Value};
use serde_json::Map;

pub use paths::Path;

use crate::theory;

/// What is said of a value that is missing.
const NOT_MEASURED: &str = "it has no value: nothing was measured for it";

/// The functions and operators of the language itself.
static LANGUAGE: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// A compiled expression that gives a number.
pub struct Expression {
    source: String,
    program: Program,
}

/// The names that an expression may use: arms, `params`, `cores`, …
pub type Scope = Map<String, serde_json::Value>;

impl Expression {
    /// Compiles an expression; the error is one line of plain words.
    ///
    /// # Errors
    /// When the text is not a CEL expression, or one that could take too long.
    pub fn compile(source: &str) -> Result<Self, String> {
        budget::check_text(source)?;
        let program = Program::compile(source).map_err(|errors| {
            let first = errors.errors.first();
            first.map_or_else(
                || "it is not an expression".to_owned(),
                |error| format!("not an expression, at its column {}: {}", error.pos.1, error.msg),
            )
        })?;
        budget::check(program.expression())?;
        Ok(Self {
            source: source.to_owned(),
            program,
        })
    }

    /// Whether it speaks of this name.
    pub fn mentions(&self, name: &str) -> bool {
        self.program.references().has_variable(name)
    }

    /// The places in the scope that it reads; one stands for all that lies below it.
    pub fn paths(&self) -> BTreeSet<Path> {
        paths::paths(self.program.expression())
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Evaluates the expression to a finite number.
    ///
    /// # Errors
    /// When a name is unknown, a value is missing (`null`: nothing was measured), types do not fit, or the
    /// result is no finite number.
    pub fn number(&self, scope: &Scope) -> Result<f64, String> {
        self.number_with(&Functions::new()?, scope)
    }

    /// The same with functions made once, for whoever evaluates it many times.
    ///
    /// # Errors
    /// As [`Self::number`].
    pub(crate) fn number_with(&self, functions: &Functions, scope: &Scope) -> Result<f64, String> {
        let mut context = functions.0.new_inner_scope();
        let references = self.program.references();
        for (name, value) in scope.iter().filter(|(name, _)| references.has_variable(name)) {
            context
                .add_variable(name.as_str(), measured(value))
                .map_err(|error| error.to_string())?;
        }
        let value = self
            .program
            .execute(&context)
            .map_err(|error| in_plain_words(&error, scope))?;
        let number = match value {
            Value::Float(number) => number,
            Value::Int(number) => number as f64,
            Value::UInt(number) => number as f64,
            Value::Bool(truth) => f64::from(u8::from(truth)),
            Value::Null => return Err(NOT_MEASURED.to_owned()),
            other => return Err(format!("it gives {}, not a number", other.type_of())),
        };
        if number.is_finite() {
            Ok(number)
        } else {
            Err("it is not a finite number (a division by zero, say)".to_owned())
        }
    }
}

/// The functions of the language and the laboratory's own.
pub(crate) struct Functions(Context<'static, 'static>);

impl Functions {
    /// All of them.
    ///
    /// # Errors
    /// When two have one name, which only a defect of the lab can cause.
    pub(crate) fn new() -> Result<Self, String> {
        let mut context = Context::with_env(LANGUAGE.clone());
        add_functions(&mut context).map_err(|error| error.to_string())?;
        Ok(Self(context))
    }
}

/// A value without what was not measured. An expression that needs such a thing must fail: a `null` is not equal to
/// anything, so that `failed == 0.0` would be false and look like a measurement.
fn measured(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(map) => {
            let known = map.iter().filter(|(_, value)| !value.is_null());
            known.map(|(name, value)| (name.clone(), measured(value))).collect()
        }
        other => other.clone(),
    }
}

/// Whether something of this name was to be measured, and was not.
fn is_missing(name: &str, value: &serde_json::Value) -> bool {
    let serde_json::Value::Object(map) = value else {
        return false;
    };
    map.iter()
        .any(|(key, value)| (key == name && value.is_null()) || is_missing(name, value))
}

fn add_functions(context: &mut Context<'_, '_>) -> Result<(), cel::DeclarationError> {
    context.add_function("min", f64::min)?;
    context.add_function("max", f64::max)?;
    context.add_function("abs", f64::abs)?;
    context.add_function("ln", f64::ln)?;
    context.add_function("mmc_mean_ms", mmc_mean_ms)
}

fn mmc_mean_ms(rate_per_s: f64, service_ms: f64, servers: f64) -> Result<f64, ExecutionError> {
    if servers > f64::from(theory::SERVERS_MAX) {
        let why = format!(
            "{servers} servers; it counts up to them, and at most to {}",
            theory::SERVERS_MAX
        );
        return Err(ExecutionError::function_error("mmc_mean_ms", why));
    }
    Ok(theory::mmc_mean_response_ms(rate_per_s, service_ms, servers))
}

fn in_plain_words(error: &ExecutionError, scope: &Scope) -> String {
    use ExecutionError::{FunctionError, NoSuchKey, NoSuchOverload, UndeclaredReference, UnsupportedBinaryOperator};
    match error {
        NoSuchKey(key) if scope.values().any(|value| is_missing(key, value)) => NOT_MEASURED.to_owned(),
        NoSuchKey(key) => format!("there is no `{key}` there"),
        UndeclaredReference(name) => format!("there is no `{name}`"),
        FunctionError { function, message } => format!("{function}: {message}"),
        UnsupportedBinaryOperator(_, Value::Null, _) | UnsupportedBinaryOperator(_, _, Value::Null) => {
            NOT_MEASURED.to_owned()
        }
        UnsupportedBinaryOperator(..) => {
            format!("{error}; write whole numbers with a point, such as 2.0")
        }
        NoSuchOverload(_) if error.to_string().contains("null") => NOT_MEASURED.to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn scope() -> Scope {
        let serde_json::Value::Object(map) = json!({
            "params": { "rate": 200.0 },
            "one": { "work": { "p99": 12.5, "p50": null } },
            "cores": 2.0,
        }) else {
            unreachable!("it is an object")
        };
        map
    }

    fn number(source: &str) -> Result<f64, String> {
        Expression::compile(source)?.number(&scope())
    }

    #[test]
    fn numbers_come_out() {
        assert_eq!(number("one.work.p99 / 2.5"), Ok(5.0));
        assert_eq!(number("min(params.rate, cores)"), Ok(2.0));
        assert_eq!(number("one.work.p99 > 10.0"), Ok(1.0));
        assert_eq!(number("one.work.p99 > 10.0 ? 3.0 : 4.0"), Ok(3.0));
    }

    #[test]
    fn what_was_not_measured_is_not_equal_to_anything() {
        for source in [
            "one.work.p50 == 0.0",
            "one.work.p50 != 0.0",
            "one.work.p50 == 1.0 ? 1.0 : 0.0",
            "!(one.work.p50 > 1.0)",
        ] {
            assert!(number(source).unwrap_err().contains("nothing was measured"), "{source}");
        }
    }

    #[test]
    fn mistakes_are_said_in_plain_words() {
        assert!(number("one.work.p98").unwrap_err().contains("no `p98`"));
        assert!(number("two.work").unwrap_err().contains("no `two`"));
        assert!(
            number("params.rate * 2").unwrap_err().contains("2.0"),
            "{}",
            number("params.rate * 2").unwrap_err()
        );
        assert!(
            number("one.work.p50 * 2.0")
                .unwrap_err()
                .contains("nothing was measured")
        );
        assert!(number("one.work.p50").unwrap_err().contains("nothing was measured"));
        assert!(number("one.work").unwrap_err().contains("not a number"));
        assert!(number("one.work.p99 / 0.0").unwrap_err().contains("finite"));
        assert!(Expression::compile("1 +").is_err());
    }

    /// Loops in one another over lists of eight, with `inside` in the middle.
    fn nested(depth: usize, inside: &str) -> String {
        (0..depth).fold(inside.to_owned(), |inner, level| {
            format!("[1,2,3,4,5,6,7,8].all(v{level}, {inner})")
        })
    }

    #[test]
    fn what_could_take_too_long_is_refused_before_it_is_evaluated() {
        for (source, expected) in [
            (nested(10, "true"), "steps"),
            (nested(4, "mmc_mean_ms(1.0, 1.0, 9999.0) > 0.0"), "steps"),
            ("one.all(a, one.all(b, one.all(c, true)))".to_owned(), "steps"),
            (format!("{}true{}", "(".repeat(500), ")".repeat(500)), "are nested"),
            (format!("one{}", ".a".repeat(500)), "are nested"),
            (format!("1.0{}", " + 1.0".repeat(300)), "are nested"),
            (format!("{}1.0", "true ? 1.0 : ".repeat(70)), "are nested"),
            ("1.0 + ".repeat(400), "bytes long"),
            ("mmc_mean_ms(1.0, 1.0, 1e9)".to_owned(), "at most to 10000"),
            ("mmc_mean_ms(1.0, 1.0, 1.0/0.0)".to_owned(), "at most to 10000"),
        ] {
            let said = number(&source).unwrap_err();
            assert!(said.contains(expected), "{source}: {said}");
        }
    }

    #[test]
    fn loops_of_a_reasonable_size_are_evaluated() {
        assert_eq!(number(&format!("{} ? 1.0 : 0.0", nested(2, "true"))), Ok(1.0));
        assert_eq!(number("double(size(['p99'].filter(k, one.work[k] > 1.0)))"), Ok(1.0));
        assert_eq!(number("mmc_mean_ms(90.0, 10.0, 1.0)").map(f64::round), Ok(100.0));
    }
}
