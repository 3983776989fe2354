//! Orders that come to their end step by step, each step in another service.

use serde::{Deserialize, Serialize};

use crate::OrderStatus;

/// An order of a saga, at `POST /orders` and `GET /orders/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SagaOrder {
    /// Key.
    pub id: i64,
    /// Who ordered.
    pub user_id: i64,
    /// What was ordered.
    pub product_id: i64,
    /// Number of pieces.
    pub quantity: i64,
    /// Price of them all, in cents; 0 until inventory has said it.
    pub amount_cents: i64,
    /// How far it has come.
    pub status: OrderStatus,
    /// Why it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One entry of the audit of an order, at `GET /orders/{id}/history`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// The type of the event that led to it, or `timeout`.
    pub cause: String,
    /// How far the order had come.
    pub from: Option<OrderStatus>,
    /// How far it has come with it.
    pub to: OrderStatus,
    /// Whether pieces are set aside for it afterwards.
    pub held: bool,
    /// Whether money is taken for it afterwards.
    pub paid: bool,
}

/// What orders says of those that it has, at `GET /orders/summary`. Without a saga only the first two are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct OrdersSummary {
    /// Orders that are written.
    pub orders: i64,
    /// Messages that wait in the outbox.
    pub unpublished: u64,
    /// Orders that are neither confirmed, nor cancelled with everything given back.
    #[serde(default)]
    pub open: i64,
    /// Orders that are confirmed.
    #[serde(default)]
    pub confirmed: i64,
    /// Orders that are cancelled.
    #[serde(default)]
    pub cancelled: i64,
    /// Price of the confirmed orders, in cents.
    #[serde(default)]
    pub confirmed_cents: i64,
    /// Pieces of the confirmed orders.
    #[serde(default)]
    pub confirmed_pieces: i64,
    /// Median time from placing an order to its decision, in milliseconds.
    #[serde(default)]
    pub p50_ms: f64,
    /// 99th percentile of the same.
    #[serde(default)]
    pub p99_ms: f64,
    /// Decisions a second, from the first order's placing to the last decision.
    #[serde(default)]
    pub per_s: f64,
}

/// What payments says of the money, at `GET /payments/summary`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentsSummary {
    /// How often money was taken.
    pub charges: i64,
    /// How much, in cents.
    pub captured_cents: i64,
    /// How much of it was given back, in cents.
    pub refunded_cents: i64,
    /// Orders for which money was taken more than once.
    pub charged_twice: i64,
}

/// What inventory says of the pieces, at `GET /products/summary`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductsSummary {
    /// Pieces that are neither sold nor set aside.
    pub stock: i64,
    /// Pieces that are set aside or sold.
    pub reserved: i64,
}
