//! `/api/zoom/meetings` as the systems know it that call: the three bodies they send, and who may see what.

use convened::zoom::http::Method;
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::rig::Rig;

const HOST: &str = "reyes@school.example";

/// A daemon with a host, a class of two and a stranger.
async fn school() -> Rig {
    let rig = Rig::start(TestDatabase::sqlite(), 1.0, "");
    let user = json!({ "email": HOST, "first_name": "Ana", "last_name": "Reyes", "type": 2 });
    rig.control(Method::POST, "/users", Some(user)).await;
    for (person, role) in
        [("reyes", "host"), ("ada", "attendee"), ("boole", "attendee"), ("frege", "attendee")]
    {
        let email = format!("{person}@school.example");
        rig.put(&format!("/api/people/{person}"), json!({ "name": person, "email": email, "role": role }))
            .await;
    }
    let members = json!([
        { "person": "reyes", "role": "host" },
        { "person": "ada", "role": "attendee" },
        { "person": "boole", "role": "attendee" },
    ]);
    rig.put("/api/groups/9b", json!({ "kind": "class", "name": "9b", "members": members })).await;
    rig
}

fn in_hours(rig: &Rig, hours: i64) -> String {
    (rig.clock.now() + chrono::Duration::hours(hours)).to_rfc3339()
}

/// A meeting of class 9b, as the school's system asks for it.
async fn of_class(rig: &Rig, hours: i64) -> Value {
    let body = json!({
        "title": "Algebra", "description": "Fractions", "startTime": in_hours(rig, hours), "duration": 45,
        "timezone": "Europe/Berlin", "classId": "9b", "targetAudience": "class",
        "settings": { "waiting_room": true },
    });
    rig.post("/api/zoom/meetings", body).await["meeting"].clone()
}

async fn as_person(rig: &Rig, role: &str, person: &str, path: &str) -> (u16, Value) {
    let request = rig.http.get(rig.url(path)).bearer_auth(rig.token(role, person));
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schools_body_makes_a_meeting_with_every_field_it_knows() {
    let rig = school().await;
    let meeting = of_class(&rig, 2).await;
    let known = [
        "id",
        "zoom_meeting_id",
        "host_id",
        "title",
        "description",
        "meeting_type",
        "start_time",
        "duration",
        "timezone",
        "join_url",
        "start_url",
        "password",
        "class_id",
        "target_audience",
        "settings",
        "registration_url",
        "registration_enabled",
        "created_at",
        "updated_at",
    ];
    for field in known {
        assert!(meeting.get(field).is_some(), "{field} is missing: {meeting:#}");
    }
    assert_eq!((&meeting["status"], &meeting["class"]["id"]), (&json!("scheduled"), &json!("9b")));
    assert!(meeting["zoom_meeting_id"].is_string() && meeting["password"].is_string(), "{meeting:#}");
    let listed = rig.get("/api/zoom/meetings?classId=9b&upcoming=true&status=scheduled").await;
    assert_eq!(listed["meetings"][0]["host"]["email"], HOST);
    assert_eq!(listed["next_cursor"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clinics_body_books_under_its_own_id_and_finds_it_by_it() {
    let rig = school().await;
    let body = json!({
        "appointmentId": "visit-17", "topic": "Consultation", "startTime": in_hours(&rig, 3), "duration": 30,
        "hostEmail": HOST, "participantEmail": "john@patients.example", "participantName": "John Doe",
    });
    let made = rig.post("/api/zoom/meetings", body.clone()).await["meeting"].clone();
    let found = rig.get("/api/zoom/meetings/appointment/visit-17").await["meeting"].clone();
    assert_eq!((&found["id"], &found["topic"]), (&made["id"], &json!("Consultation")));
    let expected = rig.get(&format!("/api/zoom/meetings/{}/participants", id(&made))).await;
    assert_eq!(expected["expectedAttendees"][0]["name"], "John Doe");
    assert_eq!(expected["hosts"][0]["email"], HOST);
    // The same booking again is attached to, not doubled; its id is enough to name it.
    for body in [body, json!({ "appointmentId": "visit-17" })] {
        let again = rig.post("/api/zoom/meetings", body).await["meeting"].clone();
        assert_eq!((&again["id"], &again["title"]), (&made["id"], &json!("Consultation")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_a_start_makes_a_meeting_that_starts_now() {
    let rig = Rig::start(TestDatabase::sqlite(), 1.0, "");
    let body =
        json!({ "topic": "Integration", "duration": 30, "timezone": "UTC", "agenda": "made by a client" });
    let before = rig.clock.now();
    let made = rig.call(Method::POST, "/api/zoom/meetings", Some(body)).await.1["meeting"].clone();
    let start: chrono::DateTime<chrono::Utc> = made["start_time"].as_str().unwrap().parse().unwrap();
    assert!((start - before).num_seconds().abs() <= 5, "{made:#}");
    assert_eq!(made["agenda"], "made by a client");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_reaches_zoom_and_a_deletion_can_be_repeated() {
    let rig = school().await;
    let made = of_class(&rig, 2).await;
    let path = format!("/api/zoom/meetings/{}", made["zoom_meeting_id"].as_str().unwrap());
    let (status, changed) = rig.call(Method::PUT, &path, Some(json!({ "topic": "Geometry" }))).await;
    assert_eq!((status, &changed["meeting"]["title"]), (200, &json!("Geometry")), "{changed:#}");
    let (status, _) = rig.call(Method::PATCH, &path, Some(json!({ "colour": "red" }))).await;
    assert_eq!(status, 400);
    let path = format!("/api/zoom/meetings/{}", id(&made));
    for _ in 0..2 {
        let (status, answer) = rig.call(Method::DELETE, &path, None).await;
        assert_eq!((status, answer), (200, json!({ "success": true })));
    }
    assert_eq!(rig.get(&path).await["meeting"]["status"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_what_is_theirs() {
    let rig = school().await;
    let made = of_class(&rig, 2).await;
    let path = format!("/api/zoom/meetings/{}", id(&made));
    assert_eq!(as_person(&rig, "student", "frege", &path).await.0, 404);
    let (status, own) = as_person(&rig, "student", "ada", &format!("{path}/participants")).await;
    assert_eq!((status, own["expected_attendees"].as_array().unwrap().len()), (200, 1), "{own:#}");
    assert_eq!((&own["expectedAttendees"][0]["id"], &own["hosts"]), (&json!("ada"), &json!([])));
    let (_, all) = as_person(&rig, "teacher", "reyes", &format!("{path}/participants")).await;
    assert_eq!(all["stats"]["expectedCount"], 2, "{all:#}");
    let (status, own) = as_person(&rig, "student", "ada", &format!("{path}/attendance")).await;
    assert_eq!((status, &own["summary"]["total"], &own["inProgress"]), (200, &json!(1), &json!(false)));
    let (_, listed) = as_person(&rig, "student", "frege", "/api/zoom/meetings").await;
    assert_eq!(listed["meetings"], json!([]));
    let (status, refused) = as_person(&rig, "service", "school", "/api/zoom/webhooks/dead-letters").await;
    assert_eq!((status, &refused["error"]["code"]), (403, &json!("FORBIDDEN")));
}

fn id(meeting: &Value) -> &str {
    meeting["id"].as_str().unwrap()
}
