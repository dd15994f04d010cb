//! First answers to requests that carry an `Idempotency-Key`, kept to be given again.

use diesel::prelude::*;

use super::schema::idempotency_keys;
use super::types::text_enum;
use super::{Conn, StoreError, UtcMillis};

text_enum! {
    /// Whether the first request still waits for Zoom.
    pub enum AnswerState {
        /// The booking is made; its first caller still waits.
        Running = "running",
        /// The answer is the one that was given.
        Done = "done",
    }
}

/// A row of `idempotency_keys`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = idempotency_keys, treat_none_as_default_value = false)]
pub struct AnswerRow {
    /// The token's subject: every caller has keys of their own.
    pub caller: String,
    /// The key.
    pub key: String,
    /// What was asked: a digest of method, path and body.
    pub fingerprint: String,
    /// Whether `status` and `body` are the answer that was given.
    pub state: AnswerState,
    /// The answer's status.
    pub status: Option<i64>,
    /// The answer's body.
    pub body: Option<String>,
    /// What was made.
    pub appointment_id: Option<String>,
    /// When; after a day it is forgotten.
    pub created_at: UtcMillis,
}

/// The first answer under this key, unless it is older than `since`.
///
/// # Errors
/// [`StoreError`].
pub fn find(
    conn: &mut Conn,
    caller: &str,
    key: &str,
    since: UtcMillis,
) -> Result<Option<AnswerRow>, StoreError> {
    Ok(idempotency_keys::table
        .find((caller, key))
        .filter(idempotency_keys::created_at.ge(since))
        .select(AnswerRow::as_select())
        .first(conn)
        .optional()?)
}

/// Keeps a first answer, in place of one that is older than `since`.
///
/// # Errors
/// [`StoreError::Conflict`] when another request came first.
pub fn keep(conn: &mut Conn, row: &AnswerRow, since: UtcMillis) -> Result<(), StoreError> {
    diesel::delete(
        idempotency_keys::table.find((&row.caller, &row.key)).filter(idempotency_keys::created_at.lt(since)),
    )
    .execute(conn)?;
    diesel::insert_into(idempotency_keys::table).values(row).execute(conn)?;
    Ok(())
}

/// Replaces the answer of a request that waited for Zoom by the one that was given.
///
/// # Errors
/// [`StoreError`].
pub fn finish(conn: &mut Conn, caller: &str, key: &str, status: i64, body: &str) -> Result<(), StoreError> {
    diesel::update(idempotency_keys::table.find((caller, key)))
        .set((
            idempotency_keys::state.eq(AnswerState::Done),
            idempotency_keys::status.eq(status),
            idempotency_keys::body.eq(body),
        ))
        .execute(conn)?;
    Ok(())
}

/// Forgets answers older than `before`; gives how many.
///
/// # Errors
/// [`StoreError`].
pub fn forget(conn: &mut Conn, before: UtcMillis) -> Result<usize, StoreError> {
    Ok(diesel::delete(idempotency_keys::table.filter(idempotency_keys::created_at.lt(before)))
        .execute(conn)?)
}
