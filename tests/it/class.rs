//! The main job, end to end, with the real binary: a booking becomes a Zoom meeting, the class is followed live,
//! and its roster is scored as the sandbox's ground truth says.

use std::collections::BTreeSet;

use convened::zoom::http::Method;
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::listener::Listener;
use crate::support::rig::Rig;

/// How fast the common clock runs: a lesson of 45 minutes lasts some seven seconds.
const SPEED: f64 = 400.0;

const PUPILS: [&str; 6] = ["ada", "boole", "cantor", "dijkstra", "euler", "frege"];

/// The people, the class and its booking; gives the ids of the booking and of its meeting.
async fn book(rig: &Rig) -> (String, String) {
    let host =
        json!({ "email": "reyes@school.example", "first_name": "Ana", "last_name": "Reyes", "type": 2 });
    rig.control(Method::POST, "/users", Some(host)).await;
    let host = json!({ "name": "Ana Reyes", "email": "reyes@school.example", "role": "host" });
    rig.put("/api/people/reyes", host).await;
    let mut members = vec![json!({ "person": "reyes", "role": "host" })];
    for pupil in PUPILS {
        let person = json!({ "name": name(pupil), "email": email(pupil), "role": "attendee" });
        rig.put(&format!("/api/people/{pupil}"), person).await;
        members.push(json!({ "person": pupil, "role": "attendee" }));
    }
    let group = json!({ "kind": "class", "name": "Algebra 7b", "members": members });
    rig.put("/api/groups/algebra-7b", group).await;
    let booking = json!({
        "kind": "class", "title": "Algebra", "group": "algebra-7b",
        "start_time": (rig.clock.now() + chrono::Duration::minutes(20)).to_rfc3339(), "duration": 45,
    });
    let booked = rig.post("/api/appointments", booking).await;
    let appointment = &booked["appointment"];
    (text(&appointment["id"]), text(&appointment["meeting"]["id"]))
}

fn name(pupil: &str) -> String {
    format!("{}{} Pupil", pupil[..1].to_uppercase(), &pupil[1..])
}

fn email(pupil: &str) -> String {
    format!("{pupil}@school.example")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// The class: in time, late, too short, on two devices through the waiting room, with a killed phone, and not at all.
fn timetable(number: &str) -> Value {
    let pupil = |index: usize, devices: Value| json!({ "name": name(PUPILS[index]), "devices": devices });
    json!({
        "meeting": number, "seed": 11, "host_ends": ["45m"],
        "persons": [
            { "name": "Ana Reyes", "email": "reyes@school.example", "role": "host", "devices": [["-2m join"]] },
            pupil(0, json!([["-1m join"]])),
            pupil(1, json!([["14m join"]])),
            pupil(2, json!([["0s join", "9m leave"]])),
            pupil(3, json!([["-3m wait", "1m admit", "20m leave"], ["18m join"]])),
            pupil(4, json!([["0s join", "12m die", "12m30s join", "44m leave"]])),
        ],
        "delivery": { "seed": 3, "double": 0.3, "shuffle": 0.5 },
    })
}

async fn scheduled_number(rig: &Rig, appointment: &str) -> String {
    let scheduled = |answer: &Value| answer["appointment"]["meeting"]["status"] == "scheduled";
    let answer = rig.until(&format!("/api/appointments/{appointment}"), "scheduled", scheduled).await;
    text(&answer["appointment"]["meeting"]["zoom_meeting_id"])
}

/// The marks once they are final, by person.
async fn final_marks(rig: &Rig, meeting: &str) -> Value {
    let path = format!("/api/zoom/meetings/{meeting}/attendance");
    let is_final = |answer: &Value| {
        let records = answer["records"].as_array().cloned().unwrap_or_default();
        !records.is_empty() && records.iter().all(|record| record["provisional"] == false)
    };
    rig.until(&path, "final", is_final).await
}

async fn check_marks(rig: &Rig, meeting: &str, class: &str) {
    let answer = final_marks(rig, meeting).await;
    let truth = rig.control(Method::GET, &format!("/classes/{class}"), None).await;
    for person in truth["truth"]["persons"].as_array().unwrap() {
        if person["role"] == "host" {
            continue;
        }
        let records = answer["records"].as_array().unwrap();
        let record = records
            .iter()
            .find(|record| record["student"]["name"] == person["name"])
            .unwrap_or_else(|| panic!("no record of {person}: {answer:#}"));
        assert_eq!(record["status"], person["status"], "{person}: {record:#}");
        let score = (record["score"].as_f64().unwrap() * 1000.0).round();
        assert_eq!(Some(score), person["score_milli"].as_f64(), "{person}: {record:#}");
    }
    let absent = answer["records"].as_array().unwrap().iter().find(|r| r["student_id"] == "frege").unwrap();
    assert_eq!(absent["status"], "absent");
}

/// What other systems heard of it, by the ids of the messages: any of them may come twice.
async fn check_news(listener: &Listener, appointment: &str) {
    let last = listener.until("attendance.final").await;
    assert_eq!(last.json()["data"]["appointment_id"], appointment);
    assert_eq!(last.json()["data"]["summary"]["absent"], 1);
    for event in ["meeting.started", "meeting.ended", "appointment.completed", "attendance.provisional"] {
        listener.until(event).await;
    }
    let finals: BTreeSet<String> = listener
        .came()
        .iter()
        .filter(|message| message.json()["type"] == "attendance.final")
        .map(|message| message.header("webhook-id").to_owned())
        .collect();
    assert_eq!(finals.len(), 1, "told once");
}

async fn a_class(database: TestDatabase, killed: bool) {
    let listener = Listener::start(0, 200);
    let endpoint = Listener::config(listener.port(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &[]);
    let mut rig = Rig::start(database, SPEED, &format!("[attendance]\nreport_delay = \"5m\"\n{endpoint}"));
    let (appointment, meeting) = book(&rig).await;
    let number = scheduled_number(&rig, &appointment).await;
    let played = rig.control(Method::POST, "/classes", Some(timetable(&number))).await;
    let class = played["class_id"].to_string();
    let started = |answer: &Value| answer["appointment"]["status"] == "in_progress";
    rig.until(&format!("/api/appointments/{appointment}"), "in progress", started).await;
    if killed {
        rig.kill();
        rig.start_daemon();
    }
    check_marks(&rig, &meeting, &class).await;
    let answer = rig.get(&format!("/api/appointments/{appointment}")).await;
    assert_eq!(answer["appointment"]["status"], "completed");
    check_news(&listener, &appointment).await;
    let ledger = rig.control(Method::GET, "/meetings", None).await;
    let made = ledger.as_array().or(ledger["meetings"].as_array()).unwrap().len();
    assert_eq!(made, 1, "one booking, one meeting: {ledger}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_is_booked_played_and_scored_on_sqlite() {
    a_class(TestDatabase::sqlite(), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_is_booked_played_and_scored_on_postgres() {
    if let Some(database) = TestDatabase::postgres() {
        a_class(database, false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_a_class_changes_no_mark() {
    a_class(TestDatabase::sqlite(), true).await;
}
