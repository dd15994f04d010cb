//! Changing Zoom users: made, changed, removed, licensed by hand.

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa::ToSchema;

use super::{TEXT_LENGTH_MAX, ZoomUserAnswer, found, shown, version_of};
use crate::actors::zoom_api::Lane;
use crate::actors::zoom_user::{self as users, UserToMake};
use crate::domain::licence::LICENSED;
use crate::http::Front;
use crate::http::appointments::view::json;
use crate::http::auth::Caller;
use crate::http::body::JsonBody;
use crate::http::error::ApiError;
use crate::http::etag::{self, Precondition};
use crate::http::idempotency::{Kept, Once, Turn};
use crate::http::prefer::Wait;
use crate::http::settle::replayed;
use crate::http::validate::Fields;
use crate::store::licence::{self, State};
use crate::store::zoom_user::{self, ACTIVE, ZoomUserRow};
use crate::store::{UtcMillis, person};
use crate::zoom::call::UserRemoval;
use crate::zoom::types::UserPatch;

/// How long an answer waits for Zoom unless the caller says otherwise.
const WAIT_SECS: u64 = 10;

/// A Zoom user to be made.
#[derive(Debug, Clone, ToSchema)]
pub struct ZoomUserBody {
    /// The address; nobody at Zoom may have it yet.
    pub email: String,
    /// The name shown in meetings.
    pub display_name: Option<String>,
    /// The given name.
    pub first_name: Option<String>,
    /// The family name.
    pub last_name: Option<String>,
    /// `create` (Zoom invites them by mail) or `custCreate`; `zoom.user_action` without it.
    pub action: Option<String>,
}

/// What to change of a Zoom user.
#[derive(Debug, Clone, ToSchema)]
pub struct ZoomUserPatch {
    /// The name shown in meetings.
    pub display_name: Option<String>,
    /// The given name.
    pub first_name: Option<String>,
    /// The family name.
    pub last_name: Option<String>,
    /// Another address; only for users that this daemon made.
    pub email: Option<String>,
}

/// Whether a user is to be licensed.
#[derive(Debug, Clone, ToSchema)]
pub struct LicenceBody {
    /// `true`: until it is given back by hand. `false`: as soon as no meeting needs it.
    pub licensed: bool,
}

/// Makes a Basic user. Licences are lent as meetings need them, or given by hand.
#[utoipa::path(post, path = "/api/zoom/users", tag = "zoom users", operation_id = "create_zoom_user",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the first answer again")),
    request_body = ZoomUserBody,
    responses((status = 201, body = ZoomUserAnswer)))]
pub(in crate::http) async fn create(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    caller.must_act_for_all()?;
    let once = Once::of(&request, &caller, &body, front.clock.now())?;
    if let Some(once) = &once
        && let Some(row) = front.kept(once).await?
    {
        return Ok(replayed(row));
    }
    let mut fields = body.fields()?;
    let email = fields.email(&["email"]);
    let email = fields.need("email", email);
    let display_name = fields.text(&["display_name", "name"], TEXT_LENGTH_MAX);
    let action = fields.choice(&["action"], &["create", "custCreate"]).or(front.engine.users.action);
    let new = UserToMake {
        email,
        display_name: display_name.unwrap_or_default(),
        first_name: fields.text(&["first_name"], TEXT_LENGTH_MAX),
        last_name: fields.text(&["last_name"], TEXT_LENGTH_MAX),
        action: action.unwrap_or("create"),
    };
    fields.finish()?;
    let key = person::email_key(&new.email);
    // One that is still being made is asked for again: that makes no second one.
    let known = front.read(move |conn| Ok(zoom_user::by_key(conn, &key)?)).await?;
    if known.is_some_and(|user| user.status != zoom_user::MAKING) {
        return Err(ApiError::AlreadyExists("a Zoom user with this address exists".to_owned()));
    }
    let row = users::make(&front.engine, new, Lane::Interactive).await?;
    let status = StatusCode::CREATED;
    let answer = json(&shown(&front, row).await?)?;
    let kept = answer.clone();
    let keep =
        move |_: &()| Kept { status: status.as_u16(), body: kept, appointment_id: None, waiting: false };
    match front.once(once, keep, |_| Ok(())).await? {
        Turn::First(()) => Ok(HttpResponse::build(status).insert_header(ContentType::json()).body(answer)),
        Turn::Again(row) => Ok(replayed(row)),
    }
}

/// Changes what Zoom shows of a user.
#[utoipa::path(patch, path = "/api/zoom/users/{id}", tag = "zoom users", operation_id = "change_zoom_user",
    params(("id" = String, Path, description = "Zoom's id, or the address"),
        ("If-Match" = Option<String>, Header, description = "Only if it is still this version")),
    request_body = ZoomUserPatch,
    responses((status = 200, body = ZoomUserAnswer)))]
pub(in crate::http) async fn change(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    caller.must_act_for_all()?;
    let mut fields = body.fields()?;
    let email = fields.email(&["email"]);
    let patch = UserPatch {
        display_name: fields.text(&["display_name", "name"], TEXT_LENGTH_MAX),
        first_name: fields.text(&["first_name"], TEXT_LENGTH_MAX),
        last_name: fields.text(&["last_name"], TEXT_LENGTH_MAX),
        ..UserPatch::default()
    };
    fields.finish()?;
    let mut row = found(&front, &path.into_inner()).await?;
    Precondition::of(&request).check_text(&version_of(&row))?;
    if let Some(email) = email.filter(|email| person::email_key(email) != row.email_key) {
        if !row.made_by_us {
            return Err(refused("not made here", "given another address"));
        }
        let (id, now) = (row.zoom_user_id.clone(), UtcMillis::from(front.clock.now()));
        let wanted = email.clone();
        front.write(move |conn| Ok(zoom_user::want_address(conn, &id, &wanted, now)?)).await?;
        row.email_wanted = Some(email);
    }
    if patch != UserPatch::default() {
        row = users::change(&front.engine, &row.zoom_user_id, &patch).await?;
    }
    let tag = etag::of_text(&version_of(&row));
    Ok(HttpResponse::Ok().insert_header(tag).json(shown(&front, row).await?))
}

/// Removes a user from the account: refused while they host anything that is not over. Prefer taking their licence.
#[utoipa::path(delete, path = "/api/zoom/users/{id}", tag = "zoom users", operation_id = "delete_zoom_user",
    params(("id" = String, Path, description = "Zoom's id, or the address"),
        ("If-Match" = Option<String>, Header, description = "Only if it is still this version"),
        ("action" = Option<String>, Query, description = "`disassociate` (they keep a free account; the default) or `delete`")),
    responses((status = 204, description = "Removed")))]
pub(in crate::http) async fn remove(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller.must_act_for_all()?;
    let mut fields = Fields::from_query(request.query_string());
    let removal = match fields.choice(&["action"], &["disassociate", "delete"]) {
        Some("delete") => UserRemoval::Delete,
        _ => UserRemoval::Disassociate,
    };
    fields.finish()?;
    let row = found(&front, &path.into_inner()).await?;
    Precondition::of(&request).check_text(&version_of(&row))?;
    let (user, now) = (row.clone(), UtcMillis::from(front.clock.now()));
    let ahead = front.read(move |conn| Ok(zoom_user::bookings_ahead(conn, &user, now)?)).await?;
    if ahead > 0 {
        return Err(refused("hosting bookings that are not over", "removed"));
    }
    if users::is_live(&front.engine, &row.zoom_user_id, Lane::Interactive).await? {
        return Err(refused("in a meeting", "removed"));
    }
    users::remove(&front.engine, &row.zoom_user_id, removal).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Gives a licence by hand, until it is given back by hand; or gives it back, as soon as no meeting needs it. 202 when
/// that is not done yet: `user.licence.state` says why.
#[utoipa::path(post, path = "/api/zoom/users/{id}/licence", tag = "zoom users", operation_id = "license_zoom_user",
    params(("id" = String, Path, description = "Zoom's id, or the address"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: wait up to N seconds for Zoom, 10 without it")),
    request_body = LicenceBody,
    responses((status = 200, body = ZoomUserAnswer), (status = 202, body = ZoomUserAnswer)))]
pub(in crate::http) async fn licence(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    caller.must_act_for_all()?;
    let mut fields = body.fields()?;
    let licensed = fields.flag(&["licensed"]);
    let licensed = fields.need("licensed", licensed);
    fields.finish()?;
    let row = found(&front, &path.into_inner()).await?;
    if licensed && row.status != ACTIVE {
        return Err(refused("not active", "licensed"));
    }
    want(&front, &row, licensed).await?;
    front.licences.lend_now(Wait::of(&request, WAIT_SECS).span).await;
    let id = row.zoom_user_id.clone();
    let now = front.read(move |conn| Ok(zoom_user::by_key(conn, &id)?)).await?.unwrap_or(row);
    let done = (now.type_ == LICENSED) == licensed;
    let answer: ZoomUserAnswer = shown(&front, now).await?;
    let mut response = if done { HttpResponse::Ok() } else { HttpResponse::Accepted() };
    Ok(response.json(answer))
}

/// Writes down what is wanted; the lending does it. A licence that nobody lent is taken only because somebody says so.
async fn want(front: &Front, row: &ZoomUserRow, licensed: bool) -> Result<(), ApiError> {
    let (user, now) = (row.clone(), UtcMillis::from(front.clock.now()));
    front
        .write(move |conn| {
            let id = &user.zoom_user_id;
            let lease = licence::of_user(conn, id)?;
            let has = user.type_ == LICENSED;
            match (licensed, lease) {
                (true, None) if has => {}
                (true, _) => licence::ask(conn, id, now)?,
                (false, Some(lease)) if lease.state == State::Waiting => licence::end(conn, id)?,
                (false, Some(_)) => licence::no_longer_asked(conn, id, now)?,
                (false, None) if has => licence::adopt(conn, id, now)?,
                (false, None) => {}
            }
            Ok(())
        })
        .await
}

fn refused(from: &str, to: &'static str) -> ApiError {
    ApiError::InvalidTransition { what: "Zoom user", from: from.to_owned(), to }
}
