//! Between the row of a meeting and the shape that `domain::sync` decides on.

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::actors::engine::MeetingDefaults;
use crate::domain::appointment::{
    AppointmentStatus, MeetingSpec, TOPIC_CHARS_MAX, marked_agenda, truncate_chars,
};
use crate::domain::drift::Drift;
use crate::domain::marker::Marker;
use crate::domain::registration::{APPROVAL_TYPE, approval_type};
use crate::domain::sync::{Desired, HostWanted, Known, SpecChange, Step, UnknownCreate};
use crate::store::look::LookRow;
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

/// What the booking wants of Zoom. `defaults` are what every meeting gets unless its booking says otherwise,
/// `installation` signs the mark.
pub(super) fn desired(
    view: &SyncView,
    defaults: &MeetingDefaults,
    installation: &str,
) -> Result<Desired, StoreError> {
    let booking = &view.booking;
    let generation = booking.generation;
    let wants = match AppointmentStatus::parse(&booking.status) {
        Some(status) if status.wants_meeting() => true,
        // What has been held is left as it is at Zoom, and never made again.
        Some(AppointmentStatus::Completed | AppointmentStatus::NoShow) => {
            view.meeting.zoom_meeting_id.is_some()
        }
        _ => false,
    };
    if !wants {
        return Ok(Desired::Nothing { generation });
    }
    let marker = Marker::parse(&view.meeting.marker)
        .ok_or_else(|| StoreError::corrupt("zoom_meetings.marker", "not one of our marks"))?;
    let mut settings = defaults.settings.clone();
    let registration = approval_type(defaults.registration, view.registration);
    settings.extend(registration.map(|kind| (APPROVAL_TYPE.to_owned(), Value::from(kind))));
    settings.extend(booking.settings.parse::<BTreeMap<String, Value>>("appointments.settings")?);
    let spec = MeetingSpec {
        topic: truncate_chars(&booking.title, TOPIC_CHARS_MAX),
        agenda: marked_agenda(&marker.signed(installation), &booking.description),
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
pub(super) fn known(view: &SyncView) -> Result<Known, StoreError> {
    let (row, wishes) = (&view.meeting, &view.look);
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
        drift: Drift {
            fields: list(wishes.drift.as_ref(), "meeting_looks.drift")?,
            restores: list(wishes.restores.as_ref(), "meeting_looks.restores")?,
        },
        look: wishes.looked < wishes.look_wanted,
        looked_at: wishes.looked_at.map(Into::into),
        live: row.status == "started",
        synced_generation: row.synced_generation,
        create,
        gone_at: row.gone_at.map(Into::into),
        attempts: row.attempts,
        tried_generation: row.op_generation.unwrap_or_default(),
        not_before: row.next_attempt_at.map(Into::into),
    })
}

/// What Zoom may say of the meeting without its being news: what it has as far as is known, and what a request
/// on its way makes of it.
pub(super) fn expected(row: &MeetingRow) -> Result<Vec<MeetingSpec>, StoreError> {
    let told = row.told.as_ref().map(|told| told.parse("zoom_meetings.told")).transpose()?;
    let changing = row.op_spec.as_ref().filter(|_| row.op_kind.as_deref() == Some(CHANGE));
    let changing = changing.map(|sent| sent.parse::<Sent>("zoom_meetings.op_spec")).transpose()?;
    Ok(told.into_iter().chain(changing.map(|sent| sent.spec)).collect())
}

/// Whether our own request to delete the meeting is on its way.
pub(super) fn is_deleting(row: &MeetingRow) -> bool {
    row.op_kind.as_deref() == Some(DELETE)
}

/// A list that is null when it is empty.
fn list<T: DeserializeOwned>(column: Option<&Json>, name: &'static str) -> Result<Vec<T>, StoreError> {
    column.map_or_else(|| Ok(Vec::new()), |list| list.parse(name))
}

/// The step whose request was on its way when its performer died: the row says so, nobody knows the outcome.
pub(super) fn interrupted(row: &MeetingRow) -> Result<Option<Step>, StoreError> {
    let number = row.zoom_meeting_id.clone().unwrap_or_default();
    Ok(match (row.op_kind.as_deref(), &row.op_host, &row.op_spec) {
        (Some(CREATE), Some(host_id), Some(sent)) => {
            let Sent { host_key, generation, spec } = sent.parse("zoom_meetings.op_spec")?;
            Some(Step::Create { host_id: host_id.clone(), host_key, spec, generation })
        }
        (Some(CHANGE), ..) => {
            let (change, fields) = (SpecChange::default(), Vec::new());
            Some(Step::Change { number, change, fields, generation: row.op_generation.unwrap_or_default() })
        }
        (Some(DELETE), ..) => Some(Step::Delete { number }),
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

/// What a person's "put it right now" makes of the rows: nothing waits any more, everything is tried anew, and Zoom
/// is looked at. `None` when nobody asked.
pub(super) fn resync(view: &SyncView, now: DateTime<Utc>) -> Option<(SyncColumns, LookRow)> {
    if view.look.resync_wanted <= view.look.resynced {
        return None;
    }
    let (mut columns, mut look) = (columns(&view.meeting, now), view.look.clone());
    look.resynced = look.resync_wanted;
    (look.drift, look.restores) = (None, None);
    columns.attempts = 0;
    columns.next_attempt_at = None;
    if view.meeting.zoom_meeting_id.is_some() {
        want_look(&mut look);
    }
    Some((columns, look))
}

/// One below what is wanted: whoever raises that meanwhile is served by the same look.
fn want_look(look: &mut LookRow) {
    look.looked = look.look_wanted - 1;
    look.looked_at = None;
}

/// Notes the request that is about to leave for `generation` of the booking; `None` for steps that change nothing
/// at Zoom.
pub(super) fn intend(
    row: &MeetingRow,
    step: &Step,
    generation: i64,
    op_id: String,
    now: DateTime<Utc>,
) -> Result<Option<SyncColumns>, StoreError> {
    let (kind, generation, host, sent) = match step {
        Step::Create { host_id, host_key, spec, generation } => {
            let sent = Sent { host_key: host_key.clone(), generation: *generation, spec: spec.clone() };
            (CREATE, *generation, Some(host_id.clone()), Some(sent))
        }
        Step::Change { change, generation, .. } => {
            let told =
                row.told.as_ref().map(|told| told.parse::<MeetingSpec>("zoom_meetings.told")).transpose()?;
            let spec = told.map(|told| change.applied_to(&told));
            let host_key = row.host_email.clone().unwrap_or_default();
            let sent = spec.map(|spec| Sent { host_key, generation: *generation, spec });
            (CHANGE, *generation, row.host_id.clone(), sent)
        }
        Step::Delete { .. } => (DELETE, generation, row.host_id.clone(), None),
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

/// Writes what is known into the columns of both rows.
pub(super) fn note(columns: &mut SyncColumns, look: &mut LookRow, known: &Known) -> Result<(), StoreError> {
    look.looked_at = known.looked_at.map(UtcMillis::from);
    match known.look {
        true if look.looked >= look.look_wanted => want_look(look),
        true => {}
        // What was wanted when the step was decided on is served; a wish that came meanwhile stays.
        false => look.looked = look.look_wanted,
    }
    let Drift { fields, restores } = &known.drift;
    look.drift = (!fields.is_empty()).then(|| Json::of(fields)).transpose()?;
    look.restores = (!restores.is_empty()).then(|| Json::of(restores)).transpose()?;
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
