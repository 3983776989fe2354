//! Which values an expression reads, told from its text alone.

use std::collections::BTreeSet;

use cel::IdedExpr;
use cel::common::ast::operators::INDEX;
use cel::common::ast::{EntryExpr, Expr, LiteralValue};

/// A place in the scope: a name, and the fields below it.
pub type Path = Vec<String>;

/// The places that an expression reads. Where it goes on by something that is only known when it is evaluated
/// (`one.work[k]`), the place before that stands for all that lies below.
pub(super) fn paths(expression: &IdedExpr) -> BTreeSet<Path> {
    let mut found = BTreeSet::new();
    collect(expression, &mut found);
    found
}

fn collect(expression: &IdedExpr, found: &mut BTreeSet<Path>) {
    if let Some(path) = place(expression) {
        found.insert(path);
        return;
    }
    match &expression.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
        Expr::Select(select) => collect(&select.operand, found),
        Expr::List(list) => list.elements.iter().for_each(|part| collect(part, found)),
        Expr::Call(call) => {
            let parts = call.target.as_deref().into_iter().chain(&call.args);
            parts.for_each(|part| collect(part, found));
        }
        Expr::Map(map) => map.entries.iter().for_each(|entry| of_entry(&entry.expr, found)),
        Expr::Struct(made) => made.entries.iter().for_each(|entry| of_entry(&entry.expr, found)),
        Expr::Comprehension(looped) => {
            let parts = [
                &looped.iter_range,
                &looped.accu_init,
                &looped.loop_cond,
                &looped.loop_step,
                &looped.result,
            ];
            parts.into_iter().for_each(|part| collect(part, found));
        }
    }
}

fn of_entry(entry: &EntryExpr, found: &mut BTreeSet<Path>) {
    match entry {
        EntryExpr::StructField(field) => collect(&field.value, found),
        EntryExpr::MapEntry(entry) => {
            collect(&entry.key, found);
            collect(&entry.value, found);
        }
    }
}

/// The place that an expression names, where it is nothing but a name and fields: `one.work.p99`, `one["work"].p99`.
fn place(expression: &IdedExpr) -> Option<Path> {
    let (before, field) = match &expression.expr {
        Expr::Ident(name) => return Some(vec![name.clone()]),
        Expr::Select(select) => (select.operand.as_ref(), select.field.clone()),
        Expr::Call(call) if call.func_name == INDEX => match call.args.as_slice() {
            [before, index] => (before, literal(index)?),
            _ => return None,
        },
        _ => return None,
    };
    let mut path = place(before)?;
    path.push(field);
    Some(path)
}

fn literal(expression: &IdedExpr) -> Option<String> {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::expression::Expression;

    fn paths(source: &str) -> Vec<String> {
        let found = Expression::compile(source).unwrap().paths();
        found.into_iter().map(|path| path.join(".")).collect()
    }

    #[test]
    fn names_and_fields_are_told_whatever_is_done_with_them() {
        assert_eq!(
            paths("max(one.work.p99, two['work'].p50) / params.rate > 2.0 ? cores : -abs(three.n)"),
            ["cores", "one.work.p99", "params.rate", "three.n", "two.work.p50"]
        );
        assert_eq!(paths("has(one.work.p99) ? 1.0 : 0.0"), ["one.work.p99"]);
    }

    #[test]
    fn where_the_field_is_worked_out_all_fields_are_read() {
        let found = paths("double(size(['p99'].filter(k, one.work[k] > two.rate)))");
        for expected in ["one.work", "two.rate"] {
            assert!(found.iter().any(|path| path == expected), "{found:?}");
        }
        assert!(paths("one.all(c, one[c].p99 > 1.0) ? 1.0 : 0.0").contains(&"one".to_owned()));
    }
}
