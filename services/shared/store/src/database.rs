//! Opening a database so that several instances may share it.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chassis::{Check, ServeError};
use contract::Secret;
use sqlx::AnyPool;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, ConnectOptions, Executor, Transaction};

use crate::migration::{Dialect, Migration};

/// Connections to a SQLite file: readers do not wait for one another, and writers take turns anyway.
const SQLITE_CONNECTIONS_MAX: u32 = 4;
/// Connections to PostgreSQL: its default of 100 is shared by all instances of all services.
const POSTGRES_CONNECTIONS_MAX: u32 = 8;
/// Longest wait for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Set on every SQLite connection. The wait for the lock comes first, since switching to WAL needs it. WAL lets reads go
/// on during a write; in WAL, `NORMAL` may lose the last commits when the machine (not the process) dies, never more.
const SQLITE_PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
                              PRAGMA foreign_keys = ON;";

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL is for no engine that is known here.
    #[error("DATABASE_URL {url:?} is not understood: it must begin with sqlite:// or postgres://")]
    Url {
        /// The URL as given; a password in it is not shown.
        url: Secret,
    },
    /// The file that instances lock while they change the schema cannot be used.
    #[error("cannot lock {}: {source}; the folder must exist and be writable", path.display())]
    Lock {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The engine refused.
    #[error("cannot open {url}: {source}")]
    Connect {
        /// The URL; a password in it is not shown.
        url: Secret,
        /// What the engine said.
        source: sqlx::Error,
    },
    /// The schema could not be brought up to date.
    #[error("cannot bring the schema of {url} up to date: {source}")]
    Migrate {
        /// The URL; a password in it is not shown.
        url: Secret,
        /// What went wrong.
        source: sqlx::migrate::MigrateError,
    },
}

impl From<StoreError> for ServeError {
    fn from(error: StoreError) -> Self {
        Self::start("the database", error)
    }
}

/// A database with its schema up to date. Statements are run on it as on the pool that it is.
#[derive(Debug, Clone)]
pub struct Database {
    pool: AnyPool,
    dialect: Dialect,
}

impl Deref for Database {
    type Target = AnyPool;

    fn deref(&self) -> &AnyPool {
        &self.pool
    }
}

impl Database {
    /// Opens the database, creating a SQLite file if need be, and applies the migrations that it does not have yet.
    ///
    /// Any number of instances may do so at once. `sqlite::memory:` is a database of its own, gone when it is closed.
    ///
    /// # Errors
    /// When the URL is not understood, or the engine cannot be reached or refuses.
    pub async fn open(url: &str, migrations: &[Migration]) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        chassis::watch_internal_errors(crate::note_trouble);
        let target = Target::parse(url).ok_or_else(|| StoreError::Url {
            url: Secret::address(url),
        })?;
        let connect = |source| StoreError::Connect {
            url: Secret::address(url),
            source,
        };
        let options: AnyConnectOptions = target.connect_url().parse().map_err(connect)?;
        let lock = target.lock().await?;
        let pool = target
            .pool_options()
            .connect_with(options.disable_statement_logging())
            .await
            .map_err(connect)?;
        let migrated = target.dialect().migrator(migrations).run(&pool).await;
        drop(lock);
        migrated.map_err(|source| StoreError::Migrate {
            url: Secret::address(url),
            source,
        })?;
        Ok(Self {
            pool,
            dialect: target.dialect(),
        })
    }

    /// Begins a transaction that may read before it writes. SQLite would refuse its first write if somebody else wrote
    /// since it read, so it takes the right to write at the start there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_write(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        match self.dialect {
            Dialect::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await,
            Dialect::Postgres => self.pool.begin().await,
        }
    }

    /// Whether the engine answers; for `/ready`.
    #[must_use]
    pub fn check(&self) -> Check {
        let database = self.clone();
        Check::new("database", move || {
            let database = database.clone();
            async move { database.is_ready().await }
        })
    }

    async fn is_ready(&self) -> Result<(), String> {
        sqlx::query("SELECT 1")
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    }
}

/// What a URL leads to.
enum Target<'a> {
    Memory,
    File(PathBuf),
    Postgres(&'a str),
}

impl<'a> Target<'a> {
    fn parse(url: &'a str) -> Option<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Some(Self::Postgres(url));
        }
        let rest = url.strip_prefix("sqlite:")?;
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        // What is asked for behind the path is what is done anyway.
        match rest.strip_suffix("?mode=rwc").unwrap_or(rest) {
            ":memory:" => Some(Self::Memory),
            "" => None,
            path => Some(Self::File(unescaped(path))),
        }
    }

    fn dialect(&self) -> Dialect {
        match self {
            Self::Memory | Self::File(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    fn connect_url(&self) -> String {
        match self {
            Self::Memory => "sqlite::memory:".to_owned(),
            Self::File(path) => format!("sqlite://{}?mode=rwc", escaped(path)),
            Self::Postgres(url) => (*url).to_owned(),
        }
    }

    fn pool_options(&self) -> AnyPoolOptions {
        // A connection to a file does not break while it lies idle, so it is not tried before each use.
        let sqlite = AnyPoolOptions::new()
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_connect(|connection, _| Box::pin(async move { connection.execute(SQLITE_PRAGMAS).await.map(drop) }));
        match self {
            // Each connection to memory would be a database of its own.
            Self::Memory => sqlite.max_connections(1).min_connections(1),
            Self::File(_) => sqlite.max_connections(SQLITE_CONNECTIONS_MAX),
            Self::Postgres(_) => AnyPoolOptions::new()
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .max_connections(POSTGRES_CONNECTIONS_MAX),
        }
    }

    /// Lets one instance at a time create and migrate a SQLite file. PostgreSQL's migrations lock by themselves.
    ///
    /// The lock is a file of its own: closing another descriptor of the database file would drop SQLite's own locks.
    async fn lock(&self) -> Result<Option<File>, StoreError> {
        let Self::File(path) = self else {
            return Ok(None);
        };
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let path = PathBuf::from(name);
        let locking = path.clone();
        let locked = tokio::task::spawn_blocking(move || {
            let file = File::options().create(true).append(true).open(locking)?;
            file.lock()?;
            Ok(file)
        });
        let locked = locked.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        locked.map(Some).map_err(|source| StoreError::Lock { path, source })
    }
}

/// A path as a part of a URL: whatever means something there, or would get lost, is written as `%` and two digits.
fn escaped(path: &Path) -> String {
    let mut text = String::new();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => text.push(char::from(*byte)),
            other => {
                // Writing to a string does not fail.
                let _ = write!(text, "%{other:02X}");
            }
        }
    }
    text
}

/// The path that is a part of a URL. A `%` without two digits behind it stands for itself.
fn unescaped(text: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = (first == b'%').then(|| after.split_at_checked(2)).flatten();
        let decoded = digits.and_then(|(digits, after)| {
            let digits = std::str::from_utf8(digits).ok()?;
            let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            let byte = is_hex.then(|| u8::from_str_radix(digits, 16).ok())??;
            Some((byte, after))
        });
        let (byte, after) = decoded.unwrap_or((first, after));
        bytes.push(byte);
        rest = after;
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fetch;

    const MIGRATIONS: [Migration; 2] = [
        Migration::new(
            1,
            "things",
            "CREATE TABLE things (id IDENTITY_KEY, name TEXT NOT NULL);",
        ),
        Migration::new(2, "one thing", "INSERT INTO things (name) VALUES ('first');"),
    ];

    async fn names(database: &Database) -> Vec<(i64, String)> {
        let rows = sqlx::query_as("SELECT id, name FROM things ORDER BY id");
        rows.fetch_all(&**database).await.unwrap()
    }

    #[tokio::test]
    async fn memory_is_migrated_and_ready() {
        let database = Database::open("sqlite::memory:", &MIGRATIONS).await.unwrap();
        assert_eq!(database.is_ready().await, Ok(()));
        assert_eq!(names(&database).await, [(1, "first".to_owned())]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn many_instances_may_open_and_migrate_the_same_file_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/things.db", folder.path().display());
        let opening: Vec<_> = (0..8)
            .map(|_| {
                let url = url.clone();
                tokio::spawn(async move { Database::open(&url, &MIGRATIONS).await })
            })
            .collect();
        for opened in opening {
            let database = opened.await.unwrap().unwrap();
            assert_eq!(names(&database).await, [(1, "first".to_owned())]);
        }
        let database = Database::open(&url, &MIGRATIONS).await.unwrap();
        let (mode,): (String,) = sqlx::query_as("PRAGMA journal_mode").one(&*database).await.unwrap();
        assert_eq!(mode, "wal");
    }

    #[tokio::test]
    async fn a_file_is_where_the_url_says_whatever_its_path_is_made_of() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "a b",
            "50%",
            "%20",
            "q?x=1",
            "a#b",
            "say \"so\"",
            "two\nlines",
            "ä",
            "semi;colon",
            "a&b=c",
        ] {
            let place = folder.path().join(name);
            std::fs::create_dir(&place).unwrap();
            let file = place.join("things.db");
            let url = format!("sqlite://{}", escaped(&file));
            let database = Database::open(&url, &MIGRATIONS)
                .await
                .unwrap_or_else(|error| panic!("{name:?}: {error}"));
            assert_eq!(names(&database).await, [(1, "first".to_owned())]);
            assert!(file.is_file(), "{name:?}: it is not there");
        }
        // As somebody would write it by hand.
        let url = format!("sqlite://{}/by hand.db?mode=rwc", folder.path().display());
        Database::open(&url, &MIGRATIONS).await.unwrap();
        assert!(folder.path().join("by hand.db").is_file());
        let url = format!("sqlite://{}/%FF.db", folder.path().display());
        let refused = Database::open(&url, &MIGRATIONS).await;
        assert!(refused.is_err(), "the engine takes text only, and says so");
    }

    #[tokio::test]
    async fn arguments_and_keys_are_those_of_every_engine() {
        let database = Database::open("sqlite::memory:", &MIGRATIONS).await.unwrap();
        let insert = sqlx::query_as::<_, (i64,)>("INSERT INTO things (name) VALUES ($1) RETURNING id");
        assert_eq!(insert.bind("second").one(&*database).await.unwrap(), (2,));
        sqlx::query("DELETE FROM things WHERE id = $1")
            .bind(2_i64)
            .execute(&*database)
            .await
            .unwrap();
        let insert = sqlx::query_as::<_, (i64,)>("INSERT INTO things (name) VALUES ($1) RETURNING id");
        assert_eq!(
            insert.bind("third").one(&*database).await.unwrap(),
            (3,),
            "a key is not given out twice"
        );
    }

    #[tokio::test]
    async fn what_cannot_be_opened_is_said_without_the_password() {
        let error = Database::open("mysql://me:secret@host/db", &[])
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("sqlite:// or postgres://") && !error.contains("secret"),
            "{error}"
        );
        let error = Database::open("sqlite:///no/such/folder/a.db", &[])
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("/no/such/folder/a.db.lock"), "{error}");
    }
}
