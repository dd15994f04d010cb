//! The status of a booking, as its meeting's runs move it.

use diesel::prelude::*;

use super::schema::appointments;
use super::{Conn, StoreError, UtcMillis};

/// The status of a booking, if there is such a booking.
///
/// # Errors
/// [`StoreError`].
pub fn status(conn: &mut Conn, appointment_id: &str) -> Result<Option<String>, StoreError> {
    Ok(appointments::table.find(appointment_id).select(appointments::status).first(conn).optional()?)
}

/// Sets the status of a booking. Zoom need not learn of it: the generation stays.
///
/// # Errors
/// [`StoreError`].
pub fn set_status(
    conn: &mut Conn,
    appointment_id: &str,
    status: &str,
    now: UtcMillis,
) -> Result<(), StoreError> {
    diesel::update(appointments::table.find(appointment_id))
        .set((
            appointments::status.eq(status),
            appointments::version.eq(appointments::version + 1),
            appointments::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}
