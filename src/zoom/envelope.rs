//! The little of a webhook's body that is needed to store and route it, read without copying: no tree is built
//! and what is not asked for is skipped. [`super::event`] reads the rest, later and elsewhere.
//!
//! Zoom writes numbers and strings for the same field (`object.id` is a number in `meeting.created` and a
//! string in `meeting.started`), and the order of keys varies.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

/// The longest name of an event; Zoom's own stay below 70.
const EVENT_NAME_MAX: usize = 200;

/// What a webhook is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The event's name, for example `meeting.started`.
    pub event: Cow<'a, str>,
    /// When Zoom made the event, in milliseconds.
    pub event_ts: Option<i64>,
    /// The meeting's number, where the object has one.
    pub meeting_number: Option<Cow<'a, str>>,
    /// The instance's UUID.
    pub instance_uuid: Option<Cow<'a, str>>,
    /// The challenge of an `endpoint.url_validation`.
    pub plain_token: Option<Cow<'a, str>>,
}

/// Why a body is not understood.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// Not JSON, or not shaped like an event.
    #[error("it is no event: {0}")]
    Shape(#[from] serde_json::Error),
    /// A name that is empty, too long, or holds characters no name has.
    #[error("the event has no usable name")]
    Name,
}

/// Reads the envelope of a webhook's body.
///
/// # Errors
/// [`EnvelopeError`] when it is not JSON or not shaped like an event.
pub fn read(body: &[u8]) -> Result<Envelope<'_>, EnvelopeError> {
    let raw: RawEnvelope<'_> = serde_json::from_slice(body)?;
    let event = raw.event.text().filter(|name| name.len() <= EVENT_NAME_MAX).ok_or(EnvelopeError::Name)?;
    let payload = raw.payload.unwrap_or_default();
    let object = payload.object.unwrap_or_default();
    Ok(Envelope {
        event,
        event_ts: raw.event_ts.and_then(|ts| ts.text()?.parse().ok()),
        // Users, accounts and recordings' files have ids of other kinds.
        meeting_number: object
            .id
            .and_then(Scalar::text)
            .filter(|id| id.len() <= 20 && id.bytes().all(|byte| byte.is_ascii_digit())),
        instance_uuid: object.uuid.and_then(Scalar::text),
        plain_token: payload.plain_token.and_then(Scalar::text),
    })
}

#[derive(Deserialize)]
struct RawEnvelope<'a> {
    #[serde(borrow)]
    event: Scalar<'a>,
    #[serde(borrow, default)]
    event_ts: Option<Scalar<'a>>,
    #[serde(borrow, default)]
    payload: Option<RawPayload<'a>>,
}

#[derive(Deserialize, Default)]
struct RawPayload<'a> {
    #[serde(borrow, default)]
    object: Option<RawObject<'a>>,
    #[serde(borrow, default, rename = "plainToken")]
    plain_token: Option<Scalar<'a>>,
}

#[derive(Deserialize, Default)]
struct RawObject<'a> {
    #[serde(borrow, default)]
    id: Option<Scalar<'a>>,
    #[serde(borrow, default)]
    uuid: Option<Scalar<'a>>,
}

/// A string, or a number as a string.
struct Scalar<'a>(Cow<'a, str>);

impl<'a> Scalar<'a> {
    /// `None` for the empty string, which Zoom writes for "absent", and for text with NUL, which PostgreSQL
    /// cannot store.
    fn text(self) -> Option<Cow<'a, str>> {
        Some(self.0).filter(|text| !text.is_empty() && !text.contains('\0'))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;

        impl<'de> Visitor<'de> for ScalarVisitor {
            type Value = Scalar<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a number")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Scalar(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Scalar(Cow::Owned(text.to_owned())))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Scalar(Cow::Owned(number.to_string())))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Scalar(Cow::Owned(number.to_string())))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Scalar(Cow::Owned(number.to_string())))
            }
        }

        deserializer.deserialize_any(ScalarVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meeting_event_is_read_whether_its_number_is_a_number_or_a_string() {
        for id in ["85392858403", "\"85392858403\""] {
            let body = format!(
                r#"{{"payload":{{"account_id":"x","object":{{"uuid":"\/a+b==","id":{id},"type":2}}}},"event_ts":1700160240202,"event":"meeting.started"}}"#
            );
            let envelope = read(body.as_bytes()).unwrap();
            assert_eq!(envelope.event, "meeting.started");
            assert_eq!(envelope.event_ts, Some(1_700_160_240_202));
            assert_eq!(envelope.meeting_number.as_deref(), Some("85392858403"));
            assert_eq!(envelope.instance_uuid.as_deref(), Some("/a+b=="));
        }
    }

    #[test]
    fn a_validation_has_its_token_and_no_meeting() {
        let body = br#"{"payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event_ts":1626230691572,"event":"endpoint.url_validation"}"#;
        let envelope = read(body).unwrap();
        assert_eq!(envelope.plain_token.as_deref(), Some("qgg8vlvZRS6UYooatFL8Aw"));
        assert_eq!(envelope.meeting_number, None);
    }

    #[test]
    fn null_empty_and_absent_are_the_same() {
        for object in [r#"{"id":"","uuid":null}"#, "{}", "null"] {
            let body = format!(r#"{{"event":"user.updated","payload":{{"object":{object}}}}}"#);
            let envelope = read(body.as_bytes()).unwrap();
            assert_eq!(
                (envelope.meeting_number, envelope.instance_uuid, envelope.event_ts),
                (None, None, None)
            );
        }
    }

    #[test]
    fn an_id_that_is_no_number_is_no_meeting() {
        let body = br#"{"event":"user.updated","payload":{"object":{"id":"tUo7WohjTs6ELvl9WR3JAA"}}}"#;
        assert_eq!(read(body).unwrap().meeting_number, None);
    }

    #[test]
    fn what_is_no_event_is_an_error_and_never_a_panic() {
        for body in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"event":null}"#,
            r#"{"event":""}"#,
            r#"{"event":"a\u0000b"}"#,
            "\u{feff}{",
        ] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
        assert!(read(b"\xff\xfe").is_err());
    }
}
