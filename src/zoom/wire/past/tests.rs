//! Zoom's reports as they may come: whatever a field is, the other fields and rows are read.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn page(json: Value) -> ReportParticipantPage {
    serde_json::from_value(json).unwrap()
}

#[test]
fn an_odd_field_spoils_neither_its_row_nor_the_others() {
    let page = page(json!({
        "total_records": "3", "page_count": null, "next_page_token": 17,
        "participants": [
            { "name": "Zoë 李", "join_time": "2026-01-15T10:00:00Z", "duration": "1800", "failover": "true" },
            { "name": null, "join_time": 5, "duration": -3, "status": 7, "user_id": 16_778_240 },
            "no row", null, [1, 2],
            { "duration": 12.9, "failover": null },
        ],
    }));
    assert_eq!((page.total_records, page.page_count, page.next_page_token.as_deref()), (3, 0, Some("17")));
    let rows: Vec<&ReportParticipant> = page.participants.iter().flatten().collect();
    assert_eq!((rows.len(), page.participants.len()), (3, 6));
    assert_eq!((rows[0].name.as_deref(), rows[0].duration, rows[0].failover), (Some("Zoë 李"), 1800, true));
    assert_eq!(
        (rows[1].user_id.as_deref(), rows[1].duration, rows[1].join_time),
        (Some("16778240"), -3, None)
    );
    assert_eq!((rows[2].duration, rows[2].failover), (12, false));
}

#[test]
fn a_page_without_a_list_is_no_page() {
    for body in [json!({}), json!({ "participants": null }), json!({ "participants": "none" }), json!("x")] {
        assert!(serde_json::from_value::<ReportParticipantPage>(body.clone()).is_err(), "{body}");
    }
}

#[test]
fn details_with_numbers_as_texts_are_read() {
    let past: PastMeeting = serde_json::from_value(json!({
        "uuid": 1, "id": "83320360000", "type": "2", "duration": "44", "participants_count": "x",
        "total_minutes": 88.0, "start_time": "", "end_time": "2026-01-15T10:44:00Z", "user_name": null,
    }))
    .unwrap();
    assert_eq!((past.duration, past.participants_count, past.total_minutes), (Some(44), None, Some(88)));
    assert!(past.start_time.is_none() && past.end_time.is_some());
}

#[test]
fn a_run_that_is_none_is_left_out_of_the_list() {
    let past: PastInstances = serde_json::from_value(json!({
        "meetings": [{ "uuid": "a==" }, { "start_time": "2026-01-15T10:00:00Z" }, 5, { "uuid": "b==", "start_time": [] }]
    }))
    .unwrap();
    assert_eq!(past.meetings.iter().map(|run| run.uuid.as_str()).collect::<Vec<_>>(), ["a==", "b=="]);
    assert!(serde_json::from_value::<PastInstances>(json!({ "meetings": 3 })).unwrap().meetings.is_empty());
}

/// Any JSON, not too deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("2026-01-15T10:00:00Z")),
        Just(json!("9999-12-31T23:59:59Z")),
    ];
    leaf.prop_recursive(2, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(Map::from_iter(map))),
        ]
    })
}

const FIELDS: [&str; 13] = [
    "id",
    "user_id",
    "participant_user_id",
    "name",
    "user_email",
    "registrant_id",
    "customer_key",
    "bo_mtg_id",
    "join_time",
    "leave_time",
    "duration",
    "failover",
    "status",
];

/// A row with known fields of any shape.
fn any_row() -> impl Strategy<Value = Value> {
    proptest::collection::vec((proptest::sample::select(&FIELDS[..]), any_json()), 0..8).prop_map(|fields| {
        Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    })
}

proptest! {
    #[test]
    fn a_row_is_read_whatever_its_fields_are(row in any_row()) {
        let page = page(json!({ "participants": [row, { "name": "Ann" }] }));
        prop_assert!(page.participants[0].is_some());
        prop_assert_eq!(page.participants[1].as_ref().unwrap().name.as_deref(), Some("Ann"));
    }

    #[test]
    fn no_json_at_all_stops_the_reader(body in any_json(), rows in proptest::collection::vec(any_json(), 0..5)) {
        let _ = serde_json::from_value::<ReportParticipantPage>(body.clone());
        let _ = serde_json::from_value::<PastMeeting>(body.clone());
        let _ = serde_json::from_value::<PastInstances>(body.clone());
        let page = page(json!({ "participants": rows, "total_records": body }));
        prop_assert_eq!(page.participants.len(), rows.len());
    }
}
