//! Licences and users with the real binary and a sandboxed Zoom: given in time, taken back after use, one for each
//! seat, and right after lost answers and `kill -9`.

use chrono::Duration;
use convened::sandbox::ledger::LedgerFilter;
use convened::store::outbox;
use convened::zoom::http::Method;
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::rig::Rig;

const PATCH: &str = "PATCH /users/{userId}";
const CREATE: &str = "POST /users";
const BASIC: i64 = 1;
const LICENSED: i64 = 2;

/// Ten minutes a second: a meeting is over while somebody watches.
const FAST: f64 = 600.0;

async fn add_user(rig: &Rig, name: &str, kind: i64) {
    let user = json!({ "email": format!("{name}@school.example"), "first_name": name, "type": kind });
    rig.control(Method::POST, "/users", Some(user)).await;
}

async fn add_person(rig: &Rig, name: &str) {
    let person = json!({ "name": name, "email": format!("{name}@school.example"), "role": "host" });
    rig.put(&format!("/api/people/{name}"), person).await;
}

/// A rig with Basic hosts, known to the daemon.
async fn rig_with(hosts: &[&str], speed: f64, extra: &str) -> Rig {
    let rig = Rig::start(TestDatabase::sqlite().migrated(), speed, extra);
    for host in hosts {
        add_user(&rig, host, BASIC).await;
        add_person(&rig, host).await;
        // Asked for, the user is read at Zoom and known from then on.
        rig.get(&format!("/api/zoom/users/{host}@school.example")).await;
    }
    rig
}

/// Books `minutes` from `ahead` on; gives the answer's booking.
async fn book(rig: &Rig, host: &str, ahead: Duration, minutes: i64) -> Value {
    let start = (rig.clock.now() + ahead).to_rfc3339();
    let body = json!({ "kind": "consultation", "title": "Algebra", "host": host, "duration": minutes,
        "start_time": start });
    rig.post("/api/appointments", body).await["appointment"].clone()
}

/// What Zoom itself has of a user.
fn at_zoom(rig: &Rig, name: &str) -> Option<convened::sandbox::model::SandboxUser> {
    rig.sandbox.state().user(&format!("{name}@school.example"))
}

/// Waits until the daemon says that the licence of `name` is so.
async fn until_licence(rig: &Rig, name: &str, state: &str) -> Value {
    let path = format!("/api/zoom/users?q={name}@school.example");
    let is = |answer: &Value| answer["users"][0]["licence"]["state"] == state;
    rig.until(&path, &format!("{name} {state}"), is).await["users"][0].clone()
}

async fn until_story_has(rig: &Rig, appointment: &Value, kind: &str) {
    let path = format!("/api/appointments/{}/story", appointment["id"].as_str().unwrap());
    let has = |answer: &Value| {
        answer["story"].as_array().is_some_and(|lines| lines.iter().any(|line| line["kind"] == kind))
    };
    rig.until(&path, &format!("told {kind}"), has).await;
}

/// The status of a request for the start token of the user with this id or name.
async fn zak(rig: &Rig, role: &str, person: &str, user: &str) -> u16 {
    let request = rig.http.get(rig.url(&format!("/api/zoom/users/{user}/zak")));
    request.bearer_auth(rig.token(role, person)).send().await.unwrap().status().as_u16()
}

/// How often the world was told that there are too few licences.
fn shortages_told(rig: &Rig) -> usize {
    let told = outbox::after(&mut rig.database.conn(), 0, 1000).unwrap();
    told.iter().filter(|fact| fact.event == outbox::Event::LicenceExhausted).count()
}

async fn fault(rig: &Rig, endpoint: &str, fault: &str, millis: u32) {
    let rule = json!({ "endpoint": endpoint, "fault": fault, "millis": millis, "count": 1 });
    rig.control(Method::POST, "/faults", Some(rule)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_basic_host_has_a_licence_for_a_long_meeting_and_gives_it_back() {
    let rig = rig_with(&["ana"], FAST, "licences = 1").await;
    let booking = book(&rig, "ana", Duration::minutes(60), 60).await;
    assert_eq!(booking["warnings"], json!([]), "there is a licence to be had");
    until_story_has(&rig, &booking, "licence.granted").await;
    assert_eq!(at_zoom(&rig, "ana").unwrap().kind, LICENSED);
    until_story_has(&rig, &booking, "licence.returned").await;
    assert_eq!(at_zoom(&rig, "ana").unwrap().kind, BASIC);
    until_licence(&rig, "ana", "none").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_one_licence_the_later_host_waits_in_line_is_warned_and_gets_it_when_it_is_free() {
    let rig = rig_with(&["ana", "ben"], FAST, "licences = 1").await;
    let first = book(&rig, "ana", Duration::minutes(20), 45).await;
    until_licence(&rig, "ana", "held").await;
    let second = book(&rig, "ben", Duration::minutes(25), 120).await;
    until_story_has(&rig, &second, "licence.waiting").await;
    until_story_has(&rig, &second, "licence.granted").await;
    until_story_has(&rig, &first, "licence.returned").await;
    assert_eq!(at_zoom(&rig, "ana").unwrap().kind, BASIC);
    until_story_has(&rig, &second, "licence.returned").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_meeting_of_a_basic_host_without_licences_is_warned_of() {
    let rig = rig_with(&["ana"], 1.0, "").await;
    let long = book(&rig, "ana", Duration::hours(3), 60).await;
    assert_eq!(long["warnings"][0]["code"], "BASIC_HOST_40_MINUTES", "{long:#}");
    until_story_has(&rig, &long, "booking.warned").await;
    let short = book(&rig, "ana", Duration::hours(6), 40).await;
    assert_eq!(short["warnings"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_a_grant_is_looked_up() {
    let rig = rig_with(&["ana"], FAST, "licences = 1").await;
    fault(&rig, PATCH, "lose_answer", 0).await;
    let booking = book(&rig, "ana", Duration::minutes(40), 300).await;
    until_story_has(&rig, &booking, "licence.granted").await;
    assert_eq!(at_zoom(&rig, "ana").unwrap().kind, LICENSED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_a_grant_ends_right() {
    let mut rig = rig_with(&["ana"], 60.0, "licences = 1").await;
    fault(&rig, PATCH, "delay", 700).await;
    let booking = book(&rig, "ana", Duration::minutes(25), 90).await;
    until_licence(&rig, "ana", "granting").await;
    rig.kill();
    rig.start_daemon();
    until_story_has(&rig, &booking, "licence.granted").await;
    assert_eq!(at_zoom(&rig, "ana").unwrap().kind, LICENSED);
    until_licence(&rig, "ana", "held").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_zoom_has_no_more_the_host_waits_and_gets_it_when_there_is_one() {
    let rig = rig_with(&["ana"], FAST, "licences = 5").await;
    rig.control(Method::PUT, "/settings", Some(json!({ "seats": 1 }))).await;
    let booking = book(&rig, "ana", Duration::minutes(20), 600).await;
    until_story_has(&rig, &booking, "licence.waiting").await;
    assert_eq!(at_zoom(&rig, "ana").unwrap().kind, BASIC);
    // Zoom is asked again and again, in vain, and the shortage is the same one.
    let refused = LedgerFilter { endpoint: Some(PATCH.to_owned()), status: Some(400), ..Default::default() };
    let tried = |_: &Value| rig.sandbox.state().ledger(&refused).len() >= 3;
    let path = format!("/api/appointments/{}/story", booking["id"].as_str().unwrap());
    rig.until(&path, "tried three times", tried).await;
    rig.until(&path, "told of the shortage", |_| shortages_told(&rig) > 0).await;
    rig.control(Method::PUT, "/settings", Some(json!({ "seats": 2 }))).await;
    until_story_has(&rig, &booking, "licence.granted").await;
    assert_eq!(shortages_told(&rig), 1);
    let story = rig.get(&path).await["story"].as_array().cloned().unwrap();
    assert_eq!(story.iter().filter(|line| line["kind"] == "licence.waiting").count(), 1, "{story:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_that_was_there_before_is_never_taken() {
    let rig = rig_with(&["ana"], FAST, "licences = 1").await;
    add_user(&rig, "owns", LICENSED).await;
    add_person(&rig, "owns").await;
    book(&rig, "owns", Duration::minutes(10), 60).await;
    let later = book(&rig, "ana", Duration::minutes(100), 60).await;
    until_story_has(&rig, &later, "licence.returned").await;
    assert_eq!(at_zoom(&rig, "owns").unwrap().kind, LICENSED);
    until_licence(&rig, "owns", "own").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deactivated_host_loses_the_licence_and_keeps_the_user() {
    let rig = rig_with(&["ana"], 1.0, "licences = 1").await;
    book(&rig, "ana", Duration::minutes(20), 60).await;
    until_licence(&rig, "ana", "held").await;
    let answer = rig.post("/api/people/ana/deactivate", json!({})).await;
    assert_eq!(answer["licence_goes_back"], true, "{answer:#}");
    until_licence(&rig, "ana", "none").await;
    assert_eq!(at_zoom(&rig, "ana").unwrap().kind, BASIC);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_made_at_zoom_once_also_when_the_answer_is_lost() {
    let rig = rig_with(&[], 1.0, "user_action = \"custCreate\"").await;
    add_person(&rig, "ana").await;
    fault(&rig, CREATE, "lose_answer", 0).await;
    let booking = book(&rig, "ana", Duration::hours(3), 30).await;
    let path = format!("/api/appointments/{}", booking["id"].as_str().unwrap());
    rig.until(&path, "scheduled", |answer| answer["appointment"]["meeting"]["status"] == "scheduled").await;
    let users = rig.sandbox.state().users();
    assert_eq!(users.iter().filter(|user| user.email == "ana@school.example").count(), 1);
    assert_eq!(rig.get("/api/zoom/users/ana@school.example").await["user"]["made_by_us"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_host_is_waited_for_and_their_meeting_made_when_they_accept() {
    let rig = rig_with(&[], 1.0, "user_action = \"create\"").await;
    add_person(&rig, "ana").await;
    let booking = book(&rig, "ana", Duration::hours(3), 30).await;
    let path = format!("/api/appointments/{}", booking["id"].as_str().unwrap());
    let waits = |answer: &Value| answer["appointment"]["meeting"]["sync"]["state"] == "waiting_for_host";
    let waiting = rig.until(&path, "waiting for the host", waits).await;
    let reason = waiting["appointment"]["meeting"]["sync"]["last_error"].as_str().unwrap();
    assert!(reason.contains("invitation"), "{reason}");
    rig.control(Method::POST, "/users/ana@school.example/accept", None).await;
    rig.until(&path, "scheduled", |answer| answer["appointment"]["meeting"]["status"] == "scheduled").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_made_at_zoom_unless_that_is_configured() {
    let rig = rig_with(&[], 1.0, "").await;
    add_person(&rig, "ana").await;
    let booking = book(&rig, "ana", Duration::hours(3), 30).await;
    let path = format!("/api/appointments/{}", booking["id"].as_str().unwrap());
    let told = |answer: &Value| answer["appointment"]["meeting"]["sync"]["last_error"].is_string();
    rig.until(&path, "told why", told).await;
    assert!(at_zoom(&rig, "ana").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_address_reaches_the_zoom_user_that_was_made_here_and_no_other() {
    let rig = rig_with(&["ben"], 1.0, "user_action = \"custCreate\"").await;
    add_person(&rig, "ana").await;
    for host in ["ana", "ben"] {
        let booking = book(&rig, host, Duration::hours(3), 30).await;
        let path = format!("/api/appointments/{}", booking["id"].as_str().unwrap());
        rig.until(&path, "scheduled", |answer| answer["appointment"]["meeting"]["status"] == "scheduled")
            .await;
    }
    let before = at_zoom(&rig, "ana").unwrap().id;
    for host in ["ana", "ben"] {
        let email = format!("{host}-new@school.example");
        rig.put(&format!("/api/people/{host}"), json!({ "name": host, "email": email, "role": "host" }))
            .await;
    }
    let told = |answer: &Value| answer["user"]["email"] == "ana-new@school.example";
    rig.until(&format!("/api/zoom/users/{before}"), "told", told).await;
    assert_eq!(at_zoom(&rig, "ana-new").unwrap().id, before);
    assert!(at_zoom(&rig, "ben").is_some() && at_zoom(&rig, "ben-new").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_made_licensed_shown_and_removed_by_hand() {
    let rig = rig_with(&[], 1.0, "").await;
    let body = json!({ "email": "ana@school.example", "display_name": "Ana Reyes", "action": "custCreate" });
    let made = rig.post("/api/zoom/users", body.clone()).await["user"].clone();
    assert_eq!((made["status"].as_str(), made["type"].as_i64()), (Some("active"), Some(BASIC)));
    assert_eq!(rig.call(Method::POST, "/api/zoom/users", Some(body)).await.0, 409);
    let path = format!("/api/zoom/users/{}", made["id"].as_str().unwrap());
    let licence = format!("{path}/licence");
    let (status, answer) = rig.call(Method::POST, &licence, Some(json!({ "licensed": true }))).await;
    assert_eq!((status, &answer["user"]["licence"]["state"]), (200, &json!("held")), "{answer:#}");
    assert_eq!(at_zoom(&rig, "ana").unwrap().kind, LICENSED);
    let (status, answer) = rig.call(Method::POST, &licence, Some(json!({ "licensed": false }))).await;
    assert_eq!((status, &answer["user"]["licence"]["state"]), (200, &json!("none")), "{answer:#}");
    assert!(rig.get(&format!("{path}/zak")).await["token"].is_string());
    for (tag, expected) in [("\"0\"", 412), ("*", 200)] {
        let change = rig.http.patch(rig.url(&path)).bearer_auth(rig.token("service", "tests"));
        let change = change.header("if-match", tag).json(&json!({ "display_name": "Ana R." }));
        assert_eq!(change.send().await.unwrap().status().as_u16(), expected, "{tag}");
    }
    let (_, changed) = rig.call(Method::PATCH, &path, Some(json!({ "last_name": "Ruiz" }))).await;
    assert_eq!(changed["user"]["id"], made["id"], "{changed:#}");
    add_person(&rig, "ana").await;
    let booking = book(&rig, "ana", Duration::hours(3), 30).await;
    let (status, refused) = rig.call(Method::DELETE, &path, None).await;
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("INVALID_TRANSITION")), "{refused:#}");
    rig.post(&format!("/api/appointments/{}/cancel", booking["id"].as_str().unwrap()), json!({})).await;
    assert_eq!(rig.call(Method::DELETE, &path, None).await.0, 204);
    assert!(at_zoom(&rig, "ana").is_none());
    assert_eq!(rig.call(Method::GET, &path, None).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_stays_with_their_person_when_the_address_goes_to_another() {
    let rig = rig_with(&["ana", "ben"], 1.0, "").await;
    let old = "ana@school.example";
    assert_eq!(zak(&rig, "host", "ana", old).await, 200);
    assert_eq!(zak(&rig, "attendee", "ana", old).await, 404, "the token is an attendee's");
    book(&rig, "ana", Duration::hours(3), 30).await;
    let moved = json!({ "name": "ana", "email": "ana-new@school.example", "role": "host" });
    let moved = rig.put("/api/people/ana", moved).await;
    let user = at_zoom(&rig, "ana").unwrap().id;
    assert_eq!(moved["person"]["zoom"]["id"].as_str(), Some(user.as_str()), "{moved:#}");
    let list = rig.get("/api/people?q=ana").await;
    assert_eq!(list["people"][0]["zoom"]["id"].as_str(), Some(user.as_str()), "{list:#}");
    rig.put("/api/people/ben", json!({ "name": "ben", "email": old, "role": "host" })).await;
    for name in [old, user.as_str()] {
        assert_eq!(zak(&rig, "host", "ben", name).await, 404);
        assert_eq!(zak(&rig, "host", "ana", name).await, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_whose_making_was_answered_by_silence_is_ours() {
    let rig = rig_with(&[], 1.0, "").await;
    fault(&rig, CREATE, "lose_answer", 0).await;
    let body = json!({ "email": "ana@school.example", "display_name": "Ana Reyes", "action": "custCreate" });
    let (first, _) = rig.call(Method::POST, "/api/zoom/users", Some(body.clone())).await;
    assert!(first >= 500, "{first}");
    let again = rig.post("/api/zoom/users", body).await;
    assert_eq!(again["user"]["made_by_us"], true, "{again:#}");
}
