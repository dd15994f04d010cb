//! The report of one meeting: `GET /api/zoom/reports?meetingId=`.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::roll::{Participant, Roll, Share};
use super::view::{self, ClassView};
use super::{Attended, read_attended};
use crate::domain::statistics::{Tally, per_cent};
use crate::http::Front;
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::store::attendance;

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
    /// Of these, those who were there.
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
    let (mut attended, marks) = front
        .read(move |conn| {
            let attended = read_attended(conn, &caller, &meeting)?;
            let marks = attendance::of_appointment(conn, &attended.booking.appointment.id)?;
            Ok((attended, marks))
        })
        .await?;
    if let Some(person) = person {
        attended.share = Share::Own(person);
    }
    let mut tally = Tally::default();
    for (mark, correction) in &marks {
        if mark.role == "attendee" && attended.share.covers(Some(&mark.person_ref)) {
            tally.add(attendance::effective_status(mark, correction), mark.held_against, 1);
        }
    }
    let roll = Roll::call(&attended.case, &front.rules, front.clock.now());
    Ok(MeetingReport::new(&attended, &roll, &tally))
}

impl MeetingReport {
    fn new(attended: &Attended, roll: &Roll<'_>, tally: &Tally) -> Self {
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
        let invited = roll.attendees(share);
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let joined = count(invited.iter().filter(|person| person.attended).count());
        let seconds: i64 = invited.iter().map(|person| person.attended_seconds).sum();
        let rate = match tally.total() {
            0 => per_cent(joined, count(invited.len())),
            _ => tally.rate(),
        };
        let stats = Stats {
            total_invited: count(invited.len()),
            total_joined: joined,
            attendance_rate: rate.unwrap_or_default(),
            total_duration_seconds: seconds,
            avg_duration_seconds: seconds / joined.max(1),
        };
        Self { meeting, stats }
    }
}
