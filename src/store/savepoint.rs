//! One item of many: what it wrote is undone when it fails, and the others go on.

use diesel::Connection;

use super::{Conn, StoreError};

/// Runs `work` in a savepoint of its own.
///
/// # Errors
/// The work's, after its writes are undone, or the store's.
pub fn savepoint<T, E: From<StoreError>>(
    conn: &mut Conn,
    work: impl FnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, E> {
    let outcome = conn.transaction(|conn| work(conn).map_err(Failure::Own));
    outcome.map_err(|failure| match failure {
        Failure::Own(error) => error,
        Failure::Savepoint(error) => StoreError::from(error).into(),
    })
}

enum Failure<E> {
    Own(E),
    Savepoint(diesel::result::Error),
}

impl<E> From<diesel::result::Error> for Failure<E> {
    fn from(error: diesel::result::Error) -> Self {
        Self::Savepoint(error)
    }
}
