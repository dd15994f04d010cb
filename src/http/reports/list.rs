//! The report of a selection: its meetings, page by page, and what all of them come to.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::query::Wanted;
use super::{minutes, whole};
use crate::domain::statistics::per_cent;
use crate::http::Front;
use crate::http::error::ApiError;
use crate::http::paging::place_key;
use crate::store::statistics::people::{self, PersonLine};
use crate::store::statistics::report::{self, ReportRow};
use crate::store::statistics::{By, Numbers, Scope, numbers};

/// People who get a line: as many as a group has members at most.
const PEOPLE_MAX: usize = 1000;

/// The report of a selection.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ReportAnswer {
    /// By start.
    meetings: Vec<ReportMeeting>,
    /// Of the whole selection, not of the page.
    stats: ReportStats,
    /// The attendees of the whole selection, by `ref`, at most 1,000; left out unless a class, a person or a caller's
    /// own record is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    people: Option<Vec<ReportPerson>>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
}

/// A meeting of a report.
#[derive(Debug, Serialize, ToSchema)]
struct ReportMeeting {
    id: String,
    appointment_id: String,
    title: String,
    start_time: DateTime<Utc>,
    /// Minutes.
    duration: i64,
    status: String,
    host: Option<Named>,
    class: Option<Named>,
    /// People seen in it, expected or not, hosts aside; counted when it is scored.
    #[serde(rename = "participantCount")]
    participant_count: i64,
    /// Attendees whose mark says that they were there.
    #[serde(rename = "attendeeCount")]
    attendee_count: i64,
}

/// A person or a group in two words.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Named {
    /// Their `ref`.
    pub(in crate::http) id: String,
    pub(in crate::http) name: String,
}

impl Named {
    fn of(ref_: Option<String>, name: Option<String>) -> Option<Self> {
        ref_.map(|id| Self { name: name.unwrap_or_default(), id })
    }
}

/// What the selection comes to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReportStats {
    total_meetings: i64,
    completed_meetings: i64,
    /// `participantCount` of all meetings, added up.
    total_participants: i64,
    /// `attendeeCount` of all meetings, added up.
    total_attendees: i64,
    /// In per cent of the marks that count, with one decimal; 0 where none does.
    avg_attendance_rate: f64,
    /// Minutes from the opening of each meeting to its end.
    total_meeting_minutes: i64,
}

/// One person's line.
#[derive(Debug, Serialize, ToSchema)]
struct ReportPerson {
    /// Their `ref`.
    id: String,
    name: Option<String>,
    email: Option<String>,
    /// Their marks.
    total: i64,
    present: i64,
    late: i64,
    partial: i64,
    absent: i64,
    excused: i64,
    /// Marks that count in the rate.
    counted: i64,
    /// In per cent, with one decimal; null where nothing counts.
    attendance_rate: Option<f64>,
    attended_minutes: i64,
    /// The mean of their scores in the marks that count, 0.000 to 1.000; null where nothing counts.
    average_score: Option<f64>,
}

pub(super) async fn answer(front: &Front, wanted: Wanted) -> Result<ReportAnswer, ApiError> {
    let Wanted { selection, page, after, .. } = wanted;
    let rows = page.rows();
    let by_person =
        selection.group.is_some() || selection.person.is_some() || matches!(selection.scope, Scope::Own(_));
    let (mut meetings, numbers, participants, people) = front
        .store
        .read(move |conn| {
            let meetings = report::meetings(conn, &selection, after.as_ref(), rows)?;
            let numbers = whole(numbers(conn, &selection, By::All)?);
            let participants = report::participants(conn, &selection)?;
            let people = match by_person {
                true => Some(people::lines(conn, &selection, PEOPLE_MAX)?),
                false => None,
            };
            Ok((meetings, numbers, participants, people))
        })
        .await?;
    let next_cursor = page.cut(&mut meetings, |row| place_key(row.start_at, &row.appointment_id));
    Ok(ReportAnswer {
        meetings: meetings.into_iter().map(ReportMeeting::from).collect(),
        stats: ReportStats::of(&numbers, participants),
        people: people.map(|lines| lines.into_iter().map(ReportPerson::from).collect()),
        next_cursor,
    })
}

impl From<ReportRow> for ReportMeeting {
    fn from(row: ReportRow) -> Self {
        Self {
            id: row.id,
            appointment_id: row.appointment_id,
            title: row.title,
            start_time: row.start_at.into(),
            duration: row.duration_minutes,
            status: row.status,
            host: Named::of(row.host_ref, row.host_name),
            class: Named::of(row.group_ref, row.group_name),
            participant_count: row.participants,
            attendee_count: row.attendees,
        }
    }
}

impl ReportStats {
    fn of(numbers: &Numbers, participants: i64) -> Self {
        Self {
            total_meetings: numbers.meetings,
            completed_meetings: numbers.bookings("completed"),
            total_participants: participants,
            total_attendees: numbers.marks.were_there(),
            avg_attendance_rate: numbers.marks.rate().unwrap_or_default(),
            total_meeting_minutes: minutes(numbers.run_seconds),
        }
    }
}

impl From<PersonLine> for ReportPerson {
    fn from(line: PersonLine) -> Self {
        let marks = line.marks;
        Self {
            id: line.person,
            name: line.name,
            email: line.email,
            total: marks.total(),
            present: marks.present,
            late: marks.late,
            partial: marks.partial,
            absent: marks.absent,
            excused: marks.excused,
            counted: marks.counted,
            attendance_rate: marks.rate(),
            attended_minutes: minutes(line.attended_seconds),
            average_score: average_score(line.score_milli, marks.counted),
        }
    }
}

/// The mean of scores in thousandths, as a share with three decimals.
fn average_score(score_milli: i64, marks: i64) -> Option<f64> {
    // `per_cent` rounds to thousandths of the whole.
    per_cent(score_milli, marks * 1000).map(|share| share / 100.0)
}
