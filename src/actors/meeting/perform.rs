//! Performs one step of the sync loop at Zoom and says what came of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::host;
use crate::actors::engine::Engine;
use crate::actors::zoom_api::Lane;
use crate::actors::zoom_pages::Pages;
use crate::domain::appointment::MeetingSpec;
use crate::domain::marker::Marker;
use crate::domain::registration::APPROVAL_TYPE;
use crate::domain::sync::{Desired, Failure, Outcome, SpecChange, Step};
use crate::store::StoreError;
use crate::store::meeting::SyncView;
use crate::zoom::call::{self, Guard};
use crate::zoom::error::{Limit, ZoomError};
use crate::zoom::types::{Meeting, MeetingRequest, MeetingSettings};
use crate::zoom::{ZoomCall, ZoomReply};

/// Zoom's meeting type for one with a planned time (Meeting API, `type`).
const SCHEDULED: i64 = 2;

/// What came of a step, and what Zoom said beside it.
#[derive(Debug)]
pub(super) struct Performed {
    pub(super) outcome: Outcome,
    pub(super) details: Details,
    /// Why it failed, in words for the operator; never personal data.
    pub(super) error: Option<String>,
    pub(super) tracking_id: Option<String>,
    /// The Zoom user whom Zoom did not know this time.
    pub(super) host_in_doubt: Option<String>,
}

/// The fields of a meeting that are Zoom's.
#[derive(Debug, Default)]
pub(super) struct Details {
    pub(super) host_id: Option<String>,
    pub(super) uuid: Option<String>,
    pub(super) join_url: Option<String>,
    pub(super) passcode_enc: Option<Vec<u8>>,
    pub(super) registration_url: Option<String>,
}

impl Performed {
    pub(super) fn done(outcome: Outcome) -> Self {
        Self { outcome, details: Details::default(), error: None, tracking_id: None, host_in_doubt: None }
    }

    /// A step that failed for `reason`.
    pub(super) fn failed(failure: Failure, reason: &str) -> Self {
        let error = Some(reason.to_owned());
        Self { error, ..Self::done(Outcome::Failed(failure)) }
    }
}

/// Why a step could not be performed.
pub(super) enum Trouble {
    Zoom(ZoomError),
    Store(StoreError),
}

impl From<ZoomError> for Trouble {
    fn from(error: ZoomError) -> Self {
        Self::Zoom(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Performs `step` towards `desired`. Steps that need no Zoom are none of its business.
pub(super) async fn step(
    engine: &Engine,
    view: &SyncView,
    desired: &Desired,
    step: &Step,
    lane: Lane,
) -> Performed {
    let guard = engine.shards.guard(&view.meeting.id);
    let done = match step {
        Step::FindHost { key } => host::find(engine, key, lane).await,
        Step::Look { host_id } => look(engine, host_id, &view.meeting.marker, lane).await,
        Step::Create { host_id, spec, .. } => create(engine, host_id, spec, guard, lane).await,
        Step::Read { number } => read(engine, view, desired, number, lane).await,
        Step::Change { number, change, .. } => {
            let host = view.meeting.host_id.as_deref().unwrap_or_default();
            let call = |patch: &MeetingRequest| call::update_meeting(number, patch, host).only_while(guard);
            change_meeting(engine, change, call, lane).await
        }
        Step::Delete { number, .. } => {
            let call = call::delete_meeting(number).only_while(guard);
            engine.zoom.call(lane, call).await.map_err(Trouble::from).map(|reply| Performed {
                tracking_id: reply.tracking_id,
                ..Performed::done(Outcome::Deleted)
            })
        }
        Step::Rest | Step::Wait(_) | Step::WaitForHost | Step::TooLate => {
            Ok(Performed::failed(Failure::NotDone, "nothing to perform"))
        }
    };
    match done {
        Ok(performed) => performed,
        Err(Trouble::Store(error)) => Performed::failed(Failure::NotDone, &error.to_string()),
        Err(Trouble::Zoom(error)) => from_error(step, &error),
    }
}

/// What an error of Zoom means for the step.
fn from_error(step: &Step, error: &ZoomError) -> Performed {
    let about_a_meeting = matches!(step, Step::Read { .. } | Step::Change { .. } | Step::Delete { .. });
    let failure = match error {
        ZoomError::NotFound { .. } if about_a_meeting => return Performed::done(Outcome::Gone),
        // Who has no user has no meetings; like any look that finds nothing, it is repeated.
        ZoomError::NotFound { .. } if matches!(step, Step::Look { .. }) => {
            return Performed::done(Outcome::NotListed);
        }
        ZoomError::NotFound { code, .. } => {
            let reason = format!("the host has no user at Zoom (code {code})");
            let host_in_doubt = match step {
                Step::Create { host_id, .. } => Some(host_id.clone()),
                _ => None,
            };
            return Performed { host_in_doubt, ..Performed::failed(Failure::Refused, &reason) };
        }
        ZoomError::Rejected { .. } => Failure::Refused,
        ZoomError::Unknown { .. } => Failure::Unknown,
        ZoomError::RateLimited(
            Limit::Daily { until } | Limit::HostDaily { until } | Limit::RegistrantDaily { until },
        ) => Failure::Until(*until),
        // How things stand between us and Zoom, which is not this meeting's doing.
        ZoomError::NotConfigured
        | ZoomError::Unreachable { .. }
        | ZoomError::TokenInvalid
        | ZoomError::CredentialsRefused { .. }
        | ZoomError::BreakerOpen { .. }
        | ZoomError::Overloaded
        | ZoomError::ShuttingDown
        | ZoomError::TakenBack => Failure::Shut,
        ZoomError::ScopeMissing { .. } | ZoomError::RateLimited(Limit::Qps { .. } | Limit::LockKey) => {
            Failure::NotDone
        }
    };
    Performed::failed(failure, &describe(error))
}

/// Zoom's own words may hold an address: only the code goes on.
fn describe(error: &ZoomError) -> String {
    match error {
        ZoomError::NotFound { code, .. } => format!("zoom does not know it (code {code})"),
        ZoomError::Rejected { status, code, .. } => {
            let code = code.map_or_else(|| "no code".to_owned(), |code| format!("code {code}"));
            format!("zoom refuses it (status {status}, {code})")
        }
        ZoomError::CredentialsRefused { .. } => "zoom refuses the credentials".to_owned(),
        other => other.to_string(),
    }
}

/// Looks through the host's meetings for the marker, page by page.
async fn look(engine: &Engine, host_id: &str, marker: &str, lane: Lane) -> Result<Performed, Trouble> {
    let mut pages = Pages::of(host_id, lane);
    while let Some(page) = pages.next(engine).await? {
        let ours = |meeting: &&Meeting| {
            let found = meeting.agenda.as_deref().and_then(Marker::at_head_of);
            found.is_some() && found.map(|found| found.id) == Marker::parse(marker).map(|marker| marker.id)
        };
        if let Some(found) = page.iter().find(ours)
            && let Some(number) = found.id
        {
            // The link may be cut in lists; the look that follows an adoption brings it.
            let (host_id, uuid) = (Some(host_id.to_owned()), found.uuid.clone());
            let details = Details { host_id, uuid, ..Details::default() };
            let outcome = Outcome::Created { number: number.to_string(), told: None };
            return Ok(Performed { details, ..Performed::done(outcome) });
        }
    }
    Ok(match pages.complete() {
        true => Performed::done(Outcome::NotListed),
        false => {
            Performed::failed(Failure::NotDone, "the host's list of meetings could not be read to its end")
        }
    })
}

async fn create(
    engine: &Engine,
    host_id: &str,
    spec: &MeetingSpec,
    guard: Guard,
    lane: Lane,
) -> Result<Performed, Trouble> {
    let request = MeetingRequest {
        topic: Some(spec.topic.clone()),
        kind: Some(SCHEDULED),
        start_time: Some(spec.start),
        duration: Some(spec.duration_minutes),
        timezone: Some(spec.timezone.clone()),
        agenda: Some(spec.agenda.clone()),
        settings: Some(settings(&spec.settings)),
        ..MeetingRequest::default()
    };
    let call = call::create_meeting(host_id, &request).only_while(guard);
    let reply = engine.zoom.call(lane, call).await?;
    let meeting: Meeting = reply.parse()?;
    // A 201 without a number may have made the meeting: it is looked for like any lost answer.
    let Some(number) = meeting.id else {
        return Ok(Performed::failed(Failure::Unknown, "zoom's answer holds no meeting number"));
    };
    let details = Details { host_id: Some(host_id.to_owned()), ..details(engine, &meeting)? };
    let told = Some(told(meeting, &reply, spec, spec));
    let outcome = Outcome::Created { number: number.to_string(), told };
    Ok(Performed { details, tracking_id: reply.tracking_id, ..Performed::done(outcome) })
}

async fn read(
    engine: &Engine,
    view: &SyncView,
    desired: &Desired,
    number: &str,
    lane: Lane,
) -> Result<Performed, Trouble> {
    let reply = engine.zoom.call(lane, call::get_meeting(number)).await?;
    let meeting: Meeting = reply.parse()?;
    let details = details(engine, &meeting)?;
    let before = view.meeting.told.as_ref().map(|told| told.parse("zoom_meetings.told")).transpose()?;
    let told = match (before, desired) {
        (Some(before), Desired::Meeting { spec, .. }) => told(meeting, &reply, &before, spec),
        (None, Desired::Meeting { spec, .. }) => {
            told(meeting, &reply, &MeetingSpec { settings: BTreeMap::new(), ..spec.clone() }, spec)
        }
        // Nobody reads a meeting that should not be; whatever it is, it differs from the next wish.
        (_, Desired::Nothing { .. }) => {
            return Ok(Performed::failed(Failure::NotDone, "nothing is wanted of it"));
        }
    };
    Ok(Performed { details, tracking_id: reply.tracking_id, ..Performed::done(Outcome::Read { told }) })
}

async fn change_meeting(
    engine: &Engine,
    change: &SpecChange,
    call: impl FnOnce(&MeetingRequest) -> ZoomCall,
    lane: Lane,
) -> Result<Performed, Trouble> {
    let (start_time, timezone) = match &change.start {
        Some((start, timezone)) => (Some(*start), Some(timezone.clone())),
        None => (None, None),
    };
    let patch = MeetingRequest {
        topic: change.topic.clone(),
        agenda: change.agenda.clone(),
        start_time,
        timezone,
        duration: change.duration_minutes,
        settings: (!change.settings.is_empty()).then(|| settings(&change.settings)),
        ..MeetingRequest::default()
    };
    let reply = engine.zoom.call(lane, call(&patch)).await?;
    Ok(Performed { tracking_id: reply.tracking_id, ..Performed::done(Outcome::Changed) })
}

/// Settings by Zoom's names; those the wire type does not know are passed on as they are.
fn settings(settings: &BTreeMap<String, Value>) -> MeetingSettings {
    let object: Value = settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    serde_json::from_value(object).unwrap_or_else(|_| MeetingSettings {
        other: settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        ..MeetingSettings::default()
    })
}

/// What is Zoom's own in an answer.
fn details(engine: &Engine, meeting: &Meeting) -> Result<Details, StoreError> {
    let passcode_enc =
        meeting.password.as_deref().map(|passcode| engine.seal("passcode", passcode)).transpose()?;
    Ok(Details {
        host_id: meeting.host_id.clone(),
        uuid: meeting.uuid.clone(),
        join_url: meeting.join_url.clone(),
        passcode_enc,
        registration_url: meeting.registration_url.clone(),
    })
}

/// What is ours in an answer. A field that Zoom leaves out is as it was `before`; of the settings only those that
/// are `wanted` are kept, and whether people register: that is asked also where the booking does not care.
fn told(meeting: Meeting, reply: &ZoomReply, before: &MeetingSpec, wanted: &MeetingSpec) -> MeetingSpec {
    let at_zoom = reply.body.get("settings");
    let setting = |name: &String| {
        let value = at_zoom.and_then(|settings| settings.get(name)).or_else(|| before.settings.get(name));
        value.map(|value| (name.clone(), value.clone()))
    };
    let registration = APPROVAL_TYPE.to_owned();
    let names = wanted.settings.keys().chain([&registration]);
    MeetingSpec {
        topic: meeting.topic.unwrap_or_else(|| before.topic.clone()),
        agenda: meeting.agenda.unwrap_or_default(),
        start: meeting.start_time.unwrap_or(before.start),
        duration_minutes: meeting.duration.unwrap_or(before.duration_minutes),
        timezone: meeting.timezone.unwrap_or_else(|| before.timezone.clone()),
        settings: names.filter_map(setting).collect(),
    }
}
