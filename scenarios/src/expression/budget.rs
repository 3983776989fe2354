//! What an expression may cost. CEL ends always, and may yet take years: each `all()` inside another multiplies. The
//! evaluation itself has no limit, so the cost is worked out from the expression before it is evaluated.

use cel::IdedExpr;
use cel::common::ast::{ComprehensionExpr, EntryExpr, Expr};

/// The longest expression, in bytes.
pub(super) const LENGTH_MAX: usize = 2_000;
/// How deep parts may stand in one another.
const DEPTH_MAX: usize = 60;
/// The most parts that may be evaluated, over all turns of its loops.
const STEPS_MAX: u64 = 20_000;
/// How many elements a collection is taken to have whose length is not written down: a measured map has one for each
/// instance, class or window.
const ELEMENTS: u64 = 200;
/// What `mmc_mean_ms` costs: it counts up to its number of servers.
const QUEUE_STEPS: u64 = 200;

/// Refuses a text that is too long or too nested to be taken apart.
///
/// # Errors
/// What is too much, in one sentence.
pub(super) fn check_text(source: &str) -> Result<(), String> {
    if source.len() > LENGTH_MAX {
        return Err(format!(
            "the expression is {} bytes long; at most {LENGTH_MAX} are evaluated",
            source.len()
        ));
    }
    let mut depth = 0_usize;
    for byte in source.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return Err(too_deep());
        }
    }
    Ok(())
}

/// Refuses an expression that is too deep or takes too many steps.
///
/// # Errors
/// What is too much, in one sentence.
pub(super) fn check(expression: &IdedExpr) -> Result<(), String> {
    match steps(expression, 0) {
        None => Err(too_deep()),
        Some(steps) if steps > STEPS_MAX => Err(format!(
            "the expression could take {steps} steps; at most {STEPS_MAX} are evaluated: put fewer loops such as all() \
             and filter() into one another"
        )),
        Some(_) => Ok(()),
    }
}

fn too_deep() -> String {
    format!("more than {DEPTH_MAX} parts of the expression are nested")
}

/// The most parts that are evaluated; none when the expression is too deep.
fn steps(expression: &IdedExpr, depth: usize) -> Option<u64> {
    if depth > DEPTH_MAX {
        return None;
    }
    let of = |part: &IdedExpr| steps(part, depth + 1);
    match &expression.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Some(1),
        Expr::Select(select) => Some(of(&select.operand)?.saturating_add(1)),
        Expr::List(list) => sum(&list.elements, &of),
        Expr::Call(call) => {
            let own = if call.func_name == "mmc_mean_ms" {
                QUEUE_STEPS
            } else {
                0
            };
            let target = call.target.as_deref().map_or(Some(0), of)?;
            Some(sum(&call.args, &of)?.saturating_add(target).saturating_add(own))
        }
        Expr::Map(map) => sum(map.entries.iter().flat_map(|entry| parts(&entry.expr)), &of),
        Expr::Struct(made) => sum(made.entries.iter().flat_map(|entry| parts(&entry.expr)), &of),
        Expr::Comprehension(looped) => {
            let ComprehensionExpr {
                iter_range,
                accu_init,
                loop_cond,
                loop_step,
                result,
                ..
            } = looped.as_ref();
            let turn = of(loop_cond)?.saturating_add(of(loop_step)?);
            let once = sum([iter_range, accu_init, result], &of)?;
            Some(turn.saturating_mul(elements(iter_range)).saturating_add(once))
        }
    }
}

/// One for the whole and what its parts take; none when one of them is too deep.
fn sum<'a>(parts: impl IntoIterator<Item = &'a IdedExpr>, of: &impl Fn(&IdedExpr) -> Option<u64>) -> Option<u64> {
    parts
        .into_iter()
        .try_fold(1_u64, |sum, part| Some(sum.saturating_add(of(part)?)))
}

/// The parts of an entry of a map or a structure.
fn parts(entry: &EntryExpr) -> impl Iterator<Item = &IdedExpr> {
    let (key, value) = match entry {
        EntryExpr::StructField(field) => (None, &field.value),
        EntryExpr::MapEntry(entry) => (Some(&entry.key), &entry.value),
    };
    key.into_iter().chain([value])
}

/// How many elements a loop goes over at most.
fn elements(range: &IdedExpr) -> u64 {
    match &range.expr {
        Expr::List(list) => list.elements.len() as u64,
        Expr::Map(map) => map.entries.len() as u64,
        Expr::Comprehension(looped) => elements(&looped.iter_range),
        Expr::Call(call) if call.func_name == "_+_" => call.args.iter().map(elements).fold(0, u64::saturating_add),
        Expr::Call(call) if call.func_name == "_?_:_" => call.args.iter().map(elements).max().unwrap_or(0),
        _ => ELEMENTS,
    }
}
