//! Writers that meet at one row, in two daemons on one PostgreSQL: each is answered as if it had been alone.

use std::process::Child;
use std::time::Duration;

use convened::store::{appointment, seat};
use convened::zoom::http::{Method, RequestBuilder};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::rig::{Rig, free_port};

/// The rig's own daemon and another.
struct Two {
    rig: Rig,
    other: u16,
    child: Child,
}

impl Drop for Two {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Two {
    /// `None` without a PostgreSQL.
    async fn start() -> Option<Self> {
        let rig = Rig::start(TestDatabase::postgres()?, 1.0, "");
        let other = free_port();
        let child = rig.spawn(other);
        let two = Self { rig, other, child };
        two.rig.put("/api/people/reyes", two.person("reyes")).await;
        Some(two)
    }

    fn person(&self, name: &str) -> Value {
        json!({ "name": name, "email": "reyes@school.example", "role": "host" })
    }

    /// A request to one of the two.
    fn ask(&self, method: Method, number: usize, path: &str) -> RequestBuilder {
        let port = if number.is_multiple_of(2) { self.rig.port() } else { self.other };
        let request = self.rig.http.request(method, format!("http://127.0.0.1:{port}{path}"));
        request.bearer_auth(self.rig.token("service", "tests"))
    }
}

fn lesson(day: usize) -> Value {
    json!({ "kind": "consultation", "title": "Algebra", "host": "reyes", "duration": 45,
        "start_time": format!("2099-01-{day:02}T10:00:00Z") })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_at_two_daemons_books_once_though_the_host_is_taken_by_it() {
    let Some(two) = Two::start().await else { return };
    for day in 1..=8 {
        let requests = (0..8).map(|number| {
            let request = two.ask(Method::POST, number, "/api/appointments");
            request.header("idempotency-key", format!("day {day}")).json(&lesson(day)).send()
        });
        let mut firsts = 0;
        for answer in futures::future::join_all(requests).await {
            let answer = answer.unwrap();
            firsts += usize::from(!answer.headers().contains_key("idempotent-replayed"));
            let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
            assert_eq!(status, 201, "{text}");
        }
        assert_eq!(firsts, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_writers_with_one_etag_one_writes() {
    let Some(two) = Two::start().await else { return };
    for version in 1..=8 {
        let requests = (0..4).map(|number| {
            let request = two.ask(Method::PUT, number, "/api/people/reyes");
            let body = two.person(&format!("Dr. Reyes {version} {number}"));
            request.header("if-match", format!("\"{version}\"")).json(&body).send()
        });
        let answers = futures::future::join_all(requests).await;
        let mut statuses: Vec<u16> =
            answers.into_iter().map(|answer| answer.unwrap().status().as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_gets_through_though_the_booking_changed_while_it_waited() {
    let Some(two) = Two::start().await else { return };
    let booked = two.rig.post("/api/appointments", lesson(1)).await;
    let id = booked["appointment"]["id"].as_str().unwrap().to_owned();
    let mut conn = two.rig.database.conn();
    conn.batch_execute("BEGIN").unwrap();
    seat::lock(&mut conn).unwrap();
    appointment::raise_generation(&mut conn, &id, two.rig.clock.now().into()).unwrap();
    let cancel = two.ask(Method::POST, 0, &format!("/api/appointments/{id}/cancel"));
    let cancel = tokio::spawn(cancel.json(&json!({})).send());
    let mut watch = two.rig.database.conn();
    let waits = "SELECT 1 FROM pg_stat_activity \
                 WHERE wait_event_type = 'Lock' AND datname = current_database()";
    while diesel::sql_query(waits).execute(&mut watch).unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    conn.batch_execute("COMMIT").unwrap();
    let answer = cancel.await.unwrap().unwrap();
    assert_eq!(answer.status().as_u16(), 200, "{}", answer.text().await.unwrap());
}
