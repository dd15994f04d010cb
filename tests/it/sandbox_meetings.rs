//! The sandbox's meetings and registrants behave as Zoom's do.

use std::time::Duration;

use convened::sandbox::ledger::LedgerFilter;
use convened::sandbox::model::Plan;
use convened::sandbox::settings::Settings;
use convened::zoom::wire;
use serde_json::{Value, json};

use crate::support::sandbox::Zoom;

#[tokio::test]
async fn a_created_meeting_has_zooms_shape_and_a_fresh_start_url_each_time() {
    let zoom = Zoom::start(Plan::Business).await;
    let host = zoom.host("ada@school.example");
    let created = zoom.meeting("ada%40school.example", json!({"agenda": "a".repeat(300)})).await;
    assert!(created["id"].is_u64() && created["id"].to_string().len() == 11);
    assert_eq!((&created["host_id"], &created["status"]), (&json!(host.id), &json!("waiting")));
    assert_eq!(created["start_time"], "2026-03-03T09:00:00Z");
    let sealed = created["encrypted_password"].as_str().unwrap();
    assert!(created["join_url"].as_str().unwrap().ends_with(&format!("pwd={sealed}")));

    let again = zoom.get(&format!("/meetings/{}", created["id"])).await;
    assert!(again.header("x-zm-trackingid").unwrap().starts_with("v=2.0;clid=us06;rid=WEB_"));
    assert_ne!(again.json()["start_url"], created["start_url"]);
    assert_eq!(again.json()["agenda"].as_str().unwrap().len(), 300);
    let listed = zoom.get("/users/ada%40school.example/meetings").await.json();
    assert_eq!(listed["meetings"][0]["agenda"].as_str().unwrap().len(), 250, "lists cut the agenda");
}

#[tokio::test]
async fn starts_follow_the_timezone_and_the_past_is_now_on_create_and_ignored_on_update() {
    let zoom = Zoom::start(Plan::Business).await;
    zoom.host("ada@school.example");
    let local = json!({"start_time": "2026-03-03T09:00:00", "timezone": "America/New_York"});
    assert_eq!(zoom.meeting("ada@school.example", local).await["start_time"], "2026-03-03T14:00:00Z");

    let past = zoom.meeting("ada@school.example", json!({"start_time": "2026-03-01T09:00:00Z"})).await;
    assert_eq!(past["start_time"], "2026-03-02T10:00:00Z");

    let path = format!("/meetings/{}", past["id"]);
    let patch = json!({"start_time": "2026-03-01T09:00:00Z", "topic": "Moved"});
    let patched = zoom.call("PATCH", &path, Some(patch)).await;
    assert_eq!((patched.status, patched.text.as_str()), (204, ""));
    let after: wire::Meeting = serde_json::from_value(zoom.get(&path).await.json()).unwrap();
    assert_eq!(after.topic.as_deref(), Some("Moved"));
    assert_eq!(after.start_time, Some(zoom.now()));
}

#[tokio::test]
async fn bad_bodies_users_and_meetings_are_refused_with_zooms_numbers() {
    let zoom = Zoom::start(Plan::Business).await;
    zoom.host("ada@school.example");
    let create = "/users/ada@school.example/meetings";
    let invalid = zoom.call("POST", create, Some(json!({"duration": "long"}))).await;
    assert_eq!(invalid.refusal(), (400, 300));
    assert_eq!(invalid.json()["errors"][0]["field"], "duration");
    let list = zoom.call("POST", create, Some(json!([1]))).await;
    assert_eq!(list.json()["message"], "Request Body should be a valid JSON object.");
    assert_eq!(zoom.call("POST", "/users/nobody/meetings", Some(json!({}))).await.refusal(), (404, 1001));
    let unknown = zoom.get("/meetings/98399082887").await;
    let expected = json!({"code": 3001, "message": "Meeting does not exist: 98399082887."});
    assert_eq!((unknown.status, unknown.json()), (404, expected));
    assert_eq!(zoom.call("PUT", "/users", None).await.refusal(), (404, 2300), "a wrong method");
    assert_eq!(zoom.get("/no/such").await.refusal(), (404, 2300));
}

#[tokio::test]
async fn a_deleted_meeting_is_gone_from_reads_and_lists_but_not_from_the_truth() {
    let zoom = Zoom::start(Plan::Business).await;
    zoom.host("ada@school.example");
    let created = zoom.meeting("ada@school.example", json!({})).await;
    let path = format!("/meetings/{}", created["id"]);
    assert_eq!(zoom.call("DELETE", &path, None).await.status, 204);
    assert_eq!(zoom.call("DELETE", &path, None).await.refusal(), (404, 3001));
    assert_eq!(zoom.get(&path).await.refusal(), (404, 3001));
    assert_eq!(zoom.get("/users/ada@school.example/meetings").await.json()["total_records"], 0);
    assert_eq!(zoom.state().meetings()[0].deleted_at, Some(zoom.now()));

    let meeting = created["id"].as_u64();
    let ledger = zoom.state().ledger(&LedgerFilter { meeting, ..LedgerFilter::default() });
    let told: Vec<_> = ledger.iter().map(|entry| (entry.method.as_str(), entry.status.unwrap())).collect();
    assert_eq!(told, [("POST", 201), ("DELETE", 204), ("DELETE", 404), ("GET", 404)]);
}

#[tokio::test]
async fn lists_are_paged_with_tokens_that_die_and_new_meetings_may_lag() {
    let zoom = Zoom::start(Plan::Business).await;
    zoom.host("ada@school.example");
    for _ in 0..5 {
        zoom.meeting("ada@school.example", json!({})).await;
    }
    let first = zoom.get("/users/ada@school.example/meetings?page_size=2").await.json();
    assert_eq!((&first["total_records"], &first["page_count"]), (&json!(5), &json!(3)));
    let token = first["next_page_token"].as_str().unwrap();
    let second = format!("/users/ada@school.example/meetings?page_size=2&next_page_token={token}");
    assert_eq!(zoom.get(&second).await.json()["meetings"].as_array().unwrap().len(), 2);
    let other = format!("/users/ada@school.example/meetings?page_size=3&next_page_token={token}");
    assert_eq!(zoom.get(&other).await.refusal(), (400, 300), "another query, another token");
    zoom.clock.advance(Duration::from_secs(15 * 60));
    let expired = zoom.get(&second).await;
    assert_eq!(expired.json()["message"], "The next page token is invalid or expired.");

    zoom.state().set_settings(Settings { list_lag_secs: 30, ..Settings::default() });
    zoom.meeting("ada@school.example", json!({})).await;
    assert_eq!(zoom.get("/users/ada@school.example/meetings").await.json()["total_records"], 5);
    zoom.clock.advance(Duration::from_secs(30));
    assert_eq!(zoom.get("/users/ada@school.example/meetings").await.json()["total_records"], 6);
}

/// A meeting with registration and the path of its registrants.
async fn with_registration(zoom: &Zoom, approval: i64) -> String {
    zoom.host("ada@school.example");
    let fields = json!({"settings": {"approval_type": approval}});
    let meeting = zoom.meeting("ada@school.example", fields).await;
    assert!(meeting["registration_url"].is_string());
    format!("/meetings/{}/registrants", meeting["id"])
}

#[tokio::test]
async fn an_address_registers_once_and_three_times_a_day_at_most() {
    let zoom = Zoom::start(Plan::Business).await;
    let path = with_registration(&zoom, 0).await;
    let pupil = json!({"email": "bob@home.example", "first_name": "Bob"});
    let first = zoom.call("POST", &path, Some(pupil.clone())).await;
    assert_eq!(first.status, 201);
    assert!(first.json()["join_url"].is_string() && first.json()["id"].is_u64());
    let second = zoom.call("POST", &path, Some(pupil.clone())).await;
    assert_eq!(second.json()["registrant_id"], first.json()["registrant_id"]);
    zoom.call("POST", &path, Some(pupil.clone())).await;
    let fourth = zoom.call("POST", &path, Some(pupil.clone())).await;
    assert_eq!((fourth.refusal(), fourth.header("x-ratelimit-limit")), ((429, 429), Some("3")));
    assert!(fourth.json()["message"].as_str().unwrap().contains("(3)"));

    zoom.clock.advance(Duration::from_secs(14 * 3600));
    let mut zoom = zoom;
    zoom.sign_in().await;
    assert_eq!(zoom.call("POST", &path, Some(pupil)).await.status, 201, "a new day");
}

#[tokio::test]
async fn approval_by_hand_gives_the_link_only_afterwards() {
    let zoom = Zoom::start(Plan::Business).await;
    let path = with_registration(&zoom, 1).await;
    let pupil = json!({"email": "bob@home.example", "first_name": "Bob"});
    let added = zoom.call("POST", &path, Some(pupil)).await.json();
    assert!(added.get("join_url").is_none());
    assert_eq!(zoom.get(&path).await.json()["total_records"], 0, "lists show approved ones");
    assert_eq!(zoom.get(&format!("{path}?status=pending")).await.json()["total_records"], 1);

    let change = json!({"action": "approve", "registrants": [{"id": added["registrant_id"]}]});
    assert_eq!(zoom.call("PUT", &format!("{path}/status"), Some(change)).await.status, 204);
    assert!(zoom.get(&path).await.json()["registrants"][0]["join_url"].is_string());
    let id = added["registrant_id"].as_str().unwrap();
    assert_eq!(zoom.call("DELETE", &format!("{path}/{id}"), None).await.status, 204);
    assert_eq!(zoom.get(&path).await.json()["total_records"], 0);
}

#[tokio::test]
async fn each_registration_error_has_its_own_number() {
    let zoom = Zoom::start(Plan::Business).await;
    zoom.host("ada@school.example");
    let pupil = Some(json!({"email": "bob@home.example", "first_name": "Bob"}));
    assert_eq!(
        zoom.call("POST", "/meetings/81111111111/registrants", pupil.clone()).await.refusal(),
        (404, 1001)
    );
    let off = zoom.meeting("ada@school.example", json!({})).await["id"].clone();
    assert_eq!(zoom.call("POST", &format!("/meetings/{off}/registrants"), pupil).await.refusal(), (400, 300));
    let batch = Some(json!({"registrants": [{"email": "bob@home.example", "first_name": "Bob"}]}));
    let path = format!("/meetings/{off}/batch_registrants");
    assert_eq!(zoom.call("POST", &path, batch).await.refusal(), (400, 404), "code 404 inside a 400");
}

#[tokio::test]
async fn a_basic_host_gets_no_registration_and_a_deactivated_one_cannot_host() {
    let zoom = Zoom::start(Plan::Business).await;
    let host = zoom.host("ada@school.example");
    let licence = |kind: i64| Some(json!({"type": kind}));
    assert_eq!(zoom.call("PATCH", &format!("/users/{}", host.id), licence(1)).await.status, 204);
    let meeting = zoom.meeting(&host.id, json!({"settings": {"approval_type": 0}})).await;
    assert_eq!(
        (&meeting["settings"]["approval_type"], &meeting["registration_url"]),
        (&json!(2), &Value::Null)
    );

    let action = Some(json!({"action": "deactivate"}));
    assert_eq!(zoom.call("PUT", &format!("/users/{}/status", host.id), action).await.status, 204);
    let refused = zoom.call("POST", &format!("/users/{}/meetings", host.id), Some(json!({}))).await;
    assert_eq!(refused.refusal(), (400, 3161));
}
