//! What others hear: signed messages that survive a `kill -9` and each other's slowness, and the stream.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use convened::hooks::signature::SigningKey;
use convened::store::outbox::{self, Event};
use convened::zoom::http::{Method, Response};
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::listener::{Listener, Message, NEVER};
use crate::support::rig::Rig;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SPEED: f64 = 20.0;
const PATIENCE: Duration = Duration::from_secs(60);

async fn with_host(rig: &Rig) {
    let user = json!({ "email": "reyes@school.example", "first_name": "Ana", "type": 2 });
    rig.control(Method::POST, "/users", Some(user)).await;
    let person = json!({ "name": "Ana Reyes", "email": "reyes@school.example", "role": "host" });
    rig.put("/api/people/reyes", person).await;
}

async fn book(rig: &Rig, title: &str) -> String {
    let start = rig.clock.now() + chrono::Duration::days(2);
    let body = json!({ "kind": "consultation", "title": title, "host": "reyes", "duration": 30,
        "start_time": start.to_rfc3339(), "on_conflict": "allow",
        "attendees": [{ "name": "Ada Lovelace", "email": "ada@school.example" }] });
    rig.post("/api/appointments", body).await["appointment"]["id"].as_str().unwrap().to_owned()
}

fn is_signed(message: &Message) -> bool {
    let key = STANDARD.decode(SECRET.trim_start_matches("whsec_")).unwrap();
    let timestamp = message.header("webhook-timestamp").parse().unwrap();
    let signature =
        SigningKey::new(&key).unwrap().sign(message.header("webhook-id"), timestamp, &message.body);
    signature == message.header("webhook-signature")
}

async fn a_booking_is_told(database: TestDatabase) {
    let listener = Listener::start(0, 204);
    let rig = Rig::start(database, SPEED, &Listener::config(listener.port(), SECRET, &[]));
    with_host(&rig).await;
    let id = book(&rig, "Algebra").await;
    let confirmed = listener.until("appointment.confirmed").await;
    let scheduled = listener.until("meeting.scheduled").await;
    rig.post(&format!("/api/appointments/{id}/cancel"), json!({ "reason": "ada@school.example is ill" }))
        .await;
    let cancelled = listener.until("appointment.cancelled").await;
    assert_eq!(scheduled.json()["data"]["title"], "Algebra");
    for message in [confirmed, scheduled, cancelled] {
        assert!(is_signed(&message), "{message:?}");
        assert_eq!(message.json()["data"]["appointment_id"], json!(id));
        let told = &message.body;
        assert!(!told.contains('@') && !told.contains("Lovelace") && !told.contains("http"), "{told}");
    }
    let mut ids: Vec<String> =
        listener.came().iter().map(|message| message.header("webhook-id").to_owned()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "each message came once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_to_a_booking_is_told_signed_and_without_personal_data_on_sqlite() {
    a_booking_is_told(TestDatabase::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_to_a_booking_is_told_signed_and_without_personal_data_on_postgres() {
    if let Some(database) = TestDatabase::postgres() {
        a_booking_is_told(database).await;
    }
}

async fn nothing_is_lost_by_a_kill(database: TestDatabase) {
    let port = Listener::free_port();
    let url = database.url();
    let mut rig = Rig::start(database, SPEED, &Listener::config(port, SECRET, &["appointment.confirmed"]));
    with_host(&rig).await;
    book(&rig, "before the kill").await;
    rig.kill();
    // Committed, and the process died before it could even look.
    let mut conn = convened::store::connection::Manager::new(url, convened::store::connection::Role::Writer)
        .open()
        .unwrap();
    let data = json!({ "title": "as the kill came" });
    outbox::tell(&mut conn, rig.clock.now().into(), Event::AppointmentConfirmed, data).unwrap();
    drop(conn);
    let listener = Listener::start(port, 200);
    rig.start_daemon();
    let began = Instant::now();
    loop {
        let titles: Vec<Value> =
            listener.came().iter().map(|message| message.json()["data"]["title"].clone()).collect();
        if titles.contains(&json!("before the kill")) && titles.contains(&json!("as the kill came")) {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{titles:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_the_commit_and_the_delivery_loses_nothing_on_sqlite() {
    nothing_is_lost_by_a_kill(TestDatabase::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_the_commit_and_the_delivery_loses_nothing_on_postgres() {
    if let Some(database) = TestDatabase::postgres() {
        nothing_is_lost_by_a_kill(database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_never_answers_and_one_that_fails_hold_up_nobody() {
    let (mute, failing, good) = (Listener::start(0, NEVER), Listener::start(0, 500), Listener::start(0, 200));
    let all: String = [&mute, &failing, &good]
        .iter()
        .map(|listener| Listener::config(listener.port(), SECRET, &["appointment.confirmed"]))
        .collect();
    let rig = Rig::start(TestDatabase::sqlite(), SPEED, &all);
    with_host(&rig).await;
    for n in 0..20 {
        book(&rig, &format!("lesson {n}")).await;
    }
    let began = Instant::now();
    while good.came().len() < 20 {
        assert!(began.elapsed() < Duration::from_secs(10), "{} of 20 came", good.came().len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!((1..=8).contains(&mute.came().len()), "{} at a time", mute.came().len());
    // The failing one is asked again: the same message under the same id.
    let first = failing.until("appointment.confirmed").await;
    let again =
        || failing.came().iter().filter(|m| m.header("webhook-id") == first.header("webhook-id")).count();
    while again() < 2 {
        assert!(began.elapsed() < PATIENCE, "it was never tried again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_gone_is_closed_visibly_until_an_operator_opens_it() {
    let listener = Listener::start(0, 410);
    let config = Listener::config(listener.port(), SECRET, &["appointment.confirmed"]);
    let rig = Rig::start(TestDatabase::sqlite(), SPEED, &config);
    with_host(&rig).await;
    book(&rig, "Algebra").await;
    let endpoints = until_admin(&rig, "/api/notifications/endpoints", |answer| {
        !answer["endpoints"][0]["disabled_at"].is_null()
    })
    .await;
    let endpoint = &endpoints["endpoints"][0];
    assert_eq!((&endpoint["dead"], &endpoint["pending"]), (&json!(1), &json!(0)), "{endpoint}");
    book(&rig, "while it is closed").await;
    let letters = admin(&rig, Method::GET, "/api/notifications/dead-letters").await;
    let letter = letters["dead_letters"][0].clone();
    assert_eq!(letter["payload"]["data"]["title"], "Algebra");
    listener.answer(200);
    let id = endpoint["id"].as_str().unwrap();
    admin(&rig, Method::POST, &format!("/api/notifications/endpoints/{id}/enable")).await;
    let letter = letter["id"].as_str().unwrap();
    admin(&rig, Method::POST, &format!("/api/notifications/dead-letters/{letter}/replay")).await;
    until_admin(&rig, "/api/notifications/endpoints", |answer| {
        answer["endpoints"][0]["dead"] == 0 && answer["endpoints"][0]["pending"] == 0
    })
    .await;
    let titles: Vec<Value> = listener.came().iter().map(|m| m.json()["data"]["title"].clone()).collect();
    assert_eq!(titles, [json!("Algebra"), json!("Algebra")], "refused once, delivered once");
    let (status, _) = rig.call(Method::GET, "/api/notifications/dead-letters", None).await;
    assert_eq!(status, 403, "only for admins");
}

async fn admin(rig: &Rig, method: Method, path: &str) -> Value {
    let token = rig.token("admin", "ops");
    let response = rig.http.request(method, rig.url(path)).bearer_auth(token).send().await.unwrap();
    assert!(response.status().is_success(), "{path}: {}", response.status());
    response.json().await.unwrap()
}

async fn until_admin(rig: &Rig, path: &str, good: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let answer = admin(rig, Method::GET, path).await;
        if good(&answer) {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "never; last answer of {path}: {answer:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// One who reads the stream.
struct Stream {
    response: Response,
    text: String,
}

/// An event as a browser would hand it on.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    id: i64,
    event: String,
    data: Value,
}

impl Stream {
    async fn open(rig: &Rig, role: &str, subject: &str, after: Option<i64>) -> Self {
        let mut request = rig.http.get(rig.url("/api/events")).bearer_auth(rig.token(role, subject));
        if let Some(after) = after {
            request = request.header("Last-Event-ID", after.to_string());
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next event.
    async fn next(&mut self) -> Seen {
        loop {
            if let Some((piece, rest)) = self.text.split_once("\n\n") {
                let (piece, rest) = (piece.to_owned(), rest.to_owned());
                self.text = rest;
                let field =
                    |name: &str| piece.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                if let Some(data) = field("data: ") {
                    let id = field("id: ").unwrap().parse().unwrap();
                    let data = serde_json::from_str(&data).unwrap();
                    return Seen { id, event: field("event: ").unwrap(), data };
                }
                continue;
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await.unwrap().unwrap();
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }

    async fn until(&mut self, event: &str, title: &str) -> Seen {
        loop {
            let seen = self.next().await;
            if seen.event == event && seen.data["data"]["title"] == title {
                return seen;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_goes_on_where_its_reader_left_it() {
    let mut rig = Rig::start(TestDatabase::sqlite(), SPEED, "");
    with_host(&rig).await;
    let mut live = Stream::open(&rig, "service", "timetable", None).await;
    book(&rig, "one").await;
    let one = live.until("appointment.confirmed", "one").await;
    assert_eq!(one.data["type"], "appointment.confirmed");
    drop(live);
    book(&rig, "two").await;
    rig.kill();
    rig.start_daemon();
    let mut resumed = Stream::open(&rig, "service", "timetable", Some(one.id)).await;
    let mut last = one.id;
    loop {
        let seen = resumed.next().await;
        assert_eq!(seen.id, last + 1, "nothing is left out and nothing comes twice");
        last = seen.id;
        if seen.event == "appointment.confirmed" && seen.data["data"]["title"] == "two" {
            break;
        }
    }
    // And live from there.
    book(&rig, "three").await;
    resumed.until("appointment.confirmed", "three").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_sees_only_what_they_are_part_of() {
    let rig = Rig::start(TestDatabase::sqlite(), SPEED, "");
    with_host(&rig).await;
    rig.put(
        "/api/people/bell",
        json!({ "name": "Bell", "email": "bell@school.example", "role": "attendee" }),
    )
    .await;
    let mut host = Stream::open(&rig, "host", "reyes", None).await;
    let mut stranger = Stream::open(&rig, "host", "stranger", None).await;
    let mut guest = Stream::open(&rig, "attendee", "bell", None).await;
    book(&rig, "without bell").await;
    let start = rig.clock.now() + chrono::Duration::days(3);
    let with_bell = json!({ "kind": "consultation", "title": "with bell", "host": "reyes", "duration": 30,
        "start_time": start.to_rfc3339(), "attendees": ["bell"] });
    rig.post("/api/appointments", with_bell).await;
    host.until("appointment.confirmed", "without bell").await;
    host.until("appointment.confirmed", "with bell").await;
    let first = guest.next().await;
    assert_eq!(first.data["data"]["title"], "with bell", "nothing of the other booking");
    // The last booking concerns the stranger alone, so it is the first that they see.
    rig.put("/api/people/stranger", json!({ "name": "S", "email": "s@school.example", "role": "host" }))
        .await;
    let user = json!({ "email": "s@school.example", "first_name": "S", "type": 2 });
    rig.control(Method::POST, "/users", Some(user)).await;
    let own = json!({ "kind": "consultation", "title": "own", "host": "stranger", "duration": 30,
        "start_time": start.to_rfc3339() });
    rig.post("/api/appointments", own).await;
    assert_eq!(stranger.next().await.data["data"]["title"], "own");
}
