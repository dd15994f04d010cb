//! Personal join links with the real binary and a sandboxed Zoom: everybody on the roster gets one, rosters are
//! followed, and nothing that gets lost on the way doubles or loses anybody.

mod links;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;
use convened::sandbox::ledger::{LedgerEntry, LedgerFilter};
use convened::sandbox::model::{RegistrantStatus, SandboxMeeting, SandboxRegistrant};
use convened::zoom::http::Method;
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::rig::{Answer, Rig};

const BATCH: &str = "POST /meetings/{meetingId}/batch_registrants";
const LIST: &str = "GET /meetings/{meetingId}/registrants";
const GROUP: &str = "/api/groups/algebra";

fn pupil(number: usize) -> String {
    format!("p{number:02}")
}

fn email(number: usize) -> String {
    format!("p{number:02}@home.example")
}

/// A booked class and its meeting.
struct Class {
    rig: Rig,
    appointment: String,
    meeting: String,
}

impl Class {
    /// A class of `pupils` under a licensed host, with `more` in its booking, on a rig of its own.
    async fn booked(database: TestDatabase, extra: &str, pupils: usize, more: Value) -> Self {
        let rig = Rig::start(database, 1.0, extra);
        Self::on(rig, 2, pupils, Duration::days(3), more).await
    }

    async fn on(rig: Rig, host_type: i64, pupils: usize, ahead: Duration, more: Value) -> Self {
        people(&rig, host_type, pupils).await;
        rig.put(GROUP, roster(0..pupils)).await;
        let (appointment, meeting) = book(&rig, ahead, more).await;
        Self { rig, appointment, meeting }
    }

    /// Zoom's meeting of it.
    fn at_zoom(&self) -> SandboxMeeting {
        let alive = |meeting: &SandboxMeeting| meeting.deleted_at.is_none();
        self.rig.sandbox.state().meetings().into_iter().find(alive).unwrap()
    }

    /// The addresses with this standing at Zoom.
    fn standing(&self, status: RegistrantStatus) -> BTreeSet<String> {
        let meeting = self.at_zoom();
        meeting.registrants.iter().filter(|one| one.status == status).map(|one| one.email.clone()).collect()
    }

    fn approved(&self) -> Vec<SandboxRegistrant> {
        let registrants = self.at_zoom().registrants;
        registrants.into_iter().filter(|one| one.status == RegistrantStatus::Approved).collect()
    }

    fn path(&self) -> String {
        format!("/api/zoom/meetings/{}/registrants", self.meeting)
    }

    /// Waits until these pupils, and no others of ours, are registered as far as the daemon knows.
    async fn until_registered(&self, numbers: impl IntoIterator<Item = usize>) -> Value {
        let wanted: BTreeSet<String> = numbers.into_iter().map(pupil).collect();
        let done = |answer: &Value| {
            let rows = answer["registrants"].as_array().cloned().unwrap_or_default();
            let is = |row: &&Value| row["status"] == "approved" && row["has_link"] == true;
            let people = rows.iter().filter(is).filter_map(|row| row["person"].as_str().map(str::to_owned));
            people.collect::<BTreeSet<_>>() == wanted
        };
        self.rig.until(&self.path(), "registered", done).await
    }

    fn calls(&self, endpoint: &str) -> Vec<LedgerEntry> {
        let filter = LedgerFilter { endpoint: Some(endpoint.to_owned()), ..LedgerFilter::default() };
        self.rig.sandbox.state().ledger(&filter)
    }

    async fn fault(&self, fault: Value) {
        self.rig.control(Method::POST, "/faults", Some(fault)).await;
    }

    /// One call to the daemon by a pupil.
    async fn by(&self, number: usize, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.by_role("attendee", &pupil(number), method, path, body).await
    }

    async fn by_role(
        &self,
        role: &str,
        subject: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let token = self.rig.token(role, subject);
        let mut request = self.rig.http.request(method, self.rig.url(path)).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default())
    }

    async fn join_of(&self, number: usize) -> Value {
        let path = format!("/api/zoom/meetings/{}/join", self.meeting);
        let (status, answer) = self.by(number, Method::GET, &path, None).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// One call to Zoom that is not the daemon's.
    async fn at_zoom_by_hand(&self, method: Method, path: &str, body: Value) -> Value {
        let url = self.rig.sandbox.url();
        let form = [("grant_type", "account_credentials"), ("account_id", "account")];
        let token = self.rig.http.post(format!("{url}/oauth/token"));
        let token = token.basic_auth("client", Some("client secret")).form(&form).send().await.unwrap();
        let token: Value = serde_json::from_str(&token.text().await.unwrap()).unwrap();
        let request = self.rig.http.request(method, format!("{url}/v2{path}"));
        let request = request.bearer_auth(token["access_token"].as_str().unwrap()).json(&body);
        let response = request.send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn story(&self) -> Vec<Value> {
        let story = self.rig.get(&format!("/api/appointments/{}/story", self.appointment)).await;
        story["story"].as_array().cloned().unwrap()
    }
}

async fn people(rig: &Rig, host_type: i64, pupils: usize) {
    let user = json!({ "email": "reyes@school.example", "first_name": "Ana", "type": host_type });
    rig.control(Method::POST, "/users", Some(user)).await;
    let host = json!({ "name": "Ana Reyes", "email": "reyes@school.example", "role": "host" });
    rig.put("/api/people/reyes", host).await;
    for number in 0..pupils {
        let person =
            json!({ "name": format!("Pupil {number:02}"), "email": email(number), "role": "attendee" });
        rig.put(&format!("/api/people/{}", pupil(number)), person).await;
    }
}

fn roster(numbers: impl IntoIterator<Item = usize>) -> Value {
    let pupils = numbers.into_iter().map(|number| json!({ "person": pupil(number), "role": "attendee" }));
    let members: Vec<Value> =
        [json!({ "person": "reyes", "role": "host" })].into_iter().chain(pupils).collect();
    json!({ "kind": "class", "name": "Algebra", "members": members })
}

async fn book(rig: &Rig, ahead: Duration, more: Value) -> (String, String) {
    let mut body = json!({ "kind": "class", "title": "Algebra", "group": "algebra", "duration": 30,
        "start_time": (rig.clock.now() + ahead).to_rfc3339() });
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    let booked = rig.post("/api/appointments", body).await["appointment"].clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&booked["id"]), text(&booked["meeting"]["id"]))
}

/// A class of thirty-five: two batches, and a link for each.
async fn a_large_class(database: TestDatabase) {
    let class = Class::booked(database, "", 35, json!({})).await;
    let listed = class.until_registered(0..35).await;
    let sizes: Vec<usize> = class
        .calls(BATCH)
        .iter()
        .map(|call| call.body.as_ref().unwrap()["registrants"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [30, 5]);
    assert_eq!(class.standing(RegistrantStatus::Approved).len(), 35);
    assert!(class.calls(LIST).is_empty(), "what Zoom's webhooks tell of our own requests is no news");
    assert!(!listed.to_string().contains("/w/"), "links are shown to nobody but their owners");
    let by_email: BTreeMap<String, String> =
        class.approved().into_iter().map(|one| (one.email, one.join_url)).collect();
    for number in [0, 17, 34] {
        let join = class.join_of(number).await;
        assert_eq!(join["joinUrl"].as_str(), by_email.get(&email(number)).map(String::as_str));
        assert_eq!((&join["isRegistered"], &join["isHost"]), (&json!(true), &json!(false)));
    }
    let story = class.story().await;
    let told: Vec<&Value> = story.iter().filter(|line| line["kind"] == "registration.registered").collect();
    assert_eq!(told.len(), 2);
    assert!(told[0]["text"].as_str().unwrap().starts_with("30 people were registered"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_class_is_registered_in_batches_on_sqlite() {
    a_large_class(TestDatabase::sqlite().migrated()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_class_is_registered_in_batches_on_postgres() {
    if let Some(database) = TestDatabase::postgres() {
        a_large_class(database.migrated()).await;
    }
}

/// The roster of a group changes, and somebody gets another address.
async fn a_roster_that_changes(database: TestDatabase) {
    let class = Class::booked(database, "", 5, json!({})).await;
    class.rig.put(GROUP, roster([0, 1, 2])).await;
    class.until_registered(0..3).await;
    class.rig.put(GROUP, roster([0, 2, 3, 4])).await;
    class.until_registered([0, 2, 3, 4]).await;
    let moved = json!({ "name": "Pupil 03", "email": "new@home.example", "role": "attendee" });
    class.rig.put("/api/people/p03", moved).await;
    let done = |_: &Value| {
        let approved = class.standing(RegistrantStatus::Approved);
        approved == BTreeSet::from([email(0), email(2), email(4), "new@home.example".to_owned()])
    };
    class.rig.until(&class.path(), "the new address is registered and the old one is not", done).await;
    class.rig.post("/api/people/p00/deactivate", json!({})).await;
    class.until_registered([2, 3, 4]).await;
    class.rig.post(&format!("/api/appointments/{}/cancel", class.appointment), json!({})).await;
    let closed = |answer: &Value| {
        let rows = answer["registrants"].as_array().cloned().unwrap_or_default();
        answer["registration"]["enabled"] == false && rows.iter().all(|row| row["has_link"] == false)
    };
    class.rig.until(&class.path(), "closed", closed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registrations_follow_the_roster_on_sqlite() {
    a_roster_that_changes(TestDatabase::sqlite().migrated()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registrations_follow_the_roster_on_postgres() {
    if let Some(database) = TestDatabase::postgres() {
        a_roster_that_changes(database.migrated()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_basic_host_holds_meetings_without_registration_and_without_any_error() {
    let rig = Rig::start(TestDatabase::sqlite().migrated(), 1.0, "");
    let class = Class::on(rig, 1, 3, Duration::days(3), json!({})).await;
    let path = format!("/api/appointments/{}", class.appointment);
    let agreed = |answer: &Value| answer["appointment"]["meeting"]["sync"]["state"] == "in_sync";
    class.rig.until(&path, "in sync", agreed).await;
    assert_eq!(class.rig.get(&class.path()).await["registration"]["enabled"], false);
    assert!(class.calls(BATCH).is_empty());
    let join = class.join_of(0).await;
    assert_eq!(join["isRegistered"], false);
    assert!(join["joinUrl"].as_str().unwrap().contains("/j/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_are_never_registered_and_two_people_of_one_address_share_a_link() {
    let rig = Rig::start(TestDatabase::sqlite().migrated(), 1.0, "");
    people(&rig, 2, 4).await;
    for (ref_, address) in [("reyes-private", "Reyes@school.example"), ("twin", "P02@home.example")] {
        let person = json!({ "name": ref_, "email": address, "role": "attendee" });
        rig.put(&format!("/api/people/{ref_}"), person).await;
    }
    rig.put("/api/people/nobody", json!({ "name": "No Address", "role": "attendee" })).await;
    rig.put(GROUP, roster(0..4)).await;
    let more = json!({ "attendees": ["reyes-private", "twin", "nobody"],
        "settings": { "alternative_hosts": "p01@home.example" } });
    let (appointment, meeting) = book(&rig, Duration::days(3), more).await;
    let class = Class { rig, appointment, meeting };
    let has_all = |answer: &Value| {
        let rows = answer["registrants"].as_array().cloned().unwrap_or_default();
        rows.iter().filter(|row| row["status"] == "approved").count() == 4
    };
    let listed = class.rig.until(&class.path(), "registered", has_all).await;
    let expected = BTreeSet::from([email(0), "P02@home.example".to_owned(), email(3)]);
    assert_eq!(class.standing(RegistrantStatus::Approved), expected);
    let refused = class.calls(BATCH).into_iter().filter(|call| call.code.is_some()).count();
    assert_eq!(refused, 0, "no 3027");
    let reasons: BTreeMap<&str, &str> = listed["not_registered"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["person"].as_str().unwrap(), one["reason"].as_str().unwrap()))
        .collect();
    let reasons: Vec<(&str, &str)> = reasons.into_iter().collect();
    assert_eq!(reasons, [("nobody", "no_email"), ("p01", "host"), ("reyes-private", "host")]);
    let path = format!("/api/zoom/meetings/{}/join", class.meeting);
    let (_, twin) = class.by_role("attendee", "twin", Method::GET, &path, None).await;
    assert_eq!(twin["joinUrl"], class.join_of(2).await["joinUrl"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_uses_their_link_is_recognised_by_it_whatever_they_call_themselves() {
    let rig = Rig::start(TestDatabase::sqlite().migrated(), 400.0, "[attendance]\nreport_delay = \"5m\"");
    let class = Class::on(rig, 2, 3, Duration::minutes(40), json!({})).await;
    class.until_registered(0..3).await;
    let (number, registrants) = (class.at_zoom().number, class.approved());
    let id = |number: usize| {
        registrants.iter().find(|one| one.email == email(number)).map(|one| one.id.clone()).unwrap()
    };
    let host = json!({ "name": "Ana Reyes", "email": "reyes@school.example", "role": "host",
        "devices": [["-1m join"]] });
    let timetable = json!({ "meeting": number.to_string(), "seed": 4, "host_ends": ["30m"], "persons": [
        host,
        { "name": "iPhone", "registrant_id": id(0), "devices": [["0s join"]] },
        { "name": "iPhone", "registrant_id": id(1), "devices": [["0s join", "5m leave"]] },
        { "name": "Pupil 01", "registrant_id": id(2), "devices": [["12m join"]] },
    ] });
    class.rig.control(Method::POST, "/classes", Some(timetable)).await;
    let path = format!("/api/zoom/meetings/{}/attendance", class.meeting);
    let is_final = |answer: &Value| {
        let records = answer["records"].as_array().cloned().unwrap_or_default();
        !records.is_empty() && records.iter().all(|record| record["provisional"] == false)
    };
    let answer = class.rig.until(&path, "final", is_final).await;
    let status = |number: usize| {
        let records = answer["records"].as_array().unwrap();
        let found = records.iter().find(|record| record["student_id"] == pupil(number)).unwrap();
        found["status"].as_str().unwrap().to_owned()
    };
    assert_eq!([status(0), status(1), status(2)], ["present", "partial", "late"]);
    let participants = class.rig.get(&format!("/api/zoom/meetings/{}/participants", class.meeting)).await;
    for stay in participants["participants"].as_array().unwrap() {
        if stay["name"] != "Ana Reyes" {
            assert_eq!(stay["matched_by"], "registrant_id", "{stay}");
        }
    }
}
