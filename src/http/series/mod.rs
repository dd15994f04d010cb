//! Recurring bookings: `/api/series`, and how writes to several bookings of one are answered.
//!
//! - [`scope`]: changes of one, this and following, or all.

pub(super) mod scope;

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use utoipa::ToSchema;

use super::appointments::view::{AppointmentView, json};
use super::auth::Caller;
use super::error::ApiError;
use super::idempotency::{Kept, Once, Turn};
use super::prefer::Wait;
use super::settle::{answer, replayed, wants_zoom};
use super::sight::Rosters;
use super::{Front, sight};
use crate::domain::recurrence::land;
use crate::store::appointment::{self, AppointmentRow, BookingFilter};
use crate::store::booking::{self, Booking};
use crate::store::series::{self, PlaceRow};
use crate::store::{Conn, Sealer, StoreError};

/// As many as a page has; a series has no more bookings (`domain::recurrence::OCCURRENCES_MAX`).
const MEMBERS_MAX: i64 = 200;

/// A booking of a series, in short.
#[derive(Debug, Serialize, ToSchema)]
pub struct OccurrenceView {
    /// The booking's id.
    pub id: String,
    /// The caller's own id of it.
    #[serde(rename = "ref")]
    pub ref_: Option<String>,
    /// Its number by the rule, from 1; those left out count.
    pub number: i64,
    /// When it starts.
    pub start_time: DateTime<Utc>,
    /// When it starts, by a clock on the wall there.
    pub wall_time: String,
    /// The booking's status.
    pub status: String,
    /// It alone was moved away from where the series has it.
    pub moved: bool,
}

/// A series.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeriesView {
    /// Its id.
    pub id: String,
    /// By what rule it recurs (RFC 5545).
    pub rule: String,
    /// The first time of the rule, by a clock on the wall.
    pub start: String,
    /// Its IANA zone.
    pub timezone: String,
    /// The times of the rule that were left out.
    pub exdates: Vec<String>,
    /// How much later than the rule says it takes place, by a clock on the wall, since it was moved as a whole.
    pub shift_seconds: i64,
    /// The series from which this one was split off.
    pub continues: Option<String>,
    /// How many bookings it has.
    pub count: usize,
    /// Its bookings, in the order of time.
    pub appointments: Vec<OccurrenceView>,
}

/// A series by itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeriesDetails {
    /// The series.
    pub series: SeriesView,
}

/// One booking, with the series it belongs to.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeriesAnswer {
    /// The booking: the first of a new series, or the one that was named.
    pub appointment: AppointmentView,
    /// Its series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<SeriesView>,
    /// What the caller should know about the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
}

/// A series with its bookings, as far as they are the caller's to see.
#[utoipa::path(get, path = "/api/series/{id}", tag = "appointments", operation_id = "get_series",
    params(("id" = String, Path, description = "The id of the series")),
    responses((status = 200, body = SeriesDetails)))]
pub(super) async fn get(
    front: web::Data<Front>,
    caller: Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let series = front.read(move |conn| view(conn, &caller, &id)).await?;
    Ok(HttpResponse::Ok().json(SeriesDetails { series }))
}

/// A series as the caller sees it; one of which they see nothing does not exist for them.
pub(super) fn view(conn: &mut Conn, caller: &Caller, id: &str) -> Result<SeriesView, ApiError> {
    let row = series::by_id(conn, id)?.ok_or(ApiError::NotFound("series"))?;
    let filter = BookingFilter {
        series: Some(row.id.clone()),
        visible_to: sight::viewer(caller),
        ..BookingFilter::default()
    };
    let rows = appointment::list(conn, &filter, MEMBERS_MAX)?;
    if rows.is_empty() {
        return Err(ApiError::NotFound("series"));
    }
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let places: BTreeMap<String, PlaceRow> =
        series::places(conn, &ids)?.into_iter().map(|place| (place.appointment_id.clone(), place)).collect();
    let appointments = rows
        .into_iter()
        .filter_map(|row| places.get(&row.id).map(|place| occurrence(place, row)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(SeriesView {
        id: row.id,
        rule: row.rule,
        start: row.start_wall,
        timezone: row.timezone,
        exdates: row.exdates.parse("series.exdates")?,
        shift_seconds: row.shift_seconds,
        continues: row.continues,
        count: appointments.len(),
        appointments,
    })
}

fn occurrence(place: &PlaceRow, row: AppointmentRow) -> Result<OccurrenceView, StoreError> {
    let zone: Tz = row.timezone.parse().map_err(|error: chrono_tz::ParseError| {
        StoreError::corrupt("appointments.timezone", error.to_string())
    })?;
    let start_time: DateTime<Utc> = row.start_at.into();
    Ok(OccurrenceView {
        number: place.position + 1,
        moved: land(place.pattern()?, &zone).at.timestamp() != start_time.timestamp(),
        id: row.id,
        ref_: row.ref_,
        start_time,
        wall_time: row.wall_time,
        status: row.status,
    })
}

/// What a write to several bookings of a series came to.
#[derive(Debug)]
pub(super) struct Outcome {
    /// What is shown: the first or the named one.
    pub(super) booking: Booking,
    /// The id of its series.
    pub(super) series: Option<String>,
    /// The meetings that Zoom must be told about.
    pub(super) meetings: Vec<String>,
    /// What the caller should know.
    pub(super) notices: Vec<String>,
}

impl Outcome {
    /// The outcome for these bookings; the first of them is shown.
    pub(super) fn of(
        bookings: Vec<Booking>,
        series: Option<String>,
        notices: Vec<String>,
    ) -> Result<Self, ApiError> {
        let of = |one: &Booking| {
            let own = one.meeting.iter().map(|meeting| meeting.id.clone());
            own.chain(one.handed_on.iter().cloned()).collect::<Vec<_>>()
        };
        let meetings = bookings.iter().flat_map(of).collect();
        let booking = bookings.into_iter().next().ok_or(ApiError::Internal)?;
        Ok(Self { booking, series, meetings, notices })
    }

    fn body(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        domain: Option<&str>,
        sealer: &Sealer,
    ) -> Result<String, ApiError> {
        let rosters = Rosters::of(conn, caller, domain)?;
        let appointment = AppointmentView::new(&self.booking, &rosters, sealer)?;
        let series = self.series.as_deref().map(|id| view(conn, caller, id)).transpose()?;
        json(&SeriesAnswer { appointment, series, notices: self.notices.clone() })
    }
}

impl Front {
    /// Carries out a write to several bookings and answers it. Who asks to wait for Zoom waits for the booking
    /// that is shown.
    pub(super) async fn settle_series<F>(
        &self,
        caller: Caller,
        done: StatusCode,
        wait: Wait,
        once: Option<Once>,
        work: F,
    ) -> Result<HttpResponse, ApiError>
    where
        F: FnOnce(&mut Conn) -> Result<Outcome, ApiError> + Send + 'static,
    {
        let waits = !wait.span.is_zero();
        let (sealer, who, domain) = (self.sealer.clone(), caller.clone(), self.email_domain());
        let keep = move |made: &(Outcome, String)| Kept {
            status: done.as_u16(),
            body: made.1.clone(),
            appointment_id: Some(made.0.booking.appointment.id.clone()),
            waiting: waits && wants_zoom(&made.0.booking),
        };
        let turn = self
            .once(once.clone(), keep, move |conn| {
                let outcome = work(conn).map_err(|error| sight::veiled(conn, &who, error))?;
                let body = outcome.body(conn, &who, domain.as_deref(), &sealer)?;
                Ok((outcome, body))
            })
            .await?;
        let (mut outcome, body) = match turn {
            Turn::First(made) => made,
            Turn::Again(row) => return Ok(replayed(row)),
        };
        for meeting in &outcome.meetings {
            self.registry.wake(meeting);
        }
        if !waits || !wants_zoom(&outcome.booking) {
            return Ok(answer(&outcome.booking, body, done, wait));
        }
        let (booking, status) = self.await_zoom(outcome.booking, done, wait.span).await?;
        outcome.booking = booking;
        let (sealer, domain) = (self.sealer.clone(), self.email_domain());
        let (outcome, body) = self
            .read(move |conn| {
                outcome.booking = booking::by_id(conn, &outcome.booking.appointment.id)?;
                let body = outcome.body(conn, &caller, domain.as_deref(), &sealer)?;
                Ok((outcome, body))
            })
            .await?;
        if let Some(once) = once {
            self.finish(once, status.as_u16(), body.clone()).await?;
        }
        Ok(answer(&outcome.booking, body, status, wait))
    }
}
