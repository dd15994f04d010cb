//! Every error body known of Zoom, and what the daemon makes of it.

use serde_json::json;

use super::*;
use crate::zoom::error::Retry;
use crate::zoom::testing::facts;

fn now() -> DateTime<Utc> {
    "2025-01-19T13:30:00Z".parse().unwrap()
}

fn midnight() -> DateTime<Utc> {
    "2025-01-20T00:00:00Z".parse().unwrap()
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

fn answer(status: u16, body: &Value) -> Result<Value, ZoomError> {
    judge(status, &HeaderMap::new(), body.to_string().as_bytes(), now())
}

fn too_much(message: &str, pairs: &[(&'static str, &str)]) -> Limit {
    let body = json!({"code": 429, "message": message}).to_string();
    match judge(429, &headers(pairs), body.as_bytes(), now()) {
        Err(ZoomError::RateLimited(limit)) => limit,
        other => panic!("{message}: {other:?}"),
    }
}

#[test]
fn every_collected_error_body_has_its_class() {
    let expected = [
        ("access-token-expired-124", "token_invalid"),
        ("access-token-invalid-124", "token_invalid"),
        ("invalid-json-300", "rejected"),
        ("meeting-not-found-3001", "not_found"),
        ("next-page-token-300", "rejected"),
        ("paid-only-200", "rejected"),
        ("rate-daily-429", "limit_day"),
        ("rate-meeting-create-100-429", "limit_host"),
        ("rate-per-second-429", "limit_second"),
        ("rate-registrant-3-429", "limit_registrant"),
        ("registration-not-enabled-300", "rejected"),
        ("scope-missing-4711", "scope_missing"),
        ("user-exists-1005", "rejected"),
        ("user-not-exist-1001", "not_found"),
        ("validation-300-invalid-field", "rejected"),
    ];
    for (name, class) in expected {
        let Some(fixture) = facts(&format!("fixtures/errors/{name}.json")) else { return };
        let status = u16::try_from(fixture["http_status"].as_u64().unwrap()).unwrap();
        let error = answer(status, &fixture["body"]).unwrap_err();
        assert_eq!(error.class(), class, "{name}");
        assert!(!error.perhaps_done(), "zoom answered, so it was not done: {name}");
    }
}

#[test]
fn an_invalid_token_is_known_by_its_code_under_either_status() {
    for status in [400, 401] {
        let error = answer(status, &json!({"code": 124, "message": "Access token is expired."}));
        assert_eq!(error, Err(ZoomError::TokenInvalid));
    }
    assert_eq!(judge(401, &HeaderMap::new(), b"", now()), Err(ZoomError::TokenInvalid));
}

#[test]
fn missing_scopes_are_named_whatever_the_code() {
    for (code, name) in [(4711, "user:read:list_users:admin"), (4700, "meeting:write"), (124, "a, b")] {
        let message = format!("Invalid access token, does not contain scopes:[{name}].");
        let scopes = name.split(", ").map(str::to_owned).collect();
        assert_eq!(
            answer(400, &json!({"code": code, "message": message})),
            Err(ZoomError::ScopeMissing { scopes })
        );
    }
    let classic = json!({"code": 200, "message": "Does not contain permissions [User:Edit]"});
    assert_eq!(answer(400, &classic), Err(ZoomError::ScopeMissing { scopes: vec!["User:Edit".into()] }));
}

#[test]
fn per_second_limits_are_known_by_text_code_and_header() {
    let text = "You have reached the maximum per-second rate limit for this API. Try again later.";
    assert_eq!(too_much(text, &[]), Limit::Qps { retry_after: None });
    assert_eq!(too_much("", &[("x-ratelimit-type", "QPS")]), Limit::Qps { retry_after: None });
    assert_eq!(
        too_much("slow down", &[("retry-after", "7")]),
        Limit::Qps { retry_after: Some(Duration::from_secs(7)) }
    );
    let other_code = answer(429, &json!({"code": 4001, "message": text}));
    assert_eq!(other_code, Err(ZoomError::RateLimited(Limit::Qps { retry_after: None })));
    let gateway = judge(429, &HeaderMap::new(), b"<html>Too Many Requests</html>", now());
    assert_eq!(gateway, Err(ZoomError::RateLimited(Limit::Qps { retry_after: None })));
}

#[test]
fn the_end_of_a_daily_limit_is_read_in_every_form() {
    let text = "You have reached the maximum daily rate limit for this API. Refer to the response header.";
    for retry_after in ["2025-01-20T00:00:00Z", "Mon, 20 Jan 2025 00:00:00 GMT", "37800"] {
        let headers = [("x-ratelimit-type", "Daily-limit"), ("retry-after", retry_after)];
        assert_eq!(too_much(text, &headers), Limit::Daily { until: midnight() }, "{retry_after}");
    }
    assert_eq!(too_much(text, &[]), Limit::Daily { until: midnight() }, "no header: the next day");
}

#[test]
fn a_senseless_date_neither_parks_for_ever_nor_not_at_all() {
    let text = "You have reached the maximum daily rate limit for this API.";
    let until = |retry_after| match too_much(text, &[("retry-after", retry_after)]) {
        Limit::Daily { until } => until - now(),
        other => panic!("{other:?}"),
    };
    assert_eq!(until("2099-01-01T00:00:00Z"), UNTIL_MAX);
    assert_eq!(until("9223372036854775807"), midnight() - now());
    assert_eq!(until("2001-01-01T00:00:00Z"), UNTIL_MIN);
}

#[test]
fn a_hosts_limit_is_known_by_its_words_although_the_headers_speak_of_the_label() {
    let text = "You have exceeded the daily rate limit (100) of Meeting Create/Update API requests permitted \
                for this particular user. You may resume these requests at GMT 00:00:00.";
    let headers = [("x-ratelimit-limit", "6000"), ("x-ratelimit-remaining", "5893")];
    assert_eq!(too_much(text, &headers), Limit::HostDaily { until: midnight() });
    let reworded = "Come back at GMT 00:00:00.";
    assert_eq!(too_much(reworded, &[]), Limit::HostDaily { until: midnight() });
}

#[test]
fn a_days_limit_met_just_after_midnight_is_yesterdays() {
    let text = "You have exceeded the daily rate limit (100) of Meeting Create/Update API requests.";
    let body = json!({"code": 429, "message": text}).to_string();
    let at = |seconds| {
        let now = midnight() + TimeDelta::seconds(seconds);
        match judge(429, &HeaderMap::new(), body.as_bytes(), now) {
            Err(ZoomError::RateLimited(Limit::HostDaily { until })) => until - midnight(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(at(1), CLOCKS_APART_MAX);
    assert_eq!(at(121), TimeDelta::days(1));
}

#[test]
fn a_busy_thing_is_neither_a_second_nor_a_day() {
    let text = "Too many concurrent requests. A request to disassociate this user has already been made.";
    assert_eq!(too_much(text, &[]), Limit::LockKey);
}

#[test]
fn failures_on_the_way_leave_the_outcome_in_doubt() {
    let html = b"<html>gateway</html>".as_slice();
    for (status, body, doubt) in [
        (500, b"{}".as_slice(), Doubt::ServerFailure),
        (502, html, Doubt::ServerFailure),
        (503, b"".as_slice(), Doubt::ServerFailure),
        (408, b"{}".as_slice(), Doubt::ServerFailure),
        (200, html, Doubt::NotJson),
        (201, b"{\"id\": 1".as_slice(), Doubt::NotJson),
        (403, html, Doubt::NotJson),
        (404, html, Doubt::NotJson),
        (404, b"".as_slice(), Doubt::NotJson),
        (400, b"[]".as_slice(), Doubt::NotJson),
        (302, b"".as_slice(), Doubt::NotJson),
    ] {
        let error = judge(status, &HeaderMap::new(), body, now()).unwrap_err();
        assert_eq!(error, ZoomError::Unknown { doubt, status: Some(status) });
        assert_eq!(error.retry(), Retry::Backoff);
    }
}

#[test]
fn only_zooms_own_code_says_that_a_thing_is_gone() {
    let proxy = answer(404, &json!({"message": "no such route"}));
    assert!(matches!(proxy, Err(ZoomError::Rejected { status: 404, code: None, .. })));
    let text_code = answer(404, &json!({"code": "3001", "message": "Meeting does not exist: 1."}));
    assert!(matches!(text_code, Err(ZoomError::NotFound { code: 3001, .. })));
}

#[test]
fn faulty_fields_are_named_in_the_message() {
    let body = json!({"code": 300, "message": "Validation Failed.",
        "errors": [{"field": "topic", "message": "Too long."}, {"field": "type", "message": "Missing field."}]});
    let Err(ZoomError::Rejected { message, .. }) = answer(400, &body) else { panic!() };
    assert_eq!(message, "Validation Failed. topic: Too long. type: Missing field.");
}

#[test]
fn an_empty_body_is_a_good_answer() {
    assert_eq!(judge(204, &HeaderMap::new(), b"", now()), Ok(Value::Null));
    assert_eq!(answer(200, &json!({"id": 1})), Ok(json!({"id": 1})));
}

#[test]
fn a_name_that_was_cut_in_an_emoji_spoils_no_answer() {
    for (body, name) in [(r#"{"name":"Ann \ud83d"}"#, "Ann \u{fffd}"), (r#"{"name":"An\u0000n"}"#, "Ann")] {
        let judged = judge(200, &HeaderMap::new(), body.as_bytes(), now());
        assert_eq!(judged, Ok(json!({ "name": name })));
    }
    let error = judge(404, &HeaderMap::new(), br#"{"code":1001,"message":"no \ud83d"}"#, now());
    assert_eq!(error, Err(ZoomError::NotFound { code: 1001, message: "no \u{fffd}".to_owned() }));
}
