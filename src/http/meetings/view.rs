//! A Zoom meeting as it is shown: every field of the integrations we stand in for, and ours.

use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::appointment::AppointmentStatus;
use crate::domain::drift::Drifting;
use crate::http::appointments::view::json;
use crate::http::error::ApiError;
use crate::http::sight::Rosters;
use crate::store::booking::Booking;
use crate::store::meeting::MeetingRow;
use crate::store::{Sealer, registrant};

/// What passcodes are sealed for.
const PASSCODE: &str = "passcode";

/// How far Zoom agrees with the booking.
#[derive(Debug, Serialize, ToSchema)]
pub struct SyncView {
    /// `in_sync`, `pending`, `waiting_for_host`, `parked` or `failed`.
    pub state: String,
    /// Failures in a row.
    pub attempts: i64,
    /// The last one.
    pub last_error: Option<String>,
    /// When it is tried again.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// What Zoom goes on having otherwise, though it was told.
    pub drift: Vec<DriftView>,
}

/// A field that is otherwise at Zoom.
#[derive(Debug, Serialize, ToSchema)]
pub struct DriftView {
    /// Its name at Zoom; a setting is `settings.<name>`.
    pub field: String,
    /// What the booking wants.
    #[schema(value_type = Object)]
    pub wanted: Value,
    /// What Zoom has.
    #[schema(value_type = Object)]
    pub at_zoom: Value,
}

/// The host of a meeting.
#[derive(Debug, Serialize, ToSchema)]
pub struct HostView {
    /// Their `ref`.
    pub id: String,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: Option<String>,
    /// Kept for the callers' sake; we have none.
    #[schema(value_type = Option<String>)]
    pub avatar: Option<()>,
}

/// The class of a meeting.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClassView {
    /// The group's `ref`.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A Zoom meeting.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeetingView {
    /// Our id of it.
    pub id: String,
    /// Its booking.
    pub appointment_id: String,
    /// Its Zoom number, as text; null until Zoom has made it.
    pub zoom_meeting_id: Option<String>,
    /// The Zoom user who hosts it.
    pub host_id: Option<String>,
    /// That user's address.
    pub host_email: Option<String>,
    /// What it is called.
    pub title: String,
    /// The same, as Zoom says it.
    pub topic: String,
    /// What it is about.
    pub description: String,
    /// The same, as Zoom says it.
    pub agenda: String,
    /// `scheduled`, or `instant` for one that was wanted at once.
    pub meeting_type: &'static str,
    /// `pending`, `scheduled`, `started`, `ended` or `cancelled`.
    pub status: String,
    /// When it starts.
    pub start_time: DateTime<Utc>,
    /// Minutes.
    pub duration: i64,
    /// Its IANA zone.
    pub timezone: String,
    /// How to join it; as `password` and `registration_url`, null for attendees of another domain than may join.
    pub join_url: Option<String>,
    /// Never shown here: it expires. `POST …/start` and `GET …/link?role=host` make a fresh one for the host.
    #[schema(value_type = Option<String>)]
    pub start_url: Option<()>,
    /// Its passcode.
    pub password: Option<String>,
    /// The group's `ref`.
    pub class_id: Option<String>,
    /// Who else sees it.
    pub target_audience: Option<String>,
    /// Zoom's meeting settings by their own names.
    #[schema(value_type = Object)]
    pub settings: Value,
    /// Where to register.
    pub registration_url: Option<String>,
    /// Whether people register.
    pub registration_enabled: bool,
    /// The host.
    pub host: Option<HostView>,
    /// The class.
    pub class: Option<ClassView>,
    /// How far Zoom agrees with the booking.
    pub sync: SyncView,
    /// When its first run began.
    pub started_at: Option<DateTime<Utc>>,
    /// When its last run ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl MeetingView {
    /// The view of a booking's meeting, if it has one.
    pub(in crate::http) fn of(
        booking: &Booking,
        rosters: &Rosters,
        sealer: &Sealer,
    ) -> Result<Option<Self>, ApiError> {
        let Some(meeting) = &booking.meeting else { return Ok(None) };
        let enters = rosters.enters();
        let row = &booking.appointment;
        let password =
            meeting.passcode_enc.as_deref().map(|sealed| sealer.open(PASSCODE, sealed)).transpose()?;
        let registration_enabled = registrant::approval(meeting)?.is_some();
        Ok(Some(Self {
            id: meeting.id.clone(),
            appointment_id: row.id.clone(),
            zoom_meeting_id: meeting.zoom_meeting_id.clone(),
            host_id: meeting.host_id.clone(),
            host_email: meeting.host_email.clone(),
            title: row.title.clone(),
            topic: row.title.clone(),
            description: row.description.clone(),
            agenda: row.description.clone(),
            meeting_type: if row.origin == "ad-hoc" { "instant" } else { "scheduled" },
            status: status(booking, meeting),
            start_time: row.start_at.into(),
            duration: row.duration_minutes,
            timezone: row.timezone.clone(),
            join_url: meeting.join_url.clone().filter(|_| enters),
            start_url: None,
            password: password.filter(|_| enters).map(|password| password.expose_secret().to_owned()),
            class_id: row.group_ref.clone(),
            target_audience: row.target_audience.clone(),
            settings: row.settings.parse("appointments.settings")?,
            registration_url: meeting.registration_url.clone().filter(|_| enters && registration_enabled),
            registration_enabled,
            host: booking.host.as_ref().map(|host| HostView {
                id: host.ref_.clone(),
                name: host.name.clone(),
                email: host.email.clone(),
                avatar: None,
            }),
            class: class(booking),
            sync: sync(booking, meeting)?,
            started_at: meeting.started_at.map(Into::into),
            ended_at: meeting.ended_at.map(Into::into),
            created_at: meeting.created_at.into(),
            updated_at: meeting.updated_at.max(row.updated_at).into(),
        }))
    }
}

/// The class of a booking.
pub(in crate::http) fn class(booking: &Booking) -> Option<ClassView> {
    booking.group.as_ref().map(|group| ClassView { id: group.ref_.clone(), name: group.name.clone() })
}

/// The meeting's status; a cancelled booking's meeting is cancelled, whether Zoom has heard of it or not.
pub(in crate::http) fn status(booking: &Booking, meeting: &MeetingRow) -> String {
    let cancelled = AppointmentStatus::Cancelled.as_str();
    if booking.appointment.status == cancelled { cancelled.to_owned() } else { meeting.status.clone() }
}

/// What the row says of Zoom is of the generation it was synchronised at: newer wishes are pending.
fn sync(booking: &Booking, meeting: &MeetingRow) -> Result<SyncView, ApiError> {
    let behind = meeting.synced_generation < booking.appointment.generation;
    let state = if behind && meeting.sync_state == "in_sync" { "pending" } else { &meeting.sync_state };
    let drift = match &booking.drift {
        Some(fields) => fields.parse::<Vec<Drifting>>("meeting_looks.drift")?,
        None => Vec::new(),
    };
    let view = |Drifting { field, wanted, at_zoom, .. }| DriftView { field, wanted, at_zoom };
    Ok(SyncView {
        state: state.to_owned(),
        attempts: meeting.attempts,
        last_error: meeting.last_error.clone(),
        next_attempt_at: meeting.next_attempt_at.map(Into::into),
        drift: drift.into_iter().map(view).collect(),
    })
}

/// One meeting.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeetingAnswer {
    /// The meeting.
    pub meeting: MeetingView,
    /// What the caller should know about the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
}

/// The body that shows one meeting.
pub(in crate::http) fn shape(
    booking: &Booking,
    rosters: &Rosters,
    sealer: &Sealer,
    notices: &[String],
) -> Result<String, ApiError> {
    let meeting = MeetingView::of(booking, rosters, sealer)?.ok_or(ApiError::NotFound("meeting"))?;
    json(&MeetingAnswer { meeting, notices: notices.to_vec() })
}
