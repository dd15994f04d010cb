//! One connection type for both databases, chosen by the URL's scheme and by nothing else.
//!
//! diesel's derived `establish` tries one database after the other: a PostgreSQL URL while the server is down
//! would make an empty SQLite file of that name, and the real error would be lost. So [`Manager`] opens
//! connections itself and refuses what it does not know.

use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
pub use diesel::r2d2::Pool;
use diesel::r2d2::{ManageConnection, R2D2Connection};

use super::StoreError;

/// How long a statement waits for another writer, on both databases.
pub(super) const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long a transaction may stand open without a word: a process that fell asleep over one holds rows that the
/// other processes need.
const SLEEP_MAX: Duration = Duration::from_secs(15);
/// How long a reader waits for a connection from the pool; below every request's own limit.
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(5);

pub use sum_type::Conn;

/// In a private module of its own: the derive makes more public items, which nobody needs to see.
mod sum_type {
    use diesel::{PgConnection, SqliteConnection};

    /// A connection to either database.
    #[derive(diesel::MultiConnection)]
    pub enum Conn {
        /// SQLite: one file.
        Sqlite(SqliteConnection),
        /// PostgreSQL: a server, for several machines.
        Postgres(PgConnection),
    }
}

impl std::fmt::Debug for Conn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite(_) => "Conn::Sqlite",
            Self::Postgres(_) => "Conn::Postgres",
        })
    }
}

/// Compiles one body against each database's own connection, for what the sum type cannot do: upserts,
/// batches and `RETURNING` of whole rows.
macro_rules! each_backend {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::store::Conn::Sqlite($c) => $body,
            $crate::store::Conn::Postgres($c) => $body,
        }
    };
}
pub(crate) use each_backend;

/// A database's URL, understood.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite://relative/path.db` or `sqlite:///absolute/path.db`.
    Sqlite(PathBuf),
    /// `postgres://user@host/name` or `postgresql://…`.
    Postgres(String),
}

impl DatabaseUrl {
    /// Understands `url`.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] for any other scheme and for SQLite without a file: a database in memory
    /// would be another one in each connection.
    pub fn parse(url: &str) -> Result<Self, StoreError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(url.to_owned()));
        }
        match url.strip_prefix("sqlite://") {
            Some(path) if path.is_empty() || path.contains(":memory:") || path.starts_with("file:") => {
                Err(StoreError::Unusable("database.url: SQLite needs the path of a file".to_owned()))
            }
            Some(path) => Ok(Self::Sqlite(PathBuf::from(path))),
            None => Err(StoreError::Unusable(
                "database.url: it must begin with sqlite://, postgres:// or postgresql://".to_owned(),
            )),
        }
    }

    /// The SQLite file, if it is one.
    #[must_use]
    pub fn sqlite_path(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            // A PostgreSQL URL may hold a password.
            Self::Postgres(_) => f.write_str("postgres://***"),
        }
    }
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Queries only: the database refuses a write, so that none slips past the writer.
    Reader,
    /// The writer's own connection, and migrations.
    Writer,
}

/// Opens connections, for r2d2 and for the writer.
#[derive(Debug, Clone)]
pub struct Manager {
    url: DatabaseUrl,
    role: Role,
}

impl Manager {
    /// A manager of connections to `url`.
    #[must_use]
    pub fn new(url: DatabaseUrl, role: Role) -> Self {
        Self { url, role }
    }

    /// Opens one connection.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the driver's own words, or what the first statements gave.
    pub fn open(&self) -> Result<Conn, StoreError> {
        match &self.url {
            DatabaseUrl::Sqlite(path) => {
                let name = path.to_str().ok_or_else(|| {
                    StoreError::Unusable("database.url: the file's name is not UTF-8".to_owned())
                })?;
                let mut conn = SqliteConnection::establish(name)
                    .map_err(|error| StoreError::unavailable(format_args!("{name}: {error}")))?;
                conn.batch_execute(&self.sqlite_pragmas())?;
                super::search::know_all_letters(&mut conn)?;
                Ok(Conn::Sqlite(conn))
            }
            DatabaseUrl::Postgres(url) => {
                let mut conn = PgConnection::establish(url).map_err(StoreError::unavailable)?;
                conn.batch_execute(&self.postgres_settings())?;
                Ok(Conn::Postgres(conn))
            }
        }
    }

    /// A pool of `size` connections for readers. Opens none: the caller has proved with [`Manager::open`]
    /// that the database is there, which gives the real error at once instead of the pool's "timed out".
    #[must_use]
    pub fn pool(self, size: u32) -> Pool<Self> {
        Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(CONNECT_WAIT_MAX)
            .build_unchecked(self)
    }

    /// Pragmas belong to a connection, not to the file (<https://www.sqlite.org/pragma.html>).
    ///
    /// `synchronous=FULL` is what makes a WAL commit survive a power cut. `busy_timeout` comes first: the
    /// change to WAL needs a lock too.
    fn sqlite_pragmas(&self) -> String {
        let role = match self.role {
            Role::Reader => "PRAGMA query_only = ON;",
            // The checkpointer does it, off the writer's path (`store::checkpoint`); a large limit stays as
            // the net below it.
            Role::Writer => "PRAGMA wal_autocheckpoint = 50000;",
        };
        format!(
            "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384; \
             PRAGMA mmap_size = 268435456; {role}",
            LOCK_WAIT_MAX.as_millis()
        )
    }

    fn postgres_settings(&self) -> String {
        let read_only = match self.role {
            Role::Reader => "on",
            Role::Writer => "off",
        };
        format!(
            "SET timezone = 'UTC'; SET lock_timeout = {}; SET default_transaction_read_only = {read_only}; \
             SET idle_in_transaction_session_timeout = {}",
            LOCK_WAIT_MAX.as_millis(),
            SLEEP_MAX.as_millis()
        )
    }
}

impl ManageConnection for Manager {
    type Connection = Conn;
    type Error = StoreError;

    fn connect(&self) -> Result<Conn, StoreError> {
        self.open()
    }

    /// Asked before each use. A file does not go away; a server does, and a reader should not learn it from
    /// a failed query.
    fn is_valid(&self, conn: &mut Conn) -> Result<(), StoreError> {
        match conn {
            Conn::Sqlite(_) => Ok(()),
            Conn::Postgres(conn) => Ok(conn.ping()?),
        }
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        std::thread::panicking() || each_backend!(conn, |conn| conn.is_broken())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_is_neither_database_is_refused_instead_of_becoming_a_file() {
        for url in ["host=127.0.0.1 port=5432", "mysql://x", "convened.db", "sqlite://", "sqlite://:memory:"]
        {
            assert!(matches!(DatabaseUrl::parse(url), Err(StoreError::Unusable(_))), "{url}");
        }
    }

    #[test]
    fn a_postgres_url_never_shows_its_password() {
        let url = DatabaseUrl::parse("postgres://me:secret@db/convened").unwrap();
        assert!(!format!("{url:?}").contains("secret"));
    }

    #[test]
    fn an_unreachable_server_keeps_the_real_error() {
        let url = DatabaseUrl::parse("postgres://nobody@127.0.0.1:1/none").unwrap();
        let error = Manager::new(url, Role::Reader).open().unwrap_err();
        assert!(error.to_string().contains("127.0.0.1"), "{error}");
    }

    #[test]
    fn a_reader_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("x.db"));
        let mut writer = Manager::new(url.clone(), Role::Writer).open().unwrap();
        writer.batch_execute("CREATE TABLE t (x INTEGER) STRICT").unwrap();
        let mut reader = Manager::new(url, Role::Reader).open().unwrap();
        assert!(reader.batch_execute("INSERT INTO t VALUES (1)").is_err());
    }
}
