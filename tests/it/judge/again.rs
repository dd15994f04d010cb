//! Reports that are read again for who asks, and finality that is told once.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use convened::store::Conn;
use convened::zoom::http::Method;
use diesel::connection::SimpleConnection as _;
use serde_json::{Value, json};

use super::lesson::{Lesson, PAGES, all_there, marks, text};
use crate::support::database::TestDatabase;
use crate::support::listener::Listener;
use crate::support::rig::free_port;

/// Zoom's report, other than it was: everybody but Cai was there all the time.
fn corrected(start: DateTime<Utc>) -> Value {
    let at =
        |minute: i64| (start + chrono::Duration::minutes(minute)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let row = |name: &str| json!({ "name": name, "join_time": at(0), "leave_time": at(30), "status": "in_meeting" });
    json!({ "participants": [row("Ana Reyes"), row("ann Pupil"), row("bob Pupil")], "total_records": 3 })
}

async fn read_again(database: TestDatabase) {
    let listener = Listener::start(0, 200);
    let endpoint = Listener::config(listener.port(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &[]);
    let lesson = Lesson::book(database, &endpoint).await;
    let class = lesson.play(1, all_there()).await;
    assert_eq!(lesson.statuses().await, lesson.truth(&class).await);
    // Read once, a report is not read again by itself…
    let start = lesson.start;
    let rule = json!({ "endpoint": PAGES, "fault": "rewrite_answer", "with": corrected(start) });
    lesson.fault(rule).await;
    let day = start.format("%Y-%m-%d").to_string();
    // …but when somebody asks. A first run that does not wait is gone on with by the second.
    let (code, said) = lesson.resync(&["--from", &day, "--wait", "0s"]);
    assert_eq!((code, &said["asked"]), (Some(0), &json!(1)), "{said}");
    let (code, said) = lesson.resync(&["--from", &day, "--wait", "30s"]);
    assert_eq!((code, said), (Some(0), json!({ "asked": 1, "done": 1 })));
    assert_eq!(lesson.statuses().await, marks([("ann", "present"), ("bob", "present"), ("cai", "absent")]));
    assert_eq!(lesson.story("booking.resync").await.len(), 1, "asked for once by both runs");
    let line = lesson.story("attendance.final").await.pop().unwrap();
    let changed = line["details"]["changed"].as_array().unwrap();
    let bob = changed.iter().find(|line| line["person"] == "bob").unwrap();
    assert_eq!((&bob["minutes_from"], &bob["minutes_to"]), (&json!(18), &json!(30)), "{line:#}");
    listener.until("attendance.corrected").await;
    let came = listener.came();
    let finals = came.iter().filter(|message| message.json()["type"] == "attendance.final");
    let finals: BTreeSet<&str> = finals.map(|message| message.header("webhook-id")).collect();
    assert_eq!(finals.len(), 1, "told once");
    // A report that Zoom has no more leaves what was read.
    lesson.rig.control(Method::DELETE, "/faults", None).await;
    lesson.hide_reports().await;
    let (code, said) = lesson.resync(&["--from", &day, "--to", &day, "--wait", "30s"]);
    assert_eq!((code, said), (Some(0), json!({ "asked": 1, "done": 1 })));
    assert_eq!(lesson.statuses().await, marks([("ann", "present"), ("bob", "present"), ("cai", "absent")]));
    assert_eq!(lesson.story("report.stays").await.len(), 1);
    let (code, _) = lesson.resync(&["--from", "2999-01-01"]);
    assert_eq!(code, Some(1), "there is no time in it");
}

#[tokio::test(flavor = "multi_thread")]
async fn old_reports_are_read_again_for_who_asks_on_sqlite() {
    read_again(TestDatabase::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_reports_are_read_again_for_who_asks_on_postgres() {
    if let Some(database) = TestDatabase::postgres() {
        read_again(database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_resync_of_a_booking_that_is_over_reads_its_report_again_and_a_given_up_one_too() {
    let lesson = Lesson::book(TestDatabase::sqlite(), "report_give_up = \"1h\"").await;
    lesson.fault(json!({ "endpoint": PAGES, "fault": "false_not_found" })).await;
    lesson.play(1, all_there()).await;
    lesson.final_marks().await;
    lesson.wait_after_end(0).await;
    assert_eq!(lesson.reports().await[0]["state"], "given_up");
    lesson.rig.control(Method::DELETE, "/faults", None).await;
    let (status, _) = lesson
        .rig
        .call(Method::POST, &format!("/api/appointments/{}/resync", lesson.appointment), None)
        .await;
    assert_eq!(status, 202);
    let path = format!("/api/zoom/reports/history?meetingId={}", lesson.meeting);
    let complete = |answer: &Value| answer["reports"][0]["state"] == "complete";
    let answer = lesson.rig.until(&path, "complete", complete).await;
    assert_eq!(answer["reports"][0]["rows"], 4);
    put_away(&lesson);
    // The meeting is looked at, but Zoom is not asked again who was there; both ways say why.
    let answer =
        lesson.rig.post(&format!("/api/appointments/{}/resync", lesson.appointment), json!({})).await;
    assert!(text(&answer["notices"][0]).contains("put away"), "{answer:#}");
    let (code, said) = lesson.resync(&["--appointment", &lesson.appointment, "--wait", "30s"]);
    assert_eq!((code, &said["done"]), (Some(0), &json!(1)), "{said}");
    assert!(text(&said["note"]).contains("put away"), "{said}");
}

/// What the retention rules do to a booking.
fn put_away(lesson: &Lesson) {
    let mut conn = lesson.rig.database.conn();
    let Conn::Sqlite(conn) = &mut conn else { panic!("this is SQLite's") };
    conn.batch_execute("UPDATE appointments SET anonymised_at = updated_at").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn finality_is_told_once_although_two_processes_judge_and_one_of_them_dies() {
    let Some(database) = TestDatabase::postgres() else { return };
    let listener = Listener::start(0, 200);
    let endpoint = Listener::config(listener.port(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &[]);
    let lesson = Lesson::book(database, &endpoint).await;
    let mut second = lesson.rig.spawn(free_port());
    let class = lesson.play(1, all_there()).await;
    // While the reports are due: whoever has the meeting, one process is left with it.
    lesson.wait_after_end(5).await;
    second.kill().unwrap();
    second.wait().unwrap();
    assert_eq!(lesson.statuses().await, lesson.truth(&class).await);
    listener.until("attendance.final").await;
    for _ in 0..2 {
        lesson
            .rig
            .call(Method::POST, &format!("/api/appointments/{}/resync", lesson.appointment), None)
            .await;
        let path = format!("/api/appointments/{}/story", lesson.appointment);
        let read = |answer: &Value| {
            answer["story"].as_array().unwrap().iter().filter(|line| line["kind"] == "report.read").count()
                > 1
        };
        lesson.rig.until(&path, "read again", read).await;
    }
    let came = listener.came();
    let finals = came.iter().filter(|message| message.json()["type"] == "attendance.final");
    let finals: BTreeSet<&str> = finals.map(|message| message.header("webhook-id")).collect();
    assert_eq!((finals.len(), lesson.story("attendance.final").await.len()), (1, 1), "told once");
}
