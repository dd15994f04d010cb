//! Rules of attendance over HTTP: written, previewed, and applied to the past only where somebody asks for it.

use convened::zoom::http::Method;
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::rig::Rig;

/// How fast the common clock runs: a lesson of half an hour lasts some four seconds.
const SPEED: f64 = 500.0;

async fn book(rig: &Rig) -> (String, String) {
    let host =
        json!({ "email": "reyes@school.example", "first_name": "Ana", "last_name": "Reyes", "type": 2 });
    rig.control(Method::POST, "/users", Some(host)).await;
    let host = json!({ "name": "Ana Reyes", "email": "reyes@school.example", "role": "host" });
    rig.put("/api/people/reyes", host).await;
    for pupil in ["ada", "boole"] {
        let person = json!({ "name": pupil, "email": format!("{pupil}@school.example"), "role": "attendee" });
        rig.put(&format!("/api/people/{pupil}"), person).await;
    }
    let booking = json!({
        "kind": "class", "title": "Algebra", "host": "reyes", "attendees": ["ada", "boole"],
        "start_time": (rig.clock.now() + chrono::Duration::minutes(20)).to_rfc3339(), "duration": 30,
    });
    let booked = rig.post("/api/appointments", booking).await;
    let id = booked["appointment"]["id"].as_str().unwrap().to_owned();
    let scheduled = |answer: &Value| answer["appointment"]["meeting"]["status"] == "scheduled";
    let answer = rig.until(&format!("/api/appointments/{id}"), "scheduled", scheduled).await;
    let meeting = &answer["appointment"]["meeting"];
    let person = |name: &str, steps: Value| json!({ "name": name, "devices": [steps] });
    let class = json!({
        "meeting": meeting["zoom_meeting_id"], "seed": 5, "host_ends": ["30m"],
        "persons": [
            { "name": "Ana Reyes", "email": "reyes@school.example", "role": "host", "devices": [["-2m join"]] },
            person("ada", json!(["-1m join"])),
            person("boole", json!(["0s join", "20m leave"])),
        ],
    });
    rig.control(Method::POST, "/classes", Some(class)).await;
    (id, meeting["id"].as_str().unwrap().to_owned())
}

fn marks(answer: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let records = answer["records"].as_array().cloned().unwrap_or_default();
    records.iter().map(|r| (text(&r["student_id"]), text(&r["status"]), text(&r["rules"]))).collect()
}

fn expect(of: [(&str, &str, &str); 2]) -> Vec<(String, String, String)> {
    of.into_iter().map(|(who, status, rules)| (who.into(), status.into(), rules.into())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn old_marks_change_only_when_somebody_asks_for_a_recalculation() {
    let rig = Rig::start(TestDatabase::sqlite(), SPEED, "[attendance]\nreport_delay = \"5m\"");
    let (appointment, meeting) = book(&rig).await;
    let attendance = format!("/api/zoom/meetings/{meeting}/attendance");
    let is_final = |answer: &Value| answer["records"][0]["provisional"] == false;
    let answer = rig.until(&attendance, "final", is_final).await;
    let old = expect([("ada", "present", "standard@1"), ("boole", "present", "standard@1")]);
    assert_eq!(marks(&answer), old);
    // Two thirds of the lesson were enough; three quarters will be asked.
    let strict = json!({ "present_needs": "share", "present_share": 0.75 });
    let preview = rig.post("/api/attendance-rules/standard/preview", strict.clone()).await;
    assert_eq!((preview["meetings"].as_i64(), preview["meetings_changed"].as_i64()), (Some(1), Some(1)));
    assert_eq!(preview["changes"][0]["person"], "boole", "{preview}");
    assert_eq!(preview["moves"], json!([{ "from": "present", "to": "partial", "count": 1 }]));
    assert_eq!(preview["rules"]["version"], 2);
    let written = rig.put("/api/attendance-rules/standard", strict).await;
    assert_eq!((&written["rules"]["version"], &written["rules"]["author"]), (&json!(2), &json!("tests")));
    assert_eq!(marks(&rig.get(&attendance).await), old, "a preview and a new version change nothing");
    let first = rig.get("/api/attendance-rules/standard?version=1").await;
    assert_eq!(
        (&first["rules"]["present_share"], &first["rules"]["author"]),
        (&json!(0.5), &json!("configuration"))
    );
    let recalculate = "/api/attendance-rules/standard/recalculate";
    let (status, queued) = rig.call(Method::POST, recalculate, Some(json!({ "meetings": [meeting] }))).await;
    assert_eq!((status, &queued["queued"], &queued["rules"]), (202, &json!(1), &json!("standard@2")));
    let moved = |answer: &Value| answer["records"][0]["rules"] == "standard@2";
    let answer = rig.until(&attendance, "scored again", moved).await;
    assert_eq!(
        marks(&answer),
        expect([("ada", "present", "standard@2"), ("boole", "partial", "standard@2")])
    );
    // By the rules that made the marks, which are not the configuration's any more.
    let seconds = |record: &Value| record["attended_seconds"].as_i64().unwrap();
    let attended: i64 = answer["records"].as_array().unwrap().iter().map(seconds).sum();
    let people = rig.get(&format!("/api/zoom/meetings/{meeting}/participants")).await;
    let report = rig.get(&format!("/api/zoom/reports?meetingId={meeting}")).await;
    for stats in [&people["stats"], &report["stats"]] {
        let found = (&stats["attendanceRate"], &stats["totalDurationSeconds"]);
        assert_eq!(found, (&json!(50.0), &json!(attended)), "{stats:#}");
    }
    let again = rig.post(recalculate, json!({})).await;
    assert_eq!((&again["queued"], &again["more"]), (&json!(0), &json!(false)));
    let story = rig.get(&format!("/api/appointments/{appointment}/story")).await;
    let lines = story["story"].as_array().unwrap();
    let line = lines.iter().find(|line| line["kind"] == "attendance.recalculated").unwrap();
    assert_eq!(line["details"]["by"], "tests");
    let changed = &line["details"]["changed"];
    assert_eq!(changed.as_array().map(Vec::len), Some(1));
    let change = ["person", "from", "to"].map(|field| &changed[0][field]);
    assert_eq!(change, ["boole", "present", "partial"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_rules_are_refused_with_every_fault_named() {
    let rig = Rig::start(TestDatabase::sqlite(), 1.0, "");
    let faults = async |method, path: &str, body| -> Vec<String> {
        let (status, answer) = rig.call(method, path, Some(body)).await;
        assert_eq!(status, 400, "{path}: {answer}");
        let details = answer["error"]["details"]["fields"].as_array().cloned().unwrap_or_default();
        details.iter().map(|fault| fault["field"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let bad =
        json!({ "present_share": 2, "late_after_minutes": -1, "present_needs": "none", "colour": "red" });
    let mut found = faults(Method::PUT, "/api/attendance-rules/strict", bad).await;
    found.sort_unstable();
    assert_eq!(found, ["colour", "late_after_minutes", "present_needs", "present_share"]);
    let group = json!({ "kind": "class", "name": "9b", "members": [], "attendance_rules": "strict" });
    assert_eq!(faults(Method::PUT, "/api/groups/9b", group.clone()).await, ["attendance_rules"]);
    for (minutes, status) in [(20, 201), (30, 200), (30, 200)] {
        let body = json!({ "present_after_minutes": minutes });
        let (found, answer) = rig.call(Method::PUT, "/api/attendance-rules/strict", Some(body)).await;
        assert_eq!(found, status, "{answer}");
    }
    let answer = rig.put("/api/groups/9b", group).await;
    assert_eq!(answer["group"]["attendance_rules"], "strict");
    let list = rig.get("/api/attendance-rules").await;
    let names: Vec<&Value> = list["rules"].as_array().unwrap().iter().map(|rules| &rules["name"]).collect();
    assert_eq!(names, ["standard", "strict"]);
    let (status, _) = rig.call(Method::POST, "/api/attendance-rules/none/preview", Some(json!({}))).await;
    assert_eq!(status, 404);
    let (status, _) = rig.call(Method::GET, "/api/attendance-rules/strict?version=3", None).await;
    assert_eq!(status, 404);
}
