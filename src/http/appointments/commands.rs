//! Edits of a booking and commands to it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa::ToSchema;

use super::create::may_move_to;
use super::request::{BookingBody, BookingFields, Edited};
use super::view::{self, AppointmentAnswer};
use crate::domain::access::Action;
use crate::domain::transition::Command;
use crate::http::auth::Caller;
use crate::http::body::JsonBody;
use crate::http::error::ApiError;
use crate::http::etag::Precondition;
use crate::http::prefer::Wait;
use crate::http::series::SeriesAnswer;
use crate::http::series::scope::{self, Named};
use crate::http::settle::{Shape, Write};
use crate::http::{Front, sight};
use crate::store::booking::change::{self, Edit};
use crate::store::booking::series::Scope;

/// Why a booking is cancelled.
#[derive(Debug, Clone, ToSchema)]
pub struct CancelBody {
    /// In the caller's words.
    pub reason: Option<String>,
}

const REASON_LENGTH_MAX: usize = 1000;

/// How a write is answered.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Manner {
    /// What the answer shows.
    pub(in crate::http) shape: Shape,
    /// How long it waits for Zoom.
    pub(in crate::http) wait: Wait,
}

impl Manner {
    /// The booking is shown, and only who asks to wait waits.
    fn of(request: &HttpRequest) -> Self {
        Self { shape: view::shape, wait: Wait::of(request, 0) }
    }

    fn write(self, caller: &Caller, notices: Vec<String>) -> Write {
        let (done, caller) = (StatusCode::OK, caller.clone());
        Write { shape: self.shape, done, wait: self.wait, once: None, notices, caller }
    }
}

/// Changes a booking; Zoom follows where it is concerned. Fields that are left out stay.
#[utoipa::path(patch, path = "/api/appointments/{id}", tag = "appointments", operation_id = "change_appointment",
    params(("id" = String, Path, description = "Its id, or the caller's own ref"),
        ("scope" = Option<String>, Query, description = "For a booking of a series: `one` (without it), `following`: this and those after it, `all`: all that are to come"),
        ("If-Match" = Option<String>, Header, description = "Only if it is still this version"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: wait up to N seconds for Zoom")),
    request_body(content = BookingBody, description = "Any of the fields but `status`, `recurrence` and `exdates`"),
    responses((status = 200, body = SeriesAnswer), (status = 202, body = SeriesAnswer)))]
pub(in crate::http) async fn patch(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    let manner = Manner::of(&request);
    let scope = scope::read(&request)?;
    if scope == Scope::One {
        return edit(&request, front, caller, path.into_inner(), body, manner).await;
    }
    let mut fields = body.fields()?;
    let said = BookingFields::read(&mut fields);
    fields.finish()?;
    let precondition = Precondition::of(&request);
    let named = Named { caller, key: path.into_inner(), scope, precondition };
    scope::edit(&front, named, said, manner.wait).await
}

/// Changes the booking with this id or `ref`, as a body says.
pub(in crate::http) async fn edit(
    request: &HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    key: String,
    body: JsonBody,
    manner: Manner,
) -> Result<HttpResponse, ApiError> {
    let mut fields = body.fields()?;
    let said = BookingFields::read(&mut fields);
    fields.finish()?;
    let now = front.clock.now();
    // The notices depend on the booking's zone, so the edit is tried on the booking first.
    let (trial, who, seen) = (said.clone(), caller.clone(), key.clone());
    let notices = front
        .read(move |conn| {
            let before = sight::appointment(conn, &who, &seen, Action::Change)?;
            Ok(trial.apply(&before, now)?.notices)
        })
        .await?;
    let write = manner.write(&caller, notices);
    let (precondition, policy) = (Precondition::of(request), front.hosts.clone());
    front
        .settle(write, move |conn| {
            let before = sight::to_change(conn, &caller, &key)?;
            precondition.check(before.version)?;
            let Edited { after, invitees, .. } = said.apply(&before, now)?;
            may_move_to(conn, &caller, &before, &after)?;
            let edit = Edit { before, after, invitees, by: caller.subject };
            Ok(change::edit(conn, edit, &policy, now.into())?)
        })
        .await
}

/// Agrees to a booking: its Zoom meeting is made.
#[utoipa::path(post, path = "/api/appointments/{id}/confirm", tag = "appointments", operation_id = "confirm_appointment",
    params(("id" = String, Path, description = "Its id, or the caller's own ref"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: wait up to N seconds for Zoom")),
    responses((status = 200, body = AppointmentAnswer), (status = 202, body = AppointmentAnswer)))]
pub(in crate::http) async fn confirm(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let manner = Manner::of(&request);
    command(&request, front, caller, path.into_inner(), Command::Confirm, None, manner).await
}

/// Calls a booking off, also while Zoom is down; asked again it changes nothing.
#[utoipa::path(post, path = "/api/appointments/{id}/cancel", tag = "appointments", operation_id = "cancel_appointment",
    params(("id" = String, Path, description = "Its id, or the caller's own ref"),
        ("scope" = Option<String>, Query, description = "For a booking of a series: `one` (without it), `following`: this and those after it, `all`: all that are to come"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: wait up to N seconds for Zoom")),
    request_body = CancelBody,
    responses((status = 200, body = AppointmentAnswer), (status = 202, body = AppointmentAnswer)))]
pub(in crate::http) async fn cancel(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    let mut fields = body.fields()?;
    let reason = fields.text(&["reason"], REASON_LENGTH_MAX);
    fields.finish()?;
    let manner = Manner::of(&request);
    let scope = scope::read(&request)?;
    if scope != Scope::One {
        let precondition = Precondition::of(&request);
        let named = Named { caller, key: path.into_inner(), scope, precondition };
        return scope::cancel(&front, named, reason, manner.wait).await;
    }
    command(&request, front, caller, path.into_inner(), Command::Cancel, reason, manner).await
}

/// Says that a booking is over.
#[utoipa::path(post, path = "/api/appointments/{id}/complete", tag = "appointments", operation_id = "complete_appointment",
    params(("id" = String, Path, description = "Its id, or the caller's own ref")),
    responses((status = 200, body = AppointmentAnswer)))]
pub(in crate::http) async fn complete(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let manner = Manner::of(&request);
    command(&request, front, caller, path.into_inner(), Command::Complete, None, manner).await
}

/// Gives a command to the booking with this id or `ref`.
pub(in crate::http) async fn command(
    request: &HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    key: String,
    command: Command,
    reason: Option<String>,
    manner: Manner,
) -> Result<HttpResponse, ApiError> {
    let write = manner.write(&caller, Vec::new());
    let (precondition, policy) = (Precondition::of(request), front.hosts.clone());
    let now = front.clock.now().into();
    front
        .settle(write, move |conn| {
            let before = sight::to_change(conn, &caller, &key)?;
            precondition.check(before.version)?;
            let by = &caller.subject;
            Ok(change::command(conn, &before, command, reason.as_deref(), by, &policy, now)?)
        })
        .await
}
