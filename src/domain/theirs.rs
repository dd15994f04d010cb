//! What of a record that speaks of several people is one person's: of a line of a story, and of a webhook.

use std::collections::BTreeSet;

use serde_json::Value;

use super::erasure::names;

/// Lists in the facts of a line that speak of several people: their entries have a `person`, or are `ref`s.
const LISTS: [&str; 3] = ["changed", "people", "marks"];
/// The parts of a webhook that are about one person.
const PARTS: [&str; 2] = ["participant", "registrant"];
/// What such a part may keep of somebody who is erased: which connection it is, and its times.
const KEPT: [&str; 8] = [
    "participant_uuid",
    "user_id",
    "join_time",
    "leave_time",
    "date_time",
    "create_time",
    "status",
    "breakout_room_uuid",
];
/// The link that opens a meeting to whoever has it.
const LINK: &str = "join_url";

/// What of a line of a story is about this person: its facts, with lists cut to what is theirs; `None` when it is about
/// others.
#[must_use]
pub fn of_line(who: &str, text: &str, details: Option<Value>) -> Option<Option<Value>> {
    let mut is_theirs = names(text, who);
    let Some(mut details) = details else { return is_theirs.then_some(None) };
    let is_who = |value: Option<&Value>| value.and_then(Value::as_str) == Some(who);
    if let Some(fields) = details.as_object_mut() {
        match fields.get("person") {
            person if is_who(person) => is_theirs = true,
            Some(Value::String(_)) => return None,
            _ => is_theirs |= is_who(fields.get("by")),
        }
        for list in LISTS {
            if let Some(Value::Array(entries)) = fields.get_mut(list) {
                entries.retain(|entry| is_who(Some(entry)) || is_who(entry.get("person")));
                is_theirs |= !entries.is_empty();
            }
        }
    }
    is_theirs.then_some(Some(details))
}

/// By what a person is known in webhooks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traces {
    /// Zoom's ids of their connections.
    pub connections: BTreeSet<String>,
    /// Zoom's ids of registrations that are theirs alone.
    pub registrants: BTreeSet<String>,
    /// Their address, where it is theirs alone.
    pub email: Option<String>,
}

impl Traces {
    /// The part of a webhook that is about them, with its name.
    #[must_use]
    pub fn part<'a>(&self, body: &'a Value) -> Option<(&'static str, &'a Value)> {
        let object = body.pointer("/payload/object")?;
        let parts = PARTS.into_iter().filter_map(|name| Some((name, object.get(name)?)));
        parts.into_iter().find(|(name, part)| self.are_in(name, part))
    }

    fn are_in(&self, name: &str, part: &Value) -> bool {
        let text = |key| part.get(key).and_then(Value::as_str).unwrap_or_default();
        let registrant = if name == "registrant" { text("id") } else { text("registrant_id") };
        self.email.as_deref().is_some_and(|email| email.to_lowercase() == text("email").to_lowercase())
            || self.connections.contains(text("participant_uuid"))
            || self.registrants.contains(registrant)
    }

    /// Takes whatever says who they are out of a webhook about them, and puts `erased` in the place of their name;
    /// whether it was about them and said so.
    pub fn erase(&self, body: &mut Value, erased: &str) -> bool {
        let Some((name, _)) = self.part(body) else { return false };
        let part = body.pointer_mut(&format!("/payload/object/{name}")).and_then(Value::as_object_mut);
        let Some(part) = part else { return false };
        let before = part.clone();
        for (key, value) in part.iter_mut() {
            match value {
                _ if KEPT.contains(&key.as_str()) => {}
                Value::String(text) if key == "user_name" => erased.clone_into(text),
                Value::String(text) => text.clear(),
                Value::Array(_) | Value::Object(_) => *value = Value::Null,
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
        *part != before
    }
}

/// A part of a webhook without the link that is a secret.
#[must_use]
pub fn without_link(part: &Value) -> Value {
    let mut part = part.clone();
    if let Some(fields) = part.as_object_mut() {
        fields.remove(LINK);
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_is_theirs_by_its_person_its_list_or_its_words() {
        let of = |text: &str, details: Value| of_line("s-1", text, Some(details));
        let about = |person: &str| json!({ "person": person, "from": "absent", "to": "late" });
        assert_eq!(of("a mark was corrected", about("s-1")), Some(Some(about("s-1"))));
        assert_eq!(of("a mark was corrected", about("s-12")), None, "a longer ref is somebody else's");
        let by_them = json!({ "person": "s-12", "by": "s-1" });
        assert_eq!(of("a mark was corrected", by_them), None, "the mark is another's");
        let all = json!({ "changed": [about("s-12"), about("s-1")], "people": 2, "rules": "standard@1" });
        let own = json!({ "changed": [about("s-1")], "people": 2, "rules": "standard@1" });
        assert_eq!(of("attendance is final", all), Some(Some(own)));
        let others = json!({ "changed": [about("s-12")], "people": 1 });
        assert_eq!(of("attendance is final", others.clone()), None);
        let named = of("s-1 changed it", others).unwrap().unwrap();
        assert_eq!(
            named,
            json!({ "changed": [], "people": 1 }),
            "others are cut off however it became theirs"
        );
        let registered = json!({ "people": ["s-12", "s-1"] });
        assert_eq!(of("2 people were registered", registered), Some(Some(json!({ "people": ["s-1"] }))));
        assert_eq!(of_line("s-1", "s-12 left the roster", None), None);
        assert_eq!(of_line("s-1", "s-1 left the roster", None), Some(None));
        assert_eq!(of_line("ada", "the report is unreadable", None), None);
        let made = json!({ "by": "s-1" });
        assert_eq!(of("the booking was made", made.clone()), Some(Some(made)));
    }

    #[test]
    fn a_webhook_is_theirs_by_connection_registration_or_address() {
        let traces = Traces {
            connections: BTreeSet::from(["uuid-1".to_owned()]),
            registrants: BTreeSet::from(["reg-1".to_owned()]),
            email: Some("Ada@school.example".to_owned()),
        };
        let body = |part: &str, what: Value| json!({ "payload": { "object": { "id": "7", part: what } } });
        for (part, what) in [
            (
                "participant",
                json!({ "user_name": "iPad", "participant_uuid": "uuid-1", "email": "x@y.example" }),
            ),
            ("participant", json!({ "user_name": "iPad", "registrant_id": "reg-1" })),
            ("registrant", json!({ "id": "reg-1", "first_name": "Ada" })),
            ("registrant", json!({ "id": "reg-9", "email": "ada@school.example", "join_url": "https://x" })),
        ] {
            let mut body = body(part, what);
            assert_eq!(traces.part(&body).unwrap().0, part);
            assert!(without_link(traces.part(&body).unwrap().1).get("join_url").is_none());
            assert!(traces.erase(&mut body, "erased-x"), "{body}");
            let left = body.to_string();
            assert!(!left.contains("iPad") && !left.contains("da") && !left.contains("https"), "{left}");
            assert!(!traces.erase(&mut body, "erased-x"), "once");
        }
        let mut other =
            body("participant", json!({ "user_name": "iPad", "email": "", "participant_uuid": "" }));
        assert!(!Traces::default().erase(&mut other, "erased-x") && !traces.erase(&mut other, "erased-x"));
    }
}
