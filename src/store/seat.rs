//! Seats: who holds which Zoom host when.

use diesel::prelude::*;

use super::schema::{appointments, seats};
use super::{Conn, StoreError, UtcMillis, each_backend};

/// A row of `seats`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = seats)]
pub struct SeatRow {
    /// The seat's id.
    pub id: String,
    /// The Zoom user: an id, or an e-mail address in lower case.
    pub zoom_user_id: String,
    /// For which booking.
    pub appointment_id: String,
    /// From when.
    pub from_at: UtcMillis,
    /// Until when.
    pub until_at: UtcMillis,
    /// When it was taken.
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

/// The seats of these Zoom users that touch the time between `from` and `until`, other bookings' only.
///
/// # Errors
/// [`StoreError`].
pub fn taken(
    conn: &mut Conn,
    keys: &[String],
    from: UtcMillis,
    until: UtcMillis,
    except: &str,
) -> Result<Vec<TakenSeat>, StoreError> {
    Ok(seats::table
        .inner_join(appointments::table)
        .filter(seats::zoom_user_id.eq_any(keys))
        .filter(seats::from_at.lt(until))
        .filter(seats::until_at.gt(from))
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
        .load(conn)?)
}

/// More seats than this are never looked at: a search for free times ends within them.
const TAKEN_MAX: i64 = 1000;

/// Holds the writers of other processes off these Zoom users until the transaction ends, so that nobody takes a
/// seat between our look and our write. SQLite has one writer anyway.
///
/// # Errors
/// [`StoreError`].
pub fn lock(conn: &mut Conn, keys: &[String]) -> Result<(), StoreError> {
    if let Conn::Postgres(connection) = conn {
        let mut keys: Vec<&String> = keys.iter().collect();
        keys.sort();
        for key in keys {
            diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
                .bind::<diesel::sql_types::Text, _>(format!("seat:{key}"))
                .execute(connection)?;
        }
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

/// The Zoom user that a booking holds.
///
/// # Errors
/// [`StoreError`].
pub fn of_appointment(conn: &mut Conn, appointment_id: &str) -> Result<Option<String>, StoreError> {
    Ok(seats::table
        .filter(seats::appointment_id.eq(appointment_id))
        .select(seats::zoom_user_id)
        .first(conn)
        .optional()?)
}

/// Gives a booking's seat back.
///
/// # Errors
/// [`StoreError`].
pub fn free(conn: &mut Conn, appointment_id: &str) -> Result<(), StoreError> {
    diesel::delete(seats::table.filter(seats::appointment_id.eq(appointment_id))).execute(conn)?;
    Ok(())
}

/// Lifts the seats of bookings that are all moved in this transaction, so that none stands in another's way.
///
/// # Errors
/// [`StoreError`].
pub fn lift(conn: &mut Conn, appointment_ids: &[String]) -> Result<(), StoreError> {
    diesel::delete(seats::table.filter(seats::appointment_id.eq_any(appointment_ids))).execute(conn)?;
    Ok(())
}
