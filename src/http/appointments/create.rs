//! A new booking: `POST /api/appointments`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};

use super::recurrence::Recurrence;
use super::request::{BookingBody, BookingFields, Defaults};
use super::view;
use crate::domain::access::{Role, Verdict, may_create};
use crate::domain::appointment::AppointmentStatus;
use crate::http::Front;
use crate::http::auth::Caller;
use crate::http::body::JsonBody;
use crate::http::error::ApiError;
use crate::http::idempotency::Once;
use crate::http::prefer::Wait;
use crate::http::series::{Outcome, SeriesAnswer};
use crate::http::settle::Write;
use crate::http::validate::Fields;
use crate::store::appointment::AppointmentRow;
use crate::store::booking::create::NewBooking;
use crate::store::booking::host::HostPolicy;
use crate::store::booking::series::NewSeries;
use crate::store::{Conn, booking, group};

/// Books. Zoom being down or unconfigured never refuses a booking: its meeting is `pending` then.
#[utoipa::path(post, path = "/api/appointments", tag = "appointments", operation_id = "create_appointment",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the first answer again"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: wait up to N seconds for Zoom")),
    request_body = BookingBody,
    responses((status = 201, body = SeriesAnswer, description = "`series` only with `recurrence`"),
        (status = 202, body = SeriesAnswer,
        description = "Booked; Zoom did not answer within the time asked for (for a series: about its first)")))]
pub(in crate::http) async fn create(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    let now = front.clock.now();
    let (new, notices) = read_booking(body.fields()?, &front, &caller, now)?;
    let (wait, once) = (Wait::of(&request, 0), Once::of(&request, &caller, &body, now)?);
    let (done, policy) = (StatusCode::CREATED, front.hosts.clone());
    match new {
        ToBook::One(new) => {
            let write = Write { shape: view::shape, done, wait, once, notices, caller: caller.clone() };
            front
                .settle(write, move |conn| {
                    may_book(conn, &caller, &new.row)?;
                    Ok(booking::create::create(conn, *new, &policy)?)
                })
                .await
        }
        ToBook::Series(new) => {
            let who = caller.clone();
            front
                .settle_series(who, done, wait, once, move |conn| {
                    book_series(conn, &caller, *new, &policy, notices)
                })
                .await
        }
    }
}

/// What a body asks for.
#[derive(Debug)]
pub(super) enum ToBook {
    /// A booking.
    One(Box<NewBooking>),
    /// One that recurs.
    Series(Box<NewSeries>),
}

impl ToBook {
    /// How many bookings these are.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Series(new) => new.bookings.len(),
        }
    }
}

/// Makes a series, if the caller may.
pub(super) fn book_series(
    conn: &mut Conn,
    caller: &Caller,
    new: NewSeries,
    policy: &HostPolicy,
    notices: Vec<String>,
) -> Result<Outcome, ApiError> {
    // They have one host and one group.
    if let Some((_, first)) = new.bookings.first() {
        may_book(conn, caller, &first.row)?;
    }
    let id = new.row.id.clone();
    Outcome::of(booking::series::create(conn, new, policy)?, Some(id), notices)
}

/// Reads a booking from a body's fields.
pub(super) fn read_booking(
    mut fields: Fields,
    front: &Front,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<(ToBook, Vec<String>), ApiError> {
    let status = match fields.choice(&["status"], &["requested", "confirmed"]) {
        Some("requested") => AppointmentStatus::Requested,
        _ => AppointmentStatus::Confirmed,
    };
    let said = BookingFields::read(&mut fields);
    let recurrence = Recurrence::read(&mut fields);
    let defaults = Defaults {
        now,
        timezone: front.default_timezone,
        origin: "api",
        by: &caller.subject,
        starts_now: false,
    };
    let new = said.into_new(&mut fields, status, defaults);
    fields.finish()?;
    let (mut new, mut notices) = new.ok_or(ApiError::Internal)?;
    host_of_own(caller, &mut new.row);
    let Some(recurrence) = recurrence else { return Ok((ToBook::One(Box::new(new)), notices)) };
    let (series, more) = recurrence.series(new)?;
    notices.extend(more);
    Ok((ToBook::Series(Box::new(series)), notices))
}

/// A host who names neither host nor group books for themselves.
pub(in crate::http) fn host_of_own(caller: &Caller, row: &mut AppointmentRow) {
    if caller.role == Role::Host && row.host_ref.is_none() && row.group_ref.is_none() {
        row.host_ref = Some(caller.subject.clone());
    }
}

/// Whether the caller may make this booking.
pub(in crate::http) fn may_book(
    conn: &mut Conn,
    caller: &Caller,
    row: &AppointmentRow,
) -> Result<(), ApiError> {
    if caller.role.acts_for_all() {
        return Ok(());
    }
    let hosts_group = match &row.group_ref {
        Some(group) => group::role_in(conn, group, &caller.subject)?.as_deref() == Some("host"),
        None => false,
    };
    let for_self = row.host_ref.as_deref() == Some(&caller.subject) && row.group_ref.is_none();
    match may_create(caller.role, for_self, hosts_group) {
        Verdict::Allowed => Ok(()),
        _ => Err(ApiError::Forbidden("hosts book for themselves and the groups they host")),
    }
}

/// Whether the caller may turn a booking of theirs into this one: not into somebody else's.
pub(in crate::http) fn may_move_to(
    conn: &mut Conn,
    caller: &Caller,
    before: &AppointmentRow,
    after: &AppointmentRow,
) -> Result<(), ApiError> {
    if (&before.host_ref, &before.group_ref) == (&after.host_ref, &after.group_ref) {
        return Ok(());
    }
    may_book(conn, caller, after)
}
