//! A payment as the database has it.

use contract::{Payment, PaymentStatus};

/// Key, order, amount, idempotency key.
pub(crate) type Row = (i64, i64, i64, Option<String>);

pub(crate) fn payment((id, order_id, amount_cents, idempotency_key): Row) -> Payment {
    Payment {
        id,
        order_id,
        amount_cents,
        status: PaymentStatus::Captured,
        idempotency_key,
    }
}
