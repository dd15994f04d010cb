//! A booking as it is shown.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::error::ApiError;
use crate::http::meetings::view::MeetingView;
use crate::http::sight::Rosters;
use crate::store::Sealer;
use crate::store::booking::{Booking, Warning};

/// Somebody on a roster.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttendeeView {
    /// Their `ref`.
    #[serde(rename = "ref")]
    pub ref_: String,
    /// Their name, when they are known.
    pub name: Option<String>,
    /// Their address, when it is known.
    pub email: Option<String>,
    /// `direct` or `group`.
    pub via: &'static str,
}

/// A booking's place in a series.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlaceView {
    /// The id of the series.
    pub id: String,
    /// Its number by the rule, from 1; those left out count.
    pub number: i64,
}

/// A booking.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppointmentView {
    /// Our id of it.
    pub id: String,
    /// The caller's own id of it.
    #[serde(rename = "ref")]
    pub ref_: Option<String>,
    /// `match`, `class`, `consultation` or `group`.
    pub kind: String,
    /// What it is called.
    pub title: String,
    /// What it is about.
    pub description: String,
    /// When it starts.
    pub start_time: DateTime<Utc>,
    /// When it ends.
    pub end_time: DateTime<Utc>,
    /// Minutes.
    pub duration: i64,
    /// Its IANA zone.
    pub timezone: String,
    /// When it starts, by a clock on the wall there.
    pub wall_time: String,
    /// The `ref` of who hosts it.
    pub host: Option<String>,
    /// The `ref` of the group it is for.
    pub group: Option<String>,
    /// Who is invited, in order; of those who do not lead the booking only themselves.
    pub attendees: Vec<AttendeeView>,
    /// `requested`, `confirmed`, `in_progress`, `completed`, `no_show` or `cancelled`.
    pub status: String,
    /// Why it was cancelled.
    pub cancel_reason: Option<String>,
    /// Zoom's meeting settings by their own names.
    #[schema(value_type = Object)]
    pub settings: Value,
    /// Who else sees it.
    pub target_audience: Option<String>,
    /// By which rules attendance is scored; null for the default.
    pub attendance_rules: Option<String>,
    /// What happens when the host is taken.
    pub on_conflict: String,
    /// Its place in a series; null for a booking that does not recur.
    pub series: Option<PlaceView>,
    /// `api`, `ad-hoc`, `zoom-api` or `import`.
    pub origin: String,
    /// Raised by every change that Zoom must learn of.
    pub generation: i64,
    /// Raised by every change.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Its Zoom meeting; null until it is confirmed.
    pub meeting: Option<MeetingView>,
    /// What works, but perhaps not as expected.
    pub warnings: Vec<WarningView>,
}

/// Something about a booking that works, but not as its caller may think.
#[derive(Debug, Serialize, ToSchema)]
pub struct WarningView {
    /// For programs.
    #[schema(example = "BASIC_HOST_40_MINUTES")]
    pub code: &'static str,
    /// For people.
    pub message: String,
}

impl From<&Warning> for WarningView {
    fn from(warning: &Warning) -> Self {
        Self { code: warning.code(), message: warning.message() }
    }
}

impl AppointmentView {
    /// The view of a booking, with as much of its roster as is the caller's to see.
    pub(in crate::http) fn new(
        booking: &Booking,
        rosters: &Rosters,
        sealer: &Sealer,
    ) -> Result<Self, ApiError> {
        let row = &booking.appointment;
        let share = rosters.share(row);
        let attendees = booking
            .roster
            .iter()
            .filter(|(attendee, _)| share.covers(Some(&attendee.person_ref)))
            .map(|(attendee, person)| AttendeeView {
                ref_: attendee.person_ref.clone(),
                name: person.as_ref().map(|person| person.name.clone()),
                email: person.as_ref().and_then(|person| person.email.clone()),
                via: attendee.via.as_str(),
            })
            .collect();
        Ok(Self {
            id: row.id.clone(),
            ref_: row.ref_.clone(),
            kind: row.kind.clone(),
            title: row.title.clone(),
            description: row.description.clone(),
            start_time: row.start_at.into(),
            end_time: row.end_at.into(),
            duration: row.duration_minutes,
            timezone: row.timezone.clone(),
            wall_time: row.wall_time.clone(),
            host: row.host_ref.clone(),
            group: row.group_ref.clone(),
            attendees,
            status: row.status.clone(),
            cancel_reason: row.cancel_reason.clone(),
            settings: row.settings.parse("appointments.settings")?,
            target_audience: row.target_audience.clone(),
            attendance_rules: row.attendance_rules.clone(),
            on_conflict: row.on_conflict.clone(),
            series: booking
                .place
                .as_ref()
                .map(|place| PlaceView { id: place.series_id.clone(), number: place.position + 1 }),
            origin: row.origin.clone(),
            generation: row.generation,
            version: row.version,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
            meeting: MeetingView::of(booking, rosters, sealer)?,
            warnings: booking.warnings.iter().map(WarningView::from).collect(),
        })
    }
}

/// One booking.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppointmentAnswer {
    /// The booking.
    pub appointment: AppointmentView,
    /// What the caller should know about the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
}

/// A page of bookings.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppointmentsAnswer {
    /// The bookings, by start.
    pub appointments: Vec<AppointmentView>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Option<String>,
}

/// The body that shows one booking.
pub(in crate::http) fn shape(
    booking: &Booking,
    rosters: &Rosters,
    sealer: &Sealer,
    notices: &[String],
) -> Result<String, ApiError> {
    let appointment = AppointmentView::new(booking, rosters, sealer)?;
    json(&AppointmentAnswer { appointment, notices: notices.to_vec() })
}

/// A value as JSON.
pub(in crate::http) fn json<T: Serialize>(value: &T) -> Result<String, ApiError> {
    serde_json::to_string(value).map_err(|error| ApiError::internal(&error))
}
