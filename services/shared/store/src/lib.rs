//! Where services keep things: the database that each owns (SQLite in a file by default, PostgreSQL when the URL says
//! so), and the Redis that all instances share.
//!
//! Both databases understand the same statements, with `$1` for the first argument. Only the key column of a table differs, so a
//! migration writes [`IDENTITY_KEY`] for it.

mod database;
mod fetch;
mod migration;
mod quantity;
mod redis;
pub mod testing;
mod trouble;

pub use self::redis::{Redis, RedisAddressError, RedisError};
pub use database::{Database, StoreError};
pub use fetch::Fetch;
pub use migration::{IDENTITY_KEY, Migration};
pub use quantity::{Quantity, Reading};
pub use trouble::note_trouble;
