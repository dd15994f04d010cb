//! The last seat, asked for by a hundred at once, and what becomes of those who did not get it: the real binary on
//! both databases.

use std::collections::BTreeSet;

use convened::zoom::http::Method;
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::rig::{Answer, Rig};

const POOL: [&str; 2] = ["p1@school.example", "p2@school.example"];

/// A school with two licensed shared hosts, a Basic teacher and a licensed one, on either database.
async fn schools(extra: &str) -> Vec<Rig> {
    let databases = std::iter::once(TestDatabase::sqlite()).chain(TestDatabase::postgres());
    let mut schools = Vec::new();
    for database in databases {
        let rig = Rig::start(database, 1.0, extra);
        // 1 is Basic, 2 is Licensed.
        for (name, kind) in [("p1", 2), ("p2", 2), ("reyes", 1), ("gauss", 2)] {
            let user = json!({ "email": format!("{name}@school.example"), "first_name": name, "type": kind });
            rig.control(Method::POST, "/users", Some(user)).await;
        }
        for name in ["reyes", "gauss"] {
            let email = format!("{name}@school.example");
            let teacher = json!({ "name": name, "email": email, "role": "host" });
            rig.put(&format!("/api/people/{name}"), teacher).await;
        }
        schools.push(rig);
    }
    schools
}

fn booking(day: u32, change: &Value) -> Value {
    let mut body = json!({
        "kind": "consultation", "title": "Algebra", "start_time": format!("2099-01-{day:02}T10:00:00Z"),
        "duration": 45,
    });
    for (field, value) in change.as_object().unwrap() {
        body[field] = value.clone();
    }
    body
}

/// A hundred callers ask for the same at once.
async fn hundred(rig: &Rig, body: &Value) -> Vec<Answer> {
    let calls = (0..100).map(|_| rig.call(Method::POST, "/api/appointments", Some(body.clone())));
    futures::future::join_all(calls).await
}

/// Once Zoom has made a meeting under a host, it has said what they may run.
async fn zoom_was_asked(rig: &Rig, change: Value) {
    let made = rig.post("/api/appointments", booking(1, &change)).await;
    let path = format!("/api/appointments/{}", made["appointment"]["id"].as_str().unwrap());
    rig.until(&path, "at Zoom", |answer| answer["appointment"]["meeting"]["status"] == "scheduled").await;
}

fn state(appointment: &Value) -> &str {
    appointment["meeting"]["sync"]["state"].as_str().unwrap()
}

async fn story(rig: &Rig, id: &str) -> Vec<String> {
    let story = rig.get(&format!("/api/appointments/{id}/story")).await;
    let lines = story["story"].as_array().unwrap();
    lines.iter().map(|line| line["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_who_ask_for_a_host_at_once_as_many_get_them_as_zoom_allows() {
    for rig in schools("").await {
        for (host, day, capacity) in [("reyes", 10, 1), ("gauss", 11, 2)] {
            zoom_was_asked(&rig, json!({ "host": host })).await;
            let answers = hundred(&rig, &booking(day, &json!({ "host": host }))).await;
            let given: BTreeSet<&str> = answers
                .iter()
                .filter(|(status, _)| *status == 201)
                .map(|(_, body)| body["appointment"]["id"].as_str().unwrap())
                .collect();
            assert_eq!(given.len(), capacity);
            let refused: Vec<&Value> =
                answers.iter().filter(|(status, _)| *status == 409).map(|(_, body)| &body["error"]).collect();
            assert_eq!(refused.len(), 100 - capacity);
            for error in refused {
                assert_eq!(error["code"], "HOST_CONFLICT");
                let conflicts = error["details"]["conflicts"].as_array().unwrap();
                let named: BTreeSet<&str> =
                    conflicts.iter().map(|one| one["appointment_id"].as_str().unwrap()).collect();
                assert_eq!(named, given, "who is in the way is named");
                let next = error["details"]["next_free"].as_array().unwrap();
                assert_eq!(next.len(), 3);
                assert_eq!(next[0], format!("2099-01-{day:02}T10:50:00Z"));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_no_shared_host_waits_in_line_and_gets_one_when_it_frees() {
    for rig in schools(&format!("host_pool = {POOL:?}")).await {
        // Two at one time: one for each of the shared hosts.
        zoom_was_asked(&rig, json!({})).await;
        zoom_was_asked(&rig, json!({})).await;
        let answers = hundred(&rig, &booking(10, &json!({}))).await;
        assert!(answers.iter().all(|(status, _)| *status == 201), "{answers:?}");
        let ids = |waits: bool| -> Vec<String> {
            let bookings = answers.iter().map(|(_, body)| &body["appointment"]);
            let chosen = bookings.filter(|one| (state(one) == "waiting_for_host") == waits);
            chosen.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
        };
        let (seated, waiting) = (ids(false), ids(true));
        assert_eq!((seated.len(), waiting.len()), (4, 96), "two for each host");
        let waits = "/api/appointments?sync=waiting_for_host&limit=200";
        let count = |list: &Value| list["appointments"].as_array().map_or(0, Vec::len);
        rig.post(&format!("/api/appointments/{}/cancel", seated[0]), json!({})).await;
        let list = rig.until(waits, "95 in line", |list| count(list) == 95).await;
        let left: BTreeSet<&str> =
            list["appointments"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
        let won = waiting.iter().find(|id| !left.contains(id.as_str())).unwrap();
        let path = format!("/api/appointments/{won}");
        rig.until(&path, "at Zoom", |one| state(&one["appointment"]) == "in_sync").await;
        let story = story(&rig, won).await;
        assert_eq!(story[..3], ["booking.created", "seat.waiting", "seat.given"]);
        let times = rig.get("/api/hosts/availability?from=2099-01-10&to=2099-01-10&duration=45").await;
        assert_eq!(times["waiting"], 95);
        let shared: Vec<&Value> =
            times["hosts"].as_array().unwrap().iter().filter(|host| host["shared"] == true).collect();
        assert_eq!(shared.len(), 2);
        for host in shared {
            assert_eq!((&host["capacity"], &host["bookings"]), (&json!(2), &json!(2)));
            assert_eq!(host["free"][0]["to"], "2099-01-10T09:10:00Z");
            assert_eq!(host["free"][1]["from"], "2099-01-10T10:50:00Z");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_see_when_they_are_free_and_attendees_nothing() {
    for rig in schools(&format!("host_pool = {POOL:?}")).await {
        rig.post("/api/appointments", booking(10, &json!({ "host": "reyes" }))).await;
        let day = "/api/hosts/availability?from=2099-01-10T09:00:00Z&to=2099-01-10T12:00:00Z&duration=30";
        let all = rig.get(day).await;
        let hosts: Vec<&Value> = all["hosts"].as_array().unwrap().iter().map(|one| &one["host"]).collect();
        assert_eq!(hosts, [&Value::Null, &Value::Null, &json!("gauss"), &json!("reyes")]);
        let first = rig.get(&format!("{day}&limit=3")).await;
        let rest = rig.get(&format!("{day}&limit=3&cursor={}", first["next_cursor"].as_str().unwrap())).await;
        assert_eq!(rest["hosts"][0]["host"], "reyes");
        assert_eq!(rest["next_cursor"], Value::Null);
        let ask = async |role: &str, person: &str, path: &str| {
            let request = rig.http.get(rig.url(path)).bearer_auth(rig.token(role, person));
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        };
        let (status, own) = ask("teacher", "reyes", day).await;
        assert_eq!(status, 200);
        assert_eq!(own["hosts"].as_array().unwrap().len(), 1);
        let starts = ["2099-01-10T09:00:00Z", "2099-01-10T10:50:00Z", "2099-01-10T11:25:00Z"];
        assert_eq!(own["hosts"][0]["free_starts"], json!(starts));
        let free = json!([
            { "from": "2099-01-10T09:00:00Z", "to": "2099-01-10T09:25:00Z" },
            { "from": "2099-01-10T10:50:00Z", "to": "2099-01-10T11:30:00Z" },
        ]);
        assert_eq!(own["hosts"][0]["free"], free);
        assert_eq!(ask("teacher", "reyes", &format!("{day}&host=gauss")).await.0, 403);
        assert_eq!(ask("student", "ada", day).await.0, 403);
        let long = "/api/hosts/availability?from=2099-01-01&to=2099-03-01&duration=0";
        let (status, error) = ask("admin", "ops", long).await;
        let faults = error["error"]["details"]["fields"].as_array().unwrap();
        let fields: Vec<&str> = faults.iter().map(|fault| fault["field"].as_str().unwrap()).collect();
        assert_eq!((status, fields), (400, vec!["duration", "to"]));
    }
}
