//! The events that changes of the account cause, in the shapes of Zoom's webhooks.
//!
//! What happens inside a running meeting is announced by the player; the delivery engine signs and sends both.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::model::{SandboxMeeting, SandboxRegistrant, SandboxUser};
use crate::clock::Instant;

/// Events waiting for delivery; more are dropped and counted.
const WAITING_MAX: usize = 100_000;

/// Where events go; bounded.
#[derive(Debug)]
pub struct EventSink {
    sender: mpsc::Sender<Value>,
    receiver: Mutex<Option<mpsc::Receiver<Value>>>,
    dropped: AtomicU64,
}

impl Default for EventSink {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        Self { sender, receiver: Mutex::new(Some(receiver)), dropped: AtomicU64::new(0) }
    }
}

impl EventSink {
    /// Hands one complete event (`event`, `event_ts`, `payload`) to delivery.
    pub fn emit(&self, event: Value) {
        if self.sender.try_send(event).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The reading end; it can be taken once.
    pub fn take(&self) -> Option<mpsc::Receiver<Value>> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// How many events found no room.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// A moment as Zoom writes it.
#[must_use]
pub fn zoom_time(at: Instant) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Who announces: the account and, for changes made through the API, its owner.
pub(super) struct Announcer<'a> {
    pub(super) sink: &'a EventSink,
    pub(super) account_id: &'a str,
    pub(super) operator: Option<(&'a str, &'a str)>,
    pub(super) now: Instant,
}

impl Announcer<'_> {
    fn send(&self, event: &str, mut payload: Map<String, Value>) {
        payload.insert("account_id".to_owned(), json!(self.account_id));
        self.sink.emit(json!({
            "event": event, "event_ts": self.now.timestamp_millis(), "payload": payload,
        }));
    }

    fn payload(&self, object: Value) -> Map<String, Value> {
        let mut payload = Map::new();
        if let Some((email, id)) = self.operator {
            payload.insert("operator".to_owned(), json!(email));
            payload.insert("operator_id".to_owned(), json!(id));
        }
        payload.insert("object".to_owned(), object);
        payload
    }

    pub(super) fn meeting_created(&self, meeting: &SandboxMeeting, join_url: &str) {
        let mut object = meeting_core(meeting);
        object.insert("join_url".to_owned(), json!(join_url));
        object.insert("password".to_owned(), json!(meeting.password));
        object.insert("creation_source".to_owned(), json!("open_api"));
        let named = ["use_pmi", "jbh_time", "join_before_host", "meeting_invitees", "alternative_hosts"];
        let settings: Map<_, _> = named
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), meeting.setting(name)?.clone())))
            .collect();
        object.insert("settings".to_owned(), Value::Object(settings));
        if let Some(recurrence) = &meeting.recurrence {
            object.insert("recurrence".to_owned(), recurrence.clone());
        }
        self.send("meeting.created", self.payload(Value::Object(object)));
    }

    /// `object` and `old_object` carry the meeting's number and what differs.
    pub(super) fn meeting_updated(&self, before: &SandboxMeeting, after: &SandboxMeeting) {
        let (old, new) = (changeable(before), changeable(after));
        let differs = |one: &Map<String, Value>, other: &Map<String, Value>| {
            let mut changed: Map<String, Value> = one
                .iter()
                .filter(|(name, value)| other.get(*name) != Some(value))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            changed.insert("id".to_owned(), json!(after.number));
            changed
        };
        let mut object = differs(&new, &old);
        object.insert("uuid".to_owned(), json!(after.uuid));
        object.insert("host_id".to_owned(), json!(after.host_id));
        let mut payload = self.payload(Value::Object(object));
        payload.insert("old_object".to_owned(), Value::Object(differs(&old, &new)));
        payload.insert("time_stamp".to_owned(), json!(self.now.timestamp_millis()));
        self.send("meeting.updated", payload);
    }

    pub(super) fn meeting_deleted(&self, meeting: &SandboxMeeting) {
        self.send("meeting.deleted", self.payload(Value::Object(meeting_core(meeting))));
    }

    /// A running instance was ended through the API.
    pub(super) fn meeting_ended(&self, meeting: &SandboxMeeting, uuid: &str, started: Instant) {
        let mut payload = Map::new();
        payload.insert(
            "object".to_owned(),
            json!({
                "id": meeting.number.to_string(), "uuid": uuid, "host_id": meeting.host_id,
                "topic": meeting.topic, "type": meeting.kind, "timezone": meeting.timezone,
                "duration": meeting.duration, "start_time": zoom_time(started), "end_time": zoom_time(self.now),
            }),
        );
        self.send("meeting.ended", payload);
    }

    /// `what` is `created`, `approved`, `cancelled` or `denied`.
    pub(super) fn registration(&self, what: &str, meeting: &SandboxMeeting, who: &SandboxRegistrant) {
        let mut registrant = json!({
            "id": who.id, "email": who.email, "first_name": who.first_name, "last_name": who.last_name,
            "join_url": who.join_url, "participant_pin_code": who.pin,
        });
        if let (Some(fields), "created") = (registrant.as_object_mut(), what) {
            fields.extend(who.answers.clone());
            fields.insert("status".to_owned(), json!(who.status.as_str()));
        }
        let mut object = meeting_core(meeting);
        object.insert("registrant".to_owned(), registrant);
        let payload = if what == "created" {
            Map::from_iter([("object".to_owned(), Value::Object(object))])
        } else {
            self.payload(Value::Object(object))
        };
        self.send(&format!("meeting.registration_{what}"), payload);
    }

    pub(super) fn user_created(&self, user: &SandboxUser, creation_type: &str) {
        let mut object = user_core(user);
        object.insert("display_name".to_owned(), json!(user.display_name));
        let mut payload = self.payload(Value::Object(object));
        payload.insert("creation_type".to_owned(), json!(creation_type));
        self.send("user.created", payload);
    }

    /// `what` is `invitation_accepted`, `activated`, `deactivated`, `deleted` or `disassociated`.
    pub(super) fn user(&self, what: &str, user: &SandboxUser) {
        self.send(&format!("user.{what}"), self.payload(Value::Object(user_core(user))));
    }

    pub(super) fn user_updated(&self, id: &str, before: &Map<String, Value>, after: &Map<String, Value>) {
        let with_id = |fields: &Map<String, Value>| {
            let mut object = fields.clone();
            object.insert("id".to_owned(), json!(id));
            Value::Object(object)
        };
        let mut payload = self.payload(with_id(after));
        payload.insert("old_object".to_owned(), with_id(before));
        payload.insert("time_stamp".to_owned(), json!(self.now.timestamp_millis()));
        self.send("user.updated", payload);
    }

    /// The download token stands beside `event`, at the top.
    pub(super) fn recording_completed(&self, object: Value, download_token: &str) {
        let mut payload = Map::new();
        payload.insert("account_id".to_owned(), json!(self.account_id));
        payload.insert("object".to_owned(), object);
        self.sink.emit(json!({
            "event": "recording.completed", "event_ts": self.now.timestamp_millis(), "payload": payload,
            "download_token": download_token,
        }));
    }
}

/// The fields every meeting event has; the number is a number here.
fn meeting_core(meeting: &SandboxMeeting) -> Map<String, Value> {
    let mut core = Map::new();
    core.insert("uuid".to_owned(), json!(meeting.uuid));
    core.insert("id".to_owned(), json!(meeting.number));
    core.insert("host_id".to_owned(), json!(meeting.host_id));
    core.insert("topic".to_owned(), json!(meeting.topic));
    core.insert("type".to_owned(), json!(meeting.kind));
    core.insert("duration".to_owned(), json!(meeting.duration));
    core.insert("timezone".to_owned(), json!(meeting.timezone));
    if meeting.kind != 3 {
        core.insert("start_time".to_owned(), json!(zoom_time(meeting.start)));
    }
    core
}

/// What an update can change.
fn changeable(meeting: &SandboxMeeting) -> Map<String, Value> {
    let mut fields = meeting_core(meeting);
    for fixed in ["uuid", "id", "host_id"] {
        fields.remove(fixed);
    }
    fields.insert("agenda".to_owned(), json!(meeting.agenda));
    fields.insert("password".to_owned(), json!(meeting.password));
    fields.insert("settings".to_owned(), Value::Object(meeting.settings.clone()));
    fields
}

fn user_core(user: &SandboxUser) -> Map<String, Value> {
    let mut core = Map::new();
    core.insert("id".to_owned(), json!(user.id));
    core.insert("first_name".to_owned(), json!(user.first_name));
    core.insert("last_name".to_owned(), json!(user.last_name));
    core.insert("email".to_owned(), json!(user.email));
    core.insert("type".to_owned(), json!(user.kind));
    core
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::ManualClock;
    use crate::sandbox::SandboxOptions;
    use crate::sandbox::model::Plan;
    use crate::sandbox::request::ApiRequest;
    use crate::sandbox::state::SandboxState;
    use crate::sandbox::{meetings, registrants};

    /// An account that nobody serves, so that its events can be read here.
    fn account() -> SandboxState {
        let clock = Arc::new(ManualClock::at("2026-03-02T10:00:00Z".parse().unwrap()));
        let text = str::to_owned;
        let options = SandboxOptions {
            bind: String::new(),
            clock,
            account_id: text("account"),
            client_id: text("client"),
            client_secret: text("secret"),
            webhook_secret: text("webhook"),
            webhook_url: None,
            plan: Plan::Business,
            seed: 1,
        };
        SandboxState::new(options, text("http://zoom"))
    }

    fn request(state: &SandboxState, params: &[(&'static str, &str)], body: &Value) -> ApiRequest {
        ApiRequest {
            params: params.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            query: std::collections::BTreeMap::new(),
            body: body.to_string().into(),
            subject: None,
            now: state.clock().now(),
            dropped_settings: Vec::new(),
        }
    }

    /// Creates a meeting with registration.
    fn meeting(state: &SandboxState) -> u64 {
        let body = json!({"topic": "Algebra", "settings": {"approval_type": 0}});
        let create = request(state, &[("userId", "me")], &body);
        meetings::create(&mut state.account(), &create).unwrap().meeting.unwrap()
    }

    #[test]
    fn a_meetings_life_is_announced_with_its_number_as_a_number() {
        let state = account();
        let mut events = state.events().take().unwrap();
        let number = meeting(&state);
        state.patch_meeting(number, &json!({"topic": "Geometry"})).unwrap();
        state.delete_meeting(number).unwrap();

        let created = events.try_recv().unwrap();
        assert_eq!(created["event"], "meeting.created");
        assert_eq!(created["event_ts"], state.now().timestamp_millis());
        let payload = &created["payload"];
        assert_eq!((&payload["account_id"], &payload["object"]["id"]), (&json!("account"), &json!(number)));
        assert_eq!(payload["operator"], "owner@sandbox.example");
        let updated = events.try_recv().unwrap();
        assert_eq!(updated["payload"]["object"]["topic"], "Geometry");
        assert_eq!(updated["payload"]["old_object"], json!({"id": number, "topic": "Algebra"}));
        assert_eq!(events.try_recv().unwrap()["event"], "meeting.deleted");
        assert!(events.try_recv().is_err());
    }

    #[test]
    fn a_registration_is_announced_by_nobody_and_its_approval_by_an_operator() {
        let state = account();
        let number = meeting(&state).to_string();
        let mut events = state.events().take().unwrap();
        events.try_recv().unwrap();
        let path = [("meetingId", number.as_str())];
        let person = json!({"email": "bob@home.example", "first_name": "Bob", "org": "Home"});
        registrants::add(&mut state.account(), &request(&state, &path, &person)).unwrap();
        let change = json!({"action": "approve", "registrants": [{"email": "bob@home.example"}]});
        registrants::set_status(&mut state.account(), &request(&state, &path, &change)).unwrap();

        let created = events.try_recv().unwrap();
        assert_eq!(created["payload"].get("operator"), None);
        let registrant = &created["payload"]["object"]["registrant"];
        assert_eq!((&registrant["status"], &registrant["org"]), (&json!("approved"), &json!("Home")));
        let approved = events.try_recv().unwrap();
        assert_eq!(approved["event"], "meeting.registration_approved");
        assert!(approved["payload"]["operator"].is_string());
        assert_eq!(approved["payload"]["object"]["registrant"].get("status"), None);
    }

    #[test]
    fn a_recordings_download_token_stands_beside_the_event() {
        let state = account();
        let number = meeting(&state);
        let mut events = state.events().take().unwrap();
        events.try_recv().unwrap();
        state.begin_instance(number, "run", state.now()).unwrap();
        assert!(state.publish_recording("run").is_err(), "it still runs");
        state.end_instance("run", state.now());
        state.publish_recording("run").unwrap();
        let completed = events.try_recv().unwrap();
        assert!(completed["download_token"].is_string());
        let file = &completed["payload"]["object"]["recording_files"][0];
        assert!(file["download_url"].as_str().unwrap().contains("/rec/webhook_download/"));
        assert_eq!(file["meeting_id"], "run", "the UUID, not the number");
    }
}
