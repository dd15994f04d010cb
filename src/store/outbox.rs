//! What happened and others may want to hear of: written with the fact itself, read by whoever passes it on.
//!
//! [`tell`] is called inside the transaction that makes the fact true, so that neither exists without the other.
//! A told event has no place in the stream yet: ids are drawn before the commit, and with several processes a
//! smaller id may become visible after a larger one; a reader that remembers "the last I saw" would pass it
//! over. `place` gives the places afterwards, one caller at a time, without gaps.
//!
//! Whoever is told gets no more than ids, `ref`s, titles and times: no name, no address, no link.

use diesel::prelude::*;
use serde_json::Value;

use super::schema::outbox;
use super::types::text_enum;
use super::{Conn, Json, StoreError, UtcMillis};

text_enum! {
    /// What others are told of.
    pub enum Event {
        /// A booking is confirmed: made so, or confirmed later.
        AppointmentConfirmed = "appointment.confirmed",
        /// A booking was changed.
        AppointmentChanged = "appointment.changed",
        /// A booking was cancelled.
        AppointmentCancelled = "appointment.cancelled",
        /// A booking is over.
        AppointmentCompleted = "appointment.completed",
        /// The meeting exists at Zoom.
        MeetingScheduled = "meeting.scheduled",
        /// Somebody opened the meeting.
        MeetingStarted = "meeting.started",
        /// The meeting came to its end.
        MeetingEnded = "meeting.ended",
        /// Zoom refuses the meeting; somebody has to look.
        MeetingFailed = "meeting.failed",
        /// The meeting has another link or passcode than before.
        MeetingLinkChanged = "meeting.link_changed",
        /// Marks by what was seen live.
        AttendanceProvisional = "attendance.provisional",
        /// Marks by Zoom's own report; told once a booking.
        AttendanceFinal = "attendance.final",
        /// Somebody corrected a mark by hand, or a later report did.
        AttendanceCorrected = "attendance.corrected",
        /// A recording can be had.
        RecordingAvailable = "recording.available",
        /// A booking waits for a licence and there is none left.
        LicenceExhausted = "licence.exhausted",
        /// Zoom does not accept our credentials any more.
        ConnectionLost = "connection.lost",
    }
}

#[derive(Insertable)]
#[diesel(table_name = outbox, treat_none_as_default_value = false)]
struct NewFact<'a> {
    event: Event,
    at: UtcMillis,
    appointment_id: Option<&'a str>,
    data: Json,
}

/// Tells that something happened at `at`. Call it inside the transaction that makes it true.
///
/// `data` is an object of ids, `ref`s, titles and times, never of names, addresses, links or secrets. Its
/// `appointment_id`, where it has one, decides who may read the event in the stream: those who may see that
/// booking. An event without one is for the staff alone.
///
/// # Errors
/// [`StoreError`].
pub fn tell(conn: &mut Conn, at: UtcMillis, event: Event, data: Value) -> Result<(), StoreError> {
    let appointment_id = data.get("appointment_id").and_then(Value::as_str);
    let fact = NewFact { event, at, appointment_id, data: Json::of(&data)? };
    diesel::insert_into(outbox::table).values(&fact).execute(conn)?;
    Ok(())
}
