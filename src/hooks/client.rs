//! One attempt to deliver one message: a signed POST, and its answer as far as it matters.

use std::time::Duration;

use chrono::TimeDelta;

use super::signature::SigningKey;
use crate::clock::Instant;
use crate::domain::delivery::Answer;
use crate::zoom::http::header::{CONTENT_TYPE, RETRY_AFTER};
use crate::zoom::http::{self, Client, Error, Response, Url};

/// How long an endpoint may take to answer (Standard Webhooks suggests 15 to 30 s).
pub const ANSWER_MAX: Duration = Duration::from_secs(15);

/// Sends messages to endpoints.
#[derive(Debug, Clone)]
pub struct HookClient(Client);

/// How an attempt came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What it means.
    pub answer: Answer,
    /// Why it failed, in our own words: what the endpoint said is its own business and is not read.
    pub error: Option<String>,
}

impl HookClient {
    /// A client; connections are shared by all endpoints.
    ///
    /// # Errors
    /// When TLS cannot be set up at all.
    pub fn new() -> Result<Self, Error> {
        http::client(ANSWER_MAX).map(Self)
    }

    /// Sends the message `id` with this body, signed as of `now`.
    pub async fn send(&self, url: &Url, key: &SigningKey, id: &str, body: &str, now: Instant) -> Attempt {
        let timestamp = now.timestamp();
        let sent = self
            .0
            .post(url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", key.sign(id, timestamp, body))
            .body(body.to_owned())
            .send()
            .await;
        match sent {
            Ok(response) => answered(&response),
            Err(error) => Attempt { answer: Answer::Silence, error: Some(reason(&error).to_owned()) },
        }
    }
}

fn answered(response: &Response) -> Attempt {
    let status = response.status().as_u16();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse::<u32>().ok())
        .map(|seconds| TimeDelta::seconds(i64::from(seconds)));
    let error = (!response.status().is_success()).then(|| format!("answered {status}"));
    Attempt { answer: Answer::Status { status, retry_after }, error }
}

/// The kind of a failure. The error's own text names the URL, which may hold a token.
fn reason(error: &Error) -> &'static str {
    if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "cannot be reached"
    } else {
        "the connection broke"
    }
}
