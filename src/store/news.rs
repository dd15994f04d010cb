//! What is said of a booking or a meeting when something happened to it: the same fields everywhere.
//!
//! Ids, `ref`s, the title and times; whoever wants to know more asks for it, with their own token.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::appointment::AppointmentRow;
use super::outbox::{self, Event};
use super::schema::{appointments, zoom_meetings};
use super::{Conn, StoreError, UtcMillis};

/// Tells of a booking. The fields of `more`, an object, go with it.
///
/// # Errors
/// [`StoreError`].
pub fn of_booking(
    conn: &mut Conn,
    at: UtcMillis,
    event: Event,
    row: &AppointmentRow,
    more: Value,
) -> Result<(), StoreError> {
    let data = json!({
        "appointment_id": row.id,
        "ref": row.ref_,
        "kind": row.kind,
        "title": row.title,
        "status": row.status,
        "start_time": DateTime::<Utc>::from(row.start_at),
        "duration": row.duration_minutes,
        "timezone": row.timezone,
        "host": row.host_ref,
        "group": row.group_ref,
    });
    outbox::tell(conn, at, event, with(data, more))
}

/// What of a meeting and its booking is said.
#[derive(Queryable)]
struct MeetingFacts {
    number: Option<String>,
    appointment_id: String,
    ref_: Option<String>,
    title: String,
    start_at: UtcMillis,
    duration_minutes: i64,
    timezone: String,
    host_ref: Option<String>,
}

/// Tells of a meeting, as it is in this transaction. The fields of `more`, an object, go with it.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such meeting.
pub fn of_meeting(
    conn: &mut Conn,
    at: UtcMillis,
    event: Event,
    meeting_id: &str,
    more: Value,
) -> Result<(), StoreError> {
    let facts: MeetingFacts = zoom_meetings::table
        .inner_join(appointments::table)
        .filter(zoom_meetings::id.eq(meeting_id))
        .select((
            zoom_meetings::zoom_meeting_id,
            appointments::id,
            appointments::ref_,
            appointments::title,
            appointments::start_at,
            appointments::duration_minutes,
            appointments::timezone,
            appointments::host_ref,
        ))
        .first(conn)?;
    let data = json!({
        "appointment_id": facts.appointment_id,
        "ref": facts.ref_,
        "meeting_id": meeting_id,
        "zoom_meeting_id": facts.number,
        "title": facts.title,
        "start_time": DateTime::<Utc>::from(facts.start_at),
        "duration": facts.duration_minutes,
        "timezone": facts.timezone,
        "host": facts.host_ref,
    });
    outbox::tell(conn, at, event, with(data, more))
}

/// `data` and the fields of `more`.
fn with(mut data: Value, more: Value) -> Value {
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_beside_the_usual_goes_with_it() {
        assert_eq!(with(json!({ "a": 1 }), json!({ "b": 2 })), json!({ "a": 1, "b": 2 }));
        assert_eq!(with(json!({ "a": 1 }), Value::Null), json!({ "a": 1 }));
    }
}
