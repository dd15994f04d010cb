//! What meetings came to: `/api/zoom/reports`, `/api/zoom/stats`, `/api/zoom/analytics/meetings`, and tables of marks.
//!
//! - `query`: which bookings a report is about. `list`: the report of a selection; that of one meeting is in
//!   `meetings::report`. [`stats`], [`analytics`]: counts. [`export`]: the marks as CSV and XLSX, made by `table`.

pub(super) mod analytics;
pub(super) mod export;
mod list;
pub(super) mod query;
pub(super) mod stats;
mod table;

use actix_web::{HttpRequest, HttpResponse, web};

use super::Front;
use super::auth::Caller;
use super::error::ApiError;
use super::meetings::report as meeting_report;
use crate::store::statistics::numbers::Numbers;

pub(super) use list::ReportAnswer;

/// The report of one meeting (`meetingId`), or of all that the parameters select. Hosts see what they and their
/// groups do, attendees their own record.
#[utoipa::path(get, path = "/api/zoom/reports", tag = "reports", operation_id = "get_reports",
    params(query::ReportQuery),
    responses((status = 200, body = Report, description = "The first form with `meetingId`, else the second")))]
pub(super) async fn get(
    front: web::Data<Front>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let wanted = query::read(request.query_string(), &caller, front.default_timezone)?;
    match wanted.meeting.clone() {
        Some(meeting) => {
            let answer = meeting_report::answer(&front, caller, meeting, wanted.selection.person).await?;
            Ok(HttpResponse::Ok().json(answer))
        }
        None => Ok(HttpResponse::Ok().json(list::answer(&front, wanted).await?)),
    }
}

/// Either form of a report, for the API's description.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "the description of what `get` answers")]
enum Report {
    /// Of one meeting.
    Meeting(Box<meeting_report::MeetingReport>),
    /// Of a selection.
    Selection(Box<ReportAnswer>),
}

/// Whole minutes.
fn minutes(seconds: i64) -> i64 {
    (seconds + 30) / 60
}

/// The numbers of a division into one part.
fn whole(mut numbers: std::collections::BTreeMap<String, Numbers>) -> Numbers {
    numbers.remove("").unwrap_or_default()
}
