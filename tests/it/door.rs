//! Zoom down, slow, used up or refusing the credentials: what callers see of it, and what Zoom sees of us.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use convened::zoom::http::Method;
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::rig::Rig;

const CREATE: &str = "POST /users/{userId}/meetings";
const DELETE: &str = "DELETE /meetings/{meetingId}";
const NONE: [&str; 0] = [];

/// A daemon with so many hosts, `host0` …
async fn rig(hosts: usize, speed: f64, extra: &str) -> Rig {
    let rig = Rig::start(TestDatabase::sqlite(), speed, extra);
    for number in 0..hosts {
        let email = format!("host{number}@school.example");
        rig.control(Method::POST, "/users", Some(json!({ "email": email, "type": 2 }))).await;
        let person = json!({ "name": format!("Host {number}"), "email": email, "role": "host" });
        rig.put(&format!("/api/people/host{number}"), person).await;
    }
    rig
}

/// A booking of `host`, so many days ahead.
fn lesson(rig: &Rig, host: usize, days: i64) -> Value {
    let start = rig.clock.now() + TimeDelta::days(days);
    json!({ "kind": "consultation", "title": "Algebra", "host": format!("host{host}"), "duration": 30,
        "start_time": start.to_rfc3339(), "on_conflict": "allow" })
}

async fn book(rig: &Rig, host: usize, days: i64) -> String {
    let booked = rig.post("/api/appointments", lesson(rig, host, days)).await;
    format!("/api/appointments/{}", booked["appointment"]["id"].as_str().unwrap())
}

async fn fault(rig: &Rig, rule: Value) {
    rig.control(Method::POST, "/faults", Some(rule)).await;
}

async fn heal(rig: &Rig) {
    rig.control(Method::DELETE, "/faults", None).await;
}

async fn ledger(rig: &Rig) -> Vec<Value> {
    rig.control(Method::GET, "/ledger", None).await.as_array().cloned().unwrap()
}

/// The requests that Zoom answered with "too many": when, which and why.
async fn too_many(rig: &Rig) -> Vec<String> {
    let refused = ledger(rig).await.into_iter().filter(|entry| entry["status"] == 429);
    refused.map(|entry| format!("{} {} {}", entry["at"], entry["endpoint"], entry["code"])).collect()
}

fn sync(answer: &Value) -> &Value {
    &answer["appointment"]["meeting"]["sync"]
}

fn in_sync(answer: &Value) -> bool {
    sync(answer)["state"] == "in_sync"
}

/// Asks an operator's question.
async fn as_admin(rig: &Rig, path: &str) -> Value {
    let request = rig.http.get(rig.url(path)).bearer_auth(rig.token("admin", "ops"));
    let response = request.send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200, "{path}");
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

/// Waits until the connection is in that state.
async fn connection(rig: &Rig, state: &str) -> Value {
    let began = Instant::now();
    loop {
        let status = as_admin(rig, "/api/zoom/connection-status").await;
        if status["state"] == state {
            return status;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "never {state}: {status:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Books until Zoom is given up for the time being.
async fn bring_down(rig: &Rig, rule: Value, state: &str) -> Value {
    fault(rig, rule).await;
    for _ in 0..6 {
        book(rig, 0, 1).await;
    }
    connection(rig, state).await
}

#[tokio::test(flavor = "multi_thread")]
async fn while_zoom_is_down_bookings_wait_without_failing_and_then_come_in_their_order() {
    const BACKLOG: usize = 320;
    let rig = rig(8, 1.0, "").await;
    let made = book(&rig, 0, 3).await;
    rig.until(&made, "in sync", in_sync).await;
    bring_down(&rig, json!({ "endpoint": "*", "fault": "error_before", "status": 503 }), "unreachable").await;

    // The last booked starts first.
    let days = |number: usize| i64::try_from(1 + (BACKLOG - number) / 4).unwrap();
    let lessons: Vec<Value> = (0..BACKLOG).map(|number| lesson(&rig, number % 8, days(number))).collect();
    rig.post("/api/appointments/batch", json!({ "appointments": lessons })).await;
    let late = book(&rig, 1, 2).await;
    let waiting = |answer: &Value| {
        let words = sync(answer)["last_error"].as_str().unwrap_or_default();
        words.starts_with("Zoom cannot be reached since")
    };
    let answer = rig.until(&late, "told why it waits", waiting).await;
    assert_eq!((&sync(&answer)["state"], &sync(&answer)["attempts"]), (&json!("pending"), &json!(0)));
    rig.post(&format!("{made}/cancel"), json!({ "reason": "snow" })).await;
    let story = rig.get(&format!("{late}/story")).await;
    let told =
        story["story"].as_array().unwrap().iter().filter(|line| line["kind"] == "zoom.waiting").count();
    assert_eq!(told, 1, "{story:#}");
    assert_eq!(rig.call(Method::GET, "/readyz", None).await.0, 200);
    assert_eq!(as_admin(&rig, "/api/zoom/health").await["healthy"], false);

    let before = ledger(&rig).await.len();
    heal(&rig).await;
    rig.until("/api/appointments?sync=pending&limit=1", "drained", |answer| {
        answer["appointments"].as_array().is_some_and(Vec::is_empty)
    })
    .await;
    let drained = ledger(&rig).await.split_off(before);
    assert_eq!(too_many(&rig).await, NONE);
    let starts: Vec<DateTime<Utc>> = drained
        .iter()
        .filter(|entry| entry["endpoint"] == CREATE)
        .map(|entry| entry["body"]["start_time"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(starts.len() > BACKLOG, "{}", starts.len());
    let mean =
        |starts: &[DateTime<Utc>]| starts.iter().map(DateTime::timestamp).sum::<i64>() / starts.len() as i64;
    let quarter = starts.len() / 4;
    assert!(mean(&starts[..quarter]) < mean(&starts[quarter * 3..]), "the soonest start first");
    let cancelled = drained.iter().position(|entry| entry["endpoint"] == DELETE).unwrap();
    assert!(cancelled < drained.len() / 4, "cancels come first: {cancelled} of {}", drained.len());
    println!("{:.1} % of the light rate", share_of_rate(&drained) * 100.0);
}

/// Which share of the 80 light calls a second was used, from the first to the last create.
fn share_of_rate(entries: &[Value]) -> f64 {
    let light: Vec<DateTime<Utc>> = entries
        .iter()
        .filter(|entry| entry["endpoint"] == CREATE || entry["endpoint"] == "GET /users/{userId}")
        .map(|entry| entry["at"].as_str().unwrap().parse().unwrap())
        .collect();
    let span = (light[light.len() - 1] - light[0]).num_milliseconds() as f64 / 1_000.0;
    // What one window holds may go at once at the beginning.
    (light.len() as f64 - 80.0) / (80.0 * span)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_let_go_in_time_when_zoom_takes_ten_seconds() {
    let rig = rig(1, 1.0, "").await;
    fault(&rig, json!({ "endpoint": "*", "fault": "delay", "millis": 10_000 })).await;
    let began = Instant::now();
    let request = rig.http.post(rig.url("/api/appointments")).bearer_auth(rig.token("service", "tests"));
    let request = request.header("Prefer", "wait=2").json(&lesson(&rig, 0, 1));
    let response = request.send().await.unwrap();
    assert_eq!(response.status().as_u16(), 202);
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    assert_eq!(rig.call(Method::GET, "/readyz", None).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_waits_when_zoom_comes_back_gets_their_meeting() {
    let rig = rig(1, 1.0, "").await;
    bring_down(&rig, json!({ "endpoint": "*", "fault": "error_before", "status": 503 }), "unreachable").await;
    let request = rig.http.post(rig.url("/api/appointments")).bearer_auth(rig.token("service", "tests"));
    let request = request.header("Prefer", "wait=30").json(&lesson(&rig, 0, 9));
    let (response, ()) = tokio::join!(request.send(), heal(&rig));
    assert_eq!(response.unwrap().status().as_u16(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn revoked_credentials_are_one_clear_state_without_hammering_and_heal_by_themselves() {
    let rig = rig(1, 60.0, "").await;
    let made = book(&rig, 0, 3).await;
    rig.until(&made, "in sync", in_sync).await;
    let lost = bring_down(&rig, json!({ "endpoint": "*", "fault": "credentials_revoked" }), "lost").await;
    assert_eq!(lost["reason"], "credentials_refused");
    let late = book(&rig, 0, 5).await;
    let refused = |answer: &Value| {
        let words = sync(answer)["last_error"].as_str().unwrap_or_default();
        words.starts_with("Zoom refuses our credentials since")
    };
    let answer = rig.until(&late, "told why it waits", refused).await;
    assert_eq!(sync(&answer)["attempts"], 0);
    assert_eq!(rig.call(Method::GET, "/readyz", None).await.0, 200);
    heal(&rig).await;
    rig.until(&late, "in sync", in_sync).await;
    connection(&rig, "working").await;
    let entries = ledger(&rig).await;
    let tokens = entries.iter().filter(|entry| entry["path"] == "/oauth/token").map(|entry| &entry["at"]);
    let tokens: Vec<DateTime<Utc>> = tokens.map(|at| at.as_str().unwrap().parse().unwrap()).collect();
    let apart = tokens.windows(2).skip(1).all(|pair| pair[1] - pair[0] > TimeDelta::seconds(110));
    assert!(apart, "one attempt every few minutes: {tokens:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hosts_day_is_counted_over_a_kill_and_parks_that_host_alone() {
    // Ten of the twelve are kept for changes.
    let mut rig = rig(2, 1.0, "[zoom.limits]\nhost_per_day = 12\n").await;
    rig.control(Method::PUT, "/settings", Some(json!({ "host_daily_limit": 12 }))).await;
    for days in 1..3 {
        let made = book(&rig, 0, days).await;
        rig.until(&made, "in sync", in_sync).await;
    }
    rig.kill();
    rig.start_daemon();
    let full = book(&rig, 0, 3).await;
    let parked = rig.until(&full, "parked", |answer| sync(answer)["state"] == "parked").await;
    let words = sync(&parked)["last_error"].as_str().unwrap();
    assert!(words.contains("per day for this host; again at"), "{words}");
    let again: DateTime<Utc> = sync(&parked)["next_attempt_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(again.time(), chrono::NaiveTime::MIN, "midnight in UTC");
    let other = book(&rig, 1, 3).await;
    rig.until(&other, "in sync", in_sync).await;
    assert_eq!(too_many(&rig).await, NONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_and_a_start_within_a_second_make_no_call_too_many() {
    let mut rig = rig(8, 1.0, "").await;
    let made = book(&rig, 0, 3).await;
    rig.until(&made, "in sync", in_sync).await;
    let lessons: Vec<Value> =
        (0..160).map(|number| lesson(&rig, number % 8, 4 + number as i64 / 8)).collect();
    rig.post("/api/appointments/batch", json!({ "appointments": lessons })).await;
    rig.kill();
    rig.start_daemon();
    let late = book(&rig, 1, 1).await;
    rig.until(&late, "in sync", in_sync).await;
    assert_eq!(too_many(&rig).await, NONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_how_zoom_is_called_and_nobody_else_does() {
    let rig = rig(1, 1.0, "").await;
    let health = as_admin(&rig, "/api/zoom/health").await;
    assert_eq!((&health["healthy"], &health["status"]), (&json!(true), &json!("ok")), "{health}");
    assert_eq!(as_admin(&rig, "/api/zoom/health").await, health, "kept for 30 s");
    let asked = ledger(&rig).await.into_iter().filter(|entry| entry["path"] == "/v2/users/me").count();
    assert_eq!(asked, 1, "one call for both");
    // What the daemon does by itself may be under way.
    assert!(connection(&rig, "working").await["in_flight"].is_u64());
    let config = as_admin(&rig, "/api/zoom/config").await;
    assert_eq!((&config["configured"], &config["plan"]), (&json!(true), &json!("business")));
    assert!(!config.to_string().contains("client secret"), "{config}");
    for path in ["/api/zoom/connection-status", "/api/zoom/health", "/api/zoom/config"] {
        assert_eq!(rig.call(Method::GET, path, None).await.0, 403, "{path}: for admins");
    }
}
