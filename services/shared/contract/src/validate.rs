//! What a request must hold beyond having the right types.

use crate::contested::{NewBalance, NewBooking, NewDebit, NewLockTrials, NewProduct};
use crate::limits::{AMOUNT_CENTS_MAX, LOCK_CONTENDERS_MAX, LOCK_ROUNDS_MAX, QUANTITY_MAX, STOCK_MAX, TEXT_CHARS_MAX};
use crate::wire::{Login, NewEvent, NewOrder, NewPayment, NewReservation, NewUser};

/// A rule that a request breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The member at fault, as the client wrote it.
    pub field: &'static str,
    /// What is allowed.
    pub rule: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.field, self.rule)
    }
}

/// A request body that can say what is wrong with itself.
pub trait Validate {
    /// Looks at every member.
    ///
    /// # Errors
    /// Every rule that is broken; never an empty list.
    fn validate(&self) -> Result<(), Vec<Violation>>;
}

/// What every text must hold: something, not too much of it, and nothing that a database cannot store.
///
/// # Errors
/// The rule that it breaks.
pub fn check_text(field: &'static str, value: &str) -> Result<(), Violation> {
    let length = value.chars().count();
    let rule = if value.trim().is_empty() {
        "must not be empty".to_owned()
    } else if length > TEXT_CHARS_MAX {
        format!("must have at most {TEXT_CHARS_MAX} characters, not {length}")
    } else if value.contains('\0') {
        // PostgreSQL cannot store it in a text.
        "must not hold a NUL character".to_owned()
    } else {
        return Ok(());
    };
    Err(Violation { field, rule })
}

#[derive(Default)]
struct Rules(Vec<Violation>);

impl Rules {
    fn within(mut self, field: &'static str, value: i64, min: i64, max: i64) -> Self {
        if value < min || value > max {
            self.0.push(Violation {
                field,
                rule: format!("must be between {min} and {max}, not {value}"),
            });
        }
        self
    }

    fn text(mut self, field: &'static str, value: &str) -> Self {
        self.0.extend(check_text(field, value).err());
        self
    }

    fn holds(mut self, field: &'static str, holds: bool, rule: &str) -> Self {
        if !holds {
            self.0.push(Violation {
                field,
                rule: rule.to_owned(),
            });
        }
        self
    }

    fn done(self) -> Result<(), Vec<Violation>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }
}

impl Validate for NewUser {
    fn validate(&self) -> Result<(), Vec<Violation>> {
        let address = self.email.split_once('@');
        Rules::default()
            .text("name", &self.name)
            .text("email", &self.email)
            .holds(
                "email",
                address.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@')),
                "must look like name@domain",
            )
            .done()
    }
}

impl Validate for NewOrder {
    fn validate(&self) -> Result<(), Vec<Violation>> {
        Rules::default()
            .within("user_id", self.user_id, 1, i64::MAX)
            .within("product_id", self.product_id, 1, i64::MAX)
            .within("quantity", self.quantity, 1, QUANTITY_MAX)
            .done()
    }
}

impl Validate for NewReservation {
    fn validate(&self) -> Result<(), Vec<Violation>> {
        Rules::default()
            .within("quantity", self.quantity, 1, QUANTITY_MAX)
            .done()
    }
}

impl Validate for NewPayment {
    fn validate(&self) -> Result<(), Vec<Violation>> {
        let rules = Rules::default().within("order_id", self.order_id, 1, i64::MAX).within(
            "amount_cents",
            self.amount_cents,
            1,
            AMOUNT_CENTS_MAX,
        );
        match &self.idempotency_key {
            Some(key) => rules.text("idempotency_key", key).done(),
            None => rules.done(),
        }
    }
}

impl Validate for NewEvent {
    fn validate(&self) -> Result<(), Vec<Violation>> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        Rules::default()
            .text("kind", &self.kind)
            .holds(
                "kind",
                self.kind.chars().all(plain),
                "may hold letters, digits, '.', '_' and '-' only",
            )
            .done()
    }
}

impl Validate for NewProduct {
    fn validate(&self) -> Result<(), Vec<Violation>> {
        Rules::default()
            .text("name", &self.name)
            .within("price_cents", self.price_cents, 0, AMOUNT_CENTS_MAX)
            .within("stock", self.stock, 0, STOCK_MAX)
            .done()
    }
}

impl Validate for NewBooking {
    fn validate(&self) -> Result<(), Vec<Violation>> {
        Rules::default().text("customer", &self.customer).done()
    }
}

impl Validate for NewBalance {
    fn validate(&self) -> Result<(), Vec<Violation>> {
        Rules::default()
            .within("balance_cents", self.balance_cents, 0, AMOUNT_CENTS_MAX)
            .done()
    }
}

impl Validate for NewDebit {
    fn validate(&self) -> Result<(), Vec<Violation>> {
        Rules::default()
            .within("amount_cents", self.amount_cents, 1, AMOUNT_CENTS_MAX)
            .done()
    }
}

impl Validate for NewLockTrials {
    fn validate(&self) -> Result<(), Vec<Violation>> {
        Rules::default()
            .within("rounds", self.rounds.into(), 1, LOCK_ROUNDS_MAX.into())
            .within("contenders", self.contenders.into(), 1, LOCK_CONTENDERS_MAX.into())
            .done()
    }
}

impl Validate for Login {
    fn validate(&self) -> Result<(), Vec<Violation>> {
        Rules::default()
            .text("username", &self.username)
            .text("password", &self.password)
            .done()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(body: &impl Validate) -> Vec<&'static str> {
        body.validate()
            .err()
            .into_iter()
            .flatten()
            .map(|violation| violation.field)
            .collect()
    }

    #[test]
    fn quantities_are_positive_and_bounded() {
        for (quantity, allowed) in [
            (i64::MIN, false),
            (-1, false),
            (0, false),
            (1, true),
            (1_000, true),
            (1_001, false),
        ] {
            assert_eq!(NewReservation { quantity }.validate().is_ok(), allowed, "{quantity}");
            assert_eq!(
                NewOrder {
                    user_id: 1,
                    product_id: 1,
                    quantity
                }
                .validate()
                .is_ok(),
                allowed,
                "{quantity}"
            );
        }
    }

    #[test]
    fn every_broken_rule_is_named() {
        assert_eq!(
            broken(&NewOrder {
                user_id: 0,
                product_id: -3,
                quantity: 0
            }),
            ["user_id", "product_id", "quantity"]
        );
        let payment = NewPayment {
            order_id: 1,
            amount_cents: -5,
            idempotency_key: Some(String::new()),
        };
        assert_eq!(broken(&payment), ["amount_cents", "idempotency_key"]);
    }

    #[test]
    fn addresses_need_both_sides() {
        for (email, allowed) in [
            ("a@b", true),
            ("@b", false),
            ("a@", false),
            ("ab", false),
            ("a@b@c", false),
        ] {
            let user = NewUser {
                name: "A".to_owned(),
                email: email.to_owned(),
            };
            assert_eq!(user.validate().is_ok(), allowed, "{email}");
        }
    }

    #[test]
    fn event_kinds_stay_plain() {
        for (kind, allowed) in [("order.created", true), ("a b", false), ("", false), ("é", false)] {
            assert_eq!(
                NewEvent { kind: kind.to_owned() }.validate().is_ok(),
                allowed,
                "{kind:?}"
            );
        }
    }
}
