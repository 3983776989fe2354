//! A part of a history, and whether it has an order by itself.

use super::entry::Entry;
use super::model::{Leaves, Model};
use super::search::{Found, search};
use crate::operation::Operation;

/// What happened from one moment to another.
///
/// Operations that had not returned by `cut_ns` may have taken effect or not, whatever they answered later: histories
/// without an order are closed under prefixes. Operations that had returned before `from_ns` are part of whatever
/// happened before; those that were under way then may be too. So where the span has no order, whatever state it began
/// with, the history has none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// 0 is the start of the history, where the state is the initial one.
    pub(super) from_ns: u64,
    pub(super) cut_ns: u64,
}

impl Span {
    pub(super) const WHOLE: Self = Self {
        from_ns: 0,
        cut_ns: u64::MAX,
    };

    /// The operations of the span.
    ///
    /// # Errors
    ///
    /// In words, when one of them is none of the model's.
    pub(super) fn entries<M: Model>(self, model: &M, operations: &[&Operation]) -> Result<Vec<Entry<M::Call>>, String> {
        let mut entries = Vec::new();
        for (index, operation) in operations.iter().enumerate() {
            let invoked_ns = operation.invoked_ns;
            if invoked_ns > self.cut_ns {
                break;
            }
            let due_ns = operation.due_ns().filter(|due_ns| *due_ns <= self.cut_ns);
            if due_ns.is_some_and(|due_ns| due_ns < self.from_ns) {
                continue;
            }
            let Some(call) = model.call(operation, due_ns.is_some())? else {
                continue;
            };
            let entry = |due_ns| Entry {
                operation: index,
                call: call.clone(),
                invoked_ns,
                due_ns,
            };
            if invoked_ns >= self.from_ns {
                entries.push(entry(due_ns));
            } else if !matches!(model.leaves(&call), Leaves::Same) {
                entries.push(entry(None));
            }
        }
        Ok(entries)
    }

    /// Whether these operations of the span have no order; false where that could not be found out within the budget.
    pub(super) fn has_no_order<M: Model>(self, model: &M, entries: &[Entry<M::Call>], budget: &mut u64) -> bool {
        let states = if self.from_ns == 0 {
            Some(vec![model.initial()])
        } else {
            model.beginnings(&entries.iter().map(|entry| &entry.call).collect::<Vec<_>>())
        };
        states.is_some_and(|states| {
            states
                .into_iter()
                .all(|state| search(model, state, entries, budget).found == Found::NoOrder)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::register::Register;
    use super::*;
    use crate::invariants::fixture::ok;
    use crate::operation::Completion;
    use proptest::prelude::*;
    use serde_json::json;

    const REGISTER: Register = Register { initial: Some(0) };

    /// Operations on a register in order of invocation, of few values so that some have an order.
    fn operations() -> impl Strategy<Value = Vec<Operation>> {
        let one = (0..8, 0..3, 0..3, 0_u64..20, 0_u64..8);
        prop::collection::vec(one, 1..9).prop_map(|parts| {
            let mut operations: Vec<Operation> = (1..)
                .zip(parts)
                .map(|(id, (kind, one, other, from_ns, length))| {
                    let (class, input, output) = match kind {
                        0..3 => ("read", json!(null), json!(one)),
                        3..6 => ("write", json!(one), json!(null)),
                        _ => ("cas", json!({ "from": one, "to": other }), json!(kind == 6)),
                    };
                    let mut operation = ok(id, "key", from_ns, from_ns + length);
                    class.clone_into(&mut operation.class);
                    (operation.input, operation.output) = (input, output);
                    if length == 7 {
                        operation.outcome = Completion::Unknown;
                    }
                    operation
                })
                .collect();
            operations.sort_by_key(|operation| operation.invoked_ns);
            operations
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn no_part_of_a_history_with_an_order_is_without_one(
            operations in operations(),
            from_ns in 0_u64..20,
            length in 0_u64..20,
        ) {
            let operations: Vec<&Operation> = operations.iter().collect();
            let without_order = |span: Span| {
                let entries = span.entries(&REGISTER, &operations).expect("a register's operations");
                span.has_no_order(&REGISTER, &entries, &mut 100_000)
            };
            if !without_order(Span::WHOLE) {
                let span = Span { from_ns, cut_ns: from_ns + length };
                prop_assert!(!without_order(span), "{span:?}");
            }
        }
    }

    #[test]
    fn a_part_can_prove_by_itself_that_there_is_no_order() {
        let call = |id, class: &str, value: i64, from_ns| {
            let mut operation = ok(id, "key", from_ns, from_ns + 5);
            class.clone_into(&mut operation.class);
            (operation.input, operation.output) = (json!(value), json!(value));
            operation
        };
        let operations = [call(1, "write", 1, 0), call(2, "write", 2, 10), call(3, "read", 1, 20)];
        let operations: Vec<&Operation> = operations.iter().collect();
        let proves = |from_ns| {
            let span = Span {
                from_ns,
                cut_ns: u64::MAX,
            };
            let entries = span.entries(&REGISTER, &operations).expect("a register's operations");
            span.has_no_order(&REGISTER, &entries, &mut 1_000)
        };
        assert!(proves(8), "2 was written before 1 was read");
        assert!(!proves(12), "the writing of 2 may have been before that of 1");
        assert!(!proves(18), "whatever was before, it was 1");
    }
}
