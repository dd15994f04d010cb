//! The line of bookings that wait for a host, in the order in which they began to wait.

use diesel::prelude::*;

use super::schema::seat_line;
use super::{Conn, StoreError, UtcMillis, each_backend};
use crate::domain::schedule::Span;
use crate::domain::seats::Waiting;

/// A row of `seat_line`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = seat_line, treat_none_as_default_value = false)]
pub struct WaitingRow {
    /// Which booking.
    pub appointment_id: String,
    /// The Zoom user who comes before the pool.
    pub own_key: Option<String>,
    /// From when it needs a host.
    pub from_at: UtcMillis,
    /// Until when.
    pub until_at: UtcMillis,
    /// When it began to wait.
    pub since: UtcMillis,
}

impl From<&WaitingRow> for Waiting {
    fn from(row: &WaitingRow) -> Self {
        let span = Span { from: row.from_at.into(), until: row.until_at.into() };
        Self { span, own: row.own_key.clone() }
    }
}

/// Puts a booking into the line. One that waits already keeps its place, whatever else has changed.
///
/// # Errors
/// [`StoreError`].
pub fn wait(conn: &mut Conn, row: &WaitingRow) -> Result<(), StoreError> {
    each_backend!(conn, |c| diesel::insert_into(seat_line::table)
        .values(row)
        .on_conflict(seat_line::appointment_id)
        .do_update()
        .set((
            seat_line::own_key.eq(&row.own_key),
            seat_line::from_at.eq(row.from_at),
            seat_line::until_at.eq(row.until_at),
        ))
        .execute(c))?;
    Ok(())
}

/// Takes a booking out of the line; `false` when it was not in it.
///
/// # Errors
/// [`StoreError`].
pub fn leave(conn: &mut Conn, appointment_id: &str) -> Result<bool, StoreError> {
    Ok(diesel::delete(seat_line::table.find(appointment_id)).execute(conn)? == 1)
}

/// Whether a booking is in the line.
///
/// # Errors
/// [`StoreError`].
pub fn waits(conn: &mut Conn, appointment_id: &str) -> Result<bool, StoreError> {
    let found: Option<String> =
        seat_line::table.find(appointment_id).select(seat_line::appointment_id).first(conn).optional()?;
    Ok(found.is_some())
}

/// Those who wait for a host at a time that touches `span` and is not over at `now`, in the order of the line, at
/// most `limit`.
///
/// # Errors
/// [`StoreError`].
pub fn waiting(
    conn: &mut Conn,
    span: Span,
    now: UtcMillis,
    limit: i64,
) -> Result<Vec<WaitingRow>, StoreError> {
    Ok(seat_line::table
        .filter(seat_line::from_at.lt(UtcMillis::from(span.until)))
        .filter(seat_line::until_at.gt(UtcMillis::from(span.from)))
        .filter(seat_line::until_at.gt(now))
        .order((seat_line::since, seat_line::appointment_id))
        .limit(limit)
        .select(WaitingRow::as_select())
        .load(conn)?)
}

/// The earliest start after `after` of one who waits, if its time is not over at `now`.
///
/// # Errors
/// [`StoreError`].
pub fn next_start(
    conn: &mut Conn,
    after: Option<UtcMillis>,
    now: UtcMillis,
) -> Result<Option<UtcMillis>, StoreError> {
    let mut query = seat_line::table.filter(seat_line::until_at.gt(now)).into_boxed();
    if let Some(after) = after {
        query = query.filter(seat_line::from_at.ge(after));
    }
    Ok(query.order(seat_line::from_at).select(seat_line::from_at).first(conn).optional()?)
}

/// Takes everybody out of the line whose time is over.
///
/// # Errors
/// [`StoreError`].
pub fn expire(conn: &mut Conn, now: UtcMillis) -> Result<(), StoreError> {
    diesel::delete(seat_line::table.filter(seat_line::until_at.le(now))).execute(conn)?;
    Ok(())
}

/// How many wait for a host at a time that touches `span`, and how many of them for this Zoom user before others.
///
/// # Errors
/// [`StoreError`].
pub fn count(conn: &mut Conn, span: Span, own_key: Option<&str>) -> Result<i64, StoreError> {
    let mut query = seat_line::table
        .filter(seat_line::from_at.lt(UtcMillis::from(span.until)))
        .filter(seat_line::until_at.gt(UtcMillis::from(span.from)))
        .into_boxed();
    if let Some(key) = own_key {
        query = query.filter(seat_line::own_key.eq(key));
    }
    Ok(query.count().get_result(conn)?)
}

/// Writes who waits for one key under another.
///
/// # Errors
/// [`StoreError`].
pub fn rekey(conn: &mut Conn, old: &str, new: &str) -> Result<(), StoreError> {
    diesel::update(seat_line::table.filter(seat_line::own_key.eq(old)))
        .set(seat_line::own_key.eq(new))
        .execute(conn)?;
    Ok(())
}

/// As [`rekey`], of one booking alone.
///
/// # Errors
/// [`StoreError`].
pub fn rekey_of(conn: &mut Conn, appointment_id: &str, old: &str, new: &str) -> Result<(), StoreError> {
    diesel::update(seat_line::table.find(appointment_id))
        .filter(seat_line::own_key.eq(old))
        .set(seat_line::own_key.eq(new))
        .execute(conn)?;
    Ok(())
}
