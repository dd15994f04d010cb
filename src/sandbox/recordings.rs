//! Cloud recordings: what the API tells of them, and their trash.

use chrono::Duration;
use serde_json::{Map, Value, json};

use super::account::Account;
use super::announce::zoom_time;
use super::errors::ApiError;
use super::meeting_views::day;
use super::model::{SandboxInstance, SandboxRecording};
use super::request::{Answer, ApiRequest, Outcome};
use super::state::SandboxRefusal;
use crate::clock::Instant;
use crate::zoom::ids;

/// The largest page of recordings.
const PAGE_MAX: usize = 300;
/// The longest span of one listing.
const SPAN_DAYS_MAX: i64 = 31;
/// The longest life of a download token.
const DOWNLOAD_TTL_SECS_MAX: i64 = 604_800;
/// What a recording consists of: file type, recording type, bytes.
const FILES: [(&str, &str, u64); 3] = [
    ("MP4", "shared_screen_with_speaker_view", 262_144),
    ("M4A", "audio_only", 65_536),
    ("CHAT", "chat_file", 2_048),
];

/// Publishes the recording of an ended instance and announces it.
pub(super) fn publish(account: &mut Account, uuid: &str, now: Instant) -> Result<(), SandboxRefusal> {
    let instance =
        account.instances.get(uuid).ok_or_else(|| SandboxRefusal::NoInstance(uuid.to_owned()))?.clone();
    let ended =
        instance.ended.ok_or_else(|| SandboxRefusal::Invalid("the instance still runs".to_owned()))?;
    let mut recordings = Vec::new();
    for (file_type, recording_type, file_size) in FILES {
        recordings.push(SandboxRecording {
            id: ids::participant_uuid(&mut account.rng).to_lowercase(),
            file_type: file_type.to_owned(),
            recording_type: recording_type.to_owned(),
            file_size,
            start: instance.started,
            end: ended,
            trashed: false,
        });
    }
    let instance = SandboxInstance { recordings, ..instance };
    let token = account.grants.for_download(&mut account.rng, now, None);
    let mut object = view(account, &instance, false, "webhook_download");
    // Only the event tells these.
    let host_email = account.user(&instance.host_id).map(|host| host.email.clone()).unwrap_or_default();
    let password = ids::opaque(&mut account.rng, 8);
    if let Some(object) = object.as_object_mut() {
        object.insert("host_email".to_owned(), json!(host_email));
        object.insert("password".to_owned(), json!(password));
    }
    account.announcer(now).recording_completed(object, &token);
    account.instances.insert(uuid.to_owned(), instance);
    Ok(())
}

/// The recording of an instance; `way` is the segment of its download links.
fn view(account: &Account, instance: &SandboxInstance, trashed: bool, way: &str) -> Value {
    let files: Vec<&SandboxRecording> =
        instance.recordings.iter().filter(|file| file.trashed == trashed).collect();
    let total: u64 = files.iter().map(|file| file.file_size).sum();
    let minutes = instance.ended.map_or(0, |ended| (ended - instance.started).num_minutes());
    let views: Vec<Value> = files.iter().map(|file| file_view(account, instance, file, way)).collect();
    json!({
        "uuid": instance.uuid, "id": instance.number, "account_id": account.account_id,
        "host_id": instance.host_id, "topic": instance.topic, "type": instance.kind,
        "start_time": zoom_time(instance.started), "timezone": "", "duration": minutes,
        "total_size": total, "recording_count": views.len(), "recording_files": views,
        "share_url": format!("{}/rec/share/{}", account.base_url, ids::encode_uuid(&instance.uuid)),
    })
}

fn file_view(account: &Account, instance: &SandboxInstance, file: &SandboxRecording, way: &str) -> Value {
    let extension = if file.file_type == "CHAT" { "TXT" } else { file.file_type.as_str() };
    json!({
        "id": file.id, "meeting_id": instance.uuid, "file_type": file.file_type, "file_extension": extension,
        "file_size": file.file_size, "recording_type": file.recording_type, "status": "completed",
        "recording_start": zoom_time(file.start), "recording_end": zoom_time(file.end),
        "play_url": format!("{}/rec/play/{}", account.base_url, file.id),
        "download_url": format!("{}/rec/{way}/{}", account.base_url, file.id),
    })
}

fn has_files(instance: &SandboxInstance, trashed: bool) -> bool {
    instance.recordings.iter().any(|file| file.trashed == trashed)
}

/// `GET /users/{userId}/recordings`: today unless told otherwise, a month at most.
pub(super) fn list(account: &mut Account, request: &ApiRequest) -> Outcome {
    let host = account.user_of(request)?.id.clone();
    let today = request.now.date_naive();
    let to = day(request, "to")?.unwrap_or(today);
    let from = day(request, "from")?.unwrap_or(today).max(to - Duration::days(SPAN_DAYS_MAX));
    let trashed = request.flag("trash");
    let mut found: Vec<&SandboxInstance> = account
        .meetings_of(&host)
        .flat_map(|meeting| meeting.instances.iter().filter_map(|uuid| account.instances.get(uuid)))
        .filter(|instance| has_files(instance, trashed))
        .filter(|instance| (from..=to).contains(&instance.started.date_naive()))
        .collect();
    found.sort_by_key(|instance| std::cmp::Reverse(instance.started));
    let rows = found.into_iter().map(|instance| view(account, instance, trashed, "download")).collect();
    let mut page: Map<String, Value> = account.page(request, "meetings", PAGE_MAX, rows)?;
    page.insert("from".to_owned(), json!(from.to_string()));
    page.insert("to".to_owned(), json!(to.to_string()));
    Ok(Answer::ok(Value::Object(page)))
}

/// The instance the path names, if it has a recording.
fn recorded(account: &Account, request: &ApiRequest, trashed: bool) -> Result<SandboxInstance, ApiError> {
    let instance = account.instance_of(request).filter(|instance| has_files(instance, trashed));
    instance.cloned().ok_or_else(ApiError::no_recording)
}

/// `GET /meetings/{meetingId}/recordings`
pub(super) fn get(account: &mut Account, request: &ApiRequest) -> Outcome {
    let instance = recorded(account, request, false)?;
    let mut answer = view(account, &instance, false, "download");
    if let (Some(answer), Some("download_access_token")) =
        (answer.as_object_mut(), request.query("include_fields"))
    {
        let ttl = match request.query("ttl").map(str::parse::<i64>) {
            None => None,
            Some(Ok(secs)) if (0..=DOWNLOAD_TTL_SECS_MAX).contains(&secs) => Some(Duration::seconds(secs)),
            Some(_) => return Err(ApiError::invalid_field("ttl")),
        };
        let token = account.grants.for_download(&mut account.rng, request.now, ttl);
        answer.insert("download_access_token".to_owned(), json!(token));
    }
    Ok(Answer::ok(answer).about(instance.number))
}

/// `DELETE /meetings/{meetingId}/recordings`: to the trash, unless `action=delete`.
pub(super) fn delete(account: &mut Account, request: &ApiRequest) -> Outcome {
    let instance = recorded(account, request, false)?;
    discard(account, request, &instance, |_| true)
}

/// `DELETE /meetings/{meetingId}/recordings/{recordingId}`
pub(super) fn delete_file(account: &mut Account, request: &ApiRequest) -> Outcome {
    let instance = recorded(account, request, false)?;
    let id = request.param("recordingId");
    if !instance.recordings.iter().any(|file| file.id == id) {
        return Err(ApiError::no_recording());
    }
    discard(account, request, &instance, |file| file.id == id)
}

fn discard(
    account: &mut Account,
    request: &ApiRequest,
    instance: &SandboxInstance,
    is_meant: impl Fn(&SandboxRecording) -> bool,
) -> Outcome {
    let for_good = match request.query("action").unwrap_or("trash") {
        "trash" => false,
        "delete" => true,
        _ => return Err(ApiError::invalid_field("action")),
    };
    if let Some(known) = account.instances.get_mut(&instance.uuid) {
        known.recordings.retain(|file| !(for_good && is_meant(file)));
        for file in known.recordings.iter_mut().filter(|file| is_meant(file)) {
            file.trashed = true;
        }
    }
    Ok(Answer::done().about(instance.number))
}

/// `PUT /meetings/{meetingId}/recordings/status`: takes a recording back out of the trash.
pub(super) fn recover(account: &mut Account, request: &ApiRequest) -> Outcome {
    if request.object()?.get("action").and_then(Value::as_str) != Some("recover") {
        return Err(ApiError::invalid_field("action"));
    }
    let instance = recorded(account, request, true)?;
    if let Some(known) = account.instances.get_mut(&instance.uuid) {
        for file in &mut known.recordings {
            file.trashed = false;
        }
    }
    Ok(Answer { status: 200, ..Answer::done() }.about(instance.number))
}
