//! A person is erased: what they left is planted by real flows, and afterwards looked for in the whole database.

use std::collections::BTreeSet;

use convened::store::erasure::{self, places};
use convened::store::{Conn, UtcMillis, person};
use convened::zoom::http::Method;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde_json::{Value, json};

use crate::support::database::{TestDatabase, on_each_database};
use crate::support::listener::Listener;
use crate::support::rig::Rig;

const SPEED: f64 = 400.0;
const REF: &str = "zq-marker-7";
const NAME: &str = "Želda Quoxmarker";
const EMAIL: &str = "zelda.quox@marker.example";

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// The columns of text and bytes that are no time: SQLite keeps times as text, PostgreSQL has a type for them.
fn columns(conn: &mut Conn) -> BTreeSet<(String, String)> {
    let sql = match conn {
        Conn::Sqlite(_) => {
            "SELECT m.name AS table_name, c.name AS column_name FROM sqlite_master m JOIN pragma_table_info(m.name) c
            WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\'
            AND c.type IN ('TEXT', 'BLOB')"
        }
        Conn::Postgres(_) => {
            "SELECT table_name::text, column_name::text FROM information_schema.columns
            WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%' AND data_type IN ('text', 'bytea')"
        }
    };
    let rows: Vec<Column> = diesel::sql_query(sql).load(conn).unwrap();
    rows.into_iter().map(|row| (row.table_name, row.column_name)).collect()
}

on_each_database! {
    every_column_says_what_of_a_person_it_may_hold(database) {
        let conn = &mut database.conn();
        let on_sqlite = matches!(conn, Conn::Sqlite(_));
        let is_time = |column: &str| {
            column.ends_with("_at") || ["at", "first_join", "last_leave", "join_time", "leave_time"].contains(&column)
                || column.ends_with("_until") || column.ends_with("_since") || column == "since" || column == "short_from"
        };
        let there: BTreeSet<(String, String)> =
            columns(conn).into_iter().filter(|(_, column)| !(on_sqlite && is_time(column))).collect();
        let listed: BTreeSet<(String, String)> =
            places::PLACES.iter().map(|place| (place.table.to_owned(), place.column.to_owned())).collect();
        let unlisted: Vec<_> = there.difference(&listed).collect();
        let gone: Vec<_> = listed.difference(&there).collect();
        assert!(unlisted.is_empty(), "say in store/erasure/places.rs what of a person these may hold: {unlisted:?}");
        assert!(gone.is_empty(), "no column any more: {gone:?}");
        assert_eq!(listed.len(), places::PLACES.len(), "each is listed once");
    }
}

/// The places in the whole database where one of `needles` stands.
fn found(database: &TestDatabase, needles: &[&str]) -> Vec<String> {
    let conn = &mut database.conn();
    let mut found = Vec::new();
    for (table, column) in columns(conn) {
        for needle in needles {
            let sql = format!(
                "SELECT COUNT(*) AS number FROM \"{table}\" WHERE LOWER(CAST(\"{column}\" AS TEXT)) LIKE '%{}%'",
                needle.to_lowercase()
            );
            let number = diesel::sql_query(sql).get_result::<Number>(conn).map_or(0, |row| row.number);
            if number > 0 {
                found.push(format!("{needle} in {table}.{column}, {number} times"));
            }
        }
    }
    found
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// A host, two pupils, their class, and what is booked for it.
struct School {
    rig: Rig,
    appointment: String,
    meeting: String,
}

async fn school(database: TestDatabase) -> School {
    let listener = Listener::start(0, 200);
    let endpoint = Listener::config(listener.port(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &[]);
    let rig = Rig::start(database, SPEED, &format!("[attendance]\nreport_delay = \"5m\"\n{endpoint}"));
    let user =
        json!({ "email": "reyes@school.example", "first_name": "Ana", "last_name": "Reyes", "type": 2 });
    rig.control(Method::POST, "/users", Some(user)).await;
    let people = [
        ("reyes", "Ana Reyes", "reyes@school.example", "host"),
        (REF, NAME, EMAIL, "attendee"),
        ("boole", "George Boole", "boole@school.example", "attendee"),
    ];
    let mut members = Vec::new();
    for (person, name, email, role) in people {
        rig.put(&format!("/api/people/{person}"), json!({ "name": name, "email": email, "role": role }))
            .await;
        members.push(json!({ "person": person, "role": role }));
    }
    rig.put(
        "/api/groups/g",
        json!({ "kind": "class", "name": format!("Class of {NAME}"), "members": members }),
    )
    .await;
    let booking = json!({
        "kind": "class", "title": format!("Lesson with {NAME}"), "description": format!("write to {EMAIL}"),
        "group": "g", "start_time": (rig.clock.now() + chrono::Duration::minutes(20)).to_rfc3339(), "duration": 45,
    });
    // With a key, so that the answer is kept.
    let request = rig.http.post(rig.url("/api/appointments")).bearer_auth(rig.token("service", REF));
    let booked = request.header("Idempotency-Key", "k-1").json(&booking).send().await.unwrap();
    let booked: Value = booked.json().await.unwrap();
    let appointment = text(&booked["appointment"]["id"]);
    let meeting = text(&booked["appointment"]["meeting"]["id"]);
    School { rig, appointment, meeting }
}

impl School {
    /// Plays the class and waits for the final marks.
    async fn play(&self) -> Value {
        self.begin().await;
        self.marks().await
    }

    /// Has the class played.
    async fn begin(&self) {
        let scheduled = |answer: &Value| answer["appointment"]["meeting"]["status"] == "scheduled";
        let path = format!("/api/appointments/{}", self.appointment);
        let booked = self.rig.until(&path, "scheduled", scheduled).await;
        let class = json!({
            "meeting": booked["appointment"]["meeting"]["zoom_meeting_id"], "seed": 11, "host_ends": ["45m"],
            "persons": [
                { "name": "Ana Reyes", "email": "reyes@school.example", "role": "host", "devices": [["-2m join"]] },
                { "name": NAME, "devices": [["0s join"]] },
                { "name": "George Boole", "devices": [["14m join"]] },
            ],
        });
        self.rig.control(Method::POST, "/classes", Some(class)).await;
    }

    async fn marks(&self) -> Value {
        let is_final = |answer: &Value| {
            let records = answer["records"].as_array().cloned().unwrap_or_default();
            records.len() == 2 && records.iter().all(|record| record["provisional"] == false)
        };
        self.rig.until(&format!("/api/zoom/meetings/{}/attendance", self.meeting), "final", is_final).await
    }

    async fn erase(&self, person: &str) -> (u16, Value) {
        self.erase_if(person, "*").await
    }

    async fn erase_if(&self, person: &str, version: &str) -> (u16, Value) {
        let request = self.rig.http.delete(self.rig.url(&format!("/api/people/{person}")));
        let answer = request.bearer_auth(self.rig.token("admin", "ops")).header("Prefer", "wait=30");
        let answer = answer.header("If-Match", version).send().await;
        let answer = answer.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

fn of<'a>(marks: &'a Value, person: &str) -> &'a Value {
    let records = marks["records"].as_array().unwrap();
    records
        .iter()
        .find(|record| record["student_id"] == person)
        .unwrap_or_else(|| panic!("{person}: {marks:#}"))
}

async fn everything(database: TestDatabase) {
    let mut school = school(database).await;
    let before = school.play().await;
    let path = format!("/api/zoom/meetings/{}/attendance/{REF}", school.meeting);
    let corrected = json!({ "status": "excused", "note": format!("{NAME} was ill") });
    school.rig.call(Method::PUT, &path, Some(corrected)).await;
    let needles = [REF, "Quoxmarker", EMAIL];
    assert!(found(&school.rig.database, &needles).len() > 10, "they are everywhere");
    let export = school.rig.get(&format!("/api/people/{REF}/export")).await;
    assert_eq!((&export["person"]["email"], &export["groups"][0]["group"]), (&json!(EMAIL), &json!("g")));
    for list in ["appointments", "marks", "connections", "story", "webhooks"] {
        assert!(!export[list].as_array().unwrap().is_empty(), "{list}: {export:#}");
    }

    assert_eq!(school.erase_if(REF, "\"999\"").await.0, 412, "it is another version");
    assert_eq!(school.rig.call(Method::GET, &format!("/api/people/{REF}"), None).await.0, 200);
    let (status, erased) = school.erase(REF).await;
    assert_eq!((status, &erased["erased"]["finished"]), (200, &json!(true)), "{erased:#}");
    assert_eq!(found(&school.rig.database, &needles), Vec::<String>::new());
    let anonymous = text(&erased["erased"]["ref"]);
    let after = school.marks().await;
    assert_eq!(of(&after, &anonymous)["score"], of(&before, REF)["score"], "history stays");
    assert_eq!(of(&after, "boole")["evidence"], of(&before, "boole")["evidence"], "nobody else is touched");
    assert_eq!(school.rig.call(Method::GET, &format!("/api/people/{REF}"), None).await.0, 404);
    let listed = school.rig.get("/api/people").await;
    assert_eq!(listed["people"].as_array().unwrap().len(), 2, "{listed:#}");
    let (again, same) = school.erase(REF).await;
    assert_eq!((again, &same["erased"]["ref"]), (200, &json!(anonymous)), "a repetition is known");
    assert_eq!(school.erase("nobody").await.0, 404);
    // Scoring anew finds the same marks: the connections know whose they are.
    let case = convened::store::case::of_appointment(&mut school.rig.database.conn(), &school.appointment);
    let case = case.unwrap().unwrap();
    let anew = case.assess(&convened::domain::rules::Rules::default(), school.rig.clock.now());
    let mark = anew.marks.iter().find(|mark| mark.person == anonymous).unwrap();
    assert_eq!(json!(mark.score_milli as f64 / 1000.0), of(&before, REF)["score"]);

    // One that a dead process left half done is finished by the next.
    school.rig.kill();
    let conn = &mut school.rig.database.conn();
    let boole = person::by_ref(conn, "boole").unwrap().unwrap();
    let now = UtcMillis::from(school.rig.clock.now());
    erasure::begin(conn, &boole, "fingerprint".to_owned(), now).unwrap();
    school.rig.start_daemon();
    let began = std::time::Instant::now();
    while erasure::known(conn, "fingerprint").unwrap().unwrap().finished_at.is_none() {
        assert!(began.elapsed().as_secs() < 60, "never finished");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(found(&school.rig.database, &["boole"]), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_erased_is_nowhere_any_more_on_sqlite() {
    everything(TestDatabase::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_erased_is_nowhere_any_more_on_postgres() {
    if let Some(database) = TestDatabase::postgres() {
        everything(database).await;
    }
}

/// Who is erased in the middle of a class, where they are a guest with no more than a name, is marked as they came.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_erased_during_a_class_is_marked_and_then_gone() {
    let school = school(TestDatabase::sqlite()).await;
    school.begin().await;
    let path = format!("/api/appointments/{}", school.appointment);
    let runs = |answer: &Value| answer["appointment"]["status"] == "in_progress";
    school.rig.until(&path, "in progress", runs).await;
    let (status, erased) = school.erase(REF).await;
    let (waits_for, anonymous) = (&erased["erased"]["waits_for"], text(&erased["erased"]["ref"]));
    assert_eq!((status, waits_for), (202, &json!([school.appointment])), "{erased:#}");
    assert_eq!(school.rig.call(Method::GET, &format!("/api/people/{REF}"), None).await.0, 404);
    let again = json!({ "name": NAME, "role": "attendee" });
    assert_eq!(school.rig.call(Method::PUT, &format!("/api/people/{REF}"), Some(again)).await.0, 409);
    let done = |answer: &Value| {
        let records = answer["records"].as_array().cloned().unwrap_or_default();
        records.iter().any(|record| record["student_id"] == json!(anonymous))
    };
    let attendance = format!("/api/zoom/meetings/{}/attendance", school.meeting);
    let after = school.rig.until(&attendance, "erased", done).await;
    let mark = of(&after, &anonymous);
    assert_eq!((&mark["status"], &mark["provisional"]), (&json!("present"), &json!(false)), "{mark:#}");
    let began = std::time::Instant::now();
    while school.erase(REF).await.1["erased"]["finished"] != json!(true) {
        assert!(began.elapsed().as_secs() < 60, "never finished");
    }
    assert_eq!(found(&school.rig.database, &[REF, "Quoxmarker", EMAIL]), Vec::<String>::new());
}
