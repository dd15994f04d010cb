//! What may stand in the body of a meeting's create or update, and how it changes the meeting.

use chrono::{DateTime, NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::errors::ApiError;
use super::model::SandboxMeeting;
use super::recurrence;
use crate::clock::Instant;

const TOPIC_MAX: usize = 200;
const AGENDA_MAX: usize = 2_000;
const PASSWORD_MAX: usize = 10;
const DURATION_MINUTES: std::ops::RangeInclusive<i64> = 1..=1_440;
/// Instant, scheduled, recurring without and with a fixed time, screen share only.
const KINDS: [i64; 5] = [1, 2, 3, 8, 10];

/// The settings that must be true or false.
const SWITCHES: [&str; 18] = [
    "allow_multiple_devices",
    "alternative_hosts_email_notification",
    "close_registration",
    "email_notification",
    "focus_mode",
    "host_video",
    "join_before_host",
    "meeting_authentication",
    "mute_upon_entry",
    "participant_video",
    "private_meeting",
    "registrants_confirmation_email",
    "registrants_email_notification",
    "show_share_button",
    "use_pmi",
    "waiting_room",
    "watermark",
    "host_save_video_order",
];

/// What a meeting's settings are when nobody asked for anything.
pub(super) fn default_settings() -> Map<String, Value> {
    let defaults = json!({
        "host_video": false, "participant_video": false, "cn_meeting": false, "in_meeting": false,
        "join_before_host": false, "jbh_time": 0, "mute_upon_entry": false, "watermark": false, "use_pmi": false,
        "approval_type": 2, "audio": "both", "auto_recording": "none", "close_registration": false,
        "waiting_room": true, "registrants_email_notification": true, "registrants_confirmation_email": true,
        "meeting_authentication": false, "show_share_button": false, "allow_multiple_devices": false,
        "encryption_type": "enhanced_encryption", "alternative_hosts": "",
        "alternative_hosts_email_notification": true, "email_notification": true, "private_meeting": false,
        "host_save_video_order": false, "focus_mode": false, "meeting_invitees": [],
    });
    match defaults {
        Value::Object(defaults) => defaults,
        _ => Map::new(),
    }
}

/// Checks every field of a body; all faults are told at once.
pub(super) fn check(body: &Map<String, Value>) -> Result<(), ApiError> {
    let mut faults = Vec::new();
    let mut check = |valid: bool, field: &str| {
        if !valid {
            faults.push((field.to_owned(), "Invalid field.".to_owned()));
        }
    };
    let is_text =
        |value: &Value, most: usize| value.as_str().is_some_and(|text| text.chars().count() <= most);
    for (name, value) in body {
        let valid = match name.as_str() {
            "topic" => is_text(value, TOPIC_MAX),
            "agenda" => is_text(value, AGENDA_MAX),
            "password" => is_text(value, PASSWORD_MAX),
            "type" => value.as_i64().is_some_and(|kind| KINDS.contains(&kind)),
            "duration" => value.as_i64().is_some_and(|minutes| DURATION_MINUTES.contains(&minutes)),
            "timezone" => value.as_str().is_some_and(|name| name.parse::<Tz>().is_ok()),
            "start_time" => value.as_str().is_some_and(|text| parse_start(text, Tz::UTC).is_some()),
            "default_password" | "pre_schedule" => value.is_boolean(),
            "recurrence" => recurrence::is_valid(value),
            "settings" => value.is_object(),
            _ => true,
        };
        check(valid, name);
    }
    for (name, value) in body.get("settings").and_then(Value::as_object).into_iter().flatten() {
        let valid = match name.as_str() {
            "approval_type" => matches!(value.as_i64(), Some(0..=2)),
            "registration_type" => matches!(value.as_i64(), Some(1..=3)),
            "jbh_time" => matches!(value.as_i64(), Some(0 | 5 | 10 | 15)),
            "auto_recording" => matches!(value.as_str(), Some("local" | "cloud" | "none")),
            "audio" => matches!(value.as_str(), Some("both" | "telephony" | "voip" | "thirdParty")),
            "alternative_hosts" => value.is_string(),
            switch if SWITCHES.contains(&switch) => value.is_boolean(),
            _ => true,
        };
        check(valid, &format!("settings.{name}"));
    }
    if faults.is_empty() { Ok(()) } else { Err(ApiError::invalid_fields(faults)) }
}

/// Reads a start: with `Z` or an offset it is that moment, without it is local time in `zone`.
fn parse_start(text: &str, zone: Tz) -> Option<Instant> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(moment.to_utc());
    }
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").ok()?;
    zone.from_local_datetime(&local).earliest().map(|moment| moment.to_utc())
}

/// Lays a checked body over a meeting. A start in the past is the present on a create and ignored on an update;
/// so is a missing one.
pub(super) fn apply(
    meeting: &mut SandboxMeeting,
    body: &Map<String, Value>,
    dropped_settings: &[String],
    now: Instant,
) {
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| body.get(name).and_then(Value::as_i64);
    meeting.topic = text("topic").unwrap_or_else(|| meeting.topic.clone());
    meeting.agenda = text("agenda").unwrap_or_else(|| meeting.agenda.clone());
    meeting.timezone = text("timezone").unwrap_or_else(|| meeting.timezone.clone());
    meeting.kind = number("type").unwrap_or(meeting.kind);
    meeting.duration = number("duration").unwrap_or(meeting.duration);
    if let Some(password) = text("password") {
        meeting.password = password;
    }
    let zone = meeting.timezone.parse().unwrap_or(Tz::UTC);
    if let Some(start) = text("start_time").and_then(|text| parse_start(&text, zone)) {
        // Zoom keeps whole seconds.
        let start = start - chrono::Duration::milliseconds(start.timestamp_subsec_millis().into());
        if start > now {
            meeting.start = start;
        }
    }
    for (name, value) in body.get("settings").and_then(Value::as_object).into_iter().flatten() {
        if !dropped_settings.iter().any(|dropped| dropped == "*" || dropped == name) {
            meeting.settings.insert(name.clone(), value.clone());
        }
    }
    if let Some(fields) = body.get("tracking_fields") {
        meeting.tracking_fields = Some(fields.clone());
    }
    if let Some(rule) = body.get("recurrence") {
        meeting.recurrence = Some(rule.clone());
    }
    if meeting.kind == 8 {
        meeting.occurrences = recurrence::occurrences(meeting, zone);
    }
    meeting.updated_at = now;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn every_fault_of_a_body_is_told() {
        let body = object(json!({
            "topic": "x".repeat(201), "duration": 0, "timezone": "Mars/Olympus", "start_time": "tomorrow",
            "settings": {"waiting_room": "yes", "approval_type": 3, "whatever": 1},
        }));
        let fields: Vec<String> =
            check(&body).unwrap_err().fields.into_iter().map(|(field, _)| field).collect();
        let expected = [
            "duration",
            "start_time",
            "timezone",
            "topic",
            "settings.approval_type",
            "settings.waiting_room",
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn a_start_without_z_is_local_time() {
        let zone: Tz = "America/New_York".parse().unwrap();
        let local = parse_start("2026-03-02T10:00:00", zone).unwrap();
        assert_eq!(local, parse_start("2026-03-02T15:00:00Z", zone).unwrap());
    }
}
