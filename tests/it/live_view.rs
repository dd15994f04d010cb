//! Who is in now: as JSON, and on the stream within a second of Zoom's event. The clock is the real one, the webhooks
//! are signed here, and every time that is compared stands in the data.

use chrono::{DateTime, Duration, Utc};
use convened::zoom::http::{Method, Response};
use convened::zoom::signature::WebhookKey;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::rig::Rig;

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
/// What is promised, from the event to the reader.
const PROMISED: Duration = Duration::seconds(1);
/// What a machine that builds and tests beside may take on top: the promise is of the daemon, not of the machine.
const SLACK: Duration = Duration::seconds(2);

/// A daemon with a meeting of Ada and Boole that begins now; gives its id and its Zoom number.
async fn lesson(database: TestDatabase) -> (Rig, String, String) {
    let rig = Rig::start(database, 1.0, "");
    let user = json!({ "email": "reyes@school.example", "first_name": "Ana", "type": 2 });
    rig.control(Method::POST, "/users", Some(user)).await;
    for (person, role) in [("reyes", "host"), ("ada", "attendee"), ("boole", "attendee")] {
        let email = format!("{person}@school.example");
        rig.put(&format!("/api/people/{person}"), json!({ "name": person, "email": email, "role": role }))
            .await;
    }
    let body = json!({ "kind": "consultation", "title": "Now", "host": "reyes", "attendees": ["ada", "boole"],
        "duration": 30, "start_time": rig.clock.now().to_rfc3339() });
    let booked = rig.post("/api/appointments", body).await;
    let id = booked["appointment"]["id"].as_str().unwrap().to_owned();
    let scheduled = |answer: &Value| answer["appointment"]["meeting"]["status"] == "scheduled";
    let answer = rig.until(&format!("/api/appointments/{id}"), "scheduled", scheduled).await;
    let meeting = &answer["appointment"]["meeting"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (meeting_id, number) = (text(&meeting["id"]), text(&meeting["zoom_meeting_id"]));
    (rig, meeting_id, number)
}

/// One webhook, as Zoom sends it at this moment.
async fn webhook(rig: &Rig, number: &str, event: &str, participant: Option<Value>) {
    let now = rig.clock.now();
    let mut object =
        json!({ "id": number, "uuid": "nowNOWnow==", "topic": "Now", "start_time": now.to_rfc3339() });
    if let Some(participant) = participant {
        object["participant"] = participant;
    }
    let body = json!({ "event": event, "event_ts": now.timestamp_millis(),
        "payload": { "account_id": "account", "object": object } });
    let (body, timestamp) = (body.to_string(), now.timestamp().to_string());
    let key = WebhookKey::new(&SecretString::from("webhook secret")).unwrap();
    let signature = key.sign(&timestamp, body.as_bytes());
    let request = rig
        .http
        .post(rig.url("/api/zoom/webhook"))
        .header("x-zm-request-timestamp", timestamp)
        .header("x-zm-signature", signature)
        .header("content-type", "application/json")
        .body(body);
    assert_eq!(request.send().await.unwrap().status().as_u16(), 200);
}

fn came(rig: &Rig, who: &str) -> Option<Value> {
    Some(json!({ "user_id": format!("16{who}"), "user_name": who, "participant_uuid": format!("P-{who}"),
        "email": format!("{who}@school.example"), "join_time": rig.clock.now().to_rfc3339() }))
}

fn left(rig: &Rig, who: &str) -> Option<Value> {
    let mut participant = came(rig, who).unwrap();
    participant["leave_time"] = json!(rig.clock.now().to_rfc3339());
    participant.as_object_mut().unwrap().remove("join_time");
    Some(participant)
}

struct Stream {
    response: Response,
    text: String,
}

impl Stream {
    async fn open(rig: &Rig, role: &str, subject: &str) -> Self {
        let request = rig.http.get(rig.url("/api/events")).bearer_auth(rig.token(role, subject));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        Self { response, text: String::new() }
    }

    /// The next moment that `good` likes, with the time at which it was read. Each is checked to have no id.
    async fn moment(&mut self, what: &str, good: impl Fn(&Value) -> bool) -> (Value, DateTime<Utc>) {
        loop {
            while let Some((piece, rest)) = self.text.split_once("\n\n") {
                let (piece, rest) = (piece.to_owned(), rest.to_owned());
                self.text = rest;
                if !piece.contains("event: attendance.live") {
                    continue;
                }
                assert!(!piece.contains("id: "), "it has no place in the stream: {piece}");
                let data = piece.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
                let data: Value = serde_json::from_str(data).unwrap();
                if good(&data["data"]) {
                    return (
                        data["data"].clone(),
                        convened::clock::Clock::now(&convened::clock::SystemClock),
                    );
                }
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await;
            let chunk = chunk.unwrap_or_else(|_| panic!("never: {what}")).unwrap().unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

async fn who_is_in(database: TestDatabase) {
    let (rig, meeting, number) = lesson(database).await;
    let mut staff = Stream::open(&rig, "service", "timetable").await;
    let mut ada = Stream::open(&rig, "attendee", "ada").await;
    webhook(&rig, &number, "meeting.started", None).await;
    webhook(&rig, &number, "meeting.participant_joined", came(&rig, "ada")).await;
    let (seen, read_at) = staff.moment("ada is in", |data| data["counts"]["present"] == 1).await;
    let (changed, told) = (time(&seen["last_change"]), time(&seen["as_of"]));
    assert!(told - changed <= PROMISED + SLACK, "told {} late", told - changed);
    assert!(read_at - changed <= PROMISED + SLACK, "read {} late", read_at - changed);
    assert_eq!((&seen["present"], &seen["missing"]), (&json!(["ada"]), &json!(["boole"])));
    assert_eq!(seen["meeting_id"], json!(meeting));
    let (own, _) = ada.moment("her own", |_| true).await;
    assert_eq!((&own["person"], &own["state"]), (&json!("ada"), &json!("in")));
    assert!(own.get("present").is_none(), "{own}");

    // Many at once are few moments; the last one has everybody.
    for who in ["boole", "reyes", "guest one", "guest two"] {
        webhook(&rig, &number, "meeting.participant_joined", came(&rig, who)).await;
    }
    let all = |data: &Value| data["counts"]["unmatched"] == 2 && data["counts"]["present"] == 2;
    let (seen, read_at) = staff.moment("everybody is in", all).await;
    assert!(read_at - time(&seen["last_change"]) <= PROMISED + SLACK);
    assert_eq!(seen["counts"]["hosts"], 1, "{seen}");

    let path = format!("/api/zoom/meetings/{meeting}/live");
    let now = rig.get(&path).await;
    assert_eq!((&now["running"], &now["counts"]["expected"]), (&json!(true), &json!(2)), "{now:#}");
    assert_eq!((&now["present"][0]["id"], &now["present"][0]["devices"]), (&json!("ada"), &json!(1)));
    assert_eq!(now["unmatched"].as_array().unwrap().len(), 2);
    let own = rig.http.get(rig.url(&path)).bearer_auth(rig.token("attendee", "boole"));
    let own: Value = own.send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&own["present"][0]["id"], &own["counts"]["expected"]),
        (&json!("boole"), &json!(1)),
        "{own:#}"
    );
    assert_eq!((&own["hosts"], &own["unmatched"]), (&json!([]), &json!([])));

    webhook(&rig, &number, "meeting.participant_left", left(&rig, "ada")).await;
    staff.moment("ada has left", |data| data["missing"] == json!(["ada"])).await;
    let (own, _) = ada.moment("that she left, and nothing of the others", |_| true).await;
    assert_eq!(own["state"], "left");
    let now = rig.get(&path).await;
    assert_eq!(now["missing"][0]["state"], "left");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_are_told_who_is_in_within_a_second_of_the_event_on_sqlite() {
    who_is_in(TestDatabase::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_are_told_who_is_in_within_a_second_of_the_event_on_postgres() {
    if let Some(database) = TestDatabase::postgres() {
        who_is_in(database).await;
    }
}
