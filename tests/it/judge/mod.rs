//! Zoom's report as the judge of a class, with everything that can be wrong with it, by the real binary against the
//! sandbox: runs nobody told of, odd rows, late, missing and useless reports, and daemons that come late.

mod again;
mod lesson;
mod no_run;
mod sleep;

use convened::zoom::http::Method;
use serde_json::{Value, json};

use self::lesson::{Lesson, PAGES, all_there, came, marks, text};
use crate::support::database::TestDatabase;

async fn two_runs(database: TestDatabase) {
    let lesson = Lesson::book(database, "").await;
    let first = json!([
        came("host", json!([["0s join", "10m leave"]])),
        came("ann", json!([["0s join", "10m leave"]])),
        came("bob", json!([["0s join", "10m leave"]])),
    ]);
    lesson.play(1, first).await;
    let told = |answer: &Value| answer["appointment"]["meeting"]["status"] == "ended";
    lesson.rig.until(&format!("/api/appointments/{}", lesson.appointment), "ended", told).await;
    lesson.silence_webhooks().await;
    let second = json!([
        came("host", json!([["14m join", "30m leave"]])),
        came("ann", json!([["14m join", "30m leave"]])),
        came("cai", json!([["14m join", "18m leave"]])),
    ]);
    lesson.play(2, second).await;
    let records = lesson.final_marks().await;
    let seconds = |person: &str| records[person]["attended_seconds"].as_i64().unwrap();
    assert_eq!((seconds("ann"), seconds("bob"), seconds("cai")), (26 * 60, 10 * 60, 4 * 60), "{records:#?}");
    assert_eq!(lesson.story("meeting.run_found").await.len(), 1, "the second run was found");
    let reports = lesson.reports().await;
    assert_eq!(reports.len(), 2, "{reports:#?}");
    assert!(reports.iter().all(|report| report["state"] == "complete"), "{reports:#?}");
    let last = lesson.story("attendance.final").await.pop().unwrap();
    assert_eq!(last["details"]["judged_by"], "report");
    let told = last["details"]["marks"].as_array().unwrap();
    let bob = told.iter().find(|mark| mark["person"] == "bob").unwrap();
    let facts = (&bob["attended_seconds"], &bob["finding"], &bob["matched_by"]);
    assert_eq!(facts, (&json!(600), &json!("attended"), &json!(["name"])), "{last:#}");
    assert_eq!((told.len(), &last["details"]["rules"]), (4, &json!("standard@1")), "{last:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_no_webhook_told_of_is_found_in_zooms_list_on_sqlite() {
    two_runs(TestDatabase::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_no_webhook_told_of_is_found_in_zooms_list_on_postgres() {
    if let Some(database) = TestDatabase::postgres() {
        two_runs(database).await;
    }
}

async fn odd_rows(database: TestDatabase) {
    let lesson = Lesson::book(database, "").await;
    let start = lesson.start;
    let at =
        |minute: i64| (start + chrono::Duration::minutes(minute)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let rows = json!([
        { "id": "", "user_id": 16_778_240, "name": "ann Pupil", "join_time": at(0), "duration": "1800" },
        { "user_id": "16778240", "name": "ann Pupil", "join_time": at(0), "leave_time": at(3), "duration": -5 },
        { "name": "bob Pupil", "join_time": at(0), "leave_time": at(30), "status": "on_hold" },
        { "name": "cai\u{0} Pupil", "join_time": at(20), "leave_time": at(2), "duration": 240, "failover": "maybe" },
        { "name": "Ἀριστοτέλης 孔子 🙂", "duration": 9_000_000, "user_email": null },
        "no row at all", null, 7,
    ]);
    let with = json!({ "participants": rows, "total_records": "8" });
    lesson.fault(json!({ "endpoint": PAGES, "fault": "rewrite_answer", "with": with })).await;
    lesson.play(1, all_there()).await;
    let records = lesson.final_marks().await;
    let mark = |person: &str| {
        (text(&records[person]["status"]), records[person]["attended_seconds"].as_i64().unwrap())
    };
    assert_eq!(mark("ann"), ("present".to_owned(), 1800));
    assert_eq!(mark("bob"), ("absent".to_owned(), 0), "an unknown status is no presence");
    assert_eq!(mark("cai"), ("partial".to_owned(), 240));
    let report = lesson.reports().await.pop().unwrap();
    assert_eq!((&report["rows"], &report["unreadable"]), (&json!(5), &json!(3)), "{report:#}");
    let note = text(&report["note"]);
    assert!(note.contains("3 entries are no rows") && note.contains("1 rows have a status"), "{note}");
    assert!(text(&lesson.story("report.read").await[0]["text"]).contains("3 entries"));
    // The uuid holds what URLs do not; it is found encoded once and twice.
    let uuid = text(&report["instance"]);
    let once: String = uuid.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for encoded in [once.clone(), once.replace('%', "%25")] {
        let answer = lesson.rig.get(&format!("/api/zoom/reports/history/{encoded}?limit=2")).await;
        assert_eq!(answer["report"]["instance"], uuid);
        assert_eq!(answer["rows"].as_array().unwrap().len(), 2);
        assert_eq!(answer["rows"][0]["told"]["duration"], 1800, "{answer:#}");
        let rest = format!("/api/zoom/reports/history/{encoded}?cursor={}", text(&answer["next_cursor"]));
        let rest = lesson.rig.get(&rest).await;
        assert_eq!(rest["rows"].as_array().unwrap().len(), 3);
        assert_eq!(rest["rows"][0]["told"]["status"], "on_hold");
    }
    let (status, _) = lesson.rig.call(Method::GET, "/api/zoom/reports/history/nobody", None).await;
    assert_eq!(status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_rows_count_what_they_prove_and_are_told_on_sqlite() {
    odd_rows(TestDatabase::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_rows_count_what_they_prove_and_are_told_on_postgres() {
    if let Some(database) = TestDatabase::postgres() {
        odd_rows(database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_report_yet_is_asked_for_until_it_is_one() {
    let lesson = Lesson::book(TestDatabase::sqlite(), "report_delay = \"1m\"").await;
    let once = |fault: Value| {
        let mut rule = json!({ "endpoint": PAGES, "count": 1 });
        rule.as_object_mut().unwrap().extend(fault.as_object().unwrap().clone());
        rule
    };
    // One after the other: each strikes one request, and those after it wait their turn.
    let faults = [
        json!({ "fault": "false_not_found" }),
        json!({ "fault": "garble", "status": 200, "body": "<html>Just a moment…</html>", "skip": 0 }),
        json!({ "fault": "garble", "status": 403, "body": "<html>Attention required</html>" }),
        json!({ "fault": "rewrite_answer", "with": { "total_records": 99 } }),
        json!({ "fault": "rewrite_answer", "with": { "participants": null } }),
        json!({ "fault": "rewrite_answer", "with": { "participants": [], "total_records": 0 } }),
    ];
    for (place, fault) in faults.into_iter().enumerate() {
        let mut rule = once(fault);
        rule["skip"] = json!(place);
        lesson.fault(rule).await;
    }
    // The page after the first has expired by the time it is asked for, once.
    let with = json!({ "next_page_token": "expired" });
    lesson
        .fault(json!({ "endpoint": PAGES, "fault": "rewrite_answer", "with": with, "count": 1, "skip": 6 }))
        .await;
    let class = lesson.play(1, all_there()).await;
    assert_eq!(lesson.statuses().await, lesson.truth(&class).await);
    let report = lesson.reports().await.pop().unwrap();
    assert_eq!(report["state"], "complete", "{report:#}");
    assert!(report["attempts"].as_i64().unwrap() >= 7, "{report:#}");
    assert_eq!(report["rows"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_report_the_webhooks_decide_in_the_end_and_that_is_said() {
    let lesson = Lesson::book(TestDatabase::sqlite(), "report_give_up = \"1h\"").await;
    lesson.fault(json!({ "endpoint": PAGES, "fault": "false_not_found" })).await;
    let class = lesson.play(1, all_there()).await;
    assert_eq!(lesson.statuses().await, lesson.truth(&class).await);
    let last = lesson.story("attendance.final").await.pop().unwrap();
    assert_eq!(last["details"]["judged_by"], "webhooks");
    assert!(text(&last["text"]).contains("Zoom never gave its report"), "{last:#}");
    assert_eq!(lesson.reports().await[0]["state"], "given_up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_reports_is_believed_at_once() {
    let lesson = Lesson::book(TestDatabase::sqlite(), "").await;
    lesson.rig.control(Method::PUT, "/settings", Some(json!({ "plan": "free", "limits": false }))).await;
    let class = lesson.play(1, all_there()).await;
    assert_eq!(lesson.statuses().await, lesson.truth(&class).await);
    let report = lesson.reports().await.pop().unwrap();
    assert_eq!((&report["state"], &report["attempts"]), (&json!("given_up"), &json!(1)), "{report:#}");
    assert!(text(&report["note"]).contains("plan"), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_of_one_person_has_no_report_and_is_final_all_the_same() {
    let lesson = Lesson::book(TestDatabase::sqlite(), "").await;
    lesson.play(1, json!([came("ann", json!([["0s join", "30m leave"]]))])).await;
    assert_eq!(lesson.statuses().await, marks([("ann", "present"), ("bob", "absent"), ("cai", "absent")]));
    let report = lesson.reports().await.pop().unwrap();
    assert_eq!((&report["state"], &report["rows"]), (&json!("complete"), &json!(0)));
    assert!(text(&report["note"]).contains("one person"), "{report:#}");
}
