//! Rows as they are now, held until the transaction ends: who is about to write them waits here for other processes
//! that do, instead of finding out afterwards that they came too late. SQLite has one writer anyway.

use diesel::prelude::*;

use super::appointment::{self, AppointmentRow, Owner, TO_COME};
use super::group::{self, GroupRow};
use super::person::{self, PersonRow};
use super::schema::{appointments, groups, people};
use super::{Conn, StoreError, UtcMillis, seat};

/// These bookings, in their order. To be called under [`seat::lock`]: without it two who hold several might wait for
/// each other.
///
/// # Errors
/// [`StoreError`].
pub fn bookings(conn: &mut Conn, rows: Vec<AppointmentRow>) -> Result<Vec<AppointmentRow>, StoreError> {
    let Conn::Postgres(c) = conn else { return Ok(rows) };
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let found = appointments::table.filter(appointments::id.eq_any(ids)).order(appointments::id);
    let held: Vec<AppointmentRow> = found.select(AppointmentRow::as_select()).for_no_key_update().load(c)?;
    let as_held = |row: AppointmentRow| held.iter().find(|held| held.id == row.id).cloned();
    Ok(rows.into_iter().filter_map(as_held).collect())
}

/// One booking, for who writes its marks or what is said of them.
///
/// # Errors
/// [`StoreError`].
pub fn booking(conn: &mut Conn, appointment_id: &str) -> Result<(), StoreError> {
    let Conn::Postgres(c) = conn else { return Ok(()) };
    let row = appointments::table.find(appointment_id).select(appointments::id).for_no_key_update();
    row.first::<String>(c).optional()?;
    Ok(())
}

/// The bookings of `owner` that have not begun and may still come about. Takes [`seat::lock`].
///
/// # Errors
/// [`StoreError`].
pub fn future(conn: &mut Conn, owner: Owner<'_>, now: UtcMillis) -> Result<Vec<AppointmentRow>, StoreError> {
    seat::lock(conn)?;
    let found = appointment::future(conn, owner, now)?;
    let mut rows = bookings(conn, found)?;
    rows.retain(|row| TO_COME.contains(&row.status.as_str()));
    Ok(rows)
}

/// The person with this `ref`.
///
/// # Errors
/// [`StoreError`].
pub fn person(conn: &mut Conn, ref_: &str) -> Result<Option<PersonRow>, StoreError> {
    let Conn::Postgres(c) = conn else { return person::by_ref(conn, ref_) };
    let row = people::table.find(ref_).select(PersonRow::as_select()).for_no_key_update();
    Ok(row.first(c).optional()?)
}

/// The group with this `ref`.
///
/// # Errors
/// [`StoreError`].
pub fn group(conn: &mut Conn, ref_: &str) -> Result<Option<GroupRow>, StoreError> {
    let Conn::Postgres(c) = conn else { return group::by_ref(conn, ref_) };
    let row = groups::table.find(ref_).select(GroupRow::as_select()).for_no_key_update();
    Ok(row.first(c).optional()?)
}
