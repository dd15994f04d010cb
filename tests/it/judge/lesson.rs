//! A class that is booked, played at once and judged; what the tests of the judge have in common.

use std::collections::BTreeMap;
use std::process::Command;

use chrono::{DateTime, SubsecRound, Utc};
use convened::zoom::http::Method;
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::rig::Rig;

/// How fast the common clock runs: half an hour passes in some five seconds.
pub(super) const SPEED: f64 = 400.0;
pub(super) const MINUTES: i64 = 30;
/// How long before the class it is booked: time enough to make the meeting at Zoom.
pub(super) const AHEAD: i64 = 15;
pub(super) const PUPILS: [&str; 3] = ["ann", "bob", "cai"];
pub(super) const PAGES: &str = "GET /report/meetings/{meetingId}/participants";
pub(super) const RUNS: &str = "GET /past_meetings/{meetingId}/instances";
pub(super) const DETAILS: &str = "GET /past_meetings/{meetingId}";

/// A daemon, a class that is booked, and what Zoom has of it.
pub(super) struct Lesson {
    pub(super) rig: Rig,
    pub(super) appointment: String,
    pub(super) meeting: String,
    number: String,
    pub(super) start: DateTime<Utc>,
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// A person of a timetable; those of Zoom's account carry an address.
pub(super) fn came(name: &str, devices: Value) -> Value {
    match name {
        "host" => {
            json!({ "name": "Ana Reyes", "email": "reyes@school.example", "role": "host", "devices": devices })
        }
        name => json!({ "name": format!("{name} Pupil"), "devices": devices }),
    }
}

pub(super) fn all_there() -> Value {
    json!([
        came("host", json!([["0s join", "30m leave"]])),
        came("ann", json!([["0s join", "30m leave"]])),
        came("bob", json!([["12m join", "30m leave"]])),
        came("cai", json!([["1m join", "6m leave"]])),
    ])
}

impl Lesson {
    /// Books the class, and waits until it is at Zoom.
    pub(super) async fn book(database: TestDatabase, attendance: &str) -> Self {
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
        let start = rig.clock.now().trunc_subsecs(0) + chrono::Duration::minutes(AHEAD);
        let booking = json!({ "kind": "class", "title": "Algebra", "host": "reyes", "attendees": PUPILS,
            "start_time": start.to_rfc3339(), "duration": MINUTES });
        let booked = rig.post("/api/appointments", booking).await;
        let appointment = text(&booked["appointment"]["id"]);
        let scheduled = |answer: &Value| answer["appointment"]["meeting"]["status"] == "scheduled";
        let answer = rig.until(&format!("/api/appointments/{appointment}"), "scheduled", scheduled).await;
        let meeting = &answer["appointment"]["meeting"];
        let (meeting, number) = (text(&meeting["id"]), text(&meeting["zoom_meeting_id"]));
        Self { rig, appointment, meeting, number, start }
    }

    /// Plays a class at once, with its scripted times; gives its number at the sandbox.
    pub(super) async fn play(&self, seed: u64, persons: Value) -> String {
        self.perform(seed, persons, true).await
    }

    /// Plays a class in its own time.
    pub(super) async fn play_live(&self, seed: u64, persons: Value) -> String {
        self.perform(seed, persons, false).await
    }

    async fn perform(&self, seed: u64, persons: Value, instant: bool) -> String {
        let planned = json!({ "start": self.start, "duration": MINUTES });
        let script = json!({ "meeting": self.number, "seed": seed, "instant": instant, "persons": persons,
            "planned": planned });
        self.rig.control(Method::POST, "/classes", Some(script)).await["class_id"].to_string()
    }

    /// From now on Zoom sends no webhooks.
    pub(super) async fn silence_webhooks(&self) {
        self.rig.control(Method::PUT, "/webhook", Some(json!({ "url": null }))).await;
    }

    pub(super) async fn fault(&self, rule: Value) {
        self.rig.control(Method::POST, "/faults", Some(rule)).await;
    }

    /// Zoom has no report, and no details of runs either.
    pub(super) async fn hide_reports(&self) {
        for endpoint in [PAGES, DETAILS] {
            self.fault(json!({ "endpoint": endpoint, "fault": "false_not_found" })).await;
        }
    }

    pub(super) async fn attendance(
        &self,
        what: &str,
        good: impl Fn(&BTreeMap<String, Value>) -> bool,
    ) -> BTreeMap<String, Value> {
        let path = format!("/api/zoom/meetings/{}/attendance", self.meeting);
        let answer = self.rig.until(&path, what, |answer| good(&records(answer))).await;
        records(&answer)
    }

    pub(super) async fn final_marks(&self) -> BTreeMap<String, Value> {
        let is_final = |records: &BTreeMap<String, Value>| {
            !records.is_empty() && records.values().all(|record| record["provisional"] == false)
        };
        self.attendance("final", is_final).await
    }

    pub(super) async fn statuses(&self) -> BTreeMap<String, String> {
        self.final_marks()
            .await
            .into_iter()
            .map(|(person, record)| (person, text(&record["status"])))
            .collect()
    }

    /// The booking's status.
    pub(super) async fn status(&self) -> String {
        let answer = self.rig.get(&format!("/api/appointments/{}", self.appointment)).await;
        text(&answer["appointment"]["status"])
    }

    /// Nothing is said for good yet, whatever is known.
    pub(super) async fn nothing_is_final(&self) {
        let path = format!("/api/zoom/meetings/{}/attendance", self.meeting);
        let answer = self.rig.get(&path).await;
        let provisional = records(&answer).values().all(|record| record["provisional"] == true);
        assert!(provisional && answer["judged_by"].is_null(), "{answer:#}");
        assert_ne!(self.status().await, "no_show");
        assert!(self.story("attendance.final").await.is_empty());
    }

    /// The lines of the story of a kind.
    pub(super) async fn story(&self, kind: &str) -> Vec<Value> {
        let story = self.rig.get(&format!("/api/appointments/{}/story", self.appointment)).await;
        story["story"].as_array().unwrap().iter().filter(|line| line["kind"] == kind).cloned().collect()
    }

    pub(super) async fn reports(&self) -> Vec<Value> {
        let path = format!("/api/zoom/reports/history?meetingId={}", self.meeting);
        self.rig.get(&path).await["reports"].as_array().unwrap().clone()
    }

    /// Lets the clock run until so many minutes after the planned end.
    pub(super) async fn wait_after_end(&self, minutes: i64) {
        self.wait_until(self.start + chrono::Duration::minutes(MINUTES + minutes)).await;
    }

    pub(super) async fn wait_until(&self, at: DateTime<Utc>) {
        while self.rig.clock.now() < at {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// `convened resync` with these arguments: its exit code and what it said.
    pub(super) fn resync(&self, arguments: &[&str]) -> (Option<i32>, Value) {
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
    pub(super) async fn truth(&self, class: &str) -> BTreeMap<String, String> {
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

/// The records of an answer, by person.
pub(super) fn records(answer: &Value) -> BTreeMap<String, Value> {
    let records = answer["records"].as_array().cloned().unwrap_or_default();
    records.into_iter().map(|record| (text(&record["student_id"]), record)).collect()
}

pub(super) fn marks(expected: [(&str, &str); 3]) -> BTreeMap<String, String> {
    expected.into_iter().map(|(person, status)| (person.to_owned(), status.to_owned())).collect()
}
