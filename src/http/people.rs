//! People: `/api/people`. `erase`, `export`: what somebody may ask for of themselves by the law.

pub(super) mod erase;
pub(super) mod export;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::body::JsonBody;
use super::error::ApiError;
use super::etag::{self, Precondition};
use super::paging::Page;
use super::validate::Fields;
use super::{Front, when};
use crate::domain::access::Role;
use crate::store::booking::directory::{self, Aftermath};
use crate::store::person::{self, LICENSED, PersonFilter, PersonRow};
use crate::store::zoom_user::ZoomUserRow;
use crate::store::{Conn, UtcMillis, erasure, hold, host_key, licence, zoom_user};

/// The longest `ref` of anything.
pub(super) const REF_LENGTH_MAX: usize = 200;
const NAME_LENGTH_MAX: usize = 200;

/// A person to be written.
#[derive(Debug, Clone, ToSchema)]
pub struct PersonBody {
    /// Their name.
    pub name: String,
    /// Their e-mail address.
    pub email: Option<String>,
    /// `service`, `admin`, `host` (also `teacher`, `instructor`, `tutor`, `doctor`) or `attendee` (also `student`,
    /// `pupil`, `patient`, `participant`).
    pub role: String,
    /// Their IANA time zone.
    pub timezone: Option<String>,
    /// Their Zoom user: an id or an e-mail address. Without it they host under their own address.
    pub zoom_user: Option<String>,
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonView {
    /// The calling system's id of them.
    #[serde(rename = "ref")]
    pub ref_: String,
    /// Their name.
    pub name: String,
    /// Their e-mail address.
    pub email: Option<String>,
    /// `service`, `admin`, `host` or `attendee`.
    pub role: String,
    /// Their IANA time zone.
    pub timezone: Option<String>,
    /// Their Zoom user, as given.
    pub zoom_user: Option<String>,
    /// What their Zoom user has: `licensed` or `basic`; null when Zoom was not asked for them yet.
    pub licence: Option<&'static str>,
    /// The Zoom user they host under; null when Zoom was not asked for them yet.
    pub zoom: Option<PersonZoomView>,
    /// Whether they take part.
    pub active: bool,
    /// When they were first told.
    pub created_at: DateTime<Utc>,
    /// When they were last changed.
    pub updated_at: DateTime<Utc>,
}

/// The Zoom user somebody hosts under.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonZoomView {
    /// Zoom's id.
    pub id: String,
    /// The address at Zoom, which may be another than the person's.
    pub email: String,
    /// Zoom's number: 1 Basic, 2 Licensed, 4 unassigned, 99 none.
    #[serde(rename = "type")]
    pub kind: i64,
    /// `active`, `inactive`, `pending`, or `making` while Zoom is asked for them.
    pub status: String,
}

impl PersonZoomView {
    fn of(user: &ZoomUserRow) -> Self {
        Self {
            id: user.zoom_user_id.clone(),
            email: user.email.clone(),
            kind: user.type_,
            status: user.status.clone(),
        }
    }
}

impl PersonView {
    fn new(row: PersonRow, users: &[ZoomUserRow]) -> Self {
        let named = row.zoom_user.as_deref().map(person::seat_key);
        let key = named.as_ref().or(row.email_key.as_ref());
        let is_theirs =
            |user: &&ZoomUserRow| key.is_some_and(|key| [&user.zoom_user_id, &user.email_key].contains(&key));
        let kept = |user: &&ZoomUserRow| user.person_ref.as_ref() == Some(&row.ref_);
        let user = users.iter().find(kept).or_else(|| users.iter().find(is_theirs));
        Self {
            licence: user.map(|user| if user.type_ == LICENSED { "licensed" } else { "basic" }),
            zoom: user.map(PersonZoomView::of),
            ref_: row.ref_,
            name: row.name,
            email: row.email,
            role: row.role,
            timezone: row.timezone,
            zoom_user: row.zoom_user,
            active: row.active,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

/// One person.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonAnswer {
    /// The person.
    pub person: PersonView,
    /// Future bookings they host that went to another Zoom user with the change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub moved_appointments: Vec<String>,
}

/// A page of people.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeopleAnswer {
    /// The people, by `ref`.
    pub people: Vec<PersonView>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Option<String>,
}

/// What was done when somebody was deactivated or reactivated.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonChangedAnswer {
    /// The person.
    pub person: PersonView,
    /// Future bookings they host that were cancelled.
    pub cancelled_appointments: Vec<String>,
    /// Future bookings whose roster changed.
    pub changed_rosters: Vec<String>,
    /// Whether a Zoom licence that was lent to them goes back: when no meeting of theirs is running or near. One that
    /// they had before is not touched.
    pub licence_goes_back: bool,
    /// What was not done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
}

/// Creates or replaces a person.
#[utoipa::path(put, path = "/api/people/{ref}", tag = "directory", operation_id = "put_person",
    params(("ref" = String, Path, description = "The calling system's id")),
    request_body = PersonBody,
    responses((status = 200, body = PersonAnswer), (status = 201, body = PersonAnswer)))]
pub(super) async fn put(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    caller.must_act_for_all()?;
    let now = front.clock.now().into();
    let new = read_person(checked_ref(path.into_inner())?, body.fields()?, now)?;
    let precondition = Precondition::of(&request);
    let policy = front.hosts.clone();
    let (row, types, aftermath, created) = front
        .write(move |conn| {
            let old = hold::person(conn, &new.ref_)?;
            precondition.check_found(old.as_ref().map(|old| old.version))?;
            if old.is_none() && !erasure::words_of(conn, std::slice::from_ref(&new.ref_))?.is_empty() {
                return Err(ApiError::AlreadyExists("this person is being erased".to_owned()));
            }
            let row = match &old {
                Some(old) => PersonRow {
                    active: old.active,
                    version: old.version + 1,
                    created_at: old.created_at,
                    ..new
                },
                None => new,
            };
            person::save(conn, &row)?;
            let old_key = old.as_ref().and_then(|old| old.email_key.as_deref());
            if let (Some(old_key), Some(email)) = (old_key, &row.email)
                && row.email_key.as_deref() != Some(old_key)
            {
                zoom_user::address_changed(conn, &row.ref_, old_key, email, now)?;
            }
            let aftermath = match &old {
                Some(old) => directory::person_changed(conn, old, &row, &policy, now)?,
                None => Aftermath::default(),
            };
            let types = person::zoom_types(conn, std::slice::from_ref(&row))?;
            Ok((row, types, aftermath, old.is_none()))
        })
        .await?;
    for meeting in &aftermath.meetings {
        front.registry.wake(meeting);
    }
    let mut answer = if created { HttpResponse::Created() } else { HttpResponse::Ok() };
    answer.insert_header(etag::tag(row.version, 0));
    let (person, moved_appointments) = (PersonView::new(row, &types), aftermath.moved);
    Ok(answer.json(PersonAnswer { person, moved_appointments }))
}

fn read_person(ref_: String, mut fields: Fields, now: UtcMillis) -> Result<PersonRow, ApiError> {
    let name = fields.text(&["name"], NAME_LENGTH_MAX);
    let name = fields.need("name", name);
    let email = fields.email(&["email"]);
    let role = fields.text(&["role"], 64);
    let role = fields.need("role", role);
    let known = Role::parse(&role);
    if known.is_none() && !role.is_empty() {
        fields.fault("role", "must be service, admin, host or attendee, or one of their other names");
    }
    let timezone = when::zone(&mut fields, &["timezone"]);
    let zoom_user = fields.text(&["zoom_user"], NAME_LENGTH_MAX);
    fields.finish()?;
    Ok(PersonRow {
        ref_,
        name,
        email_key: email.as_deref().map(person::email_key),
        email,
        role: known.unwrap_or(Role::Attendee).as_str().to_owned(),
        timezone: timezone.map(|zone| zone.name().to_owned()),
        zoom_user,
        active: true,
        version: 1,
        created_at: now,
        updated_at: now,
    })
}

/// Whether this can be somebody's or something's `ref`.
pub(super) fn is_ref(text: &str) -> bool {
    let fits = !text.trim().is_empty() && text.chars().count() <= REF_LENGTH_MAX;
    fits && !text.chars().any(char::is_control)
}

/// A `ref` from a path, fit to be written.
pub(super) fn checked_ref(ref_: String) -> Result<String, ApiError> {
    if is_ref(&ref_) {
        Ok(ref_)
    } else {
        Err(ApiError::field("ref", format!("must be 1 to {REF_LENGTH_MAX} printable characters")))
    }
}

/// One person, with the state of their licence.
#[utoipa::path(get, path = "/api/people/{ref}", tag = "directory", operation_id = "get_person",
    params(("ref" = String, Path, description = "The calling system's id")),
    responses((status = 200, body = PersonAnswer)))]
pub(super) async fn get(
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let ref_ = path.into_inner();
    if !caller.role.acts_for_all() && caller.subject != ref_ {
        return Err(ApiError::NotFound("person"));
    }
    let (row, types) = front
        .read(move |conn| {
            let row = found(conn, &ref_)?;
            let types = person::zoom_types(conn, std::slice::from_ref(&row))?;
            Ok((row, types))
        })
        .await?;
    Ok(HttpResponse::Ok()
        .insert_header(etag::tag(row.version, 0))
        .json(PersonAnswer { person: PersonView::new(row, &types), moved_appointments: Vec::new() }))
}

fn found(conn: &mut Conn, ref_: &str) -> Result<PersonRow, ApiError> {
    person::by_ref(conn, ref_)?.ok_or(ApiError::NotFound("person"))
}

/// People; hosts and attendees see themselves.
#[utoipa::path(get, path = "/api/people", tag = "directory", operation_id = "list_people",
    params(
        ("role" = Option<String>, Query, description = "Only of this role"),
        ("active" = Option<bool>, Query, description = "Only active ones, or only others"),
        ("licence" = Option<String>, Query, description = "`licensed` or `none`"),
        ("q" = Option<String>, Query, description = "Only those whose name or address contains this"),
        ("limit" = Option<i64>, Query, description = "1 to 200, 50 without it"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, body = PeopleAnswer)))]
pub(super) async fn list(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::from_query(request.query_string());
    let page = Page::read(&mut fields);
    let role = fields.text(&["role"], 64);
    let known = role.as_deref().and_then(Role::parse);
    if role.is_some() && known.is_none() {
        fields.fault("role", "must be service, admin, host or attendee");
    }
    let filter = PersonFilter {
        role: known.map(Role::as_str),
        active: fields.flag(&["active"]),
        licensed: fields.choice(&["licence"], &["licensed", "none"]).map(|word| word == "licensed"),
        text: fields.text(&["q"], NAME_LENGTH_MAX),
        only: (!caller.role.acts_for_all()).then(|| caller.subject.clone()),
        after: page.after(),
    };
    fields.finish()?;
    let rows = page.rows();
    let (mut people, types) = front
        .read(move |conn| {
            let people = person::list(conn, &filter, rows)?;
            let types = person::zoom_types(conn, &people)?;
            Ok((people, types))
        })
        .await?;
    let next_cursor = page.cut(&mut people, |row| row.ref_.clone());
    let people = people.into_iter().map(|row| PersonView::new(row, &types)).collect();
    Ok(HttpResponse::Ok().json(PeopleAnswer { people, next_cursor }))
}

/// Ends somebody's part: cancels the future bookings they host, takes them off the rosters of all others.
#[utoipa::path(post, path = "/api/people/{ref}/deactivate", tag = "directory", operation_id = "deactivate_person",
    params(("ref" = String, Path, description = "The calling system's id")),
    responses((status = 200, body = PersonChangedAnswer)))]
pub(super) async fn deactivate(
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    set_active(front, caller, path.into_inner(), false).await
}

/// Takes somebody in again: they are back on the rosters of their groups' future bookings. Bookings that were cancelled
/// stay cancelled.
#[utoipa::path(post, path = "/api/people/{ref}/reactivate", tag = "directory", operation_id = "reactivate_person",
    params(("ref" = String, Path, description = "The calling system's id")),
    responses((status = 200, body = PersonChangedAnswer)))]
pub(super) async fn reactivate(
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    set_active(front, caller, path.into_inner(), true).await
}

/// What a reactivation does not do.
const STAYS_CANCELLED: &str =
    "bookings that were cancelled at the deactivation stay cancelled: book them again";

async fn set_active(
    front: web::Data<Front>,
    caller: Caller,
    ref_: String,
    active: bool,
) -> Result<HttpResponse, ApiError> {
    caller.must_act_for_all()?;
    let now: UtcMillis = front.clock.now().into();
    let policy = front.hosts.clone();
    let (row, types, aftermath, licence_goes_back) = front
        .write(move |conn| {
            let before = hold::person(conn, &ref_)?.ok_or(ApiError::NotFound("person"))?;
            let mut licence_goes_back = false;
            let mut aftermath = Aftermath::default();
            if before.active != active {
                person::set_active(conn, &ref_, active, now)?;
            }
            if !active {
                aftermath = directory::person_left(conn, &ref_, &caller.subject, &policy, now)?;
                if let Some(user) = host_key::of_person(conn, &before)? {
                    licence_goes_back = licence::person_left(conn, &user, now)?;
                }
            } else if !before.active {
                aftermath = directory::person_returned(conn, &ref_, now)?;
            }
            let row = found(conn, &ref_)?;
            let types = person::zoom_types(conn, std::slice::from_ref(&row))?;
            Ok((row, types, aftermath, licence_goes_back))
        })
        .await?;
    for meeting in &aftermath.meetings {
        front.registry.wake(meeting);
    }
    front.licences.bookings_changed();
    Ok(HttpResponse::Ok().insert_header(etag::tag(row.version, 0)).json(PersonChangedAnswer {
        person: PersonView::new(row, &types),
        cancelled_appointments: aftermath.cancelled,
        changed_rosters: aftermath.rosters,
        licence_goes_back,
        notices: if active { vec![STAYS_CANCELLED.to_owned()] } else { Vec::new() },
    }))
}
