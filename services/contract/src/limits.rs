//! Limits that requests are held to.

/// Largest request body that a service reads, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Largest answer that a service accepts from another one, in bytes.
pub const UPSTREAM_BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Largest number of pieces in one order or reservation.
pub const QUANTITY_MAX: i64 = 1_000;
/// Largest payment, in cents.
pub const AMOUNT_CENTS_MAX: i64 = 100_000_000;
/// Longest name, address, key or event kind, in characters.
pub const TEXT_CHARS_MAX: usize = 200;
/// Largest number of rows in one list.
pub const LIST_ROWS_MAX: i64 = 500;
/// Number of rows in a list when the caller names none.
pub const LIST_ROWS_DEFAULT: i64 = 50;
/// Longest CPU burn that may be asked of the gateway, in milliseconds.
pub const BURN_MS_MAX: u64 = 60_000;
