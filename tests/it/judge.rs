//! Zoom's report as the judge of a class, with everything that can be wrong with it, by the real binary against the
//! sandbox: runs nobody told of, odd rows, late, missing and useless reports, and daemons that come late.

use std::collections::BTreeMap;
use std::process::Command;

use convened::zoom::http::Method;
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::listener::Listener;
use crate::support::rig::Rig;

/// How fast the common clock runs: half an hour passes in some five seconds.
const SPEED: f64 = 400.0;
const MINUTES: i64 = 30;
const PUPILS: [&str; 3] = ["ann", "bob", "cai"];
const PAGES: &str = "GET /report/meetings/{meetingId}/participants";
const DETAILS: &str = "GET /past_meetings/{meetingId}";

/// A daemon, a class that is booked, and what Zoom has of it.
struct Lesson {
    rig: Rig,
    appointment: String,
    meeting: String,
    number: String,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// A person of a timetable; those of Zoom's account carry an address.
fn came(name: &str, devices: Value) -> Value {
    match name {
        "host" => {
            json!({ "name": "Ana Reyes", "email": "reyes@school.example", "role": "host", "devices": devices })
        }
        name => json!({ "name": format!("{name} Pupil"), "devices": devices }),
    }
}

fn all_there() -> Value {
    json!([
        came("host", json!([["0s join", "30m leave"]])),
        came("ann", json!([["0s join", "30m leave"]])),
        came("bob", json!([["12m join", "30m leave"]])),
        came("cai", json!([["1m join", "6m leave"]])),
    ])
}

impl Lesson {
    /// Books the class, and waits until it is at Zoom.
    async fn book(database: TestDatabase, attendance: &str) -> Self {
        let delay = if attendance.contains("report_delay") { "" } else { "report_delay = \"5m\"\n" };
        let extra = format!("timeout = \"2s\"\n[attendance]\n{delay}{attendance}");
        let rig = Rig::start(database, SPEED, &extra);
        let user =
            json!({ "email": "reyes@school.example", "first_name": "Ana", "last_name": "Reyes", "type": 2 });
        rig.control(Method::POST, "/users", Some(user)).await;
        let host = json!({ "name": "Ana Reyes", "email": "reyes@school.example", "role": "host" });
        rig.put("/api/people/reyes", host).await;
        for pupil in PUPILS {
            let person = json!({ "name": format!("{pupil} Pupil"), "email": format!("{pupil}@school.example"),
                "role": "attendee" });
            rig.put(&format!("/api/people/{pupil}"), person).await;
        }
        let booking = json!({ "kind": "class", "title": "Algebra", "host": "reyes", "attendees": PUPILS,
            "start_time": (rig.clock.now() + chrono::Duration::minutes(4)).to_rfc3339(), "duration": MINUTES });
        let booked = rig.post("/api/appointments", booking).await;
        let appointment = text(&booked["appointment"]["id"]);
        let scheduled = |answer: &Value| answer["appointment"]["meeting"]["status"] == "scheduled";
        let answer = rig.until(&format!("/api/appointments/{appointment}"), "scheduled", scheduled).await;
        let meeting = &answer["appointment"]["meeting"];
        let (meeting, number) = (text(&meeting["id"]), text(&meeting["zoom_meeting_id"]));
        Self { rig, appointment, meeting, number }
    }

    /// Plays a class at once, with its scripted times; gives its number at the sandbox.
    async fn play(&self, seed: u64, persons: Value) -> String {
        let script = json!({ "meeting": self.number, "seed": seed, "instant": true, "persons": persons });
        self.rig.control(Method::POST, "/classes", Some(script)).await["class_id"].to_string()
    }

    /// From now on Zoom sends no webhooks.
    async fn silence_webhooks(&self) {
        self.rig.control(Method::PUT, "/webhook", Some(json!({ "url": null }))).await;
    }

    async fn fault(&self, rule: Value) {
        self.rig.control(Method::POST, "/faults", Some(rule)).await;
    }

    /// Zoom has no report, and no details of runs either.
    async fn hide_reports(&self) {
        for endpoint in [PAGES, DETAILS] {
            self.fault(json!({ "endpoint": endpoint, "fault": "false_not_found" })).await;
        }
    }

    async fn attendance(
        &self,
        what: &str,
        good: impl Fn(&BTreeMap<String, Value>) -> bool,
    ) -> BTreeMap<String, Value> {
        let path = format!("/api/zoom/meetings/{}/attendance", self.meeting);
        let answer = self.rig.until(&path, what, |answer| good(&records(answer))).await;
        records(&answer)
    }

    async fn final_marks(&self) -> BTreeMap<String, Value> {
        let is_final = |records: &BTreeMap<String, Value>| {
            !records.is_empty() && records.values().all(|record| record["provisional"] == false)
        };
        self.attendance("final", is_final).await
    }

    async fn statuses(&self) -> BTreeMap<String, String> {
        self.final_marks()
            .await
            .into_iter()
            .map(|(person, record)| (person, text(&record["status"])))
            .collect()
    }

    /// The lines of the story of a kind.
    async fn story(&self, kind: &str) -> Vec<Value> {
        let story = self.rig.get(&format!("/api/appointments/{}/story", self.appointment)).await;
        story["story"].as_array().unwrap().iter().filter(|line| line["kind"] == kind).cloned().collect()
    }

    async fn reports(&self) -> Vec<Value> {
        let path = format!("/api/zoom/reports/history?meetingId={}", self.meeting);
        self.rig.get(&path).await["reports"].as_array().unwrap().clone()
    }

    /// Lets the clock run until so many minutes after the planned end.
    async fn wait_after_end(&self, minutes: i64) {
        let answer = self.rig.get(&format!("/api/appointments/{}", self.appointment)).await;
        self.wait_until(end_of(&answer) + chrono::Duration::minutes(minutes)).await;
    }

    async fn wait_until(&self, at: chrono::DateTime<chrono::Utc>) {
        while self.rig.clock.now() < at {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// `convened resync` with these arguments: its exit code and what it said.
    fn resync(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let output = Command::new(env!("CARGO_BIN_EXE_convened"))
            .arg("--config")
            .arg(self.rig.config_file(self.rig.port()))
            .args(["resync", "--json"])
            .args(arguments)
            .env_remove("DATABASE_URL")
            .output()
            .unwrap();
        let said = serde_json::from_slice(&output.stdout);
        (output.status.code(), said.unwrap_or_else(|_| json!(String::from_utf8_lossy(&output.stderr))))
    }

    /// The marks that the sandbox's ground truth gives, by person.
    async fn truth(&self, class: &str) -> BTreeMap<String, String> {
        let class = self.rig.control(Method::GET, &format!("/classes/{class}"), None).await;
        let persons = class["truth"]["persons"].as_array().unwrap().iter();
        let pupils = persons.filter(|person| person["role"] != "host");
        pupils
            .map(|person| {
                let name = text(&person["name"]);
                (name.trim_end_matches(" Pupil").to_owned(), text(&person["status"]))
            })
            .collect()
    }
}

fn end_of(answer: &Value) -> chrono::DateTime<chrono::Utc> {
    let start = text(&answer["appointment"]["start_time"]);
    chrono::DateTime::parse_from_rfc3339(&start).unwrap().to_utc() + chrono::Duration::minutes(MINUTES)
}

/// The records of an answer, by person.
fn records(answer: &Value) -> BTreeMap<String, Value> {
    let records = answer["records"].as_array().cloned().unwrap_or_default();
    records.into_iter().map(|record| (text(&record["student_id"]), record)).collect()
}

fn marks(expected: [(&str, &str); 3]) -> BTreeMap<String, String> {
    expected.into_iter().map(|(person, status)| (person.to_owned(), status.to_owned())).collect()
}

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
    let booked = lesson.rig.get(&format!("/api/appointments/{}", lesson.appointment)).await;
    let start = end_of(&booked) - chrono::Duration::minutes(MINUTES);
    let at =
        |minute: i64| (start + chrono::Duration::minutes(minute)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let rows = json!([
        { "id": "", "user_id": 16_778_240, "name": "ann Pupil", "join_time": at(0), "duration": "1800" },
        { "user_id": "16778240", "name": "ann Pupil", "join_time": at(0), "leave_time": at(3), "duration": -5 },
        { "name": "bob Pupil", "join_time": at(0), "leave_time": at(30), "status": "on_hold" },
        { "name": "cai Pupil", "join_time": at(20), "leave_time": at(2), "duration": 240, "failover": "maybe" },
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
    assert_eq!((&report["state"], &report["attempts"]), (&json!("complete"), &json!(7)), "{report:#}");
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

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_slept_through_the_class_gets_the_marks_from_zooms_retries() {
    let mut lesson = Lesson::book(TestDatabase::sqlite(), "").await;
    lesson.hide_reports().await;
    lesson
        .fault(json!({ "endpoint": "GET /past_meetings/{meetingId}/instances", "fault": "false_not_found" }))
        .await;
    lesson.rig.kill();
    let class = lesson.play(1, all_there()).await;
    let booked = lesson.rig.clock.now() + chrono::Duration::minutes(MINUTES + 6);
    lesson.wait_until(booked).await;
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

async fn late(database: TestDatabase) {
    let mut lesson = Lesson::book(database, "").await;
    lesson.silence_webhooks().await;
    lesson.rig.kill();
    let class = lesson.play(1, all_there()).await;
    let beyond = lesson.rig.clock.now() + chrono::Duration::minutes(MINUTES + 100);
    lesson.wait_until(beyond).await;
    lesson.rig.start_daemon();
    assert_eq!(lesson.statuses().await, lesson.truth(&class).await);
    let answer = lesson.rig.get(&format!("/api/appointments/{}", lesson.appointment)).await;
    assert_eq!(answer["appointment"]["status"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_comes_after_the_last_retry_gets_the_marks_from_reports_alone_on_sqlite() {
    late(TestDatabase::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_comes_after_the_last_retry_gets_the_marks_from_reports_alone_on_postgres() {
    if let Some(database) = TestDatabase::postgres() {
        late(database).await;
    }
}

/// Zoom's report, other than it was: everybody but Cai was there all the time.
fn corrected(start: chrono::DateTime<chrono::Utc>) -> Value {
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
    let booked = lesson.rig.get(&format!("/api/appointments/{}", lesson.appointment)).await;
    let start = end_of(&booked) - chrono::Duration::minutes(MINUTES);
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
    let finals: std::collections::BTreeSet<&str> =
        finals.map(|message| message.header("webhook-id")).collect();
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
}
