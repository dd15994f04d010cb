//! Bookings over HTTP, on both databases: repeated, conflicting, listed, batched, edited, cancelled, seen.

use std::collections::BTreeSet;

use convened::zoom::http::Method;
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::rig::Rig;

/// A school on either database: a host, a class of two, a stranger, and one shared host.
async fn schools() -> Vec<Rig> {
    let databases = std::iter::once(TestDatabase::sqlite()).chain(TestDatabase::postgres());
    let mut schools = Vec::new();
    for database in databases {
        let rig = Rig::start(database, 1.0, "host_pool = [\"Pool@school.example\"]");
        for (person, role) in [
            ("reyes", "host"),
            ("gauss", "host"),
            ("ada", "attendee"),
            ("boole", "attendee"),
            ("frege", "attendee"),
        ] {
            let email = format!("{person}@school.example");
            rig.put(
                &format!("/api/people/{person}"),
                json!({ "name": person, "email": email, "role": role }),
            )
            .await;
        }
        let members = json!([
            { "person": "reyes", "role": "host" },
            { "person": "ada", "role": "attendee" },
            { "person": "boole", "role": "attendee" },
        ]);
        rig.put("/api/groups/9b", json!({ "kind": "class", "name": "9b", "members": members })).await;
        schools.push(rig);
    }
    schools
}

fn of_class(day: u32, change: &Value) -> Value {
    let mut body = json!({
        "kind": "class", "title": "Algebra", "start_time": format!("2099-01-{day:02}T10:00:00Z"), "duration": 45,
        "group": "9b",
    });
    for (field, value) in change.as_object().unwrap() {
        body[field] = value.clone();
    }
    body
}

async fn book(rig: &Rig, day: u32, change: Value) -> Value {
    rig.post("/api/appointments", of_class(day, &change)).await["appointment"].clone()
}

fn ids(list: &Value) -> Vec<String> {
    let list = list["appointments"].as_array().unwrap();
    list.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

fn refs(booking: &Value) -> Vec<&str> {
    booking["attendees"].as_array().unwrap().iter().map(|one| one["ref"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_at_the_same_time_books_once() {
    for rig in schools().await {
        let body = of_class(15, &json!({}));
        let requests = (0..20).map(|_| {
            let request = rig.http.post(rig.url("/api/appointments")).bearer_auth(rig.token("service", "a"));
            request.header("idempotency-key", "once").json(&body).send()
        });
        let mut firsts = 0;
        let mut answers = BTreeSet::new();
        for answer in futures::future::join_all(requests).await {
            let answer = answer.unwrap();
            assert_eq!(answer.status().as_u16(), 201);
            firsts += usize::from(!answer.headers().contains_key("idempotent-replayed"));
            answers.insert(answer.text().await.unwrap());
        }
        assert_eq!((firsts, answers.len()), (1, 1));
        assert_eq!(ids(&rig.get("/api/appointments").await).len(), 1);
        let other = rig.http.post(rig.url("/api/appointments")).bearer_auth(rig.token("service", "b"));
        let other = other.header("idempotency-key", "once").json(&of_class(16, &json!({})));
        assert_eq!(other.send().await.unwrap().status().as_u16(), 201, "each caller has keys of their own");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_booking_of_a_batch_fails_alone() {
    for rig in schools().await {
        let good = of_class(15, &json!({ "ref": "b-1" }));
        let items = json!([good, { "title": "" }, of_class(15, &json!({})), 7, of_class(16, &json!({}))]);
        let answer = rig.post("/api/appointments/batch", json!({ "appointments": items })).await;
        let results = answer["results"].as_array().unwrap();
        let statuses: Vec<i64> = results.iter().map(|one| one["status"].as_i64().unwrap()).collect();
        assert_eq!(statuses, [201, 400, 409, 400, 201]);
        assert_eq!(results[0]["appointment"]["ref"], "b-1");
        assert_eq!(results[2]["error"]["code"], "HOST_CONFLICT");
        let lines = format!("{}\n\nnot json\n{}\n", of_class(17, &json!({})), of_class(18, &json!({})));
        let request =
            rig.http.post(rig.url("/api/appointments/batch")).bearer_auth(rig.token("service", "a"));
        let answer = request.header("content-type", "application/x-ndjson").body(lines).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let statuses: Vec<i64> =
            answer["results"].as_array().unwrap().iter().map(|one| one["status"].as_i64().unwrap()).collect();
        assert_eq!(statuses, [201, 400, 201]);
        assert_eq!(ids(&rig.get("/api/appointments").await).len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_shows_everything_once_while_bookings_come_and_go() {
    for rig in schools().await {
        for _ in 0..11 {
            book(&rig, 15, json!({ "host": "gauss", "group": null, "on_conflict": "allow" })).await;
        }
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = rig.get(&format!("/api/appointments?limit=4&cursor={cursor}")).await;
            seen.extend(ids(&page));
            book(&rig, 14, json!({ "on_conflict": "allow" })).await;
            match page["next_cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        let once: BTreeSet<&String> = seen.iter().collect();
        assert_eq!((seen.len(), once.len()), (11, 11));
        let some = rig.get("/api/appointments?host=gauss&from=2099-01-15&to=2099-01-15&q=ALGE&limit=3").await;
        assert_eq!(ids(&some).len(), 3);
        assert!(ids(&rig.get("/api/appointments?q=100%25").await).is_empty());
        assert!(ids(&rig.get("/api/appointments?to=2099-01-13").await).is_empty());
        assert_eq!(ids(&rig.get("/api/appointments?attendee=ada&status=requested,confirmed").await).len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_host_is_refused_replaced_or_allowed_as_asked() {
    for rig in schools().await {
        book(&rig, 15, json!({})).await;
        let again = |how: &str| of_class(15, &json!({ "on_conflict": how }));
        let (status, _) = rig.call(Method::POST, "/api/appointments", Some(again("reject"))).await;
        assert_eq!(status, 409);
        let (status, _) = rig.call(Method::POST, "/api/appointments", Some(again("reassign"))).await;
        assert_eq!(status, 201, "the shared host is free");
        let (status, waits) = rig.call(Method::POST, "/api/appointments", Some(again("reassign"))).await;
        let state = &waits["appointment"]["meeting"]["sync"]["state"];
        assert_eq!((status, state), (201, &json!("waiting_for_host")), "the shared host is taken by now");
        let (status, _) = rig.call(Method::POST, "/api/appointments", Some(again("allow"))).await;
        assert_eq!(status, 201);
        let close = json!({ "start_time": "2099-01-15T10:47:00Z" });
        let (status, _) = rig.call(Method::POST, "/api/appointments", Some(of_class(15, &close))).await;
        assert_eq!(status, 409, "a host gets five minutes between two classes");
        let requested = book(&rig, 15, json!({ "status": "requested" })).await;
        assert!(requested["meeting"].is_null());
        let confirm = format!("/api/appointments/{}/confirm", requested["id"].as_str().unwrap());
        assert_eq!(rig.call(Method::POST, &confirm, None).await.0, 409);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn zoom_learns_only_of_what_concerns_it_and_a_cancel_can_be_repeated() {
    for rig in schools().await {
        let booking = book(&rig, 15, json!({ "ref": "alg" })).await;
        let path = "/api/appointments/alg";
        let patch = |body: Value| rig.call(Method::PATCH, path, Some(body));
        let ours = patch(json!({ "target_audience": "class", "attendees": ["frege"] })).await.1;
        assert_eq!(ours["appointment"]["generation"], booking["generation"]);
        assert_eq!(refs(&ours["appointment"]), ["frege", "ada", "boole"]);
        let same = patch(json!({ "title": "Algebra", "duration": 45 })).await.1;
        assert_eq!(same["appointment"]["version"], ours["appointment"]["version"], "nothing was changed");
        let moved = patch(json!({ "startTime": "2099-07-01T10:00:00", "timezone": "Europe/Berlin" })).await.1;
        assert_eq!(moved["appointment"]["start_time"], "2099-07-01T08:00:00Z");
        assert_eq!(moved["appointment"]["generation"], 2);
        assert_eq!(moved["appointment"]["end_time"], "2099-07-01T08:45:00Z");
        let twice = patch(json!({ "start_time": "2099-10-25T02:30:00" })).await.1;
        assert!(twice["notices"][0].as_str().unwrap().contains("twice"), "{twice:#}");
        let cancel = format!("{path}/cancel");
        let first = rig.post(&cancel, json!({ "reason": "snow" })).await;
        let again = rig.post(&cancel, json!({ "reason": "other" })).await;
        assert_eq!(first["appointment"]["version"], again["appointment"]["version"]);
        assert_eq!(again["appointment"]["cancel_reason"], "snow");
        assert_eq!(again["appointment"]["meeting"]["status"], "cancelled");
        let story = rig.get(&format!("{path}/story")).await;
        let kinds: Vec<&str> =
            story["story"].as_array().unwrap().iter().map(|line| line["kind"].as_str().unwrap()).collect();
        assert!(kinds.contains(&"booking.created") && kinds.contains(&"booking.cancelled"), "{kinds:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_leave_and_groups_that_end_take_their_bookings_along() {
    for rig in schools().await {
        let class = book(&rig, 15, json!({})).await;
        let other = book(&rig, 16, json!({ "host": "gauss" })).await;
        let of = |booking: &Value| format!("/api/appointments/{}", booking["id"].as_str().unwrap());
        let left = rig.post("/api/people/ada/deactivate", json!({})).await;
        assert_eq!(left["changed_rosters"].as_array().unwrap().len(), 2);
        assert_eq!(refs(&rig.get(&of(&class)).await["appointment"]), ["boole"]);
        rig.post("/api/people/ada/reactivate", json!({})).await;
        assert_eq!(refs(&rig.get(&of(&class)).await["appointment"]), ["ada", "boole"]);
        let left = rig.post("/api/people/reyes/deactivate", json!({})).await;
        assert_eq!(left["cancelled_appointments"], json!([class["id"]]));
        assert_eq!(rig.get(&of(&class)).await["appointment"]["status"], "cancelled");
        let members =
            json!([{ "person": "gauss", "role": "host" }, { "person": "frege", "role": "student" }]);
        let group = json!({ "kind": "class", "name": "9b", "members": members });
        assert_eq!(rig.put("/api/groups/9b", group).await["changed_rosters"], json!([other["id"]]));
        assert_eq!(refs(&rig.get(&of(&other)).await["appointment"]), ["frege"]);
        let ended = rig.post("/api/groups/9b/dissolve", json!({})).await;
        assert_eq!(ended["cancelled_appointments"], json!([other["id"]]));
        let (status, _) = rig.call(Method::POST, "/api/appointments", Some(of_class(17, &json!({})))).await;
        assert_eq!(status, 400, "a dissolved group cannot be booked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_and_changes_what_is_theirs() {
    for rig in schools().await {
        let class = book(&rig, 15, json!({})).await;
        let open =
            book(&rig, 16, json!({ "host": "gauss", "group": null, "target_audience": "students" })).await;
        let asked = json!({ "group": "9b", "initiator": "boole" });
        let request = rig.http.post(rig.url("/api/appointments/ad-hoc"));
        let request = request.bearer_auth(rig.token("attendee", "ada")).json(&asked).send().await.unwrap();
        assert_eq!(request.status().as_u16(), 400, "nobody asks in another's name");
        // role, person: read the class, cancel it; read the open one, cancel it; how many they see
        let table = [
            ("admin", "root", [200, 0, 200, 0], 2),
            ("attendee", "ada", [200, 403, 200, 403], 2),
            ("attendee", "frege", [404, 404, 200, 403], 1),
            ("teacher", "gauss", [404, 404, 200, 0], 1),
            ("teacher", "reyes", [200, 0, 404, 404], 1),
        ];
        for (role, person, expected, count) in table {
            let ask = |method: Method, path: String| {
                let request = rig.http.request(method, rig.url(&path)).bearer_auth(rig.token(role, person));
                async move { request.send().await.unwrap() }
            };
            for (booking, expected) in [(&class, &expected[..2]), (&open, &expected[2..])] {
                let path = format!("/api/appointments/{}", booking["id"].as_str().unwrap());
                let read = ask(Method::GET, path.clone()).await.status().as_u16();
                assert_eq!(read, expected[0], "{person} reads {path}");
                // Those who may cancel do so another time: 0 says so.
                if expected[1] != 0 {
                    let cancel = ask(Method::POST, format!("{path}/cancel")).await.status().as_u16();
                    assert_eq!(cancel, expected[1], "{person} cancels {path}");
                }
            }
            let list: Value = ask(Method::GET, "/api/appointments".to_owned()).await.json().await.unwrap();
            assert_eq!(ids(&list).len(), count, "{person} lists");
            for shown in list["appointments"].as_array().unwrap() {
                let of_class = shown["id"] == class["id"];
                let own: &[&str] = match person {
                    "root" | "reyes" if of_class => &["ada", "boole"],
                    "ada" if of_class => &["ada"],
                    _ => &[],
                };
                assert_eq!(refs(shown), own, "{person} sees the others");
                let path = format!("/api/appointments/{}", shown["id"].as_str().unwrap());
                let one: Value = ask(Method::GET, path).await.json().await.unwrap();
                assert_eq!(refs(&one["appointment"]), own, "{person} sees the others");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_host_is_taken_by_is_told_to_those_who_may_see_it() {
    for rig in schools().await {
        let members = json!([{ "person": "reyes", "role": "host" }, { "person": "gauss", "role": "host" },
            { "person": "ada", "role": "attendee" }]);
        rig.put("/api/groups/7a", json!({ "kind": "class", "name": "7a", "members": members })).await;
        let private = json!({ "host": "reyes", "group": null, "title": "Dismissal of Gauss" });
        let secret = book(&rig, 15, private).await;
        let wanted = of_class(15, &json!({ "group": "7a", "host": "reyes" }));
        let weekly = of_class(
            15,
            &json!({ "group": "7a", "host": "reyes",
            "recurrence": "FREQ=WEEKLY;COUNT=2" }),
        );
        let asked = |person: &str, path: &str, body: &Value| {
            let request = rig.http.post(rig.url(path)).bearer_auth(rig.token("host", person)).json(body);
            async move { request.send().await.unwrap().json::<Value>().await.unwrap() }
        };
        let seen = asked("reyes", "/api/appointments", &wanted).await;
        assert_eq!(seen["error"]["details"]["conflicts"][0]["title"], "Dismissal of Gauss");
        let batch = json!({ "appointments": [wanted] });
        let one = asked("gauss", "/api/appointments", &wanted).await;
        let series = asked("gauss", "/api/appointments", &weekly).await;
        let many = asked("gauss", "/api/appointments/batch", &batch).await;
        for answer in [&one, &series, &many["results"][0]] {
            assert_eq!(answer["error"]["code"], "HOST_CONFLICT", "{answer:#}");
            let text = answer.to_string();
            assert!(!text.contains("Dismissal"), "{text}");
            assert!(!text.contains(secret["id"].as_str().unwrap()), "{text}");
        }
        assert_eq!(one["error"]["message"], "reyes is taken 10:00-10:45 UTC");
        assert_eq!(one["error"]["details"]["conflicts"][0]["start_time"], "2099-01-15T10:00:00Z");
        assert_eq!(one["error"]["details"]["next_free"].as_array().unwrap().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_of_every_script_are_found_and_a_nul_is_a_fault_of_its_field() {
    for rig in schools().await {
        book(&rig, 15, json!({ "title": "\u{c4}RGER \u{dc}ber \u{3a9}" })).await;
        for text in ["%C3%A4rger", "%C3%84rger", "%C3%BCBER", "%CF%89"] {
            assert_eq!(ids(&rig.get(&format!("/api/appointments?q={text}")).await).len(), 1, "{text}");
        }
        let bad = of_class(16, &json!({ "group": null, "host": "gauss", "attendees": ["a\u{0}b"] }));
        let items = json!({ "appointments": [bad, of_class(16, &json!({}))] });
        let answer = rig.post("/api/appointments/batch", items).await;
        let statuses: Vec<i64> =
            answer["results"].as_array().unwrap().iter().map(|one| one["status"].as_i64().unwrap()).collect();
        assert_eq!(statuses, [400, 201]);
        assert_eq!(answer["results"][0]["error"]["details"]["fields"][0]["field"], "attendees[0]");
        // `YQA` is `a` and a NUL.
        assert_eq!(rig.call(Method::GET, "/api/people?cursor=YQA", None).await.0, 400);
        let path = "/api/attendance-rules/standard/recalculate";
        let (status, answer) = rig.call(Method::POST, path, Some(json!({ "meetings": ["\u{0}"] }))).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!("VALIDATION_FAILED")));
    }
}
