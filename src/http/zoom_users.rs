//! The account's users at Zoom: `/api/zoom/users`. Only for services and administrators; a host gets a start token of
//! their own user.

mod view;
mod write;

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::Front;
use super::auth::Caller;
use super::error::ApiError;
use super::etag;
use super::paging::Page;
use super::validate::Fields;
use crate::actors::zoom_api::Lane;
use crate::actors::zoom_user::{self as users, UserTrouble};
use crate::domain::access::Role;
use crate::store::person;
use crate::store::zoom_user::{self, UserFilter, ZoomUserRow};
use crate::zoom::error::ZoomError;

pub use view::{LicenceView, ZoomUserView};
pub(super) use write::{__path_change, __path_create, __path_licence, __path_remove};
pub use write::{LicenceBody, ZoomUserBody, ZoomUserPatch};
pub(super) use write::{change, create, licence, remove};

const TEXT_LENGTH_MAX: usize = 200;

/// How long a start token of an ordinary user is good (Users API, `GET /users/{userId}/token`). Those of users made by
/// `custCreate` live longer.
const ZAK_HOURS: i64 = 2;

/// One Zoom user.
#[derive(Debug, Serialize, ToSchema)]
pub struct ZoomUserAnswer {
    /// The user.
    pub user: ZoomUserView,
}

/// A page of Zoom users.
#[derive(Debug, Serialize, ToSchema)]
pub struct ZoomUsersAnswer {
    /// The users, by id.
    pub users: Vec<ZoomUserView>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Option<String>,
}

/// A start token.
#[derive(Serialize, ToSchema)]
pub struct ZakAnswer {
    /// A credential: whoever has it hosts as this user.
    pub token: String,
    /// Until when it is good at least.
    pub expires_at: DateTime<Utc>,
}

/// The Zoom users that are known: all of the account, read every `sync.sweep_every` and when Zoom tells of changes.
#[utoipa::path(get, path = "/api/zoom/users", tag = "zoom users", operation_id = "list_zoom_users",
    params(
        ("status" = Option<String>, Query, description = "`active`, `inactive` or `pending`"),
        ("licence" = Option<String>, Query, description = "`licensed` or `none`"),
        ("q" = Option<String>, Query, description = "Only those whose name or address contains this"),
        ("limit" = Option<i64>, Query, description = "1 to 200, 50 without it"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, body = ZoomUsersAnswer)))]
pub(super) async fn list(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
) -> Result<HttpResponse, ApiError> {
    caller.must_act_for_all()?;
    let mut fields = Fields::from_query(request.query_string());
    let page = Page::read(&mut fields);
    let filter = UserFilter {
        status: fields.choice(&["status"], &["active", "inactive", "pending"]),
        licensed: fields.choice(&["licence"], &["licensed", "none"]).map(|word| word == "licensed"),
        text: fields.text(&["q"], TEXT_LENGTH_MAX),
        after: page.after(),
    };
    fields.finish()?;
    let rows = page.rows();
    let (next_cursor, users) = front
        .read(move |conn| {
            let mut users = zoom_user::list(conn, &filter, rows)?;
            let next_cursor = page.cut(&mut users, |user| user.zoom_user_id.clone());
            Ok((next_cursor, view::of_all(conn, users)?))
        })
        .await?;
    Ok(HttpResponse::Ok().json(ZoomUsersAnswer { users, next_cursor }))
}

/// One user, by Zoom's id or their address: as Zoom says now, else as it said last.
#[utoipa::path(get, path = "/api/zoom/users/{id}", tag = "zoom users", operation_id = "get_zoom_user",
    params(("id" = String, Path, description = "Zoom's id, or the address")),
    responses((status = 200, body = ZoomUserAnswer)))]
pub(super) async fn get(
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller.must_act_for_all()?;
    let row = found(&front, &path.into_inner()).await?;
    let tag = etag::of_text(&version_of(&row));
    Ok(HttpResponse::Ok().insert_header(tag).json(shown(&front, row).await?))
}

/// A digest of what a change may be meant for. Zoom counts no versions of a user; what is lent to one does not count.
fn version_of(row: &ZoomUserRow) -> String {
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let (name, wanted) = (optional(&row.display_name), optional(&row.email_wanted));
    let mut digest = Sha256::new();
    for part in [&row.zoom_user_id, &row.email, &row.status, &name, &wanted] {
        digest.update(part);
        digest.update([0]);
    }
    hex::encode(digest.finalize()).chars().take(16).collect()
}

/// A fresh token with which the host starts a meeting in Zoom's client or SDK. Never stored, never logged.
#[utoipa::path(get, path = "/api/zoom/users/{id}/zak", tag = "zoom users", operation_id = "get_zak",
    params(("id" = String, Path, description = "Zoom's id, or the address")),
    responses((status = 200, body = ZakAnswer)))]
pub(super) async fn zak(
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let key = person::seat_key(&path.into_inner());
    if !caller.role.acts_for_all() {
        if caller.role != Role::Host {
            return Err(ApiError::NotFound("Zoom user"));
        }
        must_be_own(&front, &caller, &key).await?;
    }
    let token = users::zak(&front.engine, &key).await?.token;
    let expires_at = front.clock.now() + Duration::hours(ZAK_HOURS);
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .json(ZakAnswer { token, expires_at }))
}

/// Only a host gets a token, and only of the user they host under: the one they name, else the one kept as theirs. A
/// user kept as somebody else's is not theirs for its address: addresses are given to others.
async fn must_be_own(front: &Front, caller: &Caller, key: &str) -> Result<(), ApiError> {
    let (subject, key) = (caller.subject.clone(), key.to_owned());
    let own = front
        .read(move |conn| {
            let Some(person) = person::by_ref(conn, &subject)? else { return Ok(false) };
            let hosts = person.role == "host" && person.active;
            let user = zoom_user::by_key(conn, &key)?;
            let is = |name: &String| {
                let of = |user: &ZoomUserRow| [&user.zoom_user_id, &user.email_key].contains(&name);
                *name == key || user.as_ref().is_some_and(of)
            };
            let owner = user.as_ref().and_then(|user| user.person_ref.as_ref());
            let own = match (person.zoom_user.as_deref().map(person::seat_key), owner) {
                (Some(named), _) => is(&named),
                (None, Some(owner)) => *owner == person.ref_,
                (None, None) => person.email_key.as_ref().is_some_and(is),
            };
            Ok(hosts && own)
        })
        .await?;
    if own { Ok(()) } else { Err(ApiError::NotFound("Zoom user")) }
}

/// The user as Zoom says now; when Zoom cannot be asked, as it said last.
async fn found(front: &Front, id: &str) -> Result<ZoomUserRow, ApiError> {
    let key = person::seat_key(id);
    match users::read(&front.engine, &key, Lane::Interactive).await {
        Ok((row, _)) => Ok(row),
        Err(UserTrouble::Zoom(ZoomError::NotFound { .. })) => Err(ApiError::NotFound("Zoom user")),
        Err(trouble) => {
            let known = front.read(move |conn| Ok(zoom_user::by_key(conn, &key)?)).await?;
            known.ok_or_else(|| trouble.into())
        }
    }
}

async fn shown(front: &Front, row: ZoomUserRow) -> Result<ZoomUserAnswer, ApiError> {
    let user = front.read(move |conn| Ok(view::of(conn, row)?)).await?;
    Ok(ZoomUserAnswer { user })
}

impl From<UserTrouble> for ApiError {
    fn from(trouble: UserTrouble) -> Self {
        match trouble {
            UserTrouble::Store(error) => error.into(),
            UserTrouble::Zoom(ZoomError::NotFound { .. }) => Self::NotFound("Zoom user"),
            UserTrouble::Zoom(error) => error.into(),
        }
    }
}
