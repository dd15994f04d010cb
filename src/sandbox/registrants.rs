//! Registrants: add, batch, list, approve, cancel, deny, delete.

use serde_json::{Map, Value, json};

use super::account::Account;
use super::announce::zoom_time;
use super::errors::ApiError;
use super::model::{LICENSED, RegistrantStatus, SandboxMeeting, SandboxRegistrant};
use super::request::{Answer, ApiRequest, Outcome};
use crate::zoom::ids;

/// The largest page of registrants.
const PAGE_MAX: usize = 300;
/// How many one meeting may have.
const REGISTRANTS_MAX: usize = 4_999;
/// How many one batch or one change of status may name.
const BATCH_MAX: usize = 30;
const EMAIL_MAX: usize = 128;
const NAME_MAX: usize = 64;

/// `POST /meetings/{meetingId}/registrants`: an unknown meeting is 1001 here, not 3001.
pub(super) fn add(account: &mut Account, request: &ApiRequest) -> Outcome {
    let meeting = account.meeting_of(request).cloned().map_err(|error| ApiError { code: 1001, ..error })?;
    may_register(account, &meeting, ApiError::registration_off)?;
    let person = Person::read(&request.object()?)?;
    is_guest(account, &meeting, &person)?;
    account
        .counted(request.now, |limits, _| limits.take_registrant(&person.email, request.now.date_naive()))?;
    let registrant = register(account, request, &meeting, person, None)?;
    let mut answer = json!({
        "id": meeting.number, "registrant_id": registrant.id, "topic": meeting.topic,
        "start_time": zoom_time(meeting.start), "participant_pin_code": registrant.pin,
    });
    add_link(&mut answer, &registrant);
    Ok(Answer::created(answer))
}

/// `POST /meetings/{meetingId}/batch_registrants`: at most thirty, scheduled meetings only.
pub(super) fn add_batch(account: &mut Account, request: &ApiRequest) -> Outcome {
    let meeting = account.meeting_of(request)?.clone();
    if meeting.kind != 2 {
        let message = "This API can only be used for scheduled meeting(meeting type: 2). Batch registration is not \
                       supported for other meeting types.";
        return Err(ApiError::new(400, 303, message));
    }
    may_register(account, &meeting, |number| ApiError { code: 404, ..ApiError::registration_off(number) })?;
    if meeting.end() < request.now {
        let message = "Meeting is over, you can not register now. If you have any questions, please contact the Meeting host.";
        return Err(ApiError::new(400, 3038, message));
    }
    let body = request.object()?;
    let listed = body
        .get("registrants")
        .and_then(Value::as_array)
        .ok_or_else(|| ApiError::missing_field("registrants"))?;
    if listed.len() > BATCH_MAX {
        return Err(ApiError::invalid_field("registrants"));
    }
    let read = |one: &Value| one.as_object().ok_or_else(ApiError::invalid_json).and_then(Person::read);
    let people = listed.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    people.iter().try_for_each(|person| is_guest(account, &meeting, person))?;
    let approve = body.get("auto_approve").and_then(Value::as_bool);
    let mut answers = Vec::new();
    for person in people {
        let registrant = register(account, request, &meeting, person, approve)?;
        let mut answer = json!({
            "email": registrant.email, "registrant_id": registrant.id, "participant_pin_code": registrant.pin,
        });
        add_link(&mut answer, &registrant);
        answers.push(answer);
    }
    Ok(Answer::created(json!({"registrants": answers})))
}

/// Whether people can register: the host is licensed and registration is on.
fn may_register(
    account: &Account,
    meeting: &SandboxMeeting,
    off: impl FnOnce(u64) -> ApiError,
) -> Result<(), ApiError> {
    if account.users.get(&meeting.host_id).is_none_or(|host| host.kind != LICENSED) {
        return Err(ApiError::paid_users_only(&meeting.host_id));
    }
    if meeting.registration_on() { Ok(()) } else { Err(off(meeting.number)) }
}

/// Whoever hosts, alone or for the host, comes in without: Zoom refuses to register them.
fn is_guest(account: &Account, meeting: &SandboxMeeting, person: &Person) -> Result<(), ApiError> {
    let host = account.users.get(&meeting.host_id).map(|host| host.email.clone());
    let others = meeting.setting("alternative_hosts").and_then(Value::as_str).unwrap_or_default();
    let mut hosts = others.split([';', ',']).map(str::trim).chain(host.as_deref());
    if hosts.any(|address| address.eq_ignore_ascii_case(&person.email)) {
        return Err(ApiError::new(400, 3027, "Host can not register."));
    }
    Ok(())
}

/// Who registers.
struct Person {
    email: String,
    first_name: String,
    last_name: String,
    auto_approve: Option<bool>,
    answers: Map<String, Value>,
}

impl Person {
    fn read(body: &Map<String, Value>) -> Result<Self, ApiError> {
        let mut answers = body.clone();
        let mut text = |name: &str| match answers.remove(name) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(ApiError::invalid_field(name)),
        };
        let (email, first_name, last_name) = (text("email")?, text("first_name")?, text("last_name")?);
        if email.is_empty() {
            return Err(ApiError::missing_field("email"));
        }
        if first_name.is_empty() {
            return Err(ApiError::missing_field("first_name"));
        }
        if !email.contains('@') || email.chars().count() > EMAIL_MAX {
            return Err(ApiError::invalid_field("email"));
        }
        if first_name.chars().count() > NAME_MAX || last_name.chars().count() > NAME_MAX {
            return Err(ApiError::invalid_field("first_name"));
        }
        let auto_approve = answers.remove("auto_approve").and_then(|value| value.as_bool());
        Ok(Self { email, first_name, last_name, auto_approve, answers })
    }
}

/// Registers a person; an address that is registered already gets the same registration again.
fn register(
    account: &mut Account,
    request: &ApiRequest,
    meeting: &SandboxMeeting,
    person: Person,
    approve_all: Option<bool>,
) -> Result<SandboxRegistrant, ApiError> {
    let registrants = account.meetings.get(&meeting.number).map_or(&[][..], |known| &known.registrants);
    let same = |known: &&SandboxRegistrant| {
        known.email.eq_ignore_ascii_case(&person.email) && known.status != RegistrantStatus::Cancelled
    };
    if let Some(known) = registrants.iter().find(same) {
        return Ok(known.clone());
    }
    let active = registrants.iter().filter(|known| known.status != RegistrantStatus::Cancelled).count();
    if active >= REGISTRANTS_MAX {
        return Err(ApiError::new(400, 3043, "Meeting has reached maximum attendee capacity."));
    }
    let automatic = meeting.setting("approval_type").and_then(Value::as_i64) == Some(0);
    let approved = automatic || person.auto_approve.or(approve_all).unwrap_or(false);
    let id = ids::user_id(&mut account.rng);
    let key = ids::opaque(&mut account.rng, 43);
    let pin = ids::meeting_number(&mut account.rng) % 1_000_000;
    let registrant = SandboxRegistrant {
        join_url: format!(
            "{}/w/{}?tk={key}&pwd={}",
            account.base_url, meeting.number, meeting.encrypted_password
        ),
        id,
        email: person.email,
        first_name: person.first_name,
        last_name: person.last_name,
        status: if approved { RegistrantStatus::Approved } else { RegistrantStatus::Pending },
        created_at: request.now,
        pin,
        answers: person.answers,
    };
    if let Some(known) = account.meetings.get_mut(&meeting.number) {
        known.registrants.push(registrant.clone());
    }
    account.announcer(request.now).registration("created", meeting, &registrant);
    Ok(registrant)
}

/// The personal link, once approved.
fn add_link(answer: &mut Value, registrant: &SandboxRegistrant) {
    if let (Some(answer), RegistrantStatus::Approved) = (answer.as_object_mut(), registrant.status) {
        answer.insert("join_url".to_owned(), json!(registrant.join_url));
    }
}

/// `GET /meetings/{meetingId}/registrants`: approved ones unless told otherwise; cancelled ones never.
pub(super) fn list(account: &mut Account, request: &ApiRequest) -> Outcome {
    let status = request.query("status").unwrap_or("approved");
    if !["approved", "pending", "denied"].contains(&status) {
        return Err(ApiError::invalid_field("status"));
    }
    let registrants = &account.meeting_of(request)?.registrants;
    let rows = registrants.iter().filter(|known| known.status.as_str() == status).map(view).collect();
    Ok(Answer::ok(Value::Object(account.page(request, "registrants", PAGE_MAX, rows)?)))
}

/// `GET /meetings/{meetingId}/registrants/{registrantId}`
pub(super) fn get(account: &mut Account, request: &ApiRequest) -> Outcome {
    let id = request.param("registrantId");
    let found = account.meeting_of(request)?.registrants.iter().find(|known| known.id == id);
    Ok(Answer::ok(view(found.ok_or_else(unknown_registrant)?)))
}

fn view(registrant: &SandboxRegistrant) -> Value {
    let mut fields = registrant.answers.clone();
    fields.extend([
        ("id".to_owned(), json!(registrant.id)),
        ("email".to_owned(), json!(registrant.email)),
        ("first_name".to_owned(), json!(registrant.first_name)),
        ("last_name".to_owned(), json!(registrant.last_name)),
        ("status".to_owned(), json!(registrant.status.as_str())),
        ("create_time".to_owned(), json!(zoom_time(registrant.created_at))),
        ("participant_pin_code".to_owned(), json!(registrant.pin)),
    ]);
    let mut view = Value::Object(fields);
    add_link(&mut view, registrant);
    view
}

fn unknown_registrant() -> ApiError {
    ApiError::new(
        400,
        300,
        "The value that you entered for the Registrant ID field is invalid. Enter a valid value and try again.",
    )
}

/// `PUT /meetings/{meetingId}/registrants/status`
pub(super) fn set_status(account: &mut Account, request: &ApiRequest) -> Outcome {
    let meeting = account.meeting_of(request)?.clone();
    may_register(account, &meeting, ApiError::registration_off)?;
    let body = request.object()?;
    let (status, event) = match body.get("action").and_then(Value::as_str) {
        Some("approve") => (RegistrantStatus::Approved, "approved"),
        Some("cancel") => (RegistrantStatus::Cancelled, "cancelled"),
        Some("deny") => (RegistrantStatus::Denied, "denied"),
        _ => return Err(ApiError::invalid_field("action")),
    };
    let targets = body.get("registrants").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if targets.len() > BATCH_MAX {
        return Err(ApiError::invalid_field("registrants"));
    }
    for target in targets {
        let named = |name: &str| target.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let (id, email) = (named("id"), named("email"));
        let is_target = |known: &SandboxRegistrant| match id {
            Some(id) => known.id == id,
            None => email.is_some_and(|email| known.email.eq_ignore_ascii_case(email)),
        };
        let found = meeting.registrants.iter().find(|known| is_target(known));
        let email = found.ok_or_else(unknown_registrant)?.email.clone();
        account.counted(request.now, |limits, _| {
            limits.take_registrant_status(&email, request.now.date_naive())
        })?;
        change(account, request, &meeting, is_target, status, event);
    }
    Ok(Answer::done())
}

fn change(
    account: &mut Account,
    request: &ApiRequest,
    meeting: &SandboxMeeting,
    is_target: impl Fn(&SandboxRegistrant) -> bool,
    status: RegistrantStatus,
    event: &str,
) {
    let known = account.meetings.get_mut(&meeting.number);
    let found = known.and_then(|known| known.registrants.iter_mut().find(|one| is_target(one)));
    if let Some(registrant) = found {
        registrant.status = status;
        let registrant = registrant.clone();
        account.announcer(request.now).registration(event, meeting, &registrant);
    }
}

/// `DELETE /meetings/{meetingId}/registrants/{registrantId}`
pub(super) fn delete(account: &mut Account, request: &ApiRequest) -> Outcome {
    let meeting = account.meeting_of(request)?.clone();
    may_register(account, &meeting, ApiError::registration_off)?;
    let id = request.param("registrantId");
    if !meeting.registrants.iter().any(|known| known.id == id) {
        return Err(unknown_registrant());
    }
    change(account, request, &meeting, |known| known.id == id, RegistrantStatus::Cancelled, "cancelled");
    Ok(Answer::done())
}
