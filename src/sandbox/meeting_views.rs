//! Reading meetings: details, lists, the invitation.

use chrono::{Duration, NaiveDate};
use serde_json::{Map, Value, json};

use super::account::Account;
use super::announce::zoom_time;
use super::errors::ApiError;
use super::model::SandboxMeeting;
use super::request::{Answer, ApiRequest, Outcome};
use super::user_reads;
use crate::clock::Instant;

/// The largest page of meetings.
const PAGE_MAX: usize = 300;
/// How much of the agenda a list shows.
const AGENDA_IN_LISTS: usize = 250;
/// How far the lists of coming and past meetings look.
const HALF_A_YEAR_DAYS: i64 = 183;
/// How long a `start_url` works.
const START_URL_SECS: u32 = 7_200;

/// `GET /meetings/{meetingId}`: a fresh `start_url` each time.
pub(super) fn get(account: &mut Account, request: &ApiRequest) -> Outcome {
    let meeting = account.meeting_of(request)?.clone();
    Ok(Answer::ok(full(account, &meeting)))
}

/// A meeting with everything Zoom tells of it.
pub(super) fn full(account: &mut Account, meeting: &SandboxMeeting) -> Value {
    let zak = user_reads::zak(account, &meeting.host_id, START_URL_SECS);
    let host_email = account.users.get(&meeting.host_id).map_or("", |host| host.email.as_str());
    let join_url = account.join_url(meeting);
    let mut fields = summary(account, meeting);
    fields.extend([
        ("host_email".to_owned(), json!(host_email)),
        ("agenda".to_owned(), json!(meeting.agenda)),
        ("assistant_id".to_owned(), json!("")),
        ("status".to_owned(), json!(if meeting.live.is_some() { "started" } else { "waiting" })),
        ("start_url".to_owned(), json!(format!("{}/s/{}?zak={zak}", account.base_url, meeting.number))),
        ("chat_join_url".to_owned(), json!(join_url)),
        ("settings".to_owned(), Value::Object(meeting.settings.clone())),
        ("pre_schedule".to_owned(), json!(false)),
        ("creation_source".to_owned(), json!("open_api")),
    ]);
    if !meeting.password.is_empty() {
        fields.extend([
            ("password".to_owned(), json!(meeting.password)),
            ("h323_password".to_owned(), json!(meeting.password)),
            ("pstn_password".to_owned(), json!(meeting.password)),
            ("encrypted_password".to_owned(), json!(meeting.encrypted_password)),
        ]);
    }
    if meeting.registration_on() {
        let url = format!("{}/meeting/register/{}", account.base_url, meeting.number);
        fields.insert("registration_url".to_owned(), json!(url));
    }
    if let Some(recurrence) = &meeting.recurrence {
        fields.insert("recurrence".to_owned(), recurrence.clone());
    }
    if let Some(tracking) = &meeting.tracking_fields {
        fields.insert("tracking_fields".to_owned(), tracking.clone());
    }
    if meeting.kind == 8 {
        let runs: Vec<Value> = meeting
            .occurrences
            .iter()
            .filter(|run| !run.deleted)
            .map(|run| {
                json!({
                    "occurrence_id": run.occurrence_id, "start_time": zoom_time(run.start_time),
                    "duration": run.duration, "status": "available",
                })
            })
            .collect();
        fields.insert("occurrences".to_owned(), Value::Array(runs));
    }
    Value::Object(fields)
}

/// A meeting as lists show it.
fn summary(account: &Account, meeting: &SandboxMeeting) -> Map<String, Value> {
    let mut fields = Map::from_iter([
        ("uuid".to_owned(), json!(meeting.uuid)),
        ("id".to_owned(), json!(meeting.number)),
        ("host_id".to_owned(), json!(meeting.host_id)),
        ("topic".to_owned(), json!(meeting.topic)),
        ("type".to_owned(), json!(meeting.kind)),
        ("duration".to_owned(), json!(meeting.duration)),
        ("timezone".to_owned(), json!(meeting.timezone)),
        ("created_at".to_owned(), json!(zoom_time(meeting.created_at))),
        ("join_url".to_owned(), json!(account.join_url(meeting))),
    ]);
    if !meeting.agenda.is_empty() {
        let cut: String = meeting.agenda.chars().take(AGENDA_IN_LISTS).collect();
        fields.insert("agenda".to_owned(), json!(cut));
    }
    // Instant meetings and recurring ones without a fixed time have no start.
    if !matches!(meeting.kind, 1 | 3) {
        fields.insert("start_time".to_owned(), json!(zoom_time(meeting.start)));
    }
    fields
}

/// `GET /users/{userId}/meetings`: never instant, expired or deleted ones; new ones after the list's lag.
pub(super) fn list(account: &mut Account, request: &ApiRequest) -> Outcome {
    let host = account.user_of(request)?.id.clone();
    let (from, to) = (day(request, "from")?, day(request, "to")?);
    let wanted = |meeting: &SandboxMeeting| {
        let date = meeting.start.date_naive();
        from.is_none_or(|from| date >= from) && to.is_none_or(|to| date <= to)
    };
    let rows = match request.query("type").unwrap_or("scheduled") {
        "previous_meetings" => previous(account, &host, request.now),
        kind @ ("scheduled" | "live" | "upcoming" | "upcoming_meetings") => {
            let mut found: Vec<&SandboxMeeting> = account
                .meetings_of(&host)
                .filter(|meeting| listed(meeting, request.now) && is_of(meeting, kind, request.now))
                .filter(|meeting| wanted(meeting))
                .collect();
            found.sort_by_key(|meeting| (meeting.start, meeting.number));
            found.into_iter().map(|meeting| Value::Object(summary(account, meeting))).collect()
        }
        _ => return Err(ApiError::invalid_field("type")),
    };
    Ok(Answer::ok(Value::Object(account.page(request, "meetings", PAGE_MAX, rows)?)))
}

fn listed(meeting: &SandboxMeeting, now: Instant) -> bool {
    meeting.deleted_at.is_none() && meeting.kind != 1 && meeting.listed_from <= now && !meeting.expired(now)
}

fn is_of(meeting: &SandboxMeeting, kind: &str, now: Instant) -> bool {
    match kind {
        "live" => meeting.live.is_some(),
        "scheduled" => true,
        _ => meeting.end() > now && meeting.start < now + Duration::days(HALF_A_YEAR_DAYS),
    }
}

/// The ended instances of a host, the latest first.
fn previous(account: &Account, host: &str, now: Instant) -> Vec<Value> {
    let instances = account.meetings_of(host).flat_map(|meeting| {
        let uuids = meeting.instances.iter().filter_map(|uuid| account.instances.get(uuid));
        uuids.map(move |instance| (meeting, instance))
    });
    let mut found: Vec<_> = instances
        .filter(|(_, instance)| {
            instance.ended.is_some_and(|ended| ended > now - Duration::days(HALF_A_YEAR_DAYS))
        })
        .collect();
    found.sort_by_key(|(_, instance)| std::cmp::Reverse(instance.started));
    let row = |(meeting, instance): (&SandboxMeeting, &super::model::SandboxInstance)| {
        let mut fields = summary(account, meeting);
        fields.insert("uuid".to_owned(), json!(instance.uuid));
        fields.insert("start_time".to_owned(), json!(zoom_time(instance.started)));
        Value::Object(fields)
    };
    found.into_iter().map(row).collect()
}

/// A `yyyy-mm-dd` of the query.
pub(super) fn day(request: &ApiRequest, name: &str) -> Result<Option<NaiveDate>, ApiError> {
    let parsed = request.query(name).map(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d"));
    parsed.transpose().map_err(|_| ApiError::invalid_field(name))
}

/// `GET /meetings/{meetingId}/invitation`
pub(super) fn invitation(account: &mut Account, request: &ApiRequest) -> Outcome {
    let meeting = account.meeting_of(request)?;
    let host = account.users.get(&meeting.host_id).map_or("", |host| host.display_name.as_str());
    let text = format!(
        "{host} is inviting you to a scheduled Zoom meeting.\r\n\r\nTopic: {}\r\nTime: {}\r\n\r\nJoin Zoom Meeting\r\n{}\
         \r\n\r\nMeeting ID: {}\r\nPasscode: {}\r\n",
        meeting.topic,
        zoom_time(meeting.start),
        account.join_url(meeting),
        meeting.number,
        meeting.password,
    );
    Ok(Answer::ok(json!({"invitation": text, "sip_links": []})))
}
