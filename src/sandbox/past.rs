//! Past meetings: details, instances, participants.

use std::collections::BTreeSet;

use chrono::Duration;
use serde_json::{Value, json};

use super::account::Account;
use super::announce::zoom_time;
use super::errors::ApiError;
use super::meeting_views::day;
use super::model::{Plan, ReportRow, SandboxInstance};
use super::request::{Answer, ApiRequest, Outcome};
use crate::clock::Instant;

/// The largest page of participants.
pub(super) const PAGE_MAX: usize = 300;
/// How long past meetings are told.
const YEAR_DAYS: i64 = 365;

/// Whether Zoom has counted an instance: a while after its end.
pub(super) fn counted(account: &Account, instance: &SandboxInstance, now: Instant) -> bool {
    let delay = Duration::seconds(account.settings.report_delay_secs.into());
    instance.ended.is_some_and(|ended| now >= ended + delay)
}

/// How many people were there; a person's devices and re-joins count once, the waiting room not at all.
pub(super) fn people(instance: &SandboxInstance) -> usize {
    let rows = instance.report.iter().filter(|row| row.status.as_deref() != Some("in_waiting_room"));
    rows.map(identity).collect::<BTreeSet<_>>().len()
}

fn identity(row: &ReportRow) -> &str {
    let known = [&row.participant_user_id, &row.id, &row.registrant_id, &row.user_email, &row.name];
    known.into_iter().flatten().map(String::as_str).find(|text| !text.is_empty()).unwrap_or_default()
}

/// The ended instance the path names, not older than a year.
pub(super) fn ended<'a>(
    account: &'a Account,
    request: &ApiRequest,
    missing: fn(&str) -> ApiError,
) -> Result<&'a SandboxInstance, ApiError> {
    let instance = account.instance_of(request).filter(|instance| instance.ended.is_some());
    let instance = instance.ok_or_else(|| missing(&request.param("meetingId")))?;
    if instance.started < request.now - Duration::days(YEAR_DAYS) {
        return Err(ApiError::new(400, 12_702, "Can not access a meeting a year ago."));
    }
    Ok(instance)
}

/// The fields that details and reports share. Until Zoom has counted, the duration is 0.
pub(super) fn details(account: &Account, instance: &SandboxInstance, now: Instant) -> Value {
    let host = account.users.get(&instance.host_id);
    let ended = instance.ended.unwrap_or(now);
    let ready = counted(account, instance, now);
    let minutes = |span: Duration| (span.num_seconds() + 59) / 60;
    let attended: i64 = instance.report.iter().map(|row| (row.duration + 59) / 60).sum();
    json!({
        "uuid": instance.uuid, "id": instance.number, "type": instance.kind, "topic": instance.topic,
        "user_name": host.map_or("", |host| host.display_name.as_str()),
        "user_email": host.map_or("", |host| host.email.as_str()),
        "dept": "",
        "start_time": zoom_time(instance.started), "end_time": zoom_time(ended),
        "duration": if ready { minutes(ended - instance.started) } else { 0 },
        "total_minutes": if ready { attended } else { 0 },
        "participants_count": if ready { people(instance) } else { 0 },
    })
}

/// `GET /past_meetings/{meetingId}`
pub(super) fn get(account: &mut Account, request: &ApiRequest) -> Outcome {
    let instance = ended(account, request, ApiError::no_meeting)?;
    let mut fields = details(account, instance, request.now);
    if let Some(fields) = fields.as_object_mut() {
        fields.insert("host_id".to_owned(), json!(instance.host_id));
        fields.insert("source".to_owned(), json!("Zoom"));
        fields.insert("has_meeting_summary".to_owned(), json!(false));
    }
    Ok(Answer::ok(fields).about(instance.number))
}

/// `GET /past_meetings/{meetingId}/instances`: the ended ones; `from` and `to` count only together.
pub(super) fn instances(account: &mut Account, request: &ApiRequest) -> Outcome {
    let key = request.param("meetingId");
    let number: u64 = key.parse().map_err(|_| ApiError::no_meeting(&key))?;
    let meeting = account.meetings.get(&number).ok_or_else(|| ApiError::no_meeting(&key))?;
    let range = day(request, "from")?.zip(day(request, "to")?);
    let rows: Vec<Value> = meeting
        .instances
        .iter()
        .filter_map(|uuid| account.instances.get(uuid))
        .filter(|instance| instance.ended.is_some())
        .filter(|instance| {
            let date = instance.started.date_naive();
            range.is_none_or(|(from, to)| (from..=to).contains(&date))
        })
        .map(|instance| json!({"uuid": instance.uuid, "start_time": zoom_time(instance.started)}))
        .collect();
    Ok(Answer::ok(json!({"meetings": rows})))
}

/// `GET /past_meetings/{meetingId}/participants`: needs a paid plan; leaves out meetings of one person.
pub(super) fn participants(account: &mut Account, request: &ApiRequest) -> Outcome {
    if account.settings.plan == Plan::Free {
        let message = format!("Only available for paid account: {}", account.account_id);
        return Err(ApiError::new(400, 200, message));
    }
    let instance = ended(account, request, ApiError::no_meeting)?;
    let (number, host) = (instance.number, instance.host_id.clone());
    let ready = counted(account, instance, request.now);
    let rows = if people(instance) < 2 { Vec::new() } else { sorted(instance) };
    let rows = rows.iter().map(|row| view(account, row, ready, request, &host)).collect();
    Ok(Answer::ok(Value::Object(account.page(request, "participants", PAGE_MAX, rows)?)).about(number))
}

/// The rows in the order of joining.
pub(super) fn sorted(instance: &SandboxInstance) -> Vec<ReportRow> {
    let mut rows = instance.report.clone();
    rows.sort_by(|one, other| (one.join_time, &one.user_id).cmp(&(other.join_time, &other.user_id)));
    rows
}

fn view(account: &Account, row: &ReportRow, ready: bool, request: &ApiRequest, host: &str) -> Value {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let time = |value: Option<Instant>| value.map(zoom_time).unwrap_or_default();
    let internal = row.id.as_deref().is_some_and(|id| id == host || account.users.contains_key(id));
    let mut view = json!({
        "id": text(&row.id), "name": text(&row.name), "user_id": text(&row.user_id),
        "user_email": text(&row.user_email), "join_time": time(row.join_time),
        "leave_time": time(row.leave_time), "duration": if ready { row.duration } else { 0 },
        "failover": row.failover, "status": row.status.as_deref().unwrap_or("in_meeting"),
        "internal_user": internal,
    });
    if let (Some(view), true) = (view.as_object_mut(), wants_registrant_id(request)) {
        view.insert("registrant_id".to_owned(), json!(text(&row.registrant_id)));
    }
    view
}

/// `include_fields=registrant_id`
pub(super) fn wants_registrant_id(request: &ApiRequest) -> bool {
    request
        .query("include_fields")
        .is_some_and(|fields| fields.split(',').any(|field| field == "registrant_id"))
}
