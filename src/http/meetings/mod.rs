//! `/api/zoom/meetings`: bookings by their Zoom meetings, in the shapes that the calling systems know.
//!
//! - `list`: which meetings a list shows. [`view`]: what is shown of one. `write`: making, changing, deleting.
//! - [`doors`]: the ways in, and the end. [`join`]: what somebody needs to join. [`registrants`]: who has a link of
//!   their own.
//! - `roll`: who was seen and who was expected. `figures`: what that comes to. [`participants`], [`attendance`], `record`, [`report`]: what is told of
//!   that;
//!   [`live`]: who is in now.
//! - [`unmatched`]: those whom nobody recognises. [`matching`], [`hands`]: what a hand settles and corrects.

pub(super) mod attendance;
pub(super) mod doors;
mod figures;
pub(super) mod hands;
pub(super) mod join;
mod list;
pub(super) mod live;
pub(super) mod matching;
pub(super) mod participants;
pub(super) mod record;
pub(super) mod registrants;
pub(super) mod report;
pub(super) mod roll;
pub(super) mod unmatched;
pub mod view;
pub(super) mod write;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use self::roll::{Participant, Roll, Share};
use self::view::MeetingView;
use super::Front;
use super::auth::Caller;
use super::error::ApiError;
use super::settle::etag_of;
use super::sight::{self, Rosters};
use crate::domain::access::Action;
use crate::store::booking::{self, Booking};
use crate::store::case::{self, Case};
use crate::store::{Conn, meeting};

/// A page of meetings.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MeetingList {
    meetings: Vec<MeetingView>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
}

/// A meeting by itself.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MeetingDetails {
    meeting: MeetingWithParticipants,
}

/// A meeting and who was seen in it.
#[derive(Debug, Serialize, ToSchema)]
struct MeetingWithParticipants {
    #[serde(flatten)]
    meeting: MeetingView,
    /// As far as the caller may know.
    participants: Vec<Participant>,
}

/// Meetings, by start.
#[utoipa::path(get, path = "/api/zoom/meetings", tag = "meetings", operation_id = "list_meetings",
    params(list::MeetingQuery), responses((status = 200, body = MeetingList)))]
pub(super) async fn list(
    front: web::Data<Front>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = list::read(request.query_string(), front.clock.now(), front.default_timezone)?;
    let (viewer, domain) = (sight::viewer(&caller), front.email_domain());
    let ((bookings, next_cursor), rosters) = front
        .read(move |conn| Ok((query.run(conn, viewer)?, Rosters::of(conn, &caller, domain.as_deref())?)))
        .await?;
    let meetings = bookings
        .iter()
        .filter_map(|booking| MeetingView::of(booking, &rosters, &front.sealer).transpose())
        .collect::<Result<_, _>>()?;
    Ok(HttpResponse::Ok().json(MeetingList { meetings, next_cursor }))
}

/// A meeting with its participants.
#[utoipa::path(get, path = "/api/zoom/meetings/{id}", tag = "meetings", operation_id = "get_meeting",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number")),
    responses((status = 200, body = MeetingDetails)))]
pub(super) async fn show(
    front: web::Data<Front>,
    caller: Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let domain = front.email_domain();
    let found = front.read(move |conn| read_one(conn, &caller, &id, domain.as_deref())).await?;
    answer(&front, &found)
}

/// The meeting of an appointment.
#[utoipa::path(get, path = "/api/zoom/meetings/appointment/{appointment}", tag = "meetings",
    operation_id = "get_meeting_of_appointment",
    params(("appointment" = String, Path, description = "The appointment's id, or its `ref`")),
    responses((status = 200, body = MeetingDetails)))]
pub(super) async fn show_of_appointment(
    front: web::Data<Front>,
    caller: Caller,
    appointment: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let domain = front.email_domain();
    let found = front
        .read(move |conn| {
            let booking = sight::appointment(conn, &caller, &appointment, Action::Read)?;
            let meeting = meeting::by_appointment(conn, &booking.id)?.ok_or(ApiError::NotFound("meeting"))?;
            read_one(conn, &caller, &meeting.id, domain.as_deref())
        })
        .await?;
    answer(&front, &found)
}

/// A meeting, and as much of its attendance as the caller may see.
struct Found {
    booking: Booking,
    rosters: Rosters,
    case: Option<(Case, Share)>,
}

fn read_one(conn: &mut Conn, caller: &Caller, id: &str, domain: Option<&str>) -> Result<Found, ApiError> {
    let seen = sight::meeting(conn, caller, id, Action::Read)?;
    let share = match sight::meeting(conn, caller, id, Action::Attendance) {
        Ok(seen) => Some(Share::of(&seen, caller)),
        Err(ApiError::Forbidden(_)) => None,
        Err(error) => return Err(error),
    };
    let booking = booking::by_id(conn, &seen.appointment.id)?;
    let case = match share {
        Some(share) => case::of_appointment(conn, &seen.appointment.id)?.map(|case| (case, share)),
        None => None,
    };
    Ok(Found { booking, rosters: Rosters::of(conn, caller, domain)?, case })
}

fn answer(front: &Front, found: &Found) -> Result<HttpResponse, ApiError> {
    let Found { booking, rosters, case } = found;
    let meeting = MeetingView::of(booking, rosters, &front.sealer)?.ok_or(ApiError::NotFound("meeting"))?;
    let participants = match case {
        Some((case, share)) => Roll::call(case, &front.rules, front.clock.now()).participants(share),
        None => Vec::new(),
    };
    let body = MeetingDetails { meeting: MeetingWithParticipants { meeting, participants } };
    Ok(HttpResponse::Ok().insert_header(etag_of(booking)).json(body))
}

/// The attendance of a meeting, as far as the caller may see it.
pub(super) struct Attended {
    pub(super) booking: Booking,
    pub(super) case: Case,
    pub(super) share: Share,
}

pub(super) fn read_attended(conn: &mut Conn, caller: &Caller, id: &str) -> Result<Attended, ApiError> {
    let seen = sight::meeting(conn, caller, id, Action::Attendance)?;
    let case = case::of_appointment(conn, &seen.appointment.id)?.ok_or(ApiError::NotFound("meeting"))?;
    Ok(Attended {
        booking: booking::by_id(conn, &seen.appointment.id)?,
        case,
        share: Share::of(&seen, caller),
    })
}
