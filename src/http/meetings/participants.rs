//! Who was at a meeting, beside who was expected.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::Attended;
use super::figures::{Figures, Standing};
use super::roll::{Expected, Participant, Roll, Share};
use super::unmatched::{self, Unmatched};
use super::view::{self, ClassView};
use crate::http::Front;
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::http::validate::Fields;

/// Who was at a meeting.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ParticipantsAnswer {
    meeting: MeetingBrief,
    participants: Vec<Participant>,
    #[serde(rename = "expectedAttendees")]
    expected_attendees_camel: Vec<Expected>,
    /// The same as `expectedAttendees`.
    expected_attendees: Vec<Expected>,
    hosts: Vec<Expected>,
    /// Of the participants those whom we recognise as nobody, each identity once, with suggestions.
    unmatched: Vec<Unmatched>,
    stats: Stats,
}

/// A meeting in few words.
#[derive(Debug, Serialize, ToSchema)]
struct MeetingBrief {
    id: String,
    title: String,
    class: Option<ClassView>,
    start_time: DateTime<Utc>,
    status: String,
}

/// The counts; hosts are no part of them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Stats {
    /// People seen, expected or not; one with three devices is one.
    total_participants: usize,
    /// Expected people who were there: by the marks that count, once there are any.
    joined_count: i64,
    expected_count: i64,
    /// In per cent of the marks that count; before there are marks, of the expected. One decimal; 0 of nobody.
    attendance_rate: f64,
    total_duration_seconds: i64,
    /// Per expected person who was there.
    avg_duration_seconds: i64,
}

/// Who was there and who was expected. Attendees get their own data.
#[utoipa::path(get, path = "/api/zoom/meetings/{id}/participants", tag = "meetings",
    operation_id = "get_participants",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number")),
    responses((status = 200, body = ParticipantsAnswer)))]
pub(in crate::http) async fn show(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    Fields::from_query(request.query_string()).finish()?;
    let (house, now) = (front.rules.clone(), front.clock.now());
    let answer = front
        .read(move |conn| {
            let standing = Standing::read(conn, &caller, &id, &house)?;
            let roll = standing.roll(now);
            let unmatched = match standing.attended.share {
                Share::All => unmatched::of_case(conn, &standing.attended.case, &roll)?,
                Share::Own(_) => Vec::new(),
            };
            Ok(ParticipantsAnswer::new(&standing.attended, &roll, unmatched))
        })
        .await?;
    Ok(HttpResponse::Ok().json(answer))
}

impl ParticipantsAnswer {
    fn new(attended: &Attended, roll: &Roll<'_>, unmatched: Vec<Unmatched>) -> Self {
        let Attended { booking, case, share } = attended;
        let expected = roll.attendees(share);
        Self {
            meeting: MeetingBrief {
                id: case.meeting.id.clone(),
                title: booking.appointment.title.clone(),
                class: view::class(booking),
                start_time: booking.appointment.start_at.into(),
                status: view::status(booking, &case.meeting),
            },
            participants: roll.participants(share),
            expected_attendees_camel: expected.clone(),
            expected_attendees: expected,
            hosts: roll.hosts(share),
            unmatched,
            stats: Stats::new(roll.heads(share), &Figures::of(roll, share)),
        }
    }
}

impl Stats {
    fn new(heads: usize, figures: &Figures) -> Self {
        Self {
            total_participants: heads,
            joined_count: figures.joined,
            expected_count: figures.expected,
            attendance_rate: figures.rate,
            total_duration_seconds: figures.seconds,
            avg_duration_seconds: figures.seconds_each,
        }
    }
}
