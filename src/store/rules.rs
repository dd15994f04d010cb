//! The rules of attendance, by name and version: a version is never changed, so that old marks stay explained.

use diesel::prelude::*;

use super::schema::{appointments, attendance_rules};
use super::{Conn, Json, StoreError, UtcMillis};
use crate::domain::rules::{Rules, Thresholds};

/// The rules of bookings that name none. Their first version is the configuration's and has no row.
pub const STANDARD: &str = "standard";

/// The newest version of the rules of this name; `None` when nobody has written them.
///
/// # Errors
/// [`StoreError`].
pub fn newest(conn: &mut Conn, name: &str) -> Result<Option<Rules>, StoreError> {
    let found: Option<(i64, Json)> = attendance_rules::table
        .filter(attendance_rules::name.eq(name))
        .order(attendance_rules::version.desc())
        .select((attendance_rules::version, attendance_rules::body))
        .first(conn)
        .optional()?;
    let Some((version, body)) = found else { return Ok(None) };
    let thresholds: Thresholds = body.parse("attendance_rules.body")?;
    Ok(Some(Rules { name: name.to_owned(), version, thresholds }))
}

/// The rules by which a booking is scored; `None` when those of the configuration hold.
///
/// # Errors
/// [`StoreError`].
pub fn of_appointment(conn: &mut Conn, appointment_id: &str) -> Result<Option<Rules>, StoreError> {
    let named: Option<Option<String>> = appointments::table
        .find(appointment_id)
        .select(appointments::attendance_rules)
        .first(conn)
        .optional()?;
    newest(conn, named.flatten().as_deref().unwrap_or(STANDARD))
}

/// Writes a new version of the rules of this name, unless the newest says the same already.
///
/// # Errors
/// [`StoreError`].
pub fn write(
    conn: &mut Conn,
    name: &str,
    thresholds: Thresholds,
    now: UtcMillis,
) -> Result<Rules, StoreError> {
    let before = newest(conn, name)?;
    if let Some(same) = before.as_ref().filter(|before| before.thresholds == thresholds) {
        return Ok(same.clone());
    }
    let first = if name == STANDARD { 2 } else { 1 };
    let version = before.map_or(first, |before| before.version + 1);
    diesel::insert_into(attendance_rules::table)
        .values((
            attendance_rules::name.eq(name),
            attendance_rules::version.eq(version),
            attendance_rules::body.eq(Json::of(&thresholds)?),
            attendance_rules::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(Rules { name: name.to_owned(), version, thresholds })
}
