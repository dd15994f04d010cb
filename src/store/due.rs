//! What has to happen when: one indexed table that wakes the daemon after any silence or crash.

use diesel::prelude::*;

use super::schema::due_work;
use super::types::text_enum;
use super::{Conn, StoreError, UtcMillis, each_backend};

text_enum! {
    /// What kind of work is due; the key says of what.
    pub enum DueKind {
        /// Bring Zoom in line; the key is a meeting id.
        Sync = "sync",
        /// The planned end has passed: see how the booking came out; the key is a booking's id.
        WindowEnd = "window_end",
        /// The meeting may be running on after its planned end; the key is a booking's id.
        AutoEnd = "auto_end",
        /// Read Zoom's report of an instance; the key is the instance's uuid.
        Report = "report",
        /// Score a booking; the key is its id.
        Score = "score",
    }
}

/// One piece of due work.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = due_work)]
pub struct DueRow {
    /// What to do.
    pub kind: DueKind,
    /// Of what.
    pub key: String,
    /// When.
    pub due_at: UtcMillis,
    /// Whose: the shard of the meeting.
    pub shard: i64,
}

/// Sets the time of a piece of work, whatever it was before.
///
/// # Errors
/// [`StoreError`].
pub fn set(conn: &mut Conn, kind: DueKind, key: &str, due_at: UtcMillis) -> Result<(), StoreError> {
    let row = DueRow { kind, key: key.to_owned(), due_at, shard: 0 };
    each_backend!(conn, |c| diesel::insert_into(due_work::table)
        .values(&row)
        .on_conflict((due_work::kind, due_work::key))
        .do_update()
        .set(due_work::due_at.eq(due_at))
        .execute(c))?;
    Ok(())
}

/// Forgets a piece of work.
///
/// # Errors
/// [`StoreError`].
pub fn clear(conn: &mut Conn, kind: DueKind, key: &str) -> Result<(), StoreError> {
    diesel::delete(due_work::table.find((kind.as_str(), key))).execute(conn)?;
    Ok(())
}

/// When a piece of work is due.
///
/// # Errors
/// [`StoreError`].
pub fn at(conn: &mut Conn, kind: DueKind, key: &str) -> Result<Option<UtcMillis>, StoreError> {
    Ok(due_work::table.find((kind.as_str(), key)).select(due_work::due_at).first(conn).optional()?)
}

/// Puts off or forgets (`None`) work that was due at `seen` when its state was read. Work that somebody made due at
/// another time since then stays: what made it due has not been seen.
///
/// # Errors
/// [`StoreError`].
pub fn replace(
    conn: &mut Conn,
    kind: DueKind,
    key: &str,
    seen: Option<UtcMillis>,
    due_at: Option<UtcMillis>,
) -> Result<(), StoreError> {
    match (seen, due_at) {
        (Some(seen), Some(due_at)) => {
            diesel::update(due_work::table.find((kind.as_str(), key)).filter(due_work::due_at.eq(seen)))
                .set(due_work::due_at.eq(due_at))
                .execute(conn)?;
        }
        (Some(seen), None) => {
            diesel::delete(due_work::table.find((kind.as_str(), key)).filter(due_work::due_at.eq(seen)))
                .execute(conn)?;
        }
        (None, Some(due_at)) => {
            let row = DueRow { kind, key: key.to_owned(), due_at, shard: 0 };
            each_backend!(conn, |c| diesel::insert_into(due_work::table)
                .values(&row)
                .on_conflict_do_nothing()
                .execute(c))?;
        }
        (None, None) => {}
    }
    Ok(())
}

/// Sets the time, or forgets the work when there is none.
///
/// # Errors
/// [`StoreError`].
pub fn set_or_clear(
    conn: &mut Conn,
    kind: DueKind,
    key: &str,
    due_at: Option<UtcMillis>,
) -> Result<(), StoreError> {
    match due_at {
        Some(due_at) => set(conn, kind, key, due_at),
        None => clear(conn, kind, key),
    }
}

/// Whether anything is due at `now`.
///
/// # Errors
/// [`StoreError`].
pub fn any(conn: &mut Conn, now: UtcMillis) -> Result<bool, StoreError> {
    let first: Option<String> =
        due_work::table.filter(due_work::due_at.le(now)).select(due_work::key).first(conn).optional()?;
    Ok(first.is_some())
}

/// Takes up to `limit` pieces of work that are due at `now` and puts them off until `again_at`, so that each is
/// handed out once, and again should whoever got it die.
///
/// # Errors
/// [`StoreError`].
pub fn claim(
    conn: &mut Conn,
    now: UtcMillis,
    again_at: UtcMillis,
    limit: i64,
) -> Result<Vec<DueRow>, StoreError> {
    let due: Vec<DueRow> = due_work::table
        .filter(due_work::due_at.le(now))
        .order((due_work::due_at, due_work::kind, due_work::key))
        .limit(limit)
        .select(DueRow::as_select())
        .load(conn)?;
    for row in &due {
        diesel::update(due_work::table.find((row.kind, &row.key)))
            .set(due_work::due_at.eq(again_at))
            .execute(conn)?;
    }
    Ok(due)
}
