//! What can go wrong in the store, classified once: callers match on variants and ask [`StoreError::retry`],
//! never on a driver's text.

use std::sync::Arc;
use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A failure of the store.
///
/// `Clone`, because one failed commit is the answer to everybody in the group.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another transaction was in the way, longer than we wait for one.
    #[error("the store is busy")]
    Busy,
    /// Too much waits to be written; nothing was done.
    #[error("too many writes are waiting")]
    Overloaded,
    /// The row asked for does not exist.
    #[error("no such row")]
    NotFound,
    /// A rule of the tables, or a version the caller relied on, forbids the write.
    #[error("the write conflicts: {0}")]
    Conflict(Conflict),
    /// What is stored cannot be read.
    #[error("{what} is corrupt")]
    Corrupt {
        /// The column, row or file.
        what: String,
        /// Why it cannot be read.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The database cannot be reached, or refuses to serve.
    #[error("the database is unavailable: {reason}")]
    Unavailable {
        /// The driver's words.
        reason: String,
    },
    /// The database or its URL is not one this program can run on.
    #[error("{0}")]
    Unusable(String),
    /// Another process has taken over the meeting that the write is about; nothing was written.
    #[error("another process has taken the meeting over")]
    Moved,
    /// The work panicked; nothing of it was kept.
    #[error("the work panicked; nothing of it was kept")]
    Panicked,
    /// The store is shut down.
    #[error("the store is closed")]
    Closed,
    /// Any other failure of a query: a fault of this program.
    #[error("a query failed")]
    Query(#[source] Arc<DieselError>),
}

/// Why a write was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// A row with the same unique key exists. (SQLite does not tell which constraint, so nobody may ask.)
    #[error("the same key exists")]
    Unique,
    /// The row refers to one that does not exist, or is referred to.
    #[error("a row it belongs to is missing")]
    Reference,
    /// A value that the column's rule forbids.
    #[error("a value is not allowed")]
    Check,
    /// The row is no longer at the version or in the state the caller read.
    #[error("the row has changed meanwhile")]
    Stale,
}

/// Whether doing the same again may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same again gives the same error.
    Never,
    /// Not before this has passed.
    After(Duration),
    /// With growing pauses.
    Backoff,
}

impl StoreError {
    /// Whether doing the same again may help; the one place where this is decided.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Busy | Self::Overloaded => Retry::After(Duration::from_millis(200)),
            Self::Unavailable { .. } | Self::Moved => Retry::Backoff,
            Self::NotFound
            | Self::Conflict(_)
            | Self::Corrupt { .. }
            | Self::Unusable(_)
            | Self::Panicked
            | Self::Closed
            | Self::Query(_) => Retry::Never,
        }
    }

    /// `what` cannot be read, because of `source`.
    pub fn corrupt(
        what: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Corrupt { what: what.into(), source: Arc::from(source.into()) }
    }

    /// The database cannot be reached, because of `reason`.
    pub fn unavailable(reason: impl std::fmt::Display) -> Self {
        Self::Unavailable { reason: one_line(&reason.to_string()) }
    }
}

/// Drivers answer in several lines; a log line and an error are one.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::NotFound => Self::NotFound,
            DieselError::DatabaseError(kind, ref info) => {
                from_database(kind, info.message()).unwrap_or_else(|| Self::Query(Arc::new(error)))
            }
            DieselError::DeserializationError(source) => Self::corrupt("a row", source),
            // The transaction was given up by the database itself: nothing is known but that the connection
            // is of no more use.
            error @ (DieselError::BrokenTransactionManager | DieselError::RollbackErrorOnCommit { .. }) => {
                Self::unavailable(error)
            }
            other => Self::Query(Arc::new(other)),
        }
    }
}

/// The class of a database's own error, where it has one.
///
/// SQLite's busy, full and corrupt have no kind in diesel and PostgreSQL's deadlock has none either: their
/// texts are looked at here and nowhere else (<https://www.sqlite.org/rescode.html>,
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn from_database(kind: DatabaseErrorKind, message: &str) -> Option<StoreError> {
    match kind {
        DatabaseErrorKind::UniqueViolation => Some(StoreError::Conflict(Conflict::Unique)),
        DatabaseErrorKind::ForeignKeyViolation => Some(StoreError::Conflict(Conflict::Reference)),
        DatabaseErrorKind::CheckViolation | DatabaseErrorKind::NotNullViolation => {
            Some(StoreError::Conflict(Conflict::Check))
        }
        DatabaseErrorKind::SerializationFailure => Some(StoreError::Busy),
        DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
            Some(StoreError::unavailable(message))
        }
        _ => from_message(message),
    }
}

fn from_message(message: &str) -> Option<StoreError> {
    const BUSY: [&str; 4] =
        ["database is locked", "database table is locked", "deadlock detected", "due to lock timeout"];
    const CORRUPT: [&str; 2] = ["file is not a database", "disk image is malformed"];
    const DOWN: [&str; 6] = [
        "database or disk is full",
        "disk I/O error",
        "unable to open database file",
        "terminating connection",
        "server closed the connection",
        "no connection to the server",
    ];
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&BUSY) {
        Some(StoreError::Busy)
    } else if says(&CORRUPT) {
        Some(StoreError::corrupt("the database file", message.to_owned()))
    } else if says(&DOWN) {
        Some(StoreError::unavailable(message))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: DatabaseErrorKind, message: &str) -> StoreError {
        DieselError::DatabaseError(kind, Box::new(message.to_owned())).into()
    }

    #[test]
    fn a_locked_sqlite_and_a_deadlock_are_busy_and_retried() {
        for message in ["database is locked", "ERROR: deadlock detected"] {
            let error = said(DatabaseErrorKind::Unknown, message);
            assert!(matches!(error, StoreError::Busy), "{message}");
            assert!(matches!(error.retry(), Retry::After(_)));
        }
    }

    #[test]
    fn a_lost_connection_is_retried_with_pauses_and_a_conflict_never() {
        assert_eq!(said(DatabaseErrorKind::ClosedConnection, "gone").retry(), Retry::Backoff);
        assert_eq!(said(DatabaseErrorKind::UniqueViolation, "dup").retry(), Retry::Never);
    }

    #[test]
    fn an_unknown_failure_keeps_its_cause() {
        let error = said(DatabaseErrorKind::Unknown, "syntax error at or near \"?\"");
        assert!(std::error::Error::source(&error).is_some_and(|cause| cause.to_string().contains("syntax")));
    }
}
