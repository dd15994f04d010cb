//! The migrations, compiled in, and the start: brings a database to this program's tables or says in one
//! line why it cannot.

use diesel::connection::SimpleConnection;
use diesel::migration::{self, Migration, MigrationSource, MigrationVersion};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connection::{Manager, Role, each_backend};
use super::{Conn, DatabaseUrl, StoreError};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// The advisory lock under which one of several machines migrates; any number nobody else uses
/// (<https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS>).
const MIGRATION_LOCK: i64 = 0x0063_6f6e_7665_6e65;
/// How long a machine waits for another one that migrates.
const MIGRATION_LOCK_WAIT_SECS: u32 = 120;

/// Brings the database at `url` to this program's tables. Gives the migrations that were run, by name.
///
/// # Errors
/// [`StoreError::Unusable`], in one line, for a database that is newer than this program, damaged, somebody
/// else's or no database; [`StoreError::Unavailable`] for one that cannot be reached.
pub fn run(url: &DatabaseUrl) -> Result<Vec<String>, StoreError> {
    let mut conn = open(url)?;
    lock(&mut conn)?;
    refuse_newer(&mut conn)?;
    let applied = match &mut conn {
        Conn::Sqlite(conn) => conn.run_pending_migrations(SQLITE),
        Conn::Postgres(conn) => conn.run_pending_migrations(POSTGRES),
    };
    // The advisory lock falls with the connection.
    Ok(applied.map_err(|error| unusable(url, &*error))?.iter().map(ToString::to_string).collect())
}

/// The migrations that [`run`] would run, by version; for `check` and `migrate --dry-run`.
///
/// # Errors
/// As [`run`].
pub fn pending(url: &DatabaseUrl) -> Result<Vec<String>, StoreError> {
    let mut conn = open(url)?;
    refuse_newer(&mut conn)?;
    let applied = applied(&mut conn)?;
    Ok(known(&conn)?.into_iter().filter(|version| !applied.contains(version)).collect())
}

fn open(url: &DatabaseUrl) -> Result<Conn, StoreError> {
    Manager::new(url.clone(), Role::Writer).open().map_err(|error| match error {
        error @ (StoreError::Unavailable { .. } | StoreError::Unusable(_)) => error,
        other => unusable(url, &other),
    })
}

fn lock(conn: &mut Conn) -> Result<(), StoreError> {
    // SQLite's migrations wait for each other by the file's own lock.
    if let Conn::Postgres(conn) = conn {
        conn.batch_execute(&format!("SET lock_timeout = '{MIGRATION_LOCK_WAIT_SECS}s'"))?;
        diesel::sql_query("SELECT pg_advisory_lock($1)").bind::<BigInt, _>(MIGRATION_LOCK).execute(conn)?;
    }
    Ok(())
}

fn refuse_newer(conn: &mut Conn) -> Result<(), StoreError> {
    let known = known(conn)?;
    match applied(conn)?.into_iter().find(|version| !known.contains(version)) {
        None => Ok(()),
        Some(version) => Err(StoreError::Unusable(format!(
            "the database is newer than this program: it has migration {version}, which this one does not know"
        ))),
    }
}

fn applied(conn: &mut Conn) -> Result<Vec<String>, StoreError> {
    let versions: Result<Vec<MigrationVersion<'_>>, _> =
        each_backend!(conn, |conn| conn.applied_migrations());
    Ok(versions.map_err(|error| from_boxed(&*error))?.iter().map(ToString::to_string).collect())
}

fn known(conn: &Conn) -> Result<Vec<String>, StoreError> {
    fn versions<DB: diesel::backend::Backend>(
        migrations: migration::Result<Vec<Box<dyn Migration<DB>>>>,
    ) -> Result<Vec<String>, StoreError> {
        let migrations = migrations.map_err(|error| from_boxed(&*error))?;
        Ok(migrations.iter().map(|migration| migration.name().version().to_string()).collect())
    }
    match conn {
        Conn::Sqlite(_) => versions(MigrationSource::<Sqlite>::migrations(&SQLITE)),
        Conn::Postgres(_) => versions(MigrationSource::<Pg>::migrations(&POSTGRES)),
    }
}

fn from_boxed(error: &(dyn std::error::Error + 'static)) -> StoreError {
    StoreError::Unusable(chain(error))
}

fn unusable(url: &DatabaseUrl, error: &(dyn std::error::Error + 'static)) -> StoreError {
    StoreError::Unusable(format!("{url:?} cannot be used: {}", chain(error)))
}

/// An error and its causes in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Some drivers repeat their cause in their own words.
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> (tempfile::TempDir, DatabaseUrl) {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("convened.db"));
        (folder, url)
    }

    #[test]
    fn a_second_start_finds_nothing_to_do() {
        let (_folder, url) = fresh();
        assert_eq!(pending(&url).unwrap().len(), run(&url).unwrap().len());
        assert!(pending(&url).unwrap().is_empty());
        assert!(run(&url).unwrap().is_empty());
    }

    #[test]
    fn a_newer_database_is_refused_by_name() {
        let (_folder, url) = fresh();
        run(&url).unwrap();
        let mut conn = open(&url).unwrap();
        conn.batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')")
            .unwrap();
        let error = run(&url).unwrap_err().to_string();
        assert!(error.contains("newer than this program") && error.contains("20991231000000"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_database_is_refused_in_one_line() {
        let (_folder, url) = fresh();
        std::fs::write(url.sqlite_path().unwrap(), "Dear diary, ".repeat(1000)).unwrap();
        let error = run(&url).unwrap_err();
        assert!(matches!(error, StoreError::Unusable(_)));
        let line = error.to_string();
        assert!(line.contains("not a database") && !line.contains('\n'), "{line}");
    }

    #[test]
    fn somebody_elses_database_is_refused() {
        let (_folder, url) = fresh();
        open(&url).unwrap().batch_execute("CREATE TABLE people (x INTEGER) STRICT").unwrap();
        assert!(run(&url).unwrap_err().to_string().contains("already exists"));
    }

    #[test]
    fn a_missing_folder_is_named() {
        let url = DatabaseUrl::Sqlite("/nonexistent/folder/convened.db".into());
        assert!(run(&url).unwrap_err().to_string().contains("/nonexistent/folder"));
    }
}
