//! Request and response bodies. What clients send refuses members that it does not know: a misspelt name is an error,
//! not a silent default. What services answer may grow members.

use serde::{Deserialize, Serialize};

use crate::Problem;

/// Somebody who orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Key.
    pub id: i64,
    /// Full name.
    pub name: String,
    /// Address, unique among the users.
    pub email: String,
}

/// Asks for a [`User`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// Full name.
    pub name: String,
    /// Address.
    pub email: String,
}

/// Something that is sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Key.
    pub id: i64,
    /// What it is called.
    pub name: String,
    /// Price of one piece, in cents.
    pub price_cents: i64,
    /// Pieces that are neither sold nor reserved; never below zero.
    pub stock: i64,
}

/// Pieces set aside for an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Key; deleting it gives the pieces back.
    pub id: i64,
    /// Product that the pieces are of.
    pub product_id: i64,
    /// Number of pieces.
    pub quantity: i64,
    /// Price of one piece at that moment, in cents.
    pub price_cents: i64,
    /// Pieces left after this reservation.
    pub stock_left: i64,
}

/// Asks for a [`Reservation`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewReservation {
    /// Number of pieces, from 1 to [`QUANTITY_MAX`](crate::limits::QUANTITY_MAX).
    pub quantity: i64,
}

/// How far an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// It is written; nothing is decided.
    Pending,
    /// The pieces are set aside; nothing is paid.
    Reserved,
    /// The money is taken.
    Paid,
    /// It is done, for good.
    Confirmed,
    /// It is undone, for good; what was taken for it is given back.
    Cancelled,
}

impl OrderStatus {
    /// The status as it is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Reserved => "reserved",
            Self::Paid => "paid",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status that is stored as `text`.
    ///
    /// # Errors
    /// When `text` stands for none.
    pub fn from_stored(text: &str) -> Result<Self, serde_json::Error> {
        crate::json::from_value(text.into())
    }
}

/// Pieces of a product for a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Key.
    pub id: i64,
    /// Who ordered.
    pub user_id: i64,
    /// What was ordered.
    pub product_id: i64,
    /// Number of pieces.
    pub quantity: i64,
    /// Price of them all, in cents.
    pub amount_cents: i64,
    /// Key of the [`Reservation`] that sets the pieces aside.
    pub reservation_id: i64,
    /// How far it has come.
    pub status: OrderStatus,
}

/// Asks for an [`Order`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// Who orders.
    pub user_id: i64,
    /// What is ordered.
    pub product_id: i64,
    /// Number of pieces, from 1 to [`QUANTITY_MAX`](crate::limits::QUANTITY_MAX).
    pub quantity: i64,
}

/// How far a payment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// The money was taken.
    Captured,
}

/// Money taken for an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Key.
    pub id: i64,
    /// What was paid for.
    pub order_id: i64,
    /// How much, in cents.
    pub amount_cents: i64,
    /// How far it has come.
    pub status: PaymentStatus,
    /// The key under which it was asked for, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// Asks for a [`Payment`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPayment {
    /// What is paid for.
    pub order_id: i64,
    /// How much, in cents, from 1 to [`AMOUNT_CENTS_MAX`](crate::limits::AMOUNT_CENTS_MAX).
    pub amount_cents: i64,
    /// Asking again under the same key gives the first payment back and takes no more money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// A payment that was tried until it succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentReport {
    /// How often it was tried, the success included.
    pub attempts: u32,
    /// The payment.
    pub payment: Payment,
}

/// Says that something happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewEvent {
    /// What happened, such as `order.created`.
    pub kind: String,
}

/// How often one kind of event happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventCount {
    /// What happened.
    pub kind: String,
    /// How often.
    pub count: i64,
}

/// How often each kind of event happened, most frequent first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalyticsSummary {
    /// Events of all the kinds together.
    pub total: i64,
    /// The kinds.
    pub events: Vec<EventCount>,
}

/// What one service contributed to the [`Dashboard`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DashboardPart {
    /// Whether the service answered with success.
    pub ok: bool,
    /// From the call to the whole answer, in milliseconds.
    pub latency_ms: f64,
    /// The answer, when it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
    /// Why there is none, otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// Several services at one glance, asked in parallel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dashboard {
    /// Whether every part is there.
    pub complete: bool,
    /// From the first call to the last answer, in milliseconds.
    pub latency_ms: f64,
    /// The users.
    pub users: DashboardPart,
    /// The orders.
    pub orders: DashboardPart,
    /// The products.
    pub products: DashboardPart,
    /// The summary of events.
    pub analytics: DashboardPart,
}

/// Asks for a [`Token`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Account.
    pub username: String,
    /// Password.
    pub password: String,
}

/// Lets its bearer in for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The token itself, to be sent as `Authorization: Bearer …`.
    pub token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// How long it holds, in seconds.
    pub expires_in_s: u64,
}

/// A counter, in the memory of an instance or in Redis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountReading {
    /// Its value.
    pub count: u64,
    /// Who read it.
    pub instance: String,
}

impl CountReading {
    /// The count in an answer, whatever else that says.
    #[must_use]
    pub fn count_in(answer: &serde_json::Value) -> Option<&serde_json::Value> {
        answer.get("count")
    }
}

/// What a service has still to do by itself, at `GET /pending`: messages that its group has not committed, events that it
/// has not published, and whatever else goes on without a request.
///
/// A system is at rest when two rounds of asking all instances, one after the other, find nothing open and the same
/// numbers of things done: then nothing can have been under way between them (F. Mattern, *Algorithms for distributed
/// termination detection*, 1987, the four-counter method).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Things that are not done.
    pub open: u64,
    /// Things that this instance has done since it was started.
    pub done: u64,
}

impl std::ops::Add for Pending {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            open: self.open + other.open,
            done: self.done + other.done,
        }
    }
}
