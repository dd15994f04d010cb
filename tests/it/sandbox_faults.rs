//! The sandbox's limits and faults, and the control that injects them.

use std::time::Duration;

use convened::sandbox::ledger::LedgerFilter;
use convened::sandbox::model::Plan;
use convened::sandbox::settings::Settings;
use convened::zoom::http;
use serde_json::{Value, json};

use crate::support::sandbox::Zoom;

/// A request to the control.
async fn control(zoom: &Zoom, method: &str, path: &str, body: Value) -> http::Response {
    let method = http::Method::from_bytes(method.as_bytes()).unwrap();
    zoom.client
        .request(method, format!("{}/sandbox{path}", zoom.handle.url()))
        .json(&body)
        .send()
        .await
        .unwrap()
}

/// Injects a fault.
async fn inject(zoom: &Zoom, rule: Value) {
    assert_eq!(control(zoom, "POST", "/faults", rule).await.status(), 201);
}

const CREATE: &str = "POST /users/{userId}/meetings";

#[tokio::test]
async fn a_lost_answer_is_work_done_and_a_lost_request_is_not() {
    let zoom = Zoom::start(Plan::Business).await;
    zoom.host("ada@school.example");
    let body = Some(json!({"topic": "Algebra"}));
    inject(&zoom, json!({"endpoint": CREATE, "fault": "lose_request", "count": 1})).await;
    inject(&zoom, json!({"endpoint": CREATE, "fault": "lose_answer", "count": 1, "skip": 1})).await;
    let path = "/users/ada@school.example/meetings";
    assert!(zoom.try_call("POST", path, body.clone()).await.is_err());
    assert_eq!(zoom.state().meetings().len(), 0);
    assert!(zoom.try_call("POST", path, body.clone()).await.is_err());
    assert_eq!(zoom.state().meetings().len(), 1);
    assert_eq!(zoom.call("POST", path, body).await.status, 201);

    let ledger =
        zoom.state().ledger(&LedgerFilter { endpoint: Some(CREATE.to_owned()), ..LedgerFilter::default() });
    let told: Vec<_> = ledger.iter().map(|entry| (entry.status, entry.answered)).collect();
    assert_eq!(told, [(None, false), (Some(201), false), (Some(201), true)]);
}

#[tokio::test]
async fn work_goes_on_when_the_caller_hangs_up() {
    let zoom = Zoom::start(Plan::Business).await;
    let path = format!("/users/{}", zoom.host("ada@school.example").id);
    inject(&zoom, json!({"endpoint": "DELETE /users/{userId}", "fault": "delay", "millis": 300, "count": 1}))
        .await;
    let impatient = zoom.try_call("DELETE", &path, None);
    assert!(tokio::time::timeout(Duration::from_millis(100), impatient).await.is_err());
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while zoom.state().user("ada@school.example").is_some() {
        assert!(std::time::Instant::now() < deadline, "the user was never deleted");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(zoom.call("DELETE", &path, None).await.refusal(), (404, 1001), "the lock is free again");
}

#[tokio::test]
async fn server_errors_come_before_or_after_the_work_or_as_a_gateways_page() {
    let zoom = Zoom::start(Plan::Business).await;
    zoom.host("ada@school.example");
    for (fault, status) in [("error_before", 500), ("error_after", 503)] {
        inject(&zoom, json!({"endpoint": CREATE, "fault": fault, "status": status, "count": 1})).await;
        let answer = zoom.call("POST", "/users/ada@school.example/meetings", Some(json!({}))).await;
        assert_eq!(answer.status, status);
    }
    assert_eq!(zoom.state().meetings().len(), 1, "only the second was done");
    inject(&zoom, json!({"fault": "html_gateway", "count": 1})).await;
    let page = zoom.get("/users").await;
    assert_eq!((page.status, page.header("content-type")), (502, Some("text/html")));
}

#[tokio::test]
async fn tokens_credentials_and_finds_can_fail_falsely() {
    let zoom = Zoom::start(Plan::Business).await;
    zoom.host("ada@school.example");
    let number = zoom.meeting("ada@school.example", json!({})).await["id"].clone();
    inject(&zoom, json!({"fault": "token_expired", "count": 1})).await;
    assert_eq!(zoom.get("/users").await.refusal(), (401, 124));
    inject(&zoom, json!({"endpoint": "GET /meetings/{meetingId}", "fault": "false_not_found", "count": 1}))
        .await;
    assert_eq!(zoom.get(&format!("/meetings/{number}")).await.refusal(), (404, 3001));
    assert_eq!(zoom.get(&format!("/meetings/{number}")).await.status, 200);
    inject(&zoom, json!({"fault": "credentials_revoked"})).await;
    let form = [("grant_type", "account_credentials"), ("account_id", "account")];
    assert_eq!(zoom.token(&form).await.json()["error"], "invalid_client");
    assert_eq!(control(&zoom, "DELETE", "/faults", Value::Null).await.status(), 204);
    assert_eq!(zoom.token(&form).await.status, 200);
}

#[tokio::test]
async fn settings_can_be_dropped_silently() {
    let zoom = Zoom::start(Plan::Business).await;
    zoom.host("ada@school.example");
    inject(&zoom, json!({"endpoint": CREATE, "fault": "drop_settings", "names": ["waiting_room"]})).await;
    let settings = json!({"settings": {"waiting_room": false, "mute_upon_entry": true}});
    let created = zoom.meeting("ada@school.example", settings).await;
    assert_eq!(
        (&created["settings"]["waiting_room"], &created["settings"]["mute_upon_entry"]),
        (&json!(true), &json!(true))
    );
}

#[tokio::test]
async fn every_kind_of_too_many_has_its_own_headers_and_words() {
    let zoom = Zoom::start(Plan::Business).await;
    zoom.host("ada@school.example");
    let mut seen = Vec::new();
    for limit in ["per_second", "daily", "host", "lock"] {
        inject(&zoom, json!({"fault": "rate_limit", "limit": limit, "count": 1})).await;
        let refused = zoom.get("/users").await;
        assert_eq!(refused.refusal(), (429, 429));
        assert_eq!(refused.header("x-ratelimit-category"), Some("Medium"));
        seen.push((
            refused.header("x-ratelimit-type").map(str::to_owned),
            refused.header("retry-after").map(str::to_owned),
        ));
    }
    let own = |text: &str| Some(text.to_owned());
    let expected =
        [(own("QPS"), None), (own("Daily-limit"), own("2026-03-03T00:00:00Z")), (None, None), (None, None)];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_free_account_may_list_twice_a_second() {
    let zoom = Zoom::start(Plan::Free).await;
    let burst = futures::future::join_all((0..12).map(|_| zoom.get("/users"))).await;
    let refused = burst.iter().find(|answer| answer.status == 429).unwrap();
    assert_eq!(refused.header("x-ratelimit-type"), Some("QPS"));
    assert_eq!(refused.header("x-ratelimit-limit"), Some("2"));
    assert!(burst.iter().filter(|answer| answer.status == 200).count() >= 2);
    zoom.state().set_settings(Settings { plan: Plan::Free, limits: false, ..Settings::default() });
    assert_eq!(zoom.get("/users").await.status, 200, "limits can be switched off");
}

#[tokio::test]
async fn a_hosts_creates_and_updates_share_a_daily_hundred() {
    let zoom = Zoom::start(Plan::Business).await;
    zoom.state().set_settings(Settings { host_daily_limit: 2, ..Settings::default() });
    let host = zoom.host("ada@school.example");
    let number = zoom.meeting(&host.id, json!({})).await["id"].clone();
    let patch = zoom.call("PATCH", &format!("/meetings/{number}"), Some(json!({"topic": "Moved"}))).await;
    assert_eq!(patch.status, 204);
    let refused = zoom.call("POST", &format!("/users/{}/meetings", host.id), Some(json!({}))).await;
    assert_eq!((refused.refusal(), refused.header("retry-after")), ((429, 429), None));
    assert!(refused.json()["message"].as_str().unwrap().contains("GMT 00:00:00"));
    assert_eq!(
        zoom.call("DELETE", &format!("/meetings/{number}"), None).await.status,
        204,
        "deletes are free"
    );
}

#[tokio::test]
async fn a_user_is_deleted_by_one_request_at_a_time() {
    let zoom = Zoom::start(Plan::Business).await;
    let host = zoom.host("ada@school.example");
    inject(&zoom, json!({"endpoint": "DELETE /users/{userId}", "fault": "delay", "millis": 300, "count": 1}))
        .await;
    let path = format!("/users/{}", host.id);
    let (one, two) = tokio::join!(zoom.call("DELETE", &path, None), zoom.call("DELETE", &path, None));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 429]);
}

#[tokio::test]
async fn the_control_changes_meetings_behind_the_callers_back_and_tells_the_truth() {
    let zoom = Zoom::start(Plan::Business).await;
    let added = control(&zoom, "POST", "/users", json!({"email": "eve@school.example"})).await;
    assert_eq!(added.status(), 201);
    let number = zoom.meeting("eve@school.example", json!({})).await["id"].clone();
    let patch =
        control(&zoom, "POST", &format!("/meetings/{number}/patch"), json!({"topic": "Theirs"})).await;
    assert_eq!(patch.status(), 204);
    assert_eq!(zoom.get(&format!("/meetings/{number}")).await.json()["topic"], "Theirs");
    let bad = control(&zoom, "POST", &format!("/meetings/{number}/patch"), json!({"duration": 0})).await;
    assert_eq!(bad.status(), 400);
    let delete = control(&zoom, "POST", &format!("/meetings/{number}/delete"), Value::Null).await;
    assert_eq!(delete.status(), 204);
    assert_eq!(zoom.get(&format!("/meetings/{number}")).await.refusal(), (404, 3001));

    let truth: Value = control(&zoom, "GET", "/meetings", Value::Null).await.json().await.unwrap();
    assert_eq!(truth[0]["topic"], "Theirs");
    assert!(truth[0]["deleted_at"].is_string());
    let path = format!("/ledger?meeting={number}");
    let ledger: Value = control(&zoom, "GET", &path, Value::Null).await.json().await.unwrap();
    assert_eq!(ledger.as_array().unwrap().len(), 3, "the control's own requests are not in it");
    let settings = control(&zoom, "PUT", "/settings", json!({"report_delay_secs": 5})).await;
    assert_eq!(settings.json::<Value>().await.unwrap()["report_delay_secs"], 5);
    assert_eq!(control(&zoom, "PUT", "/settings", json!({"no_such": 5})).await.status(), 400);
    let webhook = control(&zoom, "PUT", "/webhook", json!({"url": "http://daemon/webhook"})).await;
    assert_eq!(webhook.status(), 204);
    assert_eq!(zoom.state().webhook().secret, "webhook", "the secret stays");
}

#[tokio::test]
async fn a_stopped_sandbox_frees_its_port() {
    let zoom = Zoom::start(Plan::Business).await;
    let address = zoom.handle.url().strip_prefix("http://").unwrap().to_owned();
    zoom.handle.stop();
    assert!(std::net::TcpListener::bind(address).is_ok());
}
