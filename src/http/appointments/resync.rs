//! `POST /api/appointments/{id}/resync`: look at Zoom now and put right what differs.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::view::{self, AppointmentAnswer};
use crate::domain::access::Action;
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::http::prefer::Wait;
use crate::http::settle::answer;
use crate::http::sight::Rosters;
use crate::http::{Front, sight};
use crate::store::{booking, judging, look, story};

/// Looks at Zoom now and puts right what differs: the second look at a missing meeting comes at once, and what was
/// given up is tried anew. Cancelled bookings are looked at, too: their meetings should be gone. Of a booking that is
/// over, Zoom's runs and reports are read again, also those that were read or given up; corrections by hand stay. Of one
/// that was cancelled, or whose people are put away, they are not: `notices` says so.
#[utoipa::path(post, path = "/api/appointments/{id}/resync", tag = "appointments", operation_id = "resync_appointment",
    params(("id" = String, Path, description = "Its id, or the caller's own ref"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: wait up to N seconds for Zoom")),
    responses((status = 200, body = AppointmentAnswer, description = "Looked at, and as right as Zoom lets it be"),
        (status = 202, body = AppointmentAnswer, description = "It will be looked at")))]
pub(in crate::http) async fn resync(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let (key, now, domain) = (path.into_inner(), front.clock.now(), front.email_domain());
    let (mut booking, rosters, notices) = front
        .write(move |conn| {
            let row = sight::appointment(conn, &caller, &key, Action::Change)?;
            let mut notices: Vec<String> = Vec::new();
            let booking = booking::by_id(conn, &row.id)?;
            if let Some(meeting) = &booking.meeting {
                look::want_resync(conn, &meeting.id, now.into())?;
                let text = format!("{} asked that Zoom be looked at now", caller.subject);
                story::tell(conn, &row.id, now, "booking.resync", &text, None)?;
                if booking.appointment.end_at <= now.into() {
                    let wish = judging::want(conn, &meeting.id, &row.id, now.into())?;
                    notices.extend(wish.refusal().map(str::to_owned));
                }
            }
            Ok((booking, Rosters::of(conn, &caller, domain.as_deref())?, notices))
        })
        .await?;
    let wait = Wait::of(&request, 0);
    let mut status = StatusCode::OK;
    if let Some(meeting) = booking.meeting.as_ref().map(|meeting| meeting.id.clone()) {
        front.registry.wake(&meeting);
        let generation = booking.appointment.generation;
        let waits = !wait.span.is_zero();
        if !(waits && front.registry.await_synced_anew(&meeting, generation, wait.span).await) {
            status = StatusCode::ACCEPTED;
        }
        let id = booking.appointment.id;
        booking = front.read(move |conn| Ok(booking::by_id(conn, &id)?)).await?;
    }
    let body = view::shape(&booking, &rosters, &front.sealer, &notices)?;
    Ok(answer(&booking, body, status, wait))
}
