//! Seats: who holds which Zoom host when.

use chrono::Duration;
use diesel::dsl::count_star;
use diesel::prelude::*;

use super::schema::{appointments, seats};
use super::{Conn, StoreError, UtcMillis, each_backend};
use crate::domain::schedule::Span;

/// A row of `seats`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = seats)]
pub struct SeatRow {
    /// The seat's id.
    pub id: String,
    /// The Zoom user, by the key that [`super::host_key`] gives.
    pub zoom_user_id: String,
    /// For which booking.
    pub appointment_id: String,
    /// From when.
    pub from_at: UtcMillis,
    /// Until when.
    pub until_at: UtcMillis,
    /// When the booking got its first seat.
    pub created_at: UtcMillis,
}

/// A taken seat with the booking it is taken for.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct TakenSeat {
    /// The Zoom user.
    pub zoom_user_id: String,
    /// The booking's id.
    pub appointment_id: String,
    /// Its title.
    pub title: String,
    /// From when.
    pub from_at: UtcMillis,
    /// Until when.
    pub until_at: UtcMillis,
}

impl TakenSeat {
    /// The booking's time.
    #[must_use]
    pub fn span(&self) -> Span {
        Span { from: self.from_at.into(), until: self.until_at.into() }
    }
}

/// The seats in a stretch of time, as far as they were read.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The seats, by their start.
    pub seats: Vec<TakenSeat>,
    /// There are more: seats that start after this were not read.
    pub read_until: Option<UtcMillis>,
}

/// More seats than this are not read at once.
const TAKEN_MAX: i64 = 20_000;
/// No booking is longer (`duration`: 1 to 1440 minutes), so nothing that started earlier can reach into a time.
const LONGEST: Duration = Duration::minutes(1440);

/// The seats of these Zoom users that touch `span`, but not those of the booking `except`.
///
/// # Errors
/// [`StoreError`].
pub fn taken(conn: &mut Conn, keys: &[String], span: Span, except: &str) -> Result<Taken, StoreError> {
    let seats: Vec<TakenSeat> = seats::table
        .inner_join(appointments::table)
        .filter(seats::zoom_user_id.eq_any(keys))
        .filter(seats::from_at.lt(UtcMillis::from(span.until)))
        .filter(seats::from_at.gt(UtcMillis::from(span.from - LONGEST)))
        .filter(seats::until_at.gt(UtcMillis::from(span.from)))
        .filter(seats::appointment_id.ne(except))
        .order((seats::from_at, seats::id))
        .limit(TAKEN_MAX)
        .select((
            seats::zoom_user_id,
            seats::appointment_id,
            appointments::title,
            seats::from_at,
            seats::until_at,
        ))
        .load(conn)?;
    let cut_off = usize::try_from(TAKEN_MAX).is_ok_and(|max| seats.len() >= max);
    let read_until = seats.last().filter(|_| cut_off).map(|seat| seat.from_at);
    Ok(Taken { seats, read_until })
}

/// How many seats these Zoom users have that start in `span`: pairs of key and number, without those who have none.
///
/// # Errors
/// [`StoreError`].
pub fn loads(conn: &mut Conn, keys: &[String], span: Span) -> Result<Vec<(String, i64)>, StoreError> {
    Ok(seats::table
        .filter(seats::zoom_user_id.eq_any(keys))
        .filter(seats::from_at.ge(UtcMillis::from(span.from)))
        .filter(seats::from_at.lt(UtcMillis::from(span.until)))
        .group_by(seats::zoom_user_id)
        .select((seats::zoom_user_id, count_star()))
        .load(conn)?)
}

/// Holds the writers of other processes off all seats until the transaction ends, so that nobody takes a seat
/// between our look and our write. SQLite has one writer anyway.
///
/// One lock for all: many writes share a transaction and come in any order, and a seat that is freed may pass from
/// host to host, so that a lock for each host would be waited for in circles.
///
/// # Errors
/// [`StoreError`].
pub fn lock(conn: &mut Conn) -> Result<(), StoreError> {
    if let Conn::Postgres(connection) = conn {
        diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended('convened seats', 0))")
            .execute(connection)?;
    }
    Ok(())
}

/// Takes a seat for a booking, in place of the one it had.
///
/// # Errors
/// [`StoreError`].
pub fn take(conn: &mut Conn, row: &SeatRow) -> Result<(), StoreError> {
    each_backend!(conn, |c| diesel::insert_into(seats::table)
        .values(row)
        .on_conflict(seats::appointment_id)
        .do_update()
        .set((
            seats::zoom_user_id.eq(&row.zoom_user_id),
            seats::from_at.eq(row.from_at),
            seats::until_at.eq(row.until_at),
        ))
        .execute(c))?;
    Ok(())
}

/// The seat of a booking.
///
/// # Errors
/// [`StoreError`].
pub fn of_appointment(conn: &mut Conn, appointment_id: &str) -> Result<Option<SeatRow>, StoreError> {
    Ok(seats::table
        .filter(seats::appointment_id.eq(appointment_id))
        .select(SeatRow::as_select())
        .first(conn)
        .optional()?)
}

/// Gives a booking's seat back: the seat it had.
///
/// # Errors
/// [`StoreError`].
pub fn free(conn: &mut Conn, appointment_id: &str) -> Result<Option<SeatRow>, StoreError> {
    let had = of_appointment(conn, appointment_id)?;
    if had.is_some() {
        diesel::delete(seats::table.filter(seats::appointment_id.eq(appointment_id))).execute(conn)?;
    }
    Ok(had)
}

/// The seats of a Zoom user that are not over at `now`, in the order in which they were given, at most `limit`.
///
/// # Errors
/// [`StoreError`].
pub fn to_come(conn: &mut Conn, key: &str, now: UtcMillis, limit: i64) -> Result<Vec<SeatRow>, StoreError> {
    Ok(seats::table
        .filter(seats::zoom_user_id.eq(key))
        .filter(seats::until_at.gt(now))
        .order((seats::created_at, seats::id))
        .limit(limit)
        .select(SeatRow::as_select())
        .load(conn)?)
}

/// The Zoom users with a seat that is not over at `now`, in the order of their keys, after `after`.
///
/// # Errors
/// [`StoreError`].
pub fn hosts_to_come(
    conn: &mut Conn,
    now: UtcMillis,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    Ok(seats::table
        .filter(seats::until_at.gt(now))
        .filter(seats::zoom_user_id.gt(after))
        .order(seats::zoom_user_id)
        .select(seats::zoom_user_id)
        .distinct()
        .limit(limit)
        .load(conn)?)
}

/// Writes the seats of one key under another: the Zoom user is the same, or the host has another one now.
///
/// # Errors
/// [`StoreError`].
pub fn rekey(conn: &mut Conn, old: &str, new: &str) -> Result<(), StoreError> {
    diesel::update(seats::table.filter(seats::zoom_user_id.eq(old)))
        .set(seats::zoom_user_id.eq(new))
        .execute(conn)?;
    Ok(())
}

/// Lifts the seats of bookings that are all moved in this transaction, so that none stands in another's way. Gives
/// the seats they had.
///
/// # Errors
/// [`StoreError`].
pub fn lift(conn: &mut Conn, appointment_ids: &[String]) -> Result<Vec<SeatRow>, StoreError> {
    let theirs = || seats::table.filter(seats::appointment_id.eq_any(appointment_ids));
    let had = theirs().select(SeatRow::as_select()).load(conn)?;
    diesel::delete(theirs()).execute(conn)?;
    Ok(had)
}
