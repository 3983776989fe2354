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
/// Largest number of pieces of one product.
pub const STOCK_MAX: i64 = 1_000_000_000;
/// Largest key that a client may choose for a product or an account.
pub const CHOSEN_ID_MAX: i64 = 1_000_000;
/// Largest number of rounds in one measurement of a lock.
pub const LOCK_ROUNDS_MAX: u32 = 5_000;
/// Largest number of contenders in one measurement of a lock.
pub const LOCK_CONTENDERS_MAX: u32 = 64;
/// Longest life of a lock, longest wait for one, and longest pause between reading and writing, in milliseconds.
pub const LOCK_MS_MAX: u64 = 600_000;
/// Longest CPU burn that may be asked of the gateway, in milliseconds.
pub const BURN_MS_MAX: u64 = 60_000;
