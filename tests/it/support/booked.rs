//! A rig with one host, a booking of theirs, and what Zoom has of it.

use convened::zoom::http::Method;
use serde_json::{Value, json};

use super::database::TestDatabase;
use super::rig::Rig;

pub(crate) const CREATE: &str = "POST /users/{userId}/meetings";
pub(crate) const UPDATE: &str = "PATCH /meetings/{meetingId}";

/// A daemon, its Zoom, and a host on both sides; `sync` are further lines of `[sync]`.
pub(crate) async fn rig_with_host(database: TestDatabase, sync: &str) -> Rig {
    // Fast enough that second looks and back-offs pass in moments.
    let extra = format!("timeout = \"1s\"\n[sync]\nsecond_look = \"30s\"\n{sync}");
    let rig = Rig::start(database, 60.0, &extra);
    let user = json!({ "email": "reyes@school.example", "first_name": "Ana", "type": 2 });
    rig.control(Method::POST, "/users", Some(user)).await;
    let person = json!({ "name": "Ana Reyes", "email": "reyes@school.example", "role": "host" });
    rig.put("/api/people/reyes", person).await;
    rig
}

/// Books half an hour in two days; gives the booking's id.
pub(crate) async fn book(rig: &Rig) -> String {
    let start = rig.clock.now() + chrono::Duration::days(2);
    let body = json!({ "kind": "consultation", "title": "Algebra", "host": "reyes", "duration": 30,
        "start_time": start.to_rfc3339() });
    let booked = rig.post("/api/appointments", body).await;
    booked["appointment"]["id"].as_str().unwrap().to_owned()
}

/// Has a fault strike the next `count` requests.
pub(crate) async fn fault(rig: &Rig, endpoint: &str, fault: &str, count: u32) {
    let rule = json!({ "endpoint": endpoint, "fault": fault, "count": count });
    rig.control(Method::POST, "/faults", Some(rule)).await;
}

/// Whether an answer shows a booking with which Zoom agrees.
pub(crate) fn in_sync(answer: &Value) -> bool {
    let meeting = &answer["appointment"]["meeting"];
    meeting["sync"]["state"] == "in_sync" || meeting["sync"].is_null() && meeting["status"] != "pending"
}

/// The booking, once Zoom agrees with it.
pub(crate) async fn settled(rig: &Rig, appointment: &str) -> Value {
    rig.until(&format!("/api/appointments/{appointment}"), "in sync", in_sync).await
}

/// The meetings that live at Zoom.
pub(crate) async fn at_zoom(rig: &Rig) -> Vec<Value> {
    let all = rig.control(Method::GET, "/meetings", None).await;
    let all = all.as_array().cloned().or(all["meetings"].as_array().cloned()).unwrap();
    all.into_iter().filter(|meeting| meeting["deleted_at"].is_null()).collect()
}
