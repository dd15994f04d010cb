//! Marks as files: `attendance.csv` and `.xlsx` of a meeting, `reports.csv` and `.xlsx` of a selection.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};

use super::query::{self, ReportQuery, Wanted};
use super::table;
use crate::domain::access::Action;
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::http::validate::Fields;
use crate::http::{Front, sight};
use crate::store::statistics::lines::{self, MarkLine};
use crate::store::statistics::{Scope, Selection};

/// Marks in one file.
const ROWS_MAX: usize = 50_000;

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Csv,
    Xlsx,
}

impl Kind {
    fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

/// The marks of a meeting as CSV (UTF-8, with a byte order mark). Attendees get their own.
#[utoipa::path(get, path = "/api/zoom/meetings/{id}/attendance.csv", tag = "meetings",
    operation_id = "get_attendance_csv",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number")),
    responses((status = 200, body = String, content_type = "text/csv")))]
pub(in crate::http) async fn meeting_csv(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    Fields::from_query(request.query_string()).finish()?;
    of_meeting(&front, caller, id.into_inner(), Kind::Csv).await
}

/// The marks of a meeting as a workbook. Attendees get their own.
#[utoipa::path(get, path = "/api/zoom/meetings/{id}/attendance.xlsx", tag = "meetings",
    operation_id = "get_attendance_xlsx",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number")),
    responses((status = 200, body = Vec<u8>,
        content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")))]
pub(in crate::http) async fn meeting_xlsx(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    Fields::from_query(request.query_string()).finish()?;
    of_meeting(&front, caller, id.into_inner(), Kind::Xlsx).await
}

/// The marks of a selection as CSV, at most 50,000.
#[utoipa::path(get, path = "/api/zoom/reports.csv", tag = "reports", operation_id = "get_reports_csv",
    params(ReportQuery), responses((status = 200, body = String, content_type = "text/csv")))]
pub(in crate::http) async fn reports_csv(
    front: web::Data<Front>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    of_selection(&front, caller, request.query_string(), Kind::Csv).await
}

/// The marks of a selection as a workbook, at most 50,000.
#[utoipa::path(get, path = "/api/zoom/reports.xlsx", tag = "reports", operation_id = "get_reports_xlsx",
    params(ReportQuery), responses((status = 200, body = Vec<u8>,
        content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")))]
pub(in crate::http) async fn reports_xlsx(
    front: web::Data<Front>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    of_selection(&front, caller, request.query_string(), Kind::Xlsx).await
}

async fn of_meeting(
    front: &Front,
    caller: Caller,
    meeting: String,
    kind: Kind,
) -> Result<HttpResponse, ApiError> {
    let wanted = query::read("", &caller, front.default_timezone)?;
    answer(front, caller, Wanted { meeting: Some(meeting), ..wanted }, kind).await
}

async fn of_selection(
    front: &Front,
    caller: Caller,
    query: &str,
    kind: Kind,
) -> Result<HttpResponse, ApiError> {
    let wanted = query::read(query, &caller, front.default_timezone)?;
    answer(front, caller, wanted, kind).await
}

async fn answer(front: &Front, caller: Caller, wanted: Wanted, kind: Kind) -> Result<HttpResponse, ApiError> {
    let name = match &wanted.meeting {
        Some(_) => "attendance",
        None => "report",
    };
    let Wanted { meeting, mut selection, .. } = wanted;
    let lines = front
        .read(move |conn| {
            if let Some(meeting) = meeting {
                // Who may see the meeting's attendance sees it whole, unless only their own is theirs.
                let seen = sight::meeting(conn, &caller, &meeting, Action::Attendance)?;
                let scope = if seen.own_only { Scope::Own(caller.subject.clone()) } else { Scope::All };
                selection = Selection { appointment: Some(seen.appointment.id), scope, ..selection };
            }
            let limit = i64::try_from(ROWS_MAX + 1).unwrap_or(i64::MAX);
            Ok(lines::marks(conn, &selection, limit)?)
        })
        .await?;
    if lines.len() > ROWS_MAX {
        let message =
            format!("selects more than {ROWS_MAX} marks, the most that one file holds: ask for less time");
        return Err(ApiError::field("start_date", message));
    }
    // Making a workbook of tens of thousands of lines takes a while: not on the thread of requests.
    let file =
        web::block(move || write(&lines, kind)).await.map_err(|error| ApiError::internal(&error))??;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, kind.content_type()))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.{}\"", kind.ending())))
        .body(file))
}

fn write(lines: &[MarkLine], kind: Kind) -> Result<Vec<u8>, ApiError> {
    match kind {
        Kind::Csv => table::csv(lines).map_err(|error| ApiError::internal(&error)),
        Kind::Xlsx => table::xlsx(lines).map_err(|error| ApiError::internal(&error)),
    }
}
