//! The common end of every write to a booking: commit, wake its meeting, wait for Zoom as long as asked, answer.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, HeaderValue};

use super::Front;
use super::auth::Caller;
use super::error::ApiError;
use super::etag;
use super::idempotency::{Kept, Once, REPLAYED, Turn};
use super::prefer::{self, Wait};
use super::sight::{self, Rosters};
use crate::domain::appointment::AppointmentStatus;
use crate::store::Conn;
use crate::store::booking::{self, Booking};
use crate::store::idempotency::{AnswerRow, AnswerState};

/// How a booking is shown, with what the caller should know of the request.
pub(super) type Shape = fn(&Booking, &Rosters, &crate::store::Sealer, &[String]) -> Result<String, ApiError>;

/// A write to a booking.
#[derive(Debug)]
pub(super) struct Write {
    /// What the answer shows.
    pub(super) shape: Shape,
    /// The status when it is done.
    pub(super) done: StatusCode,
    /// How long it waits for Zoom.
    pub(super) wait: Wait,
    /// That it is done once.
    pub(super) once: Option<Once>,
    /// What the caller should know.
    pub(super) notices: Vec<String>,
    /// Who is answered.
    pub(super) caller: Caller,
}

impl Front {
    /// Carries out a write to a booking and answers it.
    pub(super) async fn settle<F>(&self, write: Write, work: F) -> Result<HttpResponse, ApiError>
    where
        F: FnOnce(&mut Conn) -> Result<Booking, ApiError> + Send + 'static,
    {
        let Write { shape, done, wait, once, notices, caller } = write;
        let waits = !wait.span.is_zero();
        let (sealer, told, who) = (self.sealer.clone(), notices.clone(), caller.clone());
        let domain = self.email_domain();
        let keep = move |made: &(Booking, Rosters, String)| Kept {
            status: done.as_u16(),
            body: made.2.clone(),
            appointment_id: Some(made.0.appointment.id.clone()),
            waiting: waits && wants_zoom(&made.0),
        };
        let turn = self
            .once(once.clone(), keep, move |conn| {
                let booking = work(conn).map_err(|error| sight::veiled(conn, &who, error))?;
                let rosters = Rosters::of(conn, &who, domain.as_deref())?;
                let body = shape(&booking, &rosters, &sealer, &told)?;
                Ok((booking, rosters, body))
            })
            .await?;
        let (booking, rosters, body) = match turn {
            Turn::First(made) => made,
            Turn::Again(row) => return self.replay(row, shape, done, wait, caller).await,
        };
        let own = booking.meeting.iter().map(|meeting| &meeting.id);
        for meeting in own.chain(&booking.handed_on) {
            self.registry.wake(meeting);
            self.licences.bookings_changed();
        }
        if !waits || !wants_zoom(&booking) {
            return Ok(answer(&booking, body, done, wait));
        }
        let (booking, status) = self.await_zoom(booking, done, wait.span).await?;
        let body = shape(&booking, &rosters, &self.sealer, &notices)?;
        if let Some(once) = once {
            self.finish(once, status.as_u16(), body.clone()).await?;
        }
        Ok(answer(&booking, body, status, wait))
    }

    /// The first answer again; while its caller still waits for Zoom, this one waits too.
    async fn replay(
        &self,
        row: AnswerRow,
        shape: Shape,
        done: StatusCode,
        wait: Wait,
        caller: Caller,
    ) -> Result<HttpResponse, ApiError> {
        let (AnswerState::Running, Some(id)) = (row.state, row.appointment_id.clone()) else {
            return Ok(replayed(row));
        };
        let domain = self.email_domain();
        let read = move |conn: &mut Conn| {
            Ok((booking::by_id(conn, &id)?, Rosters::of(conn, &caller, domain.as_deref())?))
        };
        let (booking, rosters) = self.read(read).await?;
        let (booking, status) = self.await_zoom(booking, done, wait.span).await?;
        let body = shape(&booking, &rosters, &self.sealer, &[])?;
        Ok(marked(answer(&booking, body, status, wait)))
    }

    /// Waits for Zoom and reads the booking as it is then, with the status that says whether Zoom agreed in time.
    pub(super) async fn await_zoom(
        &self,
        booking: Booking,
        done: StatusCode,
        limit: Duration,
    ) -> Result<(Booking, StatusCode), ApiError> {
        let Some(meeting) = booking.meeting.as_ref().map(|meeting| meeting.id.clone()) else {
            return Ok((booking, done));
        };
        let in_time = self.registry.await_synced(&meeting, booking.appointment.generation, limit).await;
        let id = booking.appointment.id;
        let booking = self.read(move |conn| Ok(booking::by_id(conn, &id)?)).await?;
        Ok((booking, if in_time { done } else { StatusCode::ACCEPTED }))
    }
}

/// Whether Zoom has something to do for the booking: to make its meeting, or to take it away.
pub(super) fn wants_zoom(booking: &Booking) -> bool {
    let wanted =
        AppointmentStatus::parse(&booking.appointment.status).is_some_and(AppointmentStatus::wants_meeting);
    booking.meeting.as_ref().is_some_and(|meeting| {
        meeting.synced_generation < booking.appointment.generation
            && (wanted || meeting.zoom_meeting_id.is_some())
    })
}

/// The answer that shows a booking, with its version.
pub(super) fn answer(booking: &Booking, body: String, status: StatusCode, wait: Wait) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    response.insert_header(etag_of(booking)).insert_header(ContentType::json());
    if wait.asked {
        response.insert_header((prefer::APPLIED, format!("wait={}", wait.span.as_secs())));
    }
    response.body(body)
}

/// The version of a booking as it is shown: its own, and its meeting's.
pub(super) fn etag_of(
    booking: &Booking,
) -> (actix_web::http::header::HeaderName, actix_web::http::header::HeaderValue) {
    etag::tag(booking.appointment.version, booking.meeting.as_ref().map_or(0, |meeting| meeting.version))
}

/// An answer as it was kept, said to be so.
pub(super) fn replayed(row: AnswerRow) -> HttpResponse {
    let status = row
        .status
        .and_then(|status| u16::try_from(status).ok())
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(status);
    marked(response.insert_header(ContentType::json()).body(row.body.unwrap_or_default()))
}

fn marked(mut response: HttpResponse) -> HttpResponse {
    let (name, value) = REPLAYED;
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}
