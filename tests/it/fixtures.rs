//! Every webhook body we own, captured or official, is read without loss.
//!
//! The bodies lie in `$ZOOM_FACTS_DIR/fixtures` (default `../shared/zoom`). What a participant event must become is
//! read a second time here, out of a full JSON tree and by the book, and compared field by field.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use convened::domain::events::{EventKind, ParticipantEvent, ZoomEvent};
use convened::zoom::envelope;
use convened::zoom::event::parse;
use serde_json::Value;

struct Fixture {
    name: String,
    body: Vec<u8>,
    json: Value,
}

/// The bodies in one folder; none, and a loud line, where the folder is missing.
fn fixtures(folder: &str) -> Vec<Fixture> {
    let facts = std::env::var("ZOOM_FACTS_DIR")
        .map_or_else(|_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/zoom"), PathBuf::from);
    let folder = facts.join("fixtures").join(folder);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("LEFT OUT: no fixtures in {}; set ZOOM_FACTS_DIR", folder.display());
        return Vec::new();
    };
    let mut all = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        let body = std::fs::read(&path).unwrap();
        let json = serde_json::from_slice(&body).unwrap();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        all.push(Fixture { name, body, json });
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

fn every_fixture() -> impl Iterator<Item = Fixture> {
    ["webhooks-captured", "webhooks-official"].into_iter().flat_map(fixtures)
}

/// A scalar as text; `""`, null and absent are `None`.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn time(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok()).map(|time| time.to_utc())
}

fn parsed(fixture: &Fixture) -> ZoomEvent {
    parse(&fixture.body).unwrap_or_else(|error| panic!("{}: {error}", fixture.name))
}

#[test]
fn every_event_keeps_its_name_its_time_and_its_meeting() {
    for fixture in every_fixture() {
        let (event, object) = (parsed(&fixture), &fixture.json["payload"]["object"]);
        assert_eq!(Some(event.name.as_str()), fixture.json["event"].as_str(), "{}", fixture.name);
        let millis = event.event_ts.map(|at| at.timestamp_millis());
        assert_eq!(millis, fixture.json["event_ts"].as_i64(), "{}", fixture.name);
        let of_meeting = event.name.starts_with("meeting.") || event.name.starts_with("recording.");
        let number = text(&object["id"]).filter(|_| of_meeting);
        assert_eq!(event.meeting.as_ref().map(|m| m.number.clone()), number, "{}", fixture.name);
        if let Some(meeting) = event.meeting {
            assert_eq!(meeting.uuid, text(&object["uuid"]), "{}", fixture.name);
            assert_eq!(meeting.host_id, text(&object["host_id"]), "{}", fixture.name);
        }
    }
}

#[test]
fn the_envelope_routes_an_event_to_the_meeting_it_is_about() {
    for fixture in every_fixture() {
        let event = parsed(&fixture);
        let envelope =
            envelope::read(&fixture.body).unwrap_or_else(|error| panic!("{}: {error}", fixture.name));
        assert_eq!(envelope.event, event.name, "{}", fixture.name);
        assert_eq!(envelope.plain_token.map(String::from), text(&fixture.json["payload"]["plainToken"]));
        // One sample has a placeholder for a number; the envelope knows better than to route by it.
        if let Some(meeting) = event.meeting.filter(|m| m.number.bytes().all(|byte| byte.is_ascii_digit())) {
            assert_eq!(envelope.meeting_number.as_deref(), Some(meeting.number.as_str()), "{}", fixture.name);
            assert_eq!(envelope.instance_uuid.map(String::from), meeting.uuid, "{}", fixture.name);
        }
    }
}

#[test]
fn instances_start_and_end_when_the_payload_says() {
    for fixture in every_fixture() {
        let object = &fixture.json["payload"]["object"];
        let expected = match fixture.json["event"].as_str() {
            Some("meeting.started") => EventKind::Started { start_time: time(&object["start_time"]) },
            Some("meeting.ended") => EventKind::Ended {
                start_time: time(&object["start_time"]),
                end_time: time(&object["end_time"]),
            },
            _ => continue,
        };
        assert_eq!(parsed(&fixture).kind, expected, "{}", fixture.name);
    }
}

/// Which of the payload's times is the event's, in order of trust.
const TIMES: [(&str, [&str; 2]); 11] = [
    ("meeting.participant_joined", ["join_time", "date_time"]),
    ("meeting.participant_left", ["leave_time", "date_time"]),
    ("meeting.participant_joined_breakout_room", ["join_time", "date_time"]),
    ("meeting.participant_left_breakout_room", ["leave_time", "date_time"]),
    ("meeting.participant_joined_waiting_room", ["date_time", "date_time"]),
    ("meeting.participant_left_waiting_room", ["date_time", "date_time"]),
    ("meeting.participant_put_in_waiting_room", ["date_time", "date_time"]),
    ("meeting.participant_admitted", ["date_time", "date_time"]),
    ("meeting.participant_jbh_waiting", ["date_time", "date_time"]),
    ("meeting.participant_jbh_joined", ["date_time", "date_time"]),
    ("meeting.participant_role_changed", ["date_time", "date_time"]),
];

/// What the book makes of `payload.object.participant`.
fn by_the_book(participant: &Value, times: [&str; 2]) -> ParticipantEvent {
    let field = |name: &str| text(&participant[name]);
    let mut expected = ParticipantEvent {
        participant_uuid: field("participant_uuid"),
        user_id: field("user_id"),
        parent_user_id: field("parent_user_id"),
        zoom_user_id: field("participant_user_id").or_else(|| field("id")),
        registrant_id: field("registrant_id"),
        email: field("email"),
        customer_key: field("customer_key"),
        name: field("user_name").unwrap_or_default(),
        phone: field("phone_number"),
        at: times.into_iter().find_map(|name| time(&participant[name])),
        leave_reason: field("leave_reason"),
        ..ParticipantEvent::default()
    };
    expected.connection = convened::domain::events::ConnectionKey::new(
        expected.participant_uuid.as_deref(),
        expected.user_id.as_deref(),
        expected.zoom_user_id.as_deref(),
        &expected.name,
    );
    expected
}

#[test]
fn participants_keep_every_identity_and_time() {
    let mut seen = Vec::new();
    for fixture in every_fixture() {
        let event = parsed(&fixture);
        let Some((name, times)) = TIMES.iter().find(|(name, _)| *name == event.name) else {
            assert_eq!(event.kind.participant(), None, "{}", fixture.name);
            continue;
        };
        seen.push(*name);
        let expected = by_the_book(&fixture.json["payload"]["object"]["participant"], *times);
        assert_eq!(event.kind.participant(), Some(&expected), "{}", fixture.name);
        let has_time =
            times.iter().any(|field| !fixture.json["payload"]["object"]["participant"][field].is_null());
        assert_eq!(expected.at.is_some(), has_time, "{}: its time was not understood", fixture.name);
    }
    if !seen.is_empty() {
        assert!(
            TIMES.iter().all(|(name, _)| seen.contains(name)),
            "a kind of event has no fixture: {seen:?}"
        );
    }
}
