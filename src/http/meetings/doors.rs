//! The ways into a meeting and its end: `start`, `link`, `end`. A host's link is a credential: made fresh each time,
//! never kept, never logged.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Duration, Utc};
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;

use super::join;
use crate::actors::ending;
use crate::actors::zoom_api::Lane;
use crate::domain::access::Action;
use crate::domain::appointment::AppointmentStatus;
use crate::domain::lifecycle::MeetingStatus;
use crate::domain::overrun::links_until;
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::http::validate::Fields;
use crate::http::{Front, sight};
use crate::store::booking::{self, Booking};
use crate::store::meeting::MeetingRow;
use crate::store::{Conn, story};
use crate::zoom::call;
use crate::zoom::types::Meeting;

/// How long a host's link lives (Meeting API, `start_url`; longer for users that were created by `custCreate`).
const START_URL_LIVES: Duration = Duration::hours(2);
/// What passcodes are sealed for.
const PASSCODE: &str = "passcode";

/// Where the host starts a meeting.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StartAnswer {
    /// A credential: for the host alone, and not to be kept.
    start_url: String,
    /// Until when it is good, at the least.
    zak_expires_at: DateTime<Utc>,
}

/// A way into a meeting.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkAnswer {
    /// The link.
    url: String,
    /// `host` or `participant`.
    role: &'static str,
    /// The passcode, for who joins by number.
    password: Option<String>,
    /// Until when it is good; null while the meeting runs on after its planned end.
    expires_at: Option<DateTime<Utc>>,
}

/// A fresh link for the host to start the meeting with.
#[utoipa::path(post, path = "/api/zoom/meetings/{id}/start", tag = "meetings", operation_id = "start_meeting",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number")),
    responses((status = 200, body = StartAnswer),
        (status = 410, description = "`LINK_EXPIRED` or `CANCELLED`")))]
pub(in crate::http) async fn start(
    front: web::Data<Front>,
    caller: Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let seen = front.read(move |conn| find(conn, &caller, &id, Action::Host)).await?;
    let door = Door::of(&front, &seen)?;
    let (start_url, zak_expires_at) = door.fresh(&front).await?;
    Ok(secret(StartAnswer { start_url, zak_expires_at }))
}

/// A link into the meeting; the caller's own where they are registered.
#[utoipa::path(get, path = "/api/zoom/meetings/{id}/link", tag = "meetings", operation_id = "get_meeting_link",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number"),
        ("role" = Option<String>, Query, description = "`participant` (without it), or `host`: a fresh link to start it")),
    responses((status = 200, body = LinkAnswer),
        (status = 403, description = "`EMAIL_DOMAIN_NOT_ALLOWED`"),
        (status = 410, description = "`LINK_EXPIRED` or `CANCELLED`")))]
pub(in crate::http) async fn link(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::from_query(request.query_string());
    let role = fields.choice(&["role"], &["participant", "host"]).unwrap_or("participant");
    fields.finish()?;
    let action = if role == "host" { Action::Host } else { Action::Read };
    let asked = caller.clone();
    let joining = front
        .read(move |conn| {
            sight::meeting(conn, &asked, &id, action)?;
            join::read(conn, &asked, &id)
        })
        .await?;
    joining.check_domain(&caller, &front)?;
    let door = Door::of(&front, &joining.booking)?;
    let password = passcode(&front, &door)?;
    let (url, expires_at) = match (role, join::opened(&front.sealer, joining.link.as_deref())?) {
        ("host", _) => door.fresh(&front).await.map(|(url, at)| (url, Some(at)))?,
        (_, Some(own)) => (own, door.until),
        (_, None) => (door.join_url()?, door.until),
    };
    Ok(secret(LinkAnswer { url, role, password, expires_at }))
}

/// The passcode of a meeting, for who joins by number.
pub(super) fn passcode(front: &Front, door: &Door<'_>) -> Result<Option<String>, ApiError> {
    let password = door.meeting.passcode_enc.as_deref();
    let password = password.map(|sealed| front.sealer.open(PASSCODE, sealed)).transpose()?;
    Ok(password.map(|password| password.expose_secret().to_owned()))
}

/// Ends the meeting for everybody in it. One that does not run has ended already.
#[utoipa::path(post, path = "/api/zoom/meetings/{id}/end", tag = "meetings", operation_id = "end_meeting",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number")),
    responses((status = 200, description = "`{\"success\": true}`"),
        (status = 504, description = "Zoom did not say whether it has ended")))]
pub(in crate::http) async fn end(
    front: web::Data<Front>,
    caller: Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let by = caller.subject.clone();
    let seen = front.read(move |conn| find(conn, &caller, &id, Action::Host)).await?;
    let number = seen.meeting.as_ref().and_then(|meeting| meeting.zoom_meeting_id.as_deref());
    let number = number.ok_or_else(|| not_yet("ended"))?;
    if ending::end(&front.engine.zoom, Lane::Interactive, number).await? == ending::Ended::Now {
        let (id, now) = (seen.appointment.id, front.clock.now());
        front
            .write(move |conn| {
                let text = format!("{by} ended the meeting");
                Ok(story::tell(conn, &id, now, "meeting.end_asked", &text, None)?)
            })
            .await?;
    }
    Ok(HttpResponse::Ok().json(serde_json::json!({ "success": true })))
}

fn find(conn: &mut Conn, caller: &Caller, id: &str, action: Action) -> Result<Booking, ApiError> {
    let seen = sight::meeting(conn, caller, id, action)?;
    Ok(booking::by_id(conn, &seen.appointment.id)?)
}

/// A meeting that can be entered.
pub(super) struct Door<'a> {
    meeting: &'a MeetingRow,
    number: &'a str,
    until: Option<DateTime<Utc>>,
}

impl<'a> Door<'a> {
    /// The meeting of a booking, if it is neither called off nor over, and Zoom has made it.
    pub(super) fn of(front: &Front, seen: &'a Booking) -> Result<Self, ApiError> {
        let row = &seen.appointment;
        let meeting = seen.meeting.as_ref().ok_or(ApiError::NotFound("meeting"))?;
        if row.status == AppointmentStatus::Cancelled.as_str() {
            return Err(ApiError::Cancelled);
        }
        let runs = meeting.status == MeetingStatus::Started.as_str();
        let until = links_until(row.end_at.into(), meeting.ended_at.map(Into::into), runs, front.link_grace);
        if until.is_some_and(|until| until < front.clock.now()) {
            return Err(ApiError::LinkExpired);
        }
        let number = meeting.zoom_meeting_id.as_deref().ok_or_else(|| not_yet("started"))?;
        Ok(Self { meeting, number, until })
    }

    /// Zoom's number of the meeting.
    pub(super) fn number(&self) -> &str {
        self.number
    }

    /// The link for everybody.
    pub(super) fn join_url(&self) -> Result<String, ApiError> {
        self.meeting.join_url.clone().ok_or_else(|| not_yet("joined"))
    }

    /// A fresh link for the host, and until when it is good.
    pub(super) async fn fresh(&self, front: &Front) -> Result<(String, DateTime<Utc>), ApiError> {
        let expires_at = front.clock.now() + START_URL_LIVES;
        let call = call::get_meeting(self.number);
        let meeting: Meeting = front.engine.zoom.call(Lane::Interactive, call).await?.parse()?;
        let url = meeting.start_url.ok_or_else(|| ApiError::internal(&"Zoom gave no link for the host"))?;
        Ok((url, expires_at))
    }
}

/// Zoom has not made the meeting yet.
fn not_yet(to: &'static str) -> ApiError {
    ApiError::InvalidTransition { what: "meeting", from: MeetingStatus::Pending.as_str().to_owned(), to }
}

/// An answer that nobody on the way may keep.
pub(super) fn secret(body: impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store"))).json(body)
}
