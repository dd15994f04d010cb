//! Marks by hand, strangers settled, and the page that explains: with the real binary, after a class was played.

mod figures;

use chrono::DurationRound;
use convened::zoom::http::{Method, Response};
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use self::figures::figures_agree;
use crate::support::database::TestDatabase;
use crate::support::listener::Listener;
use crate::support::rig::Rig;

const SPEED: f64 = 400.0;
const NOTE: &str = "her father called: the dentist";

/// A daemon, a class of four with a teacher, a teacher of another class, and its booking in 20 minutes.
async fn school(database: TestDatabase, extra: &str) -> (Rig, String, String) {
    let rig = Rig::start(database, SPEED, &format!("[attendance]\nreport_delay = \"5m\"\n{extra}"));
    for (host, name) in [("reyes", "Ana Reyes"), ("other", "Otto Other")] {
        let email = format!("{host}@school.example");
        let user = json!({ "email": email, "first_name": name, "last_name": "", "type": 2 });
        rig.control(Method::POST, "/users", Some(user)).await;
        rig.put(&format!("/api/people/{host}"), json!({ "name": name, "email": email, "role": "host" }))
            .await;
    }
    let mut members = vec![json!({ "person": "reyes", "role": "host" })];
    for (pupil, name) in [
        ("ada", "Ada Lovelace"),
        ("boole", "George Boole"),
        ("cantor", "Georg Cantor"),
        ("frege", "Gottlob Frege"),
    ] {
        let person = json!({ "name": name, "email": format!("{pupil}@school.example"), "role": "attendee" });
        rig.put(&format!("/api/people/{pupil}"), person).await;
        members.push(json!({ "person": pupil, "role": "attendee" }));
    }
    rig.put("/api/groups/7b", json!({ "kind": "class", "name": "Algebra 7b", "members": members })).await;
    // A whole minute, as people book.
    let start =
        (rig.clock.now() + chrono::Duration::minutes(21)).duration_trunc(chrono::Duration::minutes(1));
    let booking = json!({ "kind": "class", "title": "Algebra", "group": "7b", "duration": 45,
        "timezone": "Europe/Berlin", "start_time": start.unwrap().to_rfc3339() });
    let booked = rig.post("/api/appointments", booking).await;
    let id = |value: &Value| value.as_str().unwrap().to_owned();
    let (appointment, meeting) =
        (id(&booked["appointment"]["id"]), id(&booked["appointment"]["meeting"]["id"]));
    (rig, appointment, meeting)
}

/// Plays: Ada in time, Boole too short, Cantor under a name with a slip, somebody's phone, Frege not at all.
async fn play(rig: &Rig, appointment: &str, meeting: &str) -> Value {
    let scheduled = |answer: &Value| answer["appointment"]["meeting"]["status"] == "scheduled";
    let answer = rig.until(&format!("/api/appointments/{appointment}"), "scheduled", scheduled).await;
    let number = answer["appointment"]["meeting"]["zoom_meeting_id"].clone();
    let timetable = json!({ "meeting": number, "seed": 5, "host_ends": ["45m"], "persons": [
        { "name": "Ana Reyes", "email": "reyes@school.example", "role": "host", "devices": [["-2m join"]] },
        { "name": "Ada Lovelace", "devices": [["-1m join"]] },
        { "name": "George Boole", "devices": [["12m join", "21m leave"]] },
        { "name": "Georg Kantor", "devices": [["1m join", "20m leave", "21m join"]] },
        { "name": "Otter Notetaker", "devices": [["2m join"]] },
    ] });
    rig.control(Method::POST, "/classes", Some(timetable)).await;
    let path = format!("/api/zoom/meetings/{meeting}/attendance");
    let is_final = |answer: &Value| {
        let records = answer["records"].as_array().cloned().unwrap_or_default();
        !records.is_empty() && records.iter().all(|record| record["provisional"] == false)
    };
    rig.until(&path, "final", is_final).await
}

fn of<'a>(answer: &'a Value, person: &str) -> &'a Value {
    let records = answer["records"].as_array().unwrap();
    records.iter().find(|record| record["student_id"] == person).unwrap_or_else(|| panic!("{answer:#}"))
}

async fn ask(
    rig: &Rig,
    role: &str,
    person: &str,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Response {
    let mut request = rig.http.request(method, rig.url(path)).bearer_auth(rig.token(role, person));
    if let Some(body) = body {
        request = request.json(&body);
    }
    request.send().await.unwrap()
}

async fn status(rig: &Rig, role: &str, person: &str, method: Method, path: &str, body: Option<Value>) -> u16 {
    ask(rig, role, person, method, path, body).await.status().as_u16()
}

/// What is refused, and to whom.
async fn check_refusals(rig: &Rig, path: &str, meeting: &str) {
    let good = || Some(json!({ "status": "excused", "note": NOTE }));
    let put = |role, who, path: &str, body| {
        let path = path.to_owned();
        async move { status(rig, role, who, Method::PUT, &path, body).await }
    };
    assert_eq!(put("attendee", "frege", path, good()).await, 403, "nobody marks themselves");
    assert_eq!(put("host", "other", path, good()).await, 404, "not their class");
    let stranger = format!("/api/zoom/meetings/{meeting}/attendance/other");
    assert_eq!(put("service", "s", &stranger, good()).await, 404, "not on the roster");
    for bad in [
        json!({ "status": "excused" }),
        json!({ "note": "x" }),
        json!({ "status": "sick", "note": "x" }),
        json!({ "status": "excused", "note": " " }),
        json!({ "status": "excused", "note": "x".repeat(1001) }),
        json!({ "status": "excused", "note": "x", "by": "me" }),
    ] {
        assert_eq!(put("service", "s", path, Some(bad.clone())).await, 400, "{bad}");
    }
}

async fn a_correction_is_kept(database: TestDatabase) {
    let listener = Listener::start(0, 200);
    let endpoint = Listener::config(
        listener.port(),
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        &["attendance.corrected"],
    );
    let (rig, appointment, meeting) = school(database, &endpoint).await;
    let all = format!("/api/zoom/meetings/{meeting}/attendance");
    let path = format!("{all}/frege");
    check_refusals(&rig, &path, &meeting).await;

    let excused = json!({ "status": "excused", "note": NOTE });
    let first_tag = announce(&rig, &listener, &all, &excused).await;

    // Kept over both scorings.
    let marks = play(&rig, &appointment, &meeting).await;
    let frege = of(&marks, "frege");
    assert_eq!(
        (&frege["status"], &frege["correction"]["computed_status"]),
        (&json!("excused"), &json!("absent"))
    );
    assert_eq!((&frege["correction"]["note"], &frege["correction"]["by"]), (&json!(NOTE), &json!("reyes")));
    assert_eq!(
        (&marks["summary"]["excused"], &marks["summary"]["absent"]),
        (&json!(1), &json!(1)),
        "{marks:#}"
    );
    assert_eq!(marks["announced"], Value::Null);

    // The same again is nothing new; another word is; an old version is refused; lifting brings the mark back.
    ask(&rig, "host", "reyes", Method::PUT, &path, Some(excused)).await;
    assert_eq!(of(&rig.get(&all).await, "frege")["history"].as_array().unwrap().len(), 1);
    figures_agree(&rig, &meeting).await;
    rig.put(&path, json!({ "status": "present", "note": "was in the room" })).await;
    figures_agree(&rig, &meeting).await;
    let seen = rig.get(&format!("/api/zoom/meetings/{meeting}/participants")).await;
    // Ada and Frege of four; Boole was there too short. Seen were Ada, Boole and two strangers.
    assert_eq!(
        (
            &seen["stats"]["joinedCount"],
            &seen["stats"]["attendanceRate"],
            &seen["stats"]["totalParticipants"]
        ),
        (&json!(3), &json!(50.0), &json!(4)),
        "{seen:#}"
    );
    heads_of_one_person(&rig).await;
    lift(&rig, &path, first_tag).await;
    let marks = rig.get(&all).await;
    let frege = of(&marks, "frege");
    assert_eq!((&frege["status"], &frege["correction"]), (&json!("absent"), &Value::Null));
    let words: Vec<&Value> =
        frege["history"].as_array().unwrap().iter().map(|word| &word["action"]).collect();
    assert_eq!(words, [&json!("corrected"), &json!("corrected"), &json!("lifted")]);
    let story = rig.get(&format!("/api/appointments/{appointment}/story")).await.to_string();
    assert!(
        story.contains("attendance.corrected") && story.contains("/attendance/frege/evidence"),
        "{story}"
    );
    assert!(!story.contains("dentist"), "{story}");
    a_mark_goes_with_the_word_that_kept_it(&rig, &all, &path).await;
}

/// Frege is excused before the lesson; gives the version of that.
async fn announce(rig: &Rig, listener: &Listener, all: &str, excused: &Value) -> String {
    let path = format!("{all}/frege");
    let answer = ask(rig, "host", "reyes", Method::PUT, &path, Some(excused.clone())).await;
    assert_eq!(answer.status().as_u16(), 200);
    let first_tag = answer.headers()["etag"].to_str().unwrap().to_owned();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["record"]["status"], "excused", "{answer:#}");
    assert_eq!(
        (&answer["stored"], &answer["record"]["correction"]["computed_status"]),
        (&json!(false), &Value::Null)
    );
    let before = rig.get(all).await;
    assert_eq!(before["announced"][0]["student_id"], "frege", "{before:#}");
    assert_eq!(before["records"], json!([]));
    let told = listener.until("attendance.corrected").await;
    assert_eq!(
        (&told.json()["data"]["person"], &told.json()["data"]["by"]),
        (&json!("frege"), &json!("reyes"))
    );
    assert!(!told.body.contains("dentist") && !told.body.contains("Gottlob"), "{}", told.body);
    first_tag
}

/// What was seen of one person is what their own counters say.
async fn heads_of_one_person(rig: &Rig) {
    for (person, heads) in [("boole", 1), ("frege", 0)] {
        let own = ask(rig, "attendee", person, Method::GET, "/api/zoom/stats", None).await;
        let own: Value = own.json().await.unwrap();
        assert_eq!(own["total_participants"], heads, "{person}");
        let own = rig.get(&format!("/api/zoom/reports?personId={person}")).await;
        assert_eq!(own["meetings"][0]["participantCount"], heads, "{person}");
    }
}

/// Lifts the correction at `path`, not as of the version `stale_tag`; once more changes nothing.
async fn lift(rig: &Rig, path: &str, stale_tag: String) {
    let stale = rig.http.delete(rig.url(path)).bearer_auth(rig.token("service", "s"));
    assert_eq!(stale.header("If-Match", stale_tag).send().await.unwrap().status().as_u16(), 412);
    assert_eq!(status(rig, "service", "s", Method::DELETE, path, None).await, 200);
    assert_eq!(status(rig, "service", "s", Method::DELETE, path, None).await, 200, "again");
}

/// Who is not expected any more has a mark as long as a hand says so.
async fn a_mark_goes_with_the_word_that_kept_it(rig: &Rig, all: &str, path: &str) {
    rig.put(path, json!({ "status": "excused", "note": "changed class" })).await;
    let leaves = "DELETE FROM appointment_attendees WHERE person_ref = 'frege'";
    rig.database.conn().batch_execute(leaves).unwrap();
    assert_eq!(status(rig, "service", "s", Method::DELETE, path, None).await, 200);
    let gone = |answer: &Value| {
        let records = answer["records"].as_array().unwrap();
        records.len() == 3 && records.iter().all(|record| record["student_id"] != "frege")
    };
    rig.until(all, "without Frege", gone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_before_the_lesson_is_kept_over_every_scoring_and_can_be_lifted_on_sqlite() {
    a_correction_is_kept(TestDatabase::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_before_the_lesson_is_kept_over_every_scoring_and_can_be_lifted_on_postgres() {
    if let Some(database) = TestDatabase::postgres() {
        a_correction_is_kept(database).await;
    }
}

/// The id of the stranger of that name, and the people suggested.
fn stranger(answer: &Value, name: &str) -> (String, Vec<String>) {
    let unmatched = answer["unmatched"].as_array().unwrap();
    let found = unmatched.iter().find(|stranger| stranger["name"] == name);
    let found = found.unwrap_or_else(|| panic!("no {name}: {answer:#}"));
    let people = found["suggestions"].as_array().unwrap().iter();
    let people = people.map(|suggestion| suggestion["person"].as_str().unwrap().to_owned()).collect();
    (found["id"].as_str().unwrap().to_owned(), people)
}

async fn strangers_are_settled(database: TestDatabase) {
    let (rig, appointment, meeting) = school(database, "").await;
    let marks = play(&rig, &appointment, &meeting).await;
    assert_eq!(of(&marks, "cantor")["status"], "absent");
    let seen = rig.get(&format!("/api/zoom/meetings/{meeting}/participants")).await;
    assert_eq!(seen["unmatched"].as_array().unwrap().len(), 2, "{seen:#}");
    let (kantor, suggested) = stranger(&seen, "Georg Kantor");
    assert_eq!(suggested.first().map(String::as_str), Some("cantor"), "{seen:#}");
    let joins = seen["unmatched"][0]["connections"].as_array().unwrap().len();
    assert_eq!(joins, 2, "both of his stays are one: {seen:#}");
    let (robot, suggested) = stranger(&seen, "Otter Notetaker");
    assert_eq!(suggested, Vec::<String>::new());

    let queue = rig.get("/api/attendance/unmatched?from=2020-01-01&to=2100-01-01").await;
    assert_eq!(queue["meetings"][0]["id"], json!(meeting));
    assert_eq!(status(&rig, "host", "reyes", Method::GET, "/api/attendance/unmatched", None).await, 403);

    let path = format!("/api/zoom/meetings/{meeting}/attendance/match");
    let of_cantor = json!({ "participant": kantor, "person": "cantor" });
    assert_eq!(status(&rig, "attendee", "cantor", Method::POST, &path, Some(of_cantor.clone())).await, 403);
    let elsewhere = json!({ "participant": kantor, "person": "other" });
    assert_eq!(
        status(&rig, "host", "reyes", Method::POST, &path, Some(elsewhere)).await,
        404,
        "not on the roster"
    );
    let nobody = json!({ "participant": "999999", "person": "cantor" });
    assert_eq!(status(&rig, "service", "s", Method::POST, &path, Some(nobody)).await, 404);
    assert_eq!(
        status(&rig, "service", "s", Method::POST, &path, Some(json!({ "participant": kantor }))).await,
        400
    );

    let settled = rig.post(&path, of_cantor).await;
    assert_eq!((&settled["marks"], &settled["identity"]), (&json!("rescored"), &json!("name")), "{settled}");
    assert_eq!(settled["remembered"], false, "a name says nothing about the next meeting");
    let all = format!("/api/zoom/meetings/{meeting}/attendance");
    let marks = rig.get(&all).await;
    assert_eq!(of(&marks, "cantor")["status"], "present", "{marks:#}");
    assert_eq!(of(&marks, "cantor")["provisional"], false);
    let settled = rig.post(&path, json!({ "participant": robot, "person": null })).await;
    assert_eq!(settled["person"], Value::Null);
    let seen = rig.get(&format!("/api/zoom/meetings/{meeting}/participants")).await;
    assert_eq!(seen["unmatched"], json!([]));
    let robots: Vec<&Value> =
        seen["participants"].as_array().unwrap().iter().filter(|p| p["name"] == "Otter Notetaker").collect();
    assert!(robots.iter().all(|p| p["user_id"].is_null() && p["matched_by"] == "hand"), "{robots:?}");
    let queue = rig.get("/api/attendance/unmatched?from=2020-01-01&to=2100-01-01").await;
    assert_eq!((&queue["meetings"], &queue["next_cursor"]), (&json!([]), &Value::Null));

    let undo = rig.call(Method::DELETE, &format!("{path}/{kantor}"), None).await;
    assert_eq!((undo.0, &undo.1["marks"]), (200, &json!("rescored")), "{undo:?}");
    assert_eq!(of(&rig.get(&all).await, "cantor")["status"], "absent");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_come_with_suggestions_and_one_word_settles_all_their_stays_on_sqlite() {
    strangers_are_settled(TestDatabase::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_come_with_suggestions_and_one_word_settles_all_their_stays_on_postgres() {
    if let Some(database) = TestDatabase::postgres() {
        strangers_are_settled(database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_page_answers_why_to_those_who_may_ask() {
    let (rig, appointment, meeting) = school(TestDatabase::sqlite(), "").await;
    let path = format!("/api/zoom/meetings/{meeting}/attendance/boole");
    let early = rig.get(&path).await;
    assert_eq!(early["verdict"], "George Boole has no mark yet: the meeting has not taken place.");
    play(&rig, &appointment, &meeting).await;
    let why = rig.get(&path).await;
    let said = why["explanation"].to_string();
    assert_eq!((&why["verdict"], &why["stored"]), (&json!("George Boole is marked partial."), &json!(true)));
    assert!(said.contains("Counted: 9 min of 45 min (20 %)"), "{said}");
    assert!(said.contains("standard@1 asks for 15 min"), "{said}");
    let sources: Vec<&Value> =
        why["record"]["evidence"]["connections"].as_array().unwrap().iter().map(|c| &c["source"]).collect();
    assert!(sources.contains(&&json!("webhook")) && sources.contains(&&json!("report")), "{why:#}");
    assert!(why["story"].to_string().contains("attendance.final"), "{why:#}");

    let page = ask(&rig, "attendee", "boole", Method::GET, &format!("{path}/evidence"), None).await;
    let header = |name: &str| page.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("content-type").unwrap(), "text/html; charset=utf-8");
    assert_eq!(header("cache-control").unwrap(), "no-store");
    let policy = header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("script"), "{policy}");
    let html = page.text().await.unwrap();
    assert!(html.contains("Why is") && html.contains("Europe/Berlin") && html.contains("<svg"), "{html}");
    assert!(!html.contains("Cantor") && !html.contains("Lovelace"), "nobody else's: {html}");
    if let Some(folder) = std::env::var_os("EVIDENCE_OUT") {
        std::fs::write(std::path::Path::new(&folder).join("boole.html"), &html).unwrap();
    }
    let svg =
        rig.http.get(rig.url(&format!("{path}/evidence?format=svg"))).bearer_auth(rig.token("admin", "a"));
    let svg = svg.send().await.unwrap();
    assert_eq!(svg.headers()["content-type"], "image/svg+xml; charset=utf-8");
    assert!(svg.text().await.unwrap().starts_with("<?xml"));
    let negotiated = rig.http.get(rig.url(&path)).bearer_auth(rig.token("admin", "a"));
    let negotiated = negotiated.header("Accept", "text/html,*/*;q=0.8").send().await.unwrap();
    assert_eq!(negotiated.headers()["content-type"], "text/html; charset=utf-8");

    let evidence = format!("{path}/evidence");
    for (role, who, expected) in [
        ("host", "reyes", 200),
        ("host", "other", 404),
        ("attendee", "ada", 404),
        ("attendee", "stranger", 404),
    ] {
        assert_eq!(status(&rig, role, who, Method::GET, &evidence, None).await, expected, "{role} {who}");
    }
    assert_eq!(
        status(&rig, "admin", "a", Method::GET, &format!("{path}/evidence?format=pdf"), None).await,
        400
    );
    let nobody = format!("/api/zoom/meetings/{meeting}/attendance/nobody/evidence");
    assert_eq!(status(&rig, "admin", "a", Method::GET, &nobody, None).await, 404);
}
