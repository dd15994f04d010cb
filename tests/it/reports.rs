//! Reports, counters, analytics and tables, over HTTP and on both databases, from marks that stand in the store.

use chrono::{DateTime, Duration, Utc};
use convened::store::attendance::{self, MarkRow};
use convened::store::{Json, UtcMillis, appointment};
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::rig::Rig;

mod asked;

const START: &str = "2099-06-30T22:30:00Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn mark(appointment: &str, person: &str, status: &str, seconds: i64) -> MarkRow {
    let at = UtcMillis::from(at(START));
    MarkRow {
        appointment_id: appointment.to_owned(),
        person_ref: person.to_owned(),
        role: if ["reyes", "sutton"].contains(&person) { "host" } else { "attendee" }.to_owned(),
        status: status.to_owned(),
        score_milli: seconds * 1000 / 2700,
        attended_seconds: seconds,
        first_join: (seconds > 0).then_some(at),
        last_leave: None,
        left_early: status == "partial",
        host_absent: false,
        host_late: false,
        held_against: true,
        together_seconds: seconds,
        provisional: false,
        evidence: Json::of(&json!({})).unwrap(),
        rules: "standard@1".to_owned(),
        created_at: at,
        updated_at: at,
    }
}

/// A daemon with two classes: 9b with two lessons of `reyes`, one before and one after midnight in Berlin on the first
/// of July, and 8a with one of `sutton`.
struct School {
    rig: Rig,
    /// The booking and the meeting of each lesson, by start.
    lessons: Vec<(String, String)>,
}

async fn school(database: TestDatabase) -> School {
    let rig = Rig::start(database, 1.0, "[appointments]\ndefault_timezone = \"Europe/Berlin\"");
    for (person, role) in [
        ("reyes", "host"),
        ("sutton", "host"),
        ("ada", "attendee"),
        ("boole", "attendee"),
        ("frege", "attendee"),
    ] {
        let email = format!("{person}@school.example");
        rig.put(&format!("/api/people/{person}"), json!({ "name": person, "email": email, "role": role }))
            .await;
    }
    for (group, host, pupils) in [("9b", "reyes", ["ada", "boole"]), ("8a", "sutton", ["frege", "ada"])] {
        let mut members = vec![json!({ "person": host, "role": "host" })];
        members.extend(pupils.map(|pupil| json!({ "person": pupil, "role": "attendee" })));
        let group_body = json!({ "kind": "class", "name": format!("Class {group}"), "members": members });
        rig.put(&format!("/api/groups/{group}"), group_body).await;
    }
    let mut lessons = Vec::new();
    for (group, minutes) in [("9b", -60), ("9b", 0), ("8a", 3000)] {
        let start = at(START) + Duration::minutes(minutes);
        let body = json!({ "kind": "class", "title": "Algebra", "group": group, "duration": 45,
            "start_time": start.to_rfc3339(), "on_conflict": "allow" });
        let booked = rig.post("/api/appointments", body).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        lessons.push((text(&booked["appointment"]["id"]), text(&booked["appointment"]["meeting"]["id"])));
    }
    School { rig, lessons }
}

impl School {
    /// Marks: 9b's first lesson present and late, its second absent and excused; 8a's partial, and one that is not
    /// held against the pupil.
    fn score(&self) {
        let conn = &mut self.rig.database.conn();
        let marks = [
            [("reyes", "present", 2700), ("ada", "present", 2700), ("boole", "late", 1350)],
            [("reyes", "present", 2700), ("ada", "absent", 0), ("boole", "absent", 0)],
            [("sutton", "present", 2700), ("frege", "partial", 540), ("ada", "absent", 0)],
        ];
        for ((appointment, _), marks) in self.lessons.iter().zip(marks) {
            let rows: Vec<MarkRow> = marks
                .iter()
                .map(|(person, status, seconds)| MarkRow {
                    held_against: *person != "ada" || appointment != &self.lessons[2].0,
                    ..mark(appointment, person, status, *seconds)
                })
                .collect();
            attendance::save(conn, appointment, &rows).unwrap();
            let row = appointment::by_id(conn, appointment).unwrap().unwrap();
            let version = row.version;
            let over =
                appointment::AppointmentRow { status: "completed".to_owned(), version: version + 1, ..row };
            appointment::save(conn, &over, version).unwrap();
        }
        let excuse = "UPDATE attendance_records SET corrected_status = 'excused', corrected_note = '=ill',
            corrected_by = 'reyes', corrected_at = updated_at WHERE person_ref = 'boole' AND status = 'absent'";
        diesel::connection::SimpleConnection::batch_execute(conn, excuse).unwrap();
    }

    async fn as_person(&self, role: &str, person: &str, path: &str) -> (u16, Value) {
        let (status, text) = self.text(role, person, path).await;
        (status, serde_json::from_str(&text).unwrap())
    }

    async fn text(&self, role: &str, person: &str, path: &str) -> (u16, String) {
        let request = self.rig.http.get(self.rig.url(path)).bearer_auth(self.rig.token(role, person));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned())
    }
}

async fn the_report_of_a_selection(school: &School) {
    let report = school.rig.get("/api/zoom/reports?limit=2").await;
    assert_eq!(
        report["stats"],
        // Counted: present, late, absent, partial; the excused and the one without fault are left out.
        json!({ "totalMeetings": 3, "completedMeetings": 3, "totalParticipants": 0, "totalAttendees": 3,
            "avgAttendanceRate": 50.0, "totalMeetingMinutes": 0 })
    );
    let first = &report["meetings"][0];
    assert_eq!(first["id"], school.lessons[0].1.as_str());
    assert_eq!((&first["host"]["id"], &first["class"]["name"]), (&json!("reyes"), &json!("Class 9b")));
    assert_eq!((&first["attendeeCount"], &first["participantCount"]), (&json!(2), &json!(0)));
    assert_eq!((report["meetings"].as_array().unwrap().len(), &report["people"]), (2, &Value::Null));
    let cursor = report["next_cursor"].as_str().unwrap();
    let rest = school.rig.get(&format!("/api/zoom/reports?limit=2&cursor={cursor}")).await;
    assert_eq!((rest["meetings"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
    assert_eq!(rest["stats"], report["stats"], "of all pages");
}

async fn days_classes_and_people(school: &School) {
    // In Berlin the second lesson begins half an hour after midnight of the first of July.
    for (query, meetings) in [
        ("startDate=2099-07-01&endDate=2099-07-01", 1),
        ("startDate=2099-06-30&endDate=2099-06-30&timezone=UTC", 2),
        ("classId=9b", 2),
        ("classId=9b&personId=boole", 2),
        ("personId=frege", 1),
        ("personId=reyes", 2),
        ("startDate=2099-06-30T22:30:00Z", 2),
        ("startDate=2099-07-01T00:30:00", 2),
        ("startDate=2099-07-01T00:30:00&timezone=UTC", 1),
        ("endDate=2099-07-01T00:30:00%2B02:00", 1),
        ("classId=nobody", 0),
    ] {
        let report = school.rig.get(&format!("/api/zoom/reports?{query}")).await;
        assert_eq!(report["stats"]["totalMeetings"], meetings, "{query}: {report:#}");
    }
    let class = school.rig.get("/api/zoom/reports?classId=9b").await;
    let people = class["people"].as_array().unwrap();
    let rates: Vec<(&Value, &Value)> = people.iter().map(|p| (&p["id"], &p["attendance_rate"])).collect();
    assert_eq!(rates, [(&json!("ada"), &json!(50.0)), (&json!("boole"), &json!(100.0))]);
    assert_eq!((&people[1]["excused"], &people[1]["counted"]), (&json!(1), &json!(1)));
    assert_eq!((&people[0]["attended_minutes"], &people[0]["average_score"]), (&json!(45), &json!(0.5)));
    assert_eq!(people[1]["average_score"], 0.5, "without the lesson that he was excused from");
    let class = school.rig.get("/api/zoom/reports?classId=8a").await;
    let nothing = &class["people"][0];
    assert_eq!((&nothing["id"], &nothing["counted"]), (&json!("ada"), &json!(0)), "{class:#}");
    assert_eq!((&nothing["attendance_rate"], &nothing["average_score"]), (&Value::Null, &Value::Null));
    let one = school.rig.get("/api/zoom/reports?personId=frege").await;
    assert_eq!(
        (&one["people"][0]["partial"], &one["people"][0]["attendance_rate"]),
        (&json!(1), &json!(0.0))
    );
}

/// Whose presence was told by webhooks that a complete report stands in the place of was not seen.
async fn a_report_outdoes_webhooks_in_everybodys_own_record(school: &School) {
    let row = |source: &str, person: &str| {
        format!(
            "INSERT INTO zoom_participants (meeting_id, instance_uuid, source, room, connection_key, name, person_ref,
                created_at, updated_at)
            SELECT id, 'run', '{source}', 'main', '{person}', '{person}', '{person}', created_at, created_at
            FROM zoom_meetings WHERE id = '{}';",
            school.lessons[0].1
        )
    };
    let report = format!(
        "INSERT INTO meeting_reports (instance_uuid, meeting_id, state, attempts, pages_read, participants,
            created_at, updated_at)
        SELECT 'run', id, 'reading', 1, 1, 1, created_at, created_at FROM zoom_meetings WHERE id = '{}';",
        school.lessons[0].1
    );
    let statement = |text: &str| {
        diesel::connection::SimpleConnection::batch_execute(&mut school.rig.database.conn(), text).unwrap();
    };
    let seen = async || {
        let mut seen = Vec::new();
        for person in ["ada", "boole", "reyes"] {
            seen.push(
                school.as_person("student", person, "/api/zoom/stats").await.1["total_participants"].clone(),
            );
        }
        seen
    };
    statement(&(row("webhook", "ada") + &row("report", "boole") + &row("report", "reyes") + &report));
    assert_eq!(seen().await, [1, 0, 0], "half a report shows nobody");
    statement("UPDATE meeting_reports SET state = 'complete'");
    assert_eq!(seen().await, [0, 1, 0], "the host is no participant");
}

async fn one_meeting(school: &School) {
    let meeting = &school.lessons[0].1;
    let report = school.rig.get(&format!("/api/zoom/reports?meetingId={meeting}")).await;
    let known = ["id", "title", "start_time", "status", "host", "class", "participants"];
    assert!(known.iter().all(|field| report["meeting"].get(field).is_some()), "{report:#}");
    assert_eq!(report["meeting"]["host"]["email"], "reyes@school.example");
    assert_eq!(
        (&report["stats"]["totalInvited"], &report["stats"]["attendanceRate"]),
        (&json!(2), &json!(100.0))
    );
    let known = ["totalJoined", "totalDurationSeconds", "avgDurationSeconds"];
    assert!(known.iter().all(|field| report["stats"][field].is_i64()), "{report:#}");
    assert_eq!(
        school.rig.call(convened::zoom::http::Method::GET, "/api/zoom/reports?meetingId=0", None).await.0,
        404
    );
}

async fn everybody_gets_what_is_theirs(school: &School) {
    let (_, host) = school.as_person("teacher", "sutton", "/api/zoom/reports").await;
    assert_eq!((&host["stats"]["totalMeetings"], &host["stats"]["totalAttendees"]), (&json!(1), &json!(1)));
    let (status, own) = school.as_person("student", "boole", "/api/zoom/reports").await;
    assert_eq!(
        (status, &own["stats"]["totalMeetings"], &own["stats"]["totalAttendees"]),
        (200, &json!(2), &json!(1))
    );
    assert_eq!((own["people"].as_array().unwrap().len(), &own["people"][0]["id"]), (1, &json!("boole")));
    assert_eq!(own["stats"]["avgAttendanceRate"], 100.0);
    assert_eq!(school.as_person("student", "boole", "/api/zoom/reports?personId=ada").await.0, 404);
    assert_eq!(
        school.as_person("student", "frege", "/api/zoom/reports?classId=9b").await.1["meetings"],
        json!([])
    );
    let path = format!("/api/zoom/reports?meetingId={}", school.lessons[2].1);
    assert_eq!(school.as_person("student", "boole", &path).await.0, 404, "not invited");
    let (_, own) = school.as_person("student", "frege", &path).await;
    assert_eq!((&own["stats"]["totalInvited"], &own["stats"]["attendanceRate"]), (&json!(1), &json!(0.0)));
    assert_eq!(school.as_person("teacher", "reyes", &path).await.0, 404, "another's class");
}

async fn counters_and_analytics(school: &School) {
    let stats = school.rig.get("/api/zoom/stats").await;
    let wanted = json!({ "total_meetings": 3, "completed_appointments": 3, "attendance_rate": 50.0, "present": 1,
        "late": 1, "partial": 1, "absent": 2, "excused": 1, "planned_minutes": 135, "attended_minutes": 77 });
    for (key, value) in wanted.as_object().unwrap() {
        assert_eq!(&stats[key], value, "{key}: {stats:#}");
    }
    assert!(stats.as_object().unwrap().values().all(|value| !value.is_object() && !value.is_array()), "flat");
    let path = "/api/zoom/analytics/meetings?from=2099-06-29&to=2099-07-03&bucket=day";
    let days = school.rig.get(path).await;
    let counts: Vec<(&Value, &Value)> = days["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bucket| (&bucket["day"], &bucket["meetings"]))
        .collect();
    let wanted =
        [("2099-06-29", 0), ("2099-06-30", 1), ("2099-07-01", 1), ("2099-07-02", 0), ("2099-07-03", 1)];
    let wanted: Vec<(Value, Value)> =
        wanted.iter().map(|(day, number)| (json!(day), json!(number))).collect();
    assert_eq!(counts, wanted.iter().map(|(day, number)| (day, number)).collect::<Vec<_>>());
    assert_eq!((&days["totals"]["meetings"], &days["timezone"]), (&json!(3), &json!("Europe/Berlin")));
    assert_eq!((&days["by_host"][0]["id"], &days["by_host"][0]["meetings"]), (&json!("reyes"), &json!(2)));
    assert_eq!(
        (&days["by_class"][1]["name"], &days["by_class"][1]["attendance_rate"]),
        (&json!("Class 8a"), &json!(0.0))
    );
    let months =
        school.rig.get("/api/zoom/analytics/meetings?from=2099-06-01&to=2099-07-31&bucket=month").await;
    assert_eq!(
        (&months["buckets"][0]["meetings"], &months["buckets"][1]["meetings"]),
        (&json!(1), &json!(2))
    );
    let weeks =
        school.rig.get("/api/zoom/analytics/meetings?from=2099-06-28&to=2099-06-30&bucket=week").await;
    assert_eq!(
        (&weeks["buckets"][0]["day"], &weeks["buckets"][1]["meetings"]),
        (&json!("2099-06-22"), &json!(1))
    );
    for query in ["from=2000-01-01&to=2099-01-01", "bucket=hour", "from=2099-01-02&to=2099-01-01"] {
        let path = format!("/api/zoom/analytics/meetings?{query}");
        assert_eq!(school.as_person("admin", "ops", &path).await.0, 400, "{query}");
    }
    let (status, own) = school.as_person("student", "ada", "/api/zoom/stats").await;
    assert_eq!((status, &own["total_meetings"], &own["zoom_api_calls"]), (200, &json!(3), &Value::Null));
}

async fn tables(school: &School) {
    let path = format!("/api/zoom/meetings/{}/attendance.csv", school.lessons[1].1);
    let (status, table) = school.text("admin", "ops", &path).await;
    assert_eq!(status, 200, "{table}");
    let mut reader = csv::Reader::from_reader(table.trim_start_matches('\u{feff}').as_bytes());
    let headers = reader.headers().unwrap().clone();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let field = |row: usize, name: &str| {
        let column = headers.iter().position(|header| header == name).unwrap();
        records[row].get(column).unwrap().to_owned()
    };
    assert_eq!(records.len(), 2, "attendees, without the host");
    assert_eq!(
        (field(1, "person"), field(1, "status"), field(1, "computed_status")),
        ("boole".to_owned(), "excused".to_owned(), "absent".to_owned())
    );
    assert_eq!(
        (field(1, "note"), field(1, "start_time")),
        ("'=ill".to_owned(), "2099-07-01T00:30:00+02:00".to_owned())
    );
    let (_, own) = school.text("student", "ada", &path).await;
    assert!(own.contains("ada") && !own.contains("boole"), "{own}");
    assert_eq!(school.text("student", "frege", &path).await.0, 404);
    let (_, class) = school.text("teacher", "reyes", "/api/zoom/reports.csv?classId=9b").await;
    assert_eq!(class.lines().count(), 5);
    let request = school.rig.http.get(school.rig.url("/api/zoom/reports.xlsx?personId=ada"));
    let answer = request.bearer_auth(school.rig.token("service", "x")).send().await.unwrap();
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"report.xlsx\"");
    assert!(answer.bytes().await.unwrap().starts_with(b"PK\x03\x04"));
}

async fn everything(database: TestDatabase) {
    let school = school(database).await;
    let empty = school.rig.get("/api/zoom/stats").await;
    assert_eq!((&empty["total_meetings"], &empty["attendance_rate"]), (&json!(3), &Value::Null));
    school.score();
    the_report_of_a_selection(&school).await;
    days_classes_and_people(&school).await;
    one_meeting(&school).await;
    everybody_gets_what_is_theirs(&school).await;
    counters_and_analytics(&school).await;
    tables(&school).await;
    asked::filters_are_in_the_default_zone(&school).await;
    asked::what_nobody_knows_is_named(&school).await;
    a_report_outdoes_webhooks_in_everybodys_own_record(&school).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_scored_is_reported_on_sqlite() {
    everything(TestDatabase::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_scored_is_reported_on_postgres() {
    if let Some(database) = TestDatabase::postgres() {
        everything(database).await;
    }
}
