//! Flat counters: `GET /api/zoom/stats`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::query::{Bounds, COUNTED, selection};
use super::{minutes, whole};
use crate::http::Front;
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::http::validate::Fields;
use crate::store::statistics::report;
use crate::store::statistics::{By, Numbers, numbers};
use crate::telemetry::{self, Latency};

/// The histogram of calls to Zoom.
const ZOOM_CALLS: &str = "convened_zoom_call_seconds";

/// Counters of everything that the caller may see.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct StatsAnswer {
    /// Bookings with a Zoom meeting, whatever became of it.
    total_meetings: i64,
    /// Not at Zoom yet.
    pending_meetings: i64,
    scheduled_meetings: i64,
    started_meetings: i64,
    ended_meetings: i64,
    cancelled_meetings: i64,
    completed_appointments: i64,
    no_show_appointments: i64,
    /// Meetings that Zoom made, of those it made or refused; null before there are any.
    creation_success_rate: Option<f64>,
    /// In per cent of the marks that count; null before there are any.
    attendance_rate: Option<f64>,
    present: i64,
    late: i64,
    partial: i64,
    absent: i64,
    excused: i64,
    /// People seen, in each scored meeting counted by itself, hosts aside.
    total_participants: i64,
    planned_minutes: i64,
    /// From the opening of each meeting to its end.
    meeting_minutes: i64,
    attended_minutes: i64,
    /// Calls to Zoom since this process started, and how long they took; null for callers who see only their own.
    zoom_api_calls: Option<u64>,
    zoom_api_latency_mean_ms: Option<f64>,
    /// The upper bound of the bucket it is in.
    zoom_api_latency_p95_ms: Option<f64>,
}

/// Counters: of everything, or from a day or time (`from`) to another (`to`).
#[utoipa::path(get, path = "/api/zoom/stats", tag = "reports", operation_id = "get_stats",
    params(
        ("from" = Option<String>, Query, description = "Only what starts on or after this day, or at or after this time"),
        ("to" = Option<String>, Query, description = "Only what starts on or before this day, or before this time"),
        ("timezone" = Option<String>, Query, description = "The zone of days, and of times without an offset")),
    responses((status = 200, body = StatsAnswer)))]
pub(in crate::http) async fn get(
    front: web::Data<Front>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::from_query(request.query_string());
    let bounds = Bounds::read(&mut fields, COUNTED, front.default_timezone);
    fields.finish()?;
    let selection = selection(&caller, bounds.span(), None, None)?;
    let (numbers, participants) = front
        .store
        .read(move |conn| {
            Ok((whole(numbers(conn, &selection, By::All)?), report::participants(conn, &selection)?))
        })
        .await?;
    let latency = caller.role.acts_for_all().then(zoom_latency).flatten();
    Ok(HttpResponse::Ok().json(StatsAnswer::of(&numbers, participants, latency)))
}

/// How long Zoom took to answer this process.
pub(super) fn zoom_latency() -> Option<Latency> {
    telemetry::latency(ZOOM_CALLS)
}

/// Seconds in milliseconds, with one decimal; `None` when there is no such time.
pub(super) fn millis(seconds: f64) -> Option<f64> {
    seconds.is_finite().then(|| (seconds * 10_000.0).round() / 10.0)
}

impl StatsAnswer {
    fn of(numbers: &Numbers, participants: i64, latency: Option<Latency>) -> Self {
        let marks = &numbers.marks;
        Self {
            total_meetings: numbers.meetings,
            pending_meetings: numbers.meetings("pending"),
            scheduled_meetings: numbers.meetings("scheduled"),
            started_meetings: numbers.meetings("started"),
            ended_meetings: numbers.meetings("ended"),
            cancelled_meetings: numbers.meetings("cancelled"),
            completed_appointments: numbers.bookings("completed"),
            no_show_appointments: numbers.bookings("no_show"),
            creation_success_rate: numbers.creation_rate(),
            attendance_rate: marks.rate(),
            present: marks.present,
            late: marks.late,
            partial: marks.partial,
            absent: marks.absent,
            excused: marks.excused,
            total_participants: participants,
            planned_minutes: numbers.planned_minutes,
            meeting_minutes: minutes(numbers.run_seconds),
            attended_minutes: minutes(numbers.attended_seconds),
            zoom_api_calls: latency.map(|latency| latency.count),
            zoom_api_latency_mean_ms: latency.and_then(|latency| millis(latency.mean)),
            zoom_api_latency_p95_ms: latency.and_then(|latency| millis(latency.p95)),
        }
    }
}
