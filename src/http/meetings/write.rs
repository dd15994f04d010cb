//! Writes to meetings: each is a write to the booking underneath, answered with its meeting.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Map;
use utoipa::ToSchema;

use super::view::{self, MeetingAnswer};
use crate::clock::Instant;
use crate::domain::access::Action;
use crate::domain::appointment::AppointmentStatus;
use crate::domain::transition::Command;
use crate::http::appointments::commands::{self, Manner};
use crate::http::appointments::create::{host_of_own, may_book, may_move_to};
use crate::http::appointments::request::{BookingFields, Defaults};
use crate::http::auth::Caller;
use crate::http::body::JsonBody;
use crate::http::error::ApiError;
use crate::http::idempotency::Once;
use crate::http::people::REF_LENGTH_MAX;
use crate::http::prefer::Wait;
use crate::http::settle::Write;
use crate::http::validate::Fields;
use crate::http::{Front, sight};
use crate::store::appointment::{self, AppointmentRow, Via};
use crate::store::booking::change::{self, Edit};
use crate::store::booking::create::{NewBooking, create as make};
use crate::store::booking::host::HostPolicy;
use crate::store::booking::{self, Booking, Invitee};
use crate::store::{Conn, person};

/// How long these writes wait for Zoom when nothing is said.
const WAIT_SECS: u64 = 10;
const NAME_LENGTH_MAX: usize = 200;

/// A meeting to be made, in the words of any of the systems that call; snake_case is taken as well.
#[derive(Debug, Clone, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "the description of what `Wanted::read` reads field by field")]
pub(crate) struct MeetingBody {
    /// What it is called; also `topic`.
    title: String,
    /// What it is about; also `agenda`.
    description: Option<String>,
    /// RFC 3339, or wall time in `timezone`; without it the meeting starts now.
    start_time: Option<String>,
    /// Minutes, 1 to 1440.
    duration: i64,
    /// IANA zone.
    timezone: Option<String>,
    /// The `ref` of the group it is for.
    class_id: Option<String>,
    /// The id or `ref` of a booking; an unknown one becomes the `ref` of a new booking.
    appointment_id: Option<String>,
    /// The address of who hosts it.
    host_email: Option<String>,
    /// The address of somebody who is invited.
    participant_email: Option<String>,
    /// Their name.
    participant_name: Option<String>,
    /// Who else sees it: `all`, `students`, `teachers`, `class` or `personal`.
    target_audience: Option<String>,
    /// Zoom's meeting settings by their own names.
    #[schema(value_type = Option<Object>)]
    settings: Option<()>,
}

/// What a request says of a meeting.
#[derive(Debug, Clone)]
struct Wanted {
    booking: BookingFields,
    appointment: Option<String>,
    host_email: Option<String>,
    participant: Option<Invitee>,
    /// The booking to make should there be none to attach to, with what its caller should know; or what it lacks.
    new: Result<(NewBooking, Vec<String>), ApiError>,
}

/// Makes a meeting: for the booking that `appointmentId` names, or for a new one.
#[utoipa::path(post, path = "/api/zoom/meetings", tag = "meetings", operation_id = "create_meeting",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the first answer again"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: wait up to N seconds for Zoom, 10 without it")),
    request_body = MeetingBody,
    responses((status = 201, body = MeetingAnswer), (status = 202, body = MeetingAnswer,
        description = "Booked; Zoom did not answer within the time")))]
pub(in crate::http) async fn create(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    let now = front.clock.now();
    let wanted = Wanted::read(&front, &caller, &body, now)?;
    let write = Write {
        shape: view::shape,
        done: StatusCode::CREATED,
        wait: Wait::of(&request, WAIT_SECS),
        once: Once::of(&request, &caller, &body, now)?,
        notices: wanted.notices(),
        caller: caller.clone(),
    };
    let policy = front.hosts.clone();
    front.settle(write, move |conn| wanted.perform(conn, &caller, &policy, now)).await
}

/// Changes a meeting; Zoom follows. Fields that are left out stay.
#[utoipa::path(method(patch, put), path = "/api/zoom/meetings/{id}", tag = "meetings",
    operation_id = "change_meeting",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number"),
        ("If-Match" = Option<String>, Header, description = "Only if it is still this version")),
    request_body(content = MeetingBody, description = "Any of the fields of a booking"),
    responses((status = 200, body = MeetingAnswer), (status = 202, body = MeetingAnswer)))]
pub(in crate::http) async fn change(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    id: web::Path<String>,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    let booking = booking_of(&front, &caller, id.into_inner()).await?;
    let manner = Manner { shape: view::shape, wait: Wait::of(&request, WAIT_SECS) };
    commands::edit(&request, front, caller, booking, body, manner).await
}

/// Calls a meeting off: its booking is cancelled and Zoom's meeting deleted. Asked again it changes nothing.
#[utoipa::path(delete, path = "/api/zoom/meetings/{id}", tag = "meetings", operation_id = "delete_meeting",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number"),
        ("If-Match" = Option<String>, Header, description = "Only if it is still this version")),
    responses((status = 200, description = "`{\"success\": true}`"),
        (status = 202, description = "The same; Zoom has not heard of it yet")))]
pub(in crate::http) async fn remove(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let booking = booking_of(&front, &caller, id.into_inner()).await?;
    let shape = |_: &Booking, _: &_, _: &_, _: &[String]| Ok(r#"{"success":true}"#.to_owned());
    let manner = Manner { shape, wait: Wait::of(&request, WAIT_SECS) };
    commands::command(&request, front, caller, booking, Command::Cancel, None, manner).await
}

/// The id of the booking of a meeting that the caller may change.
async fn booking_of(front: &Front, caller: &Caller, id: String) -> Result<String, ApiError> {
    let caller = caller.clone();
    front.read(move |conn| Ok(sight::meeting(conn, &caller, &id, Action::Change)?.appointment.id)).await
}

impl Wanted {
    fn read(front: &Front, caller: &Caller, body: &JsonBody, now: Instant) -> Result<Self, ApiError> {
        let mut fields = body.fields()?;
        let appointment = fields.text(&["appointment_id"], REF_LENGTH_MAX);
        let host_email = fields.email(&["host_email"]);
        let email = fields.email(&["participant_email"]);
        let name = fields.text(&["participant_name"], NAME_LENGTH_MAX);
        let participant =
            email.map(|email| Invitee::Guest { name: name.unwrap_or_else(|| email.clone()), email });
        let booking = BookingFields::read(&mut fields);
        let defaults = Defaults {
            now,
            timezone: front.default_timezone,
            origin: "zoom-api",
            by: &caller.subject,
            starts_now: true,
        };
        let said = with_names(booking.clone(), appointment.as_deref(), participant.is_some());
        let mut lacking = Fields::of(String::new(), Map::new());
        let new =
            said.into_new(&mut lacking, AppointmentStatus::Confirmed, defaults).ok_or(ApiError::Internal);
        let new = match appointment {
            // What there is to attach to need not be said again.
            Some(_) => {
                fields.finish()?;
                lacking.finish().and(new)
            }
            None => {
                fields.absorb(lacking);
                fields.finish()?;
                new
            }
        };
        Ok(Self { booking, appointment, host_email, participant, new })
    }

    /// What the caller should know.
    fn notices(&self) -> Vec<String> {
        self.new.as_ref().map(|(_, notices)| notices.clone()).unwrap_or_default()
    }

    fn perform(
        mut self,
        conn: &mut Conn,
        caller: &Caller,
        policy: &HostPolicy,
        now: Instant,
    ) -> Result<Booking, ApiError> {
        if let Some(email) = &self.host_email {
            let host = person::by_email_or_new(conn, email, email, "host", now.into())?;
            self.booking.host = Some(Some(host));
        }
        let known = match &self.appointment {
            Some(key) => appointment::by_id_or_ref(conn, key)?,
            None => None,
        };
        if let Some(known) = known {
            return self.attach(conn, caller, &known.id, policy, now);
        }
        let (mut new, _) = self.new?;
        new.row.host_ref = self.booking.host.flatten();
        new.invitees.extend(self.participant);
        host_of_own(caller, &mut new.row);
        may_book(conn, caller, &new.row)?;
        Ok(make(conn, new, policy)?)
    }

    /// Makes the booking what the request says, and agrees to it.
    fn attach(
        self,
        conn: &mut Conn,
        caller: &Caller,
        id: &str,
        policy: &HostPolicy,
        now: Instant,
    ) -> Result<Booking, ApiError> {
        let before = sight::to_change(conn, caller, id)?;
        let invitees = match self.participant {
            Some(participant) => Some(with(conn, &before, participant)?),
            None => None,
        };
        let after = self.booking.apply(&before, now)?.after;
        may_move_to(conn, caller, &before, &after)?;
        let by = caller.subject.clone();
        let edited = change::edit(conn, Edit { before, after, invitees, by }, policy, now.into())?;
        let (row, by) = (edited.appointment, &caller.subject);
        change::command(conn, &row, Command::Confirm, None, by, policy, now.into())?;
        Ok(Booking { handed_on: edited.handed_on, ..booking::by_id(conn, id)? })
    }
}

/// A new booking has a kind, and the id by which the caller knows it is its `ref`.
fn with_names(said: BookingFields, appointment: Option<&str>, has_participant: bool) -> BookingFields {
    let kind = match (&said.group, appointment) {
        (Some(Some(_)), _) => "class",
        (_, None) if !has_participant => "group",
        _ => "consultation",
    };
    let named = appointment.map(|id| Some(id.to_owned()));
    BookingFields { kind: said.kind.or(Some(kind)), ref_: said.ref_.clone().or(named), ..said }
}

/// Those invited by name, and one more.
fn with(conn: &mut Conn, booking: &AppointmentRow, one: Invitee) -> Result<Vec<Invitee>, ApiError> {
    let roster = appointment::roster(conn, std::slice::from_ref(&booking.id))?;
    let direct = roster.into_iter().filter(|attendee| attendee.via == Via::Direct);
    Ok(direct.map(|attendee| Invitee::Known(attendee.person_ref)).chain([one]).collect())
}
