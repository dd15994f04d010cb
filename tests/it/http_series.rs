//! Recurring bookings over HTTP, on both databases: booked, refused, seen, changed, split, cancelled.

use convened::zoom::http::Method;
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::rig::Rig;

/// A school on either database: two hosts, a class, a stranger.
async fn schools() -> Vec<Rig> {
    let databases = std::iter::once(TestDatabase::sqlite()).chain(TestDatabase::postgres());
    let mut schools = Vec::new();
    for database in databases {
        let rig = Rig::start(database, 1.0, "");
        for (person, role) in
            [("reyes", "host"), ("gauss", "host"), ("ada", "attendee"), ("frege", "attendee")]
        {
            let email = format!("{person}@school.example");
            if role == "host" {
                let user = json!({ "email": email, "first_name": person, "type": 1 });
                rig.control(Method::POST, "/users", Some(user)).await;
            }
            let body = json!({ "name": person, "email": email, "role": role });
            rig.put(&format!("/api/people/{person}"), body).await;
        }
        let members = json!([{ "person": "reyes", "role": "host" }, { "person": "ada", "role": "attendee" }]);
        rig.put("/api/groups/9b", json!({ "kind": "class", "name": "9b", "members": members })).await;
        schools.push(rig);
    }
    schools
}

/// Mondays at ten in Berlin, across the end of March 2098 when the clocks change.
fn weekly(change: &Value) -> Value {
    let mut body = json!({
        "kind": "class", "title": "Algebra", "start_time": "2098-03-17T10:00:00", "timezone": "Europe/Berlin",
        "duration": 45, "group": "9b", "recurrence": "FREQ=WEEKLY;COUNT=4", "ref": "alg",
    });
    for (field, value) in change.as_object().unwrap() {
        body[field] = value.clone();
    }
    body
}

fn column(series: &Value, field: &str) -> Vec<String> {
    let list = series["appointments"].as_array().unwrap();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    list.iter().map(|one| text(&one[field])).collect()
}

async fn series_of(rig: &Rig, answer: &Value) -> Value {
    let id = answer["series"]["id"].as_str().unwrap();
    rig.get(&format!("/api/series/{id}")).await["series"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_occurrence_is_a_booking_with_a_meeting_of_its_own() {
    for rig in schools().await {
        let answer =
            rig.post("/api/appointments", weekly(&json!({ "exdates": ["2098-03-24", "2098-05-01"] }))).await;
        let series = &answer["series"];
        assert_eq!((&series["count"], &series["rule"]), (&json!(3), &json!("FREQ=WEEKLY;COUNT=4")));
        assert_eq!(
            column(series, "start_time"),
            ["2098-03-17T09:00:00Z", "2098-03-31T08:00:00Z", "2098-04-07T08:00:00Z"]
        );
        assert_eq!(column(series, "ref"), ["alg", "alg~2", "alg~3"]);
        assert_eq!(column(series, "number"), ["1", "3", "4"]);
        assert_eq!(answer["appointment"]["ref"], "alg");
        assert!(answer["notices"][0].as_str().unwrap().contains("nothing at 2098-05-01"), "{answer:#}");
        let id = series["id"].as_str().unwrap();
        let list = rig
            .until(&format!("/api/appointments?series={id}"), "made at Zoom", |list| {
                let list = list["appointments"].as_array().unwrap();
                list.len() == 3 && list.iter().all(|one| one["meeting"]["zoom_meeting_id"].is_string())
            })
            .await;
        let numbers: std::collections::BTreeSet<&str> = list["appointments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["meeting"]["zoom_meeting_id"].as_str().unwrap())
            .collect();
        assert_eq!(numbers.len(), 3, "each has a meeting of its own");
        assert_eq!(list["appointments"][1]["series"], json!({ "id": id, "number": 3 }));
        let (status, _) =
            rig.call(Method::POST, "/api/appointments", Some(weekly(&json!({ "host": "gauss" })))).await;
        assert_eq!(status, 409, "the ref is taken");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_makes_one_series() {
    for rig in schools().await {
        let send = || {
            let request = rig.http.post(rig.url("/api/appointments")).bearer_auth(rig.token("service", "a"));
            request.header("idempotency-key", "once").json(&weekly(&json!({}))).send()
        };
        let first = send().await.unwrap();
        let again = send().await.unwrap();
        assert!(again.headers().contains_key("idempotent-replayed"));
        assert_eq!((first.status().as_u16(), again.status().as_u16()), (201, 201));
        assert_eq!(first.text().await.unwrap(), again.text().await.unwrap());
        assert_eq!(rig.get("/api/appointments").await["appointments"].as_array().unwrap().len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_clashing_occurrences_are_told_and_nothing_is_booked() {
    for rig in schools().await {
        for day in ["03-24T10:30:00", "04-07T09:30:00"] {
            let single = json!({ "kind": "class", "title": "Geometry", "host": "reyes", "duration": 45,
                "start_time": format!("2098-{day}"), "timezone": "Europe/Berlin" });
            rig.post("/api/appointments", single).await;
        }
        let (status, answer) = rig.call(Method::POST, "/api/appointments", Some(weekly(&json!({})))).await;
        assert_eq!((status, &answer["error"]["code"]), (409, &json!("HOST_CONFLICT")), "{answer:#}");
        let taken = answer["error"]["details"]["occurrences"].as_array().unwrap();
        let starts: Vec<&str> = taken.iter().map(|one| one["start_time"].as_str().unwrap()).collect();
        assert_eq!(starts, ["2098-03-24T09:00:00Z", "2098-04-07T08:00:00Z"]);
        assert_eq!(taken[0]["conflicts"][0]["title"], "Geometry");
        assert_eq!(rig.get("/api/appointments").await["appointments"].as_array().unwrap().len(), 2);
        let (status, _) = rig
            .call(Method::POST, "/api/appointments", Some(weekly(&json!({ "on_conflict": "allow" }))))
            .await;
        assert_eq!(status, 201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_makes_no_series_is_refused_by_name() {
    for rig in schools().await {
        for (change, said) in [
            (json!({ "recurrence": "FREQ=WEEKLY" }), "no end"),
            (json!({ "recurrence": "FREQ=DAILY;COUNT=201" }), "more than 200"),
            (json!({ "recurrence": "every week" }), "RFC 5545"),
            (json!({ "recurrence": "FREQ=WEEKLY;BYDAY=TU;COUNT=2" }), "2098-03-18"),
            (json!({ "exdates": ["soon"] }), "must be a time"),
            (json!({ "exdates": ["2098-03-17", "2098-03-24", "2098-03-31", "2098-04-07"] }), "leave nothing"),
            (json!({ "recurrence": null, "exdates": ["2098-03-17"] }), "exceptions of a `recurrence`"),
            (json!({ "start_time": "2098-03-30T02:30:00" }), "does not exist"),
        ] {
            let (status, answer) = rig.call(Method::POST, "/api/appointments", Some(weekly(&change))).await;
            assert_eq!(status, 400, "{change}");
            assert!(answer.to_string().contains(said), "{change}: {answer}");
        }
        let meeting = json!({ "title": "x", "duration": 30, "recurrence": "FREQ=DAILY;COUNT=2" });
        assert_eq!(rig.call(Method::POST, "/api/zoom/meetings", Some(meeting)).await.0, 400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_occurrence_in_the_gap_takes_place_and_is_told() {
    for rig in schools().await {
        let night = json!({ "start_time": "2098-03-29T02:30:00", "recurrence": "FREQ=DAILY;COUNT=3" });
        let answer = rig.post("/api/appointments", weekly(&night)).await;
        assert_eq!(
            column(&answer["series"], "wall_time"),
            ["2098-03-29T02:30:00", "2098-03-30T03:30:00", "2098-03-31T02:30:00"]
        );
        assert_eq!(column(&answer["series"], "moved"), ["false", "false", "false"]);
        assert!(answer["notices"][0].as_str().unwrap().contains("jump over it"), "{answer:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_one_is_of_that_one_alone() {
    for rig in schools().await {
        let answer = rig.post("/api/appointments", weekly(&json!({}))).await;
        let moved = json!({ "start_time": "2098-03-25T15:00:00" });
        let (status, _) = rig.call(Method::PATCH, "/api/appointments/alg~2", Some(moved)).await;
        assert_eq!(status, 200);
        let series = series_of(&rig, &answer).await;
        assert_eq!(column(&series, "moved"), ["false", "true", "false", "false"]);
        rig.post("/api/appointments/alg~3/cancel", json!({})).await;
        let series = series_of(&rig, &answer).await;
        assert_eq!(column(&series, "status"), ["confirmed", "confirmed", "cancelled", "confirmed"]);
        assert_eq!(series["rule"], "FREQ=WEEKLY;COUNT=4");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_all_moves_each_by_the_same_wall_time_and_keeps_what_it_does_not_name() {
    for rig in schools().await {
        let answer = rig.post("/api/appointments", weekly(&json!({}))).await;
        let own = json!({ "title": "Guest lecture", "start_time": "2098-03-25T15:00:00" });
        rig.call(Method::PATCH, "/api/appointments/alg~2", Some(own)).await;
        let longer = json!({ "duration": 90 });
        let (_, all) = rig.call(Method::PATCH, "/api/appointments/alg?scope=all", Some(longer)).await;
        assert_eq!(column(&all["series"], "moved"), ["false", "true", "false", "false"], "{all:#}");
        let later = json!({ "start_time": "2098-03-18T11:30:00" });
        let (status, all) = rig.call(Method::PATCH, "/api/appointments/alg?scope=all", Some(later)).await;
        assert_eq!(status, 200, "{all:#}");
        assert_eq!(
            column(&all["series"], "wall_time"),
            ["2098-03-18T11:30:00", "2098-03-25T11:30:00", "2098-04-01T11:30:00", "2098-04-08T11:30:00"]
        );
        assert_eq!(all["series"]["shift_seconds"], 24 * 3600 + 5400);
        let list = rig.get("/api/appointments").await;
        let list = list["appointments"].as_array().unwrap();
        let titles: Vec<&str> = list.iter().map(|one| one["title"].as_str().unwrap()).collect();
        assert_eq!(titles, ["Algebra", "Guest lecture", "Algebra", "Algebra"]);
        assert!(
            list.iter().all(|one| one["duration"] == 90 && one["series"]["id"] == answer["series"]["id"])
        );
        // A day later each would stand where the next one stood: they do not get in each other's way.
        let week = json!({ "start_time": "2098-03-25T11:30:00" });
        let (status, all) = rig.call(Method::PATCH, "/api/appointments/alg?scope=all", Some(week)).await;
        assert_eq!(status, 200, "{all:#}");
        let (status, _) =
            rig.call(Method::PATCH, "/api/appointments/alg?scope=all", Some(json!({ "ref": "new" }))).await;
        assert_eq!(status, 400, "a ref names one booking");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn this_and_following_become_a_series_of_their_own() {
    for rig in schools().await {
        let first = rig.post("/api/appointments", weekly(&json!({}))).await;
        let later = json!({ "start_time": "2098-03-31T12:00:00", "title": "Algebra II" });
        let (status, tail) =
            rig.call(Method::PATCH, "/api/appointments/alg~3?scope=following", Some(later)).await;
        assert_eq!(status, 200, "{tail:#}");
        assert_eq!(tail["series"]["rule"], "FREQ=WEEKLY;COUNT=2");
        assert_eq!(tail["series"]["continues"], first["series"]["id"]);
        assert_eq!(column(&tail["series"], "wall_time"), ["2098-03-31T12:00:00", "2098-04-07T12:00:00"]);
        assert_eq!(column(&tail["series"], "moved"), ["false", "false"]);
        let head = series_of(&rig, &first).await;
        assert_eq!(head["rule"], "FREQ=WEEKLY;COUNT=2");
        assert_eq!(column(&head, "wall_time"), ["2098-03-17T10:00:00", "2098-03-24T10:00:00"]);
        // Nothing changed: nothing is split.
        let same = json!({ "title": "Algebra II" });
        let (_, again) = rig.call(Method::PATCH, "/api/appointments/alg~4?scope=following", Some(same)).await;
        assert_eq!(again["series"]["id"], tail["series"]["id"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn following_and_all_can_be_cancelled_again_and_again() {
    for rig in schools().await {
        let answer = rig.post("/api/appointments", weekly(&json!({}))).await;
        for _ in 0..2 {
            let ended =
                rig.post("/api/appointments/alg~3/cancel?scope=following", json!({ "reason": "exam" })).await;
            let statuses = column(&ended["series"], "status");
            assert_eq!(statuses, ["confirmed", "confirmed", "cancelled", "cancelled"]);
            assert_eq!(ended["series"]["rule"], "FREQ=WEEKLY;COUNT=2");
            assert_eq!(ended["appointment"]["cancel_reason"], "exam");
        }
        rig.post("/api/appointments/alg/cancel?scope=all", json!({})).await;
        let series = series_of(&rig, &answer).await;
        assert!(column(&series, "status").iter().all(|status| status == "cancelled"));
        let single = json!({ "kind": "class", "title": "x", "host": "gauss", "ref": "one", "duration": 30,
            "start_time": "2098-01-01T10:00:00Z" });
        rig.post("/api/appointments", single).await;
        let one = rig.post("/api/appointments/one/cancel?scope=all", json!({})).await;
        assert_eq!((&one["appointment"]["status"], &one["series"]), (&json!("cancelled"), &Value::Null));
        let (status, _) = rig.call(Method::POST, "/api/appointments/one/cancel?scope=some", None).await;
        assert_eq!(status, 400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_is_changed_by_whom_each_of_its_bookings_belongs_to() {
    for rig in schools().await {
        let answer = rig.post("/api/appointments", weekly(&json!({}))).await;
        let path = format!("/api/series/{}", answer["series"]["id"].as_str().unwrap());
        for (role, person, expected) in [
            ("attendee", "ada", 200),
            ("attendee", "frege", 404),
            ("teacher", "reyes", 200),
            ("teacher", "gauss", 404),
        ] {
            let read =
                rig.http.get(rig.url(&path)).bearer_auth(rig.token(role, person)).send().await.unwrap();
            assert_eq!(read.status().as_u16(), expected, "{person}");
        }
        // The third now belongs to somebody else.
        let other = json!({ "host": "gauss", "group": null });
        rig.call(Method::PATCH, "/api/appointments/alg~3", Some(other)).await;
        let change = |person: &str, scope: &str, tag: &str| {
            let url = rig.url(&format!("/api/appointments/alg?scope={scope}"));
            let request =
                rig.http.patch(url).bearer_auth(rig.token("teacher", person)).header("if-match", tag);
            request.json(&json!({ "description": person })).send()
        };
        assert_eq!(change("reyes", "all", "*").await.unwrap().status().as_u16(), 404);
        assert_eq!(change("reyes", "one", "*").await.unwrap().status().as_u16(), 200);
        assert_eq!(change("reyes", "one", "\"1\"").await.unwrap().status().as_u16(), 412);
        assert_eq!(change("reyes", "all", "\"1\"").await.unwrap().status().as_u16(), 412);
        let seen =
            rig.http.get(rig.url(&path)).bearer_auth(rig.token("teacher", "gauss")).send().await.unwrap();
        let seen: Value = seen.json().await.unwrap();
        assert_eq!(seen["series"]["count"], 1, "the one that is theirs");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_takes_series_up_to_its_own_limit() {
    for rig in schools().await {
        let day = |index: usize| {
            json!({ "kind": "class", "title": "x", "host": "gauss", "duration": 5, "on_conflict": "allow",
                "start_time": format!("2090-01-01T{index:02}:00:00Z"), "recurrence": "FREQ=DAILY;COUNT=199" })
        };
        let mut items: Vec<Value> = (0..5).map(day).collect();
        items.push(weekly(&json!({})));
        items.push(weekly(&json!({ "recurrence": "FREQ=WEEKLY;COUNT=5" })));
        let answer = rig.post("/api/appointments/batch", json!({ "appointments": items })).await;
        let results = answer["results"].as_array().unwrap();
        let statuses: Vec<i64> = results.iter().map(|one| one["status"].as_i64().unwrap()).collect();
        assert_eq!(statuses, [201, 201, 201, 201, 201, 201, 400]);
        assert_eq!(results[0]["series"]["count"], 199);
    }
}
