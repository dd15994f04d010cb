//! The report of one meeting: `GET /api/zoom/reports?meetingId=`.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::Attended;
use super::figures::{Figures, Standing};
use super::roll::{Participant, Roll, Share};
use super::view::{self, ClassView};
use crate::http::Front;
use crate::http::auth::Caller;
use crate::http::error::ApiError;

/// The report of one meeting.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct MeetingReport {
    meeting: ReportedMeeting,
    stats: Stats,
}

/// The meeting and who was seen in it.
#[derive(Debug, Serialize, ToSchema)]
struct ReportedMeeting {
    id: String,
    title: String,
    start_time: DateTime<Utc>,
    status: String,
    host: Option<ReportedHost>,
    class: Option<ClassView>,
    /// One entry for each stay of each device, in the order of coming.
    participants: Vec<Participant>,
}

/// Who hosts it.
#[derive(Debug, Serialize, ToSchema)]
struct ReportedHost {
    /// Their `ref`.
    id: String,
    name: String,
    email: Option<String>,
}

/// The counts; hosts are no part of them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MeetingReportStats)]
struct Stats {
    /// People on the roster.
    total_invited: i64,
    /// Of these, those who were there: by the marks that count, once there are any.
    total_joined: i64,
    /// In per cent of the marks that count; before there are marks, of the invited. One decimal; 0 of nobody.
    attendance_rate: f64,
    total_duration_seconds: i64,
    /// Per person who was there.
    avg_duration_seconds: i64,
}

/// The report of a meeting, as far as the caller may see it; of one `person` alone when asked for.
pub(in crate::http) async fn answer(
    front: &Front,
    caller: Caller,
    meeting: String,
    person: Option<String>,
) -> Result<MeetingReport, ApiError> {
    let house = front.rules.clone();
    let mut standing = front.read(move |conn| Standing::read(conn, &caller, &meeting, &house)).await?;
    if let Some(person) = person {
        standing.attended.share = Share::Own(person);
    }
    Ok(MeetingReport::new(&standing.attended, &standing.roll(front.clock.now())))
}

impl MeetingReport {
    fn new(attended: &Attended, roll: &Roll<'_>) -> Self {
        let Attended { booking, case, share } = attended;
        let meeting = ReportedMeeting {
            id: case.meeting.id.clone(),
            title: booking.appointment.title.clone(),
            start_time: booking.appointment.start_at.into(),
            status: view::status(booking, &case.meeting),
            host: booking.host.as_ref().map(|host| ReportedHost {
                id: host.ref_.clone(),
                name: host.name.clone(),
                email: host.email.clone(),
            }),
            class: view::class(booking),
            participants: roll.participants(share),
        };
        let figures = Figures::of(roll, share);
        let stats = Stats {
            total_invited: figures.expected,
            total_joined: figures.joined,
            attendance_rate: figures.rate,
            total_duration_seconds: figures.seconds,
            avg_duration_seconds: figures.seconds_each,
        };
        Self { meeting, stats }
    }
}
