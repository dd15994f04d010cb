//! Webhook bodies into [`ZoomEvent`]s, leniently: real payloads break Zoom's own schemas, and so do the
//! official examples.
//!
//! Ids may be numbers or strings; `""`, `null` and absent are the same; unknown fields are skipped, unknown
//! events are [`EventKind::Other`]. Only a body that is not a JSON object, or names no event, is an error, and
//! even then nothing panics. Nothing is built that is not needed: fields are borrowed from the body, the rest is
//! skipped over, because every webhook passes here. The intake itself reads even less: [`super::envelope`].

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::repair;
use crate::domain::events::{
    ConnectionKey, EventKind, MeetingRef, ParticipantEvent, RegistrationEvent, ZoomEvent,
};

pub mod user;

mod lenient;
#[cfg(test)]
mod tests;
mod time;

use lenient::{Object, Text};
use time::instant;

/// Why a body is no event.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// It is not a JSON object.
    #[error("the body is not a JSON object")]
    NotJson(#[source] serde_json::Error),
    /// It names no event.
    #[error("the body names no event")]
    Nameless,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Envelope<'a> {
    event: Text<'a>,
    event_ts: Text<'a>,
    payload: Object<Payload<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Payload<'a> {
    object: Object<Meeting<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Meeting<'a> {
    id: Text<'a>,
    uuid: Text<'a>,
    host_id: Text<'a>,
    start_time: Text<'a>,
    end_time: Text<'a>,
    participant: Object<Participant<'a>>,
    registrant: Object<Registrant<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Registrant<'a> {
    id: Text<'a>,
    email: Text<'a>,
    status: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Participant<'a> {
    user_id: Text<'a>,
    parent_user_id: Text<'a>,
    participant_uuid: Text<'a>,
    participant_user_id: Text<'a>,
    id: Text<'a>,
    registrant_id: Text<'a>,
    email: Text<'a>,
    customer_key: Text<'a>,
    user_name: Text<'a>,
    phone_number: Text<'a>,
    join_time: Text<'a>,
    leave_time: Text<'a>,
    date_time: Text<'a>,
    leave_reason: Text<'a>,
}

/// The event in a webhook's body.
///
/// # Errors
/// When the body is not a JSON object or names no event.
pub fn parse(body: &[u8]) -> Result<ZoomEvent, EventError> {
    match serde_json::from_slice::<Envelope<'_>>(body) {
        Ok(envelope) => read(&envelope),
        Err(error) => {
            let repaired = repair::repaired(body);
            let envelope = serde_json::from_slice(&repaired).map_err(|_| EventError::NotJson(error))?;
            read(&envelope)
        }
    }
}

/// Whether `payload.object` is a meeting; elsewhere its `id` is a user or an account.
fn about_a_meeting(event: &str) -> bool {
    event.starts_with("meeting.") || event.starts_with("recording.")
}

fn read(envelope: &Envelope<'_>) -> Result<ZoomEvent, EventError> {
    let name = envelope.event.owned().ok_or(EventError::Nameless)?;
    let meeting = &envelope.payload.0.object.0;
    let number = meeting.id.owned().filter(|_| about_a_meeting(&name));
    Ok(ZoomEvent {
        event_ts: moment(&envelope.event_ts),
        meeting: number.map(|number| MeetingRef {
            number,
            uuid: meeting.uuid.owned(),
            host_id: meeting.host_id.owned(),
        }),
        kind: kind(&name, meeting),
        name,
    })
}

fn moment(text: &Text<'_>) -> Option<DateTime<Utc>> {
    text.get().and_then(instant)
}

fn kind(name: &str, meeting: &Meeting<'_>) -> EventKind {
    use EventKind as E;
    let p = &meeting.participant.0;
    let Some(topic) = name.strip_prefix("meeting.") else { return E::Other };
    match topic {
        "started" => E::Started { start_time: moment(&meeting.start_time) },
        "ended" => E::Ended { start_time: moment(&meeting.start_time), end_time: moment(&meeting.end_time) },
        "participant_joined" => E::Joined(participant(p, &[&p.join_time, &p.date_time])),
        "participant_left" => E::Left(participant(p, &[&p.leave_time, &p.date_time])),
        "participant_joined_breakout_room" => {
            E::BreakoutJoined(participant(p, &[&p.join_time, &p.date_time]))
        }
        "participant_left_breakout_room" => E::BreakoutLeft(participant(p, &[&p.leave_time, &p.date_time])),
        "participant_joined_waiting_room" => E::WaitingJoined(participant(p, &[&p.date_time, &p.join_time])),
        "participant_left_waiting_room" => E::WaitingLeft(participant(p, &[&p.date_time, &p.leave_time])),
        "participant_put_in_waiting_room" => E::PutInWaiting(participant(p, &[&p.date_time])),
        "participant_admitted" => E::Admitted(participant(p, &[&p.date_time])),
        "participant_jbh_waiting" => E::JbhWaiting(participant(p, &[&p.date_time])),
        "participant_jbh_joined" => E::JbhJoined(participant(p, &[&p.date_time])),
        "participant_role_changed" => E::RoleChanged(participant(p, &[&p.date_time])),
        "created" => E::MeetingCreated,
        // A meeting taken out of the bin has to be looked at again like a changed one.
        "updated" | "recovered" => E::MeetingUpdated,
        "deleted" | "permanently_deleted" => E::MeetingDeleted,
        "registration_created" => E::Registration(registration(meeting, None)),
        "registration_approved" => E::Registration(registration(meeting, Some("approved"))),
        "registration_cancelled" => E::Registration(registration(meeting, Some("cancelled"))),
        "registration_denied" => E::Registration(registration(meeting, Some("denied"))),
        _ => E::Other,
    }
}

/// The registration; only its creation says in a field of its own how it stands.
fn registration(meeting: &Meeting<'_>, status: Option<&str>) -> RegistrationEvent {
    let registrant = &meeting.registrant.0;
    RegistrationEvent {
        registrant: registrant.id.owned(),
        email: registrant.email.owned(),
        status: status.map(str::to_owned).or_else(|| registrant.status.owned()),
    }
}

/// The participant, with the first of `times` that can be read.
fn participant(p: &Participant<'_>, times: &[&Text<'_>]) -> ParticipantEvent {
    let zoom_user_id = p.participant_user_id.get().or(p.id.get());
    let name = p.user_name.get().unwrap_or_default();
    ParticipantEvent {
        connection: ConnectionKey::new(p.participant_uuid.get(), p.user_id.get(), zoom_user_id, name),
        participant_uuid: p.participant_uuid.owned(),
        user_id: p.user_id.owned(),
        parent_user_id: p.parent_user_id.owned(),
        zoom_user_id: zoom_user_id.map(str::to_owned),
        registrant_id: p.registrant_id.owned(),
        email: p.email.owned(),
        customer_key: p.customer_key.owned(),
        name: name.to_owned(),
        phone: p.phone_number.owned(),
        at: times.iter().find_map(|time| moment(time)),
        leave_reason: p.leave_reason.owned(),
    }
}
