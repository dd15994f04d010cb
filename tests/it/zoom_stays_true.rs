//! What Zoom holds in the end, whatever happened on the way: the sandbox's ledger is asked, not the daemon's tables.

use convened::zoom::http::Method;
use serde_json::{Value, json};

use crate::support::booked::{CREATE, UPDATE, at_zoom, book, fault, in_sync, rig_with_host, settled};
use crate::support::database::TestDatabase;

#[tokio::test(flavor = "multi_thread")]
async fn a_create_whose_answer_is_lost_is_adopted_and_never_doubled() {
    let rig = rig_with_host(TestDatabase::sqlite(), "").await;
    fault(&rig, CREATE, "lose_answer", 1).await;
    let appointment = book(&rig).await;
    settled(&rig, &appointment).await;
    assert_eq!(at_zoom(&rig).await.len(), 1);
    let story = rig.get(&format!("/api/appointments/{appointment}/story")).await;
    let kinds: Vec<&Value> = story["story"].as_array().unwrap().iter().map(|line| &line["kind"]).collect();
    assert!(kinds.contains(&&json!("zoom.adopted")), "{story:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_never_arrived_is_made_after_looking() {
    let rig = rig_with_host(TestDatabase::sqlite(), "").await;
    fault(&rig, CREATE, "lose_request", 1).await;
    let appointment = book(&rig).await;
    settled(&rig, &appointment).await;
    assert_eq!(at_zoom(&rig).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_reaches_zoom_through_lost_answers_and_a_cancel_removes_the_meeting() {
    let rig = rig_with_host(TestDatabase::sqlite(), "").await;
    let appointment = book(&rig).await;
    settled(&rig, &appointment).await;
    fault(&rig, UPDATE, "lose_answer", 1).await;
    let path = format!("/api/appointments/{appointment}");
    let (status, answer) = rig.call(Method::PATCH, &path, Some(json!({ "duration": 50 }))).await;
    assert!(status < 300, "{answer}");
    rig.until(&path, "moved", |answer| in_sync(answer) && answer["appointment"]["duration"] == 50).await;
    let meetings = at_zoom(&rig).await;
    assert_eq!(meetings.len(), 1);
    assert_eq!(meetings[0]["duration"], 50);
    rig.post(&format!("{path}/cancel"), json!({ "reason": "snow" })).await;
    let cancelled =
        |answer: &Value| in_sync(answer) && answer["appointment"]["meeting"]["status"] == "cancelled";
    rig.until(&path, "cancelled", cancelled).await;
    assert_eq!(at_zoom(&rig).await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_that_vanished_is_made_again_and_one_false_404_is_not_believed() {
    let rig = rig_with_host(TestDatabase::sqlite(), "").await;
    let appointment = book(&rig).await;
    let first = settled(&rig, &appointment).await;
    let number = first["appointment"]["meeting"]["zoom_meeting_id"].as_str().unwrap().to_owned();
    let path = format!("/api/appointments/{appointment}");
    fault(&rig, UPDATE, "false_not_found", 1).await;
    rig.call(Method::PATCH, &path, Some(json!({ "duration": 40 }))).await;
    rig.until(&path, "changed", |answer| in_sync(answer) && answer["appointment"]["duration"] == 40).await;
    assert_eq!(at_zoom(&rig).await[0]["duration"], 40, "the same meeting, changed after the second look");
    rig.control(Method::POST, &format!("/meetings/{number}/delete"), None).await;
    rig.call(Method::PATCH, &path, Some(json!({ "duration": 45 }))).await;
    let anew = |answer: &Value| {
        let meeting = &answer["appointment"]["meeting"];
        in_sync(answer)
            && meeting["zoom_meeting_id"] != json!(number)
            && !meeting["zoom_meeting_id"].is_null()
    };
    rig.until(&path, "made again", anew).await;
    assert_eq!(at_zoom(&rig).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_during_a_create_leaves_one_meeting() {
    let mut rig = rig_with_host(TestDatabase::sqlite(), "").await;
    let rule = json!({ "endpoint": CREATE, "fault": "delay", "millis": 700, "count": 1 });
    rig.control(Method::POST, "/faults", Some(rule)).await;
    let appointment = book(&rig).await;
    rig.kill();
    rig.start_daemon();
    settled(&rig, &appointment).await;
    assert_eq!(at_zoom(&rig).await.len(), 1);
}
