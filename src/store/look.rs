//! How Zoom differs from what a booking wants, and who wants a look at it.
//!
//! Two counters make a wish that cannot be lost: anybody raises `look_wanted`, the meeting's actor alone brings
//! `looked` up to what it has served. So does `resync_wanted` for a person's "put it right now".

use diesel::prelude::*;

use super::due::{self, DueKind};
use super::schema::{meeting_looks, zoom_meetings};
use super::{Conn, Json, StoreError, UtcMillis, each_backend};

/// Values in one statement; far below both databases' limits on parameters.
const VALUES_MAX: usize = 1000;

/// A row of `meeting_looks`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = meeting_looks, treat_none_as_default_value = false)]
pub struct LookRow {
    /// Our id of the meeting.
    pub meeting_id: String,
    /// The fields that differ; null when none does.
    pub drift: Option<Json>,
    /// When it was put right lately.
    pub restores: Option<Json>,
    /// Raised by whoever wants a look.
    pub look_wanted: i64,
    /// Up to where such wishes are served.
    pub looked: i64,
    /// When that was.
    pub looked_at: Option<UtcMillis>,
    /// Raised by whoever wants it put right now.
    pub resync_wanted: i64,
    /// Up to where that is begun.
    pub resynced: i64,
    /// The link that people have.
    pub last_join_url: Option<String>,
}

/// The row of a meeting; one that agrees may have none.
///
/// # Errors
/// [`StoreError`].
pub fn of(conn: &mut Conn, meeting_id: &str) -> Result<LookRow, StoreError> {
    let row = meeting_looks::table.find(meeting_id).select(LookRow::as_select()).first(conn).optional()?;
    Ok(row.unwrap_or_else(|| LookRow { meeting_id: meeting_id.to_owned(), ..LookRow::default() }))
}

/// Writes what is the actor's of a row; the wishes of others stay as they are.
///
/// # Errors
/// [`StoreError`].
pub fn save(conn: &mut Conn, row: &LookRow) -> Result<(), StoreError> {
    each_backend!(conn, |c| diesel::insert_into(meeting_looks::table)
        .values(row)
        .on_conflict(meeting_looks::meeting_id)
        .do_update()
        .set((
            meeting_looks::drift.eq(&row.drift),
            meeting_looks::restores.eq(&row.restores),
            meeting_looks::looked.eq(row.looked),
            meeting_looks::looked_at.eq(row.looked_at),
            meeting_looks::resynced.eq(row.resynced),
            meeting_looks::last_join_url.eq(&row.last_join_url),
        ))
        .execute(c))?;
    Ok(())
}

/// Asks for a look at what Zoom has of a meeting, due at `at`.
///
/// # Errors
/// [`StoreError`].
pub fn want(conn: &mut Conn, meeting_id: &str, at: UtcMillis) -> Result<(), StoreError> {
    let first = LookRow { meeting_id: meeting_id.to_owned(), look_wanted: 1, ..LookRow::default() };
    each_backend!(conn, |c| diesel::insert_into(meeting_looks::table)
        .values(&first)
        .on_conflict(meeting_looks::meeting_id)
        .do_update()
        .set(meeting_looks::look_wanted.eq(meeting_looks::look_wanted + 1))
        .execute(c))?;
    due::set(conn, DueKind::Sync, meeting_id, at)
}

/// Asks that a meeting be put right now: a look, the second look at once, and the limits on restoring forgotten.
///
/// # Errors
/// [`StoreError`].
pub fn want_resync(conn: &mut Conn, meeting_id: &str, at: UtcMillis) -> Result<(), StoreError> {
    let first = LookRow { meeting_id: meeting_id.to_owned(), resync_wanted: 1, ..LookRow::default() };
    each_backend!(conn, |c| diesel::insert_into(meeting_looks::table)
        .values(&first)
        .on_conflict(meeting_looks::meeting_id)
        .do_update()
        .set(meeting_looks::resync_wanted.eq(meeting_looks::resync_wanted + 1))
        .execute(c))?;
    due::set(conn, DueKind::Sync, meeting_id, at)
}

/// How many of these meetings have not been put right yet, or cannot be.
///
/// # Errors
/// [`StoreError`].
pub fn unserved(conn: &mut Conn, ids: &[String]) -> Result<usize, StoreError> {
    let mut left = 0;
    for ids in ids.chunks(VALUES_MAX) {
        let wanting = meeting_looks::resync_wanted
            .gt(meeting_looks::resynced)
            .or(meeting_looks::look_wanted.gt(meeting_looks::looked));
        let count: i64 = meeting_looks::table
            .inner_join(zoom_meetings::table)
            .filter(meeting_looks::meeting_id.eq_any(ids))
            .filter(wanting.or(zoom_meetings::op_kind.is_not_null()))
            .count()
            .get_result(conn)?;
        left += usize::try_from(count).unwrap_or(usize::MAX);
    }
    Ok(left)
}

/// How many meetings Zoom goes on having otherwise.
///
/// # Errors
/// [`StoreError`].
pub fn drifting(conn: &mut Conn) -> Result<i64, StoreError> {
    Ok(meeting_looks::table.filter(meeting_looks::drift.is_not_null()).count().get_result(conn)?)
}

/// What differs at Zoom, of these meetings: pairs of meeting id and fields.
///
/// # Errors
/// [`StoreError`].
pub fn drifts(conn: &mut Conn, ids: &[String]) -> Result<Vec<(String, Json)>, StoreError> {
    let mut found = Vec::new();
    for ids in ids.chunks(VALUES_MAX) {
        let rows: Vec<(String, Option<Json>)> = meeting_looks::table
            .filter(meeting_looks::meeting_id.eq_any(ids))
            .filter(meeting_looks::drift.is_not_null())
            .select((meeting_looks::meeting_id, meeting_looks::drift))
            .load(conn)?;
        found.extend(rows.into_iter().filter_map(|(id, drift)| Some((id, drift?))));
    }
    Ok(found)
}
