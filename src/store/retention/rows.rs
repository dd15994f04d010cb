//! Rows that are simply deleted: webhooks, kept answers, lines of stories.
//!
//! Webhooks and stories are walked in the order of their ids, which is the order of their coming: the walk ends at the
//! first that is young, so that no index on their time is needed, which every insert would pay for.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Text};

use super::Batch;
use crate::domain::retention::Limits;
use crate::store::sql::Sql;
use crate::store::{Conn, StoreError, UtcMillis};

/// Rows that are looked at, and deleted, in one go.
const BATCH_MAX: i64 = 1000;

#[derive(QueryableByName)]
struct Old {
    #[diesel(sql_type = BigInt)]
    id: i64,
    /// Whether it, and what comes after it, is young.
    #[diesel(sql_type = Bool)]
    young: bool,
    /// Whether it may go.
    #[diesel(sql_type = Bool)]
    goes: bool,
}

/// A walk by id that ends at the first young row.
fn walk(conn: &mut Conn, mut sql: Sql, after: &str, id: &str) -> Result<Batch, StoreError> {
    sql.push(&format!(" WHERE {id} > ")).bind(after.parse::<i64>().unwrap_or(i64::MIN));
    sql.push(&format!(" ORDER BY {id} LIMIT ")).bind(BATCH_MAX);
    let rows: Vec<Old> = sql.load(conn)?;
    let full = i64::try_from(rows.len()).unwrap_or(i64::MAX) == BATCH_MAX;
    let ended = rows.iter().any(|row| row.young);
    let next = rows.last().filter(|_| full && !ended).map(|last| last.id.to_string());
    let old = rows.iter().take_while(|row| !row.young).filter(|row| row.goes);
    Ok(Batch { keys: old.map(|row| row.id.to_string()).collect(), next })
}

/// Webhooks that are too old; one that is still to be applied never is.
pub(super) fn old_webhooks(conn: &mut Conn, limits: &Limits, after: &str) -> Result<Batch, StoreError> {
    let (applied, others) = (limits.applied_webhooks, limits.other_webhooks);
    let mut sql = Sql::new("SELECT id, received_at >= ");
    sql.bind(UtcMillis::from(applied.max(others)));
    sql.push(" AS young, (state IN ('done', 'ignored') AND received_at < ").bind(UtcMillis::from(applied));
    sql.push(") OR (state IN ('dead', 'unowned') AND received_at < ").bind(UtcMillis::from(others));
    sql.push(") AS goes FROM webhook_events");
    walk(conn, sql, after, "id")
}

/// Lines of stories that are too old, of bookings that are over as long.
pub(super) fn old_stories(conn: &mut Conn, limits: &Limits, after: &str) -> Result<Batch, StoreError> {
    let before = UtcMillis::from(limits.audit);
    let mut sql = Sql::new("SELECT s.id AS id, s.at >= ");
    sql.bind(before).push(" AS young, a.end_at < ").bind(before);
    sql.push(" AS goes FROM story s JOIN appointments a ON a.id = s.appointment_id");
    walk(conn, sql, after, "s.id")
}

/// Deletes rows by their ids.
pub(super) fn delete(conn: &mut Conn, table: &str, ids: &[String]) -> Result<usize, StoreError> {
    let mut sql = Sql::new(&format!("DELETE FROM {table} WHERE id IN ("));
    for (place, id) in ids.iter().enumerate() {
        sql.push(if place == 0 { "" } else { ", " }).bind(id.parse::<i64>().unwrap_or(i64::MIN));
    }
    sql.push(")");
    sql.execute(conn)
}

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = Text)]
    key: String,
}

/// Kept answers that are too old. They go by their age: the keys only say that there are some.
pub(super) fn old_answers(conn: &mut Conn, limits: &Limits) -> Result<Batch, StoreError> {
    let mut sql = Sql::new("SELECT key FROM idempotency_keys WHERE created_at < ");
    sql.bind(UtcMillis::from(limits.keys)).push(" LIMIT ").bind(BATCH_MAX);
    let rows: Vec<Key> = sql.load(conn)?;
    let full = i64::try_from(rows.len()).unwrap_or(i64::MAX) == BATCH_MAX;
    let next = full.then(String::new);
    Ok(Batch { keys: rows.into_iter().map(|row| row.key).collect(), next })
}

/// Deletes as many kept answers that are too old as one batch has.
pub(super) fn delete_answers(conn: &mut Conn, limits: &Limits) -> Result<usize, StoreError> {
    let mut sql = Sql::new(
        "DELETE FROM idempotency_keys WHERE (caller, key) IN
            (SELECT caller, key FROM idempotency_keys WHERE created_at < ",
    );
    sql.bind(UtcMillis::from(limits.keys)).push(" LIMIT ").bind(BATCH_MAX).push(")");
    sql.execute(conn)
}
