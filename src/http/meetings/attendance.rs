//! What a meeting's attendance comes to: one record a person, with its evidence.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::roll::{Roll, Share};
use super::view;
use super::{Attended, read_attended};
use crate::domain::attendance::MarkStatus;
use crate::domain::lifecycle::MeetingStatus;
use crate::http::Front;
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::store::attendance::{self, CorrectionRow, MarkRow};

/// The attendance of a meeting.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AttendanceAnswer {
    summary: Summary,
    /// By place on the roster; empty until the meeting has ended and been scored.
    records: Vec<Record>,
    /// Never counted in the summary.
    hosts: Vec<Record>,
    /// Why there are no records, where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
    #[serde(rename = "inProgress")]
    in_progress: bool,
}

/// How many there are of each kind, hosts aside.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Summary {
    total: usize,
    present: usize,
    absent: usize,
    partial: usize,
    late: usize,
    excused: usize,
}

/// The attendance of one person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AttendanceRecord)]
struct Record {
    /// The person's `ref`.
    student_id: String,
    /// present, late, partial, absent or excused; what a hand gave, where one did.
    status: String,
    student: StudentView,
    /// Attended by effective time, 0.000 to 1.000.
    score: f64,
    attended_seconds: i64,
    first_join: Option<DateTime<Utc>>,
    last_leave: Option<DateTime<Utc>>,
    left_early: bool,
    host_absent: bool,
    /// The first host came later than the rules allow a host to.
    host_late: bool,
    /// False where the host's absence or lateness may be the reason; rates leave such a record out.
    held_against: bool,
    /// Of the attended time, that with a host in the meeting.
    together_seconds: i64,
    /// Zoom's reports may still change it.
    provisional: bool,
    #[schema(value_type = Object)]
    evidence: Value,
    /// Such as `standard@1`.
    rules: String,
    correction: Option<Correction>,
}

/// Whose record it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Student)]
struct StudentView {
    /// Their `ref`.
    id: String,
    name: String,
    email: Option<String>,
}

/// What a hand put in a mark's place.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AttendanceCorrection)]
struct Correction {
    /// What was found before it.
    computed_status: String,
    note: Option<String>,
    by: Option<String>,
    at: Option<DateTime<Utc>>,
}

const IN_PROGRESS: &str = "Meeting in progress - final attendance will be recorded when meeting ends";
const NOT_BEGUN: &str = "The meeting has not taken place";
const NOT_SCORED: &str = "The meeting has ended and is being scored";

/// The attendance. Attendees get their own record.
#[utoipa::path(get, path = "/api/zoom/meetings/{id}/attendance", tag = "meetings",
    operation_id = "get_attendance",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number")),
    responses((status = 200, body = AttendanceAnswer)))]
pub(in crate::http) async fn show(
    front: web::Data<Front>,
    caller: Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let (attended, marks) = front
        .read(move |conn| {
            let attended = read_attended(conn, &caller, &id)?;
            let marks = attendance::of_appointment(conn, &attended.booking.appointment.id)?;
            Ok((attended, marks))
        })
        .await?;
    let running = view::status(&attended.booking, &attended.case.meeting) == MeetingStatus::Started.as_str();
    let answer = match running {
        true => live(&attended, &Roll::call(&attended.case, &front.rules, front.clock.now())),
        false => scored(&attended, marks),
    };
    Ok(HttpResponse::Ok().json(answer))
}

/// While the meeting runs: who has come so far, and no verdict on anybody.
fn live(attended: &Attended, roll: &Roll<'_>) -> AttendanceAnswer {
    let share = &attended.share;
    let summary =
        Summary { total: roll.attendees(share).len(), present: roll.seen(share), ..Summary::default() };
    AttendanceAnswer {
        summary,
        records: Vec::new(),
        hosts: Vec::new(),
        message: Some(IN_PROGRESS),
        in_progress: true,
    }
}

fn scored(attended: &Attended, marks: Vec<(MarkRow, CorrectionRow)>) -> AttendanceAnswer {
    let Attended { booking, case, share } = attended;
    let places: BTreeMap<&str, usize> =
        case.roster.iter().enumerate().map(|(place, person)| (person.person.as_str(), place)).collect();
    let message = match marks.is_empty() {
        false => None,
        true if booking.meeting.as_ref().is_some_and(|m| m.ended_at.is_some()) => Some(NOT_SCORED),
        true => Some(NOT_BEGUN),
    };
    let mut shown: Vec<(MarkRow, CorrectionRow)> =
        marks.into_iter().filter(|(mark, _)| share.covers(Some(&mark.person_ref))).collect();
    shown.sort_by_key(|(mark, _)| places.get(mark.person_ref.as_str()).copied().unwrap_or(usize::MAX));
    let (hosts, attendees): (Vec<_>, Vec<_>) = shown.into_iter().partition(|(mark, _)| mark.role == "host");
    let record = |(mark, correction)| Record::new(mark, correction, attended);
    let records: Vec<Record> = attendees.into_iter().map(record).collect();
    AttendanceAnswer {
        summary: Summary::of(&records, expected(attended, share)),
        hosts: hosts.into_iter().map(record).collect(),
        records,
        message,
        in_progress: false,
    }
}

/// How many are expected, of those the caller may see.
fn expected(attended: &Attended, share: &Share) -> usize {
    let roster = attended.case.roster.iter();
    roster.filter(|person| !person.host && share.covers(Some(&person.person))).count()
}

impl Summary {
    /// Counts records; before there are any, the expected are all there is to say.
    fn of(records: &[Record], expected: usize) -> Self {
        let count =
            |status: MarkStatus| records.iter().filter(|record| record.status == status.as_str()).count();
        Self {
            total: if records.is_empty() { expected } else { records.len() },
            present: count(MarkStatus::Present),
            absent: count(MarkStatus::Absent),
            partial: count(MarkStatus::Partial),
            late: count(MarkStatus::Late),
            excused: count(MarkStatus::Excused),
        }
    }
}

impl Record {
    fn new(mark: MarkRow, correction: CorrectionRow, attended: &Attended) -> Self {
        let known = attended.case.roster.iter().find(|person| person.person == mark.person_ref);
        let student = StudentView {
            id: mark.person_ref.clone(),
            name: known.map_or_else(String::new, |person| person.name.clone()),
            email: known.and_then(|person| person.email.clone()),
        };
        let corrected = correction.corrected_status.clone();
        Self {
            student,
            status: corrected.clone().unwrap_or_else(|| mark.status.clone()),
            correction: corrected.map(|_| Correction {
                computed_status: mark.status,
                note: correction.corrected_note,
                by: correction.corrected_by,
                at: correction.corrected_at.map(Into::into),
            }),
            student_id: mark.person_ref,
            score: mark.score_milli as f64 / 1000.0,
            attended_seconds: mark.attended_seconds,
            first_join: mark.first_join.map(Into::into),
            last_leave: mark.last_leave.map(Into::into),
            left_early: mark.left_early,
            host_absent: mark.host_absent,
            host_late: mark.host_late,
            held_against: mark.held_against,
            together_seconds: mark.together_seconds,
            provisional: mark.provisional,
            evidence: serde_json::from_str(mark.evidence.as_str()).unwrap_or_default(),
            rules: mark.rules,
        }
    }
}
