//! Who is registered for a meeting at Zoom. Personal links are not shown here: each is its owner's.

mod answer;

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use self::answer::{RegistrantAnswer, RegistrantsAnswer};

use self::answer::RegistrantView;
use crate::clock::Instant;
use crate::domain::access::{Action, Role};
use crate::domain::registration::is_of_domain;
use crate::http::appointments::view::json;
use crate::http::auth::Caller;
use crate::http::body::JsonBody;
use crate::http::error::ApiError;
use crate::http::idempotency::{Kept, Once, Turn};
use crate::http::people::REF_LENGTH_MAX;
use crate::http::settle::replayed;
use crate::http::validate::Fields;
use crate::http::{Front, sight};
use crate::store::appointment::{self, AppointmentRow, Owner};
use crate::store::booking::directory;
use crate::store::person::{self, PersonRow};
use crate::store::registrant::{self, RegistrantRow};
use crate::store::{Conn, group, meeting};

const NAME_LENGTH_MAX: usize = 200;

/// Whom to register.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "the description of what is read field by field")]
pub(crate) struct RegistrantBody {
    /// The person's `ref`; or, for somebody whom nobody told us about, name and address.
    person: Option<String>,
    name: Option<String>,
    email: Option<String>,
}

/// A member of a class to register for all its upcoming meetings.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "the description of what is read field by field")]
pub(crate) struct StudentBody {
    /// The person's `ref`.
    student_id: String,
    /// The group's `ref`.
    class_id: String,
}

/// What registering somebody for a class did.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StudentAnswer {
    message: String,
    registered: usize,
    meeting_ids: Vec<String>,
}

/// Who is registered, and who on the roster is not. Not for attendees.
#[utoipa::path(get, path = "/api/zoom/meetings/{id}/registrants", tag = "meetings", operation_id = "list_registrants",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number")),
    responses((status = 200, body = RegistrantsAnswer)))]
pub(in crate::http) async fn list(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    Fields::from_query(request.query_string()).finish()?;
    let (now, domain) = (front.clock.now(), front.email_domain());
    let answer = front
        .read(move |conn| {
            let row = found(conn, &caller, &id, Action::Attendance)?;
            let meeting = meeting::by_appointment(conn, &row.id)?.ok_or(ApiError::NotFound("meeting"))?;
            let view = registrant::view(conn, &meeting.id, domain.as_deref(), now)?;
            let past = registrant::of_meeting(conn, &meeting.id)?;
            let past =
                past.into_iter().filter(|row| Some(&row.zoom_meeting_id) == meeting.zoom_meeting_id.as_ref());
            Ok(match view {
                Some(view) => RegistrantsAnswer::of(&view),
                None => RegistrantsAnswer::without(past.collect()),
            })
        })
        .await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// The booking of a meeting whose registrations the caller may see.
fn found(conn: &mut Conn, caller: &Caller, id: &str, action: Action) -> Result<AppointmentRow, ApiError> {
    let row = sight::meeting(conn, caller, id, Action::Read)?.appointment;
    if caller.role == Role::Attendee {
        return Err(ApiError::Forbidden("registrations are for those who hold the meeting"));
    }
    sight::allowed(conn, caller, &row, action)?;
    Ok(row)
}

/// Puts somebody on the roster of a meeting and registers them at Zoom, also somebody who was removed before.
#[utoipa::path(post, path = "/api/zoom/meetings/{id}/registrants", tag = "meetings", operation_id = "add_registrant",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the first answer again")),
    request_body = RegistrantBody,
    responses((status = 201, body = RegistrantAnswer, description = "Zoom is asked next; `status` says how far that is"),
        (status = 403, description = "`EMAIL_DOMAIN_NOT_ALLOWED`"),
        (status = 409, description = "`INVALID_TRANSITION`: the meeting has no registration, or is over")))]
pub(in crate::http) async fn add(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    id: web::Path<String>,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    let once = Once::of(&request, &caller, &body, front.clock.now())?;
    let mut fields = body.fields()?;
    let ref_ = fields.text(&["person", "student_id", "user_id"], REF_LENGTH_MAX);
    let email = fields.email(&["email"]);
    let name = fields.text(&["name"], NAME_LENGTH_MAX);
    if ref_.is_some() == email.is_some() {
        fields.fault("person", "give either a person, or an e-mail address and a name");
    }
    fields.finish()?;
    let (now, domain) = (front.clock.now(), front.email_domain());
    let status = StatusCode::CREATED;
    let keep = move |body: &String| Kept {
        status: status.as_u16(),
        body: body.clone(),
        appointment_id: None,
        waiting: false,
    };
    let work = move |conn: &mut Conn| {
        let booking = found(conn, &caller, &id, Action::Change)?;
        let person = match (ref_, email) {
            (Some(ref_), _) => known_person(conn, "person", &ref_)?,
            (None, email) => {
                let email = email.unwrap_or_default();
                let name = name.unwrap_or_else(|| email.clone());
                let ref_ = person::by_email_or_new(conn, &email, &name, "attendee", now.into())?;
                known_person(conn, "person", &ref_)?
            }
        };
        may_register(&person, domain.as_deref())?;
        register(conn, &booking, &person, &caller.subject, now)?;
        let registrant = registered(conn, &booking, &person, domain.as_deref(), now)?;
        json(&RegistrantAnswer { registrant })
    };
    match front.once(once, keep, work).await? {
        Turn::First(body) => Ok(HttpResponse::build(status).insert_header(ContentType::json()).body(body)),
        Turn::Again(row) => Ok(replayed(row)),
    }
}

/// How somebody who was just put on the roster stands, under the address that they have now.
fn registered(
    conn: &mut Conn,
    booking: &AppointmentRow,
    person: &PersonRow,
    domain: Option<&str>,
    now: Instant,
) -> Result<RegistrantView, ApiError> {
    let meeting = meeting::by_appointment(conn, &booking.id)?.ok_or(ApiError::NotFound("meeting"))?;
    let view = registrant::view(conn, &meeting.id, domain, now)?.ok_or(ApiError::InvalidTransition {
        what: "meeting",
        from: "without registration".to_owned(),
        to: "registered for",
    })?;
    let theirs = |one: &RegistrantView| {
        one.person.as_ref() == Some(&person.ref_) && Some(person::email_key(&one.email)) == person.email_key
    };
    let mut all = RegistrantsAnswer::of(&view).registrants.into_iter();
    all.find(theirs).ok_or_else(|| ApiError::field("person", "hosts the meeting"))
}

fn known_person(conn: &mut Conn, field: &str, ref_: &str) -> Result<PersonRow, ApiError> {
    let person = person::by_ref(conn, ref_)?;
    person
        .filter(|person| person.active)
        .ok_or_else(|| ApiError::field(field, format!("there is no person `{ref_}`")))
}

fn may_register(person: &PersonRow, domain: Option<&str>) -> Result<(), ApiError> {
    let email = person.email.as_ref().ok_or_else(|| ApiError::field("person", "has no e-mail address"))?;
    match domain.filter(|domain| !is_of_domain(email, domain)) {
        Some(domain) => Err(ApiError::EmailDomainNotAllowed(domain.to_owned())),
        None => Ok(()),
    }
}

/// Puts somebody on the roster and lifts what kept them from being registered, under earlier numbers of the meeting too.
/// The rest follows.
fn register(
    conn: &mut Conn,
    booking: &AppointmentRow,
    person: &PersonRow,
    by: &str,
    now: Instant,
) -> Result<(), ApiError> {
    directory::invite(conn, booking, &person.ref_, by, now.into())?;
    let Some(meeting) = meeting::by_appointment(conn, &booking.id)? else { return Ok(()) };
    let theirs = |row: &&RegistrantRow| {
        row.person_ref.as_ref() == Some(&person.ref_) || Some(&row.email_key) == person.email_key.as_ref()
    };
    let rows = registrant::of_meeting(conn, &meeting.id)?;
    for row in rows.iter().filter(theirs) {
        registrant::bar(conn, row, false, now.into())?;
    }
    Ok(registrant::roster_changed(conn, &booking.id, now.into())?)
}

/// Takes a registration back: the personal link opens nothing any more. Who is on the roster stays there.
#[utoipa::path(delete, path = "/api/zoom/meetings/{id}/registrants/{registrant}", tag = "meetings",
    operation_id = "remove_registrant",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number"),
        ("registrant" = String, Path, description = "The registration's id, Zoom's id of the registrant, or the person's `ref`")),
    responses((status = 200, description = "`{\"success\": true}`; Zoom is told next")))]
pub(in crate::http) async fn remove(
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (id, key) = path.into_inner();
    let (now, domain) = (front.clock.now(), front.email_domain());
    front
        .write(move |conn| {
            let booking = found(conn, &caller, &id, Action::Change)?;
            let meeting = meeting::by_appointment(conn, &booking.id)?.ok_or(ApiError::NotFound("meeting"))?;
            if let Some(view) = registrant::view(conn, &meeting.id, domain.as_deref(), now)? {
                // Who is invited and has not had a turn yet can be removed as well.
                registrant::reconcile(conn, &view, now.into())?;
            }
            let rows = registrant::of_meeting(conn, &meeting.id)?;
            let named = |row: &&RegistrantRow| {
                Some(&row.zoom_meeting_id) == meeting.zoom_meeting_id.as_ref()
                    && (row.id == key
                        || row.zoom_registrant_id.as_ref() == Some(&key)
                        || row.person_ref.as_ref() == Some(&key))
            };
            // Under each address that they had: the one they have now need not be the first.
            let named: Vec<&RegistrantRow> = rows.iter().filter(named).collect();
            if named.is_empty() {
                return Err(ApiError::NotFound("registrant"));
            }
            named.into_iter().try_for_each(|row| Ok(registrant::bar(conn, row, true, now.into())?))
        })
        .await?;
    Ok(HttpResponse::Ok().json(serde_json::json!({ "success": true })))
}

/// Registers somebody for all upcoming meetings of a class.
#[utoipa::path(post, path = "/api/zoom/meetings/register-student", tag = "meetings",
    operation_id = "register_student",
    request_body = StudentBody,
    responses((status = 200, body = StudentAnswer), (status = 403, description = "`EMAIL_DOMAIN_NOT_ALLOWED`")))]
pub(in crate::http) async fn register_student(
    front: web::Data<Front>,
    caller: Caller,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    caller.must_act_for_all()?;
    let mut fields = body.fields()?;
    let student = fields.text(&["student_id", "person"], REF_LENGTH_MAX);
    let student = fields.need("studentId", student);
    let class = fields.text(&["class_id", "group"], REF_LENGTH_MAX);
    let class = fields.need("classId", class);
    fields.finish()?;
    let (now, domain) = (front.clock.now(), front.email_domain());
    let meeting_ids = front
        .write(move |conn| {
            let person = known_person(conn, "studentId", &student)?;
            may_register(&person, domain.as_deref())?;
            if group::by_ref(conn, &class)?.is_none() {
                return Err(ApiError::field("classId", format!("there is no group `{class}`")));
            }
            let mut meetings = Vec::new();
            for booking in appointment::future(conn, Owner::Group(&class), now.into())? {
                register(conn, &booking, &person, &caller.subject, now)?;
                meetings.extend(meeting::by_appointment(conn, &booking.id)?.map(|meeting| meeting.id));
            }
            Ok(meetings)
        })
        .await?;
    let registered = meeting_ids.len();
    let message = format!("Registered for {registered} meetings");
    Ok(HttpResponse::Ok().json(StudentAnswer { message, registered, meeting_ids }))
}
