//! What the caller of a booking should know: the host is Basic, and Zoom will end the meeting after 40 minutes.

use super::Booking;
use crate::domain::licence::BASIC_MINUTES_MAX;
use crate::store::{Conn, StoreError, UtcMillis, licence, story};

/// Something about a booking that works, but not as its caller may think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warning {
    /// Zoom ends the meeting after 40 minutes: its host is Basic, and there is no licence to be had for it.
    BasicHost,
}

impl Warning {
    /// The code in answers.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::BasicHost => "BASIC_HOST_40_MINUTES",
        }
    }

    /// What it means, in words.
    #[must_use]
    pub fn message(self) -> String {
        match self {
            Self::BasicHost => format!(
                "the host's Zoom user is Basic and there is no licence for this meeting: Zoom ends it after \
                 {BASIC_MINUTES_MAX} minutes"
            ),
        }
    }
}

/// Adds to these bookings what their callers should know of them.
pub(super) fn add(conn: &mut Conn, bookings: &mut [Booking]) -> Result<(), StoreError> {
    let long: Vec<String> = bookings
        .iter()
        .map(|booking| &booking.appointment)
        .filter(|row| row.duration_minutes > BASIC_MINUTES_MAX)
        .map(|row| row.id.clone())
        .collect();
    let unlicensed = licence::unlicensed(conn, &long)?;
    for booking in bookings {
        if unlicensed.contains(&booking.appointment.id) {
            booking.warnings.push(Warning::BasicHost);
        }
    }
    Ok(())
}

/// Tells the story of a booking what its caller is warned of.
pub(super) fn tell(conn: &mut Conn, booking: &Booking, now: UtcMillis) -> Result<(), StoreError> {
    for warning in &booking.warnings {
        let text = warning.message();
        story::tell(conn, &booking.appointment.id, now.into(), "booking.warned", &text, None)?;
    }
    Ok(())
}
