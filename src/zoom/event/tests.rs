//! Bodies as they come, and as they should not.

use proptest::prelude::*;

use super::{EventError, parse};
use crate::domain::events::{EventKind, ParticipantEvent};

fn joined(body: &str) -> ParticipantEvent {
    match parse(body.as_bytes()).unwrap().kind {
        EventKind::Joined(participant) => participant,
        other => panic!("not a join: {other:?}"),
    }
}

fn join_of(participant: &str) -> ParticipantEvent {
    joined(&format!(
        r#"{{"event":"meeting.participant_joined","payload":{{"object":{{"id":1,"participant":{participant}}}}}}}"#
    ))
}

#[test]
fn empty_null_and_absent_are_all_unknown() {
    for participant in [
        r#"{"user_id":"1","email":"","registrant_id":null}"#,
        r#"{"user_id":"1"}"#,
        r#"{"user_id":1,"email":{}}"#,
    ] {
        let p = join_of(participant);
        assert_eq!(
            (p.email, p.registrant_id, p.user_id.as_deref()),
            (None, None, Some("1")),
            "{participant}"
        );
    }
}

#[test]
fn ids_beyond_the_precision_of_a_double_survive() {
    let p = join_of(r#"{"user_id":9007199254740993,"phone_number":18446744073709551615}"#);
    assert_eq!(p.user_id.as_deref(), Some("9007199254740993"));
    assert_eq!(p.phone.as_deref(), Some("18446744073709551615"));
}

#[test]
fn the_join_time_stands_in_for_and_before_the_date_time() {
    let time = |fields: &str| join_of(fields).at.map(|at| at.timestamp());
    assert_eq!(time(r#"{"date_time":"2021-07-13T21:44:51Z"}"#), Some(1_626_212_691));
    assert_eq!(
        time(r#"{"join_time":"2021-07-13T21:44:52Z","date_time":"2021-07-13T21:44:51Z"}"#),
        Some(1_626_212_692)
    );
    assert_eq!(time(r#"{"join_time":" ","date_time":"2021-07-13T21:44:51Z"}"#), Some(1_626_212_691));
    assert_eq!(time(r#"{"join_time":808591414808591414}"#), None);
}

#[test]
fn the_account_is_the_participant_user_id_else_the_id() {
    assert_eq!(join_of(r#"{"id":"a","participant_user_id":""}"#).zoom_user_id.as_deref(), Some("a"));
    assert_eq!(join_of(r#"{"id":"","participant_user_id":"b"}"#).zoom_user_id.as_deref(), Some("b"));
    assert_eq!(join_of(r#"{"id":"a","participant_user_id":"b"}"#).zoom_user_id.as_deref(), Some("b"));
}

#[test]
fn half_an_emoji_does_not_cost_the_join() {
    assert_eq!(join_of(r#"{"user_id":"7","user_name":"Ann \ud83d"}"#).name, "Ann \u{fffd}");
    assert_eq!(join_of(r#"{"user_id":"7","user_name":"J\u00e1n \ud83d\ude00"}"#).name, "Ján 😀");
    let mut body =
        br#"{"event":"meeting.participant_joined","payload":{"object":{"participant":{"user_name":""#
            .to_vec();
    body.extend_from_slice(b"Ann \xf0\x9f\"}}}}");
    assert!(matches!(parse(&body).unwrap().kind, EventKind::Joined(p) if p.name.starts_with("Ann")));
}

#[test]
fn a_uuid_with_a_slash_is_only_a_text() {
    let body = br#"{"event":"meeting.ended","event_ts":1626230691572,"payload":{"object":{"id":"1","uuid":"\/ajXp112QmuoKj4854875==","duration":808591414,"end_time":"2021-07-13T23:00:51Z"}}}"#;
    let event = parse(body).unwrap();
    assert_eq!(event.meeting.unwrap().uuid.as_deref(), Some("/ajXp112QmuoKj4854875=="));
    assert_eq!(event.event_ts.unwrap().timestamp_millis(), 1_626_230_691_572);
    let EventKind::Ended { start_time, end_time } = event.kind else { panic!("not an end") };
    assert_eq!((start_time, end_time.unwrap().timestamp()), (None, 1_626_217_251));
}

#[test]
fn odd_shapes_of_known_events_are_still_events() {
    for payload in [
        "null",
        "[]",
        "\"x\"",
        "3.5",
        "true",
        "-1",
        r#"{"object":[1]}"#,
        r#"{"object":{"participant":"Ann"}}"#,
    ] {
        let body = format!(r#"{{"event":"meeting.participant_left","event_ts":{{}},"payload":{payload}}}"#);
        let event = parse(body.as_bytes()).unwrap();
        assert!(matches!(event.kind, EventKind::Left(_)), "{payload}");
        assert_eq!((event.meeting, event.event_ts), (None, None));
    }
}

#[test]
fn a_user_is_no_meeting() {
    let event = parse(br#"{"event":"user.updated","payload":{"object":{"id":"u"}}}"#).unwrap();
    assert_eq!((event.meeting, event.kind), (None, EventKind::Other));
}

#[test]
fn what_is_no_event_is_an_error() {
    for body in ["", "{", "not json", "{\"event\":\"a\"} x"] {
        assert!(matches!(parse(body.as_bytes()), Err(EventError::NotJson(_))), "{body}");
    }
    for body in ["{}", r#"{"event":null}"#, r#"{"event":""}"#] {
        assert!(matches!(parse(body.as_bytes()), Err(EventError::Nameless)), "{body}");
    }
}

#[test]
fn text_that_no_database_can_hold_is_cleaned() {
    assert_eq!(join_of(r#"{"user_name":"A\u0000nn"}"#).name, "Ann");
    assert_eq!(join_of(r#"{"email":"\u0000"}"#).email, None);
}

proptest! {
    #[test]
    fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&body).is_ok();
    }

    #[test]
    fn no_printable_text_in_a_name_gets_lost(name in "\\PC{1,40}") {
        let quoted = serde_json::to_string(&name).unwrap();
        prop_assert_eq!(join_of(&format!(r#"{{"user_name":{quoted}}}"#)).name, name);
    }

    #[test]
    fn a_body_cut_anywhere_is_no_event_and_no_panic(length in 0_usize..120) {
        let body = br#"{"event":"meeting.participant_joined","payload":{"object":{"participant":{"user_name":"A\ud83d\ude00\u00e4"}}}}"#;
        let cut = length.min(body.len() - 1);
        prop_assert!(parse(&body[..cut]).is_err());
    }
}
