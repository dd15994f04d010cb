//! Meetings: create, update, delete, end.

use serde_json::{Map, Value, json};

use super::account::Account;
use super::errors::ApiError;
use super::meeting_fields as fields;
use super::meeting_views as views;
use super::model::{LICENSED, SandboxMeeting, UserStatus};
use super::request::{Answer, ApiRequest, Outcome};
use super::state::SandboxRefusal;
use crate::clock::Instant;
use crate::zoom::ids;

pub(super) use super::meeting_views::{get, invitation, list};

/// The length of the passcode as it stands in the join link.
const ENCRYPTED_PASSWORD_LENGTH: usize = 30;

/// A meeting with nothing but its number, its host and Zoom's defaults.
pub(super) fn blank(number: u64, host_id: &str, now: Instant) -> SandboxMeeting {
    SandboxMeeting {
        number,
        uuid: String::new(),
        host_id: host_id.to_owned(),
        topic: "Zoom Meeting".to_owned(),
        kind: 2,
        start: now,
        duration: 60,
        timezone: "UTC".to_owned(),
        agenda: String::new(),
        password: String::new(),
        encrypted_password: String::new(),
        settings: fields::default_settings(),
        recurrence: None,
        occurrences: Vec::new(),
        tracking_fields: None,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        listed_from: now,
        registrants: Vec::new(),
        live: None,
        instances: Vec::new(),
    }
}

/// `POST /users/{userId}/meetings`
pub(super) fn create(account: &mut Account, request: &ApiRequest) -> Outcome {
    let caller = account.user_of(request)?.id.clone();
    account.count_host(&caller, request.now)?;
    let body = request.object()?;
    fields::check(&body)?;
    let host_id = host(account, &caller, &body)?;
    let mut meeting = blank(account.new_number(), &host_id, request.now);
    let host = account.users.get(&host_id);
    let licensed = host.is_some_and(|host| host.kind == LICENSED);
    meeting.timezone = host.map_or_else(|| "UTC".to_owned(), |host| host.timezone.clone());
    meeting.uuid = ids::instance_uuid(&mut account.rng);
    fields::apply(&mut meeting, &body, &request.dropped_settings, request.now);
    if !licensed {
        without_registration(&mut meeting);
    }
    let wanted = body.get("default_password").and_then(Value::as_bool).unwrap_or(true);
    if meeting.password.is_empty() && wanted && account.settings.default_passcode {
        meeting.password = ids::opaque(&mut account.rng, 6);
    }
    seal_password(account, &mut meeting);
    meeting.listed_from = request.now + chrono::Duration::seconds(account.settings.list_lag_secs.into());
    account.announcer(request.now).meeting_created(&meeting, &account.join_url(&meeting));
    let (number, answer) = (meeting.number, views::full(account, &meeting));
    account.insert_meeting(meeting);
    Ok(Answer::created(answer).about(number))
}

/// Who will host: the user of the path, or whom it is scheduled for.
fn host(account: &Account, caller: &str, body: &Map<String, Value>) -> Result<String, ApiError> {
    let host = match body.get("schedule_for").and_then(Value::as_str).filter(|key| !key.is_empty()) {
        None => account.users.get(caller),
        Some(_) if body.get("type").and_then(Value::as_i64) == Some(1) => {
            let message = "Instant meetings do not support the `schedule_for` parameter, and you can't schedule \
                           an instant meeting for another user.";
            return Err(ApiError::new(400, 3000, message));
        }
        Some(key) => Some(account.user(key).ok_or_else(|| {
            let message = "The value that you entered in the `schedule_for` field is invalid. Enter a valid value \
                           and try again.";
            ApiError::new(400, 300, message)
        })?),
    };
    // Only Basic and Licensed users can host.
    host.filter(|host| host.status == UserStatus::Active && matches!(host.kind, 1 | LICENSED))
        .map(|host| host.id.clone())
        .ok_or_else(ApiError::cannot_host)
}

/// Registration needs a licensed host; Zoom leaves it off without a word.
fn without_registration(meeting: &mut SandboxMeeting) {
    meeting.settings.insert("approval_type".to_owned(), json!(2));
}

fn seal_password(account: &mut Account, meeting: &mut SandboxMeeting) {
    meeting.encrypted_password = if meeting.password.is_empty() {
        String::new()
    } else {
        format!("{}.1", ids::opaque(&mut account.rng, ENCRYPTED_PASSWORD_LENGTH))
    };
}

/// `PATCH /meetings/{meetingId}`: 204, whatever was ignored.
pub(super) fn patch(account: &mut Account, request: &ApiRequest) -> Outcome {
    let meeting = account.meeting_of(request)?;
    let (number, host) = (meeting.number, meeting.host_id.clone());
    account.count_host(&host, request.now)?;
    let body = request.object()?;
    fields::check(&body)?;
    change(account, number, &body, &request.dropped_settings, request.now);
    Ok(Answer::done())
}

/// Changes a meeting and announces what differs.
fn change(account: &mut Account, number: u64, body: &Map<String, Value>, dropped: &[String], now: Instant) {
    let Some(before) = account.meetings.get(&number).cloned() else { return };
    let mut after = before.clone();
    fields::apply(&mut after, body, dropped, now);
    if account.users.get(&after.host_id).is_none_or(|host| host.kind != LICENSED) {
        without_registration(&mut after);
    }
    if after.password != before.password {
        seal_password(account, &mut after);
    }
    account.announcer(now).meeting_updated(&before, &after);
    account.meetings.insert(number, after);
}

/// `DELETE /meetings/{meetingId}`, the whole meeting or one occurrence.
pub(super) fn delete(account: &mut Account, request: &ApiRequest) -> Outcome {
    let number = account.meeting_of(request)?.number;
    if let Some(occurrence) = request.query("occurrence_id") {
        let meeting = account.meetings.get_mut(&number);
        let occurrences = meeting.map(|meeting| meeting.occurrences.iter_mut()).into_iter().flatten();
        let found = occurrences.filter(|run| !run.deleted).find(|run| run.occurrence_id == occurrence);
        let run = found.ok_or_else(|| ApiError::new(400, 300, "Invalid parameter: `occurrence_id`."))?;
        run.deleted = true;
        return Ok(Answer::done());
    }
    remove(account, number, request.now);
    Ok(Answer::done())
}

fn remove(account: &mut Account, number: u64, now: Instant) {
    if let Some(meeting) = account.meetings.get_mut(&number) {
        meeting.deleted_at = Some(now);
    }
    if let Some(meeting) = account.meetings.get(&number) {
        account.announcer(now).meeting_deleted(meeting);
    }
}

/// `PUT /meetings/{meetingId}/status`: ends the running instance, or recovers a deleted meeting. Ending what does
/// not run is answered as if it had.
pub(super) fn set_status(account: &mut Account, request: &ApiRequest) -> Outcome {
    let body = request.object()?;
    match body.get("action").and_then(Value::as_str) {
        Some("end") => {
            let meeting = account.meeting_of(request)?.clone();
            if let Some(uuid) = &meeting.live {
                end(account, &meeting, uuid, request.now);
            }
            Ok(Answer::done())
        }
        Some("recover") => {
            let key = request.param("meetingId");
            let number: u64 = key.parse().map_err(|_| ApiError::invalid_field("meetingId"))?;
            let meeting = account.meetings.get_mut(&number).ok_or_else(|| ApiError::no_meeting(&key))?;
            meeting.deleted_at = None;
            Ok(Answer::done())
        }
        _ => Err(ApiError::invalid_field("action")),
    }
}

/// Ends the running instance of a host who is Basic and has had their minutes; otherwise says when that will be.
pub(super) fn end_basic(account: &mut Account, number: u64, now: Instant) -> Option<Instant> {
    let minutes = account.settings.basic_minutes.filter(|minutes| *minutes > 0)?;
    let meeting = account.meetings.get(&number)?.clone();
    let uuid = meeting.live.as_ref()?;
    account.users.get(&meeting.host_id).filter(|host| host.kind != LICENSED)?;
    let over = account.instances.get(uuid)?.started + chrono::Duration::minutes(minutes.into());
    if now < over {
        return Some(over);
    }
    end(account, &meeting, uuid, now);
    None
}

/// Ends a running instance and tells its player.
fn end(account: &mut Account, meeting: &SandboxMeeting, uuid: &str, now: Instant) {
    let started = account.instances.get(uuid).map_or(now, |instance| instance.started);
    if account.end_instance(uuid, now) {
        account.announcer(now).meeting_ended(meeting, uuid, started);
        // Nobody listens where no class is played.
        let _ = account.ended.send(uuid.to_owned());
    }
}

/// Deletes a meeting as its host would in Zoom's own client.
pub(super) fn delete_behind(account: &mut Account, number: u64, now: Instant) -> Result<(), SandboxRefusal> {
    if account.meetings.get(&number).is_none_or(|meeting| meeting.deleted_at.is_some()) {
        return Err(SandboxRefusal::NoMeeting(number));
    }
    remove(account, number, now);
    Ok(())
}

/// Changes a meeting as its host would in Zoom's own client.
pub(super) fn patch_behind(
    account: &mut Account,
    number: u64,
    body: &Value,
    now: Instant,
) -> Result<(), SandboxRefusal> {
    if account.meetings.get(&number).is_none_or(|meeting| meeting.deleted_at.is_some()) {
        return Err(SandboxRefusal::NoMeeting(number));
    }
    let body = body.as_object().ok_or_else(|| SandboxRefusal::Invalid("not an object".to_owned()))?;
    fields::check(body).map_err(|error| SandboxRefusal::Invalid(error.body().to_string()))?;
    change(account, number, body, &[], now);
    Ok(())
}
