//! Daemons that slept through a class: the same marks from Zoom's retries, and from its reports alone.

use std::collections::BTreeMap;

use convened::store::due::{self, DueKind};
use serde_json::{Value, json};

use super::lesson::{AHEAD, Lesson, MINUTES, all_there};
use crate::support::database::TestDatabase;

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_slept_through_the_class_gets_the_marks_from_zooms_retries() {
    let mut lesson = Lesson::book(TestDatabase::sqlite(), "").await;
    lesson.hide_reports().await;
    lesson
        .fault(json!({ "endpoint": "GET /past_meetings/{meetingId}/instances", "fault": "false_not_found" }))
        .await;
    lesson.rig.kill();
    let class = lesson.play(1, all_there()).await;
    // The retries after 5 and 25 minutes find nobody, that after 85 does.
    let after = lesson.rig.clock.now() + chrono::Duration::minutes(AHEAD + MINUTES);
    lesson.wait_until(after).await;
    lesson.rig.start_daemon();
    let truth = lesson.truth(&class).await;
    let agree = |records: &BTreeMap<String, Value>| {
        truth
            .iter()
            .all(|(person, status)| records.get(person).is_some_and(|record| record["status"] == *status))
    };
    let records = lesson.attendance("as the truth says", agree).await;
    assert!(records.values().all(|record| record["provisional"] == true), "no report was read");
}

/// What a kill leaves when it comes after the meeting was made and before anybody expects its end.
fn forget_the_end(lesson: &Lesson) {
    let conn = &mut lesson.rig.database.conn();
    due::clear(conn, DueKind::WindowEnd, &lesson.appointment).unwrap();
    due::set(conn, DueKind::Sync, &lesson.meeting, lesson.rig.clock.now().into()).unwrap();
}

async fn late(database: TestDatabase, unexpected: bool) {
    let mut lesson = Lesson::book(database, "").await;
    lesson.silence_webhooks().await;
    lesson.rig.kill();
    if unexpected {
        forget_the_end(&lesson);
    }
    let class = lesson.play(1, all_there()).await;
    let beyond = lesson.rig.clock.now() + chrono::Duration::minutes(AHEAD + MINUTES + 100);
    lesson.wait_until(beyond).await;
    lesson.rig.start_daemon();
    assert_eq!(lesson.statuses().await, lesson.truth(&class).await);
    let answer = lesson.rig.get(&format!("/api/appointments/{}", lesson.appointment)).await;
    assert_eq!(answer["appointment"]["status"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_comes_after_the_last_retry_gets_the_marks_from_reports_alone_on_sqlite() {
    late(TestDatabase::sqlite(), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_comes_after_the_last_retry_gets_the_marks_from_reports_alone_on_postgres() {
    if let Some(database) = TestDatabase::postgres() {
        late(database, false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_was_killed_before_it_expected_the_end_looks_for_it_when_it_comes_late() {
    late(TestDatabase::sqlite(), true).await;
}
