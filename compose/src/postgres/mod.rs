//! PostgreSQL for a system: where one is to be had, how a server of this machine becomes an instance, and how it is asked.
//!
//! A system has one PostgreSQL: a server of this machine, started as any other instance is, with a data folder of the
//! system's own, or the one that the user names in `POSTGRES_URL`, which the lab neither starts nor ends. Each service
//! that keeps data has a database of its own on it.

mod client;
mod memory;
mod server;
mod source;

use url::Url;

pub use client::{PING, birth, is_up, ping};
pub(crate) use client::{answers, drop_databases, make_databases};
pub(crate) use memory::forget_memory;
pub use server::{become_server, step_down, version};
pub(crate) use source::initdb_of;
pub use source::{PostgresLookup, PostgresSource, postgres_source};

/// The port of a server whose address does not name one.
pub(crate) const PORT: u16 = 5432;
/// Whom the services connect as: somebody who owns databases and rules nothing else.
pub(crate) const USER: &str = "lab";
/// What a server of the lab's own is told beyond what it does by itself. There may be many instances, each with a pool of
/// connections, and memory that processes share lies in the data folder, so that nothing of it stays behind elsewhere.
///
/// Nothing here makes a commit cheaper: each waits for the disk, as it would in production. What a transaction costs is a
/// part of what is measured.
pub(crate) const SETTINGS: [&str; 2] = ["max_connections=400", "dynamic_shared_memory_type=mmap"];

/// The address of a database on a server.
pub(crate) fn database_url(server: &Url, database: &str) -> Url {
    let mut url = server.clone();
    url.set_path(database);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_reached_as_its_server_is() {
        let url = |server: &str| database_url(&server.parse().unwrap(), "users").to_string();
        assert_eq!(
            url("postgres://lab@127.0.0.1:5000"),
            "postgres://lab@127.0.0.1:5000/users"
        );
        assert_eq!(
            url("postgres://me:secret@db.example/postgres?sslmode=disable"),
            "postgres://me:secret@db.example/users?sslmode=disable"
        );
    }
}
