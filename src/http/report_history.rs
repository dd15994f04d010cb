//! Zoom's own reports as they were read: what Zoom said of each run of a meeting, and the rows of its report.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Front;
use super::auth::Caller;
use super::error::ApiError;
use super::paging::{Page, place_key};
use super::validate::Fields;
use super::{sight, when};
use crate::domain::access::Action;
use crate::store::report_history::{self, SavedReport, SavedRow, Wanted};
use crate::store::{Conn, StoreError, UtcMillis, meeting};
use crate::zoom::ids;

/// A page of saved reports, those of the runs heard of last first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReportHistory {
    reports: Vec<SavedReportView>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
}

/// A saved report with a page of its rows.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SavedReportAnswer {
    report: SavedReportView,
    rows: Vec<SavedRowView>,
    /// Where the next page of rows begins; null at the end.
    next_cursor: Option<String>,
}

/// What Zoom said of one run of a meeting.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SavedReport)]
struct SavedReportView {
    /// Zoom's uuid of the run.
    instance: String,
    meeting_id: String,
    appointment_id: String,
    zoom_meeting_id: String,
    /// `waiting`, `complete` or `given_up`.
    #[schema(example = "complete")]
    state: &'static str,
    /// When the run began and ended: Zoom's details, else the webhooks.
    start_time: Option<DateTime<Utc>>,
    end_time: Option<DateTime<Utc>>,
    /// In minutes, as Zoom says.
    duration: Option<i64>,
    participants_count: Option<i64>,
    /// Minutes of all participants together.
    total_minutes: Option<i64>,
    /// How many rows the report has, and on how many pages.
    rows: i64,
    pages: i64,
    /// Entries that were no rows and were left out.
    unreadable: i64,
    /// How often Zoom was asked.
    attempts: i64,
    /// When it was read.
    read_at: Option<DateTime<Utc>>,
    /// When Zoom is asked again.
    next_attempt_at: Option<DateTime<Utc>>,
    /// What is to be known of it, in words.
    note: Option<String>,
    /// Why the last attempt brought none.
    last_error: Option<String>,
}

/// A row of a report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SavedReportRow)]
struct SavedRowView {
    name: String,
    user_email: Option<String>,
    /// The number of this join within the run.
    user_id: Option<String>,
    zoom_user_id: Option<String>,
    registrant_id: Option<String>,
    customer_key: Option<String>,
    /// `main`, `breakout` or `waiting`.
    room: String,
    /// What it was taken for: a missing time is found by the duration, an impossible one is left out.
    join_time: Option<DateTime<Utc>>,
    leave_time: Option<DateTime<Utc>>,
    /// Whom it was found to be, and by what.
    person: Option<String>,
    matched_by: Option<String>,
    /// What Zoom wrote: `join_time`, `leave_time`, `duration` in seconds, `status`, `failover`, `breakout_room`.
    #[schema(value_type = Object)]
    told: Value,
}

/// Zoom's reports as they were read. Of all meetings only for a service or an admin; hosts name one of theirs.
#[utoipa::path(get, path = "/api/zoom/reports/history", tag = "meetings", operation_id = "list_saved_reports",
    params(("meetingId" = Option<String>, Query, description = "The meeting's id or its Zoom number"),
        ("from" = Option<String>, Query, description = "Runs that began then or later: a time or a date"),
        ("to" = Option<String>, Query, description = "Runs that began before, or on that date"),
        ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = ReportHistory)))]
pub(super) async fn list(
    front: web::Data<Front>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::from_query(request.query_string());
    let page = Page::read(&mut fields);
    let key = fields.text(&["meetingId", "meeting_id"], 64);
    let (from, to) = when::between(&mut fields, front.default_timezone);
    let mut wanted = Wanted {
        meeting_id: None,
        from: from.map(UtcMillis::from),
        to: to.map(UtcMillis::from),
        after: page.after_place(&mut fields),
    };
    fields.finish()?;
    let rows = page.rows();
    let mut saved = front
        .read(move |conn| {
            match key {
                Some(key) => wanted.meeting_id = Some(seen(conn, &caller, &key)?),
                None => caller.must_act_for_all()?,
            }
            Ok(report_history::list(conn, &wanted, rows)?)
        })
        .await?;
    let next_cursor =
        page.cut(&mut saved, |saved| place_key(saved.report.created_at, &saved.report.instance_uuid));
    let reports = saved.into_iter().map(SavedReportView::from).collect();
    Ok(HttpResponse::Ok().json(ReportHistory { reports, next_cursor }))
}

/// Zoom's report of one run, row by row. The uuid may be percent-encoded once, twice or not at all.
#[utoipa::path(get, path = "/api/zoom/reports/history/{instance}", tag = "meetings",
    operation_id = "get_saved_report",
    params(("instance" = String, Path, description = "Zoom's uuid of the run"),
        ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = SavedReportAnswer)))]
pub(super) async fn show(
    front: web::Data<Front>,
    caller: Caller,
    request: HttpRequest,
    instance: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::from_query(request.query_string());
    let page = Page::read(&mut fields);
    let after = page.after().map_or(Ok(0), |after| after.parse());
    if after.is_err() {
        fields.fault("cursor", "is not one that this list gave");
    }
    fields.finish()?;
    let (after, limit) = (after.unwrap_or_default(), page.rows());
    let (saved, mut rows) = front
        .read(move |conn| {
            let saved = find(conn, &instance)?.ok_or(ApiError::NotFound("report"))?;
            seen(conn, &caller, &saved.report.meeting_id)?;
            let rows = report_history::rows(conn, &saved.report.instance_uuid, after, limit)?;
            Ok((saved, rows))
        })
        .await?;
    let next_cursor = page.cut(&mut rows, |row| row.id.to_string());
    let rows = rows.into_iter().map(SavedRowView::of).collect::<Result<_, StoreError>>()?;
    Ok(HttpResponse::Ok().json(SavedReportAnswer { report: saved.into(), rows, next_cursor }))
}

/// The meeting's id, if the caller may see everybody's attendance of it.
fn seen(conn: &mut Conn, caller: &Caller, key: &str) -> Result<String, ApiError> {
    let seen = sight::meeting(conn, caller, key, Action::Attendance)?;
    if seen.own_only {
        return Err(ApiError::Forbidden("a report tells of everybody"));
    }
    let meeting = meeting::by_appointment(conn, &seen.appointment.id)?;
    Ok(meeting.ok_or(ApiError::NotFound("meeting"))?.id)
}

/// The report that a path means, whose uuid was decoded once already.
fn find(conn: &mut Conn, raw: &str) -> Result<Option<SavedReport>, StoreError> {
    let [once, twice] = ids::decoded_candidates(raw);
    for uuid in [raw, &once, &twice] {
        if let Some(saved) = report_history::of_instance(conn, uuid)? {
            return Ok(Some(saved));
        }
    }
    Ok(None)
}

impl From<SavedReport> for SavedReportView {
    fn from(saved: SavedReport) -> Self {
        let report = saved.report;
        Self {
            instance: report.instance_uuid,
            meeting_id: report.meeting_id,
            appointment_id: saved.appointment_id,
            zoom_meeting_id: saved.zoom_meeting_id,
            state: report.state.as_str(),
            start_time: report.zoom_started_at.or(saved.started_at).map(Into::into),
            end_time: report.zoom_ended_at.or(saved.ended_at).map(Into::into),
            duration: report.duration_minutes,
            participants_count: report.participants_count,
            total_minutes: report.total_minutes,
            rows: report.participants,
            pages: report.pages_read,
            unreadable: report.unreadable,
            attempts: report.attempts,
            read_at: report.completed_at.map(Into::into),
            next_attempt_at: report.next_attempt_at.map(Into::into),
            note: report.note,
            last_error: report.last_error,
        }
    }
}

impl SavedRowView {
    fn of(row: SavedRow) -> Result<Self, StoreError> {
        Ok(Self {
            name: row.name,
            user_email: row.email,
            user_id: row.user_id,
            zoom_user_id: row.zoom_user_id,
            registrant_id: row.registrant_id,
            customer_key: row.customer_key,
            room: row.room,
            join_time: row.join_time.map(Into::into),
            leave_time: row.leave_time.map(Into::into),
            person: row.person_ref,
            matched_by: row.matched_by,
            told: row.told.map(|told| told.parse("zoom_participants.told")).transpose()?.unwrap_or_default(),
        })
    }
}
