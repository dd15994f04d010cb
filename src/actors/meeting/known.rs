//! Between the row of a meeting and the shape that `domain::sync` decides on.

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::appointment::{
    AppointmentStatus, MeetingSpec, TOPIC_CHARS_MAX, marked_agenda, truncate_chars,
};
use crate::domain::sync::{Desired, HostWanted, Known, Step, UnknownCreate};
use crate::store::meeting::{MeetingRow, SyncColumns, SyncView};
use crate::store::{Json, StoreError, UtcMillis};

/// The operation columns while a lost create is being looked for.
const LOOK: &str = "look";
/// The operation columns while a request is on its way.
const CREATE: &str = "create";
const CHANGE: &str = "change";
const DELETE: &str = "delete";

/// The content of `op_spec`: what a create sends, and for which seat.
#[derive(Debug, Serialize, Deserialize)]
struct Sent {
    host_key: String,
    generation: i64,
    spec: MeetingSpec,
}

/// What the booking wants of Zoom. `defaults` are the settings that a booking may override.
pub(super) fn desired(
    view: &SyncView,
    defaults: &BTreeMap<String, Value>,
    now: DateTime<Utc>,
) -> Result<Desired, StoreError> {
    let booking = &view.booking;
    let generation = booking.generation;
    let wants = match AppointmentStatus::parse(&booking.status) {
        Some(status) if status.wants_meeting() => true,
        // What has been held is left as it is at Zoom.
        Some(AppointmentStatus::Completed | AppointmentStatus::NoShow) => {
            view.meeting.zoom_meeting_id.is_some() || DateTime::<Utc>::from(booking.end_at) > now
        }
        _ => false,
    };
    if !wants {
        return Ok(Desired::Nothing { generation });
    }
    let mut settings = defaults.clone();
    settings.extend(booking.settings.parse::<BTreeMap<String, Value>>("appointments.settings")?);
    let spec = MeetingSpec {
        topic: truncate_chars(&booking.title, TOPIC_CHARS_MAX),
        agenda: marked_agenda(&view.meeting.marker, &booking.description),
        // Zoom keeps whole seconds.
        start: DateTime::<Utc>::from(booking.start_at).trunc_subsecs(0),
        duration_minutes: booking.duration_minutes,
        timezone: booking.timezone.clone(),
        settings,
    };
    let host = match (&view.seat, &view.host_id) {
        (None, _) => HostWanted::None,
        (Some(key), None) => HostWanted::Key(key.clone()),
        (Some(key), Some(id)) => HostWanted::User { key: key.clone(), id: id.clone() },
    };
    Ok(Desired::Meeting { generation, spec, host })
}

/// What the row says is known of the meeting at Zoom.
pub(super) fn known(row: &MeetingRow) -> Result<Known, StoreError> {
    let create = match (row.op_kind.as_deref(), &row.op_host, &row.op_spec, row.op_started_at) {
        (Some(LOOK), Some(host_id), Some(sent), Some(since)) => {
            let sent: Sent = sent.parse("zoom_meetings.op_spec")?;
            Some(UnknownCreate {
                host_id: host_id.clone(),
                host_key: sent.host_key,
                spec: sent.spec,
                generation: sent.generation,
                since: since.into(),
                looks: row.looks,
            })
        }
        _ => None,
    };
    Ok(Known {
        number: row.zoom_meeting_id.clone(),
        host_key: row.host_email.clone(),
        told: row.told.as_ref().map(|told| told.parse("zoom_meetings.told")).transpose()?,
        synced_generation: row.synced_generation,
        create,
        gone_at: row.gone_at.map(Into::into),
        attempts: row.attempts,
        tried_generation: row.op_generation.unwrap_or_default(),
        not_before: row.next_attempt_at.map(Into::into),
    })
}

/// The step whose request was on its way when its performer died: the row says so, nobody knows the outcome.
pub(super) fn interrupted(row: &MeetingRow) -> Result<Option<Step>, StoreError> {
    let generation = row.op_generation.unwrap_or_default();
    let number = row.zoom_meeting_id.clone().unwrap_or_default();
    Ok(match (row.op_kind.as_deref(), &row.op_host, &row.op_spec) {
        (Some(CREATE), Some(host_id), Some(sent)) => {
            let sent: Sent = sent.parse("zoom_meetings.op_spec")?;
            let (host_key, spec) = (sent.host_key, sent.spec);
            Some(Step::Create { host_id: host_id.clone(), host_key, spec, generation })
        }
        (Some(CHANGE), _, Some(sent)) => {
            let sent: Sent = sent.parse("zoom_meetings.op_spec")?;
            Some(Step::Change { number, change: Default::default(), spec: sent.spec, generation })
        }
        (Some(DELETE), ..) => Some(Step::Delete { number, generation }),
        _ => None,
    })
}

/// All sync columns as the row has them, to be changed and written back.
pub(super) fn columns(row: &MeetingRow, now: DateTime<Utc>) -> SyncColumns {
    let row = row.clone();
    SyncColumns {
        zoom_meeting_id: row.zoom_meeting_id,
        zoom_uuid: row.zoom_uuid,
        host_id: row.host_id,
        host_email: row.host_email,
        join_url: row.join_url,
        passcode_enc: row.passcode_enc,
        registration_url: row.registration_url,
        synced_generation: row.synced_generation,
        told: row.told,
        sync_state: row.sync_state,
        attempts: row.attempts,
        last_error: row.last_error,
        next_attempt_at: row.next_attempt_at,
        op_id: row.op_id,
        op_kind: row.op_kind,
        op_generation: row.op_generation,
        op_host: row.op_host,
        op_spec: row.op_spec,
        op_started_at: row.op_started_at,
        looks: row.looks,
        gone_at: row.gone_at,
        updated_at: UtcMillis::from(now),
    }
}

/// Notes the request that is about to leave; `None` for steps that change nothing at Zoom.
pub(super) fn intend(
    row: &MeetingRow,
    step: &Step,
    op_id: String,
    now: DateTime<Utc>,
) -> Result<Option<SyncColumns>, StoreError> {
    let (kind, generation, host, sent) = match step {
        Step::Create { host_id, host_key, spec, generation } => {
            let sent = Sent { host_key: host_key.clone(), generation: *generation, spec: spec.clone() };
            (CREATE, *generation, Some(host_id.clone()), Some(sent))
        }
        Step::Change { spec, generation, .. } => {
            let host_key = row.host_email.clone().unwrap_or_default();
            let sent = Sent { host_key, generation: *generation, spec: spec.clone() };
            (CHANGE, *generation, row.host_id.clone(), Some(sent))
        }
        Step::Delete { generation, .. } => (DELETE, *generation, row.host_id.clone(), None),
        _ => return Ok(None),
    };
    let mut columns = columns(row, now);
    columns.op_id = Some(op_id);
    columns.op_kind = Some(kind.to_owned());
    columns.op_generation = Some(generation);
    columns.op_host = host;
    columns.op_spec = sent.map(|sent| Json::of(&sent)).transpose()?;
    columns.op_started_at = Some(UtcMillis::from(now));
    Ok(Some(columns))
}

/// Writes what is known into the columns.
pub(super) fn note(columns: &mut SyncColumns, known: &Known) -> Result<(), StoreError> {
    columns.zoom_meeting_id = known.number.clone();
    columns.host_email = known.host_key.clone();
    columns.told = known.told.as_ref().map(Json::of).transpose()?;
    columns.synced_generation = known.synced_generation;
    columns.gone_at = known.gone_at.map(UtcMillis::from);
    columns.attempts = known.attempts;
    columns.op_generation = Some(known.tried_generation);
    columns.next_attempt_at = known.not_before.map(UtcMillis::from);
    columns.op_id = None;
    columns.op_kind = None;
    columns.op_host = None;
    columns.op_spec = None;
    columns.op_started_at = None;
    columns.looks = 0;
    if let Some(create) = &known.create {
        let (host_key, spec) = (create.host_key.clone(), create.spec.clone());
        let sent = Sent { host_key, generation: create.generation, spec };
        columns.op_kind = Some(LOOK.to_owned());
        columns.op_host = Some(create.host_id.clone());
        columns.op_spec = Some(Json::of(&sent)?);
        columns.op_started_at = Some(UtcMillis::from(create.since));
        columns.looks = create.looks;
    }
    if known.number.is_none() {
        columns.zoom_uuid = None;
        columns.join_url = None;
        columns.passcode_enc = None;
        columns.registration_url = None;
        columns.host_id = None;
    }
    Ok(())
}
