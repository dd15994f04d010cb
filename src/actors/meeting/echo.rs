//! Zoom's news of a change: our own echo, or a reason to look.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::known;
use crate::domain::appointment::AppointmentStatus;
use crate::domain::events::{EventKind, ZoomEvent};
use crate::domain::sync::is_echo;
use crate::store::StoreError;
use crate::store::meeting::SyncView;
use crate::store::registrant::Heard;

/// The part of a body that says what changed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    payload: Payload,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Payload {
    object: Map<String, Value>,
}

/// Whether an event wants a look at what Zoom has now. Who the operator was says nothing: a person and this daemon
/// may act under one name.
pub(super) fn wants_a_look(view: &SyncView, event: &ZoomEvent, body: &str) -> Result<bool, StoreError> {
    let row = &view.meeting;
    let about = event.meeting.as_ref().map(|meeting| meeting.number.as_str());
    let wanted = AppointmentStatus::parse(&view.booking.status).is_some_and(AppointmentStatus::wants_meeting);
    // News of a number that the booking had before is no news.
    if !wanted || about.is_none() || about != row.zoom_meeting_id.as_deref() {
        return Ok(false);
    }
    Ok(match event.kind {
        EventKind::MeetingDeleted => !known::is_deleting(row),
        EventKind::MeetingUpdated => {
            let changed = serde_json::from_str::<Body>(body).unwrap_or_default().payload.object;
            changed.is_empty() || !known::expected(row)?.iter().any(|told| is_echo(&changed, told))
        }
        _ => false,
    })
}

/// What an event says of a registration for the meeting as it is now.
pub(super) fn of_registration(view: &SyncView, event: &ZoomEvent) -> Option<Heard> {
    let EventKind::Registration(said) = &event.kind else { return None };
    let number = event.meeting.as_ref().map(|meeting| meeting.number.clone())?;
    (view.meeting.zoom_meeting_id.as_ref() == Some(&number)).then(|| Heard {
        number,
        registrant: said.registrant.clone().unwrap_or_default(),
        email: said.email.clone().unwrap_or_default(),
        status: said.status.as_deref().and_then(|status| status.parse().ok()),
    })
}
