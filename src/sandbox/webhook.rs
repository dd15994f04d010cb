//! The bodies of Zoom's meeting webhooks, with the quirks that captured ones show.
//!
//! The meeting's number is a string here (in `meeting.created` it is a number); guests have `""` for id and
//! e-mail; `registrant_id` of the unregistered is null or missing on joining and `""` on leaving; addresses
//! of the connection come although the published schema forbids them; `host_email` is missing although the
//! schema demands it; participant events put `payload` first.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::clock::Instant;

/// The address every device has at home.
const PRIVATE_IP: &str = "192.0.2.10";

/// One webhook as it will be sent: the bytes are what is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEvent {
    /// The event's name.
    pub name: String,
    /// The meeting's number, where it is about one.
    pub meeting: Option<String>,
    /// The UUID of the instance, where it is about one.
    pub instance: Option<String>,
    /// The `event_ts` in the body.
    pub ts: Instant,
    /// The body.
    pub body: Bytes,
}

/// Key order of most events.
#[derive(Serialize)]
struct EventFirst<'a> {
    event: &'a str,
    payload: &'a Value,
    event_ts: i64,
}

/// Key order of participant events.
#[derive(Serialize)]
struct PayloadFirst<'a> {
    payload: &'a Value,
    event_ts: i64,
    event: &'a str,
}

impl WebhookEvent {
    /// An event with this payload, stamped `ts`.
    #[must_use]
    pub fn new(name: &str, ts: Instant, payload: &Value) -> Self {
        let event_ts = ts.timestamp_millis();
        let body = if name.starts_with("meeting.participant_") {
            serde_json::to_vec(&PayloadFirst { payload, event_ts, event: name })
        } else {
            serde_json::to_vec(&EventFirst { event: name, payload, event_ts })
        };
        // A `Value` has string keys only, and such a thing always serialises.
        Self::with_body(name, ts, payload, body.unwrap_or_default().into())
    }

    /// A complete event that somebody else has put together.
    #[must_use]
    pub fn complete(event: &Value) -> Self {
        let name = event.get("event").and_then(Value::as_str).unwrap_or_default();
        let ts = event.get("event_ts").and_then(Value::as_i64).and_then(DateTime::from_timestamp_millis);
        let payload = event.get("payload").unwrap_or(&Value::Null);
        Self::with_body(name, ts.unwrap_or_default(), payload, event.to_string().into())
    }

    fn with_body(name: &str, ts: Instant, payload: &Value, body: Bytes) -> Self {
        let object = payload.get("object").filter(|_| name.starts_with("meeting."));
        let meeting = match object.and_then(|object| object.get("id")) {
            Some(Value::Number(number)) => Some(number.to_string()),
            Some(Value::String(number)) => Some(number.clone()),
            _ => None,
        };
        let uuid = object.and_then(|object| object.get("uuid")).and_then(Value::as_str);
        Self { name: name.to_owned(), meeting, instance: uuid.map(str::to_owned), ts, body }
    }
}

/// What every event of an instance says about its meeting.
#[derive(Debug, Clone)]
pub(super) struct Scene<'a> {
    pub account_id: &'a str,
    pub number: &'a str,
    pub uuid: &'a str,
    pub host_id: &'a str,
    pub topic: &'a str,
    /// Zoom's meeting type: 2 is a scheduled one.
    pub kind: i64,
    /// Actual start once there is one, planned start before.
    pub start: Instant,
    pub timezone: &'a str,
    /// The planned minutes, also after the end.
    pub duration: u32,
}

/// What an event says about a participant.
#[derive(Debug, Clone)]
pub(super) struct Participant<'a> {
    /// New for every stay.
    pub user_id: u64,
    /// New for every entry into the main room.
    pub uuid: &'a str,
    /// The `user_id` in the main room, for stays in a breakout room.
    pub parent: Option<u64>,
    pub name: &'a str,
    /// `""` for whoever is not signed in to the account.
    pub zoom_user_id: &'a str,
    /// `""` for whoever's address Zoom hides.
    pub email: &'a str,
    pub registrant_id: Option<&'a str>,
    pub customer_key: Option<&'a str>,
    pub phone_number: Option<&'a str>,
    pub public_ip: String,
    /// Whether `registrant_id` of the unregistered is null on joining, as some captures show, or missing.
    pub null_registrant: bool,
}

impl Scene<'_> {
    pub(super) fn started(&self, ts: Instant) -> WebhookEvent {
        self.event("meeting.started", ts, self.object())
    }

    pub(super) fn ended(&self, end: Instant, ts: Instant) -> WebhookEvent {
        let mut object = self.object();
        object.insert("end_time".into(), time(end));
        self.event("meeting.ended", ts, object)
    }

    /// The events about somebody who is there before the host; they know little of them.
    pub(super) fn before_host(&self, name: &str, who: &Participant<'_>, ts: Instant) -> WebhookEvent {
        let mut participant = Map::new();
        participant.insert("id".into(), who.zoom_user_id.into());
        participant.insert("user_name".into(), who.name.into());
        who.add_known(&mut participant);
        self.about(name, ts, participant)
    }

    pub(super) fn joined(&self, who: &Participant<'_>, at: Instant, ts: Instant) -> WebhookEvent {
        let mut participant = who.joining(at);
        participant.insert("public_ip".into(), who.public_ip.as_str().into());
        if who.null_registrant && who.registrant_id.is_none() {
            participant.insert("registrant_id".into(), Value::Null);
        }
        self.about("meeting.participant_joined", ts, participant)
    }

    pub(super) fn left(&self, who: &Participant<'_>, at: Instant, why: &str, ts: Instant) -> WebhookEvent {
        let mut participant = who.leaving(at, why);
        participant.insert("public_ip".into(), who.public_ip.as_str().into());
        participant.insert("private_ip".into(), PRIVATE_IP.into());
        self.about("meeting.participant_left", ts, participant)
    }

    /// The events of the waiting room, which all say one `date_time`.
    pub(super) fn waiting(
        &self,
        name: &str,
        who: &Participant<'_>,
        at: Instant,
        ts: Instant,
    ) -> WebhookEvent {
        let mut participant = who.base();
        participant.insert("date_time".into(), time(at));
        who.add_known(&mut participant);
        self.about(name, ts, participant)
    }

    pub(super) fn joined_breakout(
        &self,
        who: &Participant<'_>,
        room: &str,
        at: Instant,
        ts: Instant,
    ) -> WebhookEvent {
        self.in_breakout("meeting.participant_joined_breakout_room", room, who.joining(at), ts)
    }

    pub(super) fn left_breakout(
        &self,
        who: &Participant<'_>,
        room: &str,
        at: Instant,
        why: &str,
        ts: Instant,
    ) -> WebhookEvent {
        self.in_breakout("meeting.participant_left_breakout_room", room, who.leaving(at, why), ts)
    }

    fn object(&self) -> Map<String, Value> {
        let mut object = Map::new();
        object.insert("id".into(), self.number.into());
        object.insert("uuid".into(), self.uuid.into());
        object.insert("type".into(), self.kind.into());
        object.insert("topic".into(), self.topic.into());
        object.insert("host_id".into(), self.host_id.into());
        object.insert("duration".into(), self.duration.into());
        object.insert("start_time".into(), time(self.start));
        object.insert("timezone".into(), self.timezone.into());
        object
    }

    fn about(&self, name: &str, ts: Instant, participant: Map<String, Value>) -> WebhookEvent {
        let mut object = self.object();
        object.insert("participant".into(), participant.into());
        self.event(name, ts, object)
    }

    fn in_breakout(
        &self,
        name: &str,
        room: &str,
        participant: Map<String, Value>,
        ts: Instant,
    ) -> WebhookEvent {
        let mut object = self.object();
        object.insert("breakout_room_uuid".into(), room.into());
        object.insert("participant".into(), participant.into());
        self.event(name, ts, object)
    }

    fn event(&self, name: &str, ts: Instant, object: Map<String, Value>) -> WebhookEvent {
        let payload = json!({"account_id": self.account_id, "object": object});
        WebhookEvent::new(name, ts, &payload)
    }
}

impl Participant<'_> {
    fn base(&self) -> Map<String, Value> {
        let mut participant = Map::new();
        participant.insert("user_id".into(), self.user_id.to_string().into());
        participant.insert("user_name".into(), self.name.into());
        participant.insert("id".into(), self.zoom_user_id.into());
        participant.insert("participant_user_id".into(), self.zoom_user_id.into());
        participant.insert("participant_uuid".into(), self.uuid.into());
        participant.insert("email".into(), self.email.into());
        if let Some(parent) = self.parent {
            participant.insert("parent_user_id".into(), parent.to_string().into());
        }
        if let Some(number) = self.phone_number {
            participant.insert("phone_number".into(), number.into());
        }
        participant
    }

    fn joining(&self, at: Instant) -> Map<String, Value> {
        let mut participant = self.base();
        participant.insert("join_time".into(), time(at));
        self.add_known(&mut participant);
        participant
    }

    fn leaving(&self, at: Instant, why: &str) -> Map<String, Value> {
        let mut participant = self.base();
        participant.insert("leave_time".into(), time(at));
        participant.insert("leave_reason".into(), format!("left the meeting. Reason : {why}").into());
        participant.insert("registrant_id".into(), "".into());
        self.add_known(&mut participant);
        participant
    }

    /// Adds what only some participants have.
    fn add_known(&self, participant: &mut Map<String, Value>) {
        if let Some(registrant) = self.registrant_id {
            participant.insert("registrant_id".into(), registrant.into());
        }
        if let Some(key) = self.customer_key {
            participant.insert("customer_key".into(), key.into());
        }
    }
}

/// A time as Zoom writes it: UTC, whole seconds.
fn time(at: DateTime<Utc>) -> Value {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene() -> Scene<'static> {
        Scene {
            account_id: "NC2MxQ9RR-ucygc5mo3MSw",
            number: "88330591739",
            uuid: "Jt4PAh1jSaiRSDnd90ssWA==",
            host_id: "6y-Yqx-DSGiUlkjaIH7ISw",
            topic: "Math",
            kind: 2,
            start: DateTime::from_timestamp(1_749_064_310, 0).unwrap(),
            timezone: "Asia/Riyadh",
            duration: 40,
        }
    }

    fn guest() -> Participant<'static> {
        Participant {
            user_id: 16_778_240,
            uuid: "10010282-DB44-816C-EAE6-61EE82AF0F62",
            parent: None,
            name: "Alice",
            zoom_user_id: "",
            email: "",
            registrant_id: None,
            customer_key: None,
            phone_number: None,
            public_ip: "203.0.113.7".to_owned(),
            null_registrant: false,
        }
    }

    fn body(event: &WebhookEvent) -> Value {
        serde_json::from_slice(&event.body).unwrap()
    }

    #[test]
    fn a_guests_joining_and_leaving_look_like_captured_ones() {
        let (scene, at) = (scene(), DateTime::from_timestamp(1_749_064_385, 0).unwrap());
        let joined = scene.joined(&guest(), scene.start, at);
        assert!(joined.body.starts_with(br#"{"payload":{"account_id":"#));
        assert!(joined.body.ends_with(br#""event_ts":1749064385000,"event":"meeting.participant_joined"}"#));
        assert_eq!(
            body(&joined)["payload"]["object"]["participant"],
            json!({"id": "", "email": "", "user_id": "16778240", "join_time": "2025-06-04T19:11:50Z",
                "public_ip": "203.0.113.7", "user_name": "Alice", "participant_user_id": "",
                "participant_uuid": "10010282-DB44-816C-EAE6-61EE82AF0F62"})
        );
        let left = body(&scene.left(&guest(), at, "left the meeting", at));
        let participant = &left["payload"]["object"]["participant"];
        assert_eq!(participant["leave_reason"], "left the meeting. Reason : left the meeting");
        assert_eq!(participant["registrant_id"], "");
        assert!(participant.get("join_time").is_none());
    }

    #[test]
    fn a_null_registrant_gives_way_to_a_known_one() {
        let scene = scene();
        let nobody = Participant { null_registrant: true, ..guest() };
        let joined = body(&scene.joined(&nobody, scene.start, scene.start));
        assert_eq!(joined["payload"]["object"]["participant"]["registrant_id"], Value::Null);
        let known = Participant { registrant_id: Some("r1"), ..nobody };
        let joined = body(&scene.joined(&known, scene.start, scene.start));
        assert_eq!(joined["payload"]["object"]["participant"]["registrant_id"], "r1");
    }
}
