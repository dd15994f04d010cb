//! Ways into a running meeting and its end: asked for by its host, or by the clock when it overruns.

use chrono::{DateTime, Duration, Utc};
use convened::zoom::http::Method;
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::rig::{Answer, Rig};

const END: &str = "PUT /meetings/{meetingId}/status";
/// How fast the common clock runs: a minute lasts a fifth of a second.
const SPEED: f64 = 300.0;

async fn rig(extra: &str) -> Rig {
    let rig = Rig::start(TestDatabase::sqlite(), SPEED, &format!("timeout = \"2s\"\n{extra}"));
    for (person, role) in [("reyes", "host"), ("gauss", "host"), ("ada", "attendee"), ("frege", "attendee")] {
        let email = format!("{person}@school.example");
        let user = json!({ "email": email, "first_name": person, "type": 2 });
        rig.control(Method::POST, "/users", Some(user)).await;
        rig.put(&format!("/api/people/{person}"), json!({ "name": person, "email": email, "role": role }))
            .await;
    }
    rig
}

/// A class of a quarter of an hour in a quarter of an hour; gives booking, meeting and its Zoom number.
async fn book(rig: &Rig) -> [String; 3] {
    let start = rig.clock.now() + Duration::minutes(15);
    let body = json!({ "kind": "class", "title": "Algebra", "host": "reyes", "attendees": ["ada"], "duration": 15,
        "start_time": start.to_rfc3339() });
    let booked = rig.post("/api/appointments", body).await;
    let path = format!("/api/appointments/{}", booked["appointment"]["id"].as_str().unwrap());
    let scheduled = |answer: &Value| answer["appointment"]["meeting"]["status"] == "scheduled";
    let answer = rig.until(&path, "scheduled", scheduled).await;
    let meeting = &answer["appointment"]["meeting"];
    [&answer["appointment"]["id"], &meeting["id"], &meeting["zoom_meeting_id"]]
        .map(|id| id.as_str().unwrap().to_owned())
}

/// The class is played for hours, unless somebody ends it, and has begun.
async fn play(rig: &Rig, [appointment, meeting, number]: &[String; 3]) {
    let class = json!({ "meeting": number, "seed": 5, "host_ends": ["600m"], "persons": [
        { "name": "reyes", "email": "reyes@school.example", "role": "host", "devices": [["-2m join"]] },
        { "name": "ada", "email": "ada@school.example", "devices": [["1m join"]] },
    ] });
    rig.control(Method::POST, "/classes", Some(class)).await;
    until_status(rig, appointment, "in_progress").await;
    // A run that ended before the planned start would not be the class.
    let both = |answer: &Value| answer["participants"].as_array().is_some_and(|seen| seen.len() == 2);
    rig.until(&format!("/api/zoom/meetings/{meeting}/participants"), "both there", both).await;
}

async fn until_status(rig: &Rig, appointment: &str, status: &str) -> Value {
    let reached = |answer: &Value| answer["appointment"]["status"] == status;
    rig.until(&format!("/api/appointments/{appointment}"), status, reached).await["appointment"].clone()
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

async fn tells(rig: &Rig, appointment: &str, kind: &str) -> usize {
    let story = rig.get(&format!("/api/appointments/{appointment}/story")).await;
    story["story"].as_array().unwrap().iter().filter(|line| line["kind"] == kind).count()
}

async fn call_as(rig: &Rig, method: Method, path: &str, role: &str, person: &str) -> Answer {
    let request = rig.http.request(method, rig.url(path)).bearer_auth(rig.token(role, person));
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_overruns_is_ended_once_and_not_before_its_time() {
    let rig = rig("[meetings]\nauto_end_after = \"10m\"\n").await;
    let class = book(&rig).await;
    // The answer is lost: the meeting is looked at, and not ended a second time.
    let fault = json!({ "endpoint": END, "fault": "lose_answer", "count": 1 });
    rig.control(Method::POST, "/faults", Some(fault)).await;
    play(&rig, &class).await;
    let ended = until_status(&rig, &class[0], "completed").await;
    let late = time(&ended["meeting"]["ended_at"]) - time(&ended["end_time"]);
    assert!(late >= Duration::minutes(10), "{late}");
    assert_eq!(tells(&rig, &class[0], "meeting.auto_ended").await, 1);
    let metrics = rig.http.get(rig.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("convened_meetings_overrun_total{outcome=\"ended\"} 1"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_is_given_more_time_while_it_runs_has_it() {
    let rig = rig("[meetings]\nauto_end_after = \"10m\"\n").await;
    let class = book(&rig).await;
    play(&rig, &class).await;
    let path = format!("/api/appointments/{}", class[0]);
    // Said whole, as some callers do: its start has passed and stays.
    let start = &rig.get(&path).await["appointment"]["start_time"];
    let more = json!({ "title": "Algebra", "start_time": start, "duration": 60 });
    let (status, _) = rig.call(Method::PATCH, &path, Some(more)).await;
    assert_eq!(status, 200);
    let ended = until_status(&rig, &class[0], "completed").await;
    let lasted = time(&ended["meeting"]["ended_at"]) - time(&ended["start_time"]);
    assert!(lasted >= Duration::minutes(70), "{lasted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_gets_a_fresh_link_and_nobody_else() {
    // Whoever is registered has a link of their own.
    let rig = rig("[meetings]\nregistration = \"never\"\n").await;
    let [_, meeting, _] = book(&rig).await;
    let start = format!("/api/zoom/meetings/{meeting}/start");
    for (role, person, expected) in [
        ("teacher", "reyes", 200),
        ("teacher", "gauss", 404),
        ("attendee", "ada", 403),
        ("attendee", "frege", 404),
        ("service", "timetable", 200),
    ] {
        assert_eq!(call_as(&rig, Method::POST, &start, role, person).await.0, expected, "{person} starts");
        let link = format!("/api/zoom/meetings/{meeting}/link?role=host");
        assert_eq!(
            call_as(&rig, Method::GET, &link, role, person).await.0,
            expected,
            "{person} asks for the link"
        );
        let end = format!("/api/zoom/meetings/{meeting}/end");
        assert_eq!(call_as(&rig, Method::POST, &end, role, person).await.0, expected, "{person} ends");
    }
    let (_, answer) = call_as(&rig, Method::POST, &start, "teacher", "reyes").await;
    assert!(answer["start_url"].as_str().unwrap().contains("zak"), "{answer}");
    assert!(time(&answer["zak_expires_at"]) > rig.clock.now());
    let shown = rig.get(&format!("/api/zoom/meetings/{meeting}")).await;
    assert!(shown["meeting"]["start_url"].is_null(), "it is never kept");
    let link = format!("/api/zoom/meetings/{meeting}/link");
    let (status, answer) = call_as(&rig, Method::GET, &link, "attendee", "ada").await;
    assert_eq!((status, &answer["url"]), (200, &shown["meeting"]["join_url"]));
    assert_eq!(answer["password"], shown["meeting"]["password"]);
    assert_eq!(call_as(&rig, Method::GET, &link, "attendee", "frege").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_is_ended_by_its_host_and_its_links_end_with_it() {
    let rig = rig("").await;
    let class = book(&rig).await;
    let [_, meeting, _] = &class;
    play(&rig, &class).await;
    let fault = json!({ "endpoint": END, "fault": "lose_answer", "count": 1 });
    rig.control(Method::POST, "/faults", Some(fault)).await;
    let end = format!("/api/zoom/meetings/{meeting}/end");
    assert_eq!(
        call_as(&rig, Method::POST, &end, "teacher", "reyes").await,
        (200, json!({ "success": true }))
    );
    until_status(&rig, &class[0], "completed").await;
    assert_eq!(tells(&rig, &class[0], "meeting.end_asked").await, 1);
    assert_eq!(call_as(&rig, Method::POST, &end, "teacher", "reyes").await.0, 200, "it has ended already");
    let link = format!("/api/zoom/meetings/{meeting}/link");
    let expired = rig.until(&link, "expired", |answer| answer["error"]["code"] == "LINK_EXPIRED").await;
    assert!(expired["error"]["message"].is_string());
    let start = format!("/api/zoom/meetings/{meeting}/start");
    assert_eq!(call_as(&rig, Method::POST, &start, "teacher", "reyes").await.0, 410);
    let other = book(&rig).await;
    rig.post(&format!("/api/appointments/{}/cancel", other[0]), json!({})).await;
    let (status, answer) =
        rig.call(Method::GET, &format!("/api/zoom/meetings/{}/link", other[1]), None).await;
    assert_eq!((status, &answer["error"]["code"]), (410, &json!("CANCELLED")));
}
