//! Bookings: `/api/appointments`.
//!
//! - `request`, `recurrence`: what a body says; `view`: what an answer shows.
//! - `create`, `batch`, `commands`, `ad_hoc`: the writes. Reading is here.

pub mod ad_hoc;
pub mod batch;
pub mod calendar;
pub mod commands;
pub mod create;
pub(super) mod recurrence;
pub mod request;
pub mod resync;
pub mod story;
pub mod view;

use actix_web::{HttpRequest, HttpResponse, web};

use super::auth::Caller;
use super::error::ApiError;
use super::paging::{Page, place_key};
use super::settle::etag_of;
use super::sight::Rosters;
use super::validate::Fields;
use super::{Front, sight, when};
use crate::domain::access::Action;
use crate::store::appointment::{self, BookingFilter, DRIFT};
use crate::store::booking;
pub use request::BookingBody;
use view::{AppointmentAnswer, AppointmentView, AppointmentsAnswer};

const STATUSES: [&str; 6] = ["requested", "confirmed", "in_progress", "completed", "no_show", "cancelled"];
const KINDS: [&str; 4] = ["match", "class", "consultation", "group"];
const SYNC_STATES: [&str; 6] = ["in_sync", "pending", "waiting_for_host", "parked", "failed", DRIFT];

/// One booking with its meeting.
#[utoipa::path(get, path = "/api/appointments/{id}", tag = "appointments", operation_id = "get_appointment",
    params(("id" = String, Path, description = "Its id, or the caller's own ref")),
    responses((status = 200, body = AppointmentAnswer)))]
pub(super) async fn get(
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let (key, domain) = (path.into_inner(), front.email_domain());
    let (booking, rosters) = front
        .read(move |conn| {
            let row = sight::appointment(conn, &caller, &key, Action::Read)?;
            Ok((booking::by_id(conn, &row.id)?, Rosters::of(conn, &caller, domain.as_deref())?))
        })
        .await?;
    let appointment = AppointmentView::new(&booking, &rosters, &front.sealer)?;
    Ok(HttpResponse::Ok()
        .insert_header(etag_of(&booking))
        .json(AppointmentAnswer { appointment, notices: Vec::new() }))
}

/// Bookings by start; callers see those that are theirs.
#[utoipa::path(get, path = "/api/appointments", tag = "appointments", operation_id = "list_appointments",
    params(
        ("status" = Option<String>, Query, description = "One or several, with commas"),
        ("kind" = Option<String>, Query, description = "Only of this kind"),
        ("host" = Option<String>, Query, description = "Only of this host"),
        ("group" = Option<String>, Query, description = "Only of this group"),
        ("series" = Option<String>, Query, description = "Only the occurrences of this series"),
        ("attendee" = Option<String>, Query, description = "Only with this person on the roster"),
        ("from" = Option<String>, Query, description = "Only those that end after this time or day"),
        ("to" = Option<String>, Query, description = "Only those that start before this time, or on this day or before"),
        ("sync" = Option<String>, Query, description = "Only with a meeting in this state of synchronisation; `drift`: that Zoom has otherwise"),
        ("q" = Option<String>, Query, description = "Only those whose title contains this"),
        ("limit" = Option<i64>, Query, description = "1 to 200, 50 without it"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, body = AppointmentsAnswer)))]
pub(super) async fn list(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::from_query(request.query_string());
    let page = Page::read(&mut fields);
    let text = |fields: &mut Fields, name: &str| fields.text(&[name], 200);
    let (from, to) = when::between(&mut fields, front.default_timezone);
    let filter = BookingFilter {
        statuses: statuses(&mut fields),
        kind: fields.choice(&["kind"], &KINDS).map(str::to_owned),
        host: text(&mut fields, "host"),
        group: text(&mut fields, "group"),
        series: text(&mut fields, "series"),
        attendee: text(&mut fields, "attendee"),
        from: from.map(Into::into),
        to: to.map(Into::into),
        sync: fields.choice(&["sync"], &SYNC_STATES).map(str::to_owned),
        text: text(&mut fields, "q"),
        visible_to: sight::viewer(&caller),
        after: page.after_place(&mut fields),
        ..BookingFilter::default()
    };
    fields.finish()?;
    let (rows, domain) = (page.rows(), front.email_domain());
    let (bookings, rosters, next_cursor) = front
        .read(move |conn| {
            let mut rows = appointment::list(conn, &filter, rows)?;
            let next = page.cut(&mut rows, |row| place_key(row.start_at, &row.id));
            let rosters = Rosters::of(conn, &caller, domain.as_deref())?;
            Ok((booking::complete(conn, rows)?, rosters, next))
        })
        .await?;
    let appointments = bookings
        .iter()
        .map(|booking| AppointmentView::new(booking, &rosters, &front.sealer))
        .collect::<Result<_, _>>()?;
    Ok(HttpResponse::Ok().json(AppointmentsAnswer { appointments, next_cursor }))
}

fn statuses(fields: &mut Fields) -> Vec<String> {
    let Some(text) = fields.text(&["status"], 200) else { return Vec::new() };
    let words: Vec<String> = text.split(',').map(|word| word.trim().to_owned()).collect();
    if words.iter().any(|word| !STATUSES.contains(&word.as_str())) {
        fields.fault("status", format!("must be of {}", STATUSES.join(", ")));
    }
    words
}
