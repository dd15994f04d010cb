//! Classes of which Zoom's list of runs says nothing: because it is behind, because the run goes on, because nobody
//! came, or because Zoom does not answer. Nothing is final before it must be.

use chrono::{DateTime, Utc};
use convened::zoom::http::Method;
use serde_json::json;

use super::lesson::{DETAILS, Lesson, MINUTES, RUNS, all_there, came, marks, text};
use crate::support::database::TestDatabase;

async fn behind(database: TestDatabase) {
    let lesson = Lesson::book(database, "").await;
    lesson.silence_webhooks().await;
    lesson.hide_reports().await;
    lesson.fault(json!({ "endpoint": RUNS, "fault": "false_not_found" })).await;
    let class = lesson.play(1, all_there()).await;
    // By then Zoom has said four times that it knows of nothing.
    lesson.wait_after_end(60).await;
    lesson.nothing_is_final().await;
    lesson.rig.control(Method::DELETE, "/faults", None).await;
    assert_eq!(lesson.statuses().await, lesson.truth(&class).await);
    let last = lesson.story("attendance.final").await;
    assert_eq!((last.len(), &last[0]["details"]["judged_by"]), (1, &json!("report")), "{last:#?}");
    assert_eq!(lesson.status().await, "completed");
    assert_eq!(lesson.story("meeting.run_found").await.len(), 1);
    let metrics = lesson.rig.http.get(lesson.rig.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("convened_runs_unheard_total 1"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_zoom_does_not_know_for_hours_is_judged_by_its_report_at_last_on_sqlite() {
    behind(TestDatabase::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_zoom_does_not_know_for_hours_is_judged_by_its_report_at_last_on_postgres() {
    if let Some(database) = TestDatabase::postgres() {
        behind(database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_runs_over_unheard_is_judged_when_it_has_ended() {
    let lesson = Lesson::book(TestDatabase::sqlite(), "").await;
    lesson.silence_webhooks().await;
    let persons = json!([
        came("host", json!([["0s join", "55m leave"]])),
        came("ann", json!([["0s join", "55m leave"]])),
        came("bob", json!([["12m join", "55m leave"]])),
        came("cai", json!([["1m join", "6m leave"]])),
    ]);
    let class = lesson.play_live(1, persons).await;
    // Zoom's list has only runs that are over: it is empty.
    lesson.attendance("marked so far", |records| !records.is_empty()).await;
    lesson.nothing_is_final().await;
    assert_eq!(lesson.statuses().await, lesson.truth(&class).await);
    assert_eq!(lesson.story("attendance.final").await.len(), 1);
    assert_eq!(lesson.status().await, "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_came_is_said_when_the_waiting_is_given_up_and_not_before() {
    let lesson = Lesson::book(TestDatabase::sqlite(), "report_give_up = \"1h\"").await;
    lesson.wait_after_end(45).await;
    lesson.nothing_is_final().await;
    assert_eq!(lesson.statuses().await, marks([("ann", "absent"), ("bob", "absent"), ("cai", "absent")]));
    assert_eq!(lesson.status().await, "no_show");
    let line = lesson.story("appointment.no_show").await.remove(0);
    let said: DateTime<Utc> = text(&line["at"]).parse().unwrap();
    assert!(said >= lesson.start + chrono::Duration::minutes(MINUTES + 60), "{line:#}");
    let last = lesson.story("attendance.final").await.remove(0);
    assert_eq!(last["details"]["judged_by"], "no_run", "{last:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zoom_that_never_answers_makes_marks_final_but_nobody_a_no_show() {
    let lesson = Lesson::book(TestDatabase::sqlite(), "report_give_up = \"20m\"").await;
    lesson.silence_webhooks().await;
    lesson.fault(json!({ "endpoint": RUNS, "fault": "error_before", "status": 500 })).await;
    lesson.play(1, all_there()).await;
    lesson.wait_after_end(30).await;
    lesson.nothing_is_final().await;
    assert_eq!(lesson.statuses().await, marks([("ann", "absent"), ("bob", "absent"), ("cai", "absent")]));
    assert_eq!(lesson.status().await, "confirmed", "Zoom has not said that nobody came");
    let last = lesson.story("attendance.final").await.remove(0);
    assert_eq!(last["details"]["judged_by"], "webhooks", "{last:#}");
    assert!(text(&last["text"]).contains("never gave its list"), "{last:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_was_guessed_gives_way_to_that_of_the_report() {
    let lesson = Lesson::book(TestDatabase::sqlite(), "report_give_up = \"20m\"").await;
    lesson.silence_webhooks().await;
    lesson.hide_reports().await;
    let persons = json!([
        came("host", json!([["0s join", "20m leave"]])),
        came("ann", json!([["0s join", "20m leave"]])),
        came("bob", json!([["12m join", "20m leave"]])),
        came("cai", json!([["1m join", "6m leave"]])),
    ]);
    let class = lesson.play(1, persons).await;
    lesson.final_marks().await;
    assert_eq!(lesson.story("meeting.closed").await.len(), 1);
    assert_ne!(lesson.status().await, "no_show", "Zoom did tell of a run");
    lesson.rig.control(Method::DELETE, "/faults", None).await;
    lesson.rig.post(&format!("/api/appointments/{}/resync", lesson.appointment), json!({})).await;
    let end = lesson.start + chrono::Duration::minutes(20);
    let records = lesson
        .attendance("measured by the true end", |records| {
            let until = |record: &serde_json::Value| record["evidence"]["window"]["end"].clone();
            records.values().all(|record| until(record).as_str().and_then(|at| at.parse().ok()) == Some(end))
        })
        .await;
    assert_eq!(records.len(), 3);
    assert_eq!(lesson.statuses().await, lesson.truth(&class).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_details_never_come_keeps_nobody_waiting_for_ever() {
    let lesson = Lesson::book(TestDatabase::sqlite(), "report_give_up = \"10m\"").await;
    lesson.silence_webhooks().await;
    lesson.fault(json!({ "endpoint": DETAILS, "fault": "garble", "status": 200, "body": "<html>" })).await;
    lesson.play(1, all_there()).await;
    lesson.final_marks().await;
    let last = lesson.story("attendance.final").await.remove(0);
    assert_eq!(last["details"]["judged_by"], "webhooks", "{last:#}");
    assert_ne!(lesson.status().await, "no_show", "Zoom did tell of a run");
}
