//! How somebody joins a meeting: `join`, with a personal link where there is one, and the signature for Zoom's Meeting
//! SDK. Links are for the person who asks, and for nobody on the way.

use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::doors::{Door, passcode, secret};
use crate::domain::access::{Action, Role};
use crate::domain::appointment::AppointmentStatus;
use crate::http::auth::Caller;
use crate::http::body::JsonBody;
use crate::http::error::ApiError;
use crate::http::validate::Fields;
use crate::http::{Front, sight};
use crate::store::booking::{self, Booking};
use crate::store::button::{self, Press};
use crate::store::{Conn, Sealer, person, registrant};
use crate::zoom::sdk_jwt::{SdkKeys, SdkRole};

/// How long a signature for the SDK is good: as long as Zoom's own sample makes it.
const SIGNATURE_LIVES: std::time::Duration = std::time::Duration::from_secs(7_200);

/// The longest `customer_key` that Zoom takes (Meeting API, report of participants).
const CUSTOMER_KEY_CHARS_MAX: usize = 35;

/// What somebody needs to join.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JoinAnswer {
    /// Their own link where they are registered, else the meeting's.
    join_url: String,
    /// A credential, made fresh, for the host alone; null for everybody else.
    start_url: Option<String>,
    password: Option<String>,
    /// Zoom's number of the meeting.
    meeting_number: String,
    is_host: bool,
    /// For Zoom's Meeting SDK; null where it is not configured, as is `sdkKey`.
    sdk_signature: Option<String>,
    sdk_key: Option<String>,
    user_name: String,
    user_email: Option<String>,
    /// Whether `joinUrl` is their own.
    is_registered: bool,
    /// For the Meeting SDK's `customerKey`, by which Zoom names them in its reports: their `ref`; null where Zoom takes
    /// none so long.
    customer_key: Option<String>,
}

/// A signature for Zoom's Meeting SDK.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignatureAnswer {
    signature: String,
    sdk_key: String,
    /// As in `…/join`.
    customer_key: Option<String>,
}

/// A press of the calling system's own button.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "the description of what is read field by field")]
pub(crate) struct PressBody {
    /// `join` or `leave`.
    action: String,
}

/// Who joins, and what.
pub(super) struct Joining {
    pub(super) booking: Booking,
    /// The caller's sealed personal link.
    pub(super) link: Option<Vec<u8>>,
    is_host: bool,
    name: String,
    email: Option<String>,
}

/// Who the caller is to the meeting, and their link.
pub(super) fn read(conn: &mut Conn, caller: &Caller, id: &str) -> Result<Joining, ApiError> {
    let seen = sight::meeting(conn, caller, id, Action::Read)?;
    let booking = booking::by_id(conn, &seen.appointment.id)?;
    let person = person::by_ref(conn, &caller.subject)?;
    let is_host = match caller.role {
        Role::Host => sight::allowed(conn, caller, &booking.appointment, Action::Host).is_ok(),
        Role::Service | Role::Admin => booking.appointment.host_ref.as_ref() == Some(&caller.subject),
        Role::Attendee => false,
    };
    let link = match &booking.meeting {
        Some(meeting) => registrant::link_of(conn, meeting, &caller.subject)?,
        None => None,
    };
    let (name, email) = person.map_or((None, None), |person| (Some(person.name), person.email));
    let name = name.or_else(|| caller.name.clone()).unwrap_or_else(|| caller.subject.clone());
    Ok(Joining { booking, link, is_host, name, email: email.or_else(|| caller.email.clone()) })
}

impl Joining {
    /// Attendees from elsewhere are not let in where only one domain is.
    pub(super) fn check_domain(&self, caller: &Caller, front: &Front) -> Result<(), ApiError> {
        match front.email_domain() {
            Some(domain) if !sight::may_enter(caller, self.email.as_deref(), Some(&domain)) => {
                Err(ApiError::EmailDomainNotAllowed(domain))
            }
            _ => Ok(()),
        }
    }
}

/// Opens a personal link.
pub(super) fn opened(sealer: &Sealer, link: Option<&[u8]>) -> Result<Option<String>, ApiError> {
    let link = link.map(|sealed| sealer.open(registrant::LINK, sealed)).transpose()?;
    Ok(link.map(|link| link.expose_secret().to_owned()))
}

/// What the caller needs to join.
#[utoipa::path(get, path = "/api/zoom/meetings/{id}/join", tag = "meetings", operation_id = "get_join_information",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number")),
    responses((status = 200, body = JoinAnswer),
        (status = 403, description = "`EMAIL_DOMAIN_NOT_ALLOWED`"),
        (status = 410, description = "`LINK_EXPIRED` or `CANCELLED`")))]
pub(in crate::http) async fn show(
    front: web::Data<Front>,
    caller: Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let asked = caller.clone();
    let joining = front.read(move |conn| read(conn, &asked, &id)).await?;
    joining.check_domain(&caller, &front)?;
    let door = Door::of(&front, &joining.booking)?;
    let start_url = if joining.is_host { Some(door.fresh(&front).await?.0) } else { None };
    let own = opened(&front.sealer, joining.link.as_deref())?;
    let is_registered = own.is_some();
    let role = if joining.is_host { SdkRole::Host } else { SdkRole::Participant };
    let signature = front.sdk.as_ref().map(|keys| sign(keys, door.number(), role, &front)).transpose()?;
    Ok(secret(JoinAnswer {
        join_url: match own {
            Some(own) => own,
            None => door.join_url()?,
        },
        start_url,
        password: passcode(&front, &door)?,
        meeting_number: door.number().to_owned(),
        is_host: joining.is_host,
        sdk_key: signature.as_ref().and(front.sdk.as_ref()).map(|keys| keys.key.clone()),
        sdk_signature: signature,
        user_name: joining.name,
        user_email: joining.email,
        is_registered,
        customer_key: customer_key(&caller.subject),
    }))
}

/// What Zoom keeps beside a connection that the SDK made, so that whoever came in is known by it.
fn customer_key(ref_: &str) -> Option<String> {
    (ref_.chars().count() <= CUSTOMER_KEY_CHARS_MAX).then(|| ref_.to_owned())
}

fn sign(keys: &SdkKeys, number: &str, role: SdkRole, front: &Front) -> Result<String, ApiError> {
    let signed = keys.sign(number, role, front.clock.now(), SIGNATURE_LIVES);
    signed.map_err(|error| ApiError::internal(&error))
}

/// Notes that the caller pressed the calling system's button to join or to leave: evidence for where Zoom tells nothing.
/// Every press is kept; only a join with the leave after it can count.
#[utoipa::path(post, path = "/api/zoom/meetings/{id}/join", tag = "meetings", operation_id = "press_join",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number")),
    request_body = PressBody,
    responses((status = 200, description = "`{\"success\": true}`"),
        (status = 403, description = "`EMAIL_DOMAIN_NOT_ALLOWED`"),
        (status = 410, description = "`LINK_EXPIRED` or `CANCELLED`")))]
pub(in crate::http) async fn press(
    front: web::Data<Front>,
    caller: Caller,
    id: web::Path<String>,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    let mut fields = body.fields()?;
    let action = fields.choice(&["action"], &["join", "leave"]);
    let action = fields.need("action", action);
    fields.finish()?;
    let asked = caller.clone();
    let joining = front.read(move |conn| read(conn, &asked, &id)).await?;
    joining.check_domain(&caller, &front)?;
    let press = if action == "join" { Press::Join } else { Press::Leave };
    if joining.booking.appointment.status == AppointmentStatus::Cancelled.as_str() {
        return Err(ApiError::Cancelled);
    }
    if press == Press::Join {
        // Who cannot come in any more does not; who leaves late has left.
        Door::of(&front, &joining.booking)?;
    }
    let meeting = joining.booking.meeting.ok_or(ApiError::NotFound("meeting"))?;
    let (name, now) = (joining.name, front.clock.now());
    front
        .write(move |conn| Ok(button::press(conn, &meeting.id, &caller.subject, &name, press, now)?))
        .await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}

/// A signature for Zoom's Meeting SDK, to take part (`role` 0) or to host (1).
#[utoipa::path(get, path = "/api/zoom/sdk-signature", tag = "meetings", operation_id = "get_sdk_signature",
    params(("meetingNumber" = String, Query, description = "Zoom's number of the meeting; `meeting_number` too"),
        ("role" = Option<i64>, Query, description = "0 to take part (without it), 1 for the host")),
    responses((status = 200, body = SignatureAnswer),
        (status = 410, description = "`LINK_EXPIRED` or `CANCELLED`"),
        (status = 503, description = "`ZOOM_NOT_CONFIGURED`: there are no SDK keys")))]
pub(in crate::http) async fn signature(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::from_query(request.query_string());
    let number = fields.text(&["meeting_number"], 64);
    let number = fields.need("meetingNumber", number);
    let role = match fields.integer(&["role"], 0..=1) {
        Some(1) => SdkRole::Host,
        _ => SdkRole::Participant,
    };
    fields.finish()?;
    let keys = front.sdk.as_ref().ok_or(ApiError::ZoomNotConfigured("zoom.sdk_key"))?;
    let asked = caller.clone();
    let joining = front
        .read(move |conn| {
            if role == SdkRole::Host {
                sight::meeting(conn, &asked, &number, Action::Host)?;
            }
            read(conn, &asked, &number)
        })
        .await?;
    joining.check_domain(&caller, &front)?;
    let door = Door::of(&front, &joining.booking)?;
    let signature = sign(keys, door.number(), role, &front)?;
    let customer_key = customer_key(&caller.subject);
    Ok(secret(SignatureAnswer { signature, sdk_key: keys.key.clone(), customer_key }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ref_that_zoom_would_not_take_is_no_customer_key() {
        let longest = "x".repeat(CUSTOMER_KEY_CHARS_MAX);
        assert_eq!(customer_key(&longest).as_deref(), Some(longest.as_str()));
        assert_eq!(customer_key(&format!("{longest}x")), None);
    }
}
