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

/// Brings a booking from one status to another, unless it has got a third one meanwhile; gives whether it did. Zoom
/// need not learn of it: the generation stays.
///
/// # Errors
/// [`StoreError`].
pub fn set_status(
    conn: &mut Conn,
    appointment_id: &str,
    (from, to): (&str, &str),
    now: UtcMillis,
) -> Result<bool, StoreError> {
    let as_read = appointments::table.find(appointment_id).filter(appointments::status.eq(from));
    let written = diesel::update(as_read)
        .set((
            appointments::status.eq(to),
            appointments::version.eq(appointments::version + 1),
            appointments::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(written == 1)
}
