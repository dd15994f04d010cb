//! What a meeting's attendance comes to: one record a person, with its evidence.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::record::{CorrectionView, Record, StudentView};
use super::roll::{Roll, Share};
use super::view;
use super::{Attended, read_attended};
use crate::domain::attendance::MarkStatus;
use crate::domain::lifecycle::MeetingStatus;
use crate::domain::report::JudgedBy;
use crate::http::Front;
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::http::validate::Fields;
use crate::store::attendance::{self, CorrectionRow, MarkRow};
use crate::store::correction::{self, Correction};
use crate::store::{retention, rules};

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
    /// By what the marks are final: `report`, `webhooks` where Zoom gave no report, or `no_run` where it told of no run
    /// of the meeting until `attendance.report_give_up`; null while they are not.
    judged_by: Option<&'static str>,
    /// What hands said about marks that are not made yet, such as an absence that was announced.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    announced: Vec<Announced>,
}

/// A correction that waits for its mark.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AnnouncedCorrection)]
struct Announced {
    /// The person's `ref`.
    student_id: String,
    student: StudentView,
    /// What will count.
    status: String,
    correction: CorrectionView,
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

const IN_PROGRESS: &str = "Meeting in progress - final attendance will be recorded when meeting ends";
const NOT_BEGUN: &str = "The meeting has not taken place";
const NOT_SCORED: &str = "The meeting has ended and is being scored";
const FORGOTTEN: &str = "The meeting is over for so long that its attendance is no longer kept";

/// The attendance. Attendees get their own record.
#[utoipa::path(get, path = "/api/zoom/meetings/{id}/attendance", tag = "meetings",
    operation_id = "get_attendance",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number")),
    responses((status = 200, body = AttendanceAnswer)))]
pub(in crate::http) async fn show(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    Fields::from_query(request.query_string()).finish()?;
    let house = front.rules.clone();
    let (attended, marks, words, rules, forgotten) = front
        .read(move |conn| {
            let attended = read_attended(conn, &caller, &id)?;
            let appointment = &attended.booking.appointment.id;
            let marks = attendance::of_appointment(conn, appointment)?;
            let words = correction::histories(conn, appointment)?;
            let rules = rules::for_scoring(conn, appointment, &house)?;
            let forgotten = retention::is_forgotten(conn, appointment)?;
            Ok((attended, marks, words, rules, forgotten))
        })
        .await?;
    let running = view::status(&attended.booking, &attended.case.meeting) == MeetingStatus::Started.as_str();
    let answer = match running {
        true => live(&attended, &words, &Roll::call(&attended.case, &rules, front.clock.now())),
        false => scored(&attended, marks, &words, forgotten),
    };
    Ok(HttpResponse::Ok().json(answer))
}

/// While the meeting runs: who has come so far, and no verdict on anybody.
fn live(attended: &Attended, words: &Words, roll: &Roll<'_>) -> AttendanceAnswer {
    let share = &attended.share;
    let summary =
        Summary { total: roll.attendees(share).len(), present: roll.seen(share), ..Summary::default() };
    AttendanceAnswer {
        summary,
        records: Vec::new(),
        hosts: Vec::new(),
        message: Some(IN_PROGRESS),
        in_progress: true,
        judged_by: None,
        announced: announced(attended, words, |_| true),
    }
}

/// What hands said, by person.
type Words = BTreeMap<String, Vec<Correction>>;

/// What hands said about those who have no mark yet.
fn announced(attended: &Attended, words: &Words, waits: impl Fn(&str) -> bool) -> Vec<Announced> {
    let roster = attended.case.roster.iter().map(|person| person.person.as_str());
    let theirs = roster.filter(|person| attended.share.covers(Some(person)) && waits(person));
    theirs
        .filter_map(|person| {
            let history = words.get(person)?;
            Some(Announced {
                student_id: person.to_owned(),
                student: StudentView::of(attended, person),
                status: correction::standing(history)?.status.clone()?,
                correction: CorrectionView::standing(history)?,
            })
        })
        .collect()
}

fn scored(
    attended: &Attended,
    marks: Vec<(MarkRow, CorrectionRow)>,
    words: &Words,
    forgotten: bool,
) -> AttendanceAnswer {
    let Attended { booking, case, share } = attended;
    let places: BTreeMap<&str, usize> =
        case.roster.iter().enumerate().map(|(place, person)| (person.person.as_str(), place)).collect();
    let ended = booking.meeting.as_ref().is_some_and(|m| m.ended_at.is_some());
    let message = match (marks.is_empty(), ended) {
        (false, _) => None,
        (true, true) if forgotten => Some(FORGOTTEN),
        (true, true) => Some(NOT_SCORED),
        (true, false) => Some(NOT_BEGUN),
    };
    let mut shown: Vec<(MarkRow, CorrectionRow)> =
        marks.into_iter().filter(|(mark, _)| share.covers(Some(&mark.person_ref))).collect();
    shown.sort_by_key(|(mark, _)| places.get(mark.person_ref.as_str()).copied().unwrap_or(usize::MAX));
    let marked: BTreeSet<String> = shown.iter().map(|(mark, _)| mark.person_ref.clone()).collect();
    let (hosts, attendees): (Vec<_>, Vec<_>) = shown.into_iter().partition(|(mark, _)| mark.role == "host");
    let record = |(mark, correction): (MarkRow, CorrectionRow)| {
        let history = words.get(&mark.person_ref).map_or(&[][..], Vec::as_slice);
        Record::new(mark, correction, history, attended)
    };
    let records: Vec<Record> = attendees.into_iter().map(record).collect();
    AttendanceAnswer {
        summary: Summary::of(&records, expected(attended, share)),
        hosts: hosts.into_iter().map(record).collect(),
        records,
        message,
        in_progress: false,
        judged_by: case.judged_by.filter(|_| !marked.is_empty()).map(JudgedBy::as_str),
        announced: announced(attended, words, |person| !marked.contains(person)),
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
