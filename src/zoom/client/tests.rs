//! The client against a server that answers badly.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::clock::SystemClock;
use crate::zoom::call;
use crate::zoom::error::{Doubt, Limit};
use crate::zoom::http;
use crate::zoom::testing::{BadZoom, Play};
use crate::zoom::types::{Meeting, MeetingRequest};

const TIMEOUT: Duration = Duration::from_millis(300);

async fn ask(url: &str, call: &ZoomCall) -> Exchange {
    let client = ZoomClient::new(http::client(TIMEOUT).unwrap(), url, Arc::new(SystemClock));
    client.perform(call, &SecretString::from("the-token")).await
}

async fn outcome(play: Play) -> Result<ZoomReply, ZoomError> {
    let zoom = BadZoom::start(move |_, _| play.clone()).await;
    ask(&zoom.url, &call::get_meeting("1")).await.outcome
}

fn unknown(doubt: Doubt, status: Option<u16>) -> Result<ZoomReply, ZoomError> {
    Err(ZoomError::Unknown { doubt, status })
}

#[tokio::test]
async fn a_call_arrives_with_token_body_and_query_and_its_answer_is_read() {
    let zoom = BadZoom::start(|_, _| Play::json(201, &json!({"id": 1})).with("x-zm-trackingid: rid=1")).await;
    let meeting = MeetingRequest { topic: Some("Algebra".into()), ..MeetingRequest::default() };
    let reply = ask(&zoom.url, &call::create_meeting("a@b.c", &meeting)).await.outcome.unwrap();
    assert_eq!((reply.status, reply.tracking_id.as_deref()), (201, Some("rid=1")));
    assert_eq!(reply.parse::<Meeting>().unwrap().id, Some(1));
    ask(&zoom.url, &call::report_participants("/ab==", Some("t=1"))).await;

    let seen = zoom.seen();
    assert_eq!(seen[0].line, "POST /users/a%40b.c/meetings");
    assert_eq!(seen[0].body, r#"{"topic":"Algebra"}"#);
    assert!(seen[0].head.contains("authorization: Bearer the-token"), "{}", seen[0].head);
    let query = "include_fields=registrant_id&page_size=300&next_page_token=t%3D1";
    assert_eq!(seen[1].line, format!("GET /report/meetings/%252Fab%253D%253D/participants?{query}"));
}

#[tokio::test]
async fn nobody_listening_means_certainly_not_done() {
    let url = BadZoom::nobody().await;
    let Err(ZoomError::Unreachable { detail }) = ask(&url, &call::get_meeting("1")).await.outcome else {
        panic!()
    };
    assert!(detail.contains("refused"), "{detail}");
}

#[tokio::test]
async fn an_answer_that_is_lost_late_or_cut_leaves_the_outcome_in_doubt() {
    assert_eq!(outcome(Play::Silence).await, unknown(Doubt::Timeout, None));
    let late = Play::Late(TIMEOUT * 3, Box::new(Play::json(201, &json!({}))));
    assert_eq!(outcome(late).await, unknown(Doubt::Timeout, None));
    assert_eq!(outcome(Play::HangUp).await, unknown(Doubt::ConnectionLost, None));
    assert_eq!(outcome(Play::CutShort).await, unknown(Doubt::ConnectionLost, None));
}

#[tokio::test]
async fn what_is_not_zooms_json_leaves_the_outcome_in_doubt() {
    let page = |status| Play::Answer(status, vec!["content-type: text/html".into()], "<html>".into());
    assert_eq!(outcome(page(200)).await, unknown(Doubt::NotJson, Some(200)));
    assert_eq!(outcome(page(502)).await, unknown(Doubt::ServerFailure, Some(502)));
    let elsewhere = page(302).with("location: http://127.0.0.1:9/");
    assert_eq!(outcome(elsewhere).await, unknown(Doubt::NotJson, Some(302)));
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let endless = Play::Answer(200, Vec::new(), " ".repeat(9 * 1024 * 1024));
    assert_eq!(outcome(endless).await, unknown(Doubt::TooLarge, Some(200)));
}

#[tokio::test]
async fn no_body_is_a_good_answer() {
    let reply = outcome(Play::Answer(204, Vec::new(), String::new())).await.unwrap();
    assert_eq!((reply.status, reply.body), (204, serde_json::Value::Null));
}

#[tokio::test]
async fn the_headers_about_the_limit_are_handed_on_when_they_say_which() {
    let with = |lines: &[&str]| lines.iter().fold(Play::json(200, &json!({})), |play, line| play.with(line));
    let note = |play: Play| async move {
        let zoom = BadZoom::start(move |_, _| play.clone()).await;
        ask(&zoom.url, &call::get_meeting("1")).await.quota
    };
    let figures = ["X-RateLimit-Limit: 30", "X-RateLimit-Remaining: 4"];
    assert_eq!(note(with(&figures)).await, None);
    let second = [&figures[..], &["X-RateLimit-Type: QPS"]].concat();
    assert_eq!(note(with(&second)).await, Some(QuotaNote::Second { limit: Some(30), remaining: 4 }));
    let day = [&figures[..], &["X-RateLimit-Type: Daily-limit"]].concat();
    assert_eq!(note(with(&day)).await, Some(QuotaNote::Day { remaining: 4 }));
}

#[tokio::test]
async fn an_error_with_headers_is_sorted_by_both() {
    let play = Play::json(429, &json!({"code": 429, "message": "daily rate limit"}))
        .with("X-RateLimit-Type: Daily-limit")
        .with("Retry-After: 3600");
    assert!(matches!(outcome(play).await, Err(ZoomError::RateLimited(Limit::Daily { .. }))));
}

#[tokio::test]
async fn an_identifier_cannot_lead_to_another_operation() {
    let zoom = BadZoom::start(|_, _| Play::json(200, &json!({}))).await;
    for call in [call::get_meeting(".."), call::delete_registrant("1", "."), call::get_user("..")] {
        let outcome = ask(&zoom.url, &call).await.outcome;
        assert!(matches!(outcome, Err(ZoomError::Rejected { code: None, .. })), "{outcome:?}");
    }
    assert!(zoom.seen().is_empty());
}
