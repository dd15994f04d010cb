//! One signed request to the receiver of webhooks, as Zoom makes it.
//!
//! The signing is written out here on purpose: the sandbox must not share the code that verifies.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::Sha256;

use super::model::Webhook;
use super::webhook::WebhookEvent;
use crate::clock::Instant;
use crate::zoom::http::{Client, RequestBuilder, client};
use crate::zoom::ids;

/// Zoom waits this long for an answer, in real time.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// The most that is read of an answer to a validation.
const ANSWER_BYTES_MAX: usize = 4096;

/// What came of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The HTTP status, if there was an answer in time.
    pub status: Option<u16>,
    /// Why there was none.
    pub error: Option<String>,
}

impl Outcome {
    /// Whether Zoom takes the event for delivered.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// What came of an `endpoint.url_validation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Validation {
    /// Whether Zoom would accept the receiver.
    pub valid: bool,
    /// The HTTP status, if there was an answer in time.
    pub status: Option<u16>,
    /// What was wrong.
    pub reason: Option<String>,
}

/// Carries events to the receiver.
#[derive(Debug, Clone)]
pub(super) struct Courier {
    client: Client,
}

impl Courier {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { client: client(ANSWER_WITHIN).map_err(io::Error::other)? })
    }

    /// Sends an event once, signed for this moment. `request_id` stays the same over the retries.
    pub(super) async fn carry(
        &self,
        event: &WebhookEvent,
        request_id: &str,
        to: &Webhook,
        now: Instant,
    ) -> Outcome {
        let Some(url) = &to.url else {
            return Outcome { status: None, error: Some("nobody receives webhooks".to_owned()) };
        };
        let request = self.request(url, &event.body, request_id, to, now).header("accept-encoding", "gzip");
        match request.send().await {
            Ok(answer) => Outcome { status: Some(answer.status().as_u16()), error: None },
            Err(error) if error.is_timeout() => Outcome { status: None, error: Some("timeout".to_owned()) },
            Err(error) => Outcome { status: None, error: Some(error.without_url().to_string()) },
        }
    }

    /// Asks the receiver to prove that it knows the secret.
    pub(super) async fn validate(&self, to: &Webhook, now: Instant) -> Validation {
        let refused =
            |status, reason: &str| Validation { valid: false, status, reason: Some(reason.to_owned()) };
        let Some(url) = &to.url else { return refused(None, "nobody receives webhooks") };
        let mut rng = StdRng::seed_from_u64(now.timestamp_millis().unsigned_abs());
        let plain = ids::user_id(&mut rng);
        let event = json!({"payload": {"plainToken": plain}, "event_ts": now.timestamp_millis(),
            "event": "endpoint.url_validation"});
        let body = Bytes::from(event.to_string());
        let mut answer = match self.request(url, &body, &request_id(&mut rng), to, now).send().await {
            Ok(answer) => answer,
            Err(error) if error.is_timeout() => return refused(None, "no answer within 3 seconds"),
            Err(error) => return refused(None, &error.without_url().to_string()),
        };
        let status = answer.status().as_u16();
        if status != 200 {
            return refused(Some(status), "the status is not 200");
        }
        let mut read = Vec::new();
        while let Ok(Some(chunk)) = answer.chunk().await {
            read.extend_from_slice(&chunk);
            if read.len() > ANSWER_BYTES_MAX {
                return refused(Some(status), "the answer is too long");
            }
        }
        let expected =
            json!({"plainToken": plain, "encryptedToken": hmac_hex(&to.secret, &[plain.as_bytes()])});
        match serde_json::from_slice::<Value>(&read) {
            Ok(told) if told == expected => Validation { valid: true, status: Some(status), reason: None },
            Ok(_) => refused(Some(status), "the tokens are not the expected ones"),
            Err(_) => refused(Some(status), "the answer is not JSON"),
        }
    }

    fn request(
        &self,
        url: &str,
        body: &Bytes,
        request_id: &str,
        to: &Webhook,
        now: Instant,
    ) -> RequestBuilder {
        let timestamp = now.timestamp().to_string();
        let tracking = format!("v=2.0;clid=us06;rid=WEB_{}", hmac_hex(request_id, &[timestamp.as_bytes()]));
        self.client
            .post(url)
            .header("user-agent", "Zoom Marketplace/1.0a")
            .header("content-type", "application/json; charset=utf-8")
            .header("authorization", "legacy-verification-token")
            .header("clientid", "sandbox-client")
            .header("x-zm-signature", signature(&to.secret, &timestamp, body))
            .header("x-zm-request-timestamp", timestamp)
            .header("x-zm-request-id", request_id)
            .header("x-zm-trackingid", tracking.get(..56).unwrap_or(&tracking))
            .body(body.clone())
    }
}

/// A fresh request id.
pub(super) fn request_id(rng: &mut StdRng) -> String {
    uuid::Builder::from_random_bytes(rng.random()).into_uuid().to_string()
}

/// The value of `x-zm-signature`: over the header's text and the raw bytes.
fn signature(secret: &str, timestamp: &str, body: &[u8]) -> String {
    format!("v0={}", hmac_hex(secret, &[b"v0:", timestamp.as_bytes(), b":", body]))
}

fn hmac_hex(secret: &str, parts: &[&[u8]]) -> String {
    // HMAC takes keys of any length, so there is always one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    parts.iter().for_each(|part| mac.update(part));
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_and_tokens_are_zooms() {
        let body = br#"{"event":"meeting.started","payload":{"account_id":"AAAAAABBBB","object":{"id":"1234567890"}},"event_ts":1626230691572}"#;
        assert_eq!(
            signature("zoomwebhooksecret", "1660149894", body),
            "v0=cce931338eb878e3b69e0365de629de436afd6bed51dcaee65320b56c6730001"
        );
        assert_eq!(
            hmac_hex("zoomwebhooksecret", &[b"Kn5a3Wv7SP6YP5b4BWfZpg"]),
            "2a41c3138d2187a756c51428f78d192e9b88dcf44dd62d1b081ace4ec2241e0a"
        );
    }

    #[test]
    fn only_two_hundreds_are_success() {
        let outcome = |status| Outcome { status, error: None };
        assert!(outcome(Some(200)).is_success() && outcome(Some(204)).is_success());
        assert!(!outcome(Some(302)).is_success() && !outcome(Some(500)).is_success());
        assert!(!outcome(None).is_success());
    }
}
