//! Every class of the table at the real binary: booked, played by the sandbox, marked live and after the report.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, SubsecRound, Utc};
use convened::zoom::http::Method;
use futures::StreamExt;
use serde_json::{Value, json};

use super::script::{Entry, ExpectedMark, Identities, Part, Script, all};
use crate::support::database::TestDatabase;
use crate::support::rig::Rig;

/// How fast life passes once everything is booked: a lesson of 45 minutes lasts some five seconds.
const SPEED: f64 = 500.0;
/// From the first booking to the first lesson. Until all are booked the clock runs as fast as life.
const LEAD: Duration = Duration::minutes(30);
/// Until then Zoom has no report. Nothing lasts that long.
const NO_REPORT_SECS: u32 = 30 * 24 * 3600;
/// Classes that are made ready at once.
const AT_ONCE: usize = 8;

/// A class that is booked and on its way.
struct Booked {
    script: Script,
    start: DateTime<Utc>,
    appointment: String,
    meeting: String,
    /// The number that the sandbox gave it.
    class: String,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// The `ref` of somebody: two of one name are two.
fn reference(script: &Script, entry: &Entry) -> String {
    let place = script.person.iter().position(|other| std::ptr::eq(other, entry)).unwrap();
    match (&script.shared_host, entry.role) {
        (Some(host), Part::Host) => format!("host-{host}"),
        _ => format!("{}-{place}", script.name),
    }
}

fn email(script: &Script, entry: &Entry) -> String {
    let own = || format!("{}@school.example", reference(script, entry));
    entry.email.as_ref().map_or_else(own, |email| format!("{}.{email}", script.name))
}

fn account(script: &Script, entry: &Entry) -> String {
    format!("account-{}", reference(script, entry))
}

/// The people of a class, and their group.
async fn introduce(rig: &Rig, script: &Script) {
    let mut members = Vec::new();
    for entry in script.person.iter().filter(|entry| entry.role != Part::Stranger) {
        let (person, email) = (reference(script, entry), email(script, entry));
        let role = if entry.role == Part::Host { "host" } else { "attendee" };
        let account = entry.uses_account().then(|| account(script, entry));
        if entry.role == Part::Host && account.is_none() {
            let user = json!({ "email": email, "first_name": entry.name, "type": 2 });
            // The second class of a shared host finds the user there.
            if script.starts.is_none() {
                rig.control(Method::POST, "/users", Some(user)).await;
            }
        }
        let body = json!({ "name": entry.name, "email": email, "role": role, "zoom_user": account });
        rig.put(&format!("/api/people/{person}"), body).await;
        members.push(json!({ "person": person, "role": role }));
    }
    let group = json!({ "kind": "class", "name": script.name, "members": members });
    rig.put(&format!("/api/groups/{}", script.name), group).await;
}

/// Books a class; gives the booking's id, the meeting's, and its Zoom number.
async fn book(rig: &Rig, script: &Script, start: DateTime<Utc>) -> [String; 3] {
    if let Some(rules) = &script.rules {
        rig.put(&format!("/api/attendance-rules/{}", script.name), rules.clone().into()).await;
    }
    let host = script.person.iter().find(|entry| entry.role == Part::Host).unwrap();
    let booking = json!({
        "kind": "class", "title": script.name, "group": script.name, "host": reference(script, host),
        "start_time": start.to_rfc3339(), "duration": script.minutes, "on_conflict": "allow",
        "attendance_rules": script.rules.as_ref().map(|_| &script.name),
    });
    let booked = rig.post("/api/appointments", booking).await;
    let path = format!("/api/appointments/{}", text(&booked["appointment"]["id"]));
    let scheduled = |answer: &Value| answer["appointment"]["meeting"]["status"] == "scheduled";
    let answer = rig.until(&path, "scheduled", scheduled).await;
    let meeting = &answer["appointment"]["meeting"];
    [&answer["appointment"]["id"], &meeting["id"], &meeting["zoom_meeting_id"]].map(text)
}

/// The registrations at Zoom by address, once everybody is registered who comes by a personal link.
async fn registrations(rig: &Rig, script: &Script, number: &str) -> BTreeMap<String, String> {
    let wanted: Vec<String> = script
        .person
        .iter()
        .filter(|entry| entry.uses_registration())
        .map(|entry| email(script, entry))
        .collect();
    if wanted.is_empty() {
        return BTreeMap::new();
    }
    rig.until_zoom(&format!("/meetings/{number}"), "everybody registered", |meeting| {
        let registrants = meeting["registrants"].as_array()?;
        let known: BTreeMap<String, String> =
            registrants.iter().map(|one| (text(&one["email"]), text(&one["id"]))).collect();
        wanted.iter().all(|email| known.contains_key(email)).then_some(known)
    })
    .await
}

async fn prepare(rig: &Rig, script: Script, first: DateTime<Utc>) -> Booked {
    let start = first + Duration::seconds(script.starts.map_or(0, |offset| offset.0));
    introduce(rig, &script).await;
    let [appointment, meeting, number] = book(rig, &script, start).await;
    let registrations = registrations(rig, &script, &number).await;
    let identities = Identities {
        person: &|entry| reference(&script, entry),
        email: &|entry| email(&script, entry),
        account: &|entry| account(&script, entry),
        registrant: &|entry| registrations[&email(&script, entry)].clone(),
    };
    let timetable = serde_json::to_value(script.timetable(&number, &identities)).unwrap();
    let played = rig.control(Method::POST, "/classes", Some(timetable)).await;
    Booked { start, appointment, meeting, class: played["class_id"].to_string(), script }
}

/// What the answer says otherwise than the file.
fn faults(booked: &Booked, answer: &Value, live: bool) -> Vec<String> {
    let Booked { script, start, .. } = booked;
    let mut faults = Vec::new();
    for entry in script.person.iter().filter(|entry| entry.role == Part::Attendee) {
        let person = reference(script, entry);
        let records = answer["records"].as_array().unwrap();
        let Some(record) = records.iter().find(|record| record["student_id"] == person.as_str()) else {
            faults.push(format!("{person}: no record"));
            continue;
        };
        if record["provisional"] != live {
            faults.push(format!("{person}: provisional is {}", record["provisional"]));
        }
        let other = entry.live.as_ref().filter(|_| live);
        let expected = other.or(entry.mark.as_ref()).unwrap();
        let is = ExpectedMark {
            status: text(&record["status"]),
            attended_secs: record["attended_seconds"].as_i64().unwrap(),
        };
        if is != *expected {
            faults.push(format!("{person}: {is} instead of {expected}"));
        }
        if live {
            continue;
        }
        let score = (record["score"].as_f64().unwrap() * 1000.0).round() as i64;
        let offset = |word: &str| {
            let at: DateTime<Utc> = record["evidence"]["window"][word].as_str().unwrap().parse().unwrap();
            (at - start).num_seconds()
        };
        if (score, (offset("start"), offset("end"))) != (script.score_milli(expected), script.window()) {
            faults.push(format!("{person}: score {score} of {}", record["evidence"]["window"]));
        }
        let flags = Entry::flags_of(record);
        if flags != entry.flags {
            faults.push(format!("{person}: {flags:?} instead of {:?}", entry.flags));
        }
    }
    faults
}

async fn attendance(rig: &Rig, booked: &Booked, what: &str, live: bool) {
    let path = format!("/api/zoom/meetings/{}/attendance", booked.meeting);
    let what = format!("{} {what}", booked.script.name);
    rig.until_agreed(&path, &what, |answer| faults(booked, answer, live)).await;
}

/// What the sandbox tried to tell while the daemon was exchanged comes again by the slow clock, and is no class's.
fn is_of_the_making(event: &Value) -> bool {
    let event = event.as_str().unwrap();
    event.starts_with("meeting.registration") || event == "meeting.created" || event == "meeting.updated"
}

async fn the_table(database: TestDatabase) {
    let mut rig = Rig::start(database, 1.0, "[attendance]\nreport_delay = \"5m\"\n");
    rig.control(Method::PUT, "/settings", Some(json!({ "report_delay_secs": NO_REPORT_SECS }))).await;
    let first = (rig.clock.now() + LEAD).trunc_subsecs(0);
    // Where nobody ever enters there is no run, and nothing is final before `report_give_up`.
    let played = all().into_iter().filter(Script::has_a_run);
    let booked: Vec<Booked> = futures::stream::iter(played.map(|script| prepare(&rig, script, first)))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    rig.hurry(SPEED);
    for one in &booked {
        let class = format!("/classes/{}", one.class);
        rig.until_zoom(&class, "played", |class| (class["state"] == "played").then_some(())).await;
    }
    rig.until_zoom("/deliveries?state=waiting", "delivered", |waiting| {
        let waiting = waiting["deliveries"].as_array().unwrap();
        waiting.iter().all(|delivery| is_of_the_making(&delivery["event"])).then_some(())
    })
    .await;
    let told: Vec<&Booked> = booked.iter().filter(|one| one.script.untold.is_none()).collect();
    for one in &told {
        attendance(&rig, one, "is marked live", true).await;
    }
    // A mark that was right for a moment would be found out here.
    for one in &told {
        attendance(&rig, one, "stays marked live", true).await;
    }
    rig.control(Method::PUT, "/settings", Some(json!({ "report_delay_secs": 0 }))).await;
    for one in &booked {
        rig.post(&format!("/api/appointments/{}/resync", one.appointment), json!({})).await;
    }
    for one in &booked {
        attendance(&rig, one, "is marked at last", false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_classes_is_marked_live_and_at_last_on_sqlite() {
    the_table(TestDatabase::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_classes_is_marked_live_and_at_last_on_postgres() {
    if let Some(database) = TestDatabase::postgres() {
        the_table(database).await;
    }
}
