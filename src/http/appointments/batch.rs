//! Many bookings at once: `POST /api/appointments/batch`, as a list or as lines.

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::create::{ToBook, book_series, may_book, read_booking};
use super::request::BookingBody;
use super::view::{AppointmentView, json};
use crate::clock::Instant;
use crate::http::Front;
use crate::http::auth::Caller;
use crate::http::body::JsonBody;
use crate::http::error::{ApiError, ErrorSummary};
use crate::http::idempotency::{Kept, Once, Turn};
use crate::http::series::{self, Outcome, SeriesView};
use crate::http::settle::replayed;
use crate::http::sight::{self, Rosters};
use crate::http::validate::{Fields, parse};
use crate::store::booking::host::HostPolicy;
use crate::store::{Conn, booking, savepoint};

const ITEMS_MAX: usize = 1000;

/// Bookings to be made; each may also be a line of its own (`application/x-ndjson`).
#[derive(Debug, Clone, ToSchema)]
pub struct BatchBody {
    /// Up to 1,000 bookings.
    pub appointments: Vec<BookingBody>,
}

/// What came of one booking.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchResult {
    /// Its place in the request.
    pub index: usize,
    /// The status it would have had alone.
    pub status: u16,
    /// The booking, when it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appointment: Option<AppointmentView>,
    /// Its series, when it recurs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<SeriesView>,
    /// The error, when it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorSummary>,
}

impl BatchResult {
    fn failed(index: usize, error: &ApiError) -> Self {
        let status = error.row().0.as_u16();
        Self { index, status, appointment: None, series: None, error: Some(error.summary()) }
    }
}

/// What came of them, in their order.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchAnswer {
    /// One for each booking.
    pub results: Vec<BatchResult>,
}

/// Books many at once. Each stands alone: one that cannot be made does not keep the others from it.
#[utoipa::path(post, path = "/api/appointments/batch", tag = "appointments", operation_id = "create_appointments",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the first answer again")),
    request_body = BatchBody,
    responses((status = 200, body = BatchAnswer)))]
pub(in crate::http) async fn create(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    let now = front.clock.now();
    let once = Once::of(&request, &caller, &body, now)?;
    let mut room = ITEMS_MAX;
    let read = read_items(&body)?
        .into_iter()
        .map(|item| within(&mut room, item.and_then(|item| read_item(item, &front, &caller, now))?))
        .collect::<Vec<_>>();
    let (policy, sealer, domain) = (front.hosts.clone(), front.sealer.clone(), front.email_domain());
    let work = move |conn: &mut Conn| {
        let mut results = Vec::with_capacity(read.len());
        let mut meetings = Vec::new();
        let rosters = Rosters::of(conn, &caller, domain.as_deref())?;
        for (index, item) in read.into_iter().enumerate() {
            let made = item.and_then(|new| book(conn, &caller, new, &policy));
            let made = made.and_then(|outcome| {
                let series =
                    outcome.series.as_deref().map(|id| series::view(conn, &caller, id)).transpose()?;
                Ok((AppointmentView::new(&outcome.booking, &rosters, &sealer)?, series, outcome.meetings))
            });
            results.push(match made {
                Ok((appointment, series, touched)) => {
                    meetings.extend(touched);
                    BatchResult {
                        index,
                        status: StatusCode::CREATED.as_u16(),
                        appointment: Some(appointment),
                        series,
                        error: None,
                    }
                }
                // The whole batch is at fault, or rather we are: nothing of it may stay.
                Err(error) if error.row().0.is_server_error() => return Err(error),
                Err(error) => BatchResult::failed(index, &sight::veiled(conn, &caller, error)),
            });
        }
        Ok((json(&BatchAnswer { results })?, meetings))
    };
    let keep = |made: &(String, Vec<String>)| Kept {
        status: StatusCode::OK.as_u16(),
        body: made.0.clone(),
        appointment_id: None,
        waiting: false,
    };
    match front.once(once, keep, work).await? {
        Turn::First((body, meetings)) => {
            for meeting in &meetings {
                front.registry.wake(meeting);
            }
            Ok(HttpResponse::Ok().insert_header(ContentType::json()).body(body))
        }
        Turn::Again(row) => Ok(replayed(row)),
    }
}

/// Makes what one item asks for; what it wrote is undone when it fails.
fn book(conn: &mut Conn, caller: &Caller, new: ToBook, policy: &HostPolicy) -> Result<Outcome, ApiError> {
    savepoint(conn, |conn| match new {
        ToBook::One(new) => {
            may_book(conn, caller, &new.row)?;
            Outcome::of(vec![booking::create::create(conn, *new, policy)?], None, Vec::new())
        }
        ToBook::Series(new) => book_series(conn, caller, *new, policy, Vec::new()),
    })
}

/// A series counts as the bookings it makes.
fn within(room: &mut usize, new: ToBook) -> Result<ToBook, ApiError> {
    match room.checked_sub(new.count()) {
        Some(left) => {
            *room = left;
            Ok(new)
        }
        None => {
            let message = format!("with this series the batch makes more than {ITEMS_MAX} bookings");
            Err(ApiError::field("recurrence", message))
        }
    }
}

fn read_item(item: Value, front: &Front, caller: &Caller, now: Instant) -> Result<ToBook, ApiError> {
    match item {
        Value::Object(values) => {
            let fields = Fields::of(String::new(), values);
            read_booking(fields, front, caller, now).map(|(new, _)| new)
        }
        _ => Err(ApiError::field("appointment", "must be an object")),
    }
}

/// The items of the body: its lines, its `appointments`, or the list that it is.
fn read_items(body: &JsonBody) -> Result<Vec<Result<Value, ApiError>>, ApiError> {
    let items: Vec<Result<Value, ApiError>> = if body.is_lines() {
        body.bytes()
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.iter().all(u8::is_ascii_whitespace))
            .map(parse)
            .collect()
    } else {
        let list = match parse(body.bytes())? {
            Value::Array(items) => items,
            Value::Object(values) => {
                let mut fields = Fields::of(String::new(), values);
                let items = fields.items(&["appointments"], ITEMS_MAX);
                let items = fields.need("appointments", items);
                fields.finish()?;
                items
            }
            _ => return Err(ApiError::field("body", "must be a list, or an object with `appointments`")),
        };
        list.into_iter().map(Ok).collect()
    };
    match items.len() {
        0 => Err(ApiError::field("appointments", "must not be empty")),
        count if count > ITEMS_MAX => {
            Err(ApiError::field("appointments", format!("has more than {ITEMS_MAX} items")))
        }
        _ => Ok(items),
    }
}
