//! Webhooks of registrations bring the personal link: it is not kept with them.

use serde_json::Value;

/// The body without the personal link that news of a registration bring: who registers is read from Zoom's lists, and
/// there the link is sealed. What makes the event itself was taken from the body as it came.
pub(super) fn without(body: String) -> String {
    const LINK: &str = "join_url";
    if !body.contains("registrant") || !body.contains(LINK) {
        return body;
    }
    let Ok(mut value) = serde_json::from_str::<Value>(&body) else { return body };
    let registrant = value.pointer_mut("/payload/object/registrant").and_then(Value::as_object_mut);
    match registrant.and_then(|registrant| registrant.get_mut(LINK)) {
        Some(link) => {
            *link = Value::from("");
            value.to_string()
        }
        None => body,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use crate::store::inbox::{Heading, NewEvent, digest};

    #[test]
    fn a_personal_link_is_not_kept_and_the_event_stays_itself() {
        let body = r#"{"event":"meeting.registration_created","event_ts":7,"payload":{"object":{"id":1,"join_url":"https://zoom.example/j/1","registrant":{"id":"R1","email":"p@home.example","join_url":"https://zoom.example/w/1?tk=x"}}}}"#;
        let heading = || {
            Ok(Heading {
                event: "meeting.registration_created".to_owned(),
                event_ts: Some(7),
                ..Heading::default()
            })
        };
        let event = NewEvent::new(body.as_bytes().to_vec(), heading(), DateTime::UNIX_EPOCH, 0);
        assert_eq!(event.digest, digest(Some(7), body.as_bytes()));
        assert!(!event.body.contains("tk=x") && event.body.contains("/j/1") && event.body.contains("R1"));
        let other = body.replace(r#""registrant":"#, r#""participant":"#);
        let event = NewEvent::new(other.clone().into_bytes(), heading(), DateTime::UNIX_EPOCH, 0);
        assert_eq!(event.body, other, "anything else is kept as it came");
    }
}
