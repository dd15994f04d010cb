//! What is told of a class, and in which order.

use serde_json::{Value, json};

use super::*;

fn facts() -> Facts {
    Facts {
        account_id: "account".to_owned(),
        number: "81234567890".to_owned(),
        uuid: "Jt4PAh1jSaiRSDnd90ssWA==".to_owned(),
        host_id: "host".to_owned(),
        host_email: "grace@school.example".to_owned(),
        topic: "Algebra".to_owned(),
        kind: 2,
        timezone: "UTC".to_owned(),
        planned: Planned { start: Instant::default(), duration: 45 },
    }
}

fn class(ended_first: bool, devices: &Value) -> Timetable {
    serde_json::from_value(json!({
        "meeting": "81234567890", "ended_first": ended_first, "host_ends": ["45m"],
        "persons": [{"name": "Grace", "role": "host", "devices": [["0s join"]]},
            {"name": "Ada", "email": "ada@school.example", "devices": devices}],
    }))
    .unwrap()
}

/// Names and participant user ids of what is sent.
fn told(performance: &Performance) -> Vec<(String, String)> {
    let events = performance.sendings.iter().map(|sending| &sending.event);
    let user_id = |body: &[u8]| {
        let body: Value = serde_json::from_slice(body).unwrap();
        body["payload"]["object"]["participant"]["user_id"].as_str().unwrap_or("-").to_owned()
    };
    let short = |name: &str| name.replace("meeting.", "").replace("participant_", "");
    events.map(|event| (short(&event.name), user_id(&event.body))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, id)| ((*name).to_owned(), (*id).to_owned())).collect()
}

#[test]
fn a_class_is_told_in_the_order_of_things_with_the_end_overtaking_the_leavings() {
    let devices = json!([["-1m wait", "1m admit", "10m breakout Blue", "20m return", "30m leave"]]);
    let performance = perform(&class(true, &devices), &facts()).unwrap();
    assert_eq!(
        told(&performance),
        pairs(&[
            ("joined_waiting_room", "16778240"),
            ("started", "-"),
            ("joined", "16779264"),
            ("admitted", "16778240"),
            ("joined", "16780288"),
            ("left", "16780288"),
            ("joined_breakout_room", "16781312"),
            ("joined", "16782336"),
            ("left_breakout_room", "16781312"),
            ("left", "16782336"),
            ("ended", "-"),
            ("left", "16779264"),
        ])
    );
    let rows = &performance.instances[0].rows;
    let statuses: Vec<_> = rows.iter().map(|row| row.status.clone().unwrap()).collect();
    assert_eq!(statuses.iter().filter(|status| *status == "in_waiting_room").count(), 1);
    assert_eq!(rows.iter().filter(|row| row.bo_mtg_id.is_some()).count(), 1);
    assert_eq!(rows[0].user_email, None, "the address of a guest is hidden");
    assert_eq!(rows[1].user_email.as_deref(), Some("grace@school.example"));
}

#[test]
fn a_guest_before_the_host_is_announced_before_the_start() {
    let performance = perform(&class(false, &json!([["-1m join", "10m leave"]])), &facts()).unwrap();
    let names: Vec<_> = told(&performance).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[..3], ["jbh_joined", "started", "joined"]);
    assert_eq!(names.last().unwrap(), "ended");
}

#[test]
fn the_same_seed_plays_the_same_class_and_its_first_half_begins_alike() {
    let whole = class(true, &json!([["0s join", "10m die 60s", "10m10s join", "30m leave"]]));
    let performance = perform(&whole, &facts()).unwrap();
    assert_eq!(performance, perform(&whole, &facts()).unwrap());
    let half = Timetable { host_ends: vec![super::super::timetable::Offset(900)], ..whole };
    let half = perform(&half, &facts());
    assert!(half.is_ok(), "a leave after the host has ended the meeting is harmless");
    assert_eq!(half.unwrap().sendings[..5], performance.sendings[..5]);
}
