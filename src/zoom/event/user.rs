//! Webhooks about users: only of whom they speak. What they say is asked of Zoom instead, because such webhooks come
//! late, twice and in any order, and name only what changed.

use serde::Deserialize;

use super::lenient::{Object, Text};

/// What can change who hosts, and with which licence.
const TELLING: [&str; 7] = [
    "user.created",
    "user.invitation_accepted",
    "user.updated",
    "user.activated",
    "user.deactivated",
    "user.deleted",
    "user.disassociated",
];

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Envelope<'a> {
    payload: Object<Payload<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Payload<'a> {
    object: Object<User<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct User<'a> {
    id: Text<'a>,
    email: Text<'a>,
}

/// The user that an event speaks of, by id, else by address in lower case; none where the event says nothing about
/// hosting, or names nobody.
#[must_use]
pub fn told_of(event: &str, body: &str) -> Option<String> {
    if !TELLING.contains(&event) {
        return None;
    }
    let envelope: Envelope<'_> = serde_json::from_str(body).ok()?;
    let user = &envelope.payload.0.object.0;
    user.id.owned().or_else(|| user.email.get().map(str::to_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_known_by_id_else_by_address() {
        let by_id = r#"{"event":"user.updated","payload":{"object":{"id":"abc","type":2}}}"#;
        assert_eq!(told_of("user.updated", by_id).as_deref(), Some("abc"));
        let pending = r#"{"payload":{"object":{"id":"","email":"Ana@School.example"}}}"#;
        assert_eq!(told_of("user.created", pending).as_deref(), Some("ana@school.example"));
    }

    #[test]
    fn what_says_nothing_about_hosting_is_passed_over() {
        let body = r#"{"payload":{"object":{"id":"abc"}}}"#;
        assert_eq!(told_of("user.presence_status_updated", body), None);
        assert_eq!(told_of("user.updated", "[]"), None);
        assert_eq!(told_of("user.deleted", r#"{"payload":{}}"#), None);
    }
}
