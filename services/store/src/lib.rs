//! The database that a service owns: SQLite in a file by default, PostgreSQL when the URL says so.
//!
//! Both understand the same statements, with `$1` for the first argument. Only the key column of a table differs, so a
//! migration writes [`IDENTITY_KEY`] for it.

mod database;
mod migration;

pub use database::{Database, StoreError};
pub use migration::{IDENTITY_KEY, Migration};
