//! Bodies of the routes whose data several clients want at once: seats, accounts, and locks themselves.

use serde::{Deserialize, Serialize};

/// What a product is to be, under the key that the path names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewProduct {
    /// What it is called.
    pub name: String,
    /// Price of one piece, in cents, from 0 to [`AMOUNT_CENTS_MAX`](crate::limits::AMOUNT_CENTS_MAX).
    pub price_cents: i64,
    /// Pieces there are, from 0 to [`STOCK_MAX`](crate::limits::STOCK_MAX).
    pub stock: i64,
}

/// A seat that somebody has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// Key.
    pub id: i64,
    /// Name of the seat, such as `14C`.
    pub seat: String,
    /// Who has it.
    pub customer: String,
}

/// Asks for a [`Booking`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewBooking {
    /// Who wants it.
    pub customer: String,
}

/// Money that somebody has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Key.
    pub id: i64,
    /// What is in it, in cents; never below zero.
    pub balance_cents: i64,
}

/// What is to be in an [`Account`], under the key that the path names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewBalance {
    /// What is to be in it, in cents, from 0 to [`AMOUNT_CENTS_MAX`](crate::limits::AMOUNT_CENTS_MAX).
    pub balance_cents: i64,
}

/// Money taken from an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debit {
    /// Whose.
    pub account_id: i64,
    /// How much, in cents.
    pub amount_cents: i64,
    /// What is left, in cents.
    pub balance_cents: i64,
}

/// Asks for a [`Debit`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewDebit {
    /// How much, in cents, from 1 to [`AMOUNT_CENTS_MAX`](crate::limits::AMOUNT_CENTS_MAX).
    pub amount_cents: i64,
}

/// Asks for [`LockTrials`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewLockTrials {
    /// How often the lock is acquired in all, from 1 to [`LOCK_ROUNDS_MAX`](crate::limits::LOCK_ROUNDS_MAX).
    pub rounds: u32,
    /// How many want it at once, from 1 (the default) to [`LOCK_CONTENDERS_MAX`](crate::limits::LOCK_CONTENDERS_MAX).
    #[serde(default = "one")]
    pub contenders: u32,
}

const fn one() -> u32 {
    1
}

/// What acquiring a lock took, round by round, in microseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LockTrials {
    /// With one contender: acquire and release. With several: from wanting the lock to having it.
    pub lock_us: Vec<f64>,
    /// With one contender: two bare round trips to the same Redis, in turns with the lock. With several: empty.
    pub bare_us: Vec<f64>,
}
